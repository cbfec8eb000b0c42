//! Access tokens through the whole gateway: where they stand, how they are checked, what callers and origins are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{
    host::CallError,
    oauth::exchange::MAX_ANSWER_BYTES,
    origin::{Forward, HeaderEdit},
};
use serde_json::{Value, json};
use support::{Answer, Endpoint, FakeRequest, SITE, TestKey, World, base64url, provider::ISSUER};

const AUDIENCE: &str = "https://api.example";
const INVALID: &str = "Token required but invalid";

/// A site whose `/api/*` takes tokens, checked by asking.
fn asking(settings: &Value) -> World {
    let world = world(settings);
    world.provider().introspects.set(true);
    world
}

/// The same, where the provider answers no questions and tokens are JWTs.
fn reading(settings: &Value) -> World {
    world(&with(json!({"OIDC_AUDIENCE": AUDIENCE}), settings))
}

fn world(settings: &Value) -> World {
    let rules = json!([
        {"path": "/api/write", "access": "token", "scopes": ["read", "write"]},
        {"path": "/api/admin", "access": "token", "roles": {"api": ["admin"]}},
        {"path": "/api/*", "access": "token"},
        {"path": "/both", "access": "login_or_token"},
        {"path": "/public", "access": "public"},
    ]);
    World::new(&with(json!({"OIDC_RULES": rules}), settings))
}

