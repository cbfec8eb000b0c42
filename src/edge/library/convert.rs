//! From the library's types to the platform's, and back.

use wasm_bindgen::{JsCast as _, JsValue};
use worker::{Error, Request, Response};

use crate::{
    edge::respond::respond,
    embed::{Answer, BadHeader},
};

/// A request as the runtime holds it: the crate `worker`'s or a raw one. Its body is left alone, unless the request is for
/// an endpoint of ours that takes a form.
pub trait AsRequest {
    /// The runtime's own object.
    fn raw(&self) -> web_sys::Request;
}

impl AsRequest for Request {
    fn raw(&self) -> web_sys::Request {
        // The same object, not the runtime's copy of the request.
        Clone::clone(self.inner())
    }
}

impl AsRequest for web_sys::Request {
    fn raw(&self) -> web_sys::Request {
        Clone::clone(self)
    }
}

/// An answer that nobody returns leads nowhere: it is no response by itself, and `deny(unused)` makes an error of one that
/// is dropped.
///
/// ```no_run
/// # use edge_oidc::{Answer, Visit};
/// # use worker::{Response, Result};
/// async fn logout(visit: Visit) -> Result<Response> {
///     visit.logout(None).await.into_response()
/// }
/// ```
///
/// ```compile_fail,E0308
/// # use edge_oidc::{Answer, Visit};
/// # use worker::{Response, Result};
/// async fn logout(visit: Visit) -> Result<Response> {
///     Ok(visit.logout(None).await)
/// }
/// ```
///
/// ```compile_fail
/// #![deny(unused)]
/// # use edge_oidc::{Answer, Visit};
/// # use worker::{Response, Result};
/// # pub
/// async fn logout(visit: Visit) -> Result<Response> {
///     visit.logout(None).await;
///     Response::ok("signed out, or not")
/// }
/// ```
impl Answer {
    /// A response that goes back through [`Oidc::serve`](super::Oidc::serve) or
    /// [`AfterRequest::apply`](super::AfterRequest::apply), which set its cookies.
    ///
    /// # Errors
    ///
    /// The runtime refuses to build it.
    pub fn into_response(self) -> worker::Result<Response> {
        Ok(respond(self.reply())?.into())
    }
}

/// So that `?` returns the answer from a handler of the crate `worker`: [`Oidc::serve`](super::Oidc::serve) takes it out
/// again.
impl From<Answer> for Error {
    fn from(answer: Answer) -> Self {
        respond(answer.reply()).map_or_else(Self::Internal, |response| Self::Internal(response.into()))
    }
}

/// So that `?` works in a hook.
impl From<BadHeader> for Error {
    fn from(error: BadHeader) -> Self {
        Self::RustError(error.to_string())
    }
}

/// What a handler has made: its response, or the answer that `?` has returned.
pub(super) fn settle(made: worker::Result<Response>) -> worker::Result<web_sys::Response> {
    match made {
        Ok(response) => Ok(response.into()),
        Err(Error::Internal(value)) => value.dyn_into().map_err(|other: JsValue| Error::Internal(other)),
        Err(error) => Err(error),
    }
}
