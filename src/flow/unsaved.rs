//! Tokens that the store did not take. A refresh token that has been rotated exists nowhere else, so they wait here,
//! sealed, until the store is back.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use crate::{
    flow::{Site, refresh, standing::MIN_TTL},
    host::Host,
    session::{Session, SessionId},
    store::{Store as _, StoreError, StoreKey, mark},
    time::Timestamp,
};

/// The store is tried again no more often than this for one session.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// More never wait.
const MAX_WAITING: usize = 1000;

/// The entries that wait in this isolate. Plain data, bounded.
#[derive(Debug, Default)]
pub struct Unsaved(RefCell<BTreeMap<SessionId, Waiting>>);

#[derive(Debug)]
struct Waiting {
    /// Sealed, as it is to stand in the store.
    entry: Vec<u8>,
    due: Timestamp,
    tried_at: Timestamp,
}

impl Unsaved {
    /// Lets an entry wait.
    pub(super) fn keep(&self, id: &SessionId, entry: Vec<u8>, due: Timestamp, now: Timestamp) {
        let Ok(mut waiting) = self.0.try_borrow_mut() else { return };
        if waiting.len() >= MAX_WAITING && !waiting.contains_key(id) {
            // Whose session has asked for nothing the longest gives way.
            let oldest = waiting.iter().min_by_key(|(_, known)| known.tried_at).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| waiting.remove(&oldest));
        }
        waiting.insert(id.clone(), Waiting { entry, due, tried_at: now });
    }

    /// Forgets what waits for a session.
    pub(super) fn forget(&self, id: &SessionId) {
        if let Ok(mut waiting) = self.0.try_borrow_mut() {
            waiting.remove(id);
        }
    }

    /// The entry that waits for a session: while it does, what the store has is older.
    pub(super) fn entry(&self, id: &SessionId) -> Option<Vec<u8>> {
        self.0.try_borrow().ok()?.get(id).map(|waiting| waiting.entry.clone())
    }

    /// The same, when it is time to try again; then this counts as a try.
    fn to_try(&self, id: &SessionId, now: Timestamp) -> Option<(Vec<u8>, Timestamp)> {
        let mut waiting = self.0.try_borrow_mut().ok()?;
        let known = waiting.get_mut(id).filter(|known| now.since(known.tried_at) >= TRY_AGAIN_AFTER)?;
        known.tried_at = now;
        Some((known.entry.clone(), known.due))
    }
}

/// Stores what waits for a session, if anything does.
pub(super) async fn store_again(site: &Site, host: &impl Host, session: &Session) {
    let Some((entry, due)) = site.unsaved.to_try(&session.id, host.now()) else { return };
    let stored = try_again(site, host, session, &entry, due).await.is_ok();
    if stored && site.unsaved.entry(&session.id).is_some_and(|waiting| waiting == entry) {
        site.unsaved.forget(&session.id);
    }
}

async fn try_again(
    site: &Site,
    host: &impl Host,
    session: &Session,
    entry: &[u8],
    due: Timestamp,
) -> Result<(), StoreError> {
    let key = StoreKey::of_session(&session.id);
    let stands = host.store().load(&key).await?;
    // Signed out meanwhile, or renewed elsewhere: neither is written over.
    let is_newer = |value: &[u8]| refresh::open(site, session, value).is_some_and(|known| known.validity.due() >= due);
    if stands.is_some_and(|value| mark::ends(&value, session.signed_in_at) || is_newer(&value)) {
        return Ok(());
    }
    let ttl = session.ends_at.since(host.now()).max(MIN_TTL);
    host.store().save_renewed(&key, entry, due, ttl).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_tries_are_spaced() {
        let (unsaved, at) = (Unsaved::default(), Timestamp::from_unix);
        let id = |index: u32| SessionId::from_random([index.to_be_bytes(); 8].concat().try_into().unwrap());
        for index in (2..2500).chain(0..2) {
            unsaved.keep(&id(index), Vec::new(), at(9), at(i64::from(index < 2)));
            assert!(unsaved.0.borrow().len() <= MAX_WAITING);
        }
        assert!(unsaved.to_try(&id(0), at(2)).is_none());
        assert!(unsaved.to_try(&id(0), at(3)).is_some());
        assert!(unsaved.to_try(&id(0), at(3)).is_none());
        assert!(unsaved.entry(&id(0)).is_some(), "it waits until it is stored");
        unsaved.forget(&id(1));
        assert!(unsaved.to_try(&id(1), at(9)).is_none() && unsaved.entry(&id(1)).is_none());
    }
}
