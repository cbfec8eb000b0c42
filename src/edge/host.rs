//! The platform behind the one door.

use core::time::Duration;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Env, KvStore, console_error, console_log, console_warn};

use super::{glue, memory};
use crate::{
    config::StoreKind,
    error::{Fault, LogLine},
    host::{CallError, Host, NoRandomness, StoreError},
    jose::{Alg, Jwk, Verifier, VerifierError},
    oauth::exchange::{CALL_TIMEOUT_SECONDS, MAX_ANSWER_BYTES, ProviderAnswer, ProviderRequest},
    time::Timestamp,
};

/// The platform, for the length of one request.
pub(super) struct EdgeHost<'e> {
    env: &'e Env,
    store: StoreKind,
}

impl<'e> EdgeHost<'e> {
    pub(super) fn new(env: &'e Env, store: StoreKind) -> Self {
        Self { env, store }
    }

    fn kv(&self) -> Result<KvStore, StoreError> {
        self.env.kv("OIDC_CREDENTIALS").map_err(|_| StoreError)
    }
}

impl Verifier for EdgeHost<'_> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        let promise = glue::verify(alg.name(), &key.public_json(), message, signature);
        let verdict = JsFuture::from(promise).await.map_err(|_| VerifierError)?;
        Ok(verdict.is_truthy())
    }
}

impl Host for EdgeHost<'_> {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now(&self) -> Timestamp {
        #[allow(clippy::cast_possible_truncation, reason = "a clock in milliseconds is far below 2^53")]
        Timestamp::from_unix((js_sys::Date::now() / 1000.0) as i64)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        let headers: Vec<&str> = request.headers.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
        #[allow(clippy::cast_precision_loss, reason = "the limit is far below 2^53")]
        let promise = glue::call(
            request.url.as_str(),
            request.method.name(),
            &headers.join("\n"),
            request.body.as_deref(),
            MAX_ANSWER_BYTES as f64,
            CALL_TIMEOUT_SECONDS * 1000,
        );
        let answer = JsFuture::from(promise).await.map_err(|_| CallError::Unreachable)?;
        answered(&answer)
    }

    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.store {
            StoreKind::Memory => memory::load(key, self.now()),
            StoreKind::Kv => self.kv()?.get(key).bytes().await.map_err(|_| StoreError),
        }
    }

    async fn save(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        match self.store {
            StoreKind::Memory => memory::save(key, value, ttl, self.now()),
            StoreKind::Kv => {
                let put = self.kv()?.put_bytes(key, value).map_err(|_| StoreError)?;
                put.expiration_ttl(ttl.as_secs()).execute().await.map_err(|_| StoreError)
            }
        }
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.store {
            StoreKind::Memory => memory::remove(key),
            StoreKind::Kv => self.kv()?.delete(key).await.map_err(|_| StoreError),
        }
    }

    async fn allows(&self, caller: &str) -> bool {
        let Ok(limit) = self.env.rate_limiter("OIDC_RATE_LIMIT") else { return true };
        limit.limit(caller.to_owned()).await.map_or(true, |outcome| outcome.success)
    }

    fn log(&self, line: &LogLine) {
        match line.fault {
            None => console_log!("{}", line.to_json()),
            Some(Fault::Visitor) => console_warn!("{}", line.to_json()),
            Some(_) => console_error!("{}", line.to_json()),
        }
    }
}

fn answered(answer: &JsValue) -> Result<ProviderAnswer, CallError> {
    if let Some(failure) = answer.as_string() {
        return Err(match failure.as_str() {
            "timeout" => CallError::TimedOut,
            "too_large" => CallError::TooLarge,
            _ => CallError::Unreachable,
        });
    }
    let parts: &Array = answer.unchecked_ref();
    let body = parts.get(2).dyn_into::<Uint8Array>().map_err(|_| CallError::Unreachable)?;
    let status = parts.get(0).as_f64().unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a status has three digits")]
    Ok(ProviderAnswer { status: status as u16, content_type: parts.get(1).as_string(), body: body.to_vec() })
}
