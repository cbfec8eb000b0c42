//! Signed tokens: what is verified is what was sent, to the letter, and nothing is believed that was not verified.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use edge_oidc::{
    jose::{Alg, Jwk, JwkSet, JwsError, UntrustedJwt, Verifier, VerifierError},
    json,
};
use serde_json::Value;

use super::{block_on, text};

/// One key of each kind, none with a name or an algorithm, so that every token finds one.
const KEYS: &str = include_str!("keys.json");

pub fn check(bytes: &[u8]) -> bool {
    let Some(token) = text(bytes) else { return false };
    let Ok(jwt) = UntrustedJwt::parse(token) else { return false };

    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("a token of {} parts was accepted", parts.len()) };
    // RFC 7515 §2: one spelling of each part.
    let [header, payload, signature] = [header, payload, signature].map(|part| {
        let decoded = Base64UrlUnpadded::decode_vec(part).expect("a part is not base64url");
        assert_eq!(Base64UrlUnpadded::encode_string(&decoded), part, "a part has two spellings");
        decoded
    });
    header_is_read_right(&jwt, &header);

    let (signing_input, _) = token.rsplit_once('.').unwrap();
    let says = |answer| Witness { signing_input: signing_input.as_bytes(), signature: &signature, answer };
    let keys = JwkSet::parse(KEYS.as_bytes()).unwrap();
    let verify = |keys: &JwkSet, allowed: &[Alg], answer| block_on(jwt.clone().verify(keys, allowed, &says(answer)));
    // No signature, no key, no algorithm: nobody.
    assert!(verify(&keys, &Alg::ALL, Ok(false)).is_err());
    assert!(verify(&keys, &Alg::ALL, Err(VerifierError)).is_err());
    assert!(verify(&JwkSet::default(), &Alg::ALL, Ok(true)).is_err());
    assert_eq!(verify(&keys, &[], Ok(true)), Err(JwsError::AlgorithmNotAllowed));
    let others: Vec<Alg> = Alg::ALL.into_iter().filter(|alg| *alg != jwt.untrusted_alg()).collect();
    assert_eq!(verify(&keys, &others, Ok(true)), Err(JwsError::AlgorithmNotAllowed));

    match verify(&keys, &Alg::ALL, Ok(true)) {
        Ok(verified) => {
            assert_eq!(json::parse_object(&payload).as_ref(), Ok(verified.claims().as_object()));
            assert_eq!((verified.alg(), verified.typ()), (jwt.untrusted_alg(), jwt.untrusted_type()));
        }
        Err(JwsError::MalformedClaims(error)) => assert_eq!(json::parse_object(&payload), Err(error)),
        Err(error) => assert_eq!(error, JwsError::UnknownKey),
    }
    true
}

fn header_is_read_right(jwt: &UntrustedJwt, header: &[u8]) {
    let header = json::parse_object(header).expect("the header is not a strict JSON object");
    for name in ["crit", "b64", "enc", "zip"] {
        assert!(!header.contains_key(name), "a token with {name} was accepted");
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let name = text("alg").unwrap();
    assert!(!name.eq_ignore_ascii_case("none") && !name.starts_with("HS"));
    assert_eq!(Alg::parse(name), Some(jwt.untrusted_alg()));
    assert_eq!(text("kid"), jwt.untrusted_key_id());
    // RFC 7515 §4.1.9: the two are one type.
    match (text("typ"), jwt.untrusted_type()) {
        (Some(written), Some(read)) if written != read => {
            assert_eq!(format!("application/{read}").to_ascii_lowercase(), written.to_ascii_lowercase());
            assert!(!read.contains('/'));
        }
        (written, read) => assert_eq!(written, read),
    }
}

/// Sees to it that it is asked about the token and nothing else, and answers as it was told.
struct Witness<'t> {
    signing_input: &'t [u8],
    signature: &'t [u8],
    answer: Result<bool, VerifierError>,
}

impl Verifier for Witness<'_> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        assert_eq!(
            (message, signature),
            (self.signing_input, self.signature),
            "another text is verified than was sent"
        );
        assert!(key.fits(alg) && signature.len() == key.signature_len());
        self.answer
    }
}
