//! Signing in once more, because a rule asks for a stronger or a fresher sign-in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Browser, FakeRequest, SITE, World};

fn rules() -> Value {
    json!({"OIDC_RULES": [
        {"path": "/gold/*", "access": "login", "acr_values": ["gold", "platinum"]},
        {"path": "/fresh/*", "access": "login", "max_age": 300},
        {"path": "/both/*", "access": "login", "acr_values": ["gold"], "max_age": 60},
        {"path": "/pay", "methods": ["POST"], "access": "login", "acr_values": ["gold"]},
    ]})
}

/// What a redirect to the provider asks for: `acr_values` and `max_age`.
fn asked(answer: &Answer) -> (Option<String>, Option<String>) {
    let location = url::Url::parse(answer.location()).unwrap();
    let value =
        |name: &str| location.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned());
    (value("acr_values"), value("max_age"))
}

/// From then on the provider says this of how and when `seconds` ago somebody signed in.
fn says(world: &World, acr: &str, seconds: i64) {
    let mut account = world.provider().account.borrow_mut();
    account["acr"] = json!(acr);
    account["auth_time"] = json!(world.host.unix() - seconds);
}

fn back_from_provider(browser: &Browser<'_>, world: &World, answer: &Answer) -> Answer {
    browser.land(&world.provider().authorize(answer.location()))
}

#[test]
fn once_with_what_the_rule_asks_for() {
    for (path, parameters, weak, strong) in [
        ("/gold/a?b", (Some("gold platinum"), None), ("bronze", 0), ("platinum", 9999)),
        ("/fresh/a", (None, Some("300")), ("bronze", 301), ("bronze", 300)),
        ("/both/a", (Some("gold"), Some("60")), ("gold", 61), ("gold", 0)),
        ("/both/a", (Some("gold"), Some("60")), ("bronze", 0), ("gold", 0)),
    ] {
        let world = World::new(&rules());
        says(&world, weak.0, weak.1);
        let browser = world.alice();
        assert_eq!(browser.visit("/").user(), Some("alice"));
        let sent = browser.visit(path);
        let parameters = (parameters.0.map(str::to_owned), parameters.1.map(str::to_owned));
        assert_eq!(asked(&sent), parameters, "{path}");
        says(&world, strong.0, strong.1);
        let old = browser.session();
        let back = back_from_provider(&browser, &world, &sent);
        assert_eq!((back.status(), back.location()), (302, path));
        assert_ne!(browser.session(), old, "a new session");
        assert_eq!(browser.visit(path).user(), Some("alice"));
        assert_eq!(browser.visit("/").user(), Some("alice"));
    }
}

#[test]
fn who_is_nobody_yet_signs_in_like_that_at_once() {
    let world = World::new(&rules());
    let browser = world.browser();
    let sent = browser.visit("/gold/a");
    assert_eq!(asked(&sent), (Some("gold platinum".to_owned()), None));
    says(&world, "gold", 0);
    assert_eq!(back_from_provider(&browser, &world, &sent).location(), "/gold/a");
    assert!(browser.visit("/gold/a").is_forward());
    assert_eq!(asked(&world.browser().visit("/")), (None, None));
}

#[test]
fn still_short_is_403_and_nothing_changes() {
    for (acr, seconds) in [("bronze", 0), ("", 0), ("goldplatinum", 0)] {
        let world = World::new(&rules());
        let (alice, stranger) = (world.alice(), world.browser());
        let session = alice.session();
        for browser in [&alice, &stranger] {
            let sent = browser.visit("/gold/a");
            says(&world, acr, seconds);
            let back = back_from_provider(browser, &world, &sent);
            assert_eq!((back.status(), world.host.last_event()), (403, "sign_in.too_weak"));
            assert!(!back.touches_session());
            assert!(back.body().contains("/oidc_login?next=%2Fgold%2Fa"), "{}", back.body());
        }
        assert_eq!(alice.session(), session);
        assert_eq!(alice.visit("/").user(), Some("alice"));
        assert_eq!(stranger.session(), None);
    }
    // What userinfo says of it counts for nothing.
    let world = World::new(&rules());
    *world.provider().userinfo.borrow_mut() = json!({"sub": "alice", "acr": "gold", "auth_time": 1});
    let browser = world.browser();
    let sent = browser.visit("/gold/a");
    assert_eq!(back_from_provider(&browser, &world, &sent).status(), 403);
}