fn with(mut all: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

fn bearer(target: &str, token: &str) -> FakeRequest {
    FakeRequest::get(target).header("authorization", &format!("Bearer {token}"))
}

fn removes(forward: &Forward, header: &str) -> bool {
    forward.edits.iter().any(|edit| matches!(edit, HeaderEdit::Remove(name) if name.eq_ignore_ascii_case(header)))
}

fn identity(answer: &Answer) -> Vec<(&str, &str)> {
    let whence = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
    answer.stamped().into_iter().filter(|(name, _)| !whence.contains(name)).collect()
}

/// The challenge that stands for `error` under `/api/*`.
fn challenge(error: &str, description: &str) -> String {
    format!(
        "Bearer realm=\"{SITE}\", error=\"{error}\", error_description=\"{description}\", \
         resource_metadata=\"{SITE}/.well-known/oauth-protected-resource/api\""
    )
}

#[test]
fn no_token_is_a_challenge_without_an_error() {
    let world = asking(&json!({}));
    // A person at an API is told what a client is told.
    for request in [FakeRequest::get("/api/x"), FakeRequest::page("/api/x"), FakeRequest::post("/api/x", "a=1")] {
        let answer = world.send(&request);
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.header("www-authenticate").unwrap(),
            format!("Bearer realm=\"{SITE}\", resource_metadata=\"{SITE}/.well-known/oauth-protected-resource/api\"")
        );
        assert_eq!(answer.json(), json!({"error": "invalid_token", "error_description": INVALID}));
        assert!(answer.set_cookies().is_empty());
    }
    // What is needed is said beforehand.
    let answer = world.send(&FakeRequest::get("/api/write"));
    assert!(answer.header("www-authenticate").unwrap().contains(", scope=\"read write\", "));
    // That is how clients ask; it is nobody's fault.
    assert!(world.host.events().is_empty());
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn an_active_token_reaches_the_origin_as_an_identity() {
    let world = asking(&json!({}));
    let answer = json!({"sub": "alice", "client_id": "app", "scope": "read  write", "email": "a@example.org", "groups": ["x", "y"]});
    world.provider().opaque("opaque-token", &answer);
    let answer = world.send(&bearer("/api/x?q=1", "opaque-token").header("x_forwarded_scope", "admin"));
    assert_eq!(answer.url(), "https://origin.example/api/x?q=1");
    assert_eq!(
        identity(&answer),
        [
            ("X-Forwarded-Email", "a@example.org"),
            ("X-Forwarded-Groups", "x,y"),
            ("X-Forwarded-User", "alice"),
            ("X-Forwarded-Client-Id", "app"),
            ("X-Forwarded-Scope", "read write"),
        ]
    );
    assert!(removes(answer.forward(), "authorization") && removes(answer.forward(), "x_forwarded_scope"));
    assert!(answer.forward().answer_is_private && answer.set_cookies().is_empty());
}

#[test]
fn a_client_of_its_own_has_no_user() {
    let world = asking(&json!({"OIDC_HEADERS": {"email": "X-Mail"}}));
    world.provider().opaque("machine-token", &json!({"client_id": "robot"}));
    assert_eq!(identity(&world.send(&bearer("/api/x", "machine-token"))), [("X-Forwarded-Client-Id", "robot")]);
    // Whatever OIDC_HEADERS says, a user is a user.
    world.provider().opaque("person-token", &json!({"sub": "å"}));
    assert_eq!(identity(&world.send(&bearer("/api/x", "person-token"))), [("X-Forwarded-User", "%C3%A5")]);
}

#[test]
fn the_whole_answer_when_asked() {
    let world = asking(&json!({"OIDC_PASS_TOKEN_INFO": true}));
    world.provider().opaque("opaque-token", &json!({"sub": "a", "deep": {"x": ["\u{e9}"]}}));
    let answer = world.send(&bearer("/api/x", "opaque-token"));
    let info = base64url(json!({"active": true, "deep": {"x": ["\u{e9}"]}, "sub": "a"}).to_string().as_bytes());
    assert_eq!(identity(&answer)[1], ("X-Forwarded-Token-Info", info.as_str()));
}

#[test]
fn the_token_itself_only_when_asked() {
    let only = json!({"OIDC_RESOURCE_SERVER_ONLY": true, "OIDC_PASS_ACCESS_TOKEN": true, "OIDC_RULES": [],
        "OIDC_BEARER_LOCATIONS": "header query"});
    let world = asking(&only);
    world.provider().opaque("opaque-token", &json!({"sub": "a"}));
    assert!(!removes(world.send(&bearer("/api/x", "opaque-token")).forward(), "authorization"));
    let answer = world.send(&FakeRequest::get("/api/x?access_token=opaque-token"));
    assert_eq!(answer.url(), "https://origin.example/api/x?access_token=opaque-token");
}

#[test]
fn what_is_no_bearer_token_passes_where_none_is_taken() {
    let world = asking(&json!({}));
    for value in ["Basic YTpi", "Bearer x", "Bearer x, Bearer y", "nonsense"] {
        let answer = world.send(&FakeRequest::get("/public").header("authorization", value));
        assert!(answer.is_forward() && !removes(answer.forward(), "authorization"), "{value}");
    }
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn malformed_requests() {
    let world = asking(&json!({}));
    for value in
        ["Bearer", "Bearer a b", "Bearer a, Bearer b", "Bearer a, Basic b", "Basic a, Bearer b", "bearer \u{e9}"]
    {
        let answer = world.send(&FakeRequest::get("/api/x").header("authorization", value));
        assert_eq!(answer.status(), 400, "{value}");
        let description = "Expected one access token in the request";
        assert_eq!(answer.header("www-authenticate").unwrap(), challenge("invalid_request", description), "{value}");
        assert_eq!(answer.json(), json!({"error": "invalid_request", "error_description": description}));
    }
    // Two headers, as the platform joins them.
    let twice = FakeRequest::get("/api/x").header("authorization", "Basic a").header("authorization", "Basic b");
    assert_eq!(world.send(&twice).status(), 400);
    // Another scheme is no token.
    assert_eq!(world.send(&FakeRequest::get("/api/x").header("authorization", "Basic YTpi")).status(), 401);
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn tokens_stand_where_the_settings_say() {
    let post = |form: &str| FakeRequest::post("/api/x", form);
    let form_type = "application/x-www-form-urlencoded; charset=UTF-8";
    for (request, locations, status) in [
        (bearer("/api/x", "good-token"), "header", 0),
        (bearer("/api/x", "good-token"), "form query", 401),
        (FakeRequest::get("/api/x?access_token=good-token"), "header", 401),
        (FakeRequest::get("/api/x?access_token=good-token"), "query", 0),
        (FakeRequest::get("/api/x?access%5Ftoken=good-token"), "query", 0),
        (post("a=1&access_token=good-token"), "header query", 401),
        (post("a=1&access_token=good-token"), "header form", 0),
        (FakeRequest { method: "GET".into(), ..post("access_token=good-token") }, "form", 401),
        (FakeRequest { body: b"access_token=good-token".to_vec(), ..FakeRequest::new("POST", "/api/x") }, "form", 401),
        (
            FakeRequest { body: b"access_token=good-token".to_vec(), ..FakeRequest::new("PUT", "/api/x") }
                .header("content-type", form_type),
            "form",
            0,
        ),
        (bearer("/api/x?access_token=good-token", "good-token"), "header query", 400),
        (bearer("/api/x?access_token=good-token", "good-token"), "header", 0),
        (FakeRequest::get("/api/x?access_token=good-token&access_token=good-token"), "query", 400),
        (post("access_token=good-token").header("authorization", "Bearer good-token"), "header form", 400),
        (FakeRequest::post("/api/x?access_token=good-token", "access_token=good-token"), "form query", 400),
        (post(&"x".repeat(70_000)), "header form", 413),
        (post(&"x".repeat(70_000)).header("authorization", "Bearer good-token"), "header form", 0),
        (FakeRequest { body: vec![0xff], ..post("") }, "form", 400),
    ] {
        let world = asking(&json!({ "OIDC_BEARER_LOCATIONS": locations }));
        world.provider().opaque("good-token", &json!({"sub": "a"}));
        assert_eq!(world.send(&request).status(), status, "{locations} {request:?}");
    }
}

#[test]
fn a_token_in_the_query_does_not_go_on() {
    for (origin, target, url) in [
        (json!("https://origin.example/base"), "/api/x?access_token=good-token", "https://origin.example/base/api/x"),
        (json!(null), "/api/x?a=%2F&access_token=good-token&b", "https://site.example/api/x?a=%2F&b"),
        (json!("binding"), "/api/x?access_token=good-token", "https://site.example/api/x"),
    ] {
        let world = asking(&json!({"OIDC_BEARER_LOCATIONS": "query", "OIDC_ORIGIN": origin}));
        world.provider().opaque("good-token", &json!({"sub": "a"}));
        // Credentials of another kind are the origin's.
        let answer = world.send(&FakeRequest::get(target).header("authorization", "Basic YTpi"));
        assert_eq!(answer.url(), url);
        assert!(!removes(answer.forward(), "authorization"));
    }
}

#[test]
fn what_the_server_says_counts() {
    let now = support::START;
    for (token, answer, event) in [
        ("inactive", json!({"active": false}), "access_token.inactive"),
        ("word", json!({"active": "true"}), "access_token.inactive"),
        ("expired", json!({"active": true, "exp": now - 60}), "access_token.expired"),
        ("later", json!({"active": true, "nbf": now + 61}), "access_token.claim"),
        ("foreign", json!({"active": true, "iss": "https://other.example"}), "access_token.claim"),
        ("refresh", json!({"active": true, "token_type": "refresh_token"}), "access_token.wrong_type"),
        ("scoped", json!({"active": true, "scope": 7}), "access_token.claim"),
        ("other", json!({"active": true, "aud": "other"}), "access_token.audience_mismatch"),
    ] {
        let world = asking(&json!({ "OIDC_AUDIENCE": AUDIENCE }));
        world.provider().tokens.borrow_mut().insert(format!("{token}-token"), answer);
        let answer = world.send(&bearer("/api/x", &format!("{token}-token")));
        assert_eq!(answer.status(), 401, "{token}");
        assert_eq!(answer.header("www-authenticate").unwrap(), challenge("invalid_token", INVALID), "{token}");
        assert_eq!(answer.json(), json!({"error": "invalid_token", "error_description": INVALID}));
        assert_eq!(world.host.last_event(), event, "{token}");
    }
}

#[test]
fn the_audience_of_an_answer() {
    for (settings, aud, status) in [
        (json!({}), json!("anything"), 0),
        (json!({}), json!(null), 0),
        (json!({"OIDC_AUDIENCE": AUDIENCE}), json!(["x", AUDIENCE]), 0),
        (json!({"OIDC_AUDIENCE": AUDIENCE}), json!(null), 0),
        (json!({"OIDC_AUDIENCE": AUDIENCE}), json!("me"), 401),
        (json!({"OIDC_RESOURCE_CHECK_AUD": true}), json!("me"), 0),
        (json!({"OIDC_RESOURCE_CHECK_AUD": true}), json!(null), 401),
        (json!({"OIDC_RESOURCE_CHECK_AUD": true}), json!("you"), 401),
        (json!({"OIDC_RESOURCE_CHECK_AUD": true, "OIDC_AUDIENCE": AUDIENCE}), json!("me"), 401),
        (json!({"OIDC_RESOURCE_CHECK_AUD": true, "OIDC_AUDIENCE": AUDIENCE}), json!(AUDIENCE), 0),
    ] {
        let world = asking(&settings);
        world.provider().opaque("aimed-token", &json!({ "aud": aud }));
        assert_eq!(world.send(&bearer("/api/x", "aimed-token")).status(), status, "{settings} {aud}");
    }
}

#[test]
fn a_server_that_fails_admits_nobody() {
    let huge = vec![b' '; MAX_ANSWER_BYTES];
    for (status, content_type, body, event) in [
        (500, "application/json", br#"{"active":true}"#.to_vec(), "introspection.unexpected_status"),
        (302, "", Vec::new(), "introspection.unexpected_status"),
        (401, "application/json", br#"{"active":true}"#.to_vec(), "introspection.invalid_client"),
        (200, "text/html", br#"{"active":true}"#.to_vec(), "introspection.not_json"),
        (200, "application/json", br#"["active"]"#.to_vec(), "introspection.not_json"),
        (200, "application/json", br#"{"active":false,"active":true}"#.to_vec(), "introspection.not_json"),
        (200, "application/json", huge, "introspection.not_json"),
        (200, "application/token-introspection+jwt", b"a.b.c".to_vec(), "introspection.bad_signature"),
    ] {
        let world = asking(&json!({}));
        world.provider().lie(|lies| lies.answer(Endpoint::Introspection, status, content_type, body));
        let answer = world.send(&bearer("/api/x", "some-token"));
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")), "{event}");
        assert_eq!(world.host.last_event(), event);
        // Nothing was learnt: the next one asks again.
        world.provider().be_honest();
        world.provider().opaque("some-token", &json!({"sub": "a"}));
        assert!(world.send(&bearer("/api/x", "some-token")).is_forward());
    }
    for error in [CallError::TimedOut, CallError::Unreachable, CallError::TooLarge] {
        for endpoint in [Endpoint::Introspection, Endpoint::Metadata] {
            let world = asking(&json!({}));
            world.provider().lie(|lies| lies.fail(endpoint, error));
            assert_eq!(world.send(&bearer("/api/x", "some-token")).status(), 503, "{endpoint:?} {error:?}");
        }
    }
}

#[test]
fn a_provider_without_introspection_when_no_audience_is_set() {
    let world = world(&json!({}));
    let token = world.provider().access_token(support::START, "at+jwt", &json!({}));
    assert_eq!(world.send(&bearer("/api/x", &token)).status(), 503);
    assert_eq!(world.host.last_event(), "introspection.not_offered");
}

#[test]
fn three_ways_to_prove_oneself() {
    for (method, hint) in [("client_secret_post", "access_token"), ("client_secret_basic", "none"), ("bearer", "x")] {
        let world = asking(&json!({"OIDC_INTROSPECTION_AUTH_METHOD": method, "OIDC_TOKEN_TYPE_HINT": hint}));
        world.provider().opaque("opaque-token", &json!({"sub": "a"}));
        assert!(world.send(&bearer("/api/x", "opaque-token")).is_forward(), "{method}");
    }
}

#[test]
fn the_metadata_says_how_to_prove_oneself() {
    for (listed, method, goes_by_header) in [
        (json!(["client_secret_basic", "private_key_jwt"]), Value::Null, true),
        (json!(["client_secret_basic", "client_secret_post"]), Value::Null, false),
        (json!(["client_secret_basic"]), json!("client_secret_post"), false),
    ] {
        let world = asking(&json!({"OIDC_INTROSPECTION_AUTH_METHOD": method}));
        world.provider().opaque("opaque-token", &json!({"sub": "a"}));
        let document = listed.clone();
        world.provider().lie(|lies| {
            lies.edit(Endpoint::Metadata, move |metadata| {
                metadata["introspection_endpoint_auth_methods_supported"] = document.clone();
            });
        });
        world.provider().asked_by_header.set(None);
        assert!(world.send(&bearer("/api/x", "opaque-token")).is_forward(), "{listed} {method}");
        assert_eq!(world.provider().asked_by_header.get(), Some(goes_by_header), "{listed} {method}");
    }
}

#[test]
fn a_token_that_can_not_ask_about_itself_is_bad() {
    for (method, status, expected) in [
        ("bearer", 401, (401, "access_token.inactive")),
        ("bearer", 403, (503, "introspection.invalid_client")),
        ("client_secret_post", 401, (503, "introspection.invalid_client")),
    ] {
        let world = asking(&json!({"OIDC_INTROSPECTION_AUTH_METHOD": method}));
        let refusal = r#"{"error":"invalid_token"}"#;
        world.provider().lie(|lies| lies.answer(Endpoint::Introspection, status, "application/json", refusal));
        let answer = world.send(&bearer("/api/x", "expired-token"));
        assert_eq!((answer.status(), world.host.last_event()), expected, "{method} {status}");
    }
}

#[test]
fn a_signed_answer_is_verified() {
    let answer = |claims: &Value, typ: &str, key: &TestKey| {
        let mut header = key.header();
        header["typ"] = json!(typ);
        key.token_of(header.to_string(), claims.to_string())
    };
    let honest = json!({"iss": ISSUER, "aud": "me", "iat": support::START,
        "token_introspection": {"active": true, "sub": "alice"}});
    let typ = "token-introspection+jwt";
    for (claims, typ, key, status) in [
        (honest.clone(), typ, TestKey::rs256(), 0),
        (with(honest.clone(), &json!({"aud": "you"})), typ, TestKey::rs256(), 503),
        (with(honest.clone(), &json!({"iss": "https://x.example"})), typ, TestKey::rs256(), 503),
        (with(honest.clone(), &json!({"iat": null})), typ, TestKey::rs256(), 503),
        (with(honest.clone(), &json!({"token_introspection": true})), typ, TestKey::rs256(), 503),
        (with(honest.clone(), &json!({"token_introspection": {"active": false}})), typ, TestKey::rs256(), 401),
        (honest.clone(), "JWT", TestKey::rs256(), 503),
        (honest.clone(), "at+jwt", TestKey::rs256(), 503),
        (honest, typ, TestKey::es256(), 503),
    ] {
        let world = asking(&json!({}));
        let signed = answer(&claims, typ, &key);
        world.provider().lie(|lies| {
            lies.answer(Endpoint::Introspection, 200, "application/token-introspection+jwt", signed);
        });
        assert_eq!(world.send(&bearer("/api/x", "some-token")).status(), status, "{typ} {claims}");
    }
}

#[test]
fn a_key_that_is_replaced_under_its_name_is_fetched() {
    let world = asking(&json!({}));
    let says = |key: &TestKey| {
        let mut header = key.header();
        header["typ"] = json!("token-introspection+jwt");
        let claims = json!({"iss": ISSUER, "aud": "me", "iat": world.host.unix(),
            "token_introspection": {"active": true, "sub": "alice"}});
        let signed = key.token_of(header.to_string(), claims.to_string());
        world.provider().lie(|lies| {
            lies.answer(Endpoint::Introspection, 200, "application/token-introspection+jwt", signed);
        });
    };
    let key = |key: TestKey| key.with_kid(Some("current"));
    world.provider().rotate(key(TestKey::es256()));
    says(&key(TestKey::es256()));
    assert!(world.send(&bearer("/api/x", "first-token")).is_forward());
    world.provider().rotate(key(TestKey::rs256()));
    says(&key(TestKey::rs256()));
    assert!(world.send(&bearer("/api/x", "second-token")).is_forward());
    // A bad signature stays one, and does not make us ask each time.
    says(&key(TestKey::ed25519()));
    for _ in 0..3 {
        assert_eq!(world.send(&bearer("/api/x", "third-token")).status(), 503);
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Jwks), 2);
}

#[test]
fn a_jwt_is_read_by_the_providers_keys() {
    let world = reading(&json!({}));
    let token = world.provider().access_token(support::START, "at+jwt", &json!({}));
    let answer = world.send(&bearer("/api/x", &token));
    let expected = [("X-Forwarded-User", "alice"), ("X-Forwarded-Client-Id", "app"), ("X-Forwarded-Scope", "read")];
    assert_eq!(identity(&answer), expected);
    let counts = world.host.take_counts();
    assert_eq!((counts.of(Endpoint::Metadata), counts.of(Endpoint::Jwks), counts.callers.len()), (1, 1, 0));
}

#[test]
fn jwts_that_are_refused() {
    let now = support::START;
    for (typ, more, event) in [
        ("application/AT+JWT", json!({}), ""),
        ("at+jwt", json!({"aud": ["x", AUDIENCE]}), ""),
        ("at+jwt", json!({"exp": now - 59}), ""),
        ("JWT", json!({"typ": "Bearer", "azp": "app", "client_id": null}), ""),
        ("JWT", json!({"typ": "Bearer", "client_id": null}), "access_token.claim"),
        // Keycloak may name the type, and has no `client_id` even so.
        ("at+jwt", json!({"typ": "Bearer", "azp": "app", "client_id": null}), ""),
        ("at+jwt", json!({"typ": "Bearer", "client_id": null}), "access_token.claim"),
        ("at+jwt", json!({"azp": "app", "client_id": null}), "access_token.claim"),
        ("JWT", json!({"typ": "DPoP", "azp": "app"}), "access_token.unproved"),
        ("at+jwt", json!({"typ": "DPoP", "azp": "app"}), "access_token.unproved"),
        ("JWT", json!({"typ": "DPoP", "azp": "app", "cnf": {"x5t#S256": "c"}}), "access_token.unproved"),
        // RFC 8725 §3.11: what is signed for another purpose is that, whatever it says inside.
        ("logout+jwt", json!({"typ": "Bearer", "azp": "app"}), "access_token.wrong_type"),
        ("dpop+jwt", json!({"typ": "Bearer", "azp": "app"}), "access_token.wrong_type"),
        ("token-introspection+jwt", json!({"typ": "Bearer", "azp": "app"}), "access_token.wrong_type"),
        ("JWT", json!({}), "access_token.wrong_type"),
        ("JWT", json!({"typ": "ID", "azp": "app"}), "access_token.wrong_type"),
        ("JWT", json!({"nonce": "n"}), "access_token.wrong_type"),
        ("logout+jwt", json!({}), "access_token.wrong_type"),
        ("dpop+jwt", json!({}), "access_token.wrong_type"),
        ("token-introspection+jwt", json!({}), "access_token.wrong_type"),
        ("at+jwt", json!({"iss": "https://idp.example/"}), "access_token.claim"),
        ("at+jwt", json!({"iss": null}), "access_token.claim"),
        ("at+jwt", json!({"aud": "me"}), "access_token.audience_mismatch"),
        ("at+jwt", json!({"aud": null}), "access_token.claim"),
        ("at+jwt", json!({"exp": now - 60}), "access_token.expired"),
        ("at+jwt", json!({"exp": null}), "access_token.claim"),
        ("at+jwt", json!({"exp": "9999999999"}), "access_token.claim"),
        ("at+jwt", json!({"nbf": now + 61}), "access_token.claim"),
        ("at+jwt", json!({"iat": now + 61}), "access_token.claim"),
        ("at+jwt", json!({"sub": null}), "access_token.claim"),
        ("at+jwt", json!({"client_id": null}), "access_token.claim"),
        ("at+jwt", json!({"scope": 1}), "access_token.claim"),
    ] {
        let world = reading(&json!({}));
        let token = world.provider().access_token(now, typ, &more);
        let answer = world.send(&bearer("/api/x", &token));
        assert_eq!(world.host.last_event(), event, "{typ} {more}");
        assert_eq!(answer.status(), if event.is_empty() { 0 } else { 401 }, "{typ} {more}");
    }
    // By nobody's key, by a changed payload, and no token at all.
    let world = reading(&json!({}));
    let token = world.provider().access_token(now, "at+jwt", &json!({}));
    world.provider().rotate(TestKey::es256());
    let (input, signature) = token.rsplit_once('.').unwrap();
    for token in [token.clone(), format!("{input}A.{signature}"), format!("{input}."), "opaque".into(), "a.b.c".into()]
    {
        assert_eq!(world.send(&bearer("/api/x", &token)).status(), 401);
        assert_eq!(world.host.last_event(), "access_token.refused");
    }
}

#[test]
fn an_id_token_opens_no_api() {
    // Even where the API goes by the client's name.
    let world = reading(&json!({"OIDC_AUDIENCE": "me"}));
    drop(world.alice());
    let id_token = world.provider().issued().into_iter().find(|token| token.matches('.').count() == 2).unwrap();
    assert_eq!(world.send(&bearer("/api/x", &id_token)).status(), 401);
    assert_eq!(world.host.last_event(), "access_token.wrong_type");
}

#[test]
fn what_is_known_of_a_token_is_not_asked_again() {
    let world = asking(&json!({}));
    world.provider().opaque("good-token", &json!({"sub": "a", "scope": "read"}));
    let asked = || world.host.take_counts().of(Endpoint::Introspection);
    assert!(world.send(&bearer("/api/x", "good-token")).is_forward());
    assert_eq!(asked(), 1);
    // Every rule decides for itself by what is known.
    assert!(world.send(&bearer("/api/x", "good-token")).is_forward());
    assert_eq!(world.send(&bearer("/api/write", "good-token")).status(), 403);
    assert_eq!(world.send(&bearer("/api/admin", "good-token")).status(), 403);
    assert_eq!(asked(), 0);
    world.host.pass(60);
    assert!(world.send(&bearer("/api/x", "good-token")).is_forward());
    assert_eq!(asked(), 1);
    // Bad ones are asked about again sooner.
    for expected in [1, 0] {
        assert_eq!(world.send(&bearer("/api/x", "bad-token")).status(), 401);
        assert_eq!(asked(), expected);
    }
    world.provider().opaque("bad-token", &json!({"sub": "a"}));
    world.host.pass(10);
    assert!(world.send(&bearer("/api/x", "bad-token")).is_forward());
}

#[test]
fn never_past_its_end() {
    let world = asking(&json!({"OIDC_CLOCK_SKEW": 0}));
    world.provider().opaque("short-token", &json!({"sub": "a", "exp": support::START + 20}));
    assert!(world.send(&bearer("/api/x", "short-token")).is_forward());
    world.host.pass(19);
    assert!(world.send(&bearer("/api/x", "short-token")).is_forward());
    world.host.pass(1);
    assert_eq!(world.send(&bearer("/api/x", "short-token")).status(), 401);
    assert_eq!(world.host.take_counts().of(Endpoint::Introspection), 2);
    // 0 turns it off.
    let world = asking(&json!({"OIDC_INTROSPECTION_CACHE_TTL": 0}));
    world.provider().opaque("good-token", &json!({"sub": "a"}));
    for _ in 0..3 {
        assert!(world.send(&bearer("/api/x", "good-token")).is_forward());
        assert_eq!(world.send(&bearer("/api/x", "bad-token")).status(), 401);
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Introspection), 6);
}

#[test]
fn a_flood_of_tokens_is_throttled() {
    let world = asking(&json!({}));
    world.provider().opaque("good-token", &json!({"sub": "a"}));
    let from = |token: &str| bearer("/api/x", token).header("cf-connecting-ip", "192.0.2.1");
    assert!(world.send(&from("good-token")).is_forward());
    assert_eq!(world.host.take_counts().callers, ["192.0.2.1"]);
    world.host.faults.rate.set(true);
    for number in 0..10 {
        let answer = world.send(&from(&format!("random-{number}")));
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("60")));
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Introspection), 0);
    // Whoever is known goes on, and costs nothing.
    assert!(world.send(&from("good-token")).is_forward());
    assert!(world.host.take_counts().callers.is_empty());
}

#[test]
fn scopes_roles_and_step_up() {
    let settings = json!({"OIDC_AUDIENCE": AUDIENCE, "OIDC_RULES": [
        {"path": "/api/write", "access": "token", "scopes": ["read", "write"]},
        {"path": "/api/roles", "access": "token", "roles": {"my.api": ["admin"]}, "claims": {"realm_access.roles": "staff"}},
        {"path": "/api/gold", "access": "token", "acr_values": ["gold", "silver"], "max_age": 300},
    ]});
    let world = reading(&settings);
    let now = support::START;
    let send = |path: &str, more: &Value| {
        let token = world.provider().access_token(now, "at+jwt", more);
        world.send(&bearer(path, &token))
    };
    let answer = send("/api/write", &json!({"scope": "write"}));
    assert_eq!(answer.status(), 403);
    let description = "Token does not have required scopes";
    assert_eq!(answer.json(), json!({"error": "insufficient_scope", "error_description": description}));
    assert_eq!(
        answer.header("www-authenticate").unwrap(),
        format!(
            "Bearer realm=\"{SITE}\", error=\"insufficient_scope\", error_description=\"{description}\", \
             scope=\"read write\", resource_metadata=\"{SITE}/.well-known/oauth-protected-resource/api/write\""
        )
    );
    assert!(send("/api/write", &json!({"scope": "write read"})).is_forward());

    let roles = json!({"resource_access": {"my.api": {"roles": ["admin"]}}, "realm_access": {"roles": ["staff", "x"]}});
    assert!(send("/api/roles", &roles).is_forward());
    let answer = send("/api/roles", &with(roles, &json!({"realm_access": {"roles": ["x"]}})));
    assert_eq!((answer.status(), answer.header("www-authenticate")), (403, None));

    assert!(send("/api/gold", &json!({"acr": "silver", "auth_time": now - 300})).is_forward());
    for short in [json!({"acr": "silver", "auth_time": now - 301}), json!({"acr": "tin", "auth_time": now}), json!({})]
    {
        let answer = send("/api/gold", &short);
        assert_eq!(answer.status(), 401, "{short}");
        let description = "A different or more recent sign-in is required";
        assert_eq!(answer.json()["error"], "insufficient_user_authentication");
        assert_eq!(
            answer.header("www-authenticate").unwrap(),
            format!(
                "Bearer realm=\"{SITE}\", error=\"insufficient_user_authentication\", \
                 error_description=\"{description}\", acr_values=\"gold silver\", max_age=\"300\", \
                 resource_metadata=\"{SITE}/.well-known/oauth-protected-resource/api/gold\""
            )
        );
    }
}

#[test]
fn a_browser_signs_in_where_a_client_is_challenged() {
    let world = asking(&json!({}));
    world.provider().opaque("good-token", &json!({"sub": "robot"}));
    assert_eq!(world.send(&FakeRequest::page("/both")).status(), 302);
    let answer = world.send(&FakeRequest::get("/both"));
    assert_eq!((answer.status(), answer.json()["error"].clone()), (401, json!("invalid_token")));
    assert!(answer.header("www-authenticate").is_some());
    assert_eq!(world.send(&bearer("/both", "good-token")).user(), Some("robot"));
    let alice = world.alice();
    assert_eq!(alice.fetch("/both").user(), Some("alice"));
    // A session opens no API.
    assert_eq!(alice.fetch("/api/x").status(), 401);
    // A token that came counts, be it good or not; whatever the origin takes beside it does not concern us.
    let cookies = alice.cookies_for(&format!("{SITE}/both"));
    let asked = |value: &str| world.send(&FakeRequest::get("/both").cookies(&cookies).header("authorization", value));
    assert_eq!(asked("Bearer good-token").user(), Some("robot"));
    assert_eq!(asked("Bearer bad-token").status(), 401);
    let answer = asked("Basic YTpi");
    assert_eq!(answer.user(), Some("alice"));
    assert!(!removes(answer.forward(), "authorization"));
}

#[test]
fn a_resource_server_alone() {
    let only = json!({"OIDC_RESOURCE_SERVER_ONLY": true, "OIDC_SECRET_KEY": null, "OIDC_RULES": [
        {"path": "/open/*", "access": "public"}, {"path": "/shut", "access": "deny"}]});
    let world = asking(&only);
    world.provider().opaque("good-token", &json!({"sub": "a"}));
    for (path, status) in [
        ("/open/x", 0),
        ("/shut", 403),
        ("/", 401),
        ("/oidc_health", 200),
        ("/oidc_login", 404),
        ("/oidc_callback?code=c&state=s", 404),
        ("/oidc_logout", 404),
        ("/oidc_signed_out", 404),
        ("/oidc_userinfo", 404),
        ("/oidc_account", 404),
        ("/oidc_backchannel_logout", 404),
        ("/oidc_frontchannel_logout", 404),
        ("/.well-known/oauth-protected-resource", 200),
    ] {
        let answer = world.send(&FakeRequest::page(path));
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
    }
    assert_eq!(world.send(&bearer("/", "good-token")).user(), Some("a"));
    // A proxy that asks about nothing in particular hears of the same challenge.
    for (request, challenge) in [
        (FakeRequest::get("/oidc_auth"), r#"Bearer realm="https://site.example", resource_metadata="#),
        (bearer("/oidc_auth", "bad"), r#"Bearer realm="https://site.example", error="invalid_token""#),
    ] {
        let answer = world.send(&request);
        let challenged = answer.header("www-authenticate").is_some_and(|header| header.starts_with(challenge));
        assert!(answer.status() == 401 && challenged, "{:?}", answer.header("www-authenticate"));
        assert_eq!(answer.json()["error"], "invalid_token");
    }
}

#[test]
fn everybody_is_the_testing_profile() {
    let profile = json!({"sub": "tester", "scope": "read write"});
    let world = asking(&json!({"OIDC_ENABLED": false, "OIDC_TESTING_PROFILE": profile}));
    let at = |path: &str| format!("http://localhost:8787{path}");
    assert_eq!(world.send(&FakeRequest::get(&at("/api/write"))).user(), Some("tester"));
    assert_eq!(world.send(&FakeRequest::get(&at("/api/admin"))).status(), 403);
    assert_eq!(world.send(&FakeRequest::get("/api/write")).status(), 500);
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn metadata_of_each_resource() {
    let world = world(&json!({"OIDC_BEARER_LOCATIONS": "header form", "OIDC_PUBLIC_URL": "https://public.example"}));
    let document = |suffix: &str| {
        let answer = world.send(&FakeRequest::get(&format!("/.well-known/oauth-protected-resource{suffix}")));
        assert_eq!((answer.status(), answer.header("access-control-allow-origin")), (200, Some("*")), "{suffix}");
        answer.json()
    };
    let root = document("");
    assert_eq!(root["resource"], "https://public.example");
    assert_eq!(root["authorization_servers"], json!([ISSUER]));
    assert_eq!(root["scopes_supported"], json!(["read", "write"]));
    assert_eq!(root["bearer_methods_supported"], json!(["header", "body"]));
    assert_eq!(document("/api/write")["resource"], "https://public.example/api/write");
    assert_eq!(document("/api")["resource"], "https://public.example/api");
    assert!(document("/api").get("scopes_supported").is_none() && document("/both").get("resource").is_some());
    // Nothing of a rule that takes no tokens, and nothing that only looks like one.
    for suffix in ["/public", "/", "/api/", "/api/x", "x", "/API"] {
        let answer = world.send(&FakeRequest::get(&format!("/.well-known/oauth-protected-resource{suffix}")));
        assert_eq!(answer.status(), 401, "{suffix}");
    }
    let post = FakeRequest::post("/.well-known/oauth-protected-resource", "");
    assert_eq!((world.send(&post).status(), world.send(&post).header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    // Where no token is taken there is no such page.
    let plain = World::usual();
    assert_eq!(plain.send(&FakeRequest::get("/.well-known/oauth-protected-resource")).status(), 401);
}

#[test]
fn a_resource_is_called_as_the_settings_write_it() {
    let rules = json!([
        {"path": "/caf%C3%A9/*", "access": "token", "scopes": ["drink"]},
        {"path": "/one/", "access": "token", "scopes": ["one"]},
        {"path": "/*", "access": "deny"},
    ]);
    let world = world(&json!({"OIDC_RULES": rules}));
    for (suffix, resource, scope) in
        [("/caf%C3%A9", "/caf%C3%A9", "drink"), ("/%63af%c3%a9", "/caf%C3%A9", "drink"), ("/one", "/one", "one")]
    {
        let answer = world.send(&FakeRequest::get(&format!("/.well-known/oauth-protected-resource{suffix}")));
        assert_eq!(answer.json()["resource"], format!("{SITE}{resource}"), "{suffix}");
        assert_eq!(answer.json()["scopes_supported"], json!([scope]), "{suffix}");
    }
    // Where the challenge points there is something.
    let challenge = world.send(&FakeRequest::get("/caf%C3%A9/x"));
    let challenge = challenge.header("www-authenticate").unwrap();
    let (_, url) = challenge.split_once("resource_metadata=\"").unwrap();
    assert_eq!(world.send(&FakeRequest::get(url.trim_end_matches('"'))).status(), 200, "{url}");
}

#[test]
fn pages_of_other_sites_may_read_what_anybody_may() {
    let world = asking(&json!({}));
    let path = "/.well-known/oauth-protected-resource/api";
    let preflight = FakeRequest::new("OPTIONS", path).header("origin", "https://client.example");
    let answer = world.send(&preflight.header("access-control-request-headers", "mcp-protocol-version"));
    assert_eq!((answer.status(), answer.body()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD"),
        ("access-control-allow-headers", "*"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    // And what is wrong with their tokens, but nothing that a cookie would open.
    for request in [FakeRequest::get("/api/x"), bearer("/api/x", "bad")] {
        let answer = world.send(&request);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("WWW-Authenticate, DPoP-Nonce"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    assert_eq!(world.send(&FakeRequest::get("/private/x")).header("access-control-allow-origin"), None);
}

#[test]
fn a_jwt_that_the_provider_does_not_look_into() {
    let unsupported = |settings: &Value| {
        let world = asking(settings);
        let refusal = json!({"error": "unsupported_token_type", "error_description": "a JWT"});
        world.provider().lie(|lies| {
            lies.answer(Endpoint::Introspection, 400, "application/json", refusal.to_string());
        });
        world
    };
    // Where it is known what a JWT has to be for, it is read, be it good or not.
    let world = unsupported(&json!({"OIDC_AUDIENCE": AUDIENCE}));
    let good = world.provider().access_token(world.host.unix(), "at+jwt", &json!({}));
    let other = world.provider().access_token(world.host.unix(), "at+jwt", &json!({"aud": "https://other.example"}));
    assert_eq!(world.send(&bearer("/api/x", &good)).user(), Some("alice"));
    assert_eq!(world.send(&bearer("/api/x", &other)).status(), 401);
    // Elsewhere it is a token that nobody vouches for.
    for settings in [json!({}), json!({"OIDC_ACCESS_TOKENS": "introspection", "OIDC_AUDIENCE": AUDIENCE})] {
        let world = unsupported(&settings);
        let token = world.provider().access_token(world.host.unix(), "at+jwt", &json!({}));
        let answer = world.send(&bearer("/api/x", &token));
        assert_eq!((answer.status(), world.host.last_event()), (401, "access_token.inactive"), "{settings}");
    }
}
