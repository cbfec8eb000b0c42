//! A rule: the requests it is about, and what it asks for.

use core::time::Duration;

use serde_json::Value;

use crate::{
    claim_path::ClaimPath,
    json::Object,
    oauth::{Scopes, access_token::authenticated_at},
    time::Timestamp,
    web::path::PathPattern,
};

/// What a rule asks of a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody is asked; no identity is passed on.
    Public,
    /// Identity, if there is one.
    Optional,
    /// A signed-in visitor.
    Login,
    /// A caller with an access token.
    Token,
    /// A signed-in visitor, or a caller with an access token.
    LoginOrToken,
    /// Nobody.
    Deny,
}

/// One line of `OIDC_RULES`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The paths it is about.
    pub pattern: PathPattern,
    /// The methods it is about, as written; `None` for all. `GET` covers `HEAD`.
    pub methods: Option<Vec<String>>,
    /// What it asks for.
    pub access: Access,
    /// What an access token must be good for; all of it.
    pub scopes: Scopes,
    /// What the claims must say; all of it.
    pub claims: Vec<ClaimRule>,
    /// How, and how lately, somebody must have signed in.
    pub step_up: StepUp,
    /// Whether the origin's own cache headers stand on what it answers to an identity.
    pub cache_public: bool,
}

/// A claim and the values of which one must be there.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// Where the claim stands.
    pub path: ClaimPath,
    /// Any of these must equal the claim, or be contained in it.
    pub any_of: Vec<Value>,
}

/// How, and how lately, somebody must have signed in (OIDC Core §3.1.2.1, RFC 9470 §4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    /// `acr` must be one of these; none: any will do.
    pub acr_values: Vec<String>,
    /// At most so long ago.
    pub max_age: Option<Duration>,
}

impl Rule {
    /// A rule for every method that asks for nothing but `access`.
    pub fn plain(pattern: PathPattern, access: Access) -> Self {
        Self {
            pattern,
            methods: None,
            access,
            scopes: Scopes::default(),
            claims: Vec::new(),
            step_up: StepUp::default(),
            cache_public: false,
        }
    }

    /// Whether access tokens count here. Where they don't, none is looked for.
    pub fn takes_tokens(&self) -> bool {
        matches!(self.access, Access::Token | Access::LoginOrToken)
    }

    /// Whether the rule is about this request.
    pub fn matches(&self, method: &str, decoded_path: &[u8]) -> bool {
        self.matches_method(method) && self.pattern.matches(decoded_path)
    }

    /// Whether the rule is about this method.
    pub fn matches_method(&self, method: &str) -> bool {
        let Some(methods) = &self.methods else { return true };
        let named = |name: &str| methods.iter().any(|listed| listed == name);
        named(method) || (method == "HEAD" && named("GET"))
    }
}

impl ClaimRule {
    /// Whether the claims satisfy it.
    pub fn holds(&self, claims: &Object) -> bool {
        match self.path.find(claims) {
            None => false,
            Some(Value::Array(items)) => items.iter().any(|item| self.any_of.contains(item)),
            Some(value) => self.any_of.contains(value),
        }
    }
}

impl StepUp {
    /// Whether these claims are of somebody who signed in like that. What they don't say does not count.
    pub fn is_met(&self, claims: &Object, now: Timestamp) -> bool {
        self.is_met_in_kind(claims) && self.is_met_in_time(claims, now)
    }

    /// Whether they are of a sign-in of the right kind.
    pub fn is_met_in_kind(&self, claims: &Object) -> bool {
        let acr = claims.get("acr").and_then(Value::as_str);
        self.acr_values.is_empty() || acr.is_some_and(|acr| self.acr_values.iter().any(|value| value == acr))
    }

    /// Whether they are of a sign-in that is not too long ago.
    pub fn is_met_in_time(&self, claims: &Object, now: Timestamp) -> bool {
        let lately = |age: Duration| authenticated_at(claims).is_some_and(|then| now.since(then) <= age);
        self.max_age.is_none_or(lately)
    }
}
