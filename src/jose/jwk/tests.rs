use serde_json::json;

use super::*;
use crate::ring_support::{TestKey, base64url, jwks};

fn set(keys: &Value) -> JwkSet {
    JwkSet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name);
    key
}

/// A modulus of that many bits, and odd.
fn modulus(bits: usize) -> String {
    let mut n = vec![0; bits.div_ceil(8)];
    n[0] = 1 << ((bits - 1) % 8);
    *n.last_mut().unwrap() |= 1;
    base64url(&n)
}

#[test]
fn the_rfcs_set_and_thumbprint() {
    let vector: Value = serde_json::from_str(include_str!("../../../tests/vectors/jwks.json")).unwrap();
    let set = set(&vector["jwks"]["keys"]);
    // RFC 7517 A.1: the first key is for encryption.
    assert_eq!((set.len(), set.skipped()), (1, 1));
    assert!(set.has_kid("2011-04-29") && !set.has_kid("1"));
    let key = set.candidates(Alg::Rs256, None).next().unwrap();
    // RFC 7638 §3.1
    assert_eq!(key.thumbprint(), vector["thumbprint"]);
    assert!(key.fits(Alg::Rs256) && !key.fits(Alg::Rs512) && !key.fits(Alg::Ps256), "its own alg is RS256");
    let public: Value = serde_json::from_str(&key.public_json()).unwrap();
    assert_eq!(public, json!({"kty": "RSA", "e": "AQAB", "n": vector["jwks"]["keys"][1]["n"]}));
}

#[test]
fn every_kind_is_read_and_written() {
    for key in TestKey::all() {
        let jwk = key.jwk();
        let set = set(&json!([jwk]));
        let read = set.candidates(key.alg, key.kid.as_deref()).next().unwrap();
        assert_eq!(read.kid(), key.kid.as_deref());
        let public: Value = serde_json::from_str(&read.public_json()).unwrap();
        assert_eq!(public, without(jwk, "kid"));
        for alg in Alg::ALL {
            let same_kind = matches!(key.alg, Alg::Rs256) && matches!(alg.name().get(..2), Some("RS" | "PS"));
            assert_eq!(read.fits(alg), alg == key.alg || same_kind, "{} with {alg}", key.alg);
        }
    }
}

#[test]
fn a_key_under_which_anything_is_signed_is_skipped() {
    let read = |x: [u8; 32]| set(&json!([{"kty": "OKP", "crv": "Ed25519", "x": base64url(&x)}])).len();
    let bytes = |first: u8, middle: u8, last: u8| {
        let mut x = [middle; 32];
        (x[0], x[31]) = (first, last);
        x
    };
    // 1 with either sign: the neutral element, of which everything is a multiple; then 0, -1, and the same beyond p.
    for (first, middle, last) in [(1, 0, 0), (0, 0, 0), (0xec, 0xff, 0x7f), (0xed, 0xff, 0x7f), (0xee, 0xff, 0x7f)] {
        assert_eq!((read(bytes(first, middle, last)), read(bytes(first, middle, last | 0x80))), (0, 0), "{first:x}");
    }
    for text in ["JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"] {
        assert_eq!(read(Base64UrlUnpadded::decode_vec(text).unwrap().try_into().unwrap()), 0, "{text}");
    }
    assert_eq!((read(bytes(2, 0, 0)), read(bytes(0xeb, 0xff, 0x7f))), (1, 1), "others are for the platform to judge");
}

