//! How long an open connection lasts: as long as a request with the same cookie would be served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{origin::Lasts, time::Timestamp};
use serde_json::{Value, json};
use support::{Endpoint, FakeRequest, World, block_on};

const PAGE: &str = "https://site.example/";

/// A world with these settings, the cookies of somebody in it, and nothing counted yet.
fn signed_in(settings: &Value) -> (World, String) {
    let world = World::new(settings);
    let cookies = world.alice().cookies_for(PAGE);
    world.host.take_counts();
    (world, cookies)
}

/// In how many seconds the connection is looked at again; 0: it is closed.
fn look(world: &World, cookies: &str) -> u64 {
    block_on(world.gateway.look(&world.host, cookies)).map_or(0, |next| next.as_secs())
}

#[test]
fn it_is_looked_at_when_a_request_would_be_checked() {
    let (world, cookies) = signed_in(&json!({}));
    assert_eq!((look(&world, &cookies), world.host.take_counts().reads), (60, 0));
    world.host.pass(20);
    assert_eq!((look(&world, &cookies), world.host.take_counts().reads), (40, 0));
    world.host.pass(40);
    assert_eq!((look(&world, &cookies), world.host.take_counts().reads), (60, 3));
    let (world, cookies) = signed_in(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0}));
    assert_eq!((look(&world, &cookies), world.host.take_counts().reads), (1, 3), "each second");
}

#[test]
fn it_ends_with_the_session() {
    let hour = json!({"OIDC_ID_TOKEN_COOKIE_TTL": 1800, "OIDC_SESSION_CHECK_INTERVAL": 86400});
    let idle = json!({"OIDC_SESSION_IDLE_TTL": 900, "OIDC_SESSION_CHECK_INTERVAL": 86400});
    for (settings, lasts) in [(json!({"OIDC_SESSION_CHECK_INTERVAL": 86400}), 3660), (hour, 1800), (idle, 900)] {
        let (world, cookies) = signed_in(&settings);
        assert_eq!(look(&world, &cookies), lasts, "{settings}");
        world.host.pass(i64::try_from(lasts).unwrap() - 1);
        assert_eq!(look(&world, &cookies), 1, "{settings}");
        world.host.pass(1);
        assert_eq!(look(&world, &cookies), 0, "{settings}");
    }
    assert_eq!(look(&World::usual(), ""), 0);
    assert_eq!(look(&World::usual(), "__Host-oidc_id_token=1junk"), 0);
}

#[test]
fn it_goes_on_with_what_a_request_has_renewed_and_renews_nothing() {
    let world = World::usual();
    let browser = world.alice();
    let cookies = browser.cookies_for(PAGE);
    world.host.pass(3580);
    world.host.take_counts();
    assert_eq!(look(&world, &cookies), 60);
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "that is for requests to do");
    browser.visit("/");
    world.host.pass(80);
    assert!(look(&world, &cookies) > 0);
    let other = World::usual();
    let cookies = other.alice().cookies_for(PAGE);
    other.host.pass(3660);
    assert_eq!(look(&other, &cookies), 0, "nobody has");
}

#[test]
fn it_ends_when_the_session_was_ended_elsewhere() {
    for ending in ["/oidc_logout", "everywhere", "/oidc_frontchannel_logout?iss=https://idp.example&sid=one"] {
        let settings = json!({"OIDC_SESSION_CHECK_INTERVAL": 30});
        let world = World::new(&settings);
        world.provider().account.borrow_mut()["sid"] = json!("one");
        let browser = world.alice();
        let cookies = browser.cookies_for(PAGE);
        assert_eq!(look(&world, &cookies), 30, "{ending}");
        match ending {
            "everywhere" => {
                let form = FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example");
                assert_eq!(browser.send(form).status(), 302);
            }
            path => assert!([200, 302].contains(&browser.visit(path).status())),
        }
        let world = world.redeployed(&settings);
        world.host.pass(30);
        assert_eq!(look(&world, &cookies), 0, "{ending}");
    }
}

#[test]
fn a_store_that_is_down_is_forgiven_as_for_requests() {
    let (world, cookies) = signed_in(&json!({}));
    world.host.faults.load.set(true);
    for _ in 0..9 {
        world.host.pass(60);
        assert_eq!(look(&world, &cookies), 60, "not more often for that");
    }
    world.host.pass(60);
    assert_eq!(look(&world, &cookies), 0);
}

