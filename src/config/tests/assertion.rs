//! What is signed for the origin, and by which keys.

use super::*;
use crate::{
    jose::{Alg, SigningKey},
    ring_support::TestKey,
};

fn with_key(assertion: &Value, key: &Value) -> Value {
    json!({ "OIDC_ASSERTION": assertion, "OIDC_ASSERTION_KEY": key })
}

#[test]
fn what_holds_when_nothing_is_said() {
    let key = TestKey::es256().private_jwk();
    for assertion in [json!({}), json!("{}"), json!({"alg": "ES256"})] {
        for key in [key.clone(), json!(key.to_string()), json!([key]), json!(json!([key]).to_string())] {
            let config = parsed(&with_key(&assertion, &key));
            let settings = config.assertion.unwrap();
            assert_eq!((settings.header.as_str(), settings.ttl.as_secs()), ("X-Forwarded-Assertion", 60));
            assert_eq!((settings.audience, settings.signs_messages), (None, false));
            assert_eq!(settings.keys.iter().map(SigningKey::alg).collect::<Vec<_>>(), [Alg::Es256]);
        }
    }
    assert!(parsed(&json!({})).assertion.is_none());
}

#[test]
fn the_first_key_signs_and_older_ones_may_have_lost_their_private_part() {
    let keys = json!([TestKey::ed25519().private_jwk(), TestKey::es256().jwk()]);
    let assertion = json!({"alg": "EdDSA", "header": "X-Proof", "ttl": "5", "audience": "app", "signature": true});
    let settings = parsed(&with_key(&assertion, &keys)).assertion.unwrap();
    assert_eq!((settings.header.as_str(), settings.audience.as_deref()), ("X-Proof", Some("app")));
    assert!(settings.signs_messages);
    assert_eq!(settings.keys.iter().map(SigningKey::kid).collect::<Vec<_>>(), ["ed25519", "p256"]);
}

#[test]
fn keys_that_do_not_do() {
    let (es256, ed25519) = (TestKey::es256(), TestKey::ed25519());
    let secret = es256.private_jwk()["d"].as_str().unwrap().to_owned();
    for (assertion, key, says) in [
        (json!({}), json!([]), "a first key on P-256"),
        (json!({}), json!("x"), "a list"),
        (json!({}), json!(["x"]), "a JWK of an EC key"),
        (json!({}), TestKey::rs256().jwk(), "a JWK of an EC key"),
        (json!({}), es256.jwk(), "with its private part"),
        (json!({}), ed25519.private_jwk(), "a first key on P-256"),
        (json!({"alg": "EdDSA"}), es256.private_jwk(), "a first key on Ed25519"),
        (json!({}), json!([es256.jwk(), es256.private_jwk()]), "with its private part"),
        (json!({}), json!([es256.private_jwk(), es256.jwk()]), "keys of different names"),
        (json!({}), json!([es256.private_jwk(), {"kty": "EC"}]), "a JWK of an EC key"),
    ] {
        let report = report(&with_key(&assertion, &key));
        assert!(report.contains(says) && report.contains("OIDC_ASSERTION_KEY"), "{says}: {report}");
        assert!(!report.contains(&secret), "{report}");
    }
}
