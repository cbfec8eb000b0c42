//! The one door: time, chance, the network, the store and the log. Everything else is pure.

use core::time::Duration;

use crate::{
    error::LogLine,
    jose::{Signer, Verifier},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    store::Store,
    time::Timestamp,
};

/// What the platform does for us.
#[allow(async_fn_in_trait, reason = "the runtime has one thread; its futures are not Send and need not be")]
pub trait Host: Verifier + Signer {
    /// The present moment. On the platform it stands still between I/O.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with randomness fit for keys.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`]; then nothing may be made that relies on it.
    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;

    /// Calls the provider. Redirects are answers, not followed; the answer's size and the time it takes are capped
    /// by [`crate::oauth::exchange`].
    ///
    /// # Errors
    ///
    /// [`CallError`] when there is no whole answer.
    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError>;

    /// Where credentials are kept.
    fn store(&self) -> impl Store;

    /// What the location's cache holds under a URL of this site; nothing when it can't be asked. Others may have put it
    /// there.
    async fn recall(&self, url: &str) -> Option<Vec<u8>>;

    /// Keeps a value in the location's cache for `ttl`, if it can.
    async fn keep(&self, url: &str, value: &[u8], ttl: Duration);

    /// Whether `caller` may cause one more piece of work; by the optional rate limit, which counts it.
    /// A limit that fails does not lock anyone out.
    async fn allows(&self, caller: &str) -> bool;

    /// Writes a line for the operator.
    fn log(&self, line: &LogLine);
}

/// A host that is lent is a host.
impl<H: Host> Host for &H {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        (**self).fill_random(bytes)
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        (**self).call(request).await
    }

    fn store(&self) -> impl Store {
        (**self).store()
    }

    async fn recall(&self, url: &str) -> Option<Vec<u8>> {
        (**self).recall(url).await
    }

    async fn keep(&self, url: &str, value: &[u8], ttl: Duration) {
        (**self).keep(url, value, ttl).await;
    }

    async fn allows(&self, caller: &str) -> bool {
        (**self).allows(caller).await
    }

    fn log(&self, line: &LogLine) {
        (**self).log(line);
    }
}

/// Random bytes from the host, as an array.
///
/// # Errors
///
/// [`NoRandomness`].
pub fn random<const N: usize>(host: &impl Host) -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    host.fill_random(&mut bytes)?;
    Ok(bytes)
}

/// The platform has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

/// Why there is no answer of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No connection, or it broke.
    Unreachable,
    /// It took longer than [`CALL_TIMEOUT_SECONDS`](crate::oauth::exchange::CALL_TIMEOUT_SECONDS).
    TimedOut,
    /// It was longer than [`MAX_ANSWER_BYTES`](crate::oauth::exchange::MAX_ANSWER_BYTES).
    TooLarge,
}
