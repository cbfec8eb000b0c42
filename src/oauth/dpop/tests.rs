use serde_json::{Value, json};

use super::*;
use crate::{
    ring_support::{RingVerifier, TestKey, base64url, block_on},
    secret::Secret,
};

const NOW: i64 = 1_800_000_000;
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// The proof of RFC 9449 §7.1, for that token.
const RFC_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0Vj\
    NoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsIm\
    NydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm\
    9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcW\
    tzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// The thumbprint of its key, from `cnf` in §6.1.
const RFC_THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn verified(proof: &str, thumbprint: &str) -> Result<Proof, ProofError> {
    let token = Secret::new(TOKEN.to_owned());
    let path = RequestPath::parse("/a").unwrap();
    let expected =
        ExpectedProof { method: "POST", origin: "https://api.example", path: &path, token: &token, thumbprint };
    block_on(verify(proof, &expected, &RingVerifier))
}

/// What an honest client writes.
fn header(key: &TestKey) -> Value {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().remove("kid");
    json!({"typ": "dpop+jwt", "alg": key.alg.name(), "jwk": jwk})
}

fn claims() -> Value {
    let hash = token_hash(&Secret::new(TOKEN.to_owned()));
    json!({"jti": "one", "htm": "POST", "htu": "https://api.example/a", "iat": NOW, "ath": hash})
}

fn thumbprint(key: &TestKey) -> String {
    UntrustedJwt::parse(&proof(key, &header(key), &claims())).unwrap().untrusted_key().unwrap().thumbprint().to_owned()
}

fn proof(key: &TestKey, header: &Value, claims: &Value) -> String {
    key.token_of(header.to_string(), claims.to_string())
}

#[test]
fn the_rfcs_proof() {
    let path = RequestPath::parse("/protectedresource").unwrap();
    let token = Secret::new(TOKEN.to_owned());
    let expected = ExpectedProof {
        method: "GET",
        origin: "https://resource.example.org",
        path: &path,
        token: &token,
        thumbprint: RFC_THUMBPRINT,
    };
    let verified = |expected| block_on(verify(RFC_PROOF, &expected, &RingVerifier));
    let found = verified(expected).unwrap();
    assert_eq!((found.id.as_str(), found.nonce, found.issued_at.as_unix()), ("e1j3V_bKic8-LAEB", None, 1_562_262_618));
    let elsewhere = ExpectedProof { origin: "https://resource.example", ..expected };
    assert_eq!(verified(elsewhere).err(), Some(ProofError::OtherRequest));
    let other = thumbprint(&TestKey::es256());
    assert_eq!(verified(ExpectedProof { thumbprint: &other, ..expected }).err(), Some(ProofError::OtherKey));
}

/// RFC 9449 §7.1.
#[test]
fn the_hash_of_a_token() {
    assert_eq!(token_hash(&Secret::new(TOKEN.to_owned())), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn every_kind_of_key_proves_itself() {
    for key in TestKey::all() {
        let honest = proof(&key, &header(&key), &claims());
        assert_eq!(verified(&honest, &thumbprint(&key)).unwrap().id, "one", "{}", key.alg);
    }
}

#[test]
fn other_headers_prove_nothing() {
    let key = TestKey::es256();
    let thumbprint = thumbprint(&key);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut header = header(&key);
        change(&mut header);
        verified(&proof(&key, &header, &claims()), &thumbprint).map(|_| ())
    };
    assert_eq!(changed(&|_| {}), Ok(()));
    // RFC 9110 §8.3.1: types are compared without case.
    assert_eq!(changed(&|header| header["typ"] = json!("DPoP+JWT")), Ok(()));
    for (name, value, error) in [
        ("typ", json!("JWT"), ProofError::Malformed),
        ("typ", json!("at+jwt"), ProofError::Malformed),
        ("typ", json!("application/dpop+jwt; a=b"), ProofError::Malformed),
        ("alg", json!("none"), ProofError::Jws(JwsError::AlgorithmNotAllowed)),
        ("alg", json!("HS256"), ProofError::Jws(JwsError::AlgorithmNotAllowed)),
        ("alg", json!("RS256"), ProofError::Jws(JwsError::UnknownKey)),
        ("jwk", json!("key"), ProofError::Malformed),
        ("jwk", json!({}), ProofError::Malformed),
        ("jwk", TestKey::rs256().jwk(), ProofError::OtherKey),
        ("jwk", json!({"kty": "oct", "k": "AAAA"}), ProofError::Malformed),
        ("crit", json!(["b64"]), ProofError::Jws(JwsError::RefusedParameter("crit"))),
    ] {
        assert_eq!(changed(&|header| header[name] = value.clone()), Err(error), "{name} {value}");
    }
    for name in ["typ", "jwk"] {
        let without = |header: &mut Value| drop(header.as_object_mut().unwrap().remove(name));
        assert_eq!(changed(&without), Err(ProofError::Malformed), "{name}");
    }
    // §4.2: public keys alone; whoever sends a private one is not to be encouraged.
    assert_eq!(changed(&|header| header["jwk"]["d"] = json!("AAAA")), Err(ProofError::Malformed));
    // Members that are no part of the key change nothing about whose it is.
    assert_eq!(changed(&|header| header["jwk"]["use"] = json!("sig")), Ok(()));
    assert_eq!(changed(&|header| header["jwk"]["use"] = json!("enc")), Err(ProofError::Malformed));
}

#[test]
fn other_claims_prove_nothing() {
    let key = TestKey::es256();
    let thumbprint = thumbprint(&key);
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        verified(&proof(&key, &header(&key), &claims), &thumbprint).map(|_| ())
    };
    let other_hash = base64url(&Sha256::digest("another token"));
    for (name, value, verdict) in [
        ("jti", json!("two"), Ok(())),
        ("jti", json!(""), Err(ProofError::Malformed)),
        ("jti", json!(7), Err(ProofError::Claim(ClaimError::WrongType("jti")))),
        ("htm", json!("GET"), Err(ProofError::OtherRequest)),
        ("htm", json!("post"), Err(ProofError::OtherRequest)),
        ("htu", json!("https://api.example/a?b=c#d"), Ok(())),
        ("htu", json!("https://api.example/b"), Err(ProofError::OtherRequest)),
        ("htu", json!(["https://api.example/a"]), Err(ProofError::Claim(ClaimError::WrongType("htu")))),
        ("ath", json!(other_hash), Err(ProofError::OtherRequest)),
        ("ath", json!(""), Err(ProofError::OtherRequest)),
        ("ath", json!(TOKEN), Err(ProofError::OtherRequest)),
        ("iat", json!("now"), Err(ProofError::Claim(ClaimError::WrongType("iat")))),
        ("nonce", json!("n"), Ok(())),
        ("nonce", json!(7), Err(ProofError::Claim(ClaimError::WrongType("nonce")))),
    ] {
        assert_eq!(changed(name, value.clone()), verdict, "{name} {value}");
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        let verdict = verified(&proof(&key, &header(&key), &claims), &thumbprint).err();
        assert_eq!(verdict, Some(ProofError::Claim(ClaimError::Missing(name))), "{name}");
    }
}

