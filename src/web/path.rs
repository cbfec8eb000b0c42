//! Paths: the one normal form of a request's path, or a refusal; and the patterns of rules.
//!
//! A rule is only as good as the agreement between its reader and the origin about what a path means. So a path
//! that two readers could take for different ones is refused here, before any rule is read, and the origin
//! receives byte for byte what was judged.

use core::fmt;
use std::borrow::Cow;

use super::percent;

mod pattern;
mod request_url;

pub use pattern::{PathPattern, PatternError};
pub use request_url::RequestUrl;
pub(in crate::web) use request_url::split_authority;

/// The path of a request, as it was sent and percent-decoded once.
///
/// What remains undecided is in [`RequestPath::readings`]. A malformed percent sequence (`%zz`, a lone `%`) is let
/// through: it is literal to every reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath<'u> {
    raw: &'u str,
    decoded: Cow<'u, [u8]>,
}

impl<'u> RequestPath<'u> {
    /// Reads a path as it was sent, without query and fragment.
    pub fn parse(raw: &'u str) -> Result<Self, PathError> {
        check_raw(raw)?;
        let decoded = percent::decode(raw.as_bytes());
        if let Cow::Owned(decoded) = &decoded {
            check_decoded(raw, decoded)?;
        }
        if segments(&decoded).any(is_dot_segment) {
            return Err(PathError::DotSegment);
        }
        Ok(Self { raw, decoded })
    }

    /// The path as it was sent, and as it must be forwarded.
    pub fn raw(&self) -> &'u str {
        self.raw
    }

    /// The path, percent-decoded once: what a rule is compared with. Any bytes, not only UTF-8.
    pub fn decoded(&self) -> &[u8] {
        &self.decoded
    }

    /// How else an origin could read this path: without the `;parameters` of each segment (RFC 3986 §3.3), with runs
    /// of slashes merged, and both. None of them equals [`RequestPath::decoded`] or has a dot segment.
    ///
    /// A rule must hold for all of them. For a path with neither `;` nor `//` there is none, and nothing is copied.
    pub fn readings(&self) -> Vec<Vec<u8>> {
        let has_parameters = self.decoded.contains(&b';');
        if !has_parameters && !self.decoded.windows(2).any(|pair| pair == b"//") {
            return Vec::new();
        }
        let mut readings = vec![merge_slashes(&self.decoded)];
        if has_parameters {
            // Some strip parameters before they decode (`%3b` starts none), some after (it does).
            let before = percent::decode(&strip_parameters(self.raw.as_bytes())).into_owned();
            let after = strip_parameters(&self.decoded);
            readings.extend([merge_slashes(&before), before, merge_slashes(&after), after]);
        }
        let mut others: Vec<Vec<u8>> = Vec::new();
        for reading in readings {
            if reading != self.decoded() && !others.contains(&reading) {
                others.push(reading);
            }
        }
        others
    }
}

/// Why a URL or a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The URL does not start with `http://` or `https://`.
    Scheme,
    /// The URL's authority is no `host` or `host:port`: it is empty, has user information, or other characters.
    Authority,
    /// The path does not start with `/`.
    Relative,
    /// A raw control character: URL parsers drop some of them, so that the origin would get another path.
    Control,
    /// A raw space: not a URL, and readers cut there or encode it.
    Space,
    /// A raw byte outside ASCII: not a URL, and its encoding is anybody's guess.
    NonAscii,
    /// A raw `?` or `#`: where one is, the path has ended.
    Delimiter,
    /// A raw `"`, `<`, `>`, `` ` ``, `{`, `}` or `^`: no URL has them (RFC 3986 §3.3), and the platform would encode them on
    /// the way, so that the origin would not get the bytes that were judged.
    NotAUrl,
    /// A backslash, raw or `%5c`: a slash to some readers.
    Backslash,
    /// `%00`: ends the path for some readers.
    Nul,
    /// `%2f`: a separator to those who decode first, a character to those who split first.
    EncodedSlash,
    /// Decoding a second time gives something else: the next reader may do so.
    DoubleEncoding,
    /// `%uXXXX`: not percent-encoding, but some readers decode it.
    UnicodeEscape,
    /// Overlong UTF-8 (`%c0%af` for `/`): another character to a lax decoder.
    Overlong,
    /// A `.` or `..` segment, raw or encoded, alone or with `;parameters`: some readers resolve it, some don't.
    DotSegment,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "expected an absolute http or https URL",
            Self::Authority => "expected a host and at most a port as the URL's authority",
            Self::Relative => "expected a path that starts with a slash",
            Self::Control => "expected a path without control characters",
            Self::Space => "expected a path without spaces",
            Self::NonAscii => "expected a path in ASCII",
            Self::Delimiter => "expected a path without query and fragment",
            Self::NotAUrl => "expected a path without characters that a URL has to encode",
            Self::Backslash => "expected a path without backslashes",
            Self::Nul => "expected a path without NUL",
            Self::EncodedSlash => "expected a path without encoded slashes",
            Self::DoubleEncoding => "expected a path that is encoded at most once",
            Self::UnicodeEscape => "expected a path without %uXXXX escapes",
            Self::Overlong => "expected a path without overlong UTF-8",
            Self::DotSegment => "expected a path without dot segments",
        })
    }
}

impl core::error::Error for PathError {}

fn check_raw(raw: &str) -> Result<(), PathError> {
    for byte in raw.bytes() {
        match byte {
            0 => return Err(PathError::Nul),
            1..=0x1F | 0x7F => return Err(PathError::Control),
            b' ' => return Err(PathError::Space),
            b'\\' => return Err(PathError::Backslash),
            b'?' | b'#' => return Err(PathError::Delimiter),
            b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'^' => return Err(PathError::NotAUrl),
            0x80.. => return Err(PathError::NonAscii),
            _ => {}
        }
    }
    if raw.starts_with('/') { Ok(()) } else { Err(PathError::Relative) }
}

/// What only decoding brings to light. `raw` has passed [`check_raw`].
fn check_decoded(raw: &str, decoded: &[u8]) -> Result<(), PathError> {
    if percent::is_encoded(decoded) {
        return Err(PathError::DoubleEncoding);
    }
    if has_unicode_escape(decoded) {
        return Err(PathError::UnicodeEscape);
    }
    if decoded.contains(&0) {
        return Err(PathError::Nul);
    }
    if decoded.contains(&b'\\') {
        return Err(PathError::Backslash);
    }
    if segments(decoded).count() != segments(raw.as_bytes()).count() {
        return Err(PathError::EncodedSlash);
    }
    if has_overlong(decoded) {
        return Err(PathError::Overlong);
    }
    Ok(())
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
}

fn has_unicode_escape(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| match window {
        [b'%', b'u' | b'U', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    })
}

// RFC 3629 §3: the shortest form alone is UTF-8. C0 and C1 never start a character, E0 and F0 want a higher second byte.
fn has_overlong(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, [0xC0 | 0xC1, 0x80..=0xBF] | [0xE0, 0x80..=0x9F] | [0xF0, 0x80..=0x8F]))
}

fn is_dot_segment(segment: &[u8]) -> bool {
    matches!(segment, [b'.'] | [b'.', b'.'] | [b'.', b';', ..] | [b'.', b'.', b';', ..])
}

fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, previous| *next == b'/' && *previous == b'/');
    merged
}

fn strip_parameters(path: &[u8]) -> Vec<u8> {
    let names = segments(path).map(|segment| segment.split(|byte| *byte == b';').next().unwrap_or_default());
    names.collect::<Vec<&[u8]>>().join(&b'/')
}

#[cfg(test)]
mod tests;
