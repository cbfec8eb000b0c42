//! `OIDC_RULES`: who may reach what.

use serde_json::Value;

use super::{
    Routes,
    names::{nearest, unknown_member},
    reader::Reader,
    value::{self, Checked, Mismatch, printable},
};
use crate::{
    claim_path::ClaimPath,
    json::Object,
    oauth::Scopes,
    policy::{Access, ClaimRule, Rule, StepUp},
    web::path::PathPattern,
};

const NAME: &str = "OIDC_RULES";

const KEYS: [&str; 9] = ["path", "methods", "access", "scopes", "claims", "roles", "acr_values", "max_age", "cache"];

/// What the platform takes, and what it does not but a proxy may ask about: those of IANA's registry.
const METHODS: &str = "GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT QUERY PROPFIND PROPPATCH MKCOL COPY \
    MOVE LOCK UNLOCK ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT LABEL LINK MERGE MKACTIVITY MKCALENDAR \
    MKREDIRECTREF MKWORKSPACE ORDERPATCH REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UPDATE UPDATEREDIRECTREF \
    VERSION-CONTROL BAN MSEARCH NOTIFY PURGE SUBSCRIBE UNSUBSCRIBE";

/// A year, in seconds: a longer `max_age` asks for nothing.
const LONGEST_AGE: u64 = 31_536_000;

/// Reads the rules and puts one behind them that asks everybody to sign in, or for a token where nobody can, unless they
/// say something about every request: then the second value is `false`.
pub(super) fn read(reader: &mut Reader<'_>, routes: &Routes, resource_server_only: bool) -> (Vec<Rule>, bool) {
    let values = reader.read(NAME, value::values).unwrap_or_default();
    let mut rules: Vec<Rule> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let place = format!("[{index}]");
        let Value::Object(members) = value else {
            let cure = "write each rule as {\"path\": \"/public/*\", \"access\": \"public\"}";
            reader.refuse_member(NAME, &place, Some(value), &Mismatch::new("an object", cure));
            continue;
        };
        let mut parser = RuleParser { reader, place, members };
        let Some(rule) = parser.rule() else { continue };
        parser.check_reachable(&rule, &rules, routes);
        if resource_server_only {
            parser.check_without_sign_in(rule.access);
        }
        rules.push(rule);
    }
    let everything = PathPattern::everything();
    let ends_open = rules.last().is_none_or(|last| last.methods.is_some() || !last.pattern.covers(&everything));
    let rest = if resource_server_only { Access::Token } else { Access::Login };
    rules.extend(ends_open.then(|| Rule::plain(everything, rest)));
    (rules, ends_open)
}

struct RuleParser<'r, 'v, 'm> {
    reader: &'r mut Reader<'v>,
    place: String,
    members: &'m Object,
}

