//! Sessions end: by the provider's frame, everywhere at once, and with their refresh token revoked. And they go on:
//! when many refresh at once, when a key rotates, when the provider is down for a while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use std::rc::Rc;

use edge_oidc::host::CallError;
use serde_json::{Value, json};
use support::{
    Browser, Endpoint, FakeRequest, World, gateway,
    logout::log_out,
    mint::{claim, without},
    provider::{ISSUER, form},
    send,
};

const PAGE: &str = "https://site.example/";

fn at_once() -> Value {
    json!({"OIDC_SESSION_CHECK_INTERVAL": 0})
}

fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/");
    browser.visit("/");
    world.host.take_counts();
    browser
}

fn is_mark(value: &[u8]) -> bool {
    value.len() == 9 && value[0] == 0
}

fn marks(world: &World) -> usize {
    // That a session at the provider is known ends nothing.
    world.host.store.borrow().iter().filter(|(key, (value, _))| !key.starts_with("k:") && is_mark(value)).count()
}

fn status_of(world: &World, cookies: &str) -> u16 {
    world.send(&FakeRequest::get("/").cookies(cookies)).status()
}

/// When the ID token is nearly over.
fn due(world: &World) {
    world.host.pass(3580);
    world.host.take_counts();
}

fn front(parameters: &[(&str, &str)]) -> FakeRequest {
    FakeRequest::page(&format!("/oidc_frontchannel_logout?{}", form(parameters)))
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-dest", "iframe")
}

#[test]
fn a_frame_ends_the_session_it_names() {
    let world = World::new(&at_once());
    world.provider().account.borrow_mut()["sid"] = json!("one");
    let browser = signed_in(&world);
    world.provider().account.borrow_mut()["sid"] = json!("two");
    let other = signed_in(&world);
    // The frame carries no cookie.
    let answer = world.send(&front(&[("iss", ISSUER), ("sid", "one")]));
    assert_eq!((answer.status(), answer.header("cache-control")), (200, Some("no-store")));
    assert!(answer.header("x-frame-options").is_none(), "it may be framed");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(!policy.contains("frame-ancestors"), "it may be framed");
    assert!(answer.set_cookies().is_empty());
    assert_eq!(browser.fetch("/").status(), 401);
    assert!(other.fetch("/").is_forward());
    assert!(signed_in(&world).session().is_some());
}

#[test]
fn a_frame_that_names_no_session_of_ours_ends_nothing() {
    for (parameters, status) in [
        (&[("iss", ISSUER), ("sid", "other")][..], 400),
        (&[("iss", ISSUER), ("sid", "alice")], 400),
        (&[("iss", ISSUER), ("sid", "ONE")], 400),
        (&[("iss", "https://evil.example"), ("sid", "one")], 400),
        (&[("iss", "https://idp.example/"), ("sid", "one")], 400),
        (&[("iss", ""), ("sid", "one")], 400),
        (&[("sid", "one")], 400),
        (&[("iss", ISSUER)], 400),
        (&[("iss", ISSUER), ("sid", "")], 400),
        (&[("iss", ISSUER), ("sid", "one"), ("sid", "one")], 400),
        (&[("iss", ISSUER), ("iss", ISSUER), ("sid", "one")], 400),
        (&[], 400),
    ] {
        let world = World::new(&at_once());
        world.provider().account.borrow_mut()["sid"] = json!("one");
        let browser = signed_in(&world);
        let answer = world.send(&front(parameters));
        assert_eq!(answer.status(), status, "{parameters:?}");
        assert!(browser.fetch("/").is_forward(), "{parameters:?}");
    }
    let world = World::usual();
    let post = FakeRequest::post("/oidc_frontchannel_logout", &form(&[("iss", ISSUER), ("sid", "one")]));
    assert_eq!((world.send(&post).status(), marks(&world)), (405, 0));
}

