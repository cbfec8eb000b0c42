//! A session goes on with new tokens, is ended from elsewhere, and outlives a store that is down for a while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::host::CallError;
use serde_json::{Value, json};
use support::{
    Answer, Browser, Endpoint, FakeRequest, World,
    mint::{claim, whole, without},
};

/// Visits when the ID token is nearly over.
fn visit_when_due(world: &World, browser: &Browser<'_>) -> Answer {
    world.host.pass(3580);
    world.host.take_counts();
    browser.visit("/")
}

fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/");
    browser.visit("/");
    browser
}

#[test]
fn new_tokens_before_the_old_ones_end() {
    let world = World::usual();
    let browser = signed_in(&world);
    for round in 0..5 {
        let answer = visit_when_due(&world, &browser);
        assert_eq!(answer.user(), Some("alice"), "{round}");
        assert!(answer.touches_session(), "{round}: the cookie is renewed");
        let counts = world.host.take_counts();
        assert_eq!((counts.of(Endpoint::Token), counts.writes), (1, 1), "{round}");
        browser.visit("/");
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "{round}: once");
        assert_eq!(world.host.last_event(), "refresh.finished");
    }
}

#[test]
fn claims_that_changed_are_told() {
    let world = World::usual();
    let browser = signed_in(&world);
    world.provider().account.borrow_mut()["email"] = json!("new@example.org");
    let answer = visit_when_due(&world, &browser);
    assert!(answer.stamped().contains(&("X-Forwarded-Email", "new@example.org")));
}

#[test]
fn an_address_is_not_verified_by_what_was_said_of_another() {
    let world = World::new(&json!({
        "OIDC_RULES": [{"path": "/verified", "access": "login", "claims": {"email_verified": true}}],
    }));
    *world.provider().account.borrow_mut() = json!({"sub": "alice", "email": "old@example.org"});
    *world.provider().userinfo.borrow_mut() =
        json!({"sub": "alice", "email": "old@example.org", "email_verified": true, "groups": ["staff"]});
    let browser = signed_in(&world);
    assert!(browser.visit("/verified").is_forward());
    // The ID token has another one, and userinfo does not answer.
    world.provider().account.borrow_mut()["email"] = json!("new@example.org");
    world.provider().lie(|lies| lies.fail(Endpoint::Userinfo, CallError::TimedOut));
    let answer = visit_when_due(&world, &browser);
    let told = answer.stamped();
    assert!(told.contains(&("X-Forwarded-Email", "new@example.org")), "{told:?}");
    assert!(told.contains(&("X-Forwarded-Groups", "staff")), "what was known stays: {told:?}");
    assert_eq!(browser.visit("/verified").status(), 403);
}

#[test]
fn the_old_cookie_takes_over_what_was_renewed() {
    let world = World::usual();
    let browser = signed_in(&world);
    let old = browser.cookies_for("https://site.example/");
    visit_when_due(&world, &browser);
    world.host.take_counts();
    // Another request of the same page, sent before the first was answered.
    let late = world.send(&FakeRequest::page("/").cookies(&old));
    assert_eq!(late.user(), Some("alice"));
    assert!(late.touches_session());
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "the provider is not asked again");
}

#[test]
fn a_refreshed_token_that_is_another_ones_ends_the_session() {
    let due = |lie: support::provider::Mint| {
        let world = World::usual();
        let browser = signed_in(&world);
        world.provider().lie(|lies| lies.id_token = Some(lie));
        let answer = visit_when_due(&world, &browser);
        (answer.status(), world.host.events().into_iter().find(|event| event.starts_with("id_token.")))
    };
    assert_eq!(due(claim("x", json!(1))), (0, None));
    assert_eq!(due(without("nonce")), (0, None), "it may lack the nonce");
    for (lie, code) in [
        (claim("sub", json!("mallory")), "id_token.discontinued"),
        (claim("nonce", json!("other")), "id_token.discontinued"),
        (claim("auth_time", json!(1)), "id_token.discontinued"),
        (claim("iss", json!("https://evil.example")), "id_token.issuer_mismatch"),
        (claim("aud", json!("you")), "id_token.audience_mismatch"),
        (whole(|token| format!("{token}.")), "id_token.malformed"),
    ] {
        assert_eq!(due(lie), (302, Some(code)));
    }
}

