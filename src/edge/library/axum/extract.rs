//! Who is there, as arguments of handlers.

use core::{fmt, future::Future, marker::PhantomData, ops::Deref};
use std::rc::Rc;

use ::axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use worker::send::{SendFuture, SendWrapper};

use crate::{
    edge::{glue, library},
    embed::{Answer, Caller, Identity},
    gateway::misconfigured,
};

/// The visit of the request, with everything that it can be asked.
///
/// It is refused where the layer is missing: 500, and the log says so.
#[derive(Clone)]
pub struct Visit(SendWrapper<library::Visit>);

impl Visit {
    pub(super) fn new(visit: library::Visit) -> Self {
        Self(SendWrapper::new(visit))
    }

    fn of(parts: &Parts) -> Result<Self, Answer> {
        parts.extensions.get().cloned().ok_or_else(|| {
            glue::log("error", NO_LAYER);
            Answer::new(misconfigured())
        })
    }
}

/// For the operator, who finds it in the log.
const NO_LAYER: &str = "an extractor of edge-oidc stands in a route without its layer: add \
                        `.layer(Oidc::from_env(&env)?.layer())` to the router, after its last route and its fallback";

/// Without what is known of the visitor.
impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit")
    }
}

impl Deref for Visit {
    type Target = library::Visit;

    fn deref(&self) -> &library::Visit {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Answer> {
        Self::of(parts)
    }
}

/// The one who is signed in, with the claims that the session cookie carries.
///
/// Where nobody is, it answers as [`require_login`](crate::embed::Visit::require_login) does: a navigation goes to the
/// provider and comes back, anything else is told 401. `Option<User>` takes everybody.
#[derive(Clone)]
pub struct User(SendWrapper<Identity>);

/// Without claims.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User")
    }
}

impl Deref for User {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl User {
    fn of(identity: &Identity) -> Self {
        Self(SendWrapper::new(identity.clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = Answer;

    fn from_request_parts(parts: &mut Parts, _state: &S) -> impl Future<Output = Result<Self, Answer>> + Send {
        SendFuture::new(async { Visit::of(parts)?.require_login().await.map(Self::of) })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Answer> {
        Ok(Visit::of(parts)?.user().map(Self::of))
    }
}

/// Scopes that an access token must have, as a type.
pub trait Scopes {
    /// All of them.
    const SCOPES: &'static [&'static str];
}

/// None: any good token will do.
impl Scopes for () {
    const SCOPES: &'static [&'static str] = &[];
}

/// The one who has brought an access token with all the scopes of `S`.
///
/// Without one it answers as [`accept_token`](crate::embed::Visit::accept_token) does: 401 or 403 with a challenge (RFC 6750
/// §3). `Option<AccessToken<S>>` takes those who bring none as well; a token that is not good is refused either way.
pub struct AccessToken<S = ()> {
    caller: SendWrapper<Rc<Caller>>,
    scopes: PhantomData<fn() -> S>,
}

impl<S> Clone for AccessToken<S> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), scopes: PhantomData }
    }
}

/// Without claims.
impl<S> fmt::Debug for AccessToken<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

impl<S> Deref for AccessToken<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S> AccessToken<S> {
    fn of(caller: Rc<Caller>) -> Self {
        Self { caller: SendWrapper::new(caller), scopes: PhantomData }
    }
}

impl<S: Scopes, T: Sync> FromRequestParts<T> for AccessToken<S> {
    type Rejection = Answer;

    fn from_request_parts(parts: &mut Parts, _state: &T) -> impl Future<Output = Result<Self, Answer>> + Send {
        SendFuture::new(async { Visit::of(parts)?.require_token(S::SCOPES).await.map(Self::of) })
    }
}

impl<S: Scopes, T: Sync> OptionalFromRequestParts<T> for AccessToken<S> {
    type Rejection = Answer;

    fn from_request_parts(parts: &mut Parts, _state: &T) -> impl Future<Output = Result<Option<Self>, Answer>> + Send {
        SendFuture::new(async {
            let caller = Visit::of(parts)?.accept_token(false, S::SCOPES).await?;
            Ok(caller.map(Self::of))
        })
    }
}