#[test]
fn a_frame_is_confirmed_when_it_was_recorded_and_no_oftener_than_allowed() {
    let world = World::usual();
    world.provider().account.borrow_mut()["sid"] = json!("one");
    signed_in(&world);
    let ask = || world.send(&front(&[("iss", ISSUER), ("sid", "one")]));
    world.host.faults.save.set(true);
    let answer = ask();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    world.host.faults.save.set(false);
    world.host.faults.rate.set(true);
    assert_eq!((ask().status(), marks(&world)), (429, 0));
    world.host.faults.rate.set(false);
    assert_eq!((ask().status(), marks(&world)), (200, 1));
}

#[test]
fn the_refresh_token_is_revoked() {
    let world = World::usual();
    world.provider().revokes.set(true);
    let browser = signed_in(&world);
    assert_eq!(world.provider().refresh_tokens(), 1);
    let answer = browser.visit("/oidc_logout");
    assert!(answer.location().starts_with(&format!("{ISSUER}/logout?")));
    assert_eq!(world.host.take_counts().of(Endpoint::Revocation), 1);
    assert_eq!(world.provider().refresh_tokens(), 0);
    assert!(browser.cookies().is_empty());
}

#[test]
fn of_a_renewed_session_the_newest_refresh_token_is_revoked() {
    for rotates in [true, false] {
        let world = World::usual();
        world.provider().revokes.set(true);
        world.provider().rotates.set(rotates);
        let browser = signed_in(&world);
        due(&world);
        assert!(browser.visit("/").touches_session());
        browser.visit("/oidc_logout");
        assert_eq!(world.provider().refresh_tokens(), 0, "{rotates}");
    }
}

#[test]
fn a_revocation_that_fails_stops_nobody() {
    for error in [Some(CallError::Unreachable), Some(CallError::TimedOut), None] {
        let world = World::usual();
        world.provider().revokes.set(true);
        let browser = signed_in(&world);
        world.provider().lie(|lies| match error {
            Some(error) => lies.fail(Endpoint::Revocation, error),
            None => lies.answer(Endpoint::Revocation, 500, "text/plain", "The-provider-said-so"),
        });
        let answer = browser.visit("/oidc_logout");
        assert!(answer.location().starts_with(&format!("{ISSUER}/logout?")), "{error:?}");
        assert!(browser.cookies().is_empty(), "{error:?}");
        assert_eq!(marks(&world), 1);
        assert_eq!(world.host.events().contains(&"revocation.failed"), error.is_some());
    }
}

#[test]
fn the_browser_forgets_what_it_has_kept() {
    let world = World::usual();
    let browser = signed_in(&world);
    for answer in [browser.visit("/oidc_logout"), browser.visit("/oidc_logout")] {
        assert_eq!(answer.header("clear-site-data"), Some("\"cache\""));
    }
    let asked = signed_in(&world).send(FakeRequest::page("/oidc_logout").header("sec-fetch-site", "cross-site"));
    assert_eq!((asked.status(), asked.header("clear-site-data")), (200, None), "nobody was signed out yet");
}

fn everywhere() -> FakeRequest {
    FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example")
}

#[test]
fn everywhere_is_every_session_of_the_subject() {
    for settings in [json!({}), at_once()] {
        let world = World::new(&settings);
        let (here, there) = (signed_in(&world), signed_in(&world));
        world.provider().account.borrow_mut()["sub"] = json!("bob");
        world.provider().userinfo.borrow_mut()["sub"] = json!("bob");
        let bob = signed_in(&world);
        let [copy, other, bobs] = [&here, &there, &bob].map(|browser| browser.cookies_for(PAGE));
        world.host.pass(1);
        assert_eq!(here.send(everywhere()).status(), 302);
        assert!(here.cookies().is_empty());
        assert_eq!(status_of(&world, &copy), 401, "its own copy at once");
        // Anywhere else, once it is time to ask again.
        let interval = if settings == json!({}) { 60 } else { 0 };
        world.host.pass(interval);
        assert_eq!([&copy, &other, &bobs].map(|cookies| status_of(&world, cookies)), [401, 401, 0], "{settings}");
        let world = world.redeployed(&settings);
        assert_eq!([&copy, &other, &bobs].map(|cookies| status_of(&world, cookies)), [401, 401, 0], "{settings}");
        // Signing in again is no crime.
        world.provider().account.borrow_mut()["sub"] = json!("alice");
        world.provider().userinfo.borrow_mut()["sub"] = json!("alice");
        world.host.pass(1);
        let again = signed_in(&world);
        world.host.pass(60);
        assert_eq!(again.visit("/").user(), Some("alice"));
    }
}

