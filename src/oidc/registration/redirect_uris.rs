//! Which redirect URIs may be registered, and as what kind of application (Dynamic Registration 1.0 §2).

use core::fmt;

use super::Printable;
use crate::web::secure_url::{SecureUrl, SecureUrlError};

/// Where our callback stands under the application's URL.
pub const CALLBACK_PATH: &str = "/oidc_callback";

/// `application_type` (Dynamic Registration 1.0 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationType {
    /// Redirected to by `https`.
    Web,
    /// Redirected to by `http` on this very machine: a site under development.
    Native,
}

impl ApplicationType {
    /// By its registered name.
    pub fn parse(name: &str) -> Result<Self, RedirectUriError> {
        match name {
            "web" => Ok(Self::Web),
            "native" => Ok(Self::Native),
            _ => Err(RedirectUriError::ClientType),
        }
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

/// Redirect URIs that go together, at least one; only [`check_redirect_uris`] makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUris {
    uris: Vec<SecureUrl>,
    application_type: ApplicationType,
}

impl RedirectUris {
    /// The URIs, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().map(SecureUrl::as_str)
    }

    /// What all of them make the client.
    pub const fn application_type(&self) -> ApplicationType {
        self.application_type
    }
}

/// Why redirect URIs can't be registered. The messages are Flask-OIDC's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectUriError {
    /// A client type other than `web` and `native`.
    ClientType,
    /// No URI at all.
    Empty,
    /// `https` for what is a native application already.
    HttpsWithNative,
    /// `http` to this machine for what is a web application already.
    LoopbackWithWeb,
    /// `http` to another machine.
    PlainHttp,
    /// Not a URL, another scheme, or one with a user name or a fragment (RFC 6749 §3.1.2).
    Invalid(Printable),
}

impl fmt::Display for RedirectUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientType => "Invalid client type indicator used",
            Self::Empty => "At least one return URI needs to be provided",
            Self::HttpsWithNative => "https url with native client",
            Self::LoopbackWithWeb => "http://localhost url with web client",
            Self::PlainHttp => "http:// url with non-localhost is illegal",
            Self::Invalid(uri) => return write!(f, "Invalid uri provided: {uri}"),
        })
    }
}

impl core::error::Error for RedirectUriError {}

/// Checks URIs one after the other, as Flask-OIDC does: the first decides what the client is unless `client_type` says
/// so, and no later one may disagree.
///
/// Where Flask-OIDC looks at how the text begins, the URL is parsed: `http://localhost.example.com` is another
/// machine, and 127.0.0.1 and `[::1]` are this one (Dynamic Registration 1.0 §2).
pub fn check_redirect_uris<U: AsRef<str>>(
    uris: &[U],
    client_type: Option<ApplicationType>,
) -> Result<RedirectUris, RedirectUriError> {
    let mut checked = Vec::with_capacity(uris.len());
    let mut application_type = client_type;
    for uri in uris {
        let url = parse(uri.as_ref())?;
        let found = if url.origin().starts_with("https:") { ApplicationType::Web } else { ApplicationType::Native };
        match (application_type, found) {
            (Some(ApplicationType::Native), ApplicationType::Web) => return Err(RedirectUriError::HttpsWithNative),
            (Some(ApplicationType::Web), ApplicationType::Native) => return Err(RedirectUriError::LoopbackWithWeb),
            _ => application_type = Some(found),
        }
        checked.push(url);
    }
    match application_type {
        Some(application_type) if !checked.is_empty() => Ok(RedirectUris { uris: checked, application_type }),
        _ => Err(RedirectUriError::Empty),
    }
}

/// The URL of `path` (which begins with `/`) under an application's URL, whether or not that ends in a slash.
pub fn under_application(application: &str, path: &str) -> Result<String, RedirectUriError> {
    let url = parse(application)?;
    if url.query().is_some() {
        return Err(invalid(application));
    }
    Ok(format!("{}{path}", application.trim_end_matches('/')))
}

fn parse(uri: &str) -> Result<SecureUrl, RedirectUriError> {
    let url = SecureUrl::parse(uri).map_err(|error| match error {
        SecureUrlError::NotHttps if has_scheme(uri, "http") => RedirectUriError::PlainHttp,
        _ => invalid(uri),
    })?;
    // The parser mends `https:/site` and `https:///site`; a provider compares what is written.
    let has_authority = uri.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    if has_authority { Ok(url) } else { Err(invalid(uri)) }
}

fn invalid(uri: &str) -> RedirectUriError {
    RedirectUriError::Invalid(Printable::cut(uri, 200))
}