#[test]
fn what_is_no_public_signature_key_is_skipped() {
    let [rsa, p256, p384, ed25519] = TestKey::all().map(|key| key.jwk());
    let short = base64url(&[1; 31]);
    let long = base64url(&[1; 33]);
    let odd = vec![
        json!(null),
        json!(1),
        json!("RSA"),
        json!([]),
        json!({}),
        json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}),
        with(rsa.clone(), "kty", json!("rsa")),
        with(rsa.clone(), "kty", json!(null)),
        with(rsa.clone(), "kty", json!("EC")),
        without(rsa.clone(), "kty"),
        without(rsa.clone(), "n"),
        without(rsa.clone(), "e"),
        with(rsa.clone(), "n", json!(1)),
        with(rsa.clone(), "n", json!("")),
        with(rsa.clone(), "n", json!("A")),
        with(rsa.clone(), "n", json!(format!("{}=", rsa["n"].as_str().unwrap()))),
        with(rsa.clone(), "n", json!(modulus(2047))),
        with(rsa.clone(), "n", json!(modulus(1024))),
        with(rsa.clone(), "n", json!(modulus(8193))),
        with(rsa.clone(), "n", json!(base64url(&[0xfe; 256]))),
        with(rsa.clone(), "e", json!("")),
        with(rsa.clone(), "e", json!("AA")),
        with(rsa.clone(), "e", json!("AQ")),
        with(rsa.clone(), "e", json!("Ag")),
        with(rsa.clone(), "e", json!(base64url(&[3, 0, 0, 0, 1]))),
        with(rsa.clone(), "use", json!("enc")),
        with(rsa.clone(), "use", json!("SIG")),
        with(rsa.clone(), "use", json!(null)),
        with(rsa.clone(), "use", json!(["sig"])),
        with(rsa.clone(), "key_ops", json!([])),
        with(rsa.clone(), "key_ops", json!(["sign"])),
        with(rsa.clone(), "key_ops", json!("verify")),
        with(rsa.clone(), "kid", json!(1)),
        with(rsa.clone(), "kid", json!(null)),
        with(rsa.clone(), "alg", json!("RSA-OAEP")),
        with(rsa.clone(), "alg", json!("none")),
        with(rsa.clone(), "alg", json!("HS256")),
        with(rsa.clone(), "alg", json!(null)),
        with(rsa.clone(), "d", json!("AQAB")),
        with(rsa.clone(), "d", json!(null)),
        with(rsa.clone(), "qi", json!("AQAB")),
        with(p256.clone(), "d", json!("AQAB")),
        with(p256.clone(), "crv", json!("secp256k1")),
        with(p256.clone(), "crv", json!("P-384")),
        with(p256.clone(), "crv", json!("p-256")),
        without(p256.clone(), "crv"),
        without(p256.clone(), "y"),
        with(p256.clone(), "x", json!(short)),
        with(p256.clone(), "y", json!(long)),
        with(p384, "crv", json!("P-521")),
        with(ed25519.clone(), "crv", json!("X25519")),
        with(ed25519.clone(), "crv", json!("Ed448")),
        with(ed25519.clone(), "x", json!(short)),
        with(ed25519.clone(), "x", json!(long)),
        with(ed25519, "d", json!("AQAB")),
    ];
    for key in &odd {
        let set = set(&json!([key, p256]));
        assert_eq!((set.len(), set.skipped()), (1, 1), "{key}");
    }
    let count = odd.len();
    let all = set(&Value::Array(odd));
    assert!(all.is_empty());
    assert_eq!(all.skipped(), count);
}

#[test]
fn what_is_usable_is_used() {
    let rsa = TestKey::rs256().jwk();
    for key in [
        with(rsa.clone(), "n", json!(modulus(2048))),
        with(rsa.clone(), "n", json!(modulus(8192))),
        with(rsa.clone(), "e", json!("Aw")),
        with(rsa.clone(), "use", json!("sig")),
        with(rsa.clone(), "key_ops", json!(["sign", "verify"])),
        with(rsa.clone(), "alg", json!("PS512")),
        with(rsa.clone(), "x5c", json!(["not looked at"])),
        with(rsa.clone(), "unknown", json!({})),
        without(rsa.clone(), "kid"),
    ] {
        assert_eq!(set(&json!([key])).len(), 1, "{key}");
    }
}

