//! ID tokens that are not what an honest provider issues.

use ring::hmac;
use serde_json::{Value, json};

use super::{Minting, TestKey, base64url, provider::Mint};

pub(crate) fn mint(make: impl Fn(Minting<'_>) -> String + 'static) -> Mint {
    Box::new(make)
}

/// One claim says something else.
pub(crate) fn claim(name: &'static str, value: Value) -> Mint {
    claims(move |claims| claims[name] = value.clone())
}

/// Two claims say something else.
pub(crate) fn two(first: (&'static str, Value), second: (&'static str, Value)) -> Mint {
    claims(move |claims| {
        claims[first.0] = first.1.clone();
        claims[second.0] = second.1.clone();
    })
}

/// A claim is not there.
pub(crate) fn without(name: &'static str) -> Mint {
    claims(move |claims| drop(claims.as_object_mut().unwrap().remove(name)))
}

pub(crate) fn claims(change: impl Fn(&mut Value) + 'static) -> Mint {
    mint(move |mut token| {
        change(&mut token.claims);
        token.sign()
    })
}

/// The header lacks a parameter.
pub(crate) fn without_header(name: &'static str) -> Mint {
    mint(move |mut token| {
        token.header.as_object_mut().unwrap().remove(name);
        token.sign()
    })
}

/// One parameter of the header says something else.
pub(crate) fn header(name: &'static str, value: Value) -> Mint {
    mint(move |mut token| {
        token.header[name] = value.clone();
        token.sign()
    })
}

/// The payload's text is another, and properly signed.
pub(crate) fn payload(change: impl Fn(String) -> String + 'static) -> Mint {
    mint(move |token| token.key.token_of(token.header.to_string(), change(token.claims.to_string())))
}

/// The header's text is another, and properly signed.
pub(crate) fn header_text(change: impl Fn(String) -> String + 'static) -> Mint {
    mint(move |token| token.key.token_of(change(token.header.to_string()), token.claims.to_string()))
}

/// The finished token is changed.
pub(crate) fn whole(change: impl Fn(String) -> String + 'static) -> Mint {
    mint(move |token| change(token.sign()))
}

/// Another signature under the honest content.
pub(crate) fn signature(change: impl Fn(&str, Vec<u8>) -> Vec<u8> + 'static) -> Mint {
    mint(move |token| {
        let (input, _) = split(&token.sign());
        let signature = change(&input, token.key.sign(input.as_bytes()));
        format!("{input}.{}", base64url(&signature))
    })
}

/// A token under HS256, keyed by what everybody knows or by what only client and provider know.
pub(crate) fn hmac_keyed(alg: &'static str, key: impl Fn(&TestKey) -> Vec<u8> + 'static) -> Mint {
    mint(move |mut token| {
        token.header["alg"] = json!(alg);
        let (input, _) = split(&token.sign());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key(token.key));
        format!("{input}.{}", base64url(hmac::sign(&key, input.as_bytes()).as_ref()))
    })
}

pub(crate) fn split(token: &str) -> (String, String) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input.to_owned(), signature.to_owned())
}

/// The public key as a PEM file would have it, as far as the attack goes: its modulus in armour.
pub(crate) fn pem(key: &TestKey) -> Vec<u8> {
    let modulus = key.jwk()["n"].as_str().unwrap().to_owned();
    format!("-----BEGIN PUBLIC KEY-----\n{modulus}\n-----END PUBLIC KEY-----\n").into_bytes()
}

/// The honest content under another key and its own header.
pub(crate) fn resigned(token: &Minting<'_>, key: TestKey) -> String {
    key.with_kid(Some("rsa")).token(&token.claims)
}

/// `1e999` in place of a number: valid JSON that no double holds.
pub(crate) fn beyond_range(payload: &str, name: &str) -> String {
    let mut claims: Value = payload.parse().unwrap();
    claims[name] = json!("HERE");
    claims.to_string().replace("\"HERE\"", "1e999")
}
