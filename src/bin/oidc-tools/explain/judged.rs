//! A question and its answer, found by the Worker's own code.

use edge_oidc::{
    config::Config,
    policy::{
        Access, Challenge, Rule,
        suppose::{Asked, Outcome, Supposed, suppose},
    },
    route::{self, Route},
    time::Timestamp,
    web::path::RequestPath,
};
use serde_json::Value;

use crate::failure::Failure;

/// What is asked: a method, a path as it stands in the request, and who comes.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) whom: Supposed,
}

/// Why a rule does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    Path,
    Method,
    /// An earlier one has decided.
    Later,
}

/// A rule as it was met: `None` is the one that decides.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) name: String,
    pub(crate) rule: String,
    pub(crate) miss: Option<Miss>,
}

/// What a rule asks for in vain, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    pub(crate) asked: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// The whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) rules: Vec<Met>,
    /// The index of the rule that decides, if one does.
    pub(crate) decided_by: Option<usize>,
    pub(crate) verdict: &'static str,
    /// What that means, in words.
    pub(crate) meaning: String,
    pub(crate) unmet: Vec<Unmet>,
}

/// Every verdict, as tests name it.
pub(crate) const VERDICTS: [&str; 7] = ["admit", "sign_in", "step_up", "challenge", "forbid", "refuse", "own"];

/// Answers by the code that the Worker runs.
pub(crate) fn answer(config: &Config, question: &Question, now: Timestamp) -> Result<Answer, Failure> {
    let path = question.path.split(['?', '#']).next().unwrap_or_default();
    let alone =
        |verdict, meaning: String| Answer { rules: Vec::new(), decided_by: None, verdict, meaning, unmet: Vec::new() };
    if !path.starts_with('/') {
        return Err(Failure::new(format!("expected a path that begins with /, got {path}")).cure("GET /some/path"));
    }
    let path = match RequestPath::parse(path) {
        Ok(path) => path,
        Err(error) => return Ok(alone("refuse", format!("400 before any rule is read: {error}"))),
    };
    let rule = match route::route(config, &question.method, &path) {
        Route::Rule(rule) => rule,
        Route::Own(endpoint) => {
            return Ok(alone("own", format!("an endpoint of the Worker ({endpoint:?}), before all rules")));
        }
        Route::Ambiguous => {
            return Ok(alone("refuse", "400: with `;` or `//` in the path another rule would match".to_owned()));
        }
    };
    let index = config.rules.iter().position(|other| core::ptr::eq(other, rule));
    let mut judgement = suppose(rule, &question.whom, now);
    // Where the cookies don't reach, nobody can be signed in.
    if judgement.outcome == Outcome::SignIn && !route::cookies_reach(&config.routes, &path) {
        judgement.outcome = Outcome::Forbid;
    }
    let (verdict, meaning) = match judgement.outcome {
        Outcome::Admit if question.method == "TRACE" => ("refuse", "405: the origin would show what it is told"),
        outcome => named(outcome, rule),
    };
    Ok(Answer {
        rules: met(config, index, &question.method, &path),
        decided_by: index,
        verdict,
        meaning: meaning.to_owned(),
        unmet: judgement.unmet.into_iter().map(|asked| unmet(asked, &question.whom)).collect(),
    })
}

fn named(outcome: Outcome, rule: &Rule) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Admit if rule.access == Access::Public || rule.cache_public => {
            ("admit", "to the origin, without an identity")
        }
        Outcome::Admit => ("admit", "to the origin"),
        Outcome::SignIn => ("sign_in", "302 to the provider for a page, 401 for anything else"),
        Outcome::StepUp => ("step_up", "to the provider once more; 403 when that brings no better"),
        Outcome::Challenge(Challenge::Missing) => ("challenge", "401: a token is needed"),
        Outcome::Challenge(Challenge::Scope) => ("challenge", "403 insufficient_scope"),
        Outcome::Challenge(Challenge::StepUp) => ("challenge", "401 insufficient_user_authentication"),
        Outcome::Forbid => ("forbid", "403"),
    }
}

fn met(config: &Config, decided: Option<usize>, method: &str, path: &RequestPath<'_>) -> Vec<Met> {
    let written = config.rules.len() - usize::from(config.last_is_ours);
    let met = |(index, rule): (usize, &Rule)| {
        let miss = match decided {
            Some(decided) if index == decided => None,
            _ if !rule.pattern.matches(path.decoded()) => Some(Miss::Path),
            _ if !rule.matches_method(method) => Some(Miss::Method),
            _ => Some(Miss::Later),
        };
        let name = if index < written { format!("OIDC_RULES[{index}]") } else { "by default".to_owned() };
        Met { name, rule: shown(rule), miss }
    };
    config.rules.iter().enumerate().map(met).collect()
}

fn shown(rule: &Rule) -> String {
    let access = match rule.access {
        Access::Public => "public",
        Access::Optional => "optional",
        Access::Login => "login",
        Access::Token => "token",
        Access::LoginOrToken => "login_or_token",
        Access::Deny => "deny",
    };
    let methods = rule.methods.as_ref().map(|methods| format!("{} ", methods.join(","))).unwrap_or_default();
    format!("{methods}{} {access}", rule.pattern)
}

fn unmet(asked: Asked<'_>, whom: &Supposed) -> Unmet {
    let claim =
        |name: &str| whom.claims().and_then(|claims| claims.get(name)).map_or("nothing".to_owned(), Value::to_string);
    let who = match whom {
        Supposed::Nobody => "nobody",
        Supposed::Visitor(_) => "a signed-in visitor",
        Supposed::Caller(_) => "an access token",
    };
    let (asked, expected, got) = match asked {
        Asked::Nobody => ("access".to_owned(), "nobody".to_owned(), "a request".to_owned()),
        Asked::SignIn => ("access".to_owned(), "a signed-in visitor".to_owned(), who.to_owned()),
        Asked::Token => ("access".to_owned(), "an access token".to_owned(), who.to_owned()),
        Asked::SignInOrToken => {
            ("access".to_owned(), "a signed-in visitor or an access token".to_owned(), who.to_owned())
        }
        Asked::Scope(scope) => ("scopes".to_owned(), scope.to_owned(), claim("scope")),
        Asked::Claim(rule) => {
            let values: Vec<String> = rule.any_of.iter().map(Value::to_string).collect();
            let got =
                whom.claims().and_then(|claims| rule.path.find(claims)).map_or("nothing".to_owned(), Value::to_string);
            (format!("claims.{}", rule.path), values.join(" or "), got)
        }
        Asked::Acr(values) => ("acr_values".to_owned(), values.join(" or "), claim("acr")),
        Asked::MaxAge(age) => (
            "max_age".to_owned(),
            format!("a sign-in at most {} s ago", age.as_secs()),
            format!("auth_time {}", claim("auth_time")),
        ),
    };
    Unmet { asked, expected, got }
}