#[test]
fn everywhere_is_confirmed_when_it_was_recorded() {
    let world = World::new(&at_once());
    let (laptop, phone) = (signed_in(&world), signed_in(&world));
    world.host.faults.save.set(true);
    let answer = laptop.send(everywhere());
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    assert!(!answer.touches_session() && answer.body().contains("You are still signed in"));
    world.host.faults.save.set(false);
    assert_eq!([&laptop, &phone].map(|browser| browser.fetch("/").status()), [0, 0]);
    assert_eq!(laptop.send(everywhere()).status(), 302);
    assert_eq!(phone.fetch("/").status(), 401);
}

#[test]
fn everywhere_is_said_by_a_form_of_this_site_alone() {
    for ask in [
        FakeRequest::page("/oidc_logout?everywhere=1"),
        FakeRequest::page("/oidc_logout?everywhere=1").header("sec-fetch-site", "same-origin"),
        FakeRequest::post("/oidc_logout?everywhere=1", "").header("origin", "https://site.example"),
        FakeRequest::post("/oidc_logout", "").header("origin", "https://site.example"),
        FakeRequest::post("/oidc_logout", "everywhere=0").header("origin", "https://site.example"),
        FakeRequest::post("/oidc_logout", "everywhere=1&everywhere=1").header("origin", "https://site.example"),
        FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://evil.example"),
        FakeRequest::post("/oidc_logout", "everywhere=1").header("sec-fetch-site", "cross-site"),
    ] {
        let world = World::new(&at_once());
        let (here, there) = (signed_in(&world), signed_in(&world));
        here.send(ask.clone());
        assert!(there.fetch("/").is_forward(), "{ask:?}");
    }
}

#[test]
fn signing_out_ends_one_session_alone() {
    let world = World::new(&at_once());
    let (here, there) = (signed_in(&world), signed_in(&world));
    let copy = here.cookies_for(PAGE);
    here.visit("/oidc_logout");
    assert_eq!(status_of(&world, &copy), 401);
    assert!(there.fetch("/").is_forward());
}

fn rules() -> Value {
    json!([
        {"path": "/public/*", "access": "public"}, {"path": "/optional", "access": "optional"},
        {"path": "/shared", "access": "login", "cache": "public"},
        {"path": "/staff", "access": "login", "claims": {"groups": ["staff"]}}, {"path": "/*", "access": "login"},
    ])
}

#[test]
fn a_cookie_under_an_old_key_is_resealed_where_nobody_else_sees_it() {
    const OLD: &str = "an-old-key-of-at-least-32-bytes-length";
    const NEW: &str = "a-new-key-of-at-least-32-bytes-length!";
    let world = World::new(&json!({"OIDC_RULES": rules(), "OIDC_SECRET_KEY": OLD}));
    let old = signed_in(&world).cookies_for(PAGE);
    let world = world.redeployed(&json!({"OIDC_RULES": rules(), "OIDC_SECRET_KEY": [NEW, OLD]}));
    let ask = |world: &World, target: &str, cookies: &str| world.send(&FakeRequest::get(target).cookies(cookies));
    for (target, user, set) in [
        ("/public/a", None, false),
        // Somebody known, of whom the origin is not told.
        ("/shared", None, false),
        ("/optional", Some("alice"), true),
        ("/a", Some("alice"), true),
    ] {
        let answer = ask(&world, target, &old);
        assert_eq!((answer.user(), answer.touches_session()), (user, set), "{target}");
        assert!(set || answer.set_cookies().is_empty(), "{target}");
    }
    let resealed = ask(&world, "/a", &old).set_cookies()[0].split(';').next().unwrap().to_owned();
    assert!(ask(&world, "/a", &resealed).set_cookies().is_empty(), "once");
    // The credentials are still to be found, and the old key is of no use any more.
    assert_eq!(ask(&world, "/oidc_userinfo", &resealed).json()["name"], "Alice A");
    let world = world.redeployed(&json!({"OIDC_RULES": rules(), "OIDC_SECRET_KEY": NEW}));
    assert_eq!(ask(&world, "/a", &resealed).user(), Some("alice"));
    assert_eq!(ask(&world, "/a", &old).status(), 401);
}

