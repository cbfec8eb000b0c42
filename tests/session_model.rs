//! Sessions against what `docs/storage.md` promises of them, in schedules that nobody has thought of: several browsers
//! and isolates, requests that come together, answers that come late or never, a store that lags, refuses or fails, a
//! provider that is slow or down. Each schedule comes of its number, and is the same every time.
//!
//! `SCHEDULES=5000 cargo test --test session_model` runs more of them, and `FIRST=69 SCHEDULES=1` one that has failed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

#[path = "session_model/browser.rs"]
mod browser;
#[path = "../bench/simulate/chance.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod chance;
#[path = "../bench/simulate/clock.rs"]
mod clock;
#[path = "../bench/simulate/kv.rs"]
#[allow(dead_code, reason = "nobody looks at the figures")]
mod kv;
#[path = "../bench/simulate/objects.rs"]
#[allow(dead_code, reason = "nobody looks at the figures")]
mod objects;
#[path = "session_model/provider.rs"]
mod provider;
mod support;
#[path = "session_model/world.rs"]
mod world;

use std::rc::Rc;

use serde_json::{Value, json};

use browser::Browser;
use chance::Chance;
use provider::{Provider, Rotation};
use world::{Plan, World};

const MINUTE: u64 = 60_000;

/// How a store and a provider may be, so that nobody may be signed out without cause: two isolates may lose a rotated
/// refresh token between them where the store fails, and KV lags by a minute.
const KINDS: [(bool, usize, bool, Rotation); 5] = [
    (true, 2, false, Rotation::AtOnce),
    (true, 1, true, Rotation::AtOnce),
    (true, 2, true, Rotation::Never),
    (false, 2, false, Rotation::Overlapping),
    (false, 2, true, Rotation::Never),
];

fn schedule(seed: u64) {
    let chance = Chance::of_seed(seed.wrapping_mul(7919));
    let (durable, isolates, store_fails, rotation) = KINDS[chance.index(KINDS.len())];
    let either = |values: &[Value]| values[chance.index(values.len())].clone();
    let settings = json!({
        "OIDC_SESSION_CHECK_INTERVAL": either(&[json!(0), json!(10), json!(60)]),
        "OIDC_STORE_OUTAGE_GRACE": either(&[json!(0), json!(600)]),
        "OIDC_SESSION_IDLE_TTL": either(&[Value::Null, Value::Null, json!(900)]),
        "OIDC_ID_TOKEN_COOKIE_TTL": either(&[json!(604_800), json!(4000)]),
        "OIDC_CLOCK_SKEW": either(&[json!(0), json!(60)]),
        "OIDC_PASS_ACCESS_TOKEN": either(&[json!(false), json!(true)]),
        "OIDC_SESSION_EXPIRY": either(&[json!("id_token"), json!("id_token"), json!("cookie")]),
    });
    let provider_fails = chance.one_in(2);
    let slowest = if provider_fails && chance.one_in(2) { 9000 } else { 100 };
    let provider = Provider::new(rotation, [300, 3600][chance.index(2)], slowest);
    let plan = Plan { seed, durable, isolates, store_fails, provider_fails, settings };
    let world = Rc::new(World::new(plan, provider));
    world.clock.spawn(trouble(Rc::clone(&world)));
    for name in ["alice", "bob"] {
        world.clock.spawn(Browser::new(&world, name).live(12));
    }
    world.clock.run();
}

/// Now and then something fails for a while.
async fn trouble(world: Rc<World>) {
    let chance = &world.chance;
    for _ in 0..8 {
        world.clock.sleep(chance.below(10 * MINUTE)).await;
        let now = world.clock.now();
        let fault = now..now + chance.below(4 * MINUTE);
        let troubled = match chance.below(3) {
            0 if world.plan.store_fails => &world.outages,
            1 if world.plan.store_fails => &world.refused_writes,
            2 if world.plan.provider_fails => &world.provider.down,
            _ => continue,
        };
        troubled.borrow_mut().push(fault.clone());
        world.clock.sleep(fault.end - now).await;
    }
}

#[test]
fn every_schedule_keeps_what_is_promised() {
    let asked = std::env::var("SCHEDULES").ok().and_then(|count| count.parse().ok());
    let first: u64 = std::env::var("FIRST").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    for seed in first..first + asked.unwrap_or(100) {
        schedule(seed);
    }
}
