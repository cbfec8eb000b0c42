//! What the core sees of a request. Nothing is read before it is asked for.

/// The header in which the platform says who called; a caller can't choose it.
pub const CALLER: &str = "cf-connecting-ip";

/// A request as the platform holds it.
#[allow(async_fn_in_trait, reason = "the runtime has one thread; its futures are not Send and need not be")]
pub trait IncomingRequest {
    /// The method, in its own spelling.
    fn method(&self) -> &str;

    /// The absolute URL, exactly as it was sent.
    fn url(&self) -> &str;

    /// The `Cookie` header; empty when there is none.
    fn cookies(&self) -> &str;

    /// The names of all headers, in lower case.
    fn header_names(&self) -> impl Iterator<Item = &str>;

    /// Another header. Several of one name come joined by a comma and a space.
    fn header(&self, name: &'static str) -> Option<String>;

    /// The body, read up to `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when it is longer, or stops short.
    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError>;

    /// The same, of a body that goes on to the origin as it came.
    ///
    /// # Errors
    ///
    /// [`BodyError`] as for [`IncomingRequest::body`]; even then it goes on whole.
    async fn peek(&self, limit: usize) -> Result<Vec<u8>, BodyError>;

    /// The SHA-256 of the client certificate that the connection was made with, when the platform asked for one and
    /// found it good.
    fn client_certificate(&self) -> Option<[u8; 32]>;
}

/// A body of the visitor that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than was allowed.
    TooLarge,
    /// Not text, or it stopped short.
    Unreadable,
}

/// A body that has to be text.
///
/// # Errors
///
/// [`BodyError::Unreadable`] when it is none.
pub fn text(body: Vec<u8>) -> Result<String, BodyError> {
    String::from_utf8(body).map_err(|_| BodyError::Unreadable)
}

/// Whether a person waits for a page: GET or HEAD that names `text/html` in `Accept`, and no script asked
/// (Fetch Metadata: `Sec-Fetch-Mode`; the older `X-Requested-With`).
pub fn is_navigation(request: &impl IncomingRequest) -> bool {
    let safe = matches!(request.method(), "GET" | "HEAD");
    let by_script = request.header("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
        || request.header("x-requested-with").is_some_and(|by| by.eq_ignore_ascii_case("XMLHttpRequest"));
    safe && !by_script && wants_html(request)
}

/// Whether the browser asks before anybody has followed the link (`Sec-Purpose`: HTML, "speculative loading"). What is
/// no success it throws away, and asks again when somebody does follow it.
pub fn is_ahead(request: &impl IncomingRequest) -> bool {
    request.header("sec-purpose").is_some_and(|purpose| purpose.starts_with("prefetch"))
}

/// Whether a page has it as an image or the like, and nobody has come by a link (Fetch Metadata).
pub fn is_embedded(request: &impl IncomingRequest) -> bool {
    says(request, "sec-fetch-mode", "no-cors")
}

/// Whether a person sees the answer: to a navigation, or to a form that a browser says it sends for one.
pub fn is_for_a_person(request: &impl IncomingRequest) -> bool {
    is_navigation(request) || is_form(request) && wants_html(request)
}

/// Whether a page of this site sends a form, and a person waits for what comes: of the requests with a body the only one
/// that browsers make without a script (Fetch Metadata). What does not tell is none.
pub fn is_own_form(request: &impl IncomingRequest) -> bool {
    is_form(request) && says(request, "sec-fetch-site", "same-origin")
}

fn is_form(request: &impl IncomingRequest) -> bool {
    request.method() == "POST" && says(request, "sec-fetch-mode", "navigate")
}

fn says(request: &impl IncomingRequest, name: &'static str, value: &str) -> bool {
    request.header(name).is_some_and(|said| said == value)
}

fn wants_html(request: &impl IncomingRequest) -> bool {
    request.header("accept").is_some_and(|accept| {
        accept.split(',').any(|range| {
            let media_type = range.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case("text/html")
        })
    })
}

/// Whether another site caused the request, as far as it tells: `Sec-Fetch-Site`, else `Origin`, else `Referer`.
/// A request that tells nothing was typed or made by a tool.
pub fn is_foreign(request: &impl IncomingRequest, own_origins: &[&str]) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return !matches!(site.as_str(), "same-origin" | "none");
    }
    let is_own = |url: &str| own_origins.iter().any(|own| starts_with_origin(url, own));
    match request.header("origin").or_else(|| request.header("referer")) {
        Some(source) => !is_own(&source),
        None => false,
    }
}

