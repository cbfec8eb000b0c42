//! Stores of the library: the one that the settings name, or one that the operator's own code brings.

use core::time::Duration;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::{
    config::StoreKind,
    edge::{host::clock_seconds, store::EdgeStore},
    store::{Store, StoreError, StoreKey, memory::Memory, shared::SharedStore},
};

/// The store that the settings name.
pub(super) fn named(env: JsValue, kind: StoreKind) -> SharedStore {
    SharedStore::new(EdgeStore { env, kind })
}

/// Credentials in the memory of one isolate, as Flask-OIDC keeps them unless told otherwise: for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryCredentials(Rc<Memory>);

impl Store for MemoryCredentials {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.at(clock_seconds()).load(key).await
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.0.at(clock_seconds()).save(key, value, ttl).await
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        self.0.at(clock_seconds()).join(list, member, record, ttl).await
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        self.0.at(clock_seconds()).leave(list, member).await
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        self.0.at(clock_seconds()).members(list).await
    }
}
