//! A request of the runtime, as the core sees it.

use std::borrow::Cow;

use js_sys::Uint8Array;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;

use super::glue;
#[cfg(feature = "axum")]
use super::shared_body::SharedBody;
use crate::{
    session::cookies::CookieNames,
    web::request::{BodyError, CALLER, IncomingRequest},
};

/// A request and what is always asked of it, as `glue.js` has read it; the rest is asked for when it is needed.
#[allow(unreachable_pub, reason = "types of the library name it")]
pub struct EdgeRequest {
    request: web_sys::Request,
    facts: String,
    /// Where the lines of method, URL, cookies and address end.
    ends: [usize; 4],
    /// The `Cookie` headers, when there were several and ours was among them.
    untangled: Option<String>,
    /// Where the body is, if not in the runtime's own request.
    #[cfg(feature = "axum")]
    body: Option<SharedBody>,
}

impl EdgeRequest {
    pub(super) fn new(request: web_sys::Request, facts: String) -> Self {
        let mut from = 0;
        let ends = [(); 4].map(|()| {
            let rest = facts.get(from..).unwrap_or_default();
            let end = from + rest.find('\n').unwrap_or(rest.len());
            from = end + 1;
            end
        });
        Self {
            request,
            facts,
            ends,
            untangled: None,
            #[cfg(feature = "axum")]
            body: None,
        }
    }

    #[cfg(feature = "axum")]
    pub(super) fn with_body(self, body: SharedBody) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(super) fn untangled(mut self, names: &CookieNames) -> Self {
        if let Cow::Owned(untangled) = names.untangled(self.cookies()) {
            self.untangled = Some(untangled);
        }
        self
    }

    #[cfg(feature = "guard")]
    pub(super) fn raw(&self) -> &web_sys::Request {
        &self.request
    }

    fn between(&self, before: usize, end: usize) -> &str {
        self.facts.get(before + 1..end).unwrap_or_default()
    }
}

impl IncomingRequest for EdgeRequest {
    fn method(&self) -> &str {
        let [end, ..] = self.ends;
        self.facts.get(..end).unwrap_or_default()
    }

    fn url(&self) -> &str {
        let [before, end, ..] = self.ends;
        self.between(before, end)
    }

    fn cookies(&self) -> &str {
        let [_, before, end, _] = self.ends;
        self.untangled.as_deref().unwrap_or_else(|| self.between(before, end))
    }

    fn header_names(&self) -> impl Iterator<Item = &str> {
        let [.., end] = self.ends;
        self.between(end, self.facts.len()).split('\n')
    }

    fn header(&self, name: &'static str) -> Option<String> {
        let [_, _, before, end] = self.ends;
        if name == CALLER {
            return Some(self.between(before, end).to_owned()).filter(|address| !address.is_empty());
        }
        self.request.headers().get(name).ok().flatten()
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.read_body(limit, false).await
    }

    async fn peek(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.read_body(limit, true).await
    }

    fn client_certificate(&self) -> Option<[u8; 32]> {
        glue::client_certificate(&self.request).try_into().ok()
    }
}

impl EdgeRequest {
    async fn read_body(&self, limit: usize, goes_on: bool) -> Result<Vec<u8>, BodyError> {
        #[cfg(feature = "axum")]
        if let Some(body) = &self.body {
            return body.read(limit).await;
        }
        #[allow(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
        let read = JsFuture::from(glue::read_body(&self.request, limit as f64, goes_on)).await;
        let bytes = read.map_err(|_| BodyError::Unreadable)?;
        bytes.dyn_ref().map(Uint8Array::to_vec).ok_or(BodyError::TooLarge)
    }
}
