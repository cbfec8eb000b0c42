//! What must hold for any input whatever, once for all who ask: the fuzz targets (`fuzz/`) and `tests/corpus.rs`.
//!
//! Each module is one target: its `check` panics when a property does not hold, and returns whether the input was
//! accepted, so that nobody mistakes a corpus of refusals for coverage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
#![allow(unreachable_pub, reason = "the fuzz crate makes it public, the test does not")]

pub mod bearer;
pub mod client_secrets;
pub mod cookie_header;
pub mod entries;
pub mod form;
pub mod id_token;
pub mod json;
pub mod jwk_set;
pub mod jws;
pub mod metadata;
pub mod origin_answer;
pub mod path;
pub mod proof;
pub mod return_to;
pub mod rules;
pub mod sealed_value;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use edge_oidc::{
    config::{Bindings, Config, ConfigErrors, Variables},
    session::cookies::CookieNames,
    web::{cookie::CookieScope, secure_url::SecureUrl},
};
use serde_json::Value;
use url::{ParseError, Url};

/// A property: panics when it does not hold, else says whether the input was accepted.
pub type Check = fn(&[u8]) -> bool;

/// Every target by name.
pub const TARGETS: [(&str, Check); 16] = [
    ("bearer", bearer::check),
    ("client_secrets", client_secrets::check),
    ("cookie_header", cookie_header::check),
    ("entries", entries::check),
    ("form", form::check),
    ("id_token", id_token::check),
    ("json", json::check),
    ("jwk_set", jwk_set::check),
    ("jws", jws::check),
    ("metadata", metadata::check),
    ("origin_answer", origin_answer::check),
    ("path", path::check),
    ("proof", proof::check),
    ("return_to", return_to::check),
    ("rules", rules::check),
    ("sealed_value", sealed_value::check),
];

/// The input as text; most of what we read has been text before it reaches us.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The URL as browsers' rules read it, after it has been found safe to send a token to. There is none for a host whose
/// Punycode means nothing: ours reads letters as letters (`xn--`), and the platform refuses to ask such a host.
fn read_by_browsers(ours: &SecureUrl) -> Option<Url> {
    let url = match Url::parse(ours.as_str()) {
        Err(ParseError::IdnaError) if ours.origin().contains("xn--") => return None,
        read => read.expect("an endpoint is no URL"),
    };
    let host = url.host_str().expect("an endpoint has no host");
    let is_loopback =
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
    assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    Some(url)
}

/// The cookies of a site that is served over https from its root.
fn cookie_names() -> (CookieNames, CookieScope) {
    let scope = CookieScope::new("/", true).unwrap();
    (CookieNames::new(scope.name("oidc_id_token"), &scope), scope)
}

/// A deployment's settings with one more among them.
fn configured(name: &str, value: Value, others: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let mut variables: Variables =
        others.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    variables.insert("OIDC_SECRET_KEY".to_owned(), "0123456789abcdef0123456789abcdef".into());
    variables.insert(name.to_owned(), value);
    Config::parse(&variables, Bindings { kv: true, durable: false, origin: false })
}

/// Whether a number with a fraction or an exponent is anywhere inside: those may change in their last digit when they
/// are written and read again.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

/// Runs a future that never has to wait.
fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that never comes"),
    }
}
