//! Workers KV as its documentation describes it: writes go to a central place; each location keeps what it has read, and
//! that there was nothing, for a minute; one key takes one write a second.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::clock::Millis;

/// `cacheTtl` unless it is set: 60 s.
const CACHED_FOR: Millis = 60_000;
/// Until a write can be read from the central place elsewhere.
const ON_ITS_WAY: Millis = 1_000;
/// How long a read takes where the key is cached, where it is not, and a write.
pub(crate) const HOT_READ: Millis = 4;
pub(crate) const COLD_READ: Millis = 90;
pub(crate) const WRITE: Millis = 150;

type Value = Option<Vec<u8>>;

/// When a value was written, in which location, and what it is.
type Written = (Millis, usize, Vec<u8>);

#[derive(Default)]
pub(crate) struct Kv {
    /// The last values of each key.
    written: RefCell<BTreeMap<String, Vec<Written>>>,
    cached: RefCell<BTreeMap<(usize, String), (Millis, Value)>>,
    pub(crate) reads: Cell<u64>,
    pub(crate) cold_reads: Cell<u64>,
    pub(crate) writes: Cell<u64>,
    /// Writes that came within a second of another one to the same key.
    pub(crate) refused: Cell<u64>,
}

impl Kv {
    /// What a reader sees there and then, and how long it takes.
    pub(crate) fn read(&self, location: usize, key: &str, now: Millis) -> (Value, Millis) {
        self.reads.set(self.reads.get() + 1);
        let place = (location, key.to_owned());
        if let Some((_, value)) = self.cached.borrow().get(&place).filter(|(since, _)| now - since < CACHED_FOR) {
            return (value.clone(), HOT_READ);
        }
        self.cold_reads.set(self.cold_reads.get() + 1);
        let written = self.written.borrow();
        let seen = written.get(key).into_iter().flatten().rev();
        let seen = seen.filter(|(at, by, _)| now >= at + ON_ITS_WAY || *by == location);
        let value = seen.map(|(_, _, value)| value.clone()).next();
        self.cached.borrow_mut().insert(place, (now, value.clone()));
        (value, COLD_READ)
    }

    /// Whether the write was taken.
    pub(crate) fn write(&self, location: usize, key: &str, value: &[u8], now: Millis) -> bool {
        self.writes.set(self.writes.get() + 1);
        let mut written = self.written.borrow_mut();
        let values = written.entry(key.to_owned()).or_default();
        if values.last().is_some_and(|(at, ..)| now - at < 1_000) {
            self.refused.set(self.refused.get() + 1);
            return false;
        }
        // Older ones are never seen again.
        if values.len() > 2 {
            values.remove(0);
        }
        values.push((now, location, value.to_vec()));
        self.cached.borrow_mut().insert((location, key.to_owned()), (now, Some(value.to_vec())));
        true
    }
}
