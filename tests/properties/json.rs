//! Strict JSON: agrees with `serde_json` on everything that is accepted, and never takes a name twice.

use edge_oidc::json::{JsonError, parse_object};
use serde_json::Value;

use super::{has_fraction, text};

pub fn check(bytes: &[u8]) -> bool {
    let lenient = serde_json::from_slice::<Value>(bytes);
    match parse_object(bytes) {
        Ok(object) => {
            let object = Value::Object(object);
            assert_eq!(lenient.ok().as_ref(), Some(&object), "two readers disagree");
            is_stable(&object);
            repeats_are_noticed(text(bytes).unwrap());
            true
        }
        Err(error) => {
            match error {
                JsonError::NotUtf8 => assert!(text(bytes).is_none()),
                JsonError::NotJson => assert!(lenient.is_err(), "JSON was called something else"),
                JsonError::NotAnObject => assert!(lenient.is_ok_and(|value| !value.is_object())),
                // What follows the second of the two has not been read.
                JsonError::DuplicateMember => {}
            }
            false
        }
    }
}

fn is_stable(object: &Value) {
    let again = parse_object(object.to_string().as_bytes()).expect("what was accepted is accepted when written again");
    assert!(has_fraction(object) || Value::Object(again) == *object);
}

// Whatever a member holds, a second one of its name is refused; so is what holds it one level deeper, unless that
// is too deep.
fn repeats_are_noticed(object: &str) {
    let twice = format!("{{\"a\":{object},\"a\":{object}}}");
    let inside = format!("{{\"l\":[{{\"a\":{object},\"\\u0061\":1}}]}}");
    for document in [twice, inside] {
        let error = parse_object(document.as_bytes()).expect_err("a name that is there twice was accepted");
        assert!(matches!(error, JsonError::DuplicateMember | JsonError::NotJson));
    }
}
