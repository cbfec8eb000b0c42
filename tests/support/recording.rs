//! A host that passes everything on, and remembers what the provider was asked.

use core::time::Duration;
use std::cell::RefCell;

use edge_oidc::{
    error::LogLine,
    host::{CallError, Host, NoRandomness},
    jose::{Alg, Jwk, Signer, SignerError, SigningKey, Verifier, VerifierError},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    store::Store,
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

impl Signer for Recording<'_> {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.host.sign(key, message).await
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

    fn store(&self) -> impl Store {
        self.host.store()
    }

    async fn recall(&self, url: &str) -> Option<Vec<u8>> {
        self.host.recall(url).await
    }

    async fn keep(&self, url: &str, value: &[u8], ttl: Duration) {
        self.host.keep(url, value, ttl).await;
    }

    async fn allows(&self, caller: &str) -> bool {
        self.host.allows(caller).await
    }

    fn log(&self, line: &LogLine) {
        self.host.log(line);
    }
}
