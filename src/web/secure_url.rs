//! Absolute URLs that may be trusted with a token: `https`, or plain `http` to this very machine.

use core::fmt;

use url::{Host, Url};

/// An `https://` URL, or `http://` to a loopback host; kept, compared and sent as it was written.
///
/// It has no userinfo and no fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureUrl {
    written: String,
    parsed: Url,
}

/// Why a text is not a [`SecureUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureUrlError {
    /// Not an absolute URL with a host.
    NotAUrl,
    /// `http` to another machine, or another scheme altogether.
    NotHttps,
    /// `https://user:password@host/`.
    UserInfo,
    /// A `#fragment`.
    Fragment,
}

impl SecureUrl {
    /// Parses an absolute URL.
    pub fn parse(text: &str) -> Result<Self, SecureUrlError> {
        // The parser drops tabs, newlines and outer spaces; what it drops was not meant by anyone.
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(SecureUrlError::NotAUrl);
        }
        if has_encoded_host(text) {
            return Err(SecureUrlError::NotAUrl);
        }
        let parsed = Url::parse(text).map_err(|_| SecureUrlError::NotAUrl)?;
        let Some(host) = parsed.host() else { return Err(SecureUrlError::NotAUrl) };
        match parsed.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return Err(SecureUrlError::NotHttps),
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(SecureUrlError::UserInfo);
        }
        if parsed.fragment().is_some() {
            return Err(SecureUrlError::Fragment);
        }
        Ok(Self { written: text.to_owned(), parsed })
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Scheme, host and port: `https://site.example:8443`.
    pub fn origin(&self) -> String {
        self.parsed.origin().ascii_serialization()
    }

    /// The path, normalised as URLs are; never empty.
    pub fn path(&self) -> &str {
        self.parsed.path()
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.parsed.query()
    }
}

impl fmt::Display for SecureUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Display for SecureUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => "expected an absolute URL such as https://idp.example/",
            Self::NotHttps => "expected https:// (http:// is accepted for loopback hosts only)",
            Self::UserInfo => "expected no user name or password in the URL",
            Self::Fragment => "expected no #fragment in the URL",
        })
    }
}

/// Whether the host part of a URL (`localhost`, `127.0.0.1`, `[::1]`) is this machine.
pub fn is_loopback_host(host: &str) -> bool {
    Host::parse(host).is_ok_and(|host| is_loopback(&host))
}

// Some readers decode a host and others look it up as it is written; the parser, without its tables of Unicode, has
// an assertion about what it finds encoded there.
fn has_encoded_host(text: &str) -> bool {
    let after_scheme = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches('/');
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().contains('%')
}

fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_loopback() {
        for good in [
            "https://idp.example",
            "https://idp.example/a?b=c",
            "https://idp.example/%41?%42",
            "http://localhost:3000/x",
            "http://app.localhost/",
            "http://127.9.9.9/",
            "http://[::1]:80/",
        ] {
            assert_eq!(SecureUrl::parse(good).map(|url| url.to_string()), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("http://idp.example", SecureUrlError::NotHttps),
            ("http://localhost.evil.example", SecureUrlError::NotHttps),
            ("http://127.0.0.1.evil.example", SecureUrlError::NotHttps),
            ("ftp://localhost", SecureUrlError::NotHttps),
            ("javascript:alert(1)", SecureUrlError::NotAUrl),
            ("https://", SecureUrlError::NotAUrl),
            ("idp.example", SecureUrlError::NotAUrl),
            (" https://idp.example", SecureUrlError::NotAUrl),
            ("https://idp.example\\@evil.example", SecureUrlError::NotAUrl),
            ("https://%69dp.example", SecureUrlError::NotAUrl),
            ("https:idp.example%bbA/", SecureUrlError::NotAUrl),
            ("https:////%bbA/", SecureUrlError::NotAUrl),
            ("https://a%20b@idp.example", SecureUrlError::UserInfo),
            ("https://a:b@idp.example", SecureUrlError::UserInfo),
            ("https://idp.example/#x", SecureUrlError::Fragment),
        ] {
            assert_eq!(SecureUrl::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn loopback_hosts() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["localhost.", "xlocalhost", "128.0.0.1", "[::2]", "", "0.0.0.0"] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
