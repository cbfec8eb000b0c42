//! The world of one schedule: isolates, a store and a provider, which may be slow or fail for a while.

use core::{cell::RefCell, ops::Range, time::Duration};
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
use serde_json::{Value, json};

use super::{
    chance::Chance,
    clock::{Clock, Millis},
    kv::{Kv, WRITE},
    objects::Objects,
    provider::Provider,
    support::{FakeRequest, START, gateway, ring::RingVerifier},
};

/// As src/edge/vault.rs waits for a turn, and src/edge/store.rs for anything else.
const PATIENCE: Millis = 12_000;
const ANSWER_WITHIN: Millis = 2_000;
const LOOK_AGAIN_AFTER: Millis = 200;
/// What a fault may still be the cause of, once it is over: calls that had begun, and tries that are spaced.
const AFTERMATH: Millis = 30_000;

/// What may go wrong in a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) durable: bool,
    pub(crate) isolates: usize,
    /// Whether the store may fail, as a whole or for writes alone.
    pub(crate) store_fails: bool,
    /// Whether the provider may be down, or take seconds for an answer.
    pub(crate) provider_fails: bool,
    pub(crate) settings: Value,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) clock: Rc<Clock>,
    pub(crate) chance: Chance,
    pub(crate) provider: Provider,
    kv: Kv,
    objects: Objects,
    isolates: Vec<Gateway>,
    pub(crate) outages: RefCell<Vec<Range<Millis>>>,
    pub(crate) refused_writes: RefCell<Vec<Range<Millis>>>,
    /// The last things that happened, for whoever has to find out why.
    pub(crate) story: RefCell<Vec<String>>,
}

impl World {
    pub(crate) fn new(plan: Plan, provider: Provider) -> Self {
        let mut settings = json!({"OIDC_RULES": [
            {"path": "/shared", "access": "login", "cache": "public"},
            {"path": "/staff", "access": "login", "claims": {"groups": "staff"}},
            {"path": "/*", "access": "login"},
        ]});
        for (name, value) in plan.settings.as_object().unwrap() {
            settings[name] = value.clone();
        }
        Self {
            clock: Rc::default(),
            chance: Chance::of_seed(plan.seed),
            provider,
            kv: Kv::default(),
            objects: Objects::default(),
            isolates: (0..plan.isolates).map(|_| gateway(&settings)).collect(),
            outages: RefCell::default(),
            refused_writes: RefCell::default(),
            story: RefCell::default(),
            plan,
        }
    }

    pub(crate) fn seconds(&self) -> i64 {
        START + i64::try_from(self.clock.now() / 1000).unwrap()
    }

    pub(crate) fn happened(&self, what: &str) {
        let mut story = self.story.borrow_mut();
        story.push(format!("{} ms {what}", self.clock.now()));
        let old = story.len().saturating_sub(40);
        story.drain(..old);
    }

    /// What happened lately, and in which schedule.
    pub(crate) fn told(&self) -> String {
        format!("{}\n{:?}\nat {} ms", self.story.borrow().join("\n"), self.plan, self.clock.now())
    }

    pub(crate) async fn ask(&self, isolate: usize, request: &FakeRequest) -> Outcome {
        self.isolates[isolate].handle(&Door { world: self, isolate }, request).await
    }

    /// Whether the store had a fault at some time since then, or its consequences.
    pub(crate) fn store_troubled(&self, since: Millis) -> bool {
        let (outages, writes) = (self.outages.borrow(), self.refused_writes.borrow());
        outages
            .iter()
            .chain(writes.iter())
            .any(|fault| since < fault.end + AFTERMATH && fault.start <= self.clock.now())
    }

    pub(crate) fn provider_troubled(&self, since: Millis) -> bool {
        let down = self.provider.down.borrow();
        down.iter().any(|fault| since < fault.end + AFTERMATH && fault.start <= self.clock.now())
    }

    fn within(&self, faults: &RefCell<Vec<Range<Millis>>>) -> bool {
        faults.borrow().iter().any(|fault| fault.contains(&self.clock.now()))
    }
}

/// What one request sees of the world.
struct Door<'w> {
    world: &'w World,
    isolate: usize,
}

impl Door<'_> {
    async fn pass(&self, span: Millis) {
        self.world.clock.sleep(span).await;
    }

    /// To the object, or to nobody.
    async fn reach(&self, key: &StoreKey) -> Result<(), StoreError> {
        if self.world.within(&self.world.outages) {
            self.pass(ANSWER_WITHIN).await;
            return Err(StoreError);
        }
        if self.world.plan.durable {
            self.pass(self.world.objects.way(self.isolate, key.as_str(), self.world.clock.now())).await;
        }
        Ok(())
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
        let provider = &self.world.provider;
        let takes = provider.takes(&self.world.chance);
        self.pass(takes / 2).await;
        self.world.happened(&format!("{}: {}", self.isolate, request.url.as_str()));
        let answer = provider.answer(&request, self.world.clock.now(), self.world.seconds());
        assert!(provider.was_asked_fairly(), "{}: a refresh token was used twice", self.world.told());
        self.pass(takes / 2).await;
        answer
    }

    fn store(&self) -> impl Store {
        self
    }

    async fn recall(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    async fn keep(&self, _: &str, _: &[u8], _: Duration) {}

    async fn allows(&self, _: &str) -> bool {
        true
    }

    fn log(&self, line: &LogLine) {
        self.world.happened(&format!("{}: {}", self.isolate, line.event));
    }
}

impl Store for &Door<'_> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.reach(key).await?;
        if self.world.plan.durable {
            return Ok(self.world.objects.value(key.as_str()));
        }
        let (value, takes) = self.world.kv.read(self.isolate, key.as_str(), self.world.clock.now());
        self.pass(takes).await;
        Ok(value)
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.save_renewed(key, value, FOR_GOOD, ttl).await
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        if !self.world.plan.durable {
            return self.load(key).await.map(Claim::Yours);
        }
        self.reach(key).await?;
        let give_up = self.world.clock.now() + PATIENCE;
        loop {
            let value = self.world.objects.value(key.as_str());
            match self.world.objects.ask_turn(key.as_str(), stale, self.now()) {
                Turn::Over => return value.map(Claim::Renewed).ok_or(StoreError),
                Turn::Yours => {
                    self.world.happened(&format!("{}: turn of {}", self.isolate, key.as_str()));
                    return Ok(Claim::Yours(value));
                }
                Turn::Wait if self.world.clock.now() >= give_up => return Err(StoreError),
                Turn::Wait => self.pass(LOOK_AGAIN_AFTER).await,
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
        self.reach(key).await?;
        self.world.happened(&format!("{}: save {}", self.isolate, key.as_str()));
        if self.world.within(&self.world.refused_writes) {
            return Err(StoreError);
        }
        if self.world.plan.durable {
            self.world.objects.save(key.as_str(), value, until);
            return Ok(());
        }
        let taken = self.world.kv.write(self.isolate, key.as_str(), value, self.world.clock.now());
        self.pass(WRITE).await;
        if taken { Ok(()) } else { Err(StoreError) }
    }

    async fn release(&self, key: &StoreKey) {
        if self.world.plan.durable && self.reach(key).await.is_ok() {
            self.world.happened(&format!("{}: release {}", self.isolate, key.as_str()));
            self.world.objects.release(key.as_str());
        }
    }
}