#[test]
fn the_signature_is_the_keys_own() {
    let key = TestKey::es256();
    let thumbprint = thumbprint(&key);
    let honest = proof(&key, &header(&key), &claims());
    let (input, _) = honest.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", base64url(&[1; 64]));
    assert_eq!(verified(&forged, &thumbprint).err(), Some(ProofError::Jws(JwsError::UnknownKey)));
    // Somebody else's signature under the key that the token is bound to.
    let thief = TestKey::ed25519();
    let mut borrowed = header(&key);
    borrowed["alg"] = json!("EdDSA");
    let stolen = proof(&thief, &borrowed, &claims());
    assert_eq!(verified(&stolen, &thumbprint).err(), Some(ProofError::Jws(JwsError::UnknownKey)));
    for text in ["", "a.b", "not a proof", &format!("{honest}, {honest}"), &format!("{honest} ")] {
        assert!(matches!(verified(text, &thumbprint), Err(ProofError::Jws(_))), "{text}");
    }
}

#[test]
fn targets() {
    let token = Secret::new(TOKEN.to_owned());
    let is_target = |htu: &str, origin: &str, path: &str| {
        let path = RequestPath::parse(path).unwrap();
        is_target(htu, &ExpectedProof { method: "", origin, path: &path, token: &token, thumbprint: "" })
    };
    for (htu, path, same) in [
        ("https://api.example/a", "/a", true),
        ("HTTPS://API.example:443/a?x#y", "/a", true),
        ("https://api.example", "/", true),
        ("https://api.example/", "/", true),
        ("https://api.example?x", "/", true),
        // RFC 3986 §6.2.2.1, §6.2.2.2: the case of escapes, and escapes that need not be.
        ("https://api.example/%c3%a9", "/%C3%A9", true),
        ("https://api.example/~a", "/%7Ea", true),
        ("https://api.example/%61", "/a", true),
        ("https://api.example/a b", "/a%20b", false),
        ("https://api.example/a/", "/a", false),
        ("https://api.example/A", "/a", false),
        ("https://api.example/a%2Fb", "/a/b", false),
        ("https://api.example/b/../a", "/a", false),
        ("http://api.example/a", "/a", false),
        ("https://api.example:8443/a", "/a", false),
        ("https://api.example:80/a", "/a", false),
        ("https://api.example@evil.example/a", "/a", false),
        ("https://api.example.evil.example/a", "/a", false),
        ("https://evil.example/https://api.example/a", "/a", false),
        ("https://api.example", "/a", false),
        ("/a", "/a", false),
        ("", "/", false),
    ] {
        assert_eq!(is_target(htu, "https://api.example", path), same, "{htu} for {path}");
    }
    let local = "http://localhost:8787";
    assert!(is_target("http://localhost:8787/a", local, "/a") && !is_target("http://localhost/a", local, "/a"));
}

#[test]
fn fresh_for_a_minute_either_way() {
    let proof = |issued_at| Proof { id: String::new(), nonce: None, issued_at: Timestamp::from_unix(issued_at) };
    let leeway = Leeway::from_secs(30).unwrap();
    let verdicts =
        [(1000, true), (911, true), (910, false), (1030, true), (1031, false), (i64::MAX, false), (i64::MIN, false)];
    for (issued_at, fresh) in verdicts {
        assert_eq!(proof(issued_at).is_fresh(Timestamp::from_unix(1000), leeway), fresh, "{issued_at}");
    }
}

#[test]
fn remembered_as_long_as_a_copy_would_be_fresh() {
    let leeway = Leeway::from_secs(30).unwrap();
    for issued_at in [920, 1000, 1030] {
        let proof = Proof { id: String::new(), nonce: None, issued_at: Timestamp::from_unix(issued_at) };
        let until = proof.remembered_until(Timestamp::from_unix(1000), leeway);
        assert!(!proof.is_fresh(until, leeway), "{issued_at}");
    }
}
