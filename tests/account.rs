//! Where else a visitor is signed in, for the visitor: contract §3, `/oidc_account`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::time::Timestamp;
use serde_json::json;
use support::{Browser, FakeRequest, START, World, provider::ISSUER};

const NOWHERE: &str = "You are signed in nowhere else.";
const UNTOLD: &str = "Whether you are signed in elsewhere cannot be told here.";

/// With a store that keeps lists.
fn listing() -> World {
    let world = World::new(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0}));
    world.host.turns.set(true);
    world
}

/// Signs in a minute after whatever was before.
fn signed_in<'w>(world: &'w World, sub: &str, sid: &str) -> Browser<'w> {
    world.host.pass(60);
    let mut account = json!({"sub": sub});
    if !sid.is_empty() {
        account["sid"] = json!(sid);
    }
    *world.provider().account.borrow_mut() = account;
    world.provider().userinfo.borrow_mut()["sub"] = json!(sub);
    let browser = world.browser();
    browser.sign_in("/");
    browser
}

fn page(browser: &Browser<'_>) -> String {
    let answer = browser.visit("/oidc_account");
    assert_eq!(answer.status(), 200);
    answer.body().to_owned()
}

/// The beginnings of the other sessions, in minutes from the start.
fn others(browser: &Browser<'_>) -> Vec<i64> {
    let page = page(browser);
    let listed = page.split("<li>").skip(1).map(|item| item.split(',').next().unwrap());
    let minute = |text: &str| {
        (0..1000)
            .find(|minute| text == format!("Since {}", Timestamp::from_unix(START + 60 * minute).to_utc_text()))
            .unwrap()
    };
    listed.map(minute).collect()
}

#[test]
fn other_sessions_are_listed_as_long_as_they_last() {
    let world = listing();
    let first = signed_in(&world, "alice", "");
    assert!(page(&first).contains(NOWHERE));
    let second = signed_in(&world, "alice", "two");
    let third = signed_in(&world, "alice", "three");
    let bob = signed_in(&world, "bob", "four");
    assert_eq!([&first, &second, &third].map(others), [vec![3, 2], vec![3, 1], vec![2, 1]]);
    assert!(page(&bob).contains(NOWHERE), "others are nobody's business");

    third.visit("/oidc_logout");
    assert_eq!(others(&first), [2], "signed out there");
    world.send(&FakeRequest::get(&format!("/oidc_frontchannel_logout?iss={ISSUER}&sid=two")));
    assert_eq!(others(&first), [0_i64; 0], "ended by the provider");
    let fourth = signed_in(&world, "alice", "two");
    assert_eq!(others(&first), [5], "a new one of the same session at the provider");

    fourth.send(FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example"));
    assert_eq!(first.visit("/oidc_account").status(), 302);
    let fifth = signed_in(&world, "alice", "");
    assert!(page(&fifth).contains(NOWHERE));
}

#[test]
fn a_session_that_is_over_by_itself_is_not_listed() {
    let world = listing();
    signed_in(&world, "alice", "");
    world.host.pass(604_799);
    let second = world.browser();
    second.sign_in("/");
    assert_eq!(others(&second), [1]);
    world.host.pass(1);
    assert!(page(&second).contains(NOWHERE));
}

#[test]
fn what_the_store_cannot_tell_is_not_made_up() {
    let world = World::usual();
    let browser = signed_in(&world, "alice", "");
    assert!(page(&browser).contains(UNTOLD), "KV keeps no lists");
    let world = World::usual();
    world.host.turns.set(true);
    let browser = signed_in(&world, "alice", "");
    world.host.faults.load.set(true);
    assert!(page(&browser).contains(UNTOLD), "it is down");
    assert!(world.host.events().contains(&"store.load_failed"));
}

#[test]
fn the_list_says_nothing_to_whoever_copies_the_store() {
    let world = listing();
    signed_in(&world, "alice", "a-session-at-the-provider");
    let lists = world.host.lists();
    assert!(!lists.is_empty());
    for hidden in ["alice", "a-session-at-the-provider", "1800000060"] {
        assert!(!lists.contains(hidden), "{hidden}");
    }
    let entries = world.host.store.borrow();
    assert!(entries.keys().all(|key| !lists.contains(&key[2..])), "no list leads to an entry");
}

#[test]
fn a_store_that_keeps_no_list_costs_no_sign_in() {
    let world = listing();
    world.host.faults.save.set(true);
    let browser = signed_in(&world, "alice", "");
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn who_signs_in_within_the_second_of_signing_out_everywhere_stays() {
    let world = listing();
    let before = signed_in(&world, "alice", "");
    let there = world.browser();
    there.sign_in("/");
    let copy = there.cookies_for("https://site.example/");
    before.send(FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example"));
    let after = world.browser();
    after.sign_in("/");
    for seconds in [0, 1, 100] {
        world.host.pass(seconds);
        assert_eq!(after.visit("/").user(), Some("alice"), "{seconds}");
        assert_eq!(world.send(&FakeRequest::get("/").cookies(&copy)).status(), 401, "of the same second, but before");
    }
}
