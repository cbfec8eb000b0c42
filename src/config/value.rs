//! The kinds of values: typed JSON, or a string of the same meaning, since the dashboard only knows text.

use core::{ops::RangeInclusive, time::Duration};
use std::borrow::Cow;

use serde_json::Value;

use crate::{
    json::{self, JsonError, Object},
    web::{path::PathPattern, secure_url::SecureUrl},
};

/// What should stand there instead, and what to do; nothing of the value itself, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) expected: Cow<'static, str>,
    pub(super) cure: Cow<'static, str>,
}

pub(super) type Checked<T> = Result<T, Mismatch>;

impl Mismatch {
    pub(super) fn new(expected: impl Into<Cow<'static, str>>, cure: impl Into<Cow<'static, str>>) -> Self {
        Self { expected: expected.into(), cure: cure.into() }
    }
}

/// A value in words. Of a secret, type and length only; of anything else 60 printable characters at most.
pub(super) fn describe(value: &Value, secret: bool) -> String {
    match value {
        Value::String(text) if secret || may_hold_secret(text) => format!("text of {} bytes", text.len()),
        Value::Number(_) if secret => "a number".to_owned(),
        Value::Bool(_) if secret => "a boolean".to_owned(),
        Value::Null => "null".to_owned(),
        Value::String(text) => format!("\"{}\"", printable(text)),
        Value::Array(items) if secret || may_hold_secret(&value.to_string()) => format!("a list of {}", items.len()),
        Value::Object(members) if secret || may_hold_secret(&value.to_string()) => {
            format!("an object of {}", members.len())
        }
        other => printable(&other.to_string()),
    }
}

/// At most 60 characters of an untrusted text, on one line.
pub(super) fn printable(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == MOST {
            shown.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

// `https://user:password@host`, however badly written; and a file of client secrets or a private key in a wrong place.
fn may_hold_secret(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, rest)| rest.contains('@') || text.contains("_secret\"") || text.contains("\"d\""))
}

/// Text that says something: not empty, nothing in it that is not to be seen, no white space around it.
pub(super) fn text(value: &Value) -> Checked<String> {
    let Value::String(text) = value else {
        return Err(Mismatch::new("text", "write it in quotes"));
    };
    if text.is_empty() {
        return Err(Mismatch::new("text", "remove the setting, or say something"));
    }
    if text.trim() != text || text.chars().any(is_invisible) {
        return Err(Mismatch::new(
            "text without white space around it, and without control characters and invisible characters",
            "write it again without them (a secret that was piped in may have got a line break)",
        ));
    }
    Ok(text.clone())
}

// Unicode's format characters come along from web pages and chats, a byte order mark from files of Windows: what looks
// right would be another client id or secret to the provider.
fn is_invisible(c: char) -> bool {
    let formats = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_control() || formats || c == BYTE_ORDER_MARK
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// `true` or `false`.
pub(super) fn boolean(value: &Value) -> Checked<bool> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(Mismatch::new("true or false", "write one of them, in lower case")),
    }
}

/// Whole seconds within a range.
pub(super) fn seconds(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Checked<Duration> {
    move |value| {
        whole_number(value).filter(|number| range.contains(number)).map(Duration::from_secs).ok_or_else(|| {
            let expected = format!("whole seconds from {} to {}", range.start(), range.end());
            Mismatch::new(expected, "write a number in that range, in digits")
        })
    }
}

fn whole_number(value: &Value) -> Option<u64> {
    // What a JavaScript number can hold exactly (2^53): all settings have passed through one, so `60` may come as `60.0`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..EXACT).contains(n))?;
            format!("{number:.0}").parse().ok()
        }),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// A list of texts: a list, a JSON list in a string, or words separated by spaces or commas.
pub(super) fn list(value: &Value) -> Checked<Vec<String>> {
    if let Value::String(text) = value
        && !text.trim_start().starts_with('[')
    {
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        return Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect());
    }
    texts(value)
}

/// A list of texts that may hold spaces and commas: a list, or a JSON list in a string.
pub(super) fn texts(value: &Value) -> Checked<Vec<String>> {
    let refused = || Mismatch::new("a list of texts", "write it as [\"one\", \"two\"]");
    let items = values(value).map_err(|mismatch| Mismatch { expected: refused().expected, ..mismatch })?;
    items.iter().map(|item| text(item).map_err(|_| refused())).collect()
}

/// A list of anything: a list, or a JSON list in a string.
pub(super) fn values(value: &Value) -> Checked<Vec<Value>> {
    let refused = |cure: &'static str| Mismatch::new("a list", cure);
    match value {
        Value::Array(items) => Ok(items.clone()),
        Value::String(text) => {
            // The strict reader takes objects, so the list becomes the only member of one.
            let object = json::parse_object(format!("{{\"list\":{text}}}").as_bytes()).map_err(|error| {
                refused(match error {
                    JsonError::DuplicateMember => "name each member of an object once",
                    _ => "write it as a JSON list",
                })
            })?;
            match object.get("list") {
                Some(Value::Array(items)) if object.len() == 1 => Ok(items.clone()),
                _ => Err(refused("write it as a JSON list")),
            }
        }
        _ => Err(refused("write it as a list, or as a JSON list in a string")),
    }
}

