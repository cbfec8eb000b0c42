//! Durable Objects: one for each key, where it was first asked for; one request at a time; turns are the Worker's own.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use edge_oidc::{
    store::turns::{Turn, Turns},
    time::Timestamp,
};

use super::clock::Millis;

/// There and back within a location, and for each step further away.
const NEAR: Millis = 8;
const STEP: Millis = 45;
/// What an object does in a moment, no other request to it does.
const BUSY: Millis = 2;

#[derive(Default)]
struct Object {
    home: usize,
    busy_until: Millis,
    value: Option<(Vec<u8>, Timestamp)>,
    turns: Turns,
}

#[derive(Default)]
pub(crate) struct Objects {
    all: RefCell<BTreeMap<String, Object>>,
    pub(crate) requests: Cell<u64>,
    /// How long one took, at most.
    pub(crate) longest: Cell<Millis>,
}

impl Objects {
    /// How long a request to the object takes.
    pub(crate) fn way(&self, location: usize, key: &str, now: Millis) -> Millis {
        self.requests.set(self.requests.get() + 1);
        let mut all = self.all.borrow_mut();
        let object = all.entry(key.to_owned()).or_insert_with(|| Object { home: location, ..Object::default() });
        let far = Millis::try_from(object.home.abs_diff(location)).unwrap_or_default();
        let there = NEAR + far * STEP;
        let begins = (now + there / 2).max(object.busy_until);
        object.busy_until = begins + BUSY;
        let way = object.busy_until + there / 2 - now;
        self.longest.set(self.longest.get().max(way));
        way
    }

    pub(crate) fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.all.borrow().get(key)?.value.as_ref().map(|(value, _)| value.clone())
    }

    pub(crate) fn save(&self, key: &str, value: &[u8], until: Timestamp) {
        if let Some(object) = self.all.borrow_mut().get_mut(key) {
            if Turns::may_write(until, object.value.as_ref().map(|(_, until)| *until)) {
                object.value = Some((value.to_vec(), until));
            }
            object.turns.written(until);
        }
    }

    pub(crate) fn ask_turn(&self, key: &str, stale: Timestamp, now: Timestamp) -> Turn {
        let all = self.all.borrow();
        let object = all.get(key).map(|object| (&object.turns, object.value.as_ref().map(|(_, until)| *until)));
        object.map_or(Turn::Yours, |(turns, until)| turns.ask(stale, until, now))
    }

    pub(crate) fn release(&self, key: &str) {
        if let Some(object) = self.all.borrow().get(key) {
            object.turns.end();
        }
    }
}
