use base64ct::{Base64, Encoding as _};
use serde_json::json;

use super::*;
use crate::{
    ring_support::{RingVerifier, TestKey, block_on, jwks},
    secret::Secret,
    time::{Leeway, Timestamp},
};

const NOW: i64 = 1_800_000_000;

fn judged(answer: &Value, audience: &[&str], required: bool) -> Result<Caller, AccessTokenError> {
    let (issuers, audience) = (["https://idp.example".to_owned()], audience.iter().map(|&a| a.to_owned()).collect());
    let audience: Vec<String> = audience;
    let expected = Expected {
        issuers: &issuers,
        audience: &audience,
        audience_required: required,
        now: Timestamp::from_unix(NOW),
        leeway: Leeway::from_secs(60).unwrap(),
    };
    judge(answer.as_object().unwrap().clone(), &expected)
}

#[test]
fn active_means_true() {
    for active in [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true]), json!({})] {
        let verdict = judged(&json!({"active": active, "sub": "a"}), &[], false);
        assert_eq!(verdict.err(), Some(AccessTokenError::Inactive), "{active}");
    }
    assert_eq!(judged(&json!({"sub": "a"}), &[], false).err(), Some(AccessTokenError::Inactive));
    assert_eq!(judged(&json!({"active": true, "sub": "a"}), &[], false).unwrap().subject(), Some("a"));
}

#[test]
fn what_it_says_is_minded() {
    use ClaimError::{Expired, Missing, NotYetValid, OtherAudience, OtherIssuer, WrongType};
    for (name, value, error) in [
        ("exp", json!(NOW + 1), None),
        ("exp", json!(NOW - 59), None),
        ("exp", json!(NOW - 60), Some(Expired)),
        ("exp", json!("soon"), Some(WrongType("exp"))),
        ("nbf", json!(NOW + 60), None),
        ("nbf", json!(NOW + 61), Some(NotYetValid)),
        ("iss", json!("https://idp.example"), None),
        ("iss", json!("https://idp.example/"), Some(OtherIssuer)),
        ("iss", json!(7), Some(WrongType("iss"))),
        ("aud", json!("api"), None),
        ("aud", json!(["x", "api"]), None),
        ("aud", json!("x"), Some(OtherAudience)),
        ("aud", json!([]), Some(WrongType("aud"))),
        ("sub", json!("alice"), None),
        ("sub", json!(7), Some(WrongType("sub"))),
        ("sub", json!(["alice"]), Some(WrongType("sub"))),
        ("sub", json!(""), Some(WrongType("sub"))),
    ] {
        let mut answer = json!({"active": true});
        answer[name] = value.clone();
        let verdict = judged(&answer, &["api"], false).err();
        assert_eq!(verdict, error.map(AccessTokenError::Claim), "{name} {value}");
    }
    // What a server has nothing to say about, some call `null`.
    for name in ["exp", "nbf", "iat", "iss", "aud", "sub", "scope", "client_id", "token_type", "cnf", "username"] {
        let mut answer = json!({"active": true});
        answer[name] = json!(null);
        assert!(judged(&answer, &["api"], false).is_ok(), "{name}");
    }
    // Nobody said which audience is ours.
    assert!(judged(&json!({"active": true, "aud": "x"}), &[], false).is_ok());
    let missing = judged(&json!({"active": true}), &["api"], true).err();
    assert_eq!(missing, Some(AccessTokenError::Claim(Missing("aud"))));
}

#[test]
fn other_kinds_of_tokens() {
    for (name, value, good) in [
        ("token_type", "bearer", true),
        ("token_type", "access_token", true),
        ("token_type", "refresh_token", false),
        ("token_type", "N_A", false),
        ("typ", "Bearer", true),
        ("typ", "Refresh", false),
        ("typ", "ID", false),
        ("token_use", "access_token", true),
        ("token_use", "access", true),
        ("token_use", "refresh_token", false),
        ("token_usage", "access_token", true),
        ("token_usage", "refresh_token", false),
    ]
    .map(|(name, value, good)| (name, json!(value), good))
    .into_iter()
    // What can't be read may be a refresh token.
    .chain([json!(7), json!(["refresh_token"]), json!({"a": 1}), json!(true)].map(|odd| ("token_type", odd, false)))
    {
        let mut answer = json!({"active": true});
        answer[name] = value.clone();
        let wrong = (!good).then_some(AccessTokenError::WrongType);
        assert_eq!(judged(&answer, &[], false).err(), wrong, "{name} {value}");
    }
}

