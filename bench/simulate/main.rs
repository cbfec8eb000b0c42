//! Days of traffic in a model of the platform, as JSON: `cargo bench --bench simulate -- VISITORS SEED`. See `docs/scale.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a measurement")]
#![allow(clippy::print_stdout, reason = "it is a program")]

#[path = "mod.rs"]
mod simulation;

use simulation::{Happens, Scenario, simulate};

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let visitors = numbers.first().copied().unwrap_or(1_000);
    let seed = numbers.get(1).copied().unwrap_or(1);
    let settings =
        [(false, 60, 3), (false, 60, 1), (false, 60, 10), (false, 300, 3), (true, 60, 3), (true, 300, 3), (true, 0, 3)];
    for (durable, check_interval, isolates) in settings {
        for happens in [Happens::Nothing, Happens::Ends, Happens::Outage, Happens::OutageWithoutRefreshTokens] {
            // Those who are signed out are asked about twice a second for minutes.
            let visitors = if happens == Happens::Ends { visitors / 10 } else { visitors };
            println!("{}", simulate(&Scenario { durable, check_interval, isolates, visitors, happens, seed }));
        }
    }
}
