//! A day, from midnight to midnight, and what came of it.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{
    clock::Millis,
    figures::{Figures, Why},
    host::World,
    support::Endpoint,
    visitor::{HOUR, Visitor},
};

/// How often the platform puts one isolate away.
const ISOLATE_ENDS_EACH: Millis = HOUR / 9;

/// What happens on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    /// Nothing.
    Nothing,
    /// The provider ends each session once, while somebody goes on using it elsewhere.
    Ends,
    /// The provider is down from one to half past two in the afternoon.
    Outage,
    /// The same with a provider that gives no refresh tokens.
    OutageWithoutRefreshTokens,
}

/// One day under some settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) durable: bool,
    /// `OIDC_SESSION_CHECK_INTERVAL`.
    pub(crate) check_interval: u64,
    pub(crate) isolates: usize,
    pub(crate) visitors: u64,
    pub(crate) happens: Happens,
    pub(crate) seed: u64,
}

/// The figures of a day.
pub(crate) fn simulate(scenario: &Scenario) -> Value {
    let settings = json!({"OIDC_SESSION_CHECK_INTERVAL": scenario.check_interval});
    let world = Rc::new(World::new(scenario.durable, settings, scenario.isolates, scenario.seed));
    let is_outage = matches!(scenario.happens, Happens::Outage | Happens::OutageWithoutRefreshTokens);
    world.provider.gives_refresh_tokens.set(scenario.happens != Happens::OutageWithoutRefreshTokens);
    if is_outage {
        world.provider.down.borrow_mut().push(13 * HOUR..14 * HOUR + HOUR / 2);
    }
    for number in 0..scenario.visitors {
        let visitor = Visitor::new(&world, number);
        match scenario.happens {
            Happens::Ends => world.clock.spawn(visitor.end()),
            _ => world.clock.spawn(visitor.day()),
        }
    }
    let isolates = Rc::clone(&world);
    world.clock.spawn(async move {
        while isolates.clock.now() < 24 * HOUR {
            isolates.clock.sleep(ISOLATE_ENDS_EACH).await;
            isolates.renew_isolate();
        }
    });
    world.clock.run();
    told(scenario, &world)
}

fn told(scenario: &Scenario, world: &World) -> Value {
    let Figures { events, statuses, .. } = &world.figures;
    let figures = &world.figures;
    let event = |name: &str| events.borrow().get(name).copied().unwrap_or(0);
    let sign_ins = |why: Why| figures.sign_ins.borrow().get(&why).copied().unwrap_or(0);
    let calls = |endpoint| world.provider.calls.borrow().get(&endpoint).copied().unwrap_or(0);
    let (objects, kv) = (&world.objects, &world.kv);
    json!({
        "store": if scenario.durable { "durable" } else { "kv" },
        "check_interval": scenario.check_interval,
        "isolates_a_location": scenario.isolates,
        "visitors": scenario.visitors,
        "happens": match scenario.happens {
            Happens::Nothing => "nothing",
            Happens::Ends => "sessions are ended",
            Happens::Outage => "an outage of the provider",
            Happens::OutageWithoutRefreshTokens => "an outage, no refresh tokens",
        },
        "requests": figures.total("requests"),
        "sign_ins": {
            "first": sign_ins(Why::First), "tokens_over": sign_ins(Why::Over), "after_an_outage": sign_ins(Why::Outage), "lost": sign_ins(Why::Lost),
            "most_in_a_minute": figures.most_in_a_minute("sign_ins"),
        },
        "provider": {
            "token": calls(Endpoint::Token), "userinfo": calls(Endpoint::Userinfo), "metadata": calls(Endpoint::Metadata),
            "jwks": calls(Endpoint::Jwks), "most_in_a_minute": figures.most_in_a_minute("provider_calls"),
        },
        "kv": {"reads": kv.reads.get(), "cold_reads": kv.cold_reads.get(), "writes": kv.writes.get(), "refused": kv.refused.get()},
        "objects": {"requests": objects.requests.get(), "longest_ms": objects.longest.get()},
        "store_writes_most_in_a_minute": figures.most_in_a_minute("store_writes"),
        "renewals": {
            "renewed": event("refresh.finished"), "asked": world.provider.refreshes.get(), "refused": world.provider.reused.get(),
            "unsaved": event("store.save_failed"),
        },
        "revocation_ms": delays(figures),
        "other_answers": *statuses.borrow(),
    })
}

fn delays(figures: &Figures) -> Value {
    let mut delays = figures.delays.borrow().clone();
    delays.sort_unstable();
    let Some(most) = delays.last() else { return Value::Null };
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
    json!({"ended": delays.len(), "median": at(50), "of_100_99": at(99), "most": most})
}
