//! What nobody in particular can cause, by asking often: nothing at the store, nothing at the provider, no growth here.
//!
//! Two things cost more, and only the rate limit bounds them: the callback of a sign-in that was begun here redeems its
//! code once, and a front-channel logout with the right issuer looks in the store whether there is such a session.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::host::CallError;
use serde_json::json;
use support::{
    Endpoint, FakeRequest, START, TestKey, World,
    provider::{ISSUER, form},
};

const REQUESTS: usize = 10_000;
/// A value that looks as if we had sealed it.
const SEALED: &str = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn world() -> World {
    World::new(&json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"}, {"path": "/open/*", "access": "optional"},
        {"path": "/never/*", "access": "deny"}, {"path": "/*", "access": "login"},
    ]}))
}

/// One of the requests that anybody may send, and what it is answered; 0 when it is forwarded.
fn anonymous(index: usize) -> (FakeRequest, u16) {
    let state = format!("{index:043}");
    let junk = format!("__Host-oidc_id_token={SEALED}{index}; __Host-oidc_login.{}={SEALED}", &state[35..]);
    let get = |path: &str| FakeRequest::get(&format!("{path}{index}"));
    let page = |path: &str| FakeRequest::page(&format!("{path}{index}"));
    let script = |request: FakeRequest| request.header("sec-fetch-mode", "cors");
    match index % 22 {
        0 => (page("/a/"), 302),
        1 => (page("/a/").cookies(&junk), 302),
        2 => (script(get("/api/")), 401),
        3 => (script(get("/api/")).cookies(&junk), 401),
        4 => (FakeRequest::post(&format!("/api/{index}"), "a=b").cookies(&junk), 401),
        5 => (page("/public/"), 0),
        6 => (page("/public/").cookies(&junk), 0),
        7 => (page("/open/").cookies(&junk), 0),
        8 => (page("/never/"), 403),
        9 => (FakeRequest::page(&format!("/oidc_callback?code={index}&state={state}")), 400),
        10 => (FakeRequest::page(&format!("/oidc_callback?code={index}&state={state}")).cookies(&junk), 400),
        11 => (FakeRequest::page(&format!("/oidc_callback?error=access_denied&state={state}")).cookies(&junk), 400),
        12 => (FakeRequest::page("/oidc_callback?code=a&code=b"), 400),
        13 => (page("/oidc_login?next=/"), 302),
        14 => (page("/oidc_logout?next=/").cookies(&junk), 302),
        15 => (page("/oidc_signed_out?state="), 200),
        16 => (get("/oidc_userinfo?").cookies(&junk), 401),
        17 => (get("/oidc_health?"), 200),
        18 => (FakeRequest::post("/oidc_backchannel_logout", &form(&[("logout_token", &state)])), 400),
        19 => (FakeRequest::post("/oidc_backchannel_logout", "x=y"), 400),
        20 => (page("/oidc_frontchannel_logout?iss=https://evil.example&sid="), 400),
        _ => (get("/a%2f"), 400),
    }
}

/// What the gateway holds, in the number of things rather than bytes.
fn size(world: &World) -> usize {
    format!("{:?}", world.gateway).matches([',', '(']).count()
}

#[test]
fn ten_thousand_requests_of_nobody() {
    let world = world();
    let mut sizes = Vec::new();
    for index in 0..REQUESTS {
        let (request, status) = anonymous(index);
        let answer = world.send(&request);
        assert_eq!(answer.status(), status, "{request:?}");
        assert!(!answer.is_forward() || answer.user().is_none(), "{request:?}");
        if index == 100 || index == REQUESTS - 1 {
            sizes.push(size(&world));
        }
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.reads, counts.writes), (0, 0));
    assert_eq!(counts.calls, [(Endpoint::Metadata, 1)].into());
    assert!(world.host.store.borrow().is_empty());
    assert_eq!(sizes[0], sizes[1], "nothing of it is remembered");
}

/// A frame of the front channel, for a session at the provider.
fn frame(sid: &str) -> FakeRequest {
    FakeRequest::page(&format!("/oidc_frontchannel_logout?iss={ISSUER}&sid={sid}"))
        .header("sec-fetch-site", "cross-site")
}

#[test]
fn ten_thousand_frames_of_nobody_write_nothing() {
    let world = world();
    world.provider().account.borrow_mut()["sid"] = json!("one");
    let browser = world.alice();
    world.host.take_counts();
    let size_before = size(&world);
    for index in 0..REQUESTS {
        assert_eq!(world.send(&frame(&index.to_string())).status(), 400);
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.writes, counts.reads), (0, REQUESTS));
    assert!(counts.calls.is_empty());
    assert_eq!(size(&world), size_before, "nothing of it is remembered");
    assert!(browser.fetch("/a").is_forward());
    // Who knows the session can end it, once.
    for _ in 0..REQUESTS {
        assert_eq!(world.send(&frame("one")).status(), 200);
    }
    assert_eq!(world.host.take_counts().writes, 1);
    assert_eq!(browser.fetch("/a").status(), 401);
    // Not in an isolate that has not heard of it either.
    let other = world.redeployed(&json!({}));
    for _ in 0..100 {
        assert_eq!(other.send(&frame("one")).status(), 200);
    }
    assert_eq!(other.host.take_counts().writes, 0);
}

#[test]
fn a_later_session_of_the_same_one_at_the_provider_is_ended_too() {
    let world = world();
    world.provider().account.borrow_mut()["sid"] = json!("one");
    for _ in 0..3 {
        let browser = world.alice();
        assert!(browser.fetch("/a").is_forward());
        assert_eq!(world.send(&frame("one")).status(), 200);
        assert_eq!(browser.fetch("/a").status(), 401);
    }
}

#[test]
fn a_provider_that_uses_no_frames_costs_no_write() {
    let writes = |frames: bool| {
        let world = world();
        world.provider().frames.set(frames);
        world.provider().account.borrow_mut()["sid"] = json!("one");
        let browser = world.alice();
        let writes = world.host.take_counts().writes;
        let known = |cookies: &str| world.send(&frame("one").cookies(cookies)).status();
        assert_eq!(known(""), if frames { 200 } else { 400 });
        if !frames {
            // One of the same site brings the visitor's cookie.
            assert_eq!(known(&browser.cookies_for("https://site.example/")), 200);
        }
        assert_eq!(browser.fetch("/a").status(), 401);
        writes
    };
    assert_eq!(writes(true), writes(false) + 1);
}

#[test]
fn what_costs_something_can_be_throttled() {
    let world = world();
    world.host.faults.rate.set(true);
    for target in ["/a", "/oidc_login", "/oidc_callback?code=a&state=b", "/oidc_frontchannel_logout?iss=a&sid=b"] {
        assert_eq!(world.send(&FakeRequest::page(target)).status(), 429, "{target}");
    }
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn logout_tokens_of_strangers_ask_for_the_keys_once_more_at_most() {
    let world = world();
    for index in 0..500 {
        let key = TestKey::es256().with_kid(Some(&format!("stranger-{index}")));
        let key = if index % 2 == 0 { key } else { TestKey::rs256().with_kid(Some(&format!("stranger-{index}"))) };
        let token = key.token(&json!({"iss": ISSUER, "aud": "me", "iat": START, "jti": index}));
        let answer = world.send(&FakeRequest::post("/oidc_backchannel_logout", &form(&[("logout_token", &token)])));
        assert_eq!(answer.status(), 400);
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.reads, counts.writes), (0, 0));
    assert_eq!((counts.of(Endpoint::Metadata), counts.of(Endpoint::Jwks)), (1, 2));
}

#[test]
fn callbacks_that_fail_are_remembered_up_to_a_bound() {
    let world = world();
    world.provider().lie(|lies| lies.answer(Endpoint::Token, 400, "application/json", r#"{"error":"invalid_grant"}"#));
    let mut sizes = Vec::new();
    for index in 1..=2400 {
        let browser = world.browser();
        let start = browser.visit("/a");
        let state = support::provider::query(start.location())["state"].clone();
        let answer = browser.visit(&format!("/oidc_callback?code=x&state={state}"));
        assert_eq!((answer.status(), world.host.last_event()), (502, "token.invalid_grant"));
        if [600, 1200, 2400].contains(&index) {
            sizes.push(size(&world));
        }
    }
    assert!(sizes[0] < sizes[1], "what is remembered is seen here");
    assert_eq!(sizes[1], sizes[2], "the oldest give way");
    let counts = world.host.take_counts();
    assert_eq!((counts.reads, counts.writes), (0, 0));
}

#[test]
fn a_provider_that_is_not_there_is_not_asked_by_everybody() {
    for fault in [Endpoint::Metadata, Endpoint::Jwks] {
        let world = world();
        world.provider().lie(|lies| lies.fail(fault, CallError::Unreachable));
        let token = TestKey::rs256().token(&json!({"iss": ISSUER, "aud": "me", "iat": START, "jti": "a"}));
        let ask = || match fault {
            Endpoint::Metadata => world.send(&FakeRequest::page("/a")),
            _ => world.send(&FakeRequest::post("/oidc_backchannel_logout", &form(&[("logout_token", &token)]))),
        };
        for _ in 0..500 {
            assert_eq!(ask().status(), 502);
        }
        assert_eq!(world.host.take_counts().of(fault), 5, "{fault:?}");
        for _ in 0..10 {
            world.host.pass(5);
            for _ in 0..100 {
                assert_eq!(ask().status(), 502);
            }
        }
        assert_eq!(world.host.take_counts().of(fault), 10, "{fault:?}: once in five seconds");
        world.provider().be_honest();
        world.host.pass(5);
        assert_ne!(ask().status(), 502, "{fault:?}: it is back");
    }
}