fn starts_with_origin(url: &str, origin: &str) -> bool {
    let Some((start, rest)) = url.split_at_checked(origin.len()) else { return false };
    start.eq_ignore_ascii_case(origin) && (rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(&'static str, &'static [(&'static str, &'static str)]);

    impl IncomingRequest for Fake {
        fn method(&self) -> &str {
            self.0
        }
        fn url(&self) -> &'static str {
            "https://site.example/"
        }
        fn cookies(&self) -> &'static str {
            ""
        }
        fn header_names(&self) -> impl Iterator<Item = &str> {
            self.1.iter().map(|(name, _)| *name)
        }
        fn header(&self, name: &'static str) -> Option<String> {
            self.1.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
        async fn body(&self, _: usize) -> Result<Vec<u8>, BodyError> {
            Err(BodyError::Unreadable)
        }
        async fn peek(&self, _: usize) -> Result<Vec<u8>, BodyError> {
            Err(BodyError::Unreadable)
        }
        fn client_certificate(&self) -> Option<[u8; 32]> {
            None
        }
    }

    #[test]
    fn navigations() {
        const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for (method, headers, expected) in [
            ("GET", &[HTML][..], true),
            ("HEAD", &[HTML], true),
            ("GET", &[HTML, ("sec-fetch-mode", "navigate")], true),
            ("GET", &[("accept", "application/json, TEXT/HTML;q=0.1")], true),
            ("POST", &[HTML], false),
            ("GET", &[], false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[("accept", "application/text/html")], false),
            ("GET", &[HTML, ("sec-fetch-mode", "cors")], false),
            ("GET", &[HTML, ("sec-fetch-mode", "no-cors")], false),
            ("GET", &[HTML, ("sec-fetch-mode", "same-origin")], false),
            ("GET", &[HTML, ("sec-fetch-mode", "websocket")], false),
            ("GET", &[HTML, ("x-requested-with", "xmlhttprequest")], false),
        ] {
            assert_eq!(is_navigation(&Fake(method, headers)), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn forms_of_the_site() {
        const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
        const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
        for (method, headers, expected) in [
            ("POST", &[NAVIGATE, OWN][..], true),
            ("GET", &[NAVIGATE, OWN], false),
            ("PUT", &[NAVIGATE, OWN], false),
            ("post", &[NAVIGATE, OWN], false),
            ("POST", &[NAVIGATE], false),
            ("POST", &[OWN], false),
            ("POST", &[("origin", "https://site.example"), NAVIGATE], false),
            ("POST", &[NAVIGATE, ("sec-fetch-site", "same-site")], false),
            ("POST", &[NAVIGATE, ("sec-fetch-site", "cross-site")], false),
            ("POST", &[NAVIGATE, ("sec-fetch-site", "none")], false),
            ("POST", &[("sec-fetch-mode", "cors"), OWN], false),
            ("POST", &[("sec-fetch-mode", "same-origin"), OWN], false),
        ] {
            assert_eq!(is_own_form(&Fake(method, headers)), expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn foreign_requests() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://site.example")], true),
            (&[("origin", "https://site.example")], false),
            (&[("origin", "https://SITE.example")], false),
            (&[("origin", "https://site.example.evil.example")], true),
            (&[("origin", "null")], true),
            (&[("referer", "https://site.example/a")], false),
            (&[("referer", "https://evil.example/https://site.example/")], true),
        ] {
            assert_eq!(is_foreign(&Fake("GET", headers), &["https://site.example"]), expected, "{headers:?}");
        }
    }
}