impl RuleParser<'_, '_, '_> {
    /// The rule, or `None` when it is too bad to be compared with others.
    fn rule(&mut self) -> Option<Rule> {
        self.check_keys();
        let pattern = self.required("path", pattern);
        let access = self.access();
        let methods = self.member("methods", methods);
        let mut claims = self.claims();
        claims.extend(self.roles());
        let cache_public = self.member("cache", value::choice(&[("public", true)])).unwrap_or(false);
        let scopes = self.member("scopes", scopes).unwrap_or_default();
        let acr_values = self.member("acr_values", acr_values).unwrap_or_default();
        let step_up = StepUp { acr_values, max_age: self.member("max_age", value::seconds(1..=LONGEST_AGE)) };
        let access = access?;
        self.check_satisfiable(access);
        Some(Rule { pattern: pattern?, methods, access, scopes, claims, step_up, cache_public })
    }

    fn check_keys(&mut self) {
        for key in self.members.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            unknown_member(self.reader, NAME, &self.place, key, &KEYS);
        }
    }

    fn access(&mut self) -> Option<Access> {
        self.required(
            "access",
            value::choice(&[
                ("public", Access::Public),
                ("optional", Access::Optional),
                ("login", Access::Login),
                ("token", Access::Token),
                ("login_or_token", Access::LoginOrToken),
                ("deny", Access::Deny),
            ]),
        )
    }

    fn claims(&mut self) -> Vec<ClaimRule> {
        let mut rules = Vec::new();
        for (name, value) in self.member("claims", named).unwrap_or_default() {
            match claim(&name, &value) {
                Ok(rule) => rules.push(rule),
                Err(mismatch) => {
                    self.refuse(&format!("claims[\"{}\"]", printable(&name)), Some(&value), &mismatch);
                }
            }
        }
        rules
    }

    fn roles(&mut self) -> Vec<ClaimRule> {
        let mut rules = Vec::new();
        for (client, value) in self.member("roles", named).unwrap_or_default() {
            match roles(&client, &value) {
                Ok(rule) => rules.push(rule),
                Err(mismatch) => {
                    self.refuse(&format!("roles[\"{}\"]", printable(&client)), Some(&value), &mismatch);
                }
            }
        }
        rules
    }

    // Where nobody is known, nothing can be asked of anybody; where nobody gets in, there is nothing to cache; where
    // nobody has to sign in, nobody has to do it again; and only tokens have scopes.
    fn check_satisfiable(&mut self, access: Access) {
        let unfit: &[&str] = match access {
            Access::Public => &["claims", "roles", "scopes", "acr_values", "max_age"],
            Access::Deny => &["claims", "roles", "scopes", "acr_values", "max_age", "cache"],
            Access::Optional => &["scopes", "acr_values", "max_age"],
            Access::Login => &["scopes"],
            Access::Token | Access::LoginOrToken => &[],
        };
        for key in unfit.iter().copied().filter(|key| self.members.contains_key(*key)) {
            let cure = match key {
                "scopes" => "remove it, or set `access` to `token`",
                _ => "remove it, or set `access` to `login`",
            };
            self.refuse(
                key,
                self.members.get(key),
                &Mismatch::new("nothing: with this `access` it has no effect", cure),
            );
        }
    }

    fn check_without_sign_in(&mut self, access: Access) {
        if !matches!(access, Access::Token | Access::Public | Access::Deny) {
            let expected = "`token`, `public` or `deny` under OIDC_RESOURCE_SERVER_ONLY";
            let cure = "choose one of them, or let visitors sign in: remove OIDC_RESOURCE_SERVER_ONLY";
            self.refuse("access", self.members.get("access"), &Mismatch::new(expected, cure));
        }
    }

    fn check_reachable(&mut self, rule: &Rule, earlier: &[Rule], routes: &Routes) {
        let decoded = core::str::from_utf8(rule.pattern.decoded_prefix()).unwrap_or_default();
        if rule.pattern.is_exact() && routes.is_own(decoded) {
            self.refuse(
                "path",
                self.members.get("path"),
                &Mismatch::new(
                    "a path that no endpoint of the Worker has",
                    "remove the rule: the Worker's own endpoints are open and come before all rules",
                ),
            );
        }
        if is_covered(rule, earlier) {
            self.refuse(
                "path",
                self.members.get("path"),
                &Mismatch::new(
                    "a rule that can be reached, but earlier ones have all of its requests",
                    "move it before them, or remove it",
                ),
            );
        }
        self.check_cookie_reaches(rule, routes);
    }

    // A visitor who signs in for a path that the cookie is not sent to would be asked again, for ever.
    fn check_cookie_reaches(&mut self, rule: &Rule, routes: &Routes) {
        let Ok(covered) = PathPattern::parse(&format!("{}*", routes.base)) else { return };
        let meets = covered.covers(&rule.pattern) || rule.pattern.covers(&covered);
        if matches!(rule.access, Access::Login | Access::LoginOrToken) && !meets {
            self.refuse(
                "path",
                self.members.get("path"),
                &Mismatch::new(
                    "a path under OIDC_ID_TOKEN_COOKIE_PATH, where alone anybody is signed in",
                    "move it there, or choose another `access`",
                ),
            );
        }
    }

    fn required<T>(&mut self, key: &str, kind: impl FnOnce(&Value) -> Checked<T>) -> Option<T> {
        if !self.members.contains_key(key) {
            let cure = format!("say `{key}`: every rule has `path` and `access`");
            self.refuse(key, None, &Mismatch::new(format!("`{key}` in every rule"), cure));
        }
        self.member(key, kind)
    }

    fn member<T>(&mut self, key: &str, kind: impl FnOnce(&Value) -> Checked<T>) -> Option<T> {
        let value = self.members.get(key)?;
        match kind(value) {
            Ok(parsed) => Some(parsed),
            Err(mismatch) => {
                self.refuse(key, Some(value), &mismatch);
                None
            }
        }
    }

    fn refuse(&mut self, member: &str, value: Option<&Value>, mismatch: &Mismatch) {
        self.reader.refuse_member(NAME, &format!("{}.{member}", self.place), value, mismatch);
    }
}

fn pattern(value: &Value) -> Checked<PathPattern> {
    PathPattern::parse(&value::text(value)?).map_err(|error| {
        let error = error.to_string();
        let expected = error.strip_prefix("expected ").unwrap_or(&error).to_owned();
        Mismatch::new(expected, "write a path such as /exact or /prefix/*")
    })
}

