//! The verdict alone, for a proxy that asks before it serves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Browser, FakeRequest, World};

fn rules() -> Value {
    json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"},
        {"path": "/maybe/*", "access": "optional"},
        {"path": "/never", "access": "deny"},
        {"path": "/form", "methods": ["GET"], "access": "public"},
        {"path": "/boss/*", "access": "login", "claims": {"groups": "boss"}},
        {"path": "/gold/*", "access": "login", "acr_values": ["gold"]},
        {"path": "/api/*", "access": "token"},
        {"path": "/either/*", "access": "login_or_token"},
    ]})
}

/// What a proxy hears that asks about a request in these words.
fn ask(browser: &Browser<'_>, words: &[(&str, &str)]) -> Answer {
    let request = FakeRequest::get("/oidc_auth").header("accept", "text/html").header("x-forwarded-user", "mallory");
    browser.send(words.iter().fold(request, |request, (name, word)| request.header(name, word)))
}

/// The status, and the user that it names.
fn verdict(answer: &Answer) -> (u16, Option<&str>) {
    assert_eq!(answer.header("location").is_some(), answer.status() == 401);
    assert_eq!(answer.body().is_empty(), answer.status() == 204);
    (answer.status(), answer.header("x-forwarded-user"))
}

const ALICE: Option<&str> = Some("alice");

#[test]
fn by_the_rule_of_what_was_asked_for() {
    let world = World::new(&rules());
    let (stranger, alice) = (world.browser(), world.alice());
    for (target, method, for_stranger, for_alice) in [
        ("/", "GET", (401, None), (204, ALICE)),
        ("/a?b=/public/c", "POST", (401, None), (204, ALICE)),
        ("/public/a", "GET", (204, None), (204, None)),
        ("/maybe/a", "GET", (204, None), (204, ALICE)),
        ("/never", "GET", (403, None), (403, None)),
        ("/form", "GET", (204, None), (204, None)),
        ("/form", "HEAD", (204, None), (204, None)),
        ("/form", "POST", (401, None), (204, ALICE)),
        ("/boss/a", "GET", (401, None), (403, None)),
        ("/gold/a", "GET", (401, None), (401, None)),
        // What has two readings, and what is ours.
        ("/public/../a", "GET", (403, None), (403, None)),
        ("/public/%2e%2e/a", "GET", (403, None), (403, None)),
        ("/public/;/x//y", "GET", (204, None), (204, None)),
        ("/public;a/../../b", "GET", (403, None), (403, None)),
        ("/oidc_login", "GET", (403, None), (403, None)),
        ("/oidc_auth", "GET", (403, None), (403, None)),
        ("public/a", "GET", (403, None), (403, None)),
        ("", "GET", (403, None), (403, None)),
        ("*", "OPTIONS", (403, None), (403, None)),
    ] {
        for names in [["x-original-uri", "x-original-method"], ["x-forwarded-uri", "x-forwarded-method"]] {
            let words = [(names[0], target), (names[1], method)];
            let (stranger, alice) = (ask(&stranger, &words), ask(&alice, &words));
            assert_eq!((verdict(&stranger), verdict(&alice)), (for_stranger, for_alice), "{method} {target}");
        }
    }
    let whole = [("x-original-url", "https://app.example/boss/a"), ("x-original-method", "GET")];
    assert_eq!(verdict(&ask(&alice, &whole)), (403, None));
    assert_eq!(verdict(&ask(&alice, &[("x-original-url", "https://app.example")])), (204, ALICE));
}

#[test]
fn about_nothing_it_tells_who_is_signed_in() {
    let world = World::new(&rules());
    let alice = ask(&world.alice(), &[]);
    assert_eq!(verdict(&alice), (204, ALICE));
    assert_eq!(alice.header("x-forwarded-email"), Some("alice@example.org"));
    assert_eq!(verdict(&ask(&world.browser(), &[])), (401, None));
}

#[test]
fn what_a_visitor_says_beside_the_proxy_is_never_believed() {
    let world = World::new(&rules());
    let alice = world.alice();
    for words in [
        &[("x-original-uri", "/boss/a"), ("x-forwarded-uri", "/public/a")][..],
        &[("x-forwarded-uri", "/boss/a"), ("x-original-uri", "/public/a")],
        &[("x-original-uri", "/boss/a"), ("x-original-url", "https://app.example/public/a")],
        &[("x-original-uri", "/form"), ("x-original-method", "POST"), ("x-forwarded-method", "GET")],
        // Twice under one name.
        &[("x-original-uri", "/public/a"), ("x-original-uri", "/boss/a")],
        &[("x-original-uri", "/form"), ("x-original-method", "GET"), ("x-original-method", "POST")],
        // The proxy has not said how, and it matters.
        &[("x-original-uri", "/form")],
    ] {
        assert_eq!(verdict(&ask(&alice, words)), (403, None), "{words:?}");
        assert_eq!(world.host.last_event(), "forward_auth.unclear");
    }
    let agreed = [("x-original-uri", "/a"), ("x-forwarded-uri", "/a"), ("x-forwarded-method", "GET")];
    assert_eq!(verdict(&ask(&alice, &agreed)), (204, ALICE));
    assert_eq!(verdict(&ask(&alice, &[("x-original-uri", "/a")])), (204, ALICE));
}

#[test]
fn the_way_in_is_told_and_nobody_is_sent_there() {
    let world = World::new(&rules());
    let words = [("x-forwarded-uri", "/a?b=\"c"), ("x-forwarded-method", "GET")];
    let page = ask(&world.browser(), &words);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body().contains("href=\"/oidc_login?next=%2Fa%3Fb%3D%22c\""), "{}", page.body());
    assert!(page.set_cookies().is_empty());
    assert_eq!(page.location(), "/oidc_login?next=%2Fa%3Fb%3D%22c");
    let script = words.iter().fold(FakeRequest::get("/oidc_auth"), |request, (name, word)| request.header(name, word));
    let answer = world.send(&script);
    assert_eq!((answer.status(), answer.json()["login_url"].as_str()), (401, Some("/oidc_login?next=%2Fa%3Fb%3D%22c")));
    assert_eq!(world.host.take_counts().callers.len(), 0, "no sign-in was begun");
}

#[test]
fn a_session_that_was_renewed_comes_along() {
    let world = World::usual();
    let alice = world.alice();
    world.host.pass(3580);
    let answer = ask(&alice, &[]);
    assert_eq!(verdict(&answer), (204, ALICE));
    assert!(answer.touches_session());
    assert_eq!(world.send(&FakeRequest::post("/oidc_auth", "")).status(), 405);
}

#[test]
fn tokens_are_asked_for_where_they_count() {
    let world = World::new(&rules());
    let (stranger, alice) = (world.browser(), world.alice());
    let api = ask(&alice, &[("x-original-uri", "/api/a")]);
    assert_eq!((api.status(), api.header("location")), (401, None));
    assert!(api.header("www-authenticate").unwrap().starts_with("Bearer "));
    let either = [("x-original-uri", "/either/a"), ("x-original-method", "GET")];
    assert_eq!(verdict(&ask(&alice, &either)), (204, ALICE));
    assert_eq!(ask(&stranger, &either).location(), "/oidc_login?next=%2Feither%2Fa");
    let script = either.iter().fold(FakeRequest::get("/oidc_auth"), |request, (name, word)| request.header(name, word));
    assert!(world.send(&script).header("www-authenticate").is_some());
}
