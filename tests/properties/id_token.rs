//! ID tokens whose signature is good: accepted only when every claim says what it must (OIDC Core §3.1.3.7).
//!
//! The input is the payload.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use edge_oidc::{
    jose::{Alg, Jwk, JwkSet, UntrustedJwt, Verifier, VerifierError},
    oauth::{ClientId, Unguessable},
    oidc::id_token::{self, Expected},
    time::{Leeway, Timestamp},
};
use serde_json::{Map, Value};

use super::block_on;

const KEYS: &str = include_str!("keys.json");
const ISSUER: &str = "https://idp.example";
const CLIENT: &str = "me";
const NOW: i64 = 1_700_000_000;
const LEEWAY: u16 = 60;

pub fn check(bytes: &[u8]) -> bool {
    let part = Base64UrlUnpadded::encode_string;
    let token = format!("{}.{}.{}", part(br#"{"alg":"EdDSA"}"#), part(bytes), part(&[0; 64]));
    // Longer than a token may be.
    let Ok(jwt) = UntrustedJwt::parse(&token) else { return false };
    let nonce = Unguessable::from_random(&[0; 32]);
    let (issuers, client_id) = ([ISSUER.to_owned()], ClientId::parse(CLIENT).unwrap());
    let expected = Expected {
        issuers: &issuers,
        client_id: &client_id,
        nonce: Some(&nonce),
        access_token: None,
        algs: &Alg::ALL,
        now: Timestamp::from_unix(NOW),
        leeway: Leeway::from_secs(LEEWAY).unwrap(),
    };
    let keys = JwkSet::parse(KEYS.as_bytes()).unwrap();
    let verify = |answer| block_on(id_token::verify(jwt.clone(), &expected, &keys, &Says(answer)));
    assert!(verify(false).is_err(), "a token that nobody signed was accepted");
    let Ok(accepted) = verify(true) else { return false };

    // Read by another reader, and judged once more in the plainest words.
    let claims: Map<String, Value> =
        serde_json::from_slice(bytes).expect("claims that are no JSON object were accepted");
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
    let (now, leeway) = (1_700_000_000.0, f64::from(LEEWAY));
    assert_eq!(text("iss"), Some(ISSUER));
    assert_eq!(text("nonce"), Some(nonce.as_str()));
    assert!(moment("exp").is_some_and(|exp| exp > now - leeway - 1.0));
    assert!(moment("iat").is_some_and(|iat| iat < now + leeway + 1.0));
    assert!(!claims.contains_key("nbf") || moment("nbf").is_some_and(|nbf| nbf < now + leeway + 1.0));
    let is_us = |value: &Value| value.as_str() == Some(CLIENT);
    let several = match claims.get("aud") {
        Some(Value::Array(audiences)) => {
            assert!(audiences.iter().any(is_us));
            audiences.len() > 1
        }
        one => {
            assert!(one.is_some_and(is_us));
            false
        }
    };
    assert!(claims.get("azp").map_or(!several, is_us));
    assert!(text("sub").is_some_and(|sub| !sub.is_empty() && sub.len() <= 255 && sub.is_ascii()));
    assert_eq!(text("sub"), Some(accepted.subject()));
    assert_eq!(accepted.claims(), &claims);
    true
}

/// Says that every signature is good, or that none is.
struct Says(bool);

impl Verifier for Says {
    async fn verify(&self, _: Alg, _: &Jwk, _: &[u8], _: &[u8]) -> Result<bool, VerifierError> {
        Ok(self.0)
    }
}
