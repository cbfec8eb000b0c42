//! The origin is handed the visitor's access token, and it is fresh: contract §2, `OIDC_PASS_ACCESS_TOKEN`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{host::CallError, origin::HeaderEdit};
use serde_json::{Value, json};
use support::{Answer, Browser, Endpoint, FakeRequest, World, mint::without};

fn passing(more: &Value) -> Value {
    let mut settings = json!({"OIDC_PASS_ACCESS_TOKEN": true});
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.alice();
    world.host.take_counts();
    browser
}

/// What the origin is handed: `None` when the header is left as it came, `""` when it is removed.
fn handed(answer: &Answer) -> Option<&str> {
    answer.forward().edits.iter().find_map(|edit| match edit {
        HeaderEdit::Set(name, value) if &**name == "Authorization" => Some(&**value),
        HeaderEdit::Remove(name) if &**name == "Authorization" => Some(""),
        _ => None,
    })
}

/// The token of that refresh; the sign-in gives number 0.
// The provider counts all it issues: a code, then three tokens at a time.
fn is_token(handed: Option<&str>, number: usize) -> bool {
    handed.is_some_and(|value| value.starts_with(&format!("Bearer access-{}-", 3 * number + 1)))
}

#[test]
fn it_is_at_hand_without_asking_the_store() {
    let world = World::new(&passing(&json!({})));
    let browser = signed_in(&world);
    for _ in 0..5 {
        assert!(is_token(handed(&browser.visit("/")), 0));
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.reads, counts.writes), (0, 0));
}

#[test]
fn another_isolate_reads_it_once() {
    let settings = passing(&json!({}));
    let world = World::new(&settings);
    let cookies = signed_in(&world).cookies_for("https://site.example/");
    let world = world.redeployed(&settings);
    for _ in 0..5 {
        assert!(is_token(handed(&world.send(&FakeRequest::get("/").cookies(&cookies))), 0));
    }
    assert_eq!(world.host.take_counts().reads, 1);
}

#[test]
fn what_a_client_sends_never_stands_in_its_place() {
    let rules = json!([
        {"path": "/open/*", "access": "public"}, {"path": "/maybe/*", "access": "optional"}, {"path": "/*", "access": "login"},
    ]);
    let world = World::new(&passing(&json!({"OIDC_RULES": rules})));
    let own = |target: &str, cookies: &str| {
        world.send(&FakeRequest::get(target).cookies(cookies).header("authorization", "Bearer mine"))
    };
    let cookies = signed_in(&world).cookies_for("https://site.example/");
    assert!(is_token(handed(&own("/", &cookies)), 0));
    assert!(is_token(handed(&own("/maybe/", &cookies)), 0));
    assert_eq!(handed(&own("/maybe/", "")), Some(""));
    assert_eq!(handed(&own("/open/", &cookies)), Some(""), "nobody is asked there, and nobody is spoken for");
    let world = World::usual();
    assert_eq!(handed(&signed_in(&world).visit("/")), None, "not unless it is asked for");
}

#[test]
fn it_lives_thirty_seconds_yet_whenever_it_is_handed_on() {
    for turns in [false, true] {
        let world = World::new(&passing(&json!({})));
        world.host.turns.set(turns);
        let browser = signed_in(&world);
        let (mut number, mut issued_at) = (0, world.host.unix());
        for _ in 0..600 {
            world.host.pass(7);
            let answer = browser.visit("/");
            if !is_token(handed(&answer), number) {
                number += 1;
                issued_at = world.host.unix();
                assert!(is_token(handed(&answer), number), "{:?}", handed(&answer));
                assert!(answer.touches_session(), "the cookie knows when it is due again");
            }
            assert!(world.host.unix() - issued_at <= 600 - 30);
        }
        // 4200 s at 600 s each, renewed a minute before the end.
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 7);
    }
}

#[test]
fn it_lives_from_when_it_was_issued_however_long_its_answer_takes() {
    let world = World::new(&passing(&json!({})));
    // Userinfo is asked after it, at the sign-in and at each refresh.
    let slow = |world: &World| world.host.meanwhile(Endpoint::Userinfo, |host| host.pass(9));
    slow(&world);
    let issued_at = world.host.unix();
    let browser = signed_in(&world);
    world.host.pass(issued_at + 570 - world.host.unix());
    let issued_at = world.host.unix();
    slow(&world);
    assert!(is_token(handed(&browser.visit("/")), 1));
    world.provider().lie(|lies| lies.fail(Endpoint::Token, CallError::Unreachable));
    world.host.pass(issued_at + 570 - world.host.unix());
    assert!(is_token(handed(&browser.visit("/")), 1), "30 s are left");
    world.host.pass(1);
    assert_eq!(handed(&browser.visit("/")), Some(""));
}

#[test]
fn who_comes_after_its_end_waits_for_the_next() {
    let settings = passing(&json!({}));
    let world = World::new(&settings);
    world.host.turns.set(true);
    let browser = signed_in(&world);
    let old = browser.cookies_for("https://site.example/");
    world.host.pass(1000);
    assert!(is_token(handed(&browser.visit("/")), 1));
    // Sent before that one was answered, here and to another isolate.
    assert!(is_token(handed(&world.send(&FakeRequest::get("/").cookies(&old))), 1));
    let world = world.redeployed(&settings);
    assert!(is_token(handed(&world.send(&FakeRequest::get("/").cookies(&old))), 1));
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 1);
}

