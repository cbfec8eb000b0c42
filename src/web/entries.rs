//! What a form holds (HTML, "constructing the entry list"), when a page of ours that holds the same makes a browser send
//! the same bytes ("form submission algorithm").

use base64ct::{Base64, Encoding as _};

use super::form;

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
const PLAIN_TEXT: &str = "text/plain";

/// The entries of a form in their order, and how they are sent.
#[derive(PartialEq, Eq)]
pub struct Entries {
    pub(super) enctype: &'static str,
    pub(super) list: Vec<Entry>,
}

/// One field, or one file.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// What was entered; of a file the content, in base64.
    pub(super) value: String,
    pub(super) file_name: String,
    /// Of a file; empty for what is none.
    pub(super) media_type: String,
}

impl Entries {
    /// Reads a body. `None`: it is no form, or one that a page can't make a browser send again.
    pub fn parse(content_type: &str, body: &[u8]) -> Option<Self> {
        let (enctype, list) = match content_type {
            URL_ENCODED => (URL_ENCODED, url_encoded(body)?),
            PLAIN_TEXT => (PLAIN_TEXT, plain_text(body)?),
            _ => {
                let boundary = content_type.strip_prefix(MULTIPART)?.strip_prefix("; boundary=")?;
                // RFC 2046 §5.1.1; a long one would be long sought, too.
                (MULTIPART, multipart(Some(boundary).filter(|boundary| boundary.len() <= 70)?, body)?)
            }
        };
        list.iter().all(Entry::is_carried).then_some(Self { enctype, list })
    }

    /// Whether there is a file, which no page can hand to the browser without a script.
    pub fn need_script(&self) -> bool {
        self.list.iter().any(Entry::needs_script)
    }
}

impl Entry {
    fn text(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), ..Self::default() }
    }

    pub(super) fn is_file(&self) -> bool {
        !self.media_type.is_empty()
    }

    /// A field for a file into which none was put is sent as an empty one without a name.
    fn needs_script(&self) -> bool {
        self.is_file() && !(self.file_name.is_empty() && self.value.is_empty())
    }

    // HTML takes NUL for another character and every line break for CR LF; an entry without a name is not sent, and
    // the one called `_charset_` has a value of its own.
    fn is_carried(&self) -> bool {
        let carried = |text: &str| !text.replace("\r\n", "").contains(['\0', '\r', '\n']);
        let named = !self.name.is_empty() && !self.name.eq_ignore_ascii_case("_charset_");
        named && carried(&self.name) && carried(&self.value)
    }
}

fn url_encoded(body: &[u8]) -> Option<Vec<Entry>> {
    let fields = form::fields(core::str::from_utf8(body).ok()?)?;
    Some(fields.iter().map(|(name, value)| Entry::text(name, value)).collect())
}

// `name=value` and a line break for each. Where one ends can't be told, nor need it be: one that holds all the rest is
// sent as the same bytes.
fn plain_text(body: &[u8]) -> Option<Vec<Entry>> {
    if body.is_empty() {
        return Some(Vec::new());
    }
    let (name, value) = core::str::from_utf8(body).ok()?.strip_suffix("\r\n")?.split_once('=')?;
    Some(vec![Entry::text(name, value)])
}

// RFC 7578, and of what that allows what browsers write ("multipart/form-data encoding algorithm").
fn multipart(boundary: &str, body: &[u8]) -> Option<Vec<Entry>> {
    let delimiter = ["--", boundary, "\r\n"].concat();
    let end = ["--", boundary, "--\r\n"].concat();
    let mut rest = body.strip_suffix(end.as_bytes())?;
    let mut list = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix(delimiter.as_bytes())?;
        let (one, after) = rest.split_at_checked(find(rest, delimiter.as_bytes()).unwrap_or(rest.len()))?;
        list.push(part(one)?);
        rest = after;
    }
    Some(list)
}

// What is escaped in a name (`%22`) stays so: browsers don't escape `%`.
fn part(bytes: &[u8]) -> Option<Entry> {
    const NAME: &str = "Content-Disposition: form-data; name=";
    let (head, value) = bytes.split_at_checked(find(bytes, b"\r\n\r\n")?)?;
    let (head, value) = (core::str::from_utf8(head).ok()?, value.get(4..)?.strip_suffix(b"\r\n")?);
    let controls = head.bytes().filter(u8::is_ascii_control).count();
    let pieces: Vec<&str> = head.split('"').collect();
    match (pieces.as_slice(), controls) {
        ([NAME, name, ""], 0) => Some(Entry::text(name, core::str::from_utf8(value).ok()?)),
        ([NAME, name, "; filename=", file_name, media_type], 2) => {
            let media_type = media_type.strip_prefix("\r\nContent-Type: ")?;
            // File API: a type is ASCII in lower case, or there is none. Browsers differ about a slash in a name.
            let is_kept = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
            let carried = !media_type.is_empty() && media_type.bytes().all(is_kept) && !file_name.contains('/');
            carried.then(|| Entry {
                file_name: (*file_name).to_owned(),
                media_type: media_type.to_owned(),
                ..Entry::text(name, &Base64::encode_string(value))
            })
        }
        _ => None,
    }
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}

#[cfg(test)]
mod tests;
