//! Questions to the network, asked with the Worker's own limits.

use edge_oidc::{
    oauth::exchange::{Method, ProviderRequest},
    web::secure_url::SecureUrl,
};

use crate::shared::{
    http::{self, CallError, Heard},
    terminal::Terminal,
};

/// Whoever asks.
pub(super) struct Network<'t> {
    pub(super) terminal: &'t Terminal,
}

impl Network<'_> {
    pub(super) fn ask(&self, request: &ProviderRequest) -> Result<Heard, CallError> {
        http::exchange(request, self.terminal)
    }

    /// As a browser that opens a page.
    pub(super) fn open(&self, url: SecureUrl) -> Result<Heard, CallError> {
        let headers = vec![("Accept", "text/html".to_owned())];
        self.ask(&ProviderRequest { method: Method::Get, url, headers, body: None })
    }
}

/// A header's value, if it is text.
pub(super) fn header<'h>(heard: &'h Heard, name: &str) -> Option<&'h str> {
    heard.headers.get(name)?.to_str().ok()
}