#[test]
fn another_deployment_opens_nothing() {
    let world = World::usual();
    let cookies = signed_in(&world).cookies_for(PAGE);
    let world = world.redeployed(&json!({"OIDC_CLIENT_ID": "you"}));
    assert_eq!(status_of(&world, &cookies), 401);
    let world = world.redeployed(&json!({"OIDC_ISSUER": "https://other.example"}));
    assert_eq!(status_of(&world, &cookies), 401);
    let world = world.redeployed(&json!({}));
    assert_eq!(status_of(&world, &cookies), 0);
}

#[test]
fn what_others_may_share_sets_no_cookie() {
    let world = World::new(&json!({"OIDC_RULES": rules(), "OIDC_SESSION_IDLE_TTL": 100_000}));
    let browser = signed_in(&world);
    due(&world);
    // Everything about the session has changed, and none of it shows.
    for target in ["/public/a", "/shared"] {
        assert!(browser.visit(target).set_cookies().is_empty(), "{target}");
    }
    assert!(browser.visit("/a").touches_session(), "it was kept for an answer that is the visitor's own");
}

#[test]
fn refreshed_claims_change_what_rules_say() {
    let world = World::new(&json!({"OIDC_RULES": rules()}));
    let browser = signed_in(&world);
    assert_eq!(browser.visit("/staff").user(), Some("alice"));
    world.provider().userinfo.borrow_mut()["groups"] = json!(["visitors"]);
    assert_eq!(browser.visit("/staff").user(), Some("alice"), "not yet");
    due(&world);
    assert_eq!(browser.visit("/staff").status(), 403);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    world.provider().userinfo.borrow_mut()["groups"] = json!(["staff"]);
    due(&world);
    assert_eq!(browser.visit("/staff").user(), Some("alice"));
}

#[test]
fn membership_is_checked_again() {
    let hd = json!({"OIDC_GOOGLE_APPS_DOMAIN": "example.org"});
    let email = json!({"OIDC_REQUIRE_VERIFIED_EMAIL": true});
    for (settings, lie) in [
        (&hd, Some(claim("hd", json!("evil.example")))),
        (&hd, Some(without("hd"))),
        (&hd, None),
        (&email, Some(claim("email_verified", json!(false)))),
        (&email, Some(without("email_verified"))),
        (&email, None),
    ] {
        let world = World::new(settings);
        world.provider().account.borrow_mut()["hd"] = json!("example.org");
        let browser = signed_in(&world);
        due(&world);
        let ends = lie.is_some();
        world.provider().lie(|lies| lies.id_token = lie);
        assert_eq!(browser.fetch("/").is_forward(), !ends, "{settings}");
    }
}

