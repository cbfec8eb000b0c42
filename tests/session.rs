//! A session: how long it lasts, what opens it, what does not, and how much fits into it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use support::{Browser, FakeRequest, SESSION, World, mint::claim, vectors::rows};

const KEY: &str = "a-test-key-of-at-least-32-bytes-length";
const NEW_KEY: &str = "another-test-key-of-at-least-32-bytes";

/// Whether the browser is somebody after these seconds, whatever it should have forgotten.
fn lasts(settings: &Value, exp_after: i64, seconds: i64) -> bool {
    let world = World::new(settings);
    let exp = world.host.unix() + exp_after;
    world.provider().lie(|lies| lies.id_token = Some(claim("exp", json!(exp))));
    world.provider().refresh_nothing();
    let browser = world.browser();
    assert_eq!(browser.sign_in("/").status(), 302);
    browser.keep_for_ever();
    world.host.pass(seconds);
    let answer = browser.visit("/");
    assert!(answer.is_forward() || answer.status() == 302);
    answer.is_forward()
}

#[test]
fn a_session_ends_by_the_clock_whatever_the_browser_keeps() {
    let ttl = |ttl: i64| json!({"OIDC_ID_TOKEN_COOKIE_TTL": ttl});
    let cookie = |ttl: i64| json!({"OIDC_ID_TOKEN_COOKIE_TTL": ttl, "OIDC_SESSION_EXPIRY": "cookie"});
    for (settings, exp_after, last) in [
        // With the ID token, and the leeway it was accepted with.
        (json!({}), 3600, 3659),
        (json!({"OIDC_CLOCK_SKEW": 0}), 3600, 3599),
        (json!({"OIDC_CLOCK_SKEW": 600}), 3600, 4199),
        (json!({}), 10_000_000, 604_799),
        (ttl(100), 3600, 99),
        (ttl(10_000), 3600, 3659),
        // With the cookie alone.
        (cookie(100), 3600, 99),
        (cookie(10_000), 3600, 9999),
        (json!({"OIDC_SESSION_EXPIRY": "cookie"}), 3600, 604_799),
        (json!({"OIDC_SESSION_IDLE_TTL": 50}), 3600, 49),
    ] {
        assert!(lasts(&settings, exp_after, 0), "{settings}");
        assert!(lasts(&settings, exp_after, last), "{settings}");
        for later in [1, 2, 1_000_000] {
            assert!(!lasts(&settings, exp_after, last + later), "{settings} {later}");
        }
    }
}

#[test]
fn a_session_that_is_over_is_nobodys_everywhere() {
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/maybe", "access": "optional"}]}));
    world.provider().refresh_nothing();
    let browser = world.browser();
    browser.sign_in("/");
    browser.keep_for_ever();
    world.host.pass(100_000);
    assert_eq!(browser.visit("/maybe").user(), None);
    assert_eq!(browser.fetch("/oidc_userinfo").status(), 401);
    assert_eq!(browser.fetch("/").status(), 401);
    assert_eq!(browser.visit("/").status(), 302);
}

#[test]
fn what_opens_a_session_after_a_deployment() {
    for (settings, opens) in [
        (json!({}), true),
        (json!({"OIDC_SECRET_KEY": [NEW_KEY, KEY]}), true),
        (json!({"OIDC_SECRET_KEY": [KEY, NEW_KEY]}), true),
        (json!({"OIDC_SECRET_KEY": format!("[\"{NEW_KEY}\", \"{KEY}\"]")}), true),
        (json!({"OIDC_SECRET_KEY": NEW_KEY}), false),
        (json!({"OIDC_SECRET_KEY": format!("{KEY}.")}), false),
        (json!({"OIDC_ISSUER": "https://other.example"}), false),
        (json!({"OIDC_ISSUER": "https://idp.example/"}), false),
        (json!({"OIDC_CLIENT_ID": "you"}), false),
        (json!({"OIDC_CLIENT_ID": "mee"}), false),
        (json!({"OIDC_ID_TOKEN_COOKIE_NAME": "other"}), false),
        (json!({"OIDC_CLIENT_SECRET": "changed"}), true),
        (json!({"OIDC_HEADERS": {"sub": "X-Forwarded-User"}}), true),
    ] {
        let world = World::usual();
        let browser = world.browser();
        browser.sign_in("/");
        let header = browser.cookies_for("https://site.example/");
        let world = world.redeployed(&settings);
        let answer = world.send(&FakeRequest::get("/").cookies(&header));
        assert_eq!(answer.is_forward(), opens, "{settings}");
    }
}