/// An object: a table, or JSON in a string.
pub(super) fn object(value: &Value) -> Checked<Object> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        // RFC 8259 §8.1: parsers may ignore a byte order mark.
        Value::String(text) => {
            json::parse_object(text.trim_start_matches(BYTE_ORDER_MARK).as_bytes()).map_err(|error| match error {
                JsonError::DuplicateMember => {
                    Mismatch::new("an object whose members have different names", "name each member once")
                }
                _ => Mismatch::new("a JSON object", "write it as {\"name\": \"value\"}, with double quotes"),
            })
        }
        _ => Err(Mismatch::new("an object", "write it as a table, or as a JSON object in a string")),
    }
}

/// One of a few words, each of which stands for a value.
pub(super) fn choice<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&Value) -> Checked<T> {
    move |value| {
        let chosen = words.iter().find(|(word, _)| value.as_str() == Some(word));
        chosen.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            Mismatch::new(format!("one of {}", names.join(", ")), "write one of them")
        })
    }
}

/// An `https://` URL, or `http://` to a loopback host.
pub(super) fn url(value: &Value) -> Checked<SecureUrl> {
    SecureUrl::parse(&text(value)?).map_err(|error| {
        let error = error.to_string();
        let expected = error.strip_prefix("expected ").unwrap_or(&error).to_owned();
        Mismatch::new(expected, "write the whole URL, with https://")
    })
}

/// A path of this site, to the letter: no `*`, no query, nothing that has two spellings.
pub(super) fn path(value: &Value) -> Checked<String> {
    let path = text(value)?;
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
    if plain && PathPattern::parse(&path).is_ok() {
        Ok(path)
    } else {
        Err(Mismatch::new(
            "a path that starts with `/` and has letters, digits, `-`, `.`, `_` and `~` only",
            "write the path alone, such as /app/here, without host, query, `*`, `%`, `//` or `..`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_mean_what_typed_values_mean() {
        for (typed, string) in [(json!(60), json!("60")), (json!(60.0), json!("060"))] {
            assert_eq!(seconds(0..=600)(&typed), seconds(0..=600)(&string));
            assert!(seconds(0..=600)(&typed).is_ok());
        }
        for string in ["a b", "a,b", " a , b ", "a\nb", "[\"a\",\"b\"]", " [\"a\", \"b\"] "] {
            assert_eq!(list(&json!(string)), list(&json!(["a", "b"])), "{string}");
        }
        for string in ["{\"a\":[1]}", " {\"a\": [1]}\n", "\u{feff}{\"a\":[1]}"] {
            assert_eq!(object(&json!(string)), object(&json!({"a": [1]})), "{string:?}");
        }
        assert_eq!(values(&json!("[{\"a\":1}]")), values(&json!([{"a": 1}])));
    }

    #[test]
    fn bad_numbers() {
        for bad in [
            json!(-1),
            json!(601),
            json!(1.5),
            json!("-1"),
            json!("+1"),
            json!(""),
            json!(" 1"),
            json!("1e2"),
            json!(1e30),
            json!(true),
            json!([1]),
            json!("99999999999999999999999"),
        ] {
            assert!(seconds(0..=600)(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_lists_and_objects() {
        for bad in ["[1]", "[\"\"]", "[\"a\"", "[\"a\"],\"x\":[\"b\"]", "[\"a\"],\"list\":[\"b\"]", "[\"a\"]} x"] {
            assert!(list(&json!(bad)).is_err(), "{bad}");
        }
        for bad in [json!("{\"a\":1,\"a\":2}"), json!("[]"), json!(""), json!("a"), json!([]), json!(1)] {
            assert!(object(&bad).is_err(), "{bad}");
        }
        assert!(values(&json!("[{\"a\":1,\"a\":2}]")).is_err());
        assert!(values(&json!({"a": 1})).is_err());
    }

    #[test]
    fn paths() {
        for good in ["/", "/oidc_callback", "/app/", "/a-b.c~d"] {
            assert!(path(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "//a",
            "/a//b",
            "/*",
            "/a*",
            "/a?b",
            "/a#b",
            "/a%20b",
            "/a b",
            "/../a",
            "/a/.",
            "/a\\b",
            "/ä",
            "/a;b",
            "https://a.example/b",
        ] {
            assert!(path(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn described() {
        for (value, secret, words) in [
            (json!("hunter2"), true, "text of 7 bytes"),
            (json!(["hunter2"]), true, "a list of 1"),
            (json!({"hunter2": 1}), true, "an object of 1"),
            (json!(7), true, "a number"),
            (json!("a\nb\u{202e}"), false, "\"a\\nb\\u{202e}\""),
            (json!("x".repeat(70)), false, &format!("\"{}…\"", "x".repeat(60))),
            (json!("https://u:p@h.example"), false, "text of 21 bytes"),
            (json!(["https://u:p@h.example"]), false, "a list of 1"),
            (json!(["a"]), false, "[\"a\"]"),
        ] {
            assert_eq!(describe(&value, secret), words);
        }
    }
}