#[test]
fn a_bound_token_says_to_what() {
    for (cnf, error) in [
        (json!(null), Some(AccessTokenError::Unproved)),
        (json!({}), Some(AccessTokenError::Unproved)),
        (json!({"jkt": "k"}), None),
    ] {
        for name in ["token_type", "typ"] {
            let mut answer = json!({"active": true, "cnf": cnf});
            answer[name] = json!("DPoP");
            assert_eq!(judged(&answer, &[], false).err(), error, "{name} {cnf}");
        }
    }
    let silent = judged(&json!({"active": true, "token_type": "DPoP"}), &[], false).err();
    assert_eq!(silent, Some(AccessTokenError::Unproved));
}

#[test]
fn answers_that_say_nothing() {
    use IntrospectionError::{BadSignature, InvalidClient, NotJson, UnexpectedStatus};
    for (status, content_type, body, error) in [
        (200, "application/json", r#"{"active":true}"#, None),
        (200, "", r#"{"active":false}"#, None),
        (200, "text/html", r#"{"active":true}"#, Some(NotJson)),
        (200, "application/json", r#"[{"active":true}]"#, Some(NotJson)),
        (200, "application/json", r#"{"active":false,"active":true}"#, Some(NotJson)),
        (200, "application/json", "", Some(NotJson)),
        (200, "application/token-introspection+jwt", "a.b", Some(BadSignature)),
        (201, "application/json", r#"{"active":true}"#, Some(UnexpectedStatus)),
        (302, "", "", Some(UnexpectedStatus)),
        (400, "application/json", r#"{"error":"unsupported_token_type"}"#, None),
        (400, "text/html", r#"{"error":"unsupported_token_type"}"#, Some(UnexpectedStatus)),
        (400, "application/json", r#"{"error":"invalid_request"}"#, Some(UnexpectedStatus)),
        (401, "application/json", r#"{"active":true}"#, Some(InvalidClient)),
        (500, "application/json", r#"{"active":true}"#, Some(UnexpectedStatus)),
    ] {
        let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
        let answer = ProviderAnswer { status, content_type, body: body.as_bytes().to_vec() };
        assert_eq!(response(&answer).err(), error, "{status} {body}");
    }
}

#[test]
fn three_ways_to_ask() {
    let client = Client { id: ClientId::parse("a b").unwrap(), secret: Some(Secret::new("p:%".to_owned())) };
    let ask = |method, hint| {
        let endpoint = SecureUrl::parse("https://idp.example/introspect").unwrap();
        let request = request(
            IntrospectionEndpoint::plain(endpoint),
            &client,
            Some(method),
            &Secret::new("t/k=".to_owned()),
            hint,
        );
        let authorization = request.headers.iter().find(|(name, _)| *name == "Authorization");
        (authorization.map(|(_, value)| value.clone()), request.body.unwrap())
    };
    let basic = format!("Basic {}", Base64::encode_string(b"a+b:p%3A%25"));
    for (method, hint, header, body) in [
        (
            IntrospectionAuth::Client(ClientAuthMethod::Post),
            Some("access_token"),
            None,
            "token=t%2Fk%3D&token_type_hint=access_token&client_id=a+b&client_secret=p%3A%25",
        ),
        (IntrospectionAuth::Client(ClientAuthMethod::Basic), None, Some(basic.as_str()), "token=t%2Fk%3D"),
        (IntrospectionAuth::Bearer, None, Some("Bearer t/k="), "token=t%2Fk%3D"),
    ] {
        assert_eq!(ask(method, hint), (header.map(str::to_owned), body.to_owned()), "{method:?}");
    }
}

#[test]
fn nobody_said_how_to_ask() {
    let client = Client { id: ClientId::parse("me").unwrap(), secret: Some(Secret::new("s".to_owned())) };
    let post = IntrospectionAuth::Client(ClientAuthMethod::Post);
    for (wants_basic, said, basic) in
        [(false, None, false), (true, None, true), (true, Some(post), false), (false, Some(post), false)]
    {
        let url = SecureUrl::parse("https://idp.example/introspect").unwrap();
        let endpoint = IntrospectionEndpoint { wants_basic, ..IntrospectionEndpoint::plain(url) };
        let request = request(endpoint, &client, said, &Secret::new("t".to_owned()), None);
        let has_header = request.headers.iter().any(|(name, _)| *name == "Authorization");
        let posts = request.body.unwrap().contains("client_secret=s");
        assert_eq!((has_header, posts), (basic, !basic), "{wants_basic} {said:?}");
    }
}

#[test]
fn a_signed_answer_is_asked_for_where_there_may_be_one() {
    let client = Client { id: ClientId::parse("me").unwrap(), secret: None };
    for (signs, accept) in
        [(false, "application/json"), (true, "application/token-introspection+jwt, application/json;q=0.9")]
    {
        let url = SecureUrl::parse("https://idp.example/introspect").unwrap();
        let endpoint = IntrospectionEndpoint { signs, ..IntrospectionEndpoint::plain(url) };
        let request = request(endpoint, &client, Some(IntrospectionAuth::Bearer), &Secret::new("t".to_owned()), None);
        let accepts: Vec<_> = request.headers.iter().filter(|(name, _)| *name == "Accept").collect();
        assert_eq!(accepts, [&("Accept", accept.to_owned())]);
    }
}

/// What the provider says, signed by it, with these changes.
fn signed(key: &TestKey, change: impl FnOnce(&mut Value, &mut Value)) -> Result<Object, IntrospectionError> {
    let mut header = key.header();
    header["typ"] = json!("token-introspection+jwt");
    let said = json!({"active": true, "sub": "alice", "iss": "https://other.example"});
    let mut claims = json!({"iss": "https://idp.example", "aud": "me", "iat": NOW, "token_introspection": said});
    change(&mut header, &mut claims);
    let body = key.token_of(header.to_string(), claims.to_string()).into_bytes();
    let content_type = Some("application/token-introspection+jwt; charset=utf-8".to_owned());
    let Answer::Signed(untrusted) = response(&ProviderAnswer { status: 200, content_type, body })? else {
        panic!("not taken for a signed answer")
    };
    let (issuers, audience) = (["https://idp.example".to_owned()], ["https://api.example".to_owned()]);
    let expected = Expected {
        issuers: &issuers,
        audience: &audience,
        audience_required: false,
        now: Timestamp::from_unix(NOW),
        leeway: Leeway::from_secs(60).unwrap(),
    };
    let keys = jwks([&TestKey::es256(), &TestKey::rs256()]);
    block_on(verify(untrusted, &expected, &ClientId::parse("me").unwrap(), &keys, &RingVerifier))
}

#[test]
fn a_signed_answer_is_the_providers_about_this_to_us() {
    let bad = Some(IntrospectionError::BadSignature);
    for (name, value, error) in [
        ("iss", json!("https://idp.example"), None),
        ("iss", json!("https://idp.example/"), bad),
        ("iss", json!(null), bad),
        ("aud", json!(["x", "me"]), None),
        // RFC 9701 §5, the example: the resource server by its URL.
        ("aud", json!("https://api.example"), None),
        ("aud", json!("somebody else"), bad),
        ("aud", json!(null), bad),
        ("iat", json!(NOW + 60), None),
        ("iat", json!(NOW + 61), bad),
        ("iat", json!(null), bad),
        ("token_introspection", json!({"active": false}), None),
        ("token_introspection", json!("active"), bad),
        ("token_introspection", json!(null), bad),
        // What stands beside it is about the answer, not about the token.
        ("active", json!(false), None),
        ("sub", json!(1), None),
        // But an answer is a JWT too (RFC 7519 §4.1.4, §4.1.5).
        ("exp", json!(NOW - 59), None),
        ("exp", json!(NOW - 60), bad),
        ("exp", json!("soon"), bad),
        ("nbf", json!(NOW + 60), None),
        ("nbf", json!(NOW + 61), bad),
    ] {
        let verdict = signed(&TestKey::es256(), |_, claims| claims[name] = value.clone());
        assert_eq!(verdict.err(), error, "{name} {value}");
    }
    let said = signed(&TestKey::rs256(), |_, _| {}).unwrap();
    assert_eq!((said["sub"].as_str(), said["active"].as_bool()), (Some("alice"), Some(true)));
}

#[test]
fn no_other_token_of_the_provider_is_a_signed_answer() {
    let bad = Some(IntrospectionError::BadSignature);
    for (typ, error) in [
        (json!("Token-Introspection+JWT"), None),
        (json!("application/token-introspection+jwt"), None),
        (json!("at+jwt"), bad),
        (json!("JWT"), bad),
        (json!(null), bad),
    ] {
        let verdict = signed(&TestKey::es256(), |header, _| header["typ"] = typ.clone());
        assert_eq!(verdict.err(), error, "{typ}");
    }
    assert_eq!(signed(&TestKey::es256(), |header, _| header["alg"] = json!("none")).err(), bad);
    // Another key may be the provider's next one: that is for the caller to find out.
    assert_eq!(signed(&TestKey::ed25519(), |_, _| {}).err(), Some(IntrospectionError::UnknownKey));
    assert_eq!(signed(&TestKey::es384().with_kid(Some("p256")), |_, _| {}).err(), bad);
}
