//! `Oidc`: the library by Flask-OIDC's names.

use core::fmt;

use worker::{Env, Response};

use super::{
    AsRequest, Misconfigured, Visit,
    asked::cleaned,
    convert::settle,
    inside::{Host, Incoming, Inside},
};
use crate::{
    edge::respond::respond,
    embed,
    store::{Store, shared::SharedStore},
};

/// Sign-in for a Worker of your own, by its settings.
///
/// ```no_run
/// use edge_oidc::Oidc;
/// use worker::{Context, Env, Request, Response, Result, event};
///
/// #[event(fetch)]
/// async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
///     Oidc::from_env(&env)?
///         .serve(&request, async |visit| match request.path().as_str() {
///             "/private" => Response::ok(format!("Hello, {}", visit.require_login().await?.subject())),
///             _ => Response::ok(if visit.user_loggedin() { "signed in" } else { "not signed in" }),
///         })
///         .await
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Oidc(pub(super) Inside);

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Oidc")
    }
}

impl Oidc {
    /// Sign-in by the settings of the environment, which are read once in an isolate. What `OIDC_RULES` says holds before
    /// the Worker's own code is asked; where it says nothing, the code decides.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`].
    pub fn from_env(env: &Env) -> Result<Self, Misconfigured> {
        Inside::new(env, None, true).map(Self)
    }

    /// The same with a store of your own for credentials and for what ends sessions; none has to be bound.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`].
    pub fn with_store(env: &Env, store: impl Store + 'static) -> Result<Self, Misconfigured> {
        Inside::new(env, Some(SharedStore::new(store)), true).map(Self)
    }

    /// Answers what is ours and those whom a rule does not let pass, and lets `code` answer the rest. Cookies are set on
    /// whatever it answers.
    ///
    /// To the handlers of a `Router` the visit goes as its data:
    ///
    /// ```no_run
    /// # use edge_oidc::Oidc;
    /// # use worker::{Env, Request, Response, Result, Router};
    /// async fn answer(oidc: &Oidc, request: &Request, env: &Env) -> Result<Response> {
    ///     oidc.serve(request, async |visit| {
    ///         Router::with_data(visit)
    ///             .get_async("/me", |_, context| async move {
    ///                 Response::ok(context.data.require_login().await?.subject())
    ///             })
    ///             .run(request.clone()?, env.clone())
    ///             .await
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `code`, and that the runtime refuses to build a response. An [`Answer`](crate::Answer) is none: it is
    /// returned.
    pub async fn serve(
        &self,
        request: &impl AsRequest,
        code: impl AsyncFnOnce(Visit) -> worker::Result<Response>,
    ) -> worker::Result<Response> {
        match self.before_request(request).await? {
            Before::Respond(response) => Ok(response),
            Before::Visit(visit, after) => after.settle(code(visit).await),
        }
    }

    /// The first half of [`Oidc::serve`], for those who have to put something in between.
    ///
    /// # Errors
    ///
    /// The runtime refuses to build a response.
    pub async fn before_request(&self, request: &impl AsRequest) -> worker::Result<Before> {
        Ok(match self.0.before(request.raw()).await {
            embed::Before::Respond(reply) => Before::Respond(respond(&reply)?.into()),
            embed::Before::Visit(visit, after) => Before::Visit(visit, AfterRequest::of(&self.0, after)),
        })
    }
}

/// What comes of a request before the Worker's own code has seen it.
#[derive(Debug)]
#[must_use = "a request that has been answered must not be answered otherwise"]
pub enum Before {
    /// It is answered. Return this.
    Respond(Response),
    /// It is the code's to answer, and the answer goes back through the second value.
    Visit(Visit, AfterRequest),
}

/// The way back of an answer.
///
/// ```no_run
/// use edge_oidc::{Before, Oidc};
/// use worker::{Request, Response, Result};
///
/// async fn answer(oidc: &Oidc, request: &Request) -> Result<Response> {
///     match oidc.before_request(request).await? {
///         Before::Respond(response) => Ok(response),
///         Before::Visit(visit, after) => after.apply(Response::ok(visit.user_loggedin().to_string())?),
///     }
/// }
/// ```
///
/// The compiler says when it is forgotten, and `deny(unused)` makes an error of it:
///
/// ```compile_fail
/// #![deny(unused)]
/// # use edge_oidc::{Before, Oidc};
/// # use worker::{Request, Response, Result};
/// # pub
/// async fn answer(oidc: &Oidc, request: &Request) -> Result<Response> {
///     match oidc.before_request(request).await? {
///         Before::Respond(response) => Ok(response),
///         Before::Visit(visit, after) => Response::ok(visit.user_loggedin().to_string()),
///     }
/// }
/// ```
#[must_use = "without it a session that was renewed, begun or ended is lost on the way back"]
pub struct AfterRequest {
    inside: Inside,
    after: embed::AfterRequest<Host, Incoming>,
}

impl fmt::Debug for AfterRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AfterRequest")
    }
}

impl AfterRequest {
    pub(super) fn of(inside: &Inside, after: embed::AfterRequest<Host, Incoming>) -> Self {
        Self { inside: inside.clone(), after }
    }

    /// Sets the cookies that have to be set, and keeps shared caches away from what is for one visitor.
    ///
    /// # Errors
    ///
    /// The runtime refuses to build the response.
    pub fn apply(self, response: Response) -> worker::Result<Response> {
        self.settle(Ok(response))
    }

    pub(super) fn settle(self, made: worker::Result<Response>) -> worker::Result<Response> {
        let way_back = self.after.into_forward();
        let response = settle(made)?;
        Ok(cleaned(&self.inside, &response, &way_back)?.into())
    }
}
