//! What a signed-in request costs, in what can be counted: allocations and their bytes, the same on every machine.
//!
//! A number that grows is a line on the hot path. Make it cheaper, or raise the number here with the reason in the commit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
#![allow(unsafe_code, reason = "an allocator that counts has to be one")]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use edge_oidc::gateway::Outcome;
use serde_json::{Value, json};
use support::{FakeRequest, World, block_on};

/// The most that a request takes in the gateway, and how much that is in bytes.
const ALLOCATIONS: usize = 13;
const BYTES: usize = 882;

thread_local! {
    static TAKEN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is left to the system's allocator; a cell that needs no allocation of its own counts beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _gone = TAKEN.try_with(|taken| {
            let (count, bytes) = taken.get();
            taken.set((count + 1, bytes + layout.size()));
        });
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: it came from there.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Allocations and bytes of the second request of a session; the first one opens its cookie.
fn taken(settings: &Value) -> (usize, usize) {
    let world = World::new(settings);
    let cookies = world.alice().cookies_for("https://site.example/");
    let request = FakeRequest::page("/some/page?of=the&site").cookies(&cookies);
    let ask = || block_on(world.gateway.handle(&world.host, &request));
    assert!(matches!(ask(), Outcome::Forward(_)));
    TAKEN.set((0, 0));
    let outcome = ask();
    let taken = TAKEN.get();
    assert!(matches!(outcome, Outcome::Forward(_)));
    taken
}

#[test]
fn a_signed_in_request_takes_no_more_than_it_did() {
    let (count, bytes) = taken(&json!({}));
    assert!(count > 0, "the allocator counts");
    assert!(count <= ALLOCATIONS, "{count} allocations, where {ALLOCATIONS} were enough");
    assert!(bytes <= BYTES, "{bytes} bytes, where {BYTES} were enough");
}

#[test]
fn a_hundred_rules_take_no_more_than_one() {
    let rules = |number: usize| {
        let rules: Vec<Value> = (1..number)
            .map(|index| json!({"path": format!("/part{index}/*"), "access": "login", "claims": {"sub": "nobody"}}))
            .chain([json!({"path": "/*", "access": "login"})])
            .collect();
        taken(&json!({"OIDC_RULES": rules}))
    };
    assert_eq!(rules(100), rules(1));
}
