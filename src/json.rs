//! Strict JSON for input that cannot be trusted.

use core::{fmt, str};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, error::Category, map::Entry};

/// A JSON object whose member names are known to be unique.
pub type Object = serde_json::Map<String, Value>;

/// Reads one JSON object that fills `bytes`.
///
/// Stricter than RFC 8259 §4, which leaves repeated names open: two readers that pick different ones
/// disagree about what was signed, so a repeated name is refused at any depth, as RFC 7515 §4 and RFC 7519 §4 allow.
///
/// # Errors
///
/// See [`JsonError`].
pub fn parse_object(bytes: &[u8]) -> Result<Object, JsonError> {
    str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    // From bytes everywhere: the same reader for text would be a second copy of its code.
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err(JsonError::NotAnObject),
        // The visitor takes every type and has one complaint of its own.
        Err(error) if error.classify() == Category::Data => Err(JsonError::DuplicateMember),
        Err(_) => Err(JsonError::NotJson),
    }
}

/// Why bytes are not a JSON object that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The bytes are not UTF-8 (RFC 8259 §8.1).
    NotUtf8,
    /// Not JSON, cut short, followed by something, a number beyond all range, or nested more than 127 deep.
    NotJson,
    /// JSON, but another value than an object.
    NotAnObject,
    /// An object, at some depth, names a member twice.
    DuplicateMember,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "expected UTF-8, got other bytes",
            Self::NotJson => "expected JSON, got something else",
            Self::NotAnObject => "expected a JSON object, got another value",
            Self::DuplicateMember => "expected unique member names, got one twice",
        })
    }
}

impl core::error::Error for JsonError {}

/// Any JSON value without a repeated member name.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with unique member names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(entry) => entry.insert(members.next_value::<Strict>()?.0),
                Entry::Occupied(_) => return Err(A::Error::custom("duplicate member")),
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_and_nothing_else() {
        for (bytes, expected) in [
            (&b""[..], JsonError::NotJson),
            (b" ", JsonError::NotJson),
            (b"{", JsonError::NotJson),
            (b"{}{}", JsonError::NotJson),
            (b"{} x", JsonError::NotJson),
            (b"{\"a\":1,}", JsonError::NotJson),
            (b"{'a':1}", JsonError::NotJson),
            (b"{a:1}", JsonError::NotJson),
            (b"{\"a\":NaN}", JsonError::NotJson),
            (b"{\"a\":1e999}", JsonError::NotJson),
            (b"{\"a\":01}", JsonError::NotJson),
            (b"{\"a\":\"\\ud800\"}", JsonError::NotJson),
            (b"{\"a\":\"\n\"}", JsonError::NotJson),
            (b"{\"a\":1}/**/", JsonError::NotJson),
            (b"\xef\xbb\xbf{}", JsonError::NotJson),
            (b"{}\0", JsonError::NotJson),
            (b"{\"a\":\"\xff\"}", JsonError::NotUtf8),
            (b"[]", JsonError::NotAnObject),
            (b"[{\"a\":1}]", JsonError::NotAnObject),
            (b"\"{}\"", JsonError::NotAnObject),
            (b"null", JsonError::NotAnObject),
            (b"1", JsonError::NotAnObject),
            (b"true", JsonError::NotAnObject),
        ] {
            assert_eq!(parse_object(bytes), Err(expected), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_repeated_name_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":null}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"o":{"a":1,"a":2}}"#,
            r#"{"l":[1,[{"a":1,"a":2}]]}"#,
        ] {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonError::DuplicateMember), "{text}");
        }
        assert!(parse_object(br#"{"a":{"a":{"a":[]}},"A":1}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_object(nested(126).as_bytes()).is_ok());
        assert_eq!(parse_object(nested(127).as_bytes()), Err(JsonError::NotJson));
        assert_eq!(parse_object(nested(1_000_000).as_bytes()), Err(JsonError::NotJson));
    }

    #[test]
    fn values_are_kept_as_they_were() {
        let text = r#" {"s":"\u00e9\n","i":-1,"u":18446744073709551615,"f":1.5,"b":[true,false,null],"o":{}} "#;
        assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), text.parse::<Value>().unwrap());
    }
}
