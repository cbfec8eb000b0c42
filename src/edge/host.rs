//! The platform behind the one door.

use core::{cell::Cell, time::Duration};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::glue;
use crate::{
    config::Config,
    error::{Fault, LogLine, LoggedRequest},
    host::{CallError, Host, NoRandomness},
    jose::{Alg, Jwk, Signer, SignerError, SigningKey, Verifier, VerifierError},
    oauth::exchange::{CALL_TIMEOUT_SECONDS, MAX_ANSWER_BYTES, ProviderAnswer, ProviderRequest},
    store::Store,
    time::Timestamp,
};

/// How long the location's cache may take, in milliseconds: the provider is not much slower.
const NEARBY_PATIENCE: u32 = 500;

/// The platform, for the length of one request.
#[allow(unreachable_pub, reason = "types of the library name it")]
pub struct EdgeHost<S> {
    around: S,
    /// When the clock was first asked, in milliseconds: soon after the request came.
    began: Cell<Option<f64>>,
}

/// What is around a request: lent by the guard, held by the library.
#[allow(unreachable_pub, reason = "types of the library name it")]
pub trait Surroundings {
    /// The variables and bindings.
    fn env(&self) -> &JsValue;

    /// The request.
    fn request(&self) -> &web_sys::Request;

    /// The settings.
    fn config(&self) -> &Config;

    /// The store.
    fn store(&self) -> impl Store;
}

impl<S: Surroundings> EdgeHost<S> {
    pub(super) fn new(around: S) -> Self {
        Self { around, began: Cell::new(None) }
    }
}

impl<S> Verifier for EdgeHost<S> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        let (name, alg) = ([alg.name(), key.thumbprint()].concat(), alg.name());
        let promise = glue::verify_known(&name, alg, message, signature)
            .unwrap_or_else(|| glue::verify(&name, alg, &key.public_json(), message, signature));
        let verdict = JsFuture::from(promise).await.map_err(|_| VerifierError)?;
        Ok(verdict.is_truthy())
    }
}

impl<S> Signer for EdgeHost<S> {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let jwk = key.private_json().ok_or(SignerError)?;
        let promise = glue::sign(key.alg().name(), jwk.expose(), message);
        let signature = JsFuture::from(promise).await.map_err(|_| SignerError)?;
        Ok(Uint8Array::new(&signature).to_vec())
    }
}

impl<S: Surroundings> Host for EdgeHost<S> {
    fn now(&self) -> Timestamp {
        let now = clock();
        if self.began.get().is_none() {
            self.began.set(Some(now));
        }
        seconds(now)
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
        self.around.store()
    }

    async fn recall(&self, url: &str) -> Option<Vec<u8>> {
        let found = JsFuture::from(glue::recall(url, NEARBY_PATIENCE)).await.ok()?;
        found.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
    }

    async fn keep(&self, url: &str, value: &[u8], ttl: Duration) {
        // What can't be kept is asked for again.
        let _ = JsFuture::from(glue::keep(url, value, ttl.as_secs_f64(), NEARBY_PATIENCE)).await;
    }

    async fn allows(&self, caller: &str) -> bool {
        JsFuture::from(glue::allows(self.around.env(), caller)).await.map_or(true, |verdict| verdict.is_truthy())
    }

    fn log(&self, line: &LogLine) {
        let level = match line.fault {
            None => "log",
            Some(Fault::Visitor) => "warn",
            Some(_) => "error",
        };
        // The platform names each request so; a client can't choose it.
        let id = self.around.request().headers().get("cf-ray").ok().flatten();
        let provider = self.around.config().providers.first().map(|provider| provider.issuer.as_str());
        let ms = self.began.get().map_or(0.0, |began| clock() - began);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float to int conversion saturates"
        )]
        let request = LoggedRequest { id: id.as_deref(), provider, ms: Some(ms as u64) };
        glue::log(level, &line.to_json(&request));
        let words = [line.event, line.fault.map_or("", Fault::name), line.rule.as_deref().unwrap_or_default()];
        let words = [&words[..], &[provider.unwrap_or_default()]].concat().join("\n");
        glue::count(self.around.env(), &words, line.weight.unwrap_or(1), ms);
    }
}

/// The present moment, for what is part of the platform itself.
pub(super) fn clock_seconds() -> Timestamp {
    seconds(clock())
}

/// In milliseconds.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn clock() -> f64 {
    js_sys::Date::now()
}

fn seconds(milliseconds: f64) -> Timestamp {
    #[allow(clippy::cast_possible_truncation, reason = "a clock in milliseconds is far below 2^53")]
    Timestamp::from_unix((milliseconds / 1000.0) as i64)
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
