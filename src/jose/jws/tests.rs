use core::cell::Cell;

use serde_json::json;

use super::*;
use crate::ring_support::{RingVerifier, TestKey, base64url, block_on, jwks, jwks_document};

fn verify(token: &str, keys: &JwkSet, allowed: &[Alg]) -> Result<VerifiedJwt, JwsError> {
    block_on(UntrustedJwt::parse(token)?.verify(keys, allowed, &RingVerifier))
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../tests/vectors/jws.json")).unwrap()
}

fn vector(source: &str) -> Value {
    vectors().into_iter().find(|vector| vector["source"] == source).unwrap()
}

fn keys_of(vector: &Value) -> JwkSet {
    JwkSet::parse(json!({"keys": [vector["jwk"]]}).to_string().as_bytes()).unwrap()
}

/// A token of this header, its signature and payload well-formed.
fn headed(header: &str) -> String {
    format!("{}.e30.AAAA", base64url(header.as_bytes()))
}

#[test]
fn the_rfcs_vectors_verify() {
    for vector in vectors() {
        let alg = Alg::parse(vector["alg"].as_str().unwrap()).unwrap();
        let verified = verify(vector["token"].as_str().unwrap(), &keys_of(&vector), &[alg]);
        match (alg, vector["payload"].as_str()) {
            // ring has no P-521.
            (Alg::Es512, _) => assert_eq!(verified, Err(JwsError::Verifier(VerifierError)), "{vector}"),
            (_, Some("claims")) => {
                let verified = verified.unwrap();
                assert_eq!(verified.alg(), alg);
                assert_eq!(verified.claims().required_string("iss"), Ok("joe"));
            }
            // The signature is good; the payload is not claims.
            _ => assert_eq!(verified, Err(JwsError::MalformedClaims(JsonError::NotJson)), "{vector}"),
        }
    }
}

