//! The path of a rule.

use core::fmt;

use super::{PathError, RequestPath};

/// The path of a rule: exact, or everything at and below a prefix (`/public/*`).
///
/// `/public/*` matches `/public`, `/public/` and all below, and `/*` everything. A pattern that holds `%` is decoded
/// once, as a request's path is. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    written: String,
    decoded: Vec<u8>,
    extent: Extent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Exact,
    Below,
}

impl PathPattern {
    /// Reads a pattern as the operator wrote it.
    ///
    /// Errors: whatever no request's path could be, a `*` that is not the last segment, and a path that an origin
    /// could read in two ways, since no request with one can keep to a single rule.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if !written.starts_with('/') {
            return Err(PatternError::Path(PathError::Relative));
        }
        let (path, extent) = match written.strip_suffix("/*") {
            Some(prefix) => (prefix, Extent::Below),
            None => (written, Extent::Exact),
        };
        if path.contains('*') {
            return Err(PatternError::Wildcard);
        }
        let decoded = if path.is_empty() {
            Vec::new()
        } else {
            let path = RequestPath::parse(path).map_err(PatternError::Path)?;
            if !path.readings().is_empty() {
                return Err(PatternError::Ambiguous);
            }
            path.decoded().to_vec()
        };
        if extent == Extent::Below && decoded.ends_with(b"/") {
            return Err(PatternError::Ambiguous);
        }
        Ok(Self { written: written.to_owned(), decoded, extent })
    }

    /// `/*`.
    pub fn everything() -> Self {
        Self { written: "/*".to_owned(), decoded: Vec::new(), extent: Extent::Below }
    }

    /// Whether a decoded path falls under the pattern: [`RequestPath::decoded`], or one of its readings.
    pub fn matches(&self, decoded: &[u8]) -> bool {
        match (self.extent, decoded.strip_prefix(self.decoded.as_slice())) {
            (_, None) => false,
            (Extent::Exact, Some(rest)) => rest.is_empty(),
            (Extent::Below, Some(rest)) => matches!(rest, [] | [b'/', ..]),
        }
    }

    /// Whether this pattern matches everything that `other` matches.
    pub fn covers(&self, other: &Self) -> bool {
        match (self.extent, other.extent) {
            (Extent::Exact, Extent::Below) => false,
            _ => self.matches(&other.decoded),
        }
    }

    /// The path as it was written, without the `/*`: `/api` for `/api/*` and for `/api`, empty for `/*`.
    pub fn prefix(&self) -> &str {
        match self.extent {
            Extent::Exact => &self.written,
            Extent::Below => self.written.strip_suffix("/*").unwrap_or(&self.written),
        }
    }

    /// The same, decoded as a request's path is.
    pub fn decoded_prefix(&self) -> &[u8] {
        &self.decoded
    }

    /// Whether it matches one path alone.
    pub fn is_exact(&self) -> bool {
        self.extent == Extent::Exact
    }
}

impl fmt::Display for PathPattern {
    /// As the operator wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Why a pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// No request can have this path.
    Path(PathError),
    /// A `*` stands elsewhere than in a last segment of its own.
    Wildcard,
    /// The path has `;` or `//`, so that an origin could read it in two ways.
    Ambiguous,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(error) => error.fmt(f),
            Self::Wildcard => f.write_str("expected `*` as the last segment alone, got it elsewhere"),
            Self::Ambiguous => f.write_str("expected a path without `;` and `//`, which origins read in two ways"),
        }
    }
}

impl core::error::Error for PatternError {}
