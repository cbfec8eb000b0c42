//! Where visitors go back to: whatever is accepted stays on the origin, as browsers resolve it.

use edge_oidc::web::{path::RequestUrl, return_to::ReturnTo};
use serde_json::Value;
use url::Url;

use super::text;

pub fn check(bytes: &[u8]) -> bool {
    let Some(target) = text(bytes) else { return false };
    whatever_was_asked_for(target);
    let accepted = ReturnTo::parse(target);
    // From a cookie it is read by the same rules.
    let read: Result<ReturnTo, _> = serde_json::from_value(Value::from(target));
    assert_eq!(read.ok(), accepted);
    let Some(accepted) = accepted else { return false };

    assert_eq!(accepted.as_str(), target);
    assert!(target.len() <= ReturnTo::MAX_BYTES && target.bytes().all(|byte| byte.is_ascii_graphic()));
    let path = stays_on_the_origin(target);
    // Nor does a reader leave it that decodes the path first.
    let decoded = percent_decoded(&path);
    if let Ok(decoded) = String::from_utf8(decoded) {
        stays_on_the_origin(&decoded);
    }
    true
}

/// Resolves it against pages of the site; returns the path.
fn stays_on_the_origin(target: &str) -> String {
    let mut path = String::new();
    for base in ["https://site.example/", "https://site.example/a/b?c=d#e", "http://localhost:8787/x/"] {
        let base = Url::parse(base).unwrap();
        let resolved = base.join(target).expect("no URL of the site was accepted");
        assert_eq!(resolved.origin(), base.origin(), "{target:?} leaves the site");
        assert!(resolved.username().is_empty() && resolved.password().is_none());
        resolved.path().clone_into(&mut path);
    }
    path
}

// Where a whole request is asked for again, one may always be sent there.
fn whatever_was_asked_for(target: &str) {
    let url = format!("https://site.example{target}");
    if let Ok(url) = RequestUrl::parse(&url) {
        stays_on_the_origin(ReturnTo::from_request(&url).as_str());
    }
}

fn percent_decoded(path: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let octet = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let octet = octet.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = octet.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    decoded
}
