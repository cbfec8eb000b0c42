//! The platform behind the one door.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{glue, store::EdgeStore};
use crate::{
    config::StoreKind,
    error::{Fault, LogLine},
    host::{CallError, Host, NoRandomness},
    jose::{Alg, Jwk, Signer, SignerError, SigningKey, Verifier, VerifierError},
    oauth::exchange::{CALL_TIMEOUT_SECONDS, MAX_ANSWER_BYTES, ProviderAnswer, ProviderRequest},
    store::Store,
    time::Timestamp,
};

/// The platform, for the length of one request.
pub(super) struct EdgeHost<'e> {
    env: &'e JsValue,
    store: StoreKind,
}

impl<'e> EdgeHost<'e> {
    pub(super) fn new(env: &'e JsValue, store: StoreKind) -> Self {
        Self { env, store }
    }
}

impl Verifier for EdgeHost<'_> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        let promise = glue::verify(alg.name(), &key.public_json(), message, signature);
        let verdict = JsFuture::from(promise).await.map_err(|_| VerifierError)?;
        Ok(verdict.is_truthy())
    }
}

impl Signer for EdgeHost<'_> {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let jwk = key.private_json().ok_or(SignerError)?;
        let promise = glue::sign(key.alg().name(), jwk.expose(), message);
        let signature = JsFuture::from(promise).await.map_err(|_| SignerError)?;
        Ok(Uint8Array::new(&signature).to_vec())
    }
}

impl Host for EdgeHost<'_> {
    fn now(&self) -> Timestamp {
        clock_seconds()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        let headers = request.headers.iter().flat_map(|(name, value)| [*name, value.as_str()]);
        let headers: Array = headers.map(JsValue::from_str).collect();
        #[allow(clippy::cast_precision_loss, reason = "the limit is far below 2^53")]
        let promise = glue::call(
            request.url.as_str(),
            request.method.name(),
            headers,
            request.body.as_deref(),
            MAX_ANSWER_BYTES as f64,
            CALL_TIMEOUT_SECONDS * 1000,
        );
        let answer = JsFuture::from(promise).await.map_err(|_| CallError::Unreachable)?;
        answered(&answer)
    }

    fn store(&self) -> impl Store {
        EdgeStore { env: self.env, kind: self.store }
    }

    async fn allows(&self, caller: &str) -> bool {
        JsFuture::from(glue::allows(self.env, caller)).await.map_or(true, |verdict| verdict.is_truthy())
    }

    fn log(&self, line: &LogLine) {
        let level = match line.fault {
            None => "log",
            Some(Fault::Visitor) => "warn",
            Some(_) => "error",
        };
        glue::log(level, &line.to_json());
    }
}

/// The present moment, for what is part of the platform itself.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn clock_seconds() -> Timestamp {
    #[allow(clippy::cast_possible_truncation, reason = "a clock in milliseconds is far below 2^53")]
    Timestamp::from_unix((js_sys::Date::now() / 1000.0) as i64)
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
