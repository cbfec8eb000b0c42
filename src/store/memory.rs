//! The store of one isolate: for tests, and for a Worker that never has a second one.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use super::{Store, StoreError, StoreKey, members::Members};
use crate::time::Timestamp;

/// More entries are never kept; what ends first gives way.
const MAX_ENTRIES: usize = 1000;

/// What the isolate keeps.
#[derive(Debug, Default)]
pub struct Memory {
    entries: RefCell<BTreeMap<String, Kept<Vec<u8>>>>,
    lists: RefCell<BTreeMap<String, Kept<Members>>>,
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    until: Timestamp,
}

impl Memory {
    /// Nothing kept yet.
    pub const fn new() -> Self {
        Self { entries: RefCell::new(BTreeMap::new()), lists: RefCell::new(BTreeMap::new()) }
    }

    /// The store at this moment.
    pub const fn at(&self, now: Timestamp) -> MemoryAt<'_> {
        MemoryAt { memory: self, now }
    }
}

/// What the isolate keeps, at a moment.
#[derive(Clone, Copy, Debug)]
pub struct MemoryAt<'m> {
    memory: &'m Memory,
    now: Timestamp,
}

impl MemoryAt<'_> {
    fn change_list(&self, list: &StoreKey, ttl: Duration, change: impl FnOnce(&mut Members)) -> Result<(), StoreError> {
        let mut lists = self.memory.lists.try_borrow_mut().map_err(|_| StoreError)?;
        let mut kept = lists.remove(list.as_str()).unwrap_or(Kept { value: Members::default(), until: self.now });
        change(&mut kept.value);
        kept.until = kept.until.max(self.now.plus(ttl));
        keep(&mut lists, list, kept, self.now);
        Ok(())
    }
}

impl Store for MemoryAt<'_> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        let entries = self.memory.entries.try_borrow().map_err(|_| StoreError)?;
        Ok(entries.get(key.as_str()).filter(|kept| self.now < kept.until).map(|kept| kept.value.clone()))
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        let mut entries = self.memory.entries.try_borrow_mut().map_err(|_| StoreError)?;
        keep(&mut entries, key, Kept { value: value.to_owned(), until: self.now.plus(ttl) }, self.now);
        Ok(())
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        let until = self.now.plus(ttl);
        self.change_list(list, ttl, |members| members.join(member.as_str(), record, until, self.now))
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        self.change_list(list, Duration::ZERO, |members| members.leave(member.as_str()))
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        let lists = self.memory.lists.try_borrow().map_err(|_| StoreError)?;
        Ok(Some(lists.get(list.as_str()).map(|kept| kept.value.records(self.now)).unwrap_or_default()))
    }
}

fn keep<T>(kept: &mut BTreeMap<String, Kept<T>>, key: &StoreKey, new: Kept<T>, now: Timestamp) {
    kept.retain(|_, old| now < old.until);
    if kept.len() >= MAX_ENTRIES {
        let first = kept.iter().min_by_key(|(_, old)| old.until).map(|(key, _)| key.clone());
        first.map(|key| kept.remove(&key));
    }
    kept.insert(key.as_str().to_owned(), new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ring_support::block_on, session::SessionId};

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::new();
        let now = Timestamp::from_unix(0);
        for number in 0..1500_u32 {
            let key =
                StoreKey::of_session(&SessionId::from_random([number.to_be_bytes(); 8].concat().try_into().unwrap()));
            let ttl = Duration::from_secs(60 + u64::from(number));
            block_on(memory.at(now).save(&key, b"x", ttl)).unwrap();
            block_on(memory.at(now).join(&key, &key, "x", ttl)).unwrap();
        }
        assert_eq!(memory.entries.borrow().len(), MAX_ENTRIES);
        assert_eq!(memory.lists.borrow().len(), MAX_ENTRIES);
        assert!(
            memory.entries.borrow().values().all(|kept| kept.until >= Timestamp::from_unix(560)),
            "the first to end went"
        );
    }
}