#[test]
fn an_answer_without_an_id_token_keeps_the_claims_to_the_access_tokens_end() {
    // Some providers say so by an empty text.
    let left_out = |answer: &mut Value| drop(answer.as_object_mut().unwrap().remove("id_token"));
    let empty = |answer: &mut Value| answer["id_token"] = json!("");
    for without in [left_out as fn(&mut Value), empty] {
        let world = World::usual();
        let browser = signed_in(&world);
        due(&world);
        world.provider().lie(|lies| lies.edit(Endpoint::Token, without));
        let answer = browser.visit("/");
        assert!(answer.stamped().contains(&("X-Forwarded-Email", "alice@example.org")));
        world.host.take_counts();
        world.host.pass(500);
        assert_eq!(browser.visit("/").user(), Some("alice"));
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "not before it is time");
        world.host.pass(80);
        assert_eq!(browser.visit("/").user(), Some("alice"));
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 1, "600 s, less the margin");
    }
}

#[test]
fn a_provider_that_does_not_rotate_is_asked_before_the_end_each_time() {
    for skew in [0, 60, 600] {
        let world = World::new(&json!({"OIDC_CLOCK_SKEW": skew}));
        world.provider().rotates.set(false);
        let browser = signed_in(&world);
        if skew == 60 {
            // As some providers say that there is no other one.
            world.provider().lie(|lies| lies.edit(Endpoint::Token, |answer| answer["refresh_token"] = json!("")));
        }
        for round in 0..3 {
            due(&world);
            assert_eq!(browser.visit("/").user(), Some("alice"), "{skew} {round}");
            assert_eq!(world.host.take_counts().of(Endpoint::Token), 1, "{skew} {round}");
        }
    }
}

#[test]
fn the_new_refresh_token_is_stored_before_the_answer() {
    for turns in [false, true] {
        let world = World::usual();
        world.host.turns.set(turns);
        let browser = signed_in(&world);
        let old = browser.cookies_for(PAGE);
        let before = world.host.store.borrow().clone();
        due(&world);
        // A store that fails once costs nothing: no one else has the token.
        world.host.faults.saves.set(1);
        assert_eq!(browser.visit("/").user(), Some("alice"));
        assert_eq!(world.host.take_counts().writes, 2);
        assert_ne!(*world.host.store.borrow(), before);
        // The answer never came: the old cookie goes on with what was stored, now and the next time.
        for _ in 0..3 {
            let late = world.send(&FakeRequest::get("/").cookies(&old));
            assert_eq!(late.user(), Some("alice"), "{turns}");
            assert!(late.touches_session());
        }
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 0);
        due(&world);
        assert_eq!(world.send(&FakeRequest::get("/").cookies(&old)).user(), Some("alice"), "the new token is good");
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 1);
    }
}

#[test]
fn a_store_that_takes_nothing_lets_the_session_last_where_its_tokens_wait() {
    let world = World::usual();
    let browser = signed_in(&world);
    due(&world);
    world.host.faults.save.set(true);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    assert_eq!(world.host.events().iter().filter(|event| **event == "store.save_failed").count(), 1);
    world.host.pass(3500);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    let copy = browser.cookies_for(PAGE);
    world.host.pass(200);
    assert_eq!(browser.fetch("/").user(), Some("alice"), "where they wait, they are good for new ones");
    let world = world.redeployed(&json!({}));
    world.host.pass(3500);
    assert_eq!(status_of(&world, &copy), 401, "elsewhere they are not known");
}

#[test]
fn a_turn_that_comes_to_nothing_is_given_up() {
    let world = World::usual();
    world.host.turns.set(true);
    let browser = signed_in(&world);
    due(&world);
    world.provider().lie(|lies| lies.fail(Endpoint::Token, CallError::Unreachable));
    assert_eq!(browser.visit("/").user(), Some("alice"));
    assert_eq!(world.host.take_counts().releases, 1);
    world.host.pass(80);
    assert_eq!(browser.visit("/").status(), 503);
    assert_eq!(world.host.take_counts().releases, 1);
    world.provider().be_honest();
    assert_eq!(browser.visit("/").user(), Some("alice"));
    let counts = world.host.take_counts();
    assert_eq!((counts.of(Endpoint::Token), counts.releases), (1, 0), "writing it gives the next one its turn");
}

