//! Percent-encoding: RFC 3986 §2.1, read as the WHATWG URL standard reads it.

use std::borrow::Cow;

/// Decodes once. A sequence that is malformed stays as it is. Without a `%` nothing is copied.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if *first == b'%'
            && let [high, low, after @ ..] = tail
            && let Some(byte) = octet(*high, *low)
        {
            decoded.push(byte);
            rest = after;
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    Cow::Owned(decoded)
}

/// Whether [`decode`] would change these bytes.
pub(super) fn is_encoded(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| matches!(window, [b'%', high, low] if octet(*high, *low).is_some()))
}

/// Appends one byte as `%XX`.
pub(crate) fn push_encoded(to: &mut String, byte: u8) {
    to.push('%');
    to.extend([byte >> 4, byte & 0x0F].map(hex_digit));
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

fn octet(high: u8, low: u8) -> Option<u8> {
    Some(nibble(high)? << 4 | nibble(low)?)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once_and_leaves_the_malformed() {
        for (encoded, decoded) in [
            ("", ""),
            ("/a", "/a"),
            ("%41%6a%6A", "Ajj"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%2541", "%41"),
            ("%+1", "%+1"),
            ("a%c3%a9", "a\u{e9}"),
        ] {
            assert_eq!(decode(encoded.as_bytes()), decoded.as_bytes(), "{encoded}");
            assert_eq!(is_encoded(encoded.as_bytes()), encoded != decoded, "{encoded}");
        }
    }

    #[test]
    fn encodes_every_byte_so_that_it_decodes() {
        for byte in 0..=u8::MAX {
            let mut encoded = String::new();
            push_encoded(&mut encoded, byte);
            assert_eq!(encoded, format!("%{byte:02X}"));
            assert_eq!(decode(encoded.as_bytes()).as_ref(), [byte]);
        }
    }
}