#[test]
fn the_rfcs_jwts_are_refused_for_their_algorithms() {
    // RFC 7519 §3.1, signed with a shared secret; §6.1, unsecured. Both are good JWTs, and neither is one for us.
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let hmac = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    let signed = format!("{hmac}.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let unsecured = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for token in [signed, unsecured] {
        assert_eq!(UntrustedJwt::parse(&token).err(), Some(JwsError::AlgorithmNotAllowed), "{token}");
    }
    // §3.1 gives the claims in the clear, too: their line breaks are no matter.
    let object = json::parse_object(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap();
    let claims = Claims::new(object);
    assert_eq!(claims.required_string("iss"), Ok("joe"));
    assert_eq!(claims.timestamp("exp"), Ok(Some(crate::time::Timestamp::from_unix(1_300_819_380))));
}

#[test]
fn a_type_is_the_same_with_application_before_it() {
    // RFC 7515 §4.1.9
    for (typ, bare) in [
        ("JWT", "JWT"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+JWT", "AT+JWT"),
        ("application/", ""),
        ("application", "application"),
        ("application/a;b=c/d", "application/a;b=c/d"),
        ("text/plain", "text/plain"),
        ("äpplication/x", "äpplication/x"),
    ] {
        let token = UntrustedJwt::parse(&headed(&json!({"alg": "ES256", "typ": typ}).to_string())).unwrap();
        assert_eq!(token.untrusted_type(), Some(bare), "{typ}");
    }
}

#[test]
fn the_rfcs_unsecured_token_is_refused() {
    // RFC 7515 A.5
    let token = "eyJhbGciOiJub25lIn0.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(UntrustedJwt::parse(token).unwrap_err(), JwsError::AlgorithmNotAllowed);
}

#[test]
fn every_algorithm_signs_and_verifies() {
    let rsa = [Alg::Rs256, Alg::Rs384, Alg::Rs512, Alg::Ps256, Alg::Ps384, Alg::Ps512];
    let keys = TestKey::all().into_iter().chain(rsa.map(|alg| TestKey::rs256().with_alg(alg)));
    for key in keys {
        let verified = verify(&key.token(&json!({"sub": "alice"})), &jwks([&key]), &[key.alg]).unwrap();
        assert_eq!(verified.claims().string("sub"), Ok(Some("alice")));
        assert_eq!((verified.alg(), verified.typ()), (key.alg, None));
    }
    let key = TestKey::ed25519();
    let token = key.token_of(r#"{"alg":"Ed25519","typ":"at+jwt"}"#, "{}");
    let verified = verify(&token, &jwks([&key]), &[Alg::EdDsa]).unwrap();
    assert_eq!((verified.alg(), verified.typ()), (Alg::EdDsa, Some("at+jwt")));
    assert!(verified.into_claims().as_object().is_empty());
}

#[test]
fn no_flipped_bit_verifies() {
    for source in ["RFC 7515 A.2", "RFC 7515 A.3"] {
        let vector = vector(source);
        flip_every_bit(vector["token"].as_str().unwrap(), &keys_of(&vector));
    }
    let key = TestKey::ed25519();
    flip_every_bit(&key.token(&json!({"sub": "alice"})), &jwks([&key]));
}

/// Of the decoded parts, and of the text.
fn flip_every_bit(token: &str, keys: &JwkSet) {
    assert!(verify(token, keys, &Alg::ALL).is_ok());
    let parts: Vec<Vec<u8>> = token.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).unwrap()).collect();
    for part in 0..parts.len() {
        for bit in 0..parts[part].len() * 8 {
            let mut parts = parts.clone();
            parts[part][bit / 8] ^= 1 << (bit % 8);
            let flipped = parts.iter().map(|part| base64url(part)).collect::<Vec<_>>().join(".");
            assert!(verify(&flipped, keys, &Alg::ALL).is_err(), "part {part}, bit {bit}");
        }
    }
    for bit in 0..token.len() * 8 {
        let mut bytes = token.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(bytes) else { continue };
        assert!(verify(&flipped, keys, &Alg::ALL).is_err(), "text, bit {bit}");
    }
}

#[test]
fn other_forms_are_refused() {
    let token = TestKey::ed25519().token(&json!({}));
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    assert_eq!(signature.len() % 4, 2, "64 bytes leave four stray bits");
    let stray = format!("{}B", &signature[..signature.len() - 1]);
    for (form, expected) in [
        (String::new(), JwsError::NotThreeParts),
        (".".into(), JwsError::NotThreeParts),
        ("..".into(), JwsError::MalformedHeader),
        ("...".into(), JwsError::NotThreeParts),
        (header.into(), JwsError::NotThreeParts),
        (format!("{header}.{payload}"), JwsError::NotThreeParts),
        (format!("{token}."), JwsError::NotThreeParts),
        (format!("{token}.e30"), JwsError::NotThreeParts),
        (format!("{token}.e30.e30"), JwsError::NotThreeParts),
        (format!(".{payload}.{signature}"), JwsError::MalformedHeader),
        (format!(" {token}"), JwsError::NotBase64Url),
        (format!("{token} "), JwsError::NotBase64Url),
        (format!("{token}\n"), JwsError::NotBase64Url),
        (format!("{token}\0"), JwsError::NotBase64Url),
        (format!("{header} .{payload}.{signature}"), JwsError::NotBase64Url),
        (format!("{header}.{payload}==.{signature}"), JwsError::NotBase64Url),
        (format!("{token}=="), JwsError::NotBase64Url),
        (format!("{header}=.{payload}.{signature}"), JwsError::NotBase64Url),
        (format!("{header}.{payload}.+/8"), JwsError::NotBase64Url),
        (format!("{header}.{payload}.A"), JwsError::NotBase64Url),
        (format!("{header}.{payload}.\u{e9}\u{e9}"), JwsError::NotBase64Url),
        (format!("{header}.e31.{signature}"), JwsError::NotBase64Url),
        (format!("{header}.{payload}.{stray}"), JwsError::NotBase64Url),
        (format!("{{\"payload\":\"{payload}\"}}"), JwsError::NotThreeParts),
    ] {
        assert_eq!(UntrustedJwt::parse(&form).unwrap_err(), expected, "{form:?}");
    }
}

#[test]
fn the_length_has_a_limit() {
    let head = format!("{}.", base64url(br#"{"alg":"ES256"}"#));
    let token = |len: usize| format!("{head}{}.AAAA", "A".repeat(len - head.len() - ".AAAA".len()));
    // A length that base64url can have, at most the limit.
    let fits = (0..4).map(|less| token(MAX_TOKEN_LEN - less)).find(|token| UntrustedJwt::parse(token).is_ok());
    assert!(fits.is_some());
    assert_eq!(UntrustedJwt::parse(&token(MAX_TOKEN_LEN + 1)).unwrap_err(), JwsError::TooLong);
    assert_eq!(UntrustedJwt::parse(&".".repeat(10_000_000)).unwrap_err(), JwsError::TooLong);
}

#[test]
fn other_headers_are_refused() {
    use JwsError::{AlgorithmNotAllowed, MalformedHeader, OtherContent, RefusedParameter};
    for (header, expected) in [
        (r#"{"alg":"none"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"None"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"nOnE"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"NONE"}"#, AlgorithmNotAllowed),
        (r#"{"alg":""}"#, AlgorithmNotAllowed),
        (r#"{"alg":"HS256"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"HS512"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"RS256 "}"#, AlgorithmNotAllowed),
        (r#"{"alg":"rs256"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"RS256\u0000"}"#, AlgorithmNotAllowed),
        (r#"{"alg":"RSA-OAEP"}"#, AlgorithmNotAllowed),
        (r#"{"alg":null}"#, MalformedHeader),
        (r#"{"alg":1}"#, MalformedHeader),
        (r#"{"alg":["RS256"]}"#, MalformedHeader),
        (r#"{"Alg":"RS256"}"#, MalformedHeader),
        ("{}", MalformedHeader),
        ("[]", MalformedHeader),
        ("null", MalformedHeader),
        (r#""RS256""#, MalformedHeader),
        ("", MalformedHeader),
        (r#"{"alg":"RS256""#, MalformedHeader),
        (r#"{"alg":"RS256"} x"#, MalformedHeader),
        (r#"{"alg":"none","alg":"RS256"}"#, MalformedHeader),
        (r#"{"alg":"RS256","alg":"RS256"}"#, MalformedHeader),
        (r#"{"alg":"RS256","\u0061lg":"none"}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":"a","kid":"b"}"#, MalformedHeader),
        (r#"{"alg":"RS256","x":1,"x":1}"#, MalformedHeader),
        (r#"{"alg":"RS256","jwk":{"kty":"RSA","kty":"EC"}}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":1}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":null}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":["a"]}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":{}}"#, MalformedHeader),
        (r#"{"alg":"RS256","kid":true}"#, MalformedHeader),
        (r#"{"alg":"RS256","typ":1}"#, MalformedHeader),
        (r#"{"alg":"RS256","typ":null}"#, MalformedHeader),
        (r#"{"alg":"RS256","crit":[]}"#, RefusedParameter("crit")),
        (r#"{"alg":"RS256","crit":["exp"],"exp":1}"#, RefusedParameter("crit")),
        (r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, RefusedParameter("crit")),
        (r#"{"alg":"RS256","crit":null}"#, RefusedParameter("crit")),
        (r#"{"alg":"RS256","b64":false}"#, RefusedParameter("b64")),
        (r#"{"alg":"RS256","b64":true}"#, RefusedParameter("b64")),
        (r#"{"alg":"RS256","zip":"DEF"}"#, RefusedParameter("zip")),
        (r#"{"alg":"RS256","enc":"A128GCM"}"#, RefusedParameter("enc")),
        (r#"{"alg":"RS256","cty":"JWT"}"#, OtherContent),
    ] {
        assert_eq!(UntrustedJwt::parse(&headed(header)).unwrap_err(), expected, "{header}");
    }
    let mut bytes = br#"{"alg":"RS256","x":"?"}"#.to_vec();
    bytes[20] = 0xff;
    let token = format!("{}.e30.AAAA", base64url(&bytes));
    assert_eq!(UntrustedJwt::parse(&token).unwrap_err(), MalformedHeader);
}

#[test]
fn the_header_can_be_read_before_it_is_trusted() {
    let token = UntrustedJwt::parse(&headed(r#"{"alg":"ES256","kid":"","typ":"JWT","x":[1]}"#)).unwrap();
    assert_eq!(token.untrusted_alg(), Alg::Es256);
    assert_eq!(token.untrusted_key_id(), Some(""));
    assert_eq!(token.untrusted_type(), Some("JWT"));
    assert_eq!(format!("{token:?}"), "UntrustedJwt { alg: Es256, .. }");
}

#[test]
fn a_key_in_the_header_is_never_used() {
    let (ours, theirs) = (TestKey::es256(), TestKey::rs256());
    let keys = jwks([&ours]);
    for parameter in ["jwk", "jku", "x5u", "x5c"] {
        let value = match parameter {
            "jwk" => theirs.jwk(),
            "x5c" => json!(["MIIB"]),
            _ => json!("https://evil.example/keys"),
        };
        for kid in [None, Some("rsa"), Some("p256")] {
            let mut header = json!({"alg": "RS256", parameter: value});
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            let forged = theirs.token_of(header.to_string(), "{}");
            let expected = if kid == Some("p256") { JwsError::AlgorithmNotAllowed } else { JwsError::UnknownKey };
            assert_eq!(verify(&forged, &keys, &Alg::ALL), Err(expected), "{parameter} {kid:?}");
        }
        let header = json!({"alg": "ES256", "kid": "p256", parameter: value});
        assert!(verify(&ours.token_of(header.to_string(), "{}"), &keys, &Alg::ALL).is_ok(), "{parameter} is ignored");
    }
}

#[test]
fn a_certificate_thumbprint_is_read_and_ignored() {
    let key = TestKey::es256();
    for (x5t, accepted) in [
        (json!(base64url(&[0xff; 20])), true),
        (json!(base64url(b"65AF6909B1B0758E06C6E048C46002B5C695E36B")), true),
        // RFC 7515 §4.1.7: no SHA-1 thumbprint.
        (json!(base64url(&[0xff; 8])), false),
        (json!(1), false),
    ] {
        let token = key.token_of(json!({"alg": "ES256", "kid": "p256", "x5t": x5t}).to_string(), "{}");
        let expected = (!accepted).then_some(JwsError::MalformedHeader);
        assert_eq!(verify(&token, &jwks([&key]), &Alg::ALL).err(), expected, "{x5t}");
    }
}

#[test]
fn the_algorithm_is_the_configurations() {
    let key = TestKey::rs256();
    let keys = jwks([&key]);
    let token = key.token(&json!({}));
    assert!(verify(&token, &keys, &[Alg::Es256, Alg::Rs256]).is_ok());
    assert_eq!(verify(&token, &keys, &[Alg::Rs512]), Err(JwsError::AlgorithmNotAllowed));
    assert_eq!(verify(&token, &keys, &[]), Err(JwsError::AlgorithmNotAllowed));
    // Signed with one padding, said to be the other.
    let header = json!({"alg": "PS256", "kid": "rsa"}).to_string();
    assert_eq!(verify(&key.token_of(header, "{}"), &keys, &Alg::ALL), Err(JwsError::BadSignature));
    // The key's own `alg` binds it.
    let mut document = jwks_document([&key]);
    document["keys"][0]["alg"] = json!("PS256");
    let bound = JwkSet::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&token, &bound, &Alg::ALL), Err(JwsError::AlgorithmNotAllowed));
    assert!(verify(&TestKey::rs256().with_alg(Alg::Ps256).token(&json!({})), &bound, &Alg::ALL).is_ok());
}

#[test]
fn an_unknown_key_is_told_from_a_bad_signature() {
    let (a, other) = (TestKey::es256().with_kid(Some("a")), TestKey::es256().with_kid(Some("b")));
    let unnamed = || TestKey::es256().with_kid(None);
    let good = a.token(&json!({}));
    // The same header and payload under a signature of something else.
    let forge = |key: &TestKey| {
        let token = key.token(&json!({}));
        let (signing_input, _) = token.rsplit_once('.').unwrap();
        format!("{signing_input}.{}", base64url(&key.sign(b"something else")))
    };
    for (what, token, keys, expected) in [
        ("named and good", good.clone(), jwks([&a, &other]), None),
        ("named and bad", forge(&a), jwks([&a, &other]), Some(JwsError::BadSignature)),
        ("named and not there", good.clone(), jwks([&other]), Some(JwsError::UnknownKey)),
        ("no keys at all", good.clone(), JwkSet::default(), Some(JwsError::UnknownKey)),
        ("unnamed and good", unnamed().token(&json!({})), jwks([&other, &a]), None),
        ("unnamed and bad", forge(&unnamed()), jwks([&a]), Some(JwsError::UnknownKey)),
        ("named, the only key is unnamed", good, jwks([&unnamed()]), None),
        ("named and bad, the only key is unnamed", forge(&a), jwks([&unnamed()]), Some(JwsError::UnknownKey)),
    ] {
        assert_eq!(verify(&token, &keys, &Alg::ALL).err(), expected, "{what}");
    }
}

#[test]
fn a_signature_has_one_length() {
    for key in TestKey::all() {
        let token = key.token(&json!({}));
        let (signing_input, signature) = token.rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        let keys = jwks([&key]);
        assert_eq!(signature.len(), keys.candidates(key.alg, None).next().unwrap().signature_len());
        let zeroed = [&[0][..], &signature].concat();
        let longer = [&signature[..], &[0]].concat();
        for wrong in [&[][..], &signature[1..], &signature[..signature.len() - 1], &zeroed, &longer] {
            let token = format!("{signing_input}.{}", base64url(wrong));
            // Not even the verifier is asked.
            let asked = Asked::default();
            let verified = block_on(UntrustedJwt::parse(&token).unwrap().verify(&keys, &Alg::ALL, &asked));
            assert_eq!((verified, asked.times.get()), (Err(JwsError::BadSignature), 0), "{} {}", key.alg, wrong.len());
        }
    }
    // RFC 7518 §3.4: 0 is no number of an ECDSA signature.
    let key = TestKey::es256();
    let token = key.token(&json!({}));
    let (signing_input, _) = token.rsplit_once('.').unwrap();
    let token = format!("{signing_input}.{}", base64url(&[0; 64]));
    assert_eq!(verify(&token, &jwks([&key]), &Alg::ALL), Err(JwsError::BadSignature));
}

#[test]
fn the_payload_is_read_after_the_signature() {
    let key = TestKey::ed25519();
    let keys = jwks([&key]);
    for (payload, expected) in [
        (&b""[..], JsonError::NotJson),
        (b"text", JsonError::NotJson),
        (b"{} {}", JsonError::NotJson),
        (b"[]", JsonError::NotAnObject),
        (b"null", JsonError::NotAnObject),
        (b"{\"sub\":\"a\",\"sub\":\"b\"}", JsonError::DuplicateMember),
        (b"{\"a\":{\"b\":1,\"b\":2}}", JsonError::DuplicateMember),
        (b"{\"sub\":\"\xff\"}", JsonError::NotUtf8),
    ] {
        let token = key.token_of(key.header().to_string(), payload);
        let what = payload.escape_ascii();
        assert_eq!(verify(&token, &keys, &Alg::ALL), Err(JwsError::MalformedClaims(expected)), "{what}");
        let (signing_input, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{signing_input}.{}", base64url(&[0; 64]));
        assert_eq!(verify(&forged, &keys, &Alg::ALL), Err(JwsError::BadSignature), "{what}");
    }
}

#[test]
fn an_unusable_key_does_not_hide_a_usable_one() {
    let key = TestKey::es256().with_kid(None);
    let keys = jwks([&key, &key, &key, &key, &key, &key]);
    let token = key.token(&json!({}));
    for (answers, expected, times) in [
        (&[Err(VerifierError), Ok(true)][..], None, 2),
        (&[Err(VerifierError), Ok(false), Ok(false), Ok(false)], Some(JwsError::Verifier(VerifierError)), 4),
        (&[Ok(false), Ok(false), Ok(false), Ok(true)], None, 4),
        (&[Ok(false), Ok(false), Ok(false), Ok(false)], Some(JwsError::UnknownKey), 4),
    ] {
        let asked = Asked { answers, times: Cell::new(0) };
        let verified = block_on(UntrustedJwt::parse(&token).unwrap().verify(&keys, &Alg::ALL, &asked));
        assert_eq!((verified.err(), asked.times.get()), (expected, times));
    }
}

/// Counts how often it is asked, and answers from a list, else that the signature is good.
#[derive(Default)]
struct Asked {
    answers: &'static [Result<bool, VerifierError>],
    times: Cell<usize>,
}

impl Verifier for Asked {
    async fn verify(&self, _: Alg, _: &Jwk, _: &[u8], _: &[u8]) -> Result<bool, VerifierError> {
        let asked = self.times.replace(self.times.get() + 1);
        self.answers.get(asked).copied().unwrap_or(Ok(true))
    }
}
