//! What was renewed is not lost: neither by a store that takes nothing, nor by an answer that lets nobody pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use std::rc::Rc;

use serde_json::json;
use support::{Answer, Browser, Endpoint, FakeRequest, World, gateway, mint::claim, send};

const PAGE: &str = "https://site.example/";

fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/oidc_login");
    browser.visit("/");
    browser
}

fn ask(world: &World, cookies: &str) -> Answer {
    world.send(&FakeRequest::get("/").cookies(cookies))
}

/// The ID token is nearly over.
fn due(world: &World) {
    world.host.pass(3580);
    world.host.take_counts();
}

/// The provider's count of refresh tokens that were used when they were none any more.
fn refused(world: &World) -> usize {
    world.host.events().iter().filter(|event| **event == "refresh.invalid_grant").count()
}

#[test]
fn tokens_that_wait_for_the_store_are_the_ones_that_count() {
    for turns in [false, true] {
        let world = World::usual();
        world.host.turns.set(turns);
        let browser = signed_in(&world);
        let old = browser.cookies_for(PAGE);
        due(&world);
        world.host.faults.save.set(true);
        assert_eq!(browser.visit("/").user(), Some("alice"));
        // The rest of the page, which was asked for with the old cookie.
        let late = ask(&world, &old);
        assert!(late.touches_session(), "{turns}: it takes over what waits");
        // Hours later, with either cookie.
        for round in 0..3 {
            due(&world);
            assert_eq!(browser.fetch("/").user(), Some("alice"), "{turns} {round}");
            assert_eq!(ask(&world, &old).user(), Some("alice"), "{turns} {round}");
            assert_eq!(world.host.take_counts().of(Endpoint::Token), 1, "{turns} {round}");
        }
        assert_eq!(refused(&world), 0, "no refresh token is used twice");
    }
}

#[test]
fn signing_out_revokes_the_refresh_token_that_waits_for_the_store() {
    let world = World::usual();
    world.provider().revokes.set(true);
    let browser = signed_in(&world);
    due(&world);
    world.host.faults.save.set(true);
    browser.visit("/");
    assert_eq!(world.provider().refresh_tokens(), 1);
    browser.visit("/oidc_logout");
    assert_eq!(world.provider().refresh_tokens(), 0);
}

#[test]
fn what_waits_is_not_written_over_what_is_newer() {
    let world = World::usual();
    world.provider().rotates.set(false);
    let browser = signed_in(&world);
    let copy = browser.cookies_for(PAGE);
    due(&world);
    world.host.faults.save.set(true);
    browser.visit("/");
    world.host.faults.save.set(false);
    // Elsewhere, somebody has renewed meanwhile.
    world.host.pass(60);
    let elsewhere = gateway(&json!({}));
    assert!(send(&elsewhere, &world.host, &FakeRequest::get("/").cookies(&copy)).touches_session());
    let newer = world.host.store.borrow().clone();
    browser.visit("/");
    assert_eq!(*world.host.store.borrow(), newer);
}

#[test]
fn who_may_not_see_a_page_has_the_renewed_session_all_the_same() {
    let rules = json!([
        {"path": "/staff", "access": "login", "claims": {"groups": "admins"}},
        {"path": "/strong", "access": "login", "acr_values": ["strong"]},
        {"path": "/*", "access": "login"},
    ]);
    for target in ["/staff", "/strong"] {
        let world = World::new(&json!({"OIDC_RULES": rules}));
        let browser = signed_in(&world);
        due(&world);
        let answer = browser.visit(target);
        assert_ne!(answer.status(), 0, "{target}");
        assert!(answer.touches_session(), "{target}");
        world.host.take_counts();
        assert_eq!(browser.visit("/").user(), Some("alice"), "{target}");
        assert_eq!(world.host.take_counts().reads, 0, "{target}: nothing is left to take over");
        // A script is told, too.
        due(&world);
        let answer = browser.fetch(target);
        assert!([401, 403].contains(&answer.status()) && answer.touches_session(), "{target}");
    }
}

#[test]
fn who_may_come_in_no_more_does_not_come_in_by_asking_again() {
    let world = World::new(&json!({"OIDC_REQUIRE_VERIFIED_EMAIL": true}));
    let browser = signed_in(&world);
    due(&world);
    world.provider().lie(|lies| lies.id_token = Some(claim("email_verified", json!(false))));
    for round in 0..3 {
        assert_eq!(browser.fetch("/").status(), 401, "{round}");
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 1, "and the provider is asked once");
}

#[test]
fn a_sign_out_that_was_not_recorded_is_not_undone_by_a_late_renewal() {
    let world = Rc::new(World::usual());
    let browser = signed_in(&world);
    let cookies = browser.cookies_for(PAGE);
    due(&world);
    let inner = Rc::clone(&world);
    let logout = FakeRequest::page("/oidc_logout").cookies(&cookies);
    world.host.meanwhile(Endpoint::Token, move |host| {
        host.faults.save.set(true);
        send(&inner.gateway, host, &logout);
        host.faults.save.set(false);
    });
    let late = ask(&world, &cookies);
    assert_eq!(late.status(), 401);
    assert!(late.set_cookies().is_empty());
}

#[test]
fn a_session_that_is_ended_for_its_subject_while_it_is_renewed_sets_no_cookie() {
    let world = Rc::new(World::usual());
    let cookies = signed_in(&world).cookies_for(PAGE);
    let elsewhere = signed_in(&world).cookies_for(PAGE);
    due(&world);
    let inner = Rc::clone(&world);
    let everywhere = FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example");
    world.host.meanwhile(Endpoint::Token, move |host| {
        send(&inner.gateway, host, &everywhere.cookies(&elsewhere));
    });
    let late = ask(&world, &cookies);
    assert_eq!(late.status(), 401);
    assert!(late.set_cookies().is_empty());
}

#[test]
fn what_is_renewed_while_somebody_signs_out_is_revoked() {
    for turns in [false, true] {
        let world = Rc::new(World::usual());
        world.host.turns.set(turns);
        world.provider().revokes.set(true);
        let cookies = signed_in(&world).cookies_for(PAGE);
        due(&world);
        let (inner, logout) = (Rc::clone(&world), FakeRequest::page("/oidc_logout").cookies(&cookies));
        world.host.meanwhile(Endpoint::Userinfo, move |host| drop(send(&inner.gateway, host, &logout)));
        assert_eq!(ask(&world, &cookies).status(), 401, "{turns}");
        assert_eq!(world.provider().refresh_tokens(), 0, "{turns}");
    }
}

// Workers KV: one write of a key in a second.
#[test]
fn what_waits_takes_no_write_from_what_is_newer() {
    let world = World::usual();
    let browser = signed_in(&world);
    due(&world);
    world.host.faults.save.set(true);
    browser.visit("/");
    world.host.faults.save.set(false);
    due(&world);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    assert_eq!(world.host.take_counts().writes, 1, "the new one alone");
}

#[test]
fn what_waits_here_and_what_was_stored_elsewhere_may_both_be_over() {
    let world = World::usual();
    world.provider().rotates.set(false);
    let browser = signed_in(&world);
    let old = browser.cookies_for(PAGE);
    due(&world);
    world.host.faults.save.set(true);
    ask(&world, &old);
    world.host.faults.save.set(false);
    due(&world);
    let elsewhere = gateway(&json!({}));
    assert!(send(&elsewhere, &world.host, &FakeRequest::get("/").cookies(&old)).touches_session());
    world.host.pass(3700);
    assert_eq!(ask(&world, &old).user(), Some("alice"), "the refresh token is good");
}
