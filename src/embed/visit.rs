//! One request, and who sent it.

use core::{
    cell::{Cell, RefCell},
    fmt,
};
use std::rc::Rc;

use serde_json::Value;

use super::Answer;
use crate::{
    error::Error,
    flow::Site,
    gateway::Gateway,
    host::Host,
    oauth::{access_token::Caller, bearer::Location},
    origin::{Forward, Lasts},
    policy::Admitted,
    session::{Credentials, Session},
    visitor::{Identity, Visitor},
    web::{cookie::SetCookie, path::RequestUrl, reply::Reply, request::IncomingRequest},
};

/// One request, and who sent it: what Flask-OIDC keeps in `g`. A clone is the same visit.
///
/// What asks the store or the provider is `async`, and fails with the [`Answer`] to return.
pub struct Visit<H, R>(Rc<Parts<H, R>>);

struct Parts<H, R> {
    gateway: Rc<Gateway>,
    host: H,
    request: R,
    begun: Begun,
    /// Signed out in the course of this request.
    signed_out: Cell<bool>,
    /// What the answer sets.
    cookies: RefCell<Vec<SetCookie>>,
    /// Who has brought an access token that the code has asked about: it is judged once, since its proof counts once.
    brought: RefCell<Option<(Rc<Caller>, Location)>>,
    /// The one whose token the code has accepted.
    caller: RefCell<Option<Rc<Caller>>>,
    /// What the store has told.
    credentials: RefCell<Told>,
}

/// What the store has told of the session's tokens.
#[derive(Clone, Default)]
pub(super) enum Told {
    /// It has not been asked.
    #[default]
    Nothing,
    /// This.
    Once(Option<Rc<Credentials>>),
}

/// What is known when a visit begins.
pub(super) struct Begun {
    pub(super) admitted: Admitted,
    pub(super) cookies: Vec<SetCookie>,
    /// The session that has just begun; otherwise it is the one that the request's cookies hold.
    pub(super) session: Option<Session>,
    pub(super) custom: Option<Value>,
}

impl<H, R> Clone for Visit<H, R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// Without what is known of the visitor.
impl<H, R> fmt::Debug for Visit<H, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit")
    }
}

impl<H, R> Visit<H, R> {
    /// Whether somebody is signed in; with `OIDC_RESOURCE_SERVER_ONLY` nobody ever is.
    pub fn user_loggedin(&self) -> bool {
        self.user().is_some()
    }

    /// Who is signed in, with the claims that the session cookie carries: `sub`, and those that `OIDC_HEADERS` and
    /// `OIDC_RULES` name. For others ask [`Visit::user_getinfo`].
    pub fn user(&self) -> Option<&Identity> {
        match self.0.begun.admitted.visitor() {
            Visitor::Known(identity) if !self.0.signed_out.get() => Some(identity),
            _ => None,
        }
    }

    /// What is known of the access token that a rule or [`Visit::accept_token`] has accepted: its claims, or the answer
    /// about it (RFC 7662 §2.2).
    pub fn token_info(&self) -> Option<Rc<Caller>> {
        match self.0.begun.admitted.visitor() {
            Visitor::Bearer(caller, _) => Some(Rc::clone(caller)),
            _ => self.0.caller.borrow().clone(),
        }
    }

    /// Who has brought an access token, as far as a rule or the code has asked.
    pub(super) fn bearer(&self) -> Option<(Rc<Caller>, Location)> {
        match self.0.begun.admitted.visitor() {
            Visitor::Bearer(caller, location) => Some((Rc::clone(caller), *location)),
            _ => self.0.brought.borrow().clone(),
        }
    }

    pub(super) fn remember_bearer(&self, brought: &(Rc<Caller>, Location)) {
        self.0.brought.replace(Some(brought.clone()));
    }

    pub(super) fn accept(&self, caller: &Rc<Caller>) {
        self.0.caller.replace(Some(Rc::clone(caller)));
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    pub(super) fn site(&self) -> &Site {
        self.0.gateway.site()
    }

    pub(super) fn host(&self) -> &H {
        &self.0.host
    }

    pub(crate) fn request(&self) -> &R {
        &self.0.request
    }

    pub(super) fn begun(&self) -> &Begun {
        &self.0.begun
    }

    pub(super) fn told(&self) -> Told {
        self.0.credentials.borrow().clone()
    }

    pub(super) fn remember(&self, credentials: Option<Rc<Credentials>>) {
        self.0.credentials.replace(Told::Once(credentials));
    }

    /// Nobody is signed in any more, and these cookies go.
    pub(super) fn end(&self) {
        self.0.signed_out.set(true);
        self.remember(None);
        // A session that was sealed anew must not come back.
        self.0.cookies.borrow_mut().clear();
    }

    pub(super) fn set_cookies(&self, cookies: Vec<SetCookie>) {
        self.0.cookies.borrow_mut().extend(cookies);
    }

    pub(super) fn way_back(&self) -> Forward {
        let cookies = self.0.cookies.take();
        // Who has brought a good token is somebody, whether a rule has asked for it or the code.
        let is_for_caller = self.0.brought.borrow().is_some() || self.0.caller.borrow().is_some();
        let answer_is_private = self.0.begun.admitted.answer_is_private() || is_for_caller || !cookies.is_empty();
        Forward {
            url: None,
            edits: Vec::new(),
            answer_is_private,
            cookies,
            lasts: Lasts::AtWill,
            told: Visitor::Anonymous,
        }
    }
}

impl<H: Host, R: IncomingRequest> Visit<H, R> {
    pub(super) fn new(gateway: Rc<Gateway>, host: H, request: R, mut begun: Begun) -> Self {
        let cookies = RefCell::new(core::mem::take(&mut begun.cookies));
        let (signed_out, credentials) = (Cell::default(), RefCell::default());
        let (brought, caller) = (RefCell::default(), RefCell::default());
        Self(Rc::new(Parts { gateway, host, request, begun, signed_out, cookies, brought, caller, credentials }))
    }

    pub(super) fn url(&self) -> Result<RequestUrl<'_>, Answer> {
        RequestUrl::parse(self.request().url()).map_err(|error| self.refused(&error.into()))
    }

    /// An answer of ours; its cookies wait for the way back.
    pub(super) fn answer(&self, reply: Reply) -> Answer {
        let (reply, cookies) = reply.split_cookies();
        self.set_cookies(cookies);
        Answer::new(reply)
    }

    pub(crate) fn refused(&self, error: &Error) -> Answer {
        self.answer(self.gateway().refuse(self.host(), self.request(), error))
    }
}
