//! A request of the runtime, as the core sees it.

use std::borrow::Cow;

use js_sys::JsString;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::glue;
use crate::{
    session::cookies::CookieNames,
    web::request::{BodyError, IncomingRequest},
};

/// What one crossing read of a request; the rest is asked for when it is needed.
pub(super) struct EdgeRequest<'r> {
    request: &'r web_sys::Request,
    facts: String,
    method_end: usize,
    url_end: usize,
    cookies_end: usize,
    /// The `Cookie` headers, when there were several and ours was among them.
    untangled: Option<String>,
}

impl<'r> EdgeRequest<'r> {
    pub(super) fn read(request: &'r web_sys::Request, names: &CookieNames) -> Self {
        let facts = glue::read(request);
        let line_end = |from: usize| {
            let rest = facts.get(from..).unwrap_or_default();
            from + rest.find('\n').unwrap_or(rest.len())
        };
        let method_end = line_end(0);
        let url_end = line_end(method_end + 1);
        let cookies_end = line_end(url_end + 1);
        let cookies = facts.get(url_end + 1..cookies_end).unwrap_or_default();
        let untangled = match names.untangled(cookies) {
            Cow::Borrowed(_) => None,
            Cow::Owned(untangled) => Some(untangled),
        };
        Self { request, facts, method_end, url_end, cookies_end, untangled }
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        self.facts.get(from..to).unwrap_or_default()
    }
}

impl IncomingRequest for EdgeRequest<'_> {
    fn method(&self) -> &str {
        self.slice(0, self.method_end)
    }

    fn url(&self) -> &str {
        self.slice(self.method_end + 1, self.url_end)
    }

    fn cookies(&self) -> &str {
        self.untangled.as_deref().unwrap_or_else(|| self.slice(self.url_end + 1, self.cookies_end))
    }

    fn header_names(&self) -> impl Iterator<Item = &str> {
        self.slice(self.cookies_end + 1, self.facts.len()).split('\n')
    }

    fn header(&self, name: &'static str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    async fn body(&self, limit: usize) -> Result<String, BodyError> {
        self.read_body(limit, false).await
    }

    async fn peek(&self, limit: usize) -> Result<String, BodyError> {
        self.read_body(limit, true).await
    }

    fn client_certificate(&self) -> Option<[u8; 32]> {
        glue::client_certificate(self.request).try_into().ok()
    }
}

impl EdgeRequest<'_> {
    async fn read_body(&self, limit: usize, goes_on: bool) -> Result<String, BodyError> {
        #[allow(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
        let text = JsFuture::from(glue::read_body(self.request, limit as f64, goes_on)).await;
        match text {
            Ok(text) if text.is_null() => Err(BodyError::TooLarge),
            Ok(text) => text.dyn_into::<JsString>().map(String::from).map_err(|_: JsValue| BodyError::Unreadable),
            Err(_) => Err(BodyError::Unreadable),
        }
    }
}
