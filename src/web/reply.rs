//! Answers of ours: a redirect, a page, JSON, or nothing but a status. None of them may be stored.

use core::fmt;
use std::borrow::Cow;

use super::cookie::SetCookie;
use super::pages;
use super::percent;

/// An answer that we give ourselves, without the origin.
///
/// Every one carries `Cache-Control: no-store`. No header value can hold a line break: see [`Reply::header`].
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    status: u16,
    headers: Vec<(Cow<'static, str>, String)>,
    cookies: Vec<SetCookie>,
    body: String,
}

impl Reply {
    /// 302 to a URL or a path. What can't stand in a URL (spaces, control and non-ASCII characters) is
    /// percent-encoded.
    pub fn redirect(location: impl AsRef<str>) -> Self {
        Self::empty(302).header("Location", location.as_ref().replace(' ', "%20").replace('\t', "%09"))
    }

    /// 307: the browser sends the same method and body once more, there (RFC 9110 §15.4.8).
    pub fn redirect_with_body(location: &str) -> Self {
        Self { status: 307, ..Self::redirect(location) }
    }

    /// A page without a form.
    pub fn page(status: u16, html: String) -> Self {
        Self::html(status, html, "no-referrer", "; form-action 'none'")
    }

    /// A page with a form.
    ///
    /// It has no `form-action`: browsers hold that against the redirect that answers the form too, and ours may lead
    /// to the provider. Its `Referrer-Policy` is `same-origin`, because under `no-referrer` a browser sends the form
    /// with `Origin: null`, and we could not tell it from a foreign one.
    pub fn form_page(status: u16, html: String) -> Self {
        Self::html(status, html, "same-origin", "")
    }

    /// The same with the one script of ours.
    pub fn script_page(status: u16, html: String) -> Self {
        Self::html(status, html, "same-origin", &format!("; script-src '{}'", pages::SCRIPT_HASH))
    }

    /// JSON.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        let reply =
            Self::empty(status).header("Content-Type", "application/json").header("X-Content-Type-Options", "nosniff");
        Self { body: value.to_string(), ..reply }
    }

    /// No body.
    pub fn empty(status: u16) -> Self {
        let headers = vec![(Cow::Borrowed("Cache-Control"), "no-store".to_owned())];
        Self { status, headers, cookies: Vec::new(), body: String::new() }
    }

    /// Sets a header, in place of one of the same name.
    ///
    /// Control and non-ASCII characters are percent-encoded as UTF-8: so nothing can end the header, the platform
    /// (which knows bytes only) takes every value, and a `Location` still means what it meant.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl AsRef<str>) -> Self {
        let name = name.into();
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.headers.push((name, field_value(value.as_ref())));
        self
    }

    /// Sets a cookie, besides those already set.
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// The answer without its cookies, and these.
    pub fn split_cookies(mut self) -> (Self, Vec<SetCookie>) {
        let cookies = core::mem::take(&mut self.cookies);
        (self, cookies)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers, without `Set-Cookie`; each name once.
    pub fn headers(&self) -> &[(Cow<'static, str>, String)] {
        &self.headers
    }

    /// The value of a header, whatever the case of its name.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The cookies, each to become a `Set-Cookie` header of its own.
    pub fn cookies(&self) -> &[SetCookie] {
        &self.cookies
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &str {
        &self.body
    }

    fn html(status: u16, html: String, referrer_policy: &str, more: &str) -> Self {
        let policy = format!(
            "default-src 'none'; style-src '{}'; base-uri 'none'; frame-ancestors 'none'{more}",
            pages::STYLE_HASH
        );
        let reply = Self::empty(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .header("X-Content-Type-Options", "nosniff")
            .header("Referrer-Policy", referrer_policy)
            .header("X-Frame-Options", "DENY")
            .header("Content-Security-Policy", policy);
        Self { body: html, ..reply }
    }
}

impl fmt::Debug for Reply {
    /// Without values: a `Location` may carry a token, and the body a visitor's claims.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("cookies", &self.cookies)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

// RFC 9110 §5.5: visible ASCII, space and tab.
fn field_value(value: &str) -> String {
    let mut field = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t') {
            field.push(char::from(byte));
        } else {
            percent::push_encoded(&mut field, byte);
        }
    }
    field
}

#[cfg(test)]
mod tests;
