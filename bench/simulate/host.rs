//! The world that a day happens in, and the door to it that each request has.

use core::{cell::RefCell, time::Duration};
use std::rc::Rc;

use edge_oidc::{
    error::LogLine,
    gateway::{Gateway, Outcome},
    host::{CallError, Host, NoRandomness},
    jose::{Alg, Jwk, Signer, SignerError, SigningKey, Verifier, VerifierError},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    store::{Claim, FOR_GOOD, Store, StoreError, StoreKey, turns::Turn},
    time::Timestamp,
};
use serde_json::Value;

use super::{
    chance::Chance,
    clock::{Clock, Millis},
    figures::Figures,
    kv::{Kv, WRITE},
    objects::Objects,
    provider::{ANSWERS_AFTER, Provider},
    support::{FakeRequest, START, gateway, ring::RingVerifier},
};

/// Where isolates run, in a row: the further apart, the longer the way.
pub(crate) const LOCATIONS: usize = 6;
/// As src/edge/vault.rs waits for a turn.
const PATIENCE: Millis = 12_000;
const LOOK_AGAIN_AFTER: Millis = 20;
const LOOK_AGAIN_AT_LEAST: Millis = 320;

pub(crate) struct World {
    pub(crate) clock: Rc<Clock>,
    pub(crate) chance: Chance,
    pub(crate) kv: Kv,
    pub(crate) objects: Objects,
    pub(crate) provider: Provider,
    pub(crate) figures: Figures,
    durable: bool,
    settings: Value,
    isolates: RefCell<Vec<Vec<Rc<Gateway>>>>,
}

impl World {
    pub(crate) fn new(durable: bool, settings: Value, isolates: usize, seed: u64) -> Self {
        let isolates = (0..LOCATIONS).map(|_| (0..isolates).map(|_| Rc::new(gateway(&settings))).collect()).collect();
        Self {
            clock: Rc::default(),
            chance: Chance::of_seed(seed),
            kv: Kv::default(),
            objects: Objects::default(),
            provider: Provider::new(),
            figures: Figures::default(),
            durable,
            settings,
            isolates: RefCell::new(isolates),
        }
    }

    pub(crate) fn seconds(&self) -> i64 {
        START + i64::try_from(self.clock.now() / 1000).unwrap_or_default()
    }

    /// A request to one of the isolates of a location.
    pub(crate) async fn ask(self: &Rc<Self>, location: usize, request: &FakeRequest) -> Outcome {
        let isolate = {
            let here = &self.isolates.borrow()[location];
            Rc::clone(&here[self.chance.index(here.len())])
        };
        let host = Door { world: self, location };
        self.figures.request(self.clock.now());
        isolate.handle(&host, request).await
    }

    /// The platform puts an isolate away, and with it what it knew.
    pub(crate) fn renew_isolate(&self) {
        let here = &mut self.isolates.borrow_mut()[self.chance.index(LOCATIONS)];
        let isolate = self.chance.index(here.len());
        here[isolate] = Rc::new(gateway(&self.settings));
    }
}

/// What one request sees of the world.
struct Door<'w> {
    world: &'w Rc<World>,
    location: usize,
}

impl Door<'_> {
    async fn pass(&self, span: Millis) {
        self.world.clock.sleep(span).await;
    }

    async fn to_object(&self, key: &StoreKey) {
        let way = self.world.objects.way(self.location, key.as_str(), self.world.clock.now());
        self.pass(way).await;
    }
}

impl Verifier for Door<'_> {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        RingVerifier.verify(alg, key, message, signature).await
    }
}

impl Signer for Door<'_> {
    async fn sign(&self, _: &SigningKey, _: &[u8]) -> Result<Vec<u8>, SignerError> {
        Err(SignerError)
    }
}

impl Host for Door<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.world.seconds())
    }

    fn fill_random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.world.chance.fill(bytes);
        Ok(())
    }

    async fn call(&self, request: ProviderRequest) -> Result<ProviderAnswer, CallError> {
        self.world.figures.provider_call(self.world.clock.now());
        self.pass(ANSWERS_AFTER / 2).await;
        let answer = self.world.provider.answer(&request, self.world.clock.now(), self.world.seconds());
        self.pass(ANSWERS_AFTER / 2).await;
        answer
    }

    fn store(&self) -> impl Store {
        self
    }

    // Of access tokens alone, which nobody has here.
    async fn recall(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    async fn keep(&self, _: &str, _: &[u8], _: Duration) {}

    async fn allows(&self, _: &str) -> bool {
        true
    }

    fn log(&self, line: &LogLine) {
        self.world.figures.event(line.event);
    }
}

impl Store for &Door<'_> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        if self.world.durable {
            self.to_object(key).await;
            return Ok(self.world.objects.value(key.as_str()));
        }
        let (value, takes) = self.world.kv.read(self.location, key.as_str(), self.world.clock.now());
        self.pass(takes).await;
        Ok(value)
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.save_renewed(key, value, FOR_GOOD, ttl).await
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        if !self.world.durable {
            return self.load(key).await.map(Claim::Yours);
        }
        self.to_object(key).await;
        let give_up = self.world.clock.now() + PATIENCE;
        let mut pause = LOOK_AGAIN_AFTER;
        loop {
            let value = self.world.objects.value(key.as_str());
            match self.world.objects.ask_turn(key.as_str(), stale, self.now()) {
                Turn::Over => return value.map(Claim::Renewed).ok_or(StoreError),
                Turn::Yours => return Ok(Claim::Yours(value)),
                Turn::Wait if self.world.clock.now() >= give_up => return Err(StoreError),
                Turn::Wait => {
                    self.pass(pause).await;
                    pause = (pause * 2).min(LOOK_AGAIN_AT_LEAST);
                }
            }
        }
    }

    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        until: Timestamp,
        _: Duration,
    ) -> Result<(), StoreError> {
        self.world.figures.store_write(self.world.clock.now());
        if self.world.durable {
            self.to_object(key).await;
            self.world.objects.save(key.as_str(), value, until);
            return Ok(());
        }
        let taken = self.world.kv.write(self.location, key.as_str(), value, self.world.clock.now());
        self.pass(WRITE).await;
        if taken { Ok(()) } else { Err(StoreError) }
    }

    async fn release(&self, key: &StoreKey) {
        if self.world.durable {
            self.to_object(key).await;
            self.world.objects.release(key.as_str());
        }
    }

    // What the list holds matters to one page only; that it is asked for costs.
    async fn join(&self, list: &StoreKey, _: &StoreKey, _: &str, _: Duration) -> Result<(), StoreError> {
        if self.world.durable {
            self.to_object(list).await;
        }
        Ok(())
    }
}
