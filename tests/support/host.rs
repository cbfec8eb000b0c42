//! A host without a platform: the clock is set, chance is counted, the store is a map, and every line of the log is
//! held against all that must never be in one.

use core::time::Duration;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use edge_oidc::{
    error::LogLine,
    host::{CallError, Claim, Host, NoRandomness, StoreError},
    jose::{Alg, Jwk, Verifier, VerifierError},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    session::store::StoreKey,
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{
    START,
    provider::{CLIENT_SECRET, Endpoint, PROVIDER_TEXT, Provider},
    ring::RingVerifier,
};

pub(crate) struct FakeHost {
    pub(crate) provider: Provider,
    pub(crate) faults: Faults,
    /// The store: what was saved, and until when.
    pub(crate) store: RefCell<BTreeMap<String, (Vec<u8>, i64)>>,
    now: Cell<i64>,
    counts: RefCell<Counts>,
    lines: RefCell<Vec<LogLine>>,
    hidden: RefCell<BTreeSet<String>>,
}

/// What of the platform fails.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) load: Cell<bool>,
    pub(crate) save: Cell<bool>,
    pub(crate) random: Cell<bool>,
    /// Whether callers have asked too often.
    pub(crate) rate: Cell<bool>,
}

/// What a request cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: BTreeMap<Endpoint, usize>,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) draws: usize,
    /// Who was held against the rate limit.
    pub(crate) callers: Vec<String>,
}

impl Counts {
    pub(crate) fn of(&self, endpoint: Endpoint) -> usize {
        self.calls.get(&endpoint).copied().unwrap_or(0)
    }
}

impl FakeHost {
    pub(crate) fn new() -> Self {
        let hidden = [CLIENT_SECRET, PROVIDER_TEXT].map(str::to_owned).into();
        Self {
            provider: Provider::new(),
            faults: Faults::default(),
            store: RefCell::default(),
            now: Cell::new(START),
            counts: RefCell::default(),
            lines: RefCell::default(),
            hidden: RefCell::new(hidden),
        }
    }

    pub(crate) fn unix(&self) -> i64 {
        self.now.get()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + seconds);
    }

    /// What was done since the last time this was asked.
    pub(crate) fn take_counts(&self) -> Counts {
        self.counts.take()
    }

    /// Every event logged so far.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.lines.borrow().iter().map(|line| line.event).collect()
    }

    /// The last event logged; empty when there is none.
    pub(crate) fn last_event(&self) -> &'static str {
        self.lines.borrow().last().map_or("", |line| line.event)
    }

    /// No line of the log may hold this.
    pub(crate) fn hide(&self, text: &str) {
        if text.len() >= 8 {
            self.hidden.borrow_mut().insert(text.to_owned());
        }
    }

    pub(crate) fn hide_cookies(&self, header: &str) {
        for pair in header.split(';') {
            self.hide(pair.split_once('=').map_or(pair, |(_, value)| value).trim());
        }
    }

    fn hide_form(&self, form: &str) {
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            if ["code", "state", "code_verifier", "client_secret", "nonce"].contains(&&*name) {
                self.hide(&value);
            }
        }
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let lines: BTreeMap<String, &str> =
            self.lines.borrow().iter().map(|line| (line.to_json(), line.event)).collect();
        for (text, event) in lines {
            let stable = event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.');
            assert!(stable && event.contains('.'), "no stable code: {text}");
            assert!(text.len() < 200 && text.is_ascii(), "a line for a person to read: {text}");
            for hidden in self.hidden.borrow().iter() {
                assert!(!text.contains(hidden.as_str()), "{text} says {hidden}");
            }
        }
    }
}

impl Verifier for FakeHost {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        RingVerifier.verify(alg, key, message, signature).await
    }
}

impl Host for FakeHost {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.now.get())
    }

    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        if self.faults.random.get() {
            return Err(NoRandomness);
        }
        thread_local!(static DRAWN: Cell<u64> = const { Cell::new(0) });
        self.counts.borrow_mut().draws += 1;
        for chunk in bytes.chunks_mut(32) {
            let drawn = DRAWN.replace(DRAWN.get() + 1);
            chunk.copy_from_slice(&Sha256::digest(drawn.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        let endpoint = Endpoint::of(&request);
        *self.counts.borrow_mut().calls.entry(endpoint).or_default() += 1;
        self.hide_form(request.body.as_deref().unwrap_or_default());
        for (_, value) in request.headers.iter().filter(|(name, _)| *name == "Authorization") {
            self.hide(value);
        }
        let answer = self.provider.answer(endpoint, &request, self.now.get());
        if let (Endpoint::Token, Ok(answer)) = (endpoint, &answer) {
            for secret in self.provider.issued() {
                self.hide(&secret);
            }
            self.hide(&String::from_utf8_lossy(&answer.body));
        }
        answer
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.counts.borrow_mut().reads += 1;
        if self.faults.load.get() {
            return Err(StoreError);
        }
        let store = self.store.borrow();
        Ok(store.get(key.as_str()).filter(|(_, until)| self.now.get() < *until).map(|(value, _)| value.clone()))
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.counts.borrow_mut().writes += 1;
        if self.faults.save.get() {
            return Err(StoreError);
        }
        // Workers KV refuses less.
        assert!(ttl.as_secs() >= 60, "{ttl:?}");
        let until = self.now.get() + i64::try_from(ttl.as_secs()).unwrap();
        self.store.borrow_mut().insert(key.as_str().to_owned(), (value.to_vec(), until));
        Ok(())
    }

    // As with Workers KV: everybody may try.
    async fn claim(&self, key: &StoreKey, _: Timestamp) -> Result<Claim, StoreError> {
        self.load(key).await.map(Claim::Yours)
    }

    async fn save_renewed(&self, key: &StoreKey, value: &[u8], _: Timestamp, ttl: Duration) -> Result<(), StoreError> {
        self.save(key, value, ttl).await
    }

    async fn release(&self, _: &StoreKey) {}

    async fn allows(&self, caller: &str) -> bool {
        self.counts.borrow_mut().callers.push(caller.to_owned());
        !self.faults.rate.get()
    }

    fn log(&self, line: &LogLine) {
        self.lines.borrow_mut().push(line.clone());
    }
}
