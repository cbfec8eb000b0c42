//! A provider that lies, is slow or is gone: nobody gets in, the log says why, and what was good stays good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::host::CallError;
use serde_json::{Value, json};
use support::{
    Endpoint::{self, Elsewhere, Jwks, Metadata, Token, Userinfo},
    TestKey, World,
    mint::header,
    provider::PROVIDER_TEXT,
};

/// What a provider says instead of the truth.
enum Lie {
    Gone(CallError),
    Answer(u16, &'static str, String),
    /// The member says something else; `null` stands for `null`.
    Says(&'static str, Value),
    Without(&'static str),
}

fn tell(world: &World, endpoint: Endpoint, lie: Lie) {
    world.provider().lie(|lies| match lie {
        Lie::Gone(error) => lies.fail(endpoint, error),
        Lie::Answer(status, content_type, body) => lies.answer(endpoint, status, content_type, body),
        Lie::Says(name, value) => lies.edit(endpoint, move |answer| answer[name] = value.clone()),
        Lie::Without(name) => lies.edit(endpoint, move |answer| drop(answer.as_object_mut().unwrap().remove(name))),
    });
}

fn answer(status: u16, body: impl Into<String>) -> Lie {
    Lie::Answer(status, "application/json", body.into())
}

fn says(name: &'static str, value: Value) -> Lie {
    Lie::Says(name, value)
}

/// Each of these makes the sign-in fail under its code; without it the same browser signs in.
fn assert_refused(endpoint: Endpoint, lies: Vec<(Lie, u16, &str)>) {
    for (index, (lie, status, code)) in lies.into_iter().enumerate() {
        let world = World::usual();
        tell(&world, endpoint, lie);
        let browser = world.browser();
        let mut answer = browser.visit("/");
        if answer.status() == 302 {
            answer = browser.land(&world.provider().authorize(answer.location()));
        }
        assert_eq!((answer.status(), world.host.last_event()), (status, code), "{endpoint:?} {index}");
        assert!(!answer.touches_session() && browser.session().is_none(), "{code} {index}");
        assert!(world.host.store.borrow().is_empty(), "{code} {index}");
        assert!(answer.body().contains(code) && !answer.body().contains(PROVIDER_TEXT), "{code} {index}");
        assert_eq!(world.host.take_counts().of(Elsewhere), 0, "{code} {index}");
        world.provider().be_honest();
        world.host.pass(3600);
        assert_eq!(browser.sign_in("/a").location(), "/a", "{code} {index}");
    }
}

#[test]
fn lies_of_discovery() {
    let mut lies = vec![
        (Lie::Gone(CallError::Unreachable), 502, "discovery.unreachable"),
        (Lie::Gone(CallError::TimedOut), 504, "discovery.timeout"),
        (Lie::Gone(CallError::TooLarge), 502, "discovery.too_large"),
        (answer(200, ""), 502, "discovery.not_json"),
        (answer(200, "<html>"), 502, "discovery.not_json"),
        (answer(200, "[]"), 502, "discovery.not_json"),
        (answer(200, format!(r#"{{"issuer":"{PROVIDER_TEXT}"}}"#)), 502, "discovery.issuer_mismatch"),
        (answer(200, r#"{"issuer":"a","issuer":"https://idp.example"}"#), 502, "discovery.not_json"),
        (answer(301, PROVIDER_TEXT), 502, "discovery.unexpected_status"),
        (answer(204, ""), 502, "discovery.unexpected_status"),
        (answer(404, PROVIDER_TEXT), 502, "discovery.unexpected_status"),
        (answer(503, PROVIDER_TEXT), 502, "discovery.unexpected_status"),
        (Lie::Without("issuer"), 502, "discovery.issuer_mismatch"),
        (says("id_token_signing_alg_values_supported", json!([])), 502, "discovery.no_common_algorithm"),
        (says("id_token_signing_alg_values_supported", json!(["none", "HS256"])), 502, "discovery.no_common_algorithm"),
    ];
    for issuer in [
        json!("https://idp.example/"),
        json!("https://IDP.example"),
        json!("https://evil.example"),
        json!("http://idp.example"),
        json!(""),
        json!(["https://idp.example"]),
        Value::Null,
    ] {
        lies.push((says("issuer", issuer), 502, "discovery.issuer_mismatch"));
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
        for value in [
            json!("http://idp.example/x"),
            json!("javascript:alert(1)"),
            json!("//idp.example/x"),
            json!("https://user:pass@idp.example/x"),
            json!("https://idp.example/x#y"),
            json!("https://idp.example\r\n/x"),
            json!(""),
            json!(7),
        ] {
            lies.push((says(name, value), 502, "discovery.bad_endpoint"));
        }
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        lies.push((Lie::Without(name), 502, "discovery.bad_endpoint"));
    }
    assert_refused(Metadata, lies);
}

#[test]
fn metadata_that_says_less_is_good() {
    for (lie, signs_out_at_provider) in [
        (Lie::Without("userinfo_endpoint"), true),
        (says("userinfo_endpoint", Value::Null), true),
        (Lie::Without("id_token_signing_alg_values_supported"), true),
        (Lie::Without("end_session_endpoint"), false),
        (says("token_endpoint_auth_methods_supported", json!(["client_secret_post"])), true),
        (says("token_endpoint_auth_methods_supported", json!(["private_key_jwt", "client_secret_basic"])), true),
        (says("x", json!({"deep": [1]})), true),
    ] {
        let world = World::usual();
        tell(&world, Metadata, lie);
        let browser = world.browser();
        assert_eq!(browser.sign_in("/a").location(), "/a");
        let out = browser.visit("/oidc_logout");
        assert_eq!(out.location().starts_with("https://idp.example/logout?"), signs_out_at_provider);
    }
}

#[test]
fn lies_of_the_token_endpoint() {
    let refusal = |code: &str| format!(r#"{{"error":"{code}","error_description":"{PROVIDER_TEXT}"}}"#);
    assert_refused(
        Token,
        vec![
            (Lie::Gone(CallError::Unreachable), 502, "token.unreachable"),
            (Lie::Gone(CallError::TimedOut), 504, "token.timeout"),
            (Lie::Gone(CallError::TooLarge), 502, "token.too_large"),
            (answer(400, refusal("invalid_grant")), 502, "token.invalid_grant"),
            (answer(401, refusal("invalid_client")), 502, "token.invalid_client"),
            (answer(400, refusal("unauthorized_client")), 502, "token.invalid_client"),
            (answer(400, refusal("invalid_request")), 502, "token.refused"),
            (answer(400, refusal(PROVIDER_TEXT)), 502, "token.refused"),
            (answer(400, PROVIDER_TEXT), 502, "token.unexpected_status"),
            (answer(400, r#"{"error":7}"#), 502, "token.unexpected_status"),
            (answer(302, ""), 502, "token.unexpected_status"),
            (answer(500, refusal("server_error")), 502, "token.unexpected_status"),
            (answer(200, PROVIDER_TEXT), 502, "token.not_json"),
            (answer(200, "null"), 502, "token.not_json"),
            (answer(200, refusal("invalid_grant")), 502, "token.malformed"),
            (Lie::Without("access_token"), 502, "token.malformed"),
            (says("access_token", json!("")), 502, "token.malformed"),
            (says("access_token", json!(["a"])), 502, "token.malformed"),
            (Lie::Without("token_type"), 502, "token.malformed"),
            (says("token_type", json!("DPoP")), 502, "token.token_type"),
            (says("token_type", json!("mac")), 502, "token.token_type"),
            (says("refresh_token", json!(7)), 502, "token.malformed"),
            (says("id_token", json!({})), 502, "token.malformed"),
            (says("id_token", Value::Null), 502, "token.no_id_token"),
            (Lie::Without("id_token"), 502, "token.no_id_token"),
            (says("id_token", json!("")), 502, "token.no_id_token"),
            (says("access_token", json!("another than at_hash says")), 502, "id_token.at_hash_mismatch"),
        ],
    );
}

#[test]
fn token_answers_that_look_odd_are_good() {
    for lie in [
        says("token_type", json!("bearer")),
        says("token_type", json!("BEARER")),
        says("expires_in", json!("600")),
        says("expires_in", json!(-1)),
        says("expires_in", json!(1e300)),
        says("expires_in", json!(u64::MAX)),
        Lie::Without("expires_in"),
        Lie::Without("refresh_token"),
        says("refresh_token", Value::Null),
        says("scope", json!("openid")),
        says("error", json!("none really")),
    ] {
        let world = World::usual();
        tell(&world, Token, lie);
        assert_eq!(world.browser().sign_in("/a").location(), "/a");
    }
}

#[test]
fn lies_about_the_keys() {
    assert_refused(
        Jwks,
        vec![
            (Lie::Gone(CallError::Unreachable), 502, "jwks.unreachable"),
            (Lie::Gone(CallError::TimedOut), 504, "jwks.timeout"),
            (Lie::Gone(CallError::TooLarge), 502, "jwks.too_large"),
            (answer(302, ""), 502, "jwks.unexpected_status"),
            (answer(404, PROVIDER_TEXT), 502, "jwks.unexpected_status"),
            (answer(200, PROVIDER_TEXT), 502, "jwks.malformed"),
            (answer(200, "[]"), 502, "jwks.malformed"),
            (answer(200, "{}"), 502, "jwks.malformed"),
            (answer(200, r#"{"keys":{}}"#), 502, "jwks.malformed"),
            (answer(200, r#"{"keys":[],"keys":[]}"#), 502, "jwks.malformed"),
        ],
    );
}

#[test]
fn keys_that_did_not_sign() {
    let oct = json!({"keys": [{"kty": "oct", "k": "aHVzaA", "kid": "rsa"}]});
    let other = json!({"keys": [TestKey::es256().with_kid(Some("rsa")).jwk()]});
    let small = json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}]});
    let junk = json!({"keys": [null, 7, "rsa", [], {}, {"kty": 1}, {"kty": "RSA", "n": {}, "kid": "rsa"}]});
    for (jwks, code) in [
        (json!({"keys": []}), "id_token.unknown_key"),
        (oct, "id_token.unknown_key"),
        (other, "id_token.algorithm"),
        (small, "id_token.unknown_key"),
        (junk, "id_token.unknown_key"),
    ] {
        assert_refused(Jwks, vec![(answer(200, jwks.to_string()), 502, code)]);
    }
}

#[test]
fn lies_of_userinfo() {
    let mut lies = vec![
        (answer(401, "{}"), 502, "userinfo.unexpected_status"),
        (answer(302, ""), 502, "userinfo.unexpected_status"),
        (answer(200, PROVIDER_TEXT), 502, "userinfo.not_json"),
        (answer(200, r#"{"sub":"alice","sub":"alice"}"#), 502, "userinfo.not_json"),
        (Lie::Answer(200, "application/jwt", "a.b.c".into()), 502, "userinfo.signed"),
        (Lie::Answer(200, "Application/JWT; charset=utf-8", r#"{"sub":"alice"}"#.into()), 502, "userinfo.signed"),
        (Lie::Without("sub"), 502, "userinfo.subject_mismatch"),
    ];
    for sub in [json!("mallory"), json!("ALICE"), json!("alice "), json!(""), json!(7), json!(["alice"]), Value::Null] {
        lies.push((says("sub", sub), 502, "userinfo.subject_mismatch"));
    }
    assert_refused(Userinfo, lies);
}

#[test]
fn userinfo_does_not_overrule_the_id_token() {
    let world = World::usual();
    tell(&world, Userinfo, says("email", json!("root@example.org")));
    let browser = world.browser();
    browser.sign_in("/");
    assert_eq!(browser.fetch("/oidc_userinfo").json()["email"], "alice@example.org");
}

#[test]
fn metadata_and_keys_are_asked_for_once_an_hour() {
    let world = World::usual();
    for (pass, asked) in [(0, 1), (60, 0), (3539, 0), (1, 1), (3599, 0), (1, 1)] {
        world.host.pass(pass);
        world.browser().sign_in("/");
        let counts = world.host.take_counts();
        assert_eq!((counts.of(Metadata), counts.of(Jwks)), (asked, asked), "{pass}");
    }
}

#[test]
fn what_was_good_serves_on_while_the_provider_is_down() {
    for (endpoint, code) in [(Metadata, "discovery.unreachable"), (Jwks, "jwks.unreachable")] {
        let world = World::usual();
        world.browser().sign_in("/");
        tell(&world, endpoint, Lie::Gone(CallError::Unreachable));
        world.host.pass(3600);
        world.host.take_counts();
        for (pass, asked) in [(0, 1), (59, 0), (1, 1), (100_000, 1)] {
            world.host.pass(pass);
            assert_eq!(world.browser().sign_in("/a").location(), "/a", "{code} {pass}");
            assert_eq!(world.host.take_counts().of(endpoint), asked, "{code} {pass}");
        }
        assert_eq!(world.host.events().iter().filter(|event| **event == code).count(), 3);
        world.provider().be_honest();
        world.host.pass(60);
        world.browser().sign_in("/");
        assert_eq!(world.host.take_counts().of(endpoint), 1);
    }
}

#[test]
fn lies_do_not_replace_what_was_good() {
    let world = World::usual();
    world.browser().sign_in("/");
    tell(&world, Metadata, says("issuer", json!("https://evil.example")));
    tell(&world, Jwks, answer(200, "nonsense"));
    world.host.pass(3600);
    assert_eq!(world.browser().sign_in("/a").location(), "/a");
    let mut events = world.host.events();
    events.retain(|event| !event.starts_with("sign_in."));
    assert_eq!(events[..2], ["discovery.issuer_mismatch", "jwks.malformed"]);
}

#[test]
fn new_keys_are_fetched_when_a_token_names_one() {
    let world = World::usual();
    world.browser().sign_in("/");
    world.host.take_counts();
    for (key, jwks, event) in [
        (TestKey::rs256().with_kid(Some("second")), 1, "sign_in.finished"),
        (TestKey::rs256().with_kid(Some("second")), 0, "sign_in.finished"),
        // Too soon after the last one.
        (TestKey::rs256().with_kid(Some("third")), 0, "id_token.unknown_key"),
    ] {
        world.provider().rotate(key);
        world.browser().sign_in("/");
        assert_eq!((world.host.take_counts().of(Jwks), world.host.last_event()), (jwks, event));
    }
    world.host.pass(59);
    world.browser().sign_in("/");
    assert_eq!((world.host.take_counts().of(Jwks), world.host.last_event()), (0, "id_token.unknown_key"));
    world.host.pass(1);
    world.browser().sign_in("/");
    assert_eq!((world.host.take_counts().of(Jwks), world.host.last_event()), (1, "sign_in.finished"));
}

#[test]
fn an_algorithm_that_is_announced_since_is_looked_up() {
    let world = World::usual();
    let alice = world.alice();
    let announce = |alg: &'static str| {
        world.provider().lie(|lies| {
            let list = json!([alg]);
            lies.edit(Metadata, move |metadata| metadata["id_token_signing_alg_values_supported"] = list.clone());
        });
    };
    let fetched = || {
        let counts = world.host.take_counts();
        (counts.of(Metadata), counts.of(Jwks), world.host.last_event())
    };
    // The operator of the provider chooses another key, and the provider announces what that one is for.
    announce("ES256");
    world.provider().rotate(TestKey::es256().with_kid(Some("rsa")));
    fetched();
    world.host.pass(3580);
    assert_eq!(alice.visit("/").user(), Some("alice"), "at a refresh");
    assert_eq!(fetched(), (1, 1, "refresh.finished"));
    world.browser().sign_in("/");
    assert_eq!(fetched(), (0, 0, "sign_in.finished"));
    // What it does not announce is refused, and makes us look no more often than an unknown key.
    world.provider().rotate(TestKey::es384());
    for (pause, looks) in [(0, 0), (59, 0), (1, 1), (0, 0)] {
        world.host.pass(pause);
        world.browser().sign_in("/");
        assert_eq!(fetched(), (looks, looks, "id_token.algorithm"));
    }
}

#[test]
fn a_flood_of_unknown_keys_costs_one_fetch() {
    let world = World::usual();
    world.browser().sign_in("/");
    world.host.take_counts();
    for index in 0..50 {
        world.provider().lie(|lies| lies.id_token = Some(header("kid", json!(format!("flood-{index}")))));
        let answer = world.browser().sign_in("/");
        assert_eq!((answer.status(), world.host.last_event()), (502, "id_token.unknown_key"));
    }
    assert_eq!(world.host.take_counts().of(Jwks), 1);
    // Who signs with the known key is not held up by it.
    world.provider().be_honest();
    assert_eq!(world.browser().sign_in("/a").location(), "/a");
}

#[test]
fn keys_that_can_not_be_fetched_again_do_no_harm() {
    let world = World::usual();
    world.browser().sign_in("/");
    tell(&world, Jwks, Lie::Gone(CallError::TimedOut));
    world.provider().lie(|lies| lies.id_token = Some(header("kid", json!("other"))));
    assert_eq!(world.browser().sign_in("/").status(), 504);
    world.provider().lie(|lies| lies.id_token = None);
    assert_eq!(world.browser().sign_in("/a").location(), "/a", "the old keys are still there");
}

#[test]
fn nobody_is_sent_to_a_provider_that_is_unknown() {
    let world = World::usual();
    tell(&world, Metadata, Lie::Gone(CallError::Unreachable));
    let browser = world.browser();
    let answer = browser.visit("/");
    assert_eq!((answer.status(), browser.login_cookies()), (502, 0));
    // A script is told to sign in all the same: that costs nobody a call.
    world.host.take_counts();
    assert_eq!(browser.fetch("/").status(), 401);
    assert!(world.host.take_counts().calls.is_empty());
}