#[test]
fn a_provider_that_is_down_is_no_end_while_the_token_lasts() {
    let world = World::new(&passing(&json!({})));
    let browser = signed_in(&world);
    world.provider().lie(|lies| lies.fail(Endpoint::Token, CallError::Unreachable));
    world.host.pass(560);
    assert!(is_token(handed(&browser.visit("/")), 0), "40 s yet");
    world.host.pass(20);
    assert_eq!(handed(&browser.visit("/")), Some(""), "20 s: good, and not to be handed on");
    world.host.pass(21);
    let answer = browser.visit("/");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    assert!(!answer.touches_session(), "the cookie is kept");
    world.host.take_counts();
    for _ in 0..5 {
        assert_eq!(browser.visit("/").status(), 503);
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "it is not asked each time");
    world.provider().be_honest();
    world.host.pass(10);
    assert!(is_token(handed(&browser.visit("/")), 1));
}

#[test]
fn a_refresh_token_that_was_revoked_ends_the_session_with_the_access_token() {
    for expiry in ["id_token", "cookie"] {
        let world = World::new(&passing(&json!({"OIDC_SESSION_EXPIRY": expiry})));
        let browser = signed_in(&world);
        world
            .provider()
            .lie(|lies| lies.answer(Endpoint::Token, 400, "application/json", r#"{"error":"invalid_grant"}"#));
        world.host.pass(560);
        assert!(is_token(handed(&browser.visit("/")), 0), "{expiry}");
        world.host.pass(41);
        assert_eq!(browser.visit("/").status(), 302, "{expiry}");
        assert_eq!(browser.fetch("/").status(), 401, "{expiry}");
    }
}

#[test]
fn without_a_refresh_token_the_session_goes_on_without_it() {
    let world = World::new(&passing(&json!({})));
    world.provider().lie(|lies| {
        lies.edit(Endpoint::Token, |answer| {
            answer.as_object_mut().unwrap().remove("refresh_token");
        });
    });
    let browser = signed_in(&world);
    world.host.pass(570);
    assert!(is_token(handed(&browser.visit("/")), 0));
    world.host.pass(1);
    assert_eq!(handed(&browser.visit("/")), Some(""));
    world.host.pass(1000);
    assert_eq!(handed(&browser.visit("/")), Some(""));
}

#[test]
fn a_refresh_without_an_id_token_shortens_nothing() {
    let world = World::new(&passing(&json!({})));
    let browser = signed_in(&world);
    world.provider().lie(|lies| {
        lies.edit(Endpoint::Token, |answer| {
            answer.as_object_mut().unwrap().remove("id_token");
        });
    });
    for round in 1..5 {
        world.host.pass(560);
        assert!(is_token(handed(&browser.visit("/")), round), "{round}");
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 4);
    // Neither from the store: who has an old cookie takes over what was renewed.
    world.provider().be_honest();
    world.provider().lie(|lies| lies.id_token = Some(without("nonce")));
    world.host.pass(560);
    assert!(is_token(handed(&browser.visit("/")), 5));
}

#[test]
fn a_store_that_has_it_not_costs_no_session() {
    let settings = passing(&json!({}));
    for fails in [false, true] {
        let world = World::new(&settings);
        let cookies = signed_in(&world).cookies_for("https://site.example/");
        world.host.store.borrow_mut().clear();
        world.host.faults.load.set(fails);
        let world = world.redeployed(&settings);
        let ask = || world.send(&FakeRequest::get("/").cookies(&cookies));
        for _ in 0..3 {
            assert_eq!((handed(&ask()), ask().user()), (Some(""), Some("alice")), "{fails}");
        }
        assert_eq!(world.host.take_counts().reads, 1, "{fails}: not asked each time");
        assert!(world.host.events().contains(&"access_token.missing"));
        world.host.pass(11);
        ask();
        assert_eq!(world.host.take_counts().reads, 1, "{fails}: asked again");
    }
}

#[test]
fn a_store_that_shows_the_last_one_yet_costs_no_session() {
    let settings = passing(&json!({}));
    let world = World::new(&settings);
    let browser = signed_in(&world);
    let before = world.host.store.borrow().clone();
    world.host.pass(570);
    assert!(is_token(handed(&browser.visit("/")), 1));
    let cookies = browser.cookies_for("https://site.example/");
    world.host.pass(31);
    *world.host.behind.borrow_mut() = Some(before);
    let world = world.redeployed(&settings);
    let answer = world.send(&FakeRequest::get("/").cookies(&cookies));
    assert_eq!((answer.user(), handed(&answer)), (Some("alice"), Some("")));
}

#[test]
fn who_has_signed_out_is_handed_nothing() {
    let world = World::new(&passing(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0})));
    let browser = signed_in(&world);
    let copy = browser.cookies_for("https://site.example/");
    browser.visit("/oidc_logout");
    assert_eq!(world.send(&FakeRequest::get("/").cookies(&copy)).status(), 401);
}
