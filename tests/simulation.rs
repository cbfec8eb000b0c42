//! The simulation of `docs/scale.md` at a small size: what comes of a day is within the bounds of `docs/storage.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

#[path = "../bench/simulate/mod.rs"]
mod simulation;

use serde_json::Value;
use simulation::{Happens, Scenario, simulate};

/// The check interval, what a location of KV has cached, a write on its way, and the whole seconds that moments are.
const KV_ENDS_WITHIN_MS: u64 = (60 + 60 + 1 + 1) * 1_000;
const DURABLE_ENDS_WITHIN_MS: u64 = (60 + 1) * 1_000;

const KV: Scenario =
    Scenario { durable: false, check_interval: 60, isolates: 3, visitors: 50, happens: Happens::Nothing, seed: 7 };
const DURABLE: Scenario = Scenario { durable: true, ..KV };

fn day(scenario: Scenario) -> Value {
    simulate(&scenario)
}

fn number(figures: &Value, place: &str) -> u64 {
    figures.pointer(place).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {place} in {figures}"))
}

#[test]
fn a_day_is_the_same_each_time_and_another_with_another_seed() {
    let small = Scenario { visitors: 10, ..KV };
    assert_eq!(day(small), day(small));
    assert_ne!(day(small), day(Scenario { seed: 8, ..small }));
}

#[test]
fn nobody_is_signed_out_without_cause() {
    for scenario in [KV, DURABLE, Scenario { visitors: 10, check_interval: 0, ..DURABLE }] {
        let figures = day(scenario);
        assert_eq!(number(&figures, "/sign_ins/first"), scenario.visitors, "{figures}");
        assert_eq!(number(&figures, "/sign_ins/lost"), 0, "{figures}");
        assert_eq!(figures["other_answers"], serde_json::json!({}), "{figures}");
        assert!(number(&figures, "/renewals/renewed") > 0, "{figures}");
    }
}

#[test]
fn with_turns_no_refresh_token_is_used_twice() {
    // Enough of those who ask for several things at once when their tokens are due.
    let many = Scenario { visitors: 150, ..KV };
    assert!(number(&day(many), "/renewals/refused") > 0, "the day has races, or it shows nothing");
    let figures = day(Scenario { durable: true, ..many });
    assert_eq!(number(&figures, "/renewals/refused"), 0, "{figures}");
    assert_eq!(number(&figures, "/renewals/asked"), number(&figures, "/renewals/renewed"), "{figures}");
}

#[test]
fn a_session_that_was_ended_is_over_in_time() {
    let at_once = Scenario { check_interval: 0, visitors: 20, ..DURABLE };
    for (scenario, within) in [(KV, KV_ENDS_WITHIN_MS), (DURABLE, DURABLE_ENDS_WITHIN_MS), (at_once, 0)] {
        let figures = day(Scenario { happens: Happens::Ends, ..scenario });
        assert_eq!(number(&figures, "/revocation_ms/ended"), scenario.visitors);
        let most = number(&figures, "/revocation_ms/most");
        assert!(most <= within, "{most} ms, where {within} are the most: {figures}");
        assert!(within == 0 || most > within / 2, "{most} ms: the bound says little: {figures}");
    }
}

#[test]
fn an_outage_of_the_provider_costs_no_session_that_can_be_renewed() {
    for scenario in [KV, DURABLE] {
        let figures = day(Scenario { happens: Happens::Outage, ..scenario });
        assert_eq!(number(&figures, "/sign_ins/after_an_outage"), 0, "{figures}");
        assert_eq!(number(&figures, "/sign_ins/lost"), 0, "{figures}");
    }
}
