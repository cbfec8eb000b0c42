//! `OIDC_RULES`: every request has a rule, every rule has a request, and none lets anybody in by being malformed.

use edge_oidc::{
    config::Config,
    json,
    oauth::bearer::Challenge,
    policy::{self, Access, Rule, Verdict},
    time::Timestamp,
    visitor::Visitor,
    web::path::RequestPath,
};

use super::{configured, text};

const CLIENT: [(&str, &str); 3] =
    [("OIDC_ISSUER", "https://idp.example"), ("OIDC_CLIENT_ID", "me"), ("OIDC_CLIENT_SECRET", "hush")];

pub fn check(bytes: &[u8]) -> bool {
    let Some(rules) = text(bytes) else { return false };
    let parsed = configured("OIDC_RULES", rules.into(), &CLIENT);
    // Text means what the same table means.
    if let Ok(object) = json::parse_object(format!("{{\"list\":{rules}}}").as_bytes())
        && object.len() == 1
    {
        let typed = configured("OIDC_RULES", object["list"].clone(), &CLIENT);
        let shown = |config: &Config| format!("{config:?}");
        // Of a list that is text within a list, neither is what the other is.
        if object["list"].is_array() {
            assert_eq!(typed.as_ref().ok().map(shown), parsed.as_ref().ok().map(shown));
        }
    }
    match parsed {
        Ok(config) => {
            rules_are_sound(&config.rules);
            true
        }
        Err(errors) => {
            assert!(errors.iter().all(|error| error.key() == "OIDC_RULES"), "{errors}");
            let lines = errors.to_string();
            assert_eq!(lines.lines().count(), errors.iter().count(), "a report breaks its lines");
            false
        }
    }
}

fn rules_are_sound(rules: &[Rule]) {
    // Whatever is asked for, somebody decides; nobody who is not known is told to an origin.
    for path in ["/", "/a", "/%", "/a;b", "//", "/\u{7f}"] {
        for method in ["GET", "HEAD", "POST", "PROPFIND", ""] {
            let rule =
                rules.iter().find(|rule| rule.matches(method, path.as_bytes())).expect("a request without a rule");
            nobody_is_somebody(rule);
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        nobody_is_somebody(rule);
        if matches!(rule.access, Access::Public | Access::Deny) {
            assert!(rule.claims.is_empty(), "claims are asked of nobody");
        }
        assert!(rule.claims.iter().all(|claim| !claim.any_of.is_empty()), "a claim that nobody can have");
        // The last one may be the one that we put there for what is left, be it nothing.
        assert!(index + 1 == rules.len() || has_a_request(index, rules), "rule {index} is never reached");
    }
}

fn nobody_is_somebody(rule: &Rule) {
    match (rule.access, policy::decide(rule, Visitor::Anonymous, Timestamp::from_unix(0))) {
        (Access::Login | Access::LoginOrToken, Verdict::SignIn)
        | (Access::Token, Verdict::Challenge(Challenge::Missing))
        | (Access::Deny, Verdict::Forbid) => {}
        (Access::Public | Access::Optional, Verdict::Admit(admitted)) => {
            assert!(admitted.identity().is_none() && !admitted.answer_is_private());
        }
        (access, verdict) => panic!("{access:?} gave {verdict:?}"),
    }
}

/// Whether some request falls under this rule and no earlier one.
fn has_a_request(index: usize, rules: &[Rule]) -> bool {
    let rule = &rules[index];
    let prefix = rule.pattern.prefix();
    let prefix = RequestPath::parse(prefix).map(|path| path.decoded().to_vec()).unwrap_or_default();
    let below = [prefix.as_slice(), b"/~nobody's own name~"].concat();
    let mut methods = vec!["HEAD", "X-UNLISTED"];
    methods.extend(rule.methods.iter().flatten().map(String::as_str));
    [prefix, below].iter().any(|path| {
        methods.iter().any(|method| rules.iter().position(|rule| rule.matches(method, path)) == Some(index))
    })
}
