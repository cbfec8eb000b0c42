//! A host that passes everything on, and remembers what the provider was asked.

use core::time::Duration;
use std::cell::RefCell;

use edge_oidc::{
    error::LogLine,
    host::{CallError, Claim, Host, NoRandomness, StoreError},
    jose::{Alg, Jwk, Verifier, VerifierError},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    session::store::StoreKey,
    time::Timestamp,
};

use crate::support::{Endpoint, FakeHost};

pub(crate) struct Recording<'h> {
    host: &'h FakeHost,
    pub(crate) asked: RefCell<Vec<Asked>>,
}

/// One call to the provider.
pub(crate) struct Asked {
    pub(crate) endpoint: Endpoint,
    pub(crate) url: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl<'h> Recording<'h> {
    pub(crate) fn new(host: &'h FakeHost) -> Self {
        Self { host, asked: RefCell::default() }
    }
}

impl Verifier for Recording<'_> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        self.host.verify(alg, key, message, signature).await
    }
}

impl Host for Recording<'_> {
    fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.host.fill_random(bytes)
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        let authorization = request.headers.iter().find(|(name, _)| *name == "Authorization");
        self.asked.borrow_mut().push(Asked {
            endpoint: Endpoint::of(&request),
            url: request.url.as_str().to_owned(),
            authorization: authorization.map(|(_, value)| value.clone()),
            body: request.body.clone().unwrap_or_default(),
        });
        self.host.call(request).await
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.host.load(key).await
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.host.save(key, value, ttl).await
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        self.host.claim(key, stale).await
    }

    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.host.save_renewed(key, value, until, ttl).await
    }

    async fn release(&self, key: &StoreKey) {
        self.host.release(key).await;
    }

    async fn allows(&self, caller: &str) -> bool {
        self.host.allows(caller).await
    }

    fn log(&self, line: &LogLine) {
        self.host.log(line);
    }
}
