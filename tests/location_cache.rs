//! What introspection has said, for all isolates of a location: `OIDC_INTROSPECTION_CACHE`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::gateway::Gateway;
use serde_json::{Value, json};
use support::{Answer, Endpoint, FakeRequest, World, gateway, send};

/// Two isolates of one location, and the settings they share.
struct Location {
    world: World,
    other: Gateway,
}

fn settings(more: &Value) -> Value {
    let mut all = json!({
        "OIDC_RULES": [{"path": "/write", "access": "token", "scopes": ["write"]}, {"path": "/*", "access": "token"}],
        "OIDC_INTROSPECTION_CACHE": "location", "OIDC_CLOCK_SKEW": 0,
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

impl Location {
    fn new(more: &Value) -> Self {
        Self::of(more, more)
    }

    /// With isolates of different deployments.
    fn of(one: &Value, other: &Value) -> Self {
        let world = World::new(&settings(one));
        world.provider().introspects.set(true);
        Self { world, other: gateway(&settings(other)) }
    }

    fn first(&self, target: &str, token: &str) -> Answer {
        self.world.send(&bearer(target, token))
    }

    fn second(&self, target: &str, token: &str) -> Answer {
        send(&self.other, &self.world.host, &bearer(target, token))
    }

    /// How often the provider was asked about tokens, and the location's cache, since the last time.
    fn asked(&self) -> (usize, usize) {
        let counts = self.world.host.take_counts();
        (counts.of(Endpoint::Introspection), counts.recalls)
    }
}

fn bearer(target: &str, token: &str) -> FakeRequest {
    FakeRequest::get(target).header("authorization", &format!("Bearer {token}"))
}

#[test]
fn what_one_isolate_has_asked_the_other_knows() {
    let location = Location::new(&json!({}));
    location.world.provider().opaque("good-token", &json!({"sub": "alice", "scope": "read"}));
    assert!(location.first("/x", "good-token").is_forward());
    assert_eq!(location.asked(), (1, 1));
    // Nothing more is asked for in an isolate that knows.
    assert!(location.first("/x", "good-token").is_forward());
    assert_eq!(location.asked(), (0, 0));
    let answer = location.second("/x", "good-token");
    assert!(answer.stamped().contains(&("X-Forwarded-User", "alice")));
    assert_eq!(location.asked(), (0, 1));
    // What the token is good for is judged anew, by each rule.
    assert_eq!(location.second("/write", "good-token").status(), 403);
    assert_eq!(location.asked(), (0, 0));
}

#[test]
fn a_bad_token_is_bad_for_both_and_not_for_long() {
    let location = Location::new(&json!({}));
    assert_eq!(location.first("/x", "bad-token").status(), 401);
    location.world.host.pass(9);
    assert_eq!(location.second("/x", "bad-token").status(), 401);
    assert_eq!(location.asked(), (1, 2));
    // The second isolate has not made it last any longer.
    location.world.host.pass(1);
    location.world.provider().opaque("bad-token", &json!({"sub": "alice"}));
    assert!(location.second("/x", "bad-token").is_forward());
}

#[test]
fn an_answer_counts_as_long_as_it_would_have_where_it_was_asked_for() {
    let location = Location::new(&json!({}));
    let provider = location.world.provider();
    provider.opaque("short-token", &json!({"sub": "alice", "exp": support::START + 20}));
    provider.opaque("long-token", &json!({"sub": "alice"}));
    for token in ["short-token", "long-token"] {
        assert!(location.first("/x", token).is_forward());
    }
    location.world.host.pass(19);
    for token in ["short-token", "long-token"] {
        assert!(location.second("/x", token).is_forward());
    }
    assert_eq!(location.asked().0, 2);
    location.world.host.pass(1);
    assert_eq!(location.second("/x", "short-token").status(), 401);
    location.world.host.pass(40);
    location.world.provider().forget("long-token");
    assert_eq!(location.second("/x", "long-token").status(), 401, "a minute after it was asked for");
}

#[test]
fn nobody_is_admitted_by_what_another_deployment_or_somebody_else_put_there() {
    let other_key = json!({"OIDC_SECRET_KEY": "another-test-key-of-at-least-32-bytes"});
    let location = Location::of(&json!({}), &other_key);
    location.world.provider().opaque("good-token", &json!({"sub": "alice"}));
    assert!(location.first("/x", "good-token").is_forward());
    location.world.provider().forget("good-token");
    assert_eq!(location.second("/x", "good-token").status(), 401);

    // Whoever deploys a shorter time means the answers that are there, too.
    let location = Location::of(&json!({"OIDC_INTROSPECTION_CACHE_TTL": 3600}), &json!({}));
    location.world.provider().opaque("good-token", &json!({"sub": "alice"}));
    assert!(location.first("/x", "good-token").is_forward());
    location.world.provider().forget("good-token");
    location.world.host.pass(61);
    assert_eq!(location.second("/x", "good-token").status(), 401);

    // Whoever can write to the cache gives one token's answer to another, or something made up.
    let location = Location::new(&json!({}));
    location.world.provider().opaque("good-token", &json!({"sub": "alice"}));
    assert!(location.first("/x", "good-token").is_forward() && location.first("/x", "bad-token").status() == 401);
    let entries = location.world.host.nearby.borrow().clone();
    let values: Vec<_> = entries.values().cloned().collect();
    let swapped = entries.keys().cloned().zip(values.into_iter().rev()).collect();
    location.world.host.nearby.replace(swapped);
    location.asked();
    assert_eq!(location.second("/x", "bad-token").status(), 401);
    assert_eq!(location.asked(), (1, 1), "asked, not believed");
    location.world.host.nearby.borrow_mut().values_mut().for_each(|(value, _)| *value = br#"{"active":true}"#.to_vec());
    assert_eq!(location.second("/x", "other-token").status(), 401);
}

#[test]
fn what_stands_there_tells_no_token_and_no_claim() {
    let location = Location::new(&json!({}));
    location.world.provider().opaque("good-token-of-alice", &json!({"sub": "alice", "email": "alice@example.org"}));
    assert!(location.first("/x", "good-token-of-alice").is_forward());
    let entries = location.world.host.nearby.borrow();
    let (name, (value, until)) = entries.iter().next().unwrap();
    let path = name.strip_prefix(&format!("{}/oidc_token/", support::SITE)).unwrap();
    assert!(path.len() == 43 && !path.contains("good"));
    let text = String::from_utf8_lossy(value);
    assert!(!text.contains("alice") && !name.contains("good-token"));
    assert_eq!(*until, support::START + 60);
}

#[test]
fn it_is_asked_for_only_where_it_is_wanted_and_can_help() {
    for more in [
        json!({"OIDC_INTROSPECTION_CACHE": null}),
        json!({"OIDC_INTROSPECTION_CACHE": "isolate"}),
        json!({"OIDC_INTROSPECTION_CACHE_TTL": 0}),
    ] {
        let location = Location::new(&more);
        location.world.provider().opaque("good-token", &json!({"sub": "alice"}));
        assert!(location.first("/x", "good-token").is_forward());
        assert_eq!(location.asked(), (1, 0), "{more}");
        assert!(location.world.host.nearby.borrow().is_empty(), "{more}");
    }
    // A JWT is read where it is.
    let location = Location::new(&json!({"OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "https://api.example"}));
    assert_eq!(location.first("/x", "no-jwt").status(), 401);
    assert_eq!(location.asked(), (0, 0));
}

#[test]
fn a_flood_is_throttled_before_the_provider_is_asked() {
    let location = Location::new(&json!({}));
    location.world.provider().opaque("good-token", &json!({"sub": "alice"}));
    assert!(location.first("/x", "good-token").is_forward());
    location.world.host.faults.rate.set(true);
    assert_eq!(location.second("/x", "random-token").status(), 429);
    assert!(location.second("/x", "good-token").is_forward(), "it costs the provider nothing");
}
