//! The layer around a router.

use core::{
    convert::Infallible,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use ::axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::{OriginalUri, Request},
    http::{
        self, HeaderMap,
        header::{CACHE_CONTROL, COOKIE},
        request::Parts,
    },
    response::Response,
};
use tower_layer::Layer;
use tower_service::Service;
use worker::send::{SendFuture, SendWrapper};

use super::{
    super::{
        AsRequest as _, Oidc,
        inside::{Host, Incoming, Inside},
    },
    Visit,
    answer::{edit, respond, values},
};
use crate::{
    edge::{request::EdgeRequest, shared_body::SharedBody},
    embed::{AfterRequest, Before},
    origin::AnswerFacts,
    web::{reply::Reply, request::CALLER},
};

impl Oidc {
    /// The layer for a router of axum's: it answers what is ours and those whom a rule does not let pass, hands the visit
    /// of each other request to the extractors, and sets the cookies of whatever is answered. Add it after the routes and
    /// the fallback: axum puts a layer around what is there already.
    pub fn layer(&self) -> OidcLayer {
        OidcLayer(SendWrapper::new(self.clone()))
    }
}

/// What [`Oidc::layer`] gives.
#[derive(Clone)]
pub struct OidcLayer(SendWrapper<Oidc>);

impl fmt::Debug for OidcLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OidcLayer")
    }
}

impl<S> Layer<S> for OidcLayer {
    type Service = OidcService<S>;

    fn layer(&self, inner: S) -> OidcService<S> {
        OidcService { oidc: self.0.clone(), inner }
    }
}

/// What [`OidcLayer`] puts around a service.
///
/// What is inside always answers: an error would have no cookies, and they would be lost. `HandleErrorLayer` of axum's
/// makes answers of errors.
#[derive(Clone)]
pub struct OidcService<S> {
    oidc: SendWrapper<Oidc>,
    inner: S,
}

impl<S> fmt::Debug for OidcService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OidcService")
    }
}

impl<S, B> Service<http::Request<B>> for OidcService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // The one that is ready answers; the copy has to ask anew.
        let copy = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, copy);
        let oidc = self.oidc.clone();
        Box::pin(SendFuture::new(async move {
            let request = request.map(Body::new);
            // A layer further out has judged it: a proof of possession, say, counts once.
            if request.extensions().get::<Visit>().is_some() {
                return inner.call(request).await;
            }
            match begin(&oidc.0.0, request).await {
                Ok((request, after)) => Ok(finish(inner.call(request).await?, after)),
                Err(answer) => Ok(answer),
            }
        }))
    }
}

/// The request with its visit in it, or the answer to it.
async fn begin(inside: &Inside, request: Request) -> Result<(Request, AfterRequest<Host, Incoming>), Response> {
    let (mut parts, body) = request.into_parts();
    let body = SharedBody::new(body);
    let raw = raw(&parts).ok_or_else(|| respond(&Reply::empty(400)))?;
    let incoming = EdgeRequest::new(Clone::clone(&raw), facts(&parts)).with_body(body.clone());
    match inside.before_incoming(inside.host(&raw), incoming).await {
        Before::Respond(reply) => Err(respond(&reply)),
        Before::Visit(visit, after) => {
            parts.extensions.insert(Visit::new(visit));
            Ok((Request::from_parts(parts, Body::new(body)), after))
        }
    }
}

fn finish(mut response: Response, after: AfterRequest<Host, Incoming>) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    let (cache_control, set_cookies) =
        (values(headers, CACHE_CONTROL).join(", "), values(headers, http::header::SET_COOKIE));
    let edits = after.edits(&AnswerFacts { cache_control: &cache_control, set_cookies: &set_cookies });
    edit(headers, edits);
    response
}

/// The runtime's own request, for its headers and for what the platform says of the connection. Everything else is taken
/// from the parts: a URL that is given to the runtime anew would not be the one that is routed.
fn raw(parts: &Parts) -> Option<web_sys::Request> {
    let mut raw = http::Request::new(Body::empty());
    raw.headers_mut().clone_from(&parts.headers);
    raw.extensions_mut().clone_from(&parts.extensions);
    "https://raw.invalid/".parse().ok().map(|uri| *raw.uri_mut() = uri)?;
    worker::Request::try_from(raw).ok().map(|raw| raw.raw())
}

/// As `facts` of `glue.js`.
fn facts(parts: &Parts) -> String {
    // A nested router sees a part of the path.
    let url = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let text = |name, between| values(&parts.headers, name).join(between);
    let mut lines = [parts.method.as_str(), &url.to_string(), &text(COOKIE, "; ")].join("\n");
    lines.push('\n');
    lines.push_str(&text(http::HeaderName::from_static(CALLER), ", "));
    for name in parts.headers.keys() {
        lines.push('\n');
        lines.push_str(name.as_str());
    }
    lines
}
