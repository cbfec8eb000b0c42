//! How many sign-ins at once, how many in a row, how often, and what one costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::json;
use support::{Endpoint, FakeRequest, SESSION, World};

#[test]
fn two_tabs_finish_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let world = World::usual();
        let browser = world.browser();
        let tabs = [browser.go_to_provider("/first"), browser.go_to_provider("/second")];
        for tab in order {
            assert_eq!(browser.land(&tabs[tab]).location(), ["/first", "/second"][tab]);
        }
        assert_eq!(browser.login_cookies(), 0);
        assert_eq!(browser.visit("/").user(), Some("alice"));
    }
}

#[test]
fn no_more_than_eight_sign_ins_wait() {
    let world = World::usual();
    let browser = world.browser();
    let mut waiting = Vec::new();
    for index in 0..20 {
        waiting.push(browser.go_to_provider(&format!("/{index}")));
        world.host.pass(1);
        assert!(browser.login_cookies() <= 8, "{index}");
    }
    // The oldest gave way.
    assert_eq!(browser.land(&waiting[11]).status(), 400);
    assert_eq!(browser.land(&waiting[12]).location(), "/12");
    assert_eq!(browser.land(&waiting[19]).location(), "/19");
}

/// A page with many links would otherwise fill the browser with sign-ins, and crowd out the one that is under way.
#[test]
fn links_that_are_looked_at_ahead_begin_no_sign_in() {
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/either", "access": "login_or_token"}],
        "OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "a"}));
    let browser = world.browser();
    let callback = browser.go_to_provider("/a");
    for purpose in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"] {
        for target in ["/b", "/either", "/oidc_login?next=/b", "/oidc_account", "/oidc_resume?unsent=x"] {
            let answer = browser.send(FakeRequest::page(target).header("sec-purpose", purpose));
            assert_eq!((answer.status(), answer.set_cookies().len()), (401, 0), "{purpose} {target}");
        }
    }
    assert_eq!(browser.land(&callback).location(), "/a");
    let ahead = browser.send(FakeRequest::page("/a").header("sec-purpose", "prefetch"));
    assert_eq!(ahead.user(), Some("alice"), "a page that may be seen may be fetched ahead");
}

#[test]
fn what_a_sign_in_costs() {
    for (settings, userinfo) in [(json!({}), 1), (json!({"OIDC_USER_INFO_ENABLED": false}), 0)] {
        let world = World::new(&settings);
        world.browser().sign_in("/");
        let cold = world.host.take_counts();
        assert_eq!((cold.of(Endpoint::Metadata), cold.of(Endpoint::Jwks)), (1, 1));

        let browser = world.browser();
        let callback = browser.go_to_provider("/");
        let start = world.host.take_counts();
        assert_eq!((start.calls.len(), start.reads, start.writes), (0, 0, 0));
        browser.land(&callback);
        let warm = world.host.take_counts();
        assert_eq!((warm.of(Endpoint::Token), warm.of(Endpoint::Userinfo)), (1, userinfo), "{settings}");
        assert_eq!(warm.calls.values().sum::<usize>(), 1 + userinfo);
        assert_eq!((warm.reads, warm.writes), (1, 1), "is there a mark of this second, and the tokens");
    }
}

#[test]
fn a_browser_that_keeps_no_session_does_not_go_round_for_ever() {
    for mode in ["query", "form_post"] {
        goes_round_five_times(&World::new(&json!({"OIDC_RESPONSE_MODE": mode})));
    }
}

fn goes_round_five_times(world: &World) {
    let browser = world.browser();
    let round = || {
        let landed = browser.sign_in("/a");
        let session = browser.cookies().into_iter().find(|cookie| cookie.name == SESSION);
        browser.forget(SESSION);
        (landed.status(), session.is_some())
    };
    for _ in 0..5 {
        assert_eq!(round(), (302, true));
    }
    world.host.take_counts();
    assert_eq!(round(), (400, false));
    assert_eq!(world.host.last_event(), "sign_in.loop");
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0);
    world.host.pass(60);
    assert_eq!(round(), (302, true), "a minute later it may try again");
}

/// As after a browser's restart. What a form of the provider's brings back comes without the session cookie.
#[test]
fn tabs_that_come_back_one_after_the_other_are_no_rounds() {
    for mode in ["query", "form_post"] {
        let world = World::new(&json!({"OIDC_RESPONSE_MODE": mode}));
        let browser = world.browser();
        let tabs: Vec<_> = (0..8).map(|tab| browser.go_to_provider(&format!("/{tab}"))).collect();
        for callback in tabs {
            world.host.pass(1);
            assert_eq!(browser.land(&callback).status(), 302, "{mode}");
        }
    }
}

#[test]
fn a_browser_that_keeps_its_session_signs_in_as_often_as_it_likes() {
    let world = World::usual();
    let browser = world.browser();
    for _ in 0..12 {
        assert_eq!(browser.sign_in("/oidc_login?next=/a").status(), 302);
    }
    for _ in 0..12 {
        browser.visit("/");
        browser.visit("/oidc_logout");
        assert_eq!(browser.sign_in("/a").status(), 302);
    }
}

#[test]
fn who_asks_too_often_waits() {
    let world = World::usual();
    let browser = world.browser();
    let callback = browser.go_to_provider("/a");
    world.host.faults.rate.set(true);
    world.host.take_counts();
    for answer in [browser.visit("/"), browser.visit("/oidc_login"), browser.land(&callback)] {
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("60")));
        assert_eq!(world.host.last_event(), "request.too_many");
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(browser.fetch("/").status(), 401, "that costs nothing");
    assert!(world.host.take_counts().calls.is_empty());
    world.host.faults.rate.set(false);
    assert_eq!(browser.land(&callback).location(), "/a", "the sign-in was not used up");

    world.host.take_counts();
    let request = FakeRequest::page("/").header("cf-connecting-ip", "192.0.2.7").header("x-forwarded-for", "evil");
    world.send(&request);
    assert_eq!(world.host.take_counts().callers, ["192.0.2.7"]);
}
