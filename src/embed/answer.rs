//! What goes back.

use core::fmt;

use super::Visit;
use crate::{
    host::Host,
    origin::{AnswerEdits, AnswerFacts, Forward},
    web::{reply::Reply, request::IncomingRequest},
};

/// An answer of ours that the code around the library returns: to the provider, or that somebody may not.
///
/// It carries no cookie. Those wait in the visit and go back through [`AfterRequest`], whatever answer is returned.
#[derive(Debug)]
#[must_use = "nobody is sent anywhere by an answer that is not returned"]
pub struct Answer(Reply);

impl Answer {
    pub(crate) fn new(reply: Reply) -> Self {
        Self(reply)
    }

    /// Status, headers and body.
    pub fn reply(&self) -> &Reply {
        &self.0
    }
}

/// The way back of an answer: cookies that have to be set, and what keeps it out of shared caches.
#[must_use = "without it a session that was renewed, begun or ended is lost on the way back"]
pub struct AfterRequest<H, R>(Visit<H, R>);

impl<H, R> fmt::Debug for AfterRequest<H, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AfterRequest")
    }
}

impl<H: Host, R: IncomingRequest> AfterRequest<H, R> {
    pub(super) fn of(visit: Visit<H, R>) -> Self {
        Self(visit)
    }

    /// What of the code's own answer has to change. It can't set cookies of ours, and what is for one visitor is no
    /// shared cache's.
    pub fn edits(self, facts: &AnswerFacts<'_>) -> AnswerEdits {
        let visit = self.0;
        let forward = visit.way_back();
        let own: Vec<String> = forward.cookies.iter().map(ToString::to_string).collect();
        visit.gateway().judge_answer(facts, forward.answer_is_private, &own)
    }

    /// The same as it stands: the cookies to set, and whether shared caches are kept away.
    pub fn into_forward(self) -> Forward {
        self.0.way_back()
    }

    pub(super) fn visit(&self) -> &Visit<H, R> {
        &self.0
    }
}
