//! What the modules about signing out ask.

use edge_oidc::jose::Alg;
use serde_json::{Value, json};

use crate::{
    plan::Plan,
    support::{
        Browser, FakeRequest, START, TestKey, World, base64url,
        provider::{ISSUER, form, query},
    },
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A browser that is signed in, in a session that the provider calls `session-1`.
fn signed_in(world: &World) -> Browser<'_> {
    world.provider().account.borrow_mut()["sid"] = json!("session-1");
    let browser = world.browser();
    browser.sign_in("/a");
    assert_eq!(browser.visit("/a").user(), Some("alice"));
    browser
}

/// Signs out, and comes back from the provider with `state` as it makes it of ours.
fn signs_out(plan: Plan, state: impl FnOnce(&str) -> Option<String>) -> (u16, String) {
    let world = plan.world();
    let browser = signed_in(&world);
    let out = browser.visit("/oidc_logout?next=/goodbye");
    assert!(out.location().starts_with("https://idp.example/logout?"));
    let sent = query(out.location());
    // RP-Initiated Logout §2
    assert!(sent["id_token_hint"].split('.').count() == 3 && sent["client_id"] == "me");
    assert_eq!(sent["post_logout_redirect_uri"], "https://site.example/oidc_signed_out");
    assert!(browser.session().is_none());
    assert_eq!(browser.fetch("/a").status(), 401);
    let back = match state(&sent["state"]) {
        None => "/oidc_signed_out".to_owned(),
        Some(state) => format!("/oidc_signed_out?{}", form(&[("state", &state)])),
    };
    let page = browser.visit(&back);
    let location = page.header("location").unwrap_or_default().to_owned();
    (page.status(), location)
}

pub(crate) fn rp_initiated(plan: Plan) {
    assert_eq!(signs_out(plan, |state| Some(state.to_owned())), (302, "/goodbye".to_owned()));
}

pub(crate) fn rp_initiated_with_another_state(plan: Plan) {
    assert_eq!(signs_out(plan, |_| Some("random".to_owned())), (200, String::new()));
}

pub(crate) fn rp_initiated_without_state(plan: Plan) {
    assert_eq!(signs_out(plan, |_| None), (200, String::new()));
}

/// What an honest logout token says.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "me", "iat": START + 1, "exp": START + 121, "jti": "once", "sub": "alice",
        "sid": "session-1", "events": {EVENT: {}},
    })
}

fn sign(key: &TestKey, claims: &Value) -> String {
    let mut header = key.header();
    header["typ"] = json!("logout+jwt");
    key.token_of(header.to_string(), claims.to_string())
}

/// The provider posts a logout token; what it is answered, what the log says, and whether the session lives on.
fn posts(plan: Plan, token: &str) -> (u16, &'static str, bool) {
    let world = plan.world();
    let browser = signed_in(&world);
    world.host.pass(1);
    let posted = FakeRequest::post("/oidc_backchannel_logout", &form(&[("logout_token", token)]));
    let answer = world.send(&posted);
    let event = world.host.last_event();
    world.host.pass(61);
    let status = browser.fetch("/a").status();
    assert!([0, 401].contains(&status));
    (answer.status(), event, status == 0)
}

/// Refused with 400, and the session lives on; the honest token ends it.
fn refuses(plan: Plan, token: &str, code: &str) {
    assert_eq!(posts(plan, token), (400, code, true));
    back_channel(plan);
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    sign(&TestKey::rs256(), &claims)
}

pub(crate) fn back_channel(plan: Plan) {
    let (status, _, lives) = posts(plan, &sign(&TestKey::rs256(), &claims()));
    assert_eq!((status, lives), (200, false));
}

pub(crate) fn back_channel_unsigned(plan: Plan) {
    let part = |value: Value| base64url(value.to_string().as_bytes());
    let token = format!("{}.{}.", part(json!({"alg": "none", "typ": "logout+jwt"})), part(claims()));
    refuses(plan, &token, "logout_token.refused");
}

pub(crate) fn back_channel_with_another_algorithm(plan: Plan) {
    let token = sign(&TestKey::rs256().with_alg(Alg::Rs384), &claims());
    refuses(plan, &token, "logout_token.refused");
}

pub(crate) fn back_channel_without_event(plan: Plan) {
    let token = changed(|claims| drop(claims.as_object_mut().unwrap().remove("events")));
    refuses(plan, &token, "logout_token.no_event");
}

pub(crate) fn back_channel_with_another_event(plan: Plan) {
    let token = changed(|claims| claims["events"] = json!({"http://schemas.openid.net/event/other": {}}));
    refuses(plan, &token, "logout_token.no_event");
}

pub(crate) fn back_channel_with_nonce(plan: Plan) {
    refuses(plan, &changed(|claims| claims["nonce"] = json!("n")), "logout_token.nonce");
}

pub(crate) fn back_channel_for_another_audience(plan: Plan) {
    refuses(plan, &changed(|claims| claims["aud"] = json!("another client")), "logout_token.claim");
}

pub(crate) fn back_channel_of_another_issuer(plan: Plan) {
    refuses(plan, &changed(|claims| claims["iss"] = json!("https://evil.example")), "logout_token.claim");
}

pub(crate) fn front_channel(plan: Plan) {
    for (query, status, lives) in [
        ("iss=https%3A%2F%2Fidp.example&sid=session-1", 200, false),
        ("iss=https%3A%2F%2Fidp.example&sid=session-2", 400, true),
        ("iss=https%3A%2F%2Fevil.example&sid=session-1", 400, true),
    ] {
        let world = plan.world();
        let browser = signed_in(&world);
        world.host.pass(1);
        // The provider's page loads it in a frame, which carries no cookie of ours.
        let frame = FakeRequest::page(&format!("/oidc_frontchannel_logout?{query}"));
        let answer = world.send(&frame.header("sec-fetch-site", "cross-site"));
        assert_eq!(answer.status(), status, "{query}");
        world.host.pass(61);
        assert_eq!(browser.fetch("/a").status() == 0, lives, "{query}");
    }
}
