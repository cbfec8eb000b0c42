//! Who may do what: one pure, total function from a rule and a visitor to a verdict.

use serde_json::Value;

use crate::{
    claim_path::ClaimPath,
    json::Object,
    visitor::{Identity, Visitor},
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
    /// What the claims must say; all of it.
    pub claims: Vec<ClaimRule>,
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

impl Rule {
    /// The rule for whatever no rule names: sign in.
    pub fn login_everywhere(pattern: PathPattern) -> Self {
        Self { pattern, methods: None, access: Access::Login, claims: Vec::new(), cache_public: false }
    }

    /// Whether the rule is about this request.
    pub fn matches(&self, method: &str, decoded_path: &[u8]) -> bool {
        self.matches_method(method) && self.pattern.matches(decoded_path)
    }

    fn matches_method(&self, method: &str) -> bool {
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

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to the origin.
    Admit(Admitted),
    /// The visitor has to sign in first.
    SignIn,
    /// The visitor may not, whoever they are or because of who they are.
    Forbid,
}

/// Leave to reach the origin; only [`decide`] gives it.
#[derive(Debug)]
pub struct Admitted {
    identity: Option<Identity>,
    cache_public: bool,
}

impl Admitted {
    /// Whom the origin is told about.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether a shared cache must not keep the origin's answer.
    pub fn answer_is_private(&self) -> bool {
        self.identity.is_some() && !self.cache_public
    }
}

/// The verdict on `visitor` under `rule`.
pub fn decide(rule: &Rule, visitor: Visitor) -> Verdict {
    let admit = |identity| Verdict::Admit(Admitted { identity, cache_public: rule.cache_public });
    match (rule.access, visitor) {
        (Access::Deny, _) => Verdict::Forbid,
        (Access::Public, _) | (Access::Optional, Visitor::Anonymous) => admit(None),
        (Access::Login, Visitor::Anonymous) => Verdict::SignIn,
        (Access::Optional | Access::Login, Visitor::Known(identity)) => {
            let satisfied = rule.claims.iter().all(|claim| claim.holds(identity.claims()));
            if satisfied { admit(Some(identity)) } else { Verdict::Forbid }
        }
    }
}

#[cfg(test)]
mod tests;
