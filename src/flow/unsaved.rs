//! Tokens that the store did not take. A refresh token that has been rotated exists nowhere else, so they wait here,
//! sealed, until the store is back.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use crate::{
    flow::{Site, standing::MIN_TTL},
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
        if waiting.len() < MAX_WAITING || waiting.contains_key(id) {
            waiting.insert(id.clone(), Waiting { entry, due, tried_at: now });
        }
    }

    /// Forgets what waits for a session.
    pub(super) fn forget(&self, id: &SessionId) {
        if let Ok(mut waiting) = self.0.try_borrow_mut() {
            waiting.remove(id);
        }
    }

    /// What waits for a session, when it is time to try again.
    fn take(&self, id: &SessionId, now: Timestamp) -> Option<Waiting> {
        let mut waiting = self.0.try_borrow_mut().ok()?;
        let is_time = waiting.get(id).is_some_and(|known| now.since(known.tried_at) >= TRY_AGAIN_AFTER);
        if is_time { waiting.remove(id) } else { None }
    }
}

/// Stores what waits for a session, if anything does.
pub(super) async fn store_again(site: &Site, host: &impl Host, session: &Session) {
    let Some(Waiting { entry, due, .. }) = site.unsaved.take(&session.id, host.now()) else { return };
    if try_again(host, session, &entry, due).await.is_err() {
        site.unsaved.keep(&session.id, entry, due, host.now());
    }
}

async fn try_again(host: &impl Host, session: &Session, entry: &[u8], due: Timestamp) -> Result<(), StoreError> {
    let key = StoreKey::of_session(&session.id);
    let stands = host.store().load(&key).await?;
    // Signed out meanwhile: a mark is not written over.
    if stands.is_some_and(|value| mark::ends(&value, session.signed_in_at)) {
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
        for index in 0..2500 {
            unsaved.keep(&id(index), Vec::new(), at(9), at(0));
            assert!(unsaved.0.borrow().len() <= MAX_WAITING);
        }
        assert!(unsaved.take(&id(0), at(1)).is_none());
        assert!(unsaved.take(&id(0), at(2)).is_some());
        assert!(unsaved.take(&id(0), at(2)).is_none());
        unsaved.forget(&id(1));
        assert!(unsaved.take(&id(1), at(9)).is_none());
    }
}