/// A request to another isolate in the middle of one to this: the world goes on while the provider is asked.
fn answered_meanwhile(world: &Rc<World>, request: FakeRequest) {
    let (inner, elsewhere) = (Rc::clone(world), gateway(&json!({})));
    world.host.meanwhile(Endpoint::Token, move |_| drop(send(&elsewhere, &inner.host, &request)));
}

#[test]
fn who_loses_the_race_takes_over_what_the_winner_has_stored() {
    let world = Rc::new(World::usual());
    let cookies = signed_in(&world).cookies_for(PAGE);
    due(&world);
    // Both find the old entry; the other one redeems its refresh token first.
    answered_meanwhile(&world, FakeRequest::get("/").cookies(&cookies));
    let answer = world.send(&FakeRequest::get("/").cookies(&cookies));
    assert!(world.host.events().contains(&"refresh.invalid_grant"));
    assert_eq!(answer.user(), Some("alice"));
    assert!(answer.touches_session(), "it goes on with the winner's tokens");
    world.host.pass(3000);
    let renewed = answer.set_cookies()[0].split(';').next().unwrap().to_owned();
    assert_eq!(status_of(&world, &renewed), 0);
}

#[test]
fn who_loses_the_race_and_sees_no_winner_goes_on_to_the_end() {
    let world = Rc::new(World::usual());
    let cookies = signed_in(&world).cookies_for(PAGE);
    due(&world);
    // A store that shows the winner's entry to nobody yet.
    let (inner, elsewhere) = (Rc::clone(&world), gateway(&json!({})));
    let request = FakeRequest::get("/").cookies(&cookies);
    world.host.meanwhile(Endpoint::Token, move |host| {
        let old = host.store.borrow().clone();
        send(&elsewhere, &inner.host, &request);
        *host.store.borrow_mut() = old;
    });
    let ask = || world.send(&FakeRequest::get("/").cookies(&cookies));
    assert_eq!(ask().user(), Some("alice"));
    world.host.pass(79);
    assert_eq!(ask().user(), Some("alice"), "to the end of the ID token, leeway included");
    world.host.pass(1);
    assert_eq!(ask().status(), 401);
}

#[test]
fn a_session_that_ends_while_it_is_renewed_is_over() {
    for turns in [false, true] {
        let settings = at_once();
        let world = Rc::new(World::new(&settings));
        world.host.turns.set(turns);
        let cookies = signed_in(&world).cookies_for(PAGE);
        due(&world);
        answered_meanwhile(&world, FakeRequest::page("/oidc_logout").cookies(&cookies));
        let late = world.send(&FakeRequest::get("/").cookies(&cookies));
        assert_eq!(late.status(), 401, "{turns}: signed out meanwhile");
        assert!(late.set_cookies().is_empty(), "{turns}: and stays so");
        assert_eq!(marks(&world), 1, "{turns}: the mark stands");
        assert_eq!(status_of(&world, &cookies), 401);
        let world = Rc::into_inner(world).unwrap().redeployed(&settings);
        assert_eq!(status_of(&world, &cookies), 401, "{turns}: everywhere");
    }
}

#[test]
fn with_turns_the_entry_that_is_newer_is_taken_over() {
    let world = World::usual();
    world.host.turns.set(true);
    let browser = signed_in(&world);
    let old = browser.cookies_for(PAGE);
    due(&world);
    assert!(browser.visit("/").touches_session());
    world.host.take_counts();
    for _ in 0..50 {
        assert_eq!(world.send(&FakeRequest::get("/").cookies(&old)).user(), Some("alice"));
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.of(Endpoint::Token), counts.writes), (0, 0));
    // A mark is newer than anything.
    browser.visit("/oidc_logout");
    let world = world.redeployed(&json!({"OIDC_SESSION_CHECK_INTERVAL": 86_400}));
    assert_eq!(status_of(&world, &old), 401, "found on the way to new tokens");
}

