//! Cookies: the `Cookie` header in, `Set-Cookie` headers out (RFC 6265bis).

use core::fmt;
use core::time::Duration;

/// The cookies of a `Cookie` header, as `(name, value)`, in the order in which they were sent.
///
/// Reading is lenient and never fails: the header is split at `;`, spaces and tabs around names and values are not
/// part of them, a piece without `=` is a cookie without a name (`""`), quotes stay. An empty piece is no cookie.
pub fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').map(trim).filter(|piece| !piece.is_empty()).map(pair)
}

/// The values of every cookie of this exact name, in order.
pub fn values<'h>(header: &'h str, name: &str) -> impl Iterator<Item = &'h str> {
    pairs(header).filter(move |(other, _)| *other == name).map(|(_, value)| value)
}

/// The value of the first cookie with exactly this name.
pub fn value<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    pairs(header).find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// What is left of a `Cookie` header without our own cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// None of ours was in it: the header can go on as it came.
    Unchanged,
    /// The other cookies, each byte for byte as it came.
    Changed(String),
    /// There were only ours: the header must not go on.
    Nothing,
}

/// Takes our own cookies out of a `Cookie` header. Nothing is copied when there are none.
///
/// `is_own` is given the name as the laxest origin would read it: without any white space or control characters
/// around it, in the case in which it was sent. An origin that ignores case is met by an `is_own` that does.
/// A piece without `=` is shown to it as a name, because some origins read it as one.
pub fn without(header: &str, is_own: impl Fn(&str) -> bool) -> Remaining {
    let is_foreign = |piece: &&str| {
        let name = piece.split_once('=').map_or(*piece, |(name, _)| name);
        !is_own(name.trim_matches(|c: char| c.is_whitespace() || c.is_control()))
    };
    let mut pieces = header.split(';');
    let kept: usize = pieces.by_ref().take_while(is_foreign).map(|piece| piece.len() + 1).sum();
    let Some(before) = header.get(..kept) else { return Remaining::Unchanged };
    let mut rest = String::new();
    for piece in before.split_terminator(';').chain(pieces.filter(is_foreign)) {
        if trim(piece).is_empty() {
            continue;
        }
        if rest.is_empty() {
            rest.reserve(header.len());
            rest.push_str(piece.trim_start_matches(is_blank));
        } else {
            rest.push(';');
            rest.push_str(piece);
        }
    }
    if rest.is_empty() { Remaining::Nothing } else { Remaining::Changed(rest) }
}

/// Where our cookies are valid: the path, and whether only over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieScope {
    path: String,
    secure: bool,
}

impl CookieScope {
    /// Browsers ignore a longer `Path` attribute (RFC 6265bis §5.6).
    pub const MAX_PATH_BYTES: usize = 1024;

    /// `path` must start with `/`, be printable ASCII without space and `;`, and not be longer than
    /// [`CookieScope::MAX_PATH_BYTES`]; otherwise `None`.
    pub fn new(path: &str, secure: bool) -> Option<Self> {
        // RFC 6265bis §4.1.1: path-value is any CHAR except CTLs or ";".
        let fits = path.starts_with('/')
            && path.len() <= Self::MAX_PATH_BYTES
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        fits.then(|| Self { path: path.to_owned(), secure })
    }

    /// The `Path` attribute.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the cookies carry `Secure`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name under which a cookie of this scope travels: with the `__Host-` prefix where the scope allows it, so
    /// that no other host of the domain can plant one (RFC 6265bis §4.1.3.2); else `base` as it is.
    pub fn name(&self, base: &str) -> String {
        let prefix = if self.is_host_only() { "__Host-" } else { "" };
        format!("{prefix}{base}")
    }

    fn is_host_only(&self) -> bool {
        self.secure && self.path == "/"
    }

    /// RFC 6265bis §5.7: a browser drops a cookie whose name promises more than its attributes keep. It compares
    /// the prefixes without regard to case.
    fn allows(&self, name: &str) -> bool {
        let promises = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if promises("__Host-") {
            return self.is_host_only();
        }
        self.secure || !(promises("__Secure-") || promises("__Http-"))
    }
}

/// The `SameSite` attribute: which requests of other sites carry the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Top-level navigations by GET.
    Lax,
    /// All. Needs `Secure`.
    None,
    /// None of them.
    Strict,
}

