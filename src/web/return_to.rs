//! Where a visitor goes back to: a path of this site, nothing else.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    path::{RequestPath, RequestUrl},
    percent,
};

/// A path and query of the same origin, as it is put into `Location`.
///
/// Whatever a browser resolves it against, the origin stays: it begins with a single slash, is printable ASCII, has
/// no backslash, encoded slash, dot segment or encoded control character in its path, and no fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// A longer one would not fit into a cookie beside everything else.
    pub const MAX_BYTES: usize = 2048;

    /// Reads what a visitor's link asks for (`next=`). `None`: it is not a plain path of this site.
    pub fn parse(target: &str) -> Option<Self> {
        if target.len() > Self::MAX_BYTES || !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return None;
        }
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let path = RequestPath::parse(path).ok()?;
        // `//host` is another site, and a reader that decodes or strips first must not find one either.
        let is_plain = !path.decoded().iter().any(u8::is_ascii_control);
        let is_foreign = path.decoded().starts_with(b"//") || path.readings().iter().any(|r| r.starts_with(b"//"));
        (is_plain && !is_foreign).then(|| Self(target.to_owned()))
    }

    /// The same of a link whose path is written as people read it, or was decoded once too often on the way: spaces and
    /// letters that are not ASCII are encoded, as browsers do it.
    pub fn from_link(link: &str) -> Option<Self> {
        let mut target = String::with_capacity(link.len());
        for byte in link.bytes() {
            if byte == b' ' || !byte.is_ascii() {
                percent::push_encoded(&mut target, byte);
            } else {
                target.push(char::from(byte));
            }
        }
        Self::parse(&target)
    }

    /// The front page.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Back to what was asked for; to the front page when that is too long or not a plain path.
    pub fn from_request(url: &RequestUrl<'_>) -> Self {
        Self::parse(url.target()).unwrap_or_else(Self::root)
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ReturnTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let target = String::deserialize(deserializer)?;
        Self::parse(&target).ok_or_else(|| de::Error::custom("expected a path of the same origin"))
    }
}

#[cfg(test)]
mod tests;
