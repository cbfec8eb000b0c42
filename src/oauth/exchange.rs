//! What is sent to the provider and what comes back, as plain values.

use core::fmt;

use serde_json::Value;

use crate::{
    json::Object,
    web::{form::Form, secure_url::SecureUrl},
};

/// More of an answer than this is never read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest any call to the provider may take, in seconds.
pub const CALL_TIMEOUT_SECONDS: u32 = 10;

/// How the provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends a form or a new registration.
    Post,
    /// Replaces a registration (RFC 7592 §2.2).
    Put,
    /// Ends a registration (RFC 7592 §2.3).
    Delete,
}

impl Method {
    /// As HTTP spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A call to the provider that has yet to be made. Redirects are never followed.
pub struct ProviderRequest {
    /// How.
    pub method: Method,
    /// Where to.
    pub url: SecureUrl,
    /// `Accept`, `Authorization`, …; names in their usual spelling.
    pub headers: Vec<(&'static str, String)>,
    /// A form or JSON, as `Content-Type` says; a GET and a DELETE have none.
    pub body: Option<String>,
}

impl ProviderRequest {
    /// A GET that wants JSON.
    pub fn for_json(url: SecureUrl) -> Self {
        Self::bare(Method::Get, url)
    }

    /// A DELETE that wants JSON, if anything.
    pub fn delete(url: SecureUrl) -> Self {
        Self::bare(Method::Delete, url)
    }

    /// A POST of a form that wants JSON.
    pub fn post_form(url: SecureUrl, form: &Form) -> Self {
        Self::bare(Method::Post, url).body("application/x-www-form-urlencoded", form.to_body())
    }

    /// A POST of a JSON object that wants JSON.
    pub fn post_json(url: SecureUrl, object: Object) -> Self {
        Self::bare(Method::Post, url).body("application/json", Value::Object(object).to_string())
    }

    /// A PUT of a JSON object that wants JSON.
    pub fn put_json(url: SecureUrl, object: Object) -> Self {
        Self::bare(Method::Put, url).body("application/json", Value::Object(object).to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Wants these types in place of JSON.
    #[must_use]
    pub fn accepting(mut self, types: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "Accept");
        self.header("Accept", types.to_owned())
    }

    fn bare(method: Method, url: SecureUrl) -> Self {
        Self { method, url, headers: vec![("Accept", "application/json".to_owned())], body: None }
    }

    fn body(self, content_type: &str, body: String) -> Self {
        Self { body: Some(body), ..self.header("Content-Type", content_type.to_owned()) }
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
