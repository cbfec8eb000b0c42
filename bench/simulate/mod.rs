//! A day of traffic in a model of the platform, in which nothing is modelled that the Worker decides itself: each request
//! goes through `Gateway::handle`. The models are those of Workers KV, of Durable Objects and of a provider; time is
//! virtual, chance has a seed, and so a day is the same on every machine.

mod chance;
mod clock;
mod day;
mod figures;
mod host;
mod kv;
mod objects;
mod provider;
mod visitor;

#[path = "../../tests/support/mod.rs"]
mod support;

pub(crate) use day::{Happens, Scenario, simulate};
