//! The URL of a request, split but not normalised.

use std::borrow::Cow;

use super::{PathError, RequestPath};

/// The absolute URL of a request, exactly as the platform handed it over: `..`, `%2e` and the like are still in it
/// to be judged, where a URL parser would have resolved them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestUrl<'u> {
    origin: &'u str,
    host: &'u str,
    is_secure: bool,
    path: RequestPath<'u>,
    query: Option<&'u str>,
    target: Cow<'u, str>,
}

impl<'u> RequestUrl<'u> {
    /// Splits an `http` or `https` URL. A fragment is dropped, a missing path is `/`.
    ///
    /// Errors: everything [`RequestPath::parse`] refuses, an authority that is not `host` or `host:port`, and a
    /// control character in the query, because URL parsers drop some.
    pub fn parse(url: &'u str) -> Result<Self, PathError> {
        let (is_secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(PathError::Scheme),
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (authority, target) = rest.find(['/', '?']).map_or((rest, ""), |end| rest.split_at(end));
        let (host, port) = split_authority(authority).ok_or(PathError::Authority)?;

        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        if query.is_some_and(|query| query.bytes().any(|byte| byte.is_ascii_control())) {
            return Err(PathError::Control);
        }
        let target = if path.is_empty() { Cow::Owned(format!("/{target}")) } else { Cow::Borrowed(target) };
        let path = RequestPath::parse(if path.is_empty() { "/" } else { path })?;

        let default_port = if is_secure { 443 } else { 80 };
        let scheme = if is_secure { "https://" } else { "http://" };
        let shown = if port == Some(default_port) { host } else { authority };
        let origin = url.get(..scheme.len().saturating_add(shown.len())).ok_or(PathError::Authority)?;
        Ok(Self { origin, host, is_secure, path, query, target })
    }

    /// `scheme://host` or `scheme://host:port`; the scheme's own port is left out. The host's case is as it was sent.
    pub fn origin(&self) -> &'u str {
        self.origin
    }

    /// Whether the scheme is `https`.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The host without its port, in the case in which it was sent; an IPv6 address with its brackets.
    pub fn host(&self) -> &'u str {
        self.host
    }

    /// The path.
    pub fn path(&self) -> &RequestPath<'u> {
        &self.path
    }

    /// The query as it was sent, without its `?`.
    pub fn query(&self) -> Option<&'u str> {
        self.query
    }

    /// Path and query as they were sent: what the origin receives.
    pub fn target(&self) -> &str {
        &self.target
    }
}

/// Host and port. Only characters that mean the same to every reader: no user information, no percent-encoding.
pub(in crate::web) fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, after) = if authority.starts_with('[') {
        authority.split_at(authority.find(']')?.checked_add(1)?)
    } else {
        authority.find(':').map_or((authority, ""), |colon| authority.split_at(colon))
    };
    if !is_host(host) {
        return None;
    }
    if after.is_empty() {
        return Some((host, None));
    }
    let digits = after.strip_prefix(':')?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((host, Some(digits.parse().ok().filter(|_| is_number)?)))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<core::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}
