//! The way back from the provider: what is refused before anybody is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::json;
use support::{Answer, Browser, Callback, Endpoint, FakeRequest, SITE, World, provider::form, provider::query};

/// The way back with other parameters; those of `None` are left out.
fn tampered(callback: &Callback, changes: &[(&str, Option<&str>)]) -> Callback {
    let mut parameters = query(&callback.url);
    for (name, value) in changes {
        match value {
            Some(value) => parameters.insert((*name).to_owned(), (*value).to_owned()),
            None => parameters.remove(*name),
        };
    }
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Callback { url: format!("{SITE}/oidc_callback?{}", form(&pairs)), form: None }
}

/// A browser that is signed in, and on its way back from another sign-in.
fn on_the_way_back(world: &World) -> (Browser<'_>, Callback) {
    let browser = world.browser();
    browser.sign_in("/");
    let callback = browser.go_to_provider("/oidc_login?next=/after");
    world.host.take_counts();
    (browser, callback)
}

/// Refused with a page that has one way on; the session that was there stays, and the provider hears nothing.
fn assert_refused(world: &World, browser: &Browser<'_>, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status(), world.host.last_event()), (status, code));
    assert!(!answer.touches_session(), "{code}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{code}");
    assert_eq!(answer.body().matches("<a ").count(), 1, "{code}");
    assert!(answer.body().contains(r#"href="/oidc_login"#) && answer.body().contains(code), "{code}");
    let counts = world.host.take_counts();
    assert_eq!((counts.of(Endpoint::Token), counts.writes), (0, 0), "{code}");
    assert_eq!(browser.visit("/").user(), Some("alice"), "{code}");
}

#[test]
fn responses_that_belong_to_no_sign_in() {
    for (changes, code) in [
        (&[("state", None)][..], "callback.state_missing"),
        (&[("state", Some(""))], "callback.state_missing"),
        (&[("state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))], "callback.state_mismatch"),
        (&[("state", Some("short"))], "callback.state_mismatch"),
        (&[("state", None), ("error", Some("access_denied"))], "callback.state_missing"),
        (&[("state", Some("x")), ("error", Some("access_denied"))], "callback.state_mismatch"),
        (&[("code", None)], "callback.no_code"),
        (&[("code", Some(""))], "callback.no_code"),
        (&[("iss", Some("https://evil.example"))], "callback.issuer_mismatch"),
        (&[("iss", Some("https://idp.example/"))], "callback.issuer_mismatch"),
        (&[("iss", Some("https://IDP.example"))], "callback.issuer_mismatch"),
        (&[("iss", Some("https://evil.example")), ("error", Some("access_denied"))], "callback.issuer_mismatch"),
    ] {
        let world = World::usual();
        let (browser, callback) = on_the_way_back(&world);
        let answer = browser.land(&tampered(&callback, changes));
        assert_refused(&world, &browser, &answer, 400, code);
    }
    // Untampered, it signs in.
    let world = World::usual();
    let (browser, callback) = on_the_way_back(&world);
    assert_eq!(browser.land(&tampered(&callback, &[("extra", Some("1"))])).location(), "/after");
}

#[test]
fn an_announced_issuer_must_be_named() {
    for (iss, code) in [
        (None, "callback.issuer_mismatch"),
        (Some(""), "callback.issuer_mismatch"),
        (Some("https://idp.example.evil.example"), "callback.issuer_mismatch"),
    ] {
        let world = World::usual();
        world.provider().names_issuer.set(true);
        let (browser, callback) = on_the_way_back(&world);
        let answer = browser.land(&tampered(&callback, &[("iss", iss)]));
        assert_refused(&world, &browser, &answer, 400, code);
    }
}

#[test]
fn parameters_come_once() {
    for name in ["state", "code", "iss", "error", "whatever"] {
        let world = World::usual();
        let (browser, callback) = on_the_way_back(&world);
        let twice = Callback { url: format!("{}&{name}=a&{name}=a", callback.url), form: None };
        let answer = browser.land(&twice);
        assert_refused(&world, &browser, &answer, 400, "callback.malformed");
        assert_eq!(browser.login_cookies(), 1, "it may still be finished");
        assert_eq!(browser.land(&callback).location(), "/after");
    }
    let world = World::usual();
    let (browser, callback) = on_the_way_back(&world);
    let junk = Callback { url: format!("{}&x=%ff", callback.url), form: None };
    let answer = browser.land(&junk);
    assert_refused(&world, &browser, &answer, 400, "callback.malformed");
}

#[test]
fn another_browser_can_not_finish() {
    let world = World::usual();
    let (victim, _) = on_the_way_back(&world);
    // Mallory starts a sign-in of her own and sends its end to the victim: no one else's account is planted.
    let planted = world.browser().go_to_provider("/");
    world.host.take_counts();
    let answer = victim.land(&planted);
    assert_refused(&world, &victim, &answer, 400, "callback.state_mismatch");
}

#[test]
fn a_login_cookie_fits_its_own_state_alone() {
    let world = World::usual();
    let (browser, first) = on_the_way_back(&world);
    let second = browser.go_to_provider("/oidc_login");
    // The value of one stands under the name of the other.
    let logins: Vec<_> = browser.cookies().into_iter().filter(|cookie| cookie.name.contains("_login.")).collect();
    assert_eq!(logins.len(), 2);
    browser.set_cookie(&logins[0].name, &logins[1].value);
    world.host.take_counts();
    let answer = browser.land(&first);
    assert!(answer.set_cookies().is_empty(), "nothing of it is spent");
    assert_refused(&world, &browser, &answer, 400, "callback.state_mismatch");
    // A session does not open as a login cookie.
    browser.set_cookie(&logins[1].name, &browser.session().unwrap());
    world.host.take_counts();
    let answer = browser.land(&second);
    assert_refused(&world, &browser, &answer, 400, "callback.state_mismatch");
}

#[test]
fn a_sign_in_expires_after_a_quarter_of_an_hour() {
    for (seconds, is_good) in [(899, true), (900, false), (100_000, false)] {
        // The session does not expire meanwhile.
        let world = World::new(&json!({"OIDC_SESSION_EXPIRY": "cookie"}));
        let (browser, callback) = on_the_way_back(&world);
        browser.keep_for_ever();
        world.host.pass(seconds);
        let answer = browser.land(&callback);
        if is_good {
            assert_eq!(answer.location(), "/after");
        } else {
            assert_refused(&world, &browser, &answer, 400, "callback.state_expired");
        }
    }
}

#[test]
fn a_state_is_used_once() {
    let world = World::usual();
    let (browser, callback) = on_the_way_back(&world);
    let kept = browser.cookies();
    assert_eq!(browser.land(&callback).location(), "/after");
    for cookie in &kept {
        browser.set_cookie(&cookie.name, &cookie.value);
    }
    world.host.take_counts();
    let answer = browser.land(&callback);
    assert_refused(&world, &browser, &answer, 400, "callback.state_replayed");
    // Another isolate knows nothing of it; then the provider refuses the code.
    let elsewhere = World::usual().gateway;
    let other = support::Browser::new(&elsewhere, &world.host);
    for cookie in &kept {
        other.set_cookie(&cookie.name, &cookie.value);
    }
    assert_eq!((other.land(&callback).status(), world.host.last_event()), (502, "token.invalid_grant"));
}

#[test]
fn the_provider_refuses() {
    let long = "x".repeat(500);
    for (error, shown) in [
        ("access_denied", "You cancelled the sign-in"),
        ("login_required", "login_required"),
        ("<script>alert(1)</script>", "&#60;script&#62;alert(1)&#60;/script&#62;"),
        ("\"><img src=x onerror=alert(1)>", "&#62;&#60;img src=x onerror=alert(1)&#62;"),
        ("{{7*7}}&amp;", "{{7*7}}&#38;amp;"),
        ("a\r\nSet-Cookie: b=c", "aSet-Cookie: b=c"),
        ("caf\u{e9}\u{202e}", "caf"),
        (long.as_str(), &long[..64]),
    ] {
        let world = World::usual();
        let (browser, callback) = on_the_way_back(&world);
        world.host.hide(error);
        let changes = [
            ("code", None),
            ("error", Some(error)),
            ("error_description", Some(support::provider::PROVIDER_TEXT)),
            ("error_uri", Some("https://evil.example")),
        ];
        let answer = browser.land(&tampered(&callback, &changes));
        assert!(answer.body().contains(shown), "{error}: {}", answer.body());
        for hidden in [support::provider::PROVIDER_TEXT, "evil.example", "<script", "<img", &"x".repeat(65)] {
            assert!(!answer.body().contains(hidden), "{error}: {}", answer.body());
        }
        assert_refused(&world, &browser, &answer, 401, "callback.provider_error");
        assert_eq!(browser.login_cookies(), 0, "spent");
    }
}

#[test]
fn an_error_wins_over_a_code() {
    let world = World::usual();
    let (browser, callback) = on_the_way_back(&world);
    let answer = browser.land(&tampered(&callback, &[("error", Some("server_error"))]));
    assert_refused(&world, &browser, &answer, 401, "callback.provider_error");
}

#[test]
fn a_form_only_where_forms_are_expected() {
    let world = World::new(&json!({"OIDC_RESPONSE_MODE": "form_post"}));
    let browser = world.browser();
    let callback = browser.go_to_provider("/x");
    let form = callback.form.clone().unwrap();
    assert_eq!(browser.land(&callback).location(), "/x");

    let world = World::usual();
    let (browser, callback) = on_the_way_back(&world);
    let posted = browser.send(FakeRequest::post("/oidc_callback", callback.url.split_once('?').unwrap().1));
    assert_eq!((posted.status(), posted.header("allow")), (405, Some("GET")));
    for method in ["HEAD", "PUT", "OPTIONS", "get"] {
        let request = FakeRequest::new(method, &callback.url).navigation();
        assert_eq!(browser.send(request).status(), 405, "{method}");
    }
    assert_eq!(browser.land(&callback).location(), "/after", "none of that used it up");
    assert!(form.contains("state="));
}

#[test]
fn forms_are_short_and_text() {
    let world = World::new(&json!({"OIDC_RESPONSE_MODE": "form_post"}));
    let browser = world.browser();
    let callback = browser.go_to_provider("/x");
    let form = callback.form.clone().unwrap();
    let filled = |length: usize| format!("{form}&fill={}", "x".repeat(length - form.len() - 6));
    for (body, status, code) in [
        (filled(64 * 1024 + 1).into_bytes(), 413, "request.form_too_large"),
        (vec![0xff, 0xfe], 400, "request.form_unreadable"),
        (b"".to_vec(), 400, "callback.state_missing"),
    ] {
        let request = FakeRequest { body, ..FakeRequest::post("/oidc_callback", "") };
        let answer = browser.send(request);
        assert_eq!((answer.status(), world.host.last_event()), (status, code));
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0);
    let longest = Callback { form: Some(filled(64 * 1024)), ..callback };
    assert_eq!(browser.land(&longest).location(), "/x");
}

#[test]
fn the_query_of_a_posted_form_is_not_read() {
    let world = World::new(&json!({"OIDC_RESPONSE_MODE": "form_post"}));
    let browser = world.browser();
    let callback = browser.go_to_provider("/x");
    let url = format!("{}?{}", callback.url, callback.form.unwrap());
    let answer = browser.land(&Callback { url, form: Some(String::new()) });
    assert_eq!((answer.status(), world.host.last_event()), (400, "callback.state_missing"));
}