#[test]
fn a_shorter_lifetime_holds_for_sessions_that_are_there() {
    for (ttl, passed, opens) in [(100, 99, true), (100, 100, false)] {
        let world = World::new(&json!({"OIDC_SESSION_EXPIRY": "cookie"}));
        let browser = world.browser();
        browser.sign_in("/");
        let header = browser.cookies_for("https://site.example/");
        let world = world.redeployed(&json!({"OIDC_SESSION_EXPIRY": "cookie", "OIDC_ID_TOKEN_COOKIE_TTL": ttl}));
        world.host.pass(passed);
        assert_eq!(world.send(&FakeRequest::get("/").cookies(&header)).is_forward(), opens, "{passed}");
    }
}

#[test]
fn a_rotated_key_signs_in_with_the_new_one() {
    let world = World::new(&json!({"OIDC_SECRET_KEY": [NEW_KEY, KEY]}));
    let browser = world.browser();
    browser.sign_in("/");
    let header = browser.cookies_for("https://site.example/");
    let world = world.redeployed(&json!({"OIDC_SECRET_KEY": NEW_KEY}));
    assert!(world.send(&FakeRequest::get("/").cookies(&header)).is_forward());
}

#[test]
fn every_changed_byte_is_nobody_and_never_an_error() {
    let world = World::usual();
    let browser = world.browser();
    browser.sign_in("/");
    let session = browser.session().unwrap();
    let ask = |value: &str| world.send(&FakeRequest::get("/").cookies(&format!("{SESSION}={value}")));
    assert!(ask(&session).is_forward());
    for index in 0..session.len() {
        for other in ['A', 'B', '-', '=', '%', '"', ' ', '\u{e9}', '\u{0}'] {
            if session[index..].starts_with(other) {
                continue;
            }
            let changed = format!("{}{other}{}", &session[..index], &session[index + 1..]);
            assert_eq!(ask(&changed).status(), 401, "{index} {other:?}");
        }
    }
    for changed in [
        session[..session.len() - 1].to_owned(),
        format!("{session}A"),
        session[1..].to_owned(),
        format!("1{session}"),
        format!("\"{session}\""),
        session.to_uppercase(),
        "1".to_owned(),
        "0".to_owned(),
        String::new(),
    ] {
        assert_eq!(ask(&changed).status(), 401, "{changed}");
    }
    // A neighbour of the site can set another cookie of that name; it hides nothing.
    let twice =
        |first: &str, second: &str| FakeRequest::get("/").cookies(&format!("{SESSION}={first}; {SESSION}={second}"));
    assert!(world.send(&twice(&session, "x")).is_forward());
    assert!(world.send(&twice("x", &session)).is_forward());
    assert!(!world.send(&twice("x", "1y")).is_forward());
    assert!(world.host.events().iter().all(|event| event.starts_with("sign_in.")), "nothing of that is an error");
}

#[test]
fn a_cookie_of_another_purpose_is_no_session() {
    let world = World::usual();
    let browser = world.browser();
    browser.go_to_provider("/");
    let login = browser.cookies()[0].value.clone();
    browser.sign_in("/");
    let tries = browser.cookies().into_iter().find(|cookie| cookie.name == "__Host-oidc_tries").unwrap().value;
    for value in [login, tries] {
        for count in ["", "1", "2"] {
            let cookies = format!("{SESSION}={count}{value}; {SESSION}.1={value}");
            assert_eq!(world.send(&FakeRequest::get("/").cookies(&cookies)).status(), 401);
        }
    }
}

#[test]
fn odd_cookie_headers_sign_nobody_in() {
    let world = World::new(&json!({"OIDC_ID_TOKEN_COOKIE_NAME": "oidc"}));
    let browser = world.browser();
    browser.sign_in("/");
    for row in rows(include_str!("vectors/cookie_headers.txt")) {
        let (header, left) = (&row[0], &row[2]);
        let answer = world.send(&FakeRequest::get("/").cookies(header));
        assert_eq!(answer.status(), 401, "{header:?}");
        // With the real session before or behind, it depends on which comes first; the origin sees neither.
        let session = browser.session().unwrap();
        let answer = world.send(&FakeRequest::get("/").cookies(&format!("__Host-oidc={session}; {header}")));
        let edits = format!("{:?}", answer.forward().edits);
        assert!(
            !edits.contains(&session) && !edits.to_ascii_lowercase().contains("__host-oidc=s"),
            "{header:?} {left}"
        );
    }
}

