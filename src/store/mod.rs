//! Where credentials are kept, and the marks that end sessions: one trait, however strongly a store agrees with itself.
//!
//! What a store must do is said by [`contract`], for those who write one; what comes of it for visitors stands in
//! `tests/stores.json`, and is run for each, natively and in workerd.

pub mod contract;
pub mod key;
pub mod mark;
pub mod members;
pub mod memory;
pub mod shared;
pub mod turns;

use core::time::Duration;

pub use key::StoreKey;

use crate::time::Timestamp;

/// A place for sealed entries and for marks, by hashed keys. What it keeps, it can't read.
///
/// The first two methods are a store. The others are for stores that agree with themselves at once: those that don't
/// leave them as they are.
#[allow(async_fn_in_trait, reason = "the runtime has one thread; its futures are not Send and need not be")]
pub trait Store {
    /// What stands under a key. `None` proves nothing: the entry may be on its way.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't tell.
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts a value in the place of what stood there; it may go after `ttl`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may not have been written.
    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError>;

    /// Asks to be the one who renews an entry whose holder knows it to be good until `stale`.
    ///
    /// A store that can make requests take turns answers when it is this one's turn, or when another one has renewed
    /// the entry meanwhile. Others let everybody try.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't tell.
    async fn claim(&self, key: &StoreKey, _stale: Timestamp) -> Result<Claim, StoreError> {
        self.load(key).await.map(Claim::Yours)
    }

    /// Writes a renewed entry, good until `until`, and lets the next one have its turn. It does not take the place of a
    /// value that was put there by [`Store::save`], where the store can tell.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may not have been written.
    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        _until: Timestamp,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.save(key, value, ttl).await
    }

    /// Gives up a turn that [`Store::claim`] gave.
    async fn release(&self, _key: &StoreKey) {}

    /// Puts a record on the list that stands under `list`, for `ttl`; `member` is its name there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may not have been written.
    async fn join(
        &self,
        _list: &StoreKey,
        _member: &StoreKey,
        _record: &str,
        _ttl: Duration,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes a record off the list.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it may still be there.
    async fn leave(&self, _list: &StoreKey, _member: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }

    /// The records on the list; `None` from a store that keeps none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can't tell.
    async fn members(&self, _list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        Ok(None)
    }
}

/// Whose turn it is to renew an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody's: another request has renewed it. This is the entry now.
    Renewed(Vec<u8>),
    /// The asker's. This is the entry as it stands, if there is one.
    Yours(Option<Vec<u8>>),
}

/// The store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreError;

/// Until when a value is good that was not written to be renewed: nobody waits for that, and a claim finds it at once.
pub const FOR_GOOD: Timestamp = Timestamp::from_unix(i64::MAX);
