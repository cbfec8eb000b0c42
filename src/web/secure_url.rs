//! Absolute URLs that may be trusted with a token: `https`, or plain `http` to this very machine.

use core::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::path::split_authority;

/// An `https://` URL, or `http://` to a loopback host; kept, compared and sent as it was written.
///
/// It has no userinfo and no fragment, and every reader of URLs finds the same host in it: letters, digits, `-`, `.` and
/// `_`, or an IP address in its usual form. The platform's own parser reads it again before anything is sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureUrl {
    written: String,
    origin: String,
    path: Range<usize>,
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
        // Parsers drop tabs, newlines and outer spaces; what they drop was not meant by anyone.
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(SecureUrlError::NotAUrl);
        }
        let (scheme, rest) = text.split_once("://").ok_or(SecureUrlError::NotAUrl)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(SecureUrlError::NotAUrl)?;
        let (user, authority) = authority.rsplit_once('@').map_or((None, authority), |(user, rest)| (Some(user), rest));
        let (host, port) = split_authority(authority).ok_or(SecureUrlError::NotAUrl)?;
        let host = Host::parse(host).ok_or(SecureUrlError::NotAUrl)?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", 443),
            "http" if host.is_loopback() => ("http", 80),
            _ => return Err(SecureUrlError::NotHttps),
        };
        if user.is_some() {
            return Err(SecureUrlError::UserInfo);
        }
        if target.contains('#') {
            return Err(SecureUrlError::Fragment);
        }
        let port = port.filter(|port| *port != default_port).map(|port| format!(":{port}")).unwrap_or_default();
        let start = text.len() - target.len();
        let path = start..target.find('?').map_or(text.len(), |query| start + query);
        Ok(Self { written: text.to_owned(), origin: format!("{scheme}://{host}{port}"), path })
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Scheme, host and port: `https://site.example:8443`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path as it was written; never empty.
    pub fn path(&self) -> &str {
        self.written.get(self.path.clone()).filter(|path| !path.is_empty()).unwrap_or("/")
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.written.get(self.path.end..)?.strip_prefix('?')
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
    Host::parse(host).is_some_and(|host| host.is_loopback())
}

enum Host {
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    // A name that ends in a number is an IPv4 address to parsers of URLs, in many forms; here it must be the usual one.
    fn parse(host: &str) -> Option<Self> {
        if let Some(address) = host.strip_prefix('[') {
            return address.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next()?;
        let hex = last.strip_prefix("0x").or(last.strip_prefix("0X"));
        let is_number = last.bytes().all(|b| b.is_ascii_digit())
            || hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        if is_number {
            return host.parse().ok().map(Self::V4);
        }
        (!last.is_empty()).then(|| Self::Name(host.to_ascii_lowercase()))
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
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
            ("http://127.1/", SecureUrlError::NotAUrl),
            ("http://0x7f000001/", SecureUrlError::NotAUrl),
            ("https://2130706433/", SecureUrlError::NotAUrl),
            ("https://idp.example:/", SecureUrlError::NotAUrl),
            ("https://idp.example:65536/", SecureUrlError::NotAUrl),
        ] {
            assert_eq!(SecureUrl::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn parts_are_what_the_platform_finds() {
        for text in [
            "https://IDP.example:443",
            "https://idp.example:8443/a/b?c=d?e",
            "https://idp.example?q",
            "HTTPS://idp.example/",
            "http://[0:0:0:0:0:0:0:1]:80/x",
            "https://192.0.2.1/",
            "https://a_b.example/%7e",
            "https://idp.example./",
        ] {
            let (ours, theirs) = (SecureUrl::parse(text).unwrap(), url::Url::parse(text).unwrap());
            assert_eq!(ours.origin(), theirs.origin().ascii_serialization(), "{text}");
            assert_eq!((ours.path(), ours.query()), (theirs.path(), theirs.query()), "{text}");
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
