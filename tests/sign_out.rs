//! Signing out: here and at the provider, and nobody else signs a visitor out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{host::CallError, web::return_to::ReturnTo};
use serde_json::{Value, json};
use support::{
    Answer, Browser, Endpoint, FakeRequest, World,
    provider::{ISSUER, form, query},
    vectors::rows,
};

fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/");
    world.host.take_counts();
    browser
}

/// Nobody any more: no cookie, no page, and a mark where the tokens were.
fn assert_signed_out(world: &World, browser: &Browser<'_>, answer: &Answer) {
    assert_eq!(answer.status(), 302);
    assert!(browser.cookies().is_empty());
    assert!(world.host.store.borrow().values().all(|(value, _)| is_mark(value)));
    assert_eq!(browser.fetch("/").status(), 401);
}

fn is_mark(value: &[u8]) -> bool {
    value.len() == 9 && value[0] == 0
}

/// Nothing has changed.
fn assert_still_in(world: &World, browser: &Browser<'_>, answer: &Answer) {
    assert!(answer.set_cookies().is_empty());
    assert!(!world.host.store.borrow().values().any(|(value, _)| is_mark(value)));
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn here_and_at_the_provider() {
    for ask in [
        FakeRequest::page("/oidc_logout"),
        FakeRequest::page("/oidc_logout").header("sec-fetch-site", "same-origin"),
        FakeRequest::page("/oidc_logout").header("sec-fetch-site", "none"),
        FakeRequest::page("/oidc_logout").header("referer", "https://site.example/a"),
        FakeRequest::post("/oidc_logout", "").header("sec-fetch-site", "same-origin"),
        FakeRequest::post("/oidc_logout", "").header("origin", "https://site.example"),
        FakeRequest::get("/oidc_logout"),
    ] {
        let world = World::usual();
        let browser = signed_in(&world);
        let id_token = world.provider().issued().into_iter().next_back().unwrap();
        let answer = browser.send(ask);
        assert!(answer.location().starts_with(&format!("{ISSUER}/logout?")));
        let sent = query(answer.location());
        let expected = [
            ("client_id", "me"),
            ("id_token_hint", id_token.as_str()),
            ("post_logout_redirect_uri", "https://site.example/oidc_signed_out"),
        ];
        assert_eq!(sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
        let counts = world.host.take_counts();
        assert_eq!((counts.reads, counts.writes, counts.calls.len()), (1, 1, 0));
        assert_signed_out(&world, &browser, &answer);
        let back = browser.visit("/oidc_signed_out");
        assert_eq!(back.status(), 200);
        assert!(back.body().contains(r#"href="/oidc_login""#));
        assert!(world.host.take_counts().calls.is_empty(), "nobody is asked to sign in");
    }
}

#[test]
fn next_travels_sealed() {
    let world = World::usual();
    let browser = signed_in(&world);
    let answer = browser.visit("/oidc_logout?next=/goodbye%3Fa%3Db");
    let sent = query(answer.location());
    assert_eq!(sent["post_logout_redirect_uri"], "https://site.example/oidc_signed_out", "the registered one");
    assert!(!answer.location().contains("goodbye"));
    let back = browser.visit(&format!("/oidc_signed_out?{}", form(&[("state", &sent["state"])])));
    assert_eq!((back.status(), back.location()), (302, "/goodbye?a=b"));
    assert!(back.set_cookies().is_empty());

    let browser = signed_in(&world);
    let posted = browser.send(FakeRequest::post("/oidc_logout", "next=/bye").header("sec-fetch-site", "same-origin"));
    let state = &query(posted.location())["state"];
    assert_eq!(browser.visit(&format!("/oidc_signed_out?state={state}")).location(), "/bye");

    // A form whose address has it, as a link would; what is in the form wins.
    for (fields, next) in [("", "/caf%C3%A9"), ("everywhere=1", "/caf%C3%A9"), ("next=/bye", "/bye")] {
        let browser = signed_in(&world);
        let post = FakeRequest::post("/oidc_logout?next=/caf%C3%A9", fields);
        let posted = browser.send(post.header("sec-fetch-site", "same-origin"));
        let state = &query(posted.location())["state"];
        assert_eq!(browser.visit(&format!("/oidc_signed_out?state={state}")).location(), next, "{fields}");
    }
}

#[test]
fn a_forged_state_is_not_followed() {
    let world = World::usual();
    let browser = signed_in(&world);
    let session = browser.session().unwrap()[1..].to_owned();
    let state = query(browser.visit("/oidc_logout?next=/x").location())["state"].clone();
    let other = World::new(&json!({"OIDC_CLIENT_ID": "you"}));
    let start = query(browser.visit("/").location())["state"].clone();
    for forged in [
        String::new(),
        "/evil".to_owned(),
        "https://evil.example".to_owned(),
        session,
        start,
        format!("{state}A"),
        state[1..].to_owned(),
        format!("{state}&state={state}"),
    ] {
        let answer = browser.visit(&format!("/oidc_signed_out?state={forged}"));
        assert_eq!(answer.status(), 200, "{forged}");
    }
    let elsewhere = other.send(&FakeRequest::page(&format!("/oidc_signed_out?state={state}")));
    assert_eq!(elsewhere.status(), 200, "another deployment's state");
}

#[test]
fn no_link_leads_away() {
    let rows = rows(include_str!("vectors/return_to.txt")).into_iter().map(|row| row[0].clone());
    for bad in rows.filter(|bad| ReturnTo::from_link(bad).is_none()) {
        let world = World::usual();
        let browser = signed_in(&world);
        let answer = browser.visit(&format!("/oidc_logout?{}", form(&[("next", &bad)])));
        assert!(!query(answer.location()).contains_key("state"), "{bad:?}");
        assert_signed_out(&world, &browser, &answer);
        // Nobody is signed in any more: straight to the page that says so.
        let again = browser.visit(&format!("/oidc_logout?{}", form(&[("next", &bad)])));
        assert_eq!(again.location(), "/oidc_signed_out", "{bad:?}");
    }
}

#[test]
fn who_is_nobody_is_not_sent_to_the_provider() {
    let world = World::usual();
    let browser = world.browser();
    assert_eq!(browser.visit("/oidc_logout").location(), "/oidc_signed_out");
    assert_eq!(browser.visit("/oidc_logout?next=/a").location(), "/a");
    let counts = world.host.take_counts();
    assert_eq!((counts.calls.len(), counts.reads, counts.writes), (0, 0, 0));
}

#[test]
fn another_site_signs_nobody_out() {
    let evil = "https://evil.example";
    let get = || FakeRequest::page("/oidc_logout?next=/a");
    let post = || FakeRequest::post("/oidc_logout", "next=/a").navigation();
    for ask in [
        get().header("sec-fetch-site", "cross-site"),
        get().header("sec-fetch-site", "same-site"),
        get().header("referer", "https://evil.example/page"),
        get().header("sec-fetch-site", "").header("referer", "https://site.example/"),
        post().header("sec-fetch-site", "cross-site").header("origin", evil),
        post().header("sec-fetch-site", "same-site"),
        post().header("origin", evil),
        post().header("origin", "null"),
        post().header("origin", "http://site.example"),
        post().header("origin", "https://site.example:444"),
        post().header("origin", "https://site.example.evil.example"),
    ] {
        let world = World::usual();
        let browser = signed_in(&world);
        let answer = browser.send(ask.clone());
        assert_eq!(answer.status(), 200, "{ask:?}");
        assert!(answer.body().contains(r#"<form method="post" action="/oidc_logout">"#));
        assert!(answer.body().contains(r#"name="next" value="/a""#));
        assert_still_in(&world, &browser, &answer);
        // The form of that page does it.
        let sent = browser.send(FakeRequest::post("/oidc_logout", "next=/a").header("origin", "https://site.example"));
        assert_signed_out(&world, &browser, &sent);
    }
}

/// Browsers fetch links ahead, and whoever may write an image into a page of the site may choose its address.
#[test]
fn nobody_is_signed_out_who_has_followed_no_link() {
    let world = World::usual();
    let browser = signed_in(&world);
    let get = || FakeRequest::get("/oidc_logout?next=/a").header("sec-fetch-site", "same-origin");
    for ask in [
        get().navigation().header("sec-purpose", "prefetch"),
        get().navigation().header("sec-purpose", "prefetch;prerender"),
        get().header("sec-fetch-mode", "no-cors").header("sec-purpose", "prefetch"),
        get().header("sec-fetch-mode", "no-cors").header("sec-fetch-dest", "image"),
    ] {
        let answer = browser.send(ask.clone());
        assert_eq!((answer.status(), world.host.last_event()), (403, "request.foreign"), "{ask:?}");
        assert_still_in(&world, &browser, &answer);
    }
    // Of another site's every one gets the page that asks.
    let theirs = FakeRequest::get("/oidc_logout").header("sec-fetch-site", "cross-site");
    for ask in
        [theirs.clone().header("sec-fetch-mode", "no-cors"), theirs.navigation().header("sec-purpose", "prefetch")]
    {
        let answer = browser.send(ask);
        assert_eq!(answer.status(), 200);
        assert_still_in(&world, &browser, &answer);
    }
    let beacon = FakeRequest::post("/oidc_logout", "").header("sec-fetch-mode", "no-cors");
    let sent = browser.send(beacon.header("sec-fetch-site", "same-origin"));
    assert_signed_out(&world, &browser, &sent);
}

#[test]
fn the_confirmation_repeats_no_markup() {
    let world = World::usual();
    for next in ["/\"><img>", "/<script>", "/a'b&c"] {
        let target = format!("/oidc_logout?{}", form(&[("next", next)]));
        let answer = world.send(&FakeRequest::page(&target).header("sec-fetch-site", "cross-site"));
        assert_eq!(answer.status(), 200);
        assert!(!answer.body().contains("<img") && !answer.body().contains(next), "{}", answer.body());
    }
}

#[test]
fn a_store_that_fails_keeps_nobody_in() {
    for (load, save, hint, events) in [
        (false, false, true, &[][..]),
        (true, false, false, &["store.load_failed"]),
        (false, true, true, &["store.save_failed"]),
        (true, true, false, &["store.load_failed", "store.save_failed"]),
    ] {
        let world = World::usual();
        let browser = signed_in(&world);
        world.host.faults.load.set(load);
        world.host.faults.save.set(save);
        let answer = browser.visit("/oidc_logout");
        assert_eq!(query(answer.location()).contains_key("id_token_hint"), hint);
        let told = world.host.events();
        assert_eq!(told[2..], [events, &["sign_out.finished"]].concat(), "after the sign-in");
        assert!(browser.cookies().is_empty());
        assert_eq!(browser.fetch("/").status(), 401);
    }
    // An entry that is not there yet, or was altered.
    for alter in [None, Some(b"junk".to_vec())] {
        let world = World::usual();
        let browser = signed_in(&world);
        let key = world.host.store.borrow().keys().next().unwrap().clone();
        match alter {
            None => drop(world.host.store.borrow_mut().remove(&key)),
            Some(junk) => drop(world.host.store.borrow_mut().insert(key, (junk, i64::MAX))),
        }
        let answer = browser.visit("/oidc_logout");
        assert!(!query(answer.location()).contains_key("id_token_hint"));
        assert_signed_out(&world, &browser, &answer);
    }
}

#[test]
fn a_provider_that_does_not_help_keeps_nobody_in() {
    for (gone, event) in [(false, ""), (true, "discovery.unreachable")] {
        let world = World::usual();
        world.provider().lie(|lies| {
            lies.edit(Endpoint::Metadata, |metadata| {
                drop(metadata.as_object_mut().unwrap().remove("end_session_endpoint"));
            });
        });
        let browser = signed_in(&world);
        // Another isolate, which knows nothing of the provider yet.
        let header = browser.cookies_for("https://site.example/");
        if gone {
            world.provider().lie(|lies| lies.fail(Endpoint::Metadata, CallError::Unreachable));
        }
        let world = world.redeployed(&json!({}));
        let ask = |target: &str| world.send(&FakeRequest::page(target).cookies(&header));
        let answer = ask("/oidc_logout");
        assert_eq!((answer.location(), answer.set_cookies().len()), ("/oidc_signed_out", 2), "{event}");
        assert_eq!(ask("/oidc_logout?next=/a").location(), "/a");
        assert_eq!(world.host.events().contains(&event), gone);
        assert!(world.host.store.borrow().values().all(|(value, _)| is_mark(value)));
    }
}

#[test]
fn where_visitors_end() {
    for (setting, public, uri, page) in [
        (json!("/bye"), Value::Null, "https://site.example/bye", "/bye"),
        (json!("https://www.example/bye"), Value::Null, "https://www.example/bye", "https://www.example/bye"),
        (json!("/bye"), json!("https://pub.example"), "https://pub.example/bye", "/bye"),
    ] {
        let settings = json!({
            "OIDC_POST_LOGOUT_REDIRECT_URI": setting, "OIDC_PUBLIC_URL": public, "OIDC_LOGOUT_ROUTE": "/out",
            "OIDC_OVERWRITE_REDIRECT_URI": "https://site.example/oidc_callback",
        });
        let world = World::new(&settings);
        let browser = signed_in(&world);
        assert_eq!(query(browser.visit("/out").location())["post_logout_redirect_uri"], uri);
        assert_eq!(browser.visit("/out").location(), page, "nobody is signed in any more");
    }
}

#[test]
fn a_session_that_is_over_still_signs_out_at_the_provider() {
    let world = World::usual();
    let browser = signed_in(&world);
    browser.keep_for_ever();
    world.host.pass(3660);
    let answer = browser.visit("/oidc_logout");
    assert!(answer.location().starts_with(&format!("{ISSUER}/logout?")));
    assert!(browser.session().is_none());
}