#[test]
fn what_lasts_how_long() {
    let rules = json!([
        {"path": "/open", "access": "public"}, {"path": "/maybe", "access": "optional"}, {"path": "/*", "access": "login"},
    ]);
    let (world, cookies) = signed_in(&json!({"OIDC_RULES": rules}));
    let lasts = |target: &str, cookies: &str| world.send(&FakeRequest::get(target).cookies(cookies)).forward().lasts;
    for (target, with, without) in [
        ("/open", Lasts::AtWill, Some(Lasts::AtWill)),
        ("/maybe", Lasts::WithSession, Some(Lasts::AtWill)),
        ("/", Lasts::WithSession, None),
    ] {
        assert_eq!(lasts(target, &cookies), with, "{target}");
        assert!(without.is_none_or(|expected| lasts(target, "") == expected), "{target}");
    }
    let world = World::new(&json!({"OIDC_ENABLED": false}));
    let page = world.send(&FakeRequest::get("http://localhost/"));
    assert_eq!((page.user(), page.forward().lasts), (Some("testing"), Lasts::AtWill), "it has no session");
}

#[test]
fn one_that_was_opened_with_a_token_ends_with_it() {
    let rules = json!([{"path": "/both", "access": "login_or_token"}, {"path": "/*", "access": "token"}]);
    let ends_after = |seconds: i64| Lasts::Until(Timestamp::from_unix(support::START + seconds));
    for (is_jwt, exp, skew, lasts) in [
        (true, Some(600), 0, ends_after(600)),
        // A request is served until the leeway is over.
        (true, Some(600), 60, ends_after(660)),
        (false, Some(20), 0, ends_after(20)),
        (false, Some(20), 60, ends_after(80)),
        // RFC 7662 §2.2: `exp` is optional.
        (false, None, 0, Lasts::AtWill),
    ] {
        let case = format!("a JWT: {is_jwt}, exp: {exp:?}, skew: {skew}");
        let kind = if is_jwt { json!({"OIDC_AUDIENCE": "https://api.example"}) } else { json!({}) };
        let mut settings = json!({"OIDC_RULES": rules, "OIDC_CLOCK_SKEW": skew});
        settings.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        let world = World::new(&settings);
        world.provider().introspects.set(!is_jwt);
        let cookies = world.alice().cookies_for(PAGE);
        let end = exp.map(|exp| support::START + exp);
        let token = if is_jwt {
            world.provider().access_token(support::START, "at+jwt", &json!({"exp": end}))
        } else {
            let answer = end.map_or_else(|| json!({"sub": "a"}), |end| json!({"sub": "a", "exp": end}));
            world.provider().opaque("opaque-token", &answer);
            "opaque-token".to_owned()
        };
        let ask = |target: &str| FakeRequest::get(target).header("authorization", &format!("Bearer {token}"));
        for target in ["/", "/both"] {
            assert_eq!(world.send(&ask(target)).forward().lasts, lasts, "{target}, {case}");
        }
        let by_session = world.send(&FakeRequest::get("/both").cookies(&cookies));
        assert_eq!(by_session.forward().lasts, Lasts::WithSession, "{case}");
        let Lasts::Until(end) = lasts else { continue };
        world.host.pass(end.as_unix() - support::START - 1);
        assert!(world.send(&ask("/")).is_forward(), "{case}");
        world.host.pass(1);
        assert_eq!(world.send(&ask("/")).status(), 401, "and so does a request, {case}");
    }
}

#[test]
fn the_operator_is_told_whose_side_was_too_slow() {
    let (world, cookies) = signed_in(&json!({}));
    for (is_visitor, fault) in [(true, "visitor"), (false, "origin")] {
        world.gateway.tell_too_slow(&world.host, &FakeRequest::get("/chat").cookies(&cookies), is_visitor);
        let line: Value = serde_json::from_str(world.host.lines().last().unwrap()).unwrap();
        assert_eq!((&line["event"], &line["fault"]), (&json!("live.too_slow"), &json!(fault)));
        assert!(line["subject"].is_string(), "{line}");
    }
}
