//! The store of one isolate: for tests, and for a Worker that never has a second one.

use std::{cell::RefCell, collections::BTreeMap};

use core::time::Duration;

use crate::{host::StoreError, time::Timestamp};

/// More entries are never kept; what ends first gives way.
const MAX_ENTRIES: usize = 1000;

thread_local! {
    static ENTRIES: RefCell<BTreeMap<String, (Vec<u8>, Timestamp)>> = const { RefCell::new(BTreeMap::new()) };
}

pub(super) fn load(key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
    ENTRIES.with(|entries| {
        let entries = entries.try_borrow().map_err(|_| StoreError)?;
        Ok(entries.get(key).filter(|(_, ends_at)| now < *ends_at).map(|(value, _)| value.clone()))
    })
}

pub(super) fn save(key: &str, value: &[u8], ttl: Duration, now: Timestamp) -> Result<(), StoreError> {
    ENTRIES.with(|entries| {
        let mut entries = entries.try_borrow_mut().map_err(|_| StoreError)?;
        entries.retain(|_, (_, ends_at)| now < *ends_at);
        if entries.len() >= MAX_ENTRIES {
            let first = entries.iter().min_by_key(|(_, (_, ends_at))| *ends_at).map(|(key, _)| key.clone());
            first.map(|key| entries.remove(&key));
        }
        entries.insert(key.to_owned(), (value.to_owned(), now.plus(ttl)));
        Ok(())
    })
}
