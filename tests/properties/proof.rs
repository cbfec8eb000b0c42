//! Proofs of possession: good only when typed as one, signed by the public key it brings, for this request and token.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use edge_oidc::{
    jose::{Alg, Jwk, UntrustedJwt, Verifier, VerifierError},
    json,
    oauth::dpop::{self, ExpectedProof, ProofError},
    secret::Secret,
    web::path::RequestPath,
};
use serde_json::Value;

use super::{block_on, text};

/// Those of RFC 9449 §7.1.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const TOKEN_HASH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
const ORIGIN: &str = "https://resource.example.org";
const PATH: &str = "/protectedresource";

pub fn check(bytes: &[u8]) -> bool {
    let Some(proof) = text(bytes) else { return false };
    let token = Secret::new(TOKEN.to_owned());
    let path = RequestPath::parse(PATH).unwrap();
    // Whoever has the key has whatever is bound to it.
    let key = UntrustedJwt::parse(proof).ok().and_then(|jwt| jwt.untrusted_key());
    let bound_to = key.as_ref().map_or("none", Jwk::thumbprint);
    let expected = ExpectedProof { method: "GET", origin: ORIGIN, path: &path, token: &token, thumbprint: bound_to };
    let verify = |expected: &ExpectedProof<'_>, answer| block_on(dpop::verify(proof, expected, &Answer(answer)));

    assert!(verify(&expected, Ok(false)).is_err());
    assert!(verify(&expected, Err(VerifierError)).is_err());
    let Ok(found) = verify(&expected, Ok(true)) else { return false };
    let mut parts = proof.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).unwrap());
    let mut object = || json::parse_object(&parts.next().unwrap()).unwrap();
    let (header, claims) = (object(), object());
    let typ = header["typ"].as_str().unwrap().to_ascii_lowercase();
    assert!(typ == "dpop+jwt" || typ == "application/dpop+jwt");
    assert!(["d", "p", "q", "k"].iter().all(|name| header["jwk"].get(name).is_none()), "a private key was accepted");
    assert_eq!(claims["htm"], "GET");
    assert_eq!(claims["ath"], TOKEN_HASH);
    let target = url::Url::parse(claims["htu"].as_str().unwrap()).unwrap();
    assert_eq!(target.origin().ascii_serialization(), ORIGIN);
    assert_eq!(RequestPath::parse(target.path()).unwrap().decoded(), PATH.as_bytes());
    assert_eq!(claims["jti"].as_str(), Some(found.id.as_str()));
    assert_eq!(claims.get("nonce").and_then(Value::as_str), found.nonce.as_deref());

    let refused = |expected: ExpectedProof<'_>, error| assert_eq!(verify(&expected, Ok(true)).err(), Some(error));
    refused(ExpectedProof { thumbprint: "another", ..expected }, ProofError::OtherKey);
    refused(ExpectedProof { method: "POST", ..expected }, ProofError::OtherRequest);
    refused(ExpectedProof { origin: "https://other.example", ..expected }, ProofError::OtherRequest);
    refused(ExpectedProof { path: &RequestPath::parse("/other").unwrap(), ..expected }, ProofError::OtherRequest);
    refused(ExpectedProof { token: &Secret::new("other".to_owned()), ..expected }, ProofError::OtherRequest);
    true
}

struct Answer(Result<bool, VerifierError>);

impl Verifier for Answer {
    async fn verify(&self, alg: Alg, key: &Jwk, _: &[u8], _: &[u8]) -> Result<bool, VerifierError> {
        assert!(key.fits(alg));
        self.0
    }
}
