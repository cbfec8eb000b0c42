//! Who is asking.

use core::{cell::OnceCell, fmt};
use std::rc::Rc;

use serde_json::Value;

use crate::{
    json::Object,
    oauth::{access_token::Caller, bearer::Location},
};

/// The one who sent a request.
#[derive(Clone, Debug)]
pub enum Visitor {
    /// Nobody we know.
    Anonymous,
    /// Somebody with a session.
    Known(Identity),
    /// Somebody with an access token that was found good, which stood there. Shared with what remembers that it was.
    Bearer(Rc<Caller>, Location),
}

/// The claims of a signed-in visitor, as far as rules and headers need them.
#[derive(Clone)]
pub struct Identity(Rc<Known>);

struct Known {
    claims: Object,
    headers: OnceCell<Vec<(Rc<str>, Rc<str>)>>,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.claims() == other.claims()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity([{} redacted])", self.claims().len())
    }
}

impl Identity {
    /// From claims that a verified source vouched for.
    pub fn new(claims: Object) -> Self {
        Self(Rc::new(Known { claims, headers: OnceCell::new() }))
    }

    /// Names and values of the headers that tell an origin who it is, as `make` has made them the first time: a visitor
    /// asks again and again, under the same settings.
    pub(crate) fn headers(&self, make: impl FnOnce(&Object) -> Vec<(Rc<str>, Rc<str>)>) -> &[(Rc<str>, Rc<str>)] {
        self.0.headers.get_or_init(|| make(self.claims()))
    }

    /// `sub`.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims().get(name).and_then(Value::as_str)
    }

    /// Every claim that is kept.
    pub fn claims(&self) -> &Object {
        &self.0.claims
    }
}
