//! What is sent to the provider and what comes back, as plain values.

use core::fmt;

use crate::web::{form::Form, secure_url::SecureUrl};

/// More of an answer than this is never read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest any call to the provider may take, in seconds.
pub const CALL_TIMEOUT_SECONDS: u32 = 10;

/// A call to the provider that has yet to be made. Redirects are never followed.
pub struct ProviderRequest {
    /// Where to.
    pub url: SecureUrl,
    /// `Accept`, `Authorization`, …; names in their usual spelling.
    pub headers: Vec<(&'static str, String)>,
    /// A form makes it a POST, its absence a GET.
    pub body: Option<String>,
}

impl ProviderRequest {
    /// A GET that wants JSON.
    pub fn for_json(url: SecureUrl) -> Self {
        Self { url, headers: vec![("Accept", "application/json".to_owned())], body: None }
    }

    /// A POST of a form that wants JSON.
    pub fn post_form(url: SecureUrl, form: &Form) -> Self {
        let content_type = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
        Self { url, headers: vec![("Accept", "application/json".to_owned()), content_type], body: Some(form.to_body()) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// What the provider answered; nothing in it is trusted.
pub struct ProviderAnswer {
    /// The HTTP status, redirects included.
    pub status: u16,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

impl ProviderAnswer {
    /// Whether the body may be JSON: it says so (RFC 6839 §3.1), or says nothing.
    pub fn may_be_json(&self) -> bool {
        self.media_type().is_none_or(|media_type| media_type == "application/json" || media_type.ends_with("+json"))
    }

    /// The media type in lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.content_type.as_deref()?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }
}

/// Without headers and body, which hold secrets and codes.
impl fmt::Debug for ProviderRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderRequest").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Without the body, which may hold tokens.
impl fmt::Debug for ProviderAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_by_its_media_type() {
        for (content_type, expected) in [
            (None, true),
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("application/jwk-set+json"), true),
            (Some("text/html"), false),
            (Some("text/plain"), false),
            (Some("application/jsonp"), false),
            (Some(""), false),
        ] {
            let answer =
                ProviderAnswer { status: 200, content_type: content_type.map(str::to_owned), body: Vec::new() };
            assert_eq!(answer.may_be_json(), expected, "{content_type:?}");
        }
    }
}
