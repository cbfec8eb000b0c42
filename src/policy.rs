//! Who may do what: one pure, total function from a rule and a visitor to a verdict.

mod rule;
#[cfg(any(test, feature = "tools"))]
pub mod suppose;

use std::rc::Rc;

use crate::{
    json::Object,
    oauth::access_token::Caller,
    time::Timestamp,
    visitor::{Identity, Visitor},
};

pub use crate::oauth::step_up::StepUp;
pub use rule::{Access, ClaimRule, Rule};

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to the origin.
    Admit(Admitted),
    /// The visitor has to sign in first. Where the rule takes tokens, one of those would do.
    SignIn,
    /// The visitor has to sign in once more, as this says.
    StepUp(StepUp),
    /// The caller has to bring another token.
    Challenge(Challenge),
    /// The visitor may not, whoever they are or because of who they are.
    Forbid,
}

/// What is wrong with the token that came, or did not come. What would be right, the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// There is none.
    Missing,
    /// It is not good for all that is asked (RFC 6750 §3.1).
    Scope,
    /// It comes of a sign-in of another kind, or of too long ago (RFC 9470 §3).
    StepUp,
}

/// Leave to reach the origin; only [`decide`] gives it.
#[derive(Clone, Debug)]
pub struct Admitted {
    whom: Visitor,
    cache_public: bool,
}

impl Admitted {
    /// The signed-in visitor whom the origin is told about.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.whom {
            Visitor::Known(identity) => Some(identity),
            Visitor::Anonymous | Visitor::Bearer(_) => None,
        }
    }

    /// The caller whom the origin is told about.
    pub fn caller(&self) -> Option<&Caller> {
        match &self.whom {
            Visitor::Bearer(caller) => Some(caller),
            Visitor::Anonymous | Visitor::Known(_) => None,
        }
    }

    /// Who it is.
    pub fn visitor(&self) -> &Visitor {
        &self.whom
    }

    /// The same leave, with what the operator's own code makes of the claims that the origin is told about.
    #[must_use]
    pub fn with_claims(self, claims: Object) -> Self {
        match self.whom {
            Visitor::Known(_) => Self { whom: Visitor::Known(Identity::new(claims)), ..self },
            Visitor::Anonymous | Visitor::Bearer(_) => self,
        }
    }

    /// What is known of either; `None` for nobody.
    pub fn claims(&self) -> Option<&Object> {
        match &self.whom {
            Visitor::Known(identity) => Some(identity.claims()),
            Visitor::Bearer(caller) => Some(caller.claims()),
            Visitor::Anonymous => None,
        }
    }

    /// Whether a shared cache must not keep the origin's answer.
    pub fn answer_is_private(&self) -> bool {
        !matches!(self.whom, Visitor::Anonymous) && !self.cache_public
    }
}

/// The verdict on `visitor` under `rule`.
pub fn decide(rule: &Rule, visitor: Visitor, now: Timestamp) -> Verdict {
    let admit = |whom| Verdict::Admit(Admitted { whom, cache_public: rule.cache_public });
    match (rule.access, visitor) {
        (Access::Deny, _) => Verdict::Forbid,
        // Where no token counts, one who brought nothing else is nobody.
        (Access::Public, _) | (Access::Optional, Visitor::Anonymous | Visitor::Bearer(_)) => admit(Visitor::Anonymous),
        (Access::Token | Access::LoginOrToken, Visitor::Bearer(caller)) => match shortfall(rule, &caller, now) {
            None => admit(Visitor::Bearer(caller)),
            Some(verdict) => verdict,
        },
        (Access::Optional | Access::Login | Access::LoginOrToken, Visitor::Known(identity)) => match () {
            () if !rule.claims.iter().all(|claim| claim.holds(identity.claims())) => Verdict::Forbid,
            () if !rule.step_up.is_met(identity.claims(), now) => Verdict::StepUp(rule.step_up.clone()),
            () => admit(Visitor::Known(identity)),
        },
        (Access::Token, Visitor::Anonymous | Visitor::Known(_)) => Verdict::Challenge(Challenge::Missing),
        (Access::Login | Access::LoginOrToken, Visitor::Anonymous | Visitor::Bearer(_)) => Verdict::SignIn,
    }
}

fn shortfall(rule: &Rule, caller: &Rc<Caller>, now: Timestamp) -> Option<Verdict> {
    if !rule.scopes.iter().all(|scope| caller.scopes().contains(scope)) {
        return Some(Verdict::Challenge(Challenge::Scope));
    }
    if !rule.claims.iter().all(|claim| claim.holds(caller.claims())) {
        return Some(Verdict::Forbid);
    }
    (!rule.step_up.is_met(caller.claims(), now)).then_some(Verdict::Challenge(Challenge::StepUp))
}

#[cfg(test)]
mod tests;
