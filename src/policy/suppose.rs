//! What would become of somebody who need not exist, and why: for explanations. Nobody is let in by it, and the Worker
//! does not carry it.

use core::time::Duration;
use std::rc::Rc;

use super::{Access, ClaimRule, Rule, Verdict, decide};
use crate::{
    json::Object,
    oauth::{
        access_token::Caller,
        bearer::{Challenge, Location},
    },
    time::Timestamp,
    visitor::{Identity, Visitor},
};

/// Somebody who might come.
#[derive(Clone, Debug)]
pub enum Supposed {
    /// Nobody we know.
    Nobody,
    /// Somebody who has signed in, with these claims.
    Visitor(Object),
    /// Somebody with an access token, of which these are the claims; `scope` among them.
    Caller(Object),
}

impl Supposed {
    /// What is known of them.
    pub fn claims(&self) -> Option<&Object> {
        match self {
            Self::Nobody => None,
            Self::Visitor(claims) | Self::Caller(claims) => Some(claims),
        }
    }

    fn visitor(&self) -> Visitor {
        match self {
            Self::Nobody => Visitor::Anonymous,
            Self::Visitor(claims) => Visitor::Known(Identity::new(claims.clone())),
            Self::Caller(claims) => Visitor::Bearer(Rc::new(Caller::of(claims.clone())), Location::Header),
        }
    }
}

/// A verdict without what it would give leave to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// [`Verdict::Admit`].
    Admit,
    /// [`Verdict::SignIn`].
    SignIn,
    /// [`Verdict::StepUp`].
    StepUp,
    /// [`Verdict::Challenge`].
    Challenge(Challenge),
    /// [`Verdict::Forbid`].
    Forbid,
}

/// Something that a rule asks for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'r> {
    /// That nobody comes.
    Nobody,
    /// A sign-in.
    SignIn,
    /// An access token.
    Token,
    /// Either of them.
    SignInOrToken,
    /// That the token is good for this.
    Scope(&'r str),
    /// That a claim has one of these values.
    Claim(&'r ClaimRule),
    /// A sign-in of one of these kinds.
    Acr(&'r [String]),
    /// A sign-in at most so long ago.
    MaxAge(Duration),
}

/// The outcome, and everything that is asked for in vain.
#[derive(Debug)]
pub struct Judgement<'r> {
    /// What would become of the request.
    pub outcome: Outcome,
    /// What the rule asks for and does not get; nothing when it admits.
    pub unmet: Vec<Asked<'r>>,
}

/// What [`decide`] would say, and why.
pub fn suppose<'r>(rule: &'r Rule, whom: &Supposed, now: Timestamp) -> Judgement<'r> {
    let outcome = match decide(rule, whom.visitor(), now) {
        Verdict::Admit(_) => Outcome::Admit,
        Verdict::SignIn => Outcome::SignIn,
        Verdict::StepUp(_) => Outcome::StepUp,
        Verdict::Challenge(challenge) => Outcome::Challenge(challenge),
        Verdict::Forbid => Outcome::Forbid,
    };
    let unmet = match (rule.access, whom) {
        (Access::Deny, _) => vec![Asked::Nobody],
        (Access::Public, _) | (Access::Optional, Supposed::Nobody | Supposed::Caller(_)) => Vec::new(),
        (Access::Login, Supposed::Nobody | Supposed::Caller(_)) => vec![Asked::SignIn],
        (Access::Token, Supposed::Nobody | Supposed::Visitor(_)) => vec![Asked::Token],
        (Access::LoginOrToken, Supposed::Nobody) => vec![Asked::SignInOrToken],
        (_, Supposed::Visitor(claims)) => unmet(rule, claims, now).collect(),
        (_, Supposed::Caller(claims)) => {
            let granted = Caller::of(claims.clone());
            let lacking = rule.scopes.iter().filter(|scope| !granted.scopes().contains(scope)).map(Asked::Scope);
            lacking.chain(unmet(rule, claims, now)).collect()
        }
    };
    Judgement { outcome, unmet }
}

fn unmet<'r>(rule: &'r Rule, claims: &Object, now: Timestamp) -> impl Iterator<Item = Asked<'r>> {
    let step_up = &rule.step_up;
    let kind = (!step_up.is_met_in_kind(claims)).then_some(Asked::Acr(&step_up.acr_values));
    let time = step_up.max_age.filter(|_| !step_up.is_met_in_time(claims, now)).map(Asked::MaxAge);
    rule.claims.iter().filter(|claim| !claim.holds(claims)).map(Asked::Claim).chain(kind).chain(time)
}
