//! Who may do what: one pure, total function from a rule and a visitor to a verdict.

mod rule;
#[cfg(any(test, feature = "tools"))]
pub mod suppose;

use crate::{
    json::Object,
    oauth::{access_token::Caller, bearer::Location},
    time::Timestamp,
    visitor::{Identity, Visitor},
};

pub use crate::oauth::{bearer::Challenge, step_up::StepUp};
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
            Visitor::Anonymous | Visitor::Bearer(..) => None,
        }
    }

    /// The caller whom the origin is told about, and where the token stood.
    pub fn caller(&self) -> Option<(&Caller, Location)> {
        match &self.whom {
            Visitor::Bearer(caller, location) => Some((caller, *location)),
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
            Visitor::Anonymous | Visitor::Bearer(..) => self,
        }
    }

    /// What is known of either; `None` for nobody.
    pub fn claims(&self) -> Option<&Object> {
        match &self.whom {
            Visitor::Known(identity) => Some(identity.claims()),
            Visitor::Bearer(caller, _) => Some(caller.claims()),
            Visitor::Anonymous => None,
        }
    }

    /// Whether the origin is told who it is: not where its answer may be shown to others, which therefore can't depend
    /// on it.
    pub fn is_told(&self) -> bool {
        !self.cache_public
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
        (Access::Public, _) | (Access::Optional, Visitor::Anonymous | Visitor::Bearer(..)) => admit(Visitor::Anonymous),
        (Access::Token | Access::LoginOrToken, Visitor::Bearer(caller, location)) => {
            match shortfall(rule, &caller, now) {
                None => admit(Visitor::Bearer(caller, location)),
                Some(verdict) => verdict,
            }
        }
        (Access::Optional | Access::Login | Access::LoginOrToken, Visitor::Known(identity)) => match () {
            () if !rule.claims.iter().all(|claim| claim.holds(identity.claims())) => Verdict::Forbid,
            () if !rule.step_up.is_met(identity.claims(), now) => Verdict::StepUp(rule.step_up.clone()),
            () => admit(Visitor::Known(identity)),
        },
        (Access::Token, Visitor::Anonymous | Visitor::Known(_)) => Verdict::Challenge(Challenge::Missing),
        (Access::Login | Access::LoginOrToken, Visitor::Anonymous | Visitor::Bearer(..)) => Verdict::SignIn,
    }
}

fn shortfall(rule: &Rule, caller: &Caller, now: Timestamp) -> Option<Verdict> {
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