#[test]
fn a_leading_zero_changes_nothing() {
    let rsa = TestKey::rs256().jwk();
    let n = Base64UrlUnpadded::decode_vec(rsa["n"].as_str().unwrap()).unwrap();
    let padded = with(rsa.clone(), "n", json!(base64url(&[&[0][..], &n].concat())));
    assert_eq!(set(&json!([padded])), set(&json!([rsa])));
}

#[test]
fn an_unreadable_set_is_an_error() {
    for (bytes, expected) in [
        (&b""[..], JwkError::Json(JsonError::NotJson)),
        (b"<html>", JwkError::Json(JsonError::NotJson)),
        (b"[]", JwkError::Json(JsonError::NotAnObject)),
        (b"{\"keys\":[],\"keys\":[]}", JwkError::Json(JsonError::DuplicateMember)),
        (b"{\"keys\":[{\"kid\":\"a\",\"kid\":\"b\"}]}", JwkError::Json(JsonError::DuplicateMember)),
        (b"{}", JwkError::NoKeyList),
        (b"{\"keys\":{}}", JwkError::NoKeyList),
        (b"{\"keys\":null}", JwkError::NoKeyList),
        (b"{\"Keys\":[]}", JwkError::NoKeyList),
    ] {
        assert_eq!(JwkSet::parse(bytes), Err(expected), "{}", bytes.escape_ascii());
    }
    assert!(JwkSet::parse(b"{\"keys\":[]}").unwrap().is_empty());
}

#[test]
fn a_hundred_keys_are_looked_at_and_four_tried() {
    let keys: Vec<Value> =
        (0..150).map(|number| with(TestKey::es256().jwk(), "kid", json!(number.to_string()))).collect();
    let set = set(&Value::Array(keys));
    assert_eq!((set.len(), set.skipped()), (100, 50));
    assert!(set.has_kid("99") && !set.has_kid("100"));
    assert_eq!(set.candidates(Alg::Es256, None).count(), 4);
    assert_eq!(set.candidates(Alg::Es256, Some("99")).count(), 1);
}

#[test]
fn candidates_by_kid_and_kind() {
    let unnamed = || TestKey::es256().with_kid(None);
    let named = |kid| TestKey::es256().with_kid(Some(kid));
    let (a, b, rsa) = (named("a"), named("b"), TestKey::rs256().with_kid(Some("r")));
    let both = jwks([&a, &b, &rsa]);
    let one = jwks([&unnamed(), &rsa]);
    let two = jwks([&unnamed(), &unnamed()]);
    let mixed = jwks([&unnamed(), &a]);
    let lone = jwks([&a]);
    for (what, set, alg, kid, expected) in [
        ("the one named", &both, Alg::Es256, Some("a"), 1),
        ("all that fit", &both, Alg::Es256, None, 2),
        ("none of that name", &both, Alg::Es256, Some("c"), 0),
        ("names are case-sensitive", &both, Alg::Es256, Some("A"), 0),
        ("the name of another kind", &both, Alg::Es256, Some("r"), 0),
        ("no key of that kind", &both, Alg::EdDsa, None, 0),
        ("the empty name is a name", &both, Alg::Es256, Some(""), 0),
        ("the only one that fits has no name", &one, Alg::Es256, Some("c"), 1),
        ("that name is another key's", &one, Alg::Es256, Some("r"), 0),
        ("the only one that fits has another name", &lone, Alg::Es256, Some("c"), 0),
        ("several without a name", &two, Alg::Es256, Some("c"), 0),
        ("several without a name, none asked for", &two, Alg::Es256, None, 2),
        ("one of several without a name", &mixed, Alg::Es256, Some("c"), 0),
        ("named among unnamed", &mixed, Alg::Es256, Some("a"), 1),
    ] {
        assert_eq!(set.candidates(alg, kid).count(), expected, "{what}");
    }
}
