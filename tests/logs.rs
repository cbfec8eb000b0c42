//! What the operator is told: each decision that matters, with the rule and a pseudonym, and nothing for those who pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use support::{World, provider::ISSUER};

const RULES: &str = r#"[
    {"path": "/public/*", "access": "public"},
    {"path": "/admin/*", "access": "login", "claims": {"groups": "admins"}}
]"#;

fn world(log: &Value) -> World {
    World::new(&json!({ "OIDC_RULES": RULES, "OIDC_LOG": log }))
}

/// The lines of one event.
fn lines(world: &World, event: &str) -> Vec<Value> {
    let lines = world.host.lines().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    lines.filter(|line| line["event"] == event).collect()
}

#[test]
fn a_sign_in_from_its_start_to_its_end() {
    let world = world(&json!({}));
    let browser = world.browser();
    browser.sign_in("/admin/x");
    let started = lines(&world, "sign_in.started");
    assert_eq!(started, [json!({ "event": "sign_in.started", "rule": "/admin/*" })]);
    let finished = lines(&world, "sign_in.finished");
    let pseudonym = finished[0]["subject"].as_str().unwrap().to_owned();
    assert_eq!((finished.len(), pseudonym.len()), (1, 12));
    assert_eq!(finished[0].as_object().unwrap().len(), 2);

    // The same name in every line about the same person.
    assert_eq!(browser.visit("/admin/x").status(), 403);
    assert_eq!(
        lines(&world, "policy.forbidden"),
        [json!({ "event": "policy.forbidden", "fault": "visitor", "rule": "/admin/*", "subject": pseudonym })]
    );
    browser.visit("/oidc_logout");
    assert_eq!(lines(&world, "sign_out.finished"), [json!({ "event": "sign_out.finished", "subject": pseudonym })]);
}

#[test]
fn refusals_of_nobody_name_nobody() {
    let world = world(&json!({}));
    assert_eq!(world.browser().visit("/public/..%2fadmin").status(), 400);
    let line = &lines(&world, "request.path_refused")[0];
    assert!(line["subject"].is_null() && line["rule"].is_null() && line["detail"].is_string(), "{line}");
}

#[test]
fn those_who_pass_cost_nothing_unless_asked_for() {
    let quiet = world(&json!({}));
    let browser = quiet.alice();
    quiet.host.take_counts();
    let before = quiet.host.events().len();
    for _ in 0..20 {
        assert!(browser.visit("/").is_forward() && browser.visit("/public/x").is_forward());
    }
    assert_eq!(quiet.host.events().len(), before);
    assert_eq!(quiet.host.take_counts().draws, 0);

    let told = world(&json!({ "admitted": 1 }));
    let browser = told.alice();
    browser.visit("/a");
    browser.visit("/public/x");
    let admitted = lines(&told, "request.admitted");
    let last: Vec<&Value> = admitted.iter().rev().take(2).collect();
    assert_eq!(last[0], &json!({ "event": "request.admitted", "rule": "/public/*" }), "nobody is asked there");
    assert_eq!((&last[1]["rule"], last[1]["subject"].is_string()), (&json!("/*"), true));
}

#[test]
fn of_those_who_pass_a_share_stands_for_all() {
    let world = world(&json!({ "admitted": 0.25 }));
    let browser = world.alice();
    for _ in 0..400 {
        browser.visit("/a");
    }
    let admitted = lines(&world, "request.admitted");
    assert!((50..150).contains(&admitted.len()), "{}", admitted.len());
    assert!(admitted.iter().all(|line| line["weight"] == 4));
}

#[test]
fn an_address_only_when_asked_for() {
    let email = |log: &Value| {
        let world = world(log);
        world.alice();
        lines(&world, "sign_in.finished")[0]["email"].clone()
    };
    assert_eq!(email(&json!({})), Value::Null);
    assert_eq!(email(&json!({ "email": true })), "alice@example.org");
}

#[test]
fn logouts_by_the_provider() {
    let world = world(&json!({}));
    world.provider().account.borrow_mut()["sid"] = json!("some");
    world.alice();
    let answer = world.browser().visit(&format!("/oidc_frontchannel_logout?iss={ISSUER}&sid=some"));
    assert_eq!(answer.status(), 200);
    assert_eq!(lines(&world, "sign_out.by_provider"), [json!({ "event": "sign_out.by_provider" })]);
}
