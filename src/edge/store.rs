//! The stores of the platform: Workers KV, Durable Objects, and the isolate's own memory.

use core::time::Duration;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{glue, host::clock_seconds, vault::Vault};
use crate::{
    config::StoreKind,
    store::{Claim, FOR_GOOD, Store, StoreError, StoreKey, memory::Memory},
    time::Timestamp,
};

/// A store that takes longer, in milliseconds, counts as down: nobody waits for it at sign-in.
pub(super) const ANSWER_WITHIN: u32 = 2_000;

thread_local! {
    static MEMORY: Rc<Memory> = Rc::default();
}

/// The store that the settings name, for the length of one request.
pub(super) struct EdgeStore<E> {
    pub(super) env: E,
    pub(super) kind: StoreKind,
}

impl<E: AsRef<JsValue>> EdgeStore<E> {
    fn vault<'k>(&'k self, key: &'k StoreKey) -> Vault<'k, 'k> {
        Vault { env: self.env.as_ref(), key }
    }
}

fn memory() -> Rc<Memory> {
    MEMORY.with(Rc::clone)
}

impl<E: AsRef<JsValue>> Store for EdgeStore<E> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        match self.kind {
            StoreKind::Memory => memory().at(clock_seconds()).load(key).await,
            StoreKind::Durable => self.vault(key).load().await,
            StoreKind::Kv => {
                let value = JsFuture::from(glue::kv_load(self.env.as_ref(), key.as_str(), ANSWER_WITHIN)).await;
                value.map(|value| value.dyn_ref().map(Uint8Array::to_vec)).map_err(|_| StoreError)
            }
        }
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        match self.kind {
            StoreKind::Memory => memory().at(clock_seconds()).save(key, value, ttl).await,
            StoreKind::Durable => self.vault(key).save(value, FOR_GOOD, ttl).await,
            StoreKind::Kv => {
                let put =
                    glue::kv_save(self.env.as_ref(), key.as_str(), value, ttl.as_secs_f64().floor(), ANSWER_WITHIN);
                JsFuture::from(put).await.map(drop).map_err(|_| StoreError)
            }
        }
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        match self.kind {
            StoreKind::Durable => self.vault(key).claim(stale).await,
            StoreKind::Kv | StoreKind::Memory => self.load(key).await.map(Claim::Yours),
        }
    }

    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        match self.kind {
            StoreKind::Durable => self.vault(key).save(value, until, ttl).await,
            StoreKind::Kv | StoreKind::Memory => self.save(key, value, ttl).await,
        }
    }

    async fn release(&self, key: &StoreKey) {
        let StoreKind::Durable = self.kind else { return };
        // A turn that could not be given up ends by itself.
        let _ended = self.vault(key).release().await;
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        match self.kind {
            StoreKind::Memory => memory().at(clock_seconds()).join(list, member, record, ttl).await,
            StoreKind::Durable => self.vault(list).join(member, record, ttl).await,
            // Two sign-ins at once would write over each other, and what one of them wrote is not seen for a minute.
            StoreKind::Kv => Ok(()),
        }
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        match self.kind {
            StoreKind::Memory => memory().at(clock_seconds()).leave(list, member).await,
            StoreKind::Durable => self.vault(list).leave(member).await,
            StoreKind::Kv => Ok(()),
        }
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        match self.kind {
            StoreKind::Memory => memory().at(clock_seconds()).members(list).await,
            StoreKind::Durable => self.vault(list).members().await.map(Some),
            StoreKind::Kv => Ok(None),
        }
    }
}