fn has_scheme(uri: &str, scheme: &str) -> bool {
    uri.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(uris: &[&str], client_type: Option<&str>) -> Result<&'static str, String> {
        let client_type = client_type.map(ApplicationType::parse).transpose().map_err(|error| error.to_string())?;
        let checked = check_redirect_uris(uris, client_type).map_err(|error| error.to_string())?;
        assert!(checked.iter().eq(uris.iter().copied()), "{uris:?}");
        Ok(checked.application_type().name())
    }

    /// Flask-OIDC's table, row by row; what its prefixes got wrong is below.
    #[test]
    fn flask_oidc_s_rules() {
        const TYPE: Result<&str, &str> = Err("Invalid client type indicator used");
        const NONE: Result<&str, &str> = Err("At least one return URI needs to be provided");
        const NATIVE: Result<&str, &str> = Err("https url with native client");
        const WEB: Result<&str, &str> = Err("http://localhost url with web client");
        const PLAIN: Result<&str, &str> = Err("http:// url with non-localhost is illegal");
        for (uris, client_type, expected) in [
            (&["https://site.example/oidc_callback"][..], None, Ok("web")),
            (&["https://site.example/oidc_callback"], Some("web"), Ok("web")),
            (&["http://localhost/oidc_callback"], None, Ok("native")),
            (&["http://localhost:5000/oidc_callback"], Some("native"), Ok("native")),
            (&["https://a.example/", "https://b.example/"], None, Ok("web")),
            (&["http://localhost:1/", "http://localhost:2/"], None, Ok("native")),
            (&["https://a.example/"], Some("installed"), TYPE),
            (&[], Some(""), TYPE),
            (&[], None, NONE),
            (&[], Some("web"), NONE),
            (&["https://a.example/"], Some("native"), NATIVE),
            (&["http://localhost/"], Some("web"), WEB),
            (&["http://localhost/", "https://a.example/"], None, NATIVE),
            (&["https://a.example/", "http://localhost/"], None, WEB),
            (&["http://a.example/"], None, PLAIN),
            (&["http://a.example/"], Some("native"), PLAIN),
            (&["https://a.example/", "http://a.example/"], None, PLAIN),
            (&["ftp://localhost/"], None, Err("Invalid uri provided: ftp://localhost/")),
            (&["site.example"], None, Err("Invalid uri provided: site.example")),
            (&[""], None, Err("Invalid uri provided: ")),
        ] {
            assert_eq!(verdict(uris, client_type), expected.map_err(str::to_owned), "{uris:?} {client_type:?}");
        }
    }

    #[test]
    fn hosts_are_parsed() {
        const PLAIN: Result<&str, &str> = Err("http:// url with non-localhost is illegal");
        for (uri, expected) in [
            ("http://localhost.evil.example/", PLAIN),
            ("http://localhost:80@evil.example/", PLAIN),
            ("http://127.0.0.1.evil.example/", PLAIN),
            ("HTTP://site.example/", PLAIN),
            ("http://127.0.0.1:5000/", Ok("native")),
            ("http://[::1]:5000/", Ok("native")),
            ("HTTPS://site.example/", Ok("web")),
            ("https://localhost/", Ok("web")),
            ("https://", Err("Invalid uri provided: https://")),
            ("https:/site.example/", Err("Invalid uri provided: https:/site.example/")),
            ("https:///site.example/", Err("Invalid uri provided: https:///site.example/")),
            ("https:site.example", Err("Invalid uri provided: https:site.example")),
            ("https://site.example/#top", Err("Invalid uri provided: https://site.example/#top")),
            ("https://me@site.example/", Err("Invalid uri provided: https://me@site.example/")),
            (" https://site.example/", Err("Invalid uri provided:  https://site.example/")),
            ("https://site.example/\u{1b}[31m", Err("Invalid uri provided: https://site.example/?[31m")),
        ] {
            assert_eq!(verdict(&[uri], None), expected.map_err(str::to_owned), "{uri}");
        }
    }

    #[test]
    fn the_callback_stands_under_the_application() {
        for (application, expected) in [
            ("https://site.example", Some("https://site.example/oidc_callback")),
            ("https://site.example/", Some("https://site.example/oidc_callback")),
            ("https://site.example//", Some("https://site.example/oidc_callback")),
            ("https://site.example/app/", Some("https://site.example/app/oidc_callback")),
            ("http://localhost:8787", Some("http://localhost:8787/oidc_callback")),
            ("https://site.example/?a=b", None),
            ("https://site.example?", None),
            ("https://site.example/#a", None),
            ("https://", None),
            ("https:///", None),
            ("", None),
        ] {
            assert_eq!(under_application(application, CALLBACK_PATH).ok().as_deref(), expected, "{application}");
        }
    }
}