// RFC 9110 §9.1: methods are case-sensitive, and all that are in use are in upper case. One that nobody sends would
// leave the requests that were meant to the rules behind.
fn methods(value: &Value) -> Checked<Vec<String>> {
    let methods = value::list(value)?;
    if methods.is_empty() {
        return Err(Mismatch::new("methods in upper case", "write them as [\"GET\", \"POST\"], or remove `methods`"));
    }
    let known: Vec<&str> = METHODS.split(' ').collect();
    match methods.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            Err(Mismatch::new("methods in upper case", format!("write `{}`", nearest(name, known.iter().copied()))))
        }
        None => Ok(methods),
    }
}

// RFC 6749 §3.3
fn scopes(value: &Value) -> Checked<Scopes> {
    let tokens = value::list(value)?;
    Scopes::parse(tokens.iter().map(String::as_str)).filter(|_| !tokens.is_empty()).ok_or_else(|| {
        Mismatch::new("scopes of printable ASCII without spaces, `\"` and `\\`", "write them as [\"read\", \"write\"]")
    })
}

// OIDC Core §3.1.2.1 and RFC 9470 §3 send them separated by spaces, the latter in a quoted string.
fn acr_values(value: &Value) -> Checked<Vec<String>> {
    let values = value::list(value)?;
    let is_value = |text: &String| text.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'"' && b != b'\\');
    if values.is_empty() || !values.iter().all(is_value) {
        let cure = "write them as the provider's `acr_values_supported` has them";
        return Err(Mismatch::new("authentication context classes without spaces, `\"` and `\\`", cure));
    }
    Ok(values)
}

fn named(value: &Value) -> Checked<Object> {
    let object = value::object(value)?;
    if object.is_empty() {
        return Err(Mismatch::new("one member at least", "name what is asked for, or remove it"));
    }
    Ok(object)
}

fn claim(name: &str, value: &Value) -> Checked<ClaimRule> {
    let path = ClaimPath::parse(name).ok_or_else(|| {
        Mismatch::new("a claim's name, with dots between names only", "write it as realm_access.roles")
    })?;
    let any_of = match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let plain = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    if any_of.is_empty() || !any_of.iter().all(plain) {
        return Err(Mismatch::new(
            "text, a number, a boolean, or a list of them",
            "write it as [\"staff\", \"admin\"]",
        ));
    }
    let is_bad_domain = |text: &str| text.strip_prefix('@').is_some_and(|domain| !is_host_name(domain));
    if path.is("email") && any_of.iter().filter_map(Value::as_str).any(is_bad_domain) {
        let cure = "write one as @example.com, and those below it on their own";
        return Err(Mismatch::new("whole addresses, or `@` and a domain", cure));
    }
    Ok(ClaimRule { path, any_of })
}

// No `*`, and no dot at an end: it would look like more domains than the one that is meant.
fn is_host_name(domain: &str) -> bool {
    let good = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    domain.split('.').all(good)
}

// Keycloak: resource_access.<client>.roles; a client's name may have dots.
fn roles(client: &str, value: &Value) -> Checked<ClaimRule> {
    let roles = value::texts(value)?;
    if client.is_empty() || roles.is_empty() {
        return Err(Mismatch::new("a client's name and one role at least", "write it as {\"client\": [\"role\"]}"));
    }
    let path = ClaimPath::exact(&["resource_access", client, "roles"]);
    Ok(ClaimRule { path, any_of: roles.into_iter().map(Value::String).collect() })
}

/// Whether earlier rules match every request that `rule` matches.
fn is_covered(rule: &Rule, earlier: &[Rule]) -> bool {
    let covering = || earlier.iter().filter(|other| other.pattern.covers(&rule.pattern));
    let has_method = |method: &str| {
        covering().any(|other| match &other.methods {
            None => true,
            Some(methods) => methods.iter().any(|name| name == method || (name == "GET" && method == "HEAD")),
        })
    };
    match &rule.methods {
        None => covering().any(|other| other.methods.is_none()),
        // `GET` brings `HEAD` with it, which an earlier rule may have left over.
        Some(methods) => methods.iter().all(|method| has_method(method)) && !leaves_head(rule, has_method),
    }
}

fn leaves_head(rule: &Rule, has_method: impl Fn(&str) -> bool) -> bool {
    let names_get = rule.methods.as_ref().is_some_and(|methods| methods.iter().any(|method| method == "GET"));
    names_get && !has_method("HEAD")
}
