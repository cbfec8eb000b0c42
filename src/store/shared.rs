//! A store of which only the trait is known: for one that the operator's own code brings.

use core::{fmt, future::Future, pin::Pin, time::Duration};
use std::rc::Rc;

use super::{Claim, Store, StoreError, StoreKey};
use crate::time::Timestamp;

/// Any store, shared.
#[derive(Clone)]
pub struct SharedStore(Rc<dyn AnyStore>);

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedStore")
    }
}

impl SharedStore {
    /// Shares it.
    pub fn new(store: impl Store + 'static) -> Self {
        Self(Rc::new(store))
    }
}

impl Store for SharedStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.load(key).await
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.0.save(key, value, ttl).await
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        self.0.claim(key, stale).await
    }

    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.0.save_renewed(key, value, until, ttl).await
    }

    async fn release(&self, key: &StoreKey) {
        self.0.release(key).await;
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        self.0.join(list, member, record, ttl).await
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        self.0.leave(list, member).await
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        self.0.members(list).await
    }
}

type Promised<'s, T> = Pin<Box<dyn Future<Output = T> + 's>>;

/// [`Store`] with its futures in boxes, so that a pointer can stand for any of them.
trait AnyStore {
    fn load<'s>(&'s self, key: &'s StoreKey) -> Promised<'s, Result<Option<Vec<u8>>, StoreError>>;

    fn save<'s>(&'s self, key: &'s StoreKey, value: &'s [u8], ttl: Duration) -> Promised<'s, Result<(), StoreError>>;

    fn claim<'s>(&'s self, key: &'s StoreKey, stale: Timestamp) -> Promised<'s, Result<Claim, StoreError>>;

    fn save_renewed<'s>(
        &'s self,
        key: &'s StoreKey,
        value: &'s [u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Promised<'s, Result<(), StoreError>>;

    fn release<'s>(&'s self, key: &'s StoreKey) -> Promised<'s, ()>;

    fn join<'s>(
        &'s self,
        list: &'s StoreKey,
        member: &'s StoreKey,
        record: &'s str,
        ttl: Duration,
    ) -> Promised<'s, Result<(), StoreError>>;

    fn leave<'s>(&'s self, list: &'s StoreKey, member: &'s StoreKey) -> Promised<'s, Result<(), StoreError>>;

    fn members<'s>(&'s self, list: &'s StoreKey) -> Promised<'s, Result<Option<Vec<String>>, StoreError>>;
}

impl<S: Store> AnyStore for S {
    fn load<'s>(&'s self, key: &'s StoreKey) -> Promised<'s, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(Store::load(self, key))
    }

    fn save<'s>(&'s self, key: &'s StoreKey, value: &'s [u8], ttl: Duration) -> Promised<'s, Result<(), StoreError>> {
        Box::pin(Store::save(self, key, value, ttl))
    }

    fn claim<'s>(&'s self, key: &'s StoreKey, stale: Timestamp) -> Promised<'s, Result<Claim, StoreError>> {
        Box::pin(Store::claim(self, key, stale))
    }

    fn save_renewed<'s>(
        &'s self,
        key: &'s StoreKey,
        value: &'s [u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Promised<'s, Result<(), StoreError>> {
        Box::pin(Store::save_renewed(self, key, value, until, ttl))
    }

    fn release<'s>(&'s self, key: &'s StoreKey) -> Promised<'s, ()> {
        Box::pin(Store::release(self, key))
    }

    fn join<'s>(
        &'s self,
        list: &'s StoreKey,
        member: &'s StoreKey,
        record: &'s str,
        ttl: Duration,
    ) -> Promised<'s, Result<(), StoreError>> {
        Box::pin(Store::join(self, list, member, record, ttl))
    }

    fn leave<'s>(&'s self, list: &'s StoreKey, member: &'s StoreKey) -> Promised<'s, Result<(), StoreError>> {
        Box::pin(Store::leave(self, list, member))
    }

    fn members<'s>(&'s self, list: &'s StoreKey) -> Promised<'s, Result<Option<Vec<String>>, StoreError>> {
        Box::pin(Store::members(self, list))
    }
}