type Way<'t> = &'t dyn Fn(&World, &Browser<'_>);

#[test]
fn what_is_ended_here_is_over_here_whatever_the_interval_is() {
    let front_channel = |world: &World, _: &Browser<'_>| {
        assert_eq!(world.send(&front(&[("iss", ISSUER), ("sid", "one")])).status(), 200);
    };
    let back_channel =
        |token: Value| move |world: &World, _: &Browser<'_>| assert_eq!(log_out(world, &token).status(), 200);
    let everywhere = |_: &World, browser: &Browser<'_>| {
        let form = FakeRequest::post("/oidc_logout", "everywhere=1").header("origin", "https://site.example");
        assert_eq!(browser.send(form).status(), 302);
    };
    let (in_, over) = (true, false);
    // What ends, and what becomes of a session with another `sid` and of one without.
    let ways: [(Way<'_>, [bool; 2]); 5] = [
        (&front_channel, [in_, in_]),
        (&back_channel(json!({"sid": "one"})), [in_, in_]),
        (&back_channel(json!({"sid": "one", "sub": "alice"})), [in_, over]),
        (&back_channel(json!({"sub": "alice"})), [over, over]),
        (&everywhere, [over, over]),
    ];
    for (index, (end, others)) in ways.into_iter().enumerate() {
        let world = World::new(&json!({"OIDC_SESSION_CHECK_INTERVAL": 86_400}));
        let unnamed = signed_in(&world);
        let [other, first, second] = ["two", "one", "one"].map(|sid| {
            world.provider().account.borrow_mut()["sid"] = json!(sid);
            signed_in(&world)
        });
        end(&world, &first);
        // As with a store that does not show it yet.
        world.host.faults.load.set(true);
        let goes_on = |browser: &Browser<'_>| browser.fetch("/").is_forward();
        assert_eq!([&first, &second].map(goes_on), [over; 2], "{index}");
        assert_eq!([&other, &unnamed].map(goes_on), others, "{index}");
        world.host.faults.load.set(false);
        assert!(goes_on(&signed_in(&world)), "{index}: who comes back within the second stays");
    }
}

#[test]
fn a_store_that_is_down_when_tokens_are_due() {
    let world = World::new(&json!({"OIDC_SESSION_CHECK_INTERVAL": 86_400}));
    let browser = signed_in(&world);
    due(&world);
    world.host.faults.load.set(true);
    assert_eq!(browser.visit("/").user(), Some("alice"));
    world.host.pass(80);
    let answer = browser.visit("/");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")));
    assert!(!answer.touches_session(), "the cookie is kept");
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "no token is spent that could not be replaced");
    world.host.faults.load.set(false);
    assert_eq!(browser.visit("/").user(), Some("alice"));
}

#[test]
fn without_a_refresh_token_a_session_ends_with_its_tokens() {
    for (settings, lasts) in [(json!({}), 3660), (json!({"OIDC_SESSION_EXPIRY": "cookie"}), 604_800)] {
        let world = World::new(&settings);
        world.provider().refresh_nothing();
        let browser = signed_in(&world);
        browser.keep_for_ever();
        world.host.pass(lasts - 1);
        assert_eq!(browser.visit("/").user(), Some("alice"), "{settings}");
        browser.keep_for_ever();
        world.host.pass(1);
        assert_eq!(browser.fetch("/").status(), 401, "{settings}");
        assert_eq!(world.host.take_counts().of(Endpoint::Token), 0, "{settings}");
    }
}

#[test]
fn no_session_outlives_its_ttl() {
    let world = World::new(&json!({"OIDC_ID_TOKEN_COOKIE_TTL": 10_000}));
    let browser = signed_in(&world);
    for seconds in [3590, 3590, 2819] {
        browser.keep_for_ever();
        world.host.pass(seconds);
        assert_eq!(browser.visit("/").user(), Some("alice"), "{seconds}");
    }
    browser.keep_for_ever();
    world.host.pass(1);
    assert_eq!(browser.fetch("/").status(), 401);
}