#[test]
fn a_sign_in_grows_old() {
    let world = World::new(&rules());
    says(&world, "gold", 0);
    let alice = world.alice();
    assert!(alice.visit("/fresh/a").is_forward());
    world.host.pass(300);
    assert!(alice.visit("/fresh/a").is_forward());
    world.host.pass(1);
    assert_eq!(asked(&alice.visit("/fresh/a")), (None, Some("300".to_owned())));
    assert!(alice.visit("/gold/a").is_forward());
}

#[test]
fn a_provider_that_is_never_fresh_enough_is_not_asked_for_ever() {
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "login", "max_age": 1}]}));
    let alice = world.alice();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        world.host.pass(2);
        let sent = alice.visit("/a");
        assert_eq!(sent.status(), 302);
        // It says that the sign-in is of now, and the way back takes too long.
        says(&world, "gold", 0);
        statuses.push(back_from_provider(&alice, &world, &sent).status());
    }
    assert_eq!(statuses.last(), Some(&400), "{statuses:?}");
    assert_eq!(world.host.last_event(), "sign_in.loop");
}

#[test]
fn a_script_is_told_where_to_go() {
    let world = World::new(&rules());
    let alice = world.alice();
    let answer = alice.fetch("/gold/a?b");
    assert_eq!(answer.status(), 401);
    let expected =
        json!({"error": "insufficient_user_authentication", "login_url": "/oidc_login?next=%2Fgold%2Fa%3Fb"});
    assert_eq!(answer.json(), expected);
    assert_eq!(asked(&alice.visit("/oidc_login?next=%2Fgold%2Fa%3Fb")).0.as_deref(), Some("gold platinum"));
    // The page itself asks for nothing, but what is done there does.
    let answer = alice.send(FakeRequest::post("/pay", "").header("origin", SITE));
    assert_eq!(answer.status(), 401);
    let login = answer.json()["login_url"].as_str().unwrap().to_owned();
    assert_eq!(asked(&alice.visit(&login)).0.as_deref(), Some("gold"));
    assert!(alice.visit("/pay").is_forward());
    assert_eq!(asked(&alice.visit("/oidc_login?next=/else")), (None, None));
    assert_eq!(asked(&alice.visit("/oidc_login")), (None, None));
}

#[test]
fn a_refresh_keeps_how_somebody_signed_in() {
    let world = World::new(&json!({"OIDC_RULES": [
        {"path": "/both", "access": "login", "acr_values": ["gold"], "max_age": 4000, "claims": {"amr": "otp"}},
    ]}));
    says(&world, "gold", 0);
    world.provider().account.borrow_mut()["amr"] = json!(["pwd", "otp"]);
    let alice = world.alice();
    // The provider's later ID tokens say nothing of it (OIDC Core §12.2).
    for name in ["acr", "amr", "auth_time"] {
        world.provider().account.borrow_mut().as_object_mut().unwrap().remove(name);
    }
    world.host.pass(3580);
    assert!(alice.visit("/both").is_forward());
    assert_eq!(world.host.last_event(), "refresh.finished");
    assert!(alice.visit("/both").is_forward());
    world.host.pass(421);
    assert_eq!(asked(&alice.visit("/both")).1.as_deref(), Some("4000"));
}

#[test]
fn a_testing_profile_does_not_go_round() {
    let settings = json!({
        "OIDC_ENABLED": false, "OIDC_RULES": rules()["OIDC_RULES"], "OIDC_COOKIE_SECURE": false,
    });
    let world = World::new(&settings);
    assert_eq!(world.send(&FakeRequest::page("http://localhost/gold/a")).status(), 403);
    assert_eq!(world.send(&FakeRequest::page("http://localhost/")).user(), Some("testing"));
}

#[test]
fn what_a_token_must_be_like_is_not_asked_of_a_sign_in() {
    for (access, expected) in [("token", None), ("login_or_token", Some("gold".to_owned()))] {
        let rule = json!({"path": "/api/*", "access": access, "acr_values": ["gold"]});
        let world = World::new(&json!({"OIDC_RULES": [rule], "OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "api"}));
        let sent = world.browser().visit("/oidc_login?next=%2Fapi%2Fa");
        assert_eq!(asked(&sent).0, expected, "{access}");
    }
}