/// One `Set-Cookie` header. `Display` gives its value. It is always `HttpOnly`, and `SameSite=Lax` unless told
/// otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    scope: CookieScope,
    max_age: Option<Duration>,
    same_site: SameSite,
}

impl SetCookie {
    /// Browsers drop a cookie whose name and value are longer than this together (RFC 6265bis §5.7).
    pub const MAX_BYTES: usize = 4096;

    /// A cookie that ends with the browser session, until [`SetCookie::max_age`] is given.
    ///
    /// `name` is the one on the wire, see [`CookieScope::name`]. Errors: a name that is no token or that the scope
    /// can't keep, a value that is not made of cookie-octets, or both too long for a browser to keep.
    pub fn new(name: &str, value: &str, scope: &CookieScope) -> Result<Self, CookieError> {
        // RFC 6265bis §4.1.1
        if name.is_empty() || !name.bytes().all(is_token_char) {
            return Err(CookieError::Name);
        }
        if !scope.allows(name) {
            return Err(CookieError::Prefix);
        }
        if !value.bytes().all(is_cookie_octet) {
            return Err(CookieError::Value);
        }
        let bytes = name.len().saturating_add(value.len());
        if bytes > Self::MAX_BYTES {
            return Err(CookieError::TooLong { bytes });
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            scope: scope.clone(),
            max_age: None,
            same_site: SameSite::Lax,
        })
    }

    /// The header that makes a browser forget a cookie. It must have the scope with which the cookie was set.
    pub fn delete(name: &str, scope: &CookieScope) -> Result<Self, CookieError> {
        Ok(Self::new(name, "", scope)?.max_age(Duration::ZERO))
    }

    /// How long the browser keeps the cookie, in whole seconds.
    #[must_use]
    pub fn max_age(mut self, span: Duration) -> Self {
        self.max_age = Some(span);
        self
    }

    /// Which requests of other sites carry the cookie.
    ///
    /// [`SameSite::None`] without `Secure` would make browsers drop the cookie; the attribute is then left out, so
    /// that the browser's own default holds.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}; Path={}", self.name, self.value, self.scope.path)?;
        if let Some(span) = self.max_age {
            write!(f, "; Max-Age={}", span.as_secs())?;
        }
        if self.scope.secure {
            f.write_str("; Secure")?;
        }
        f.write_str("; HttpOnly")?;
        match (self.same_site, self.scope.secure) {
            (SameSite::Lax, _) => f.write_str("; SameSite=Lax"),
            (SameSite::Strict, _) => f.write_str("; SameSite=Strict"),
            (SameSite::None, true) => f.write_str("; SameSite=None"),
            (SameSite::None, false) => Ok(()),
        }
    }
}

impl fmt::Debug for SetCookie {
    /// Without the value, which may be a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.name)
            .field("scope", &self.scope)
            .field("max_age", &self.max_age)
            .field("same_site", &self.same_site)
            .finish_non_exhaustive()
    }
}

/// Why a cookie can't be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieError {
    /// The name is empty or no token.
    Name,
    /// The name has a prefix (`__Host-`, `__Secure-`, `__Http-`) that the scope can't keep.
    Prefix,
    /// The value has a byte that is no cookie-octet.
    Value,
    /// Name and value are longer than [`SetCookie::MAX_BYTES`] together.
    TooLong {
        /// How long they are.
        bytes: usize,
    },
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("expected a token as the cookie's name"),
            Self::Prefix => f.write_str("expected a cookie name without a prefix that its scope can't keep"),
            Self::Value => f.write_str("expected a cookie value of cookie-octets"),
            Self::TooLong { bytes } => {
                write!(f, "expected a cookie of at most {} bytes, got {bytes}", SetCookie::MAX_BYTES)
            }
        }
    }
}

impl core::error::Error for CookieError {}

fn pair(piece: &str) -> (&str, &str) {
    piece.split_once('=').map_or(("", piece), |(name, value)| (trim(name), trim(value)))
}

fn trim(piece: &str) -> &str {
    piece.trim_matches(is_blank)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

// RFC 9110 §5.6.2
fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

// RFC 6265bis §4.1.1: US-ASCII without CTLs, whitespace, DQUOTE, comma, semicolon and backslash.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

#[cfg(test)]
mod tests;