/// A visitor who belongs to this many groups.
fn member_of(world: &World, groups: usize) -> Browser<'_> {
    let names: Vec<String> = (0..groups).map(|index| format!("group-number-{index:04}")).collect();
    world.provider().userinfo.borrow_mut()["groups"] = json!(names);
    world.browser()
}

#[test]
fn a_long_session_comes_in_pieces() {
    let world = World::usual();
    for (groups, pieces) in [(0, 1), (100, 1), (180, 2), (300, 3), (500, 4)] {
        let browser = member_of(&world, groups);
        assert_eq!(browser.sign_in("/").status(), 302);
        let session: Vec<_> = browser.cookies().into_iter().filter(|cookie| cookie.name.starts_with(SESSION)).collect();
        assert_eq!(session.len(), pieces, "{groups}");
        assert!(session.iter().all(|cookie| cookie.name.len() + cookie.value.len() <= 3800));
        let page = browser.visit("/");
        let told = page.stamped().into_iter().find(|(name, _)| *name == "X-Forwarded-Groups").unwrap().1;
        assert_eq!(told.split(',').filter(|name| !name.is_empty()).count(), groups);
        assert!(page.forward().edits.iter().all(|edit| !format!("{edit:?}").contains(&session[0].value)));
        // A piece that is missing, or another session's, is no session.
        for index in 1..pieces {
            browser.forget(&format!("{SESSION}.{index}"));
            assert_eq!(browser.fetch("/").status(), 401, "{groups} {index}");
            browser.set_cookie(&format!("{SESSION}.{index}"), &session[0].value);
            assert_eq!(browser.fetch("/").status(), 401, "{groups} {index}");
            browser.set_cookie(&format!("{SESSION}.{index}"), &session[index].value);
            assert!(browser.fetch("/").is_forward());
        }
        browser.visit("/oidc_logout");
        assert!(browser.cookies().is_empty(), "{groups}: every piece is removed");
    }
}

#[test]
fn a_shorter_session_leaves_no_piece_of_the_longer_one() {
    let world = World::usual();
    let browser = member_of(&world, 500);
    browser.sign_in("/");
    drop(member_of(&world, 1));
    browser.sign_in("/oidc_login");
    let pieces = browser.cookies().into_iter().filter(|cookie| cookie.name.starts_with(SESSION)).count();
    assert_eq!((pieces, browser.visit("/").user()), (1, Some("alice")));
}

#[test]
fn a_session_that_does_not_fit_is_refused() {
    let world = World::usual();
    let browser = member_of(&world, 2000);
    let answer = browser.sign_in("/");
    assert_eq!((answer.status(), world.host.last_event()), (500, "session.too_large"));
    assert!(!answer.touches_session() && browser.session().is_none());
    // Claims that neither a header nor a rule needs take no room.
    let slim = World::new(&json!({"OIDC_HEADERS": {"sub": "X-Forwarded-User"}}));
    let browser = member_of(&slim, 2000);
    assert_eq!(browser.sign_in("/").status(), 302);
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn sessions_under_a_path() {
    let settings = json!({
        "OIDC_ID_TOKEN_COOKIE_PATH": "/app", "OIDC_RULES": [{"path": "/open/*", "access": "public"}],
    });
    let world = World::new(&settings);
    world.provider().registered.borrow_mut().push("https://site.example/app/oidc_callback".to_owned());
    let browser = world.browser();
    assert_eq!(browser.sign_in("/app/a").location(), "/app/a");
    let names: Vec<String> = browser.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert!(names.contains(&"oidc_id_token".to_owned()), "no prefix: {names:?}");
    assert_eq!(browser.visit("/app/a").user(), Some("alice"));
    assert_eq!(browser.visit("/app").user(), Some("alice"));
    assert_eq!(browser.fetch("/app/oidc_userinfo").json()["sub"], "alice");
    assert_eq!(
        browser.fetch("/application").status(),
        403,
        "the browser does not send it there, so nobody can sign in"
    );
    assert_eq!(browser.fetch("/app/b").url(), "https://origin.example/app/b");
    let unauthorized = world.browser().fetch("/app/x");
    assert_eq!(unauthorized.json()["login_url"], "/app/oidc_login?next=%2Fapp%2Fx");
    // The endpoints stand there, and not at the root.
    assert_eq!(browser.fetch("/app/oidc_health").status(), 200);
    assert_eq!(browser.fetch("/oidc_health").status(), 403);
    let out = browser.visit("/app/oidc_logout");
    assert!(out.location().contains("post_logout_redirect_uri=https%3A%2F%2Fsite.example%2Fapp%2Foidc_signed_out"));
    assert!(browser.cookies().is_empty());
}