#[test]
fn a_provider_that_is_down_costs_no_session_while_the_tokens_last() {
    let world = World::usual();
    let browser = signed_in(&world);
    world.provider().lie(|lies| lies.fail(Endpoint::Token, CallError::Unreachable));
    assert_eq!(visit_when_due(&world, &browser).user(), Some("alice"));
    world.host.pass(80);
    let answer = browser.visit("/");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    assert_eq!(world.host.last_event(), "refresh.unavailable");
    assert!(!answer.touches_session(), "the cookie is kept");
    world.provider().be_honest();
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn a_refresh_token_that_was_revoked_ends_the_session_with_its_tokens() {
    let world = World::usual();
    let browser = signed_in(&world);
    let refusal = r#"{"error":"invalid_grant"}"#;
    world.provider().lie(|lies| lies.answer(Endpoint::Token, 400, "application/json", refusal));
    assert_eq!(visit_when_due(&world, &browser).user(), Some("alice"));
    world.host.pass(80);
    assert_eq!(browser.fetch("/").status(), 401);
}

#[test]
fn a_visitor_who_comes_back_in_time_is_not_idle() {
    let world = World::new(&json!({"OIDC_SESSION_IDLE_TTL": 50}));
    let browser = signed_in(&world);
    for _ in 0..10 {
        world.host.pass(40);
        assert_eq!(browser.visit("/").user(), Some("alice"));
    }
    world.host.pass(50);
    assert_eq!(browser.visit("/").status(), 302);
}

#[test]
fn signed_out_in_one_browser_is_signed_out_of_its_copy() {
    for (settings, seconds) in [(json!({}), 60), (json!({"OIDC_SESSION_CHECK_INTERVAL": 0}), 0)] {
        let world = World::new(&settings);
        let browser = signed_in(&world);
        let copy = browser.cookies_for("https://site.example/");
        browser.visit("/oidc_logout");
        // Another isolate hears of it when it asks the store.
        let world = world.redeployed(&settings);
        world.host.pass(seconds);
        let ask = || world.send(&FakeRequest::get("/").cookies(&copy)).status();
        assert_eq!((ask(), ask()), (401, 401), "{settings}");
    }
}

#[test]
fn a_store_that_is_down_is_forgiven_for_a_while() {
    let world = World::usual();
    let browser = signed_in(&world);
    world.host.faults.load.set(true);
    for seconds in [60, 500, 39] {
        world.host.pass(seconds);
        assert_eq!(browser.visit("/").user(), Some("alice"), "{seconds}");
    }
    world.host.pass(1);
    for answer in [browser.visit("/"), browser.fetch("/")] {
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
        assert!(!answer.touches_session(), "the cookie is kept");
    }
    assert_eq!(world.host.last_event(), "store.unavailable");
    world.host.faults.load.set(false);
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn absence_proves_nothing() {
    let world = World::usual();
    let browser = signed_in(&world);
    world.host.store.borrow_mut().clear();
    world.host.pass(100);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    assert_eq!(browser.fetch("/oidc_userinfo").json()["sub"], Value::from("alice"));
}

#[test]
fn tokens_that_the_store_did_not_take_are_stored_when_it_is_back() {
    let settings = json!({});
    let world = World::new(&settings);
    let browser = signed_in(&world);
    world.host.meanwhile(Endpoint::Token, |host| host.faults.save.set(true));
    assert_eq!(visit_when_due(&world, &browser).user(), Some("alice"));
    assert!(world.host.events().contains(&"store.save_failed"));
    let cookies = browser.cookies_for("https://site.example/");
    world.host.take_counts();
    // It is not tried at each request, and not written over a mark.
    assert_eq!((browser.visit("/").user(), world.host.take_counts().writes), (Some("alice"), 0));
    world.host.faults.save.set(false);
    world.host.pass(2);
    assert_eq!((browser.visit("/").user(), world.host.take_counts().writes), (Some("alice"), 1));
    assert_eq!((browser.visit("/").user(), world.host.take_counts().writes), (Some("alice"), 0), "once");
    // Another isolate finds the refresh token that counts.
    let world = world.redeployed(&settings);
    world.host.pass(3590);
    let answer = world.send(&FakeRequest::get("/").cookies(&cookies));
    assert_eq!((answer.user(), world.host.last_event()), (Some("alice"), "refresh.finished"));
}

#[test]
fn what_waits_for_the_store_is_not_written_over_a_sign_out() {
    let world = World::usual();
    let browser = signed_in(&world);
    world.host.meanwhile(Endpoint::Token, |host| host.faults.save.set(true));
    visit_when_due(&world, &browser);
    let copy = browser.cookies_for("https://site.example/");
    world.host.faults.save.set(false);
    browser.visit("/oidc_logout");
    let marks = world.host.store.borrow().clone();
    world.host.pass(10);
    assert_eq!(world.send(&FakeRequest::get("/").cookies(&copy)).status(), 401);
    assert_eq!(*world.host.store.borrow(), marks);
}
