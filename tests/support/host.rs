//! A host without a platform: the clock is set, chance is counted, the store is a map, and every line of the log is
//! held against all that must never be in one.

use core::time::Duration;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use edge_oidc::{
    error::{LogLine, LoggedRequest},
    host::{CallError, Host, NoRandomness},
    jose::{Alg, Jwk, Signer, SignerError, SigningKey, Verifier, VerifierError},
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    store::{Claim, FOR_GOOD, Store, StoreError, StoreKey, members::Members, memory::Memory},
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
    pub(crate) store: RefCell<Entries>,
    /// Whether the store makes requests take turns, as Durable Objects do; otherwise it is as Workers KV.
    pub(crate) turns: Cell<bool>,
    /// What readers see while the store, as Workers KV, is behind: what stood there then.
    pub(crate) behind: RefCell<Option<Entries>>,
    /// The isolate's own memory in the place of any other store.
    pub(crate) memory: RefCell<Option<Rc<Memory>>>,
    /// The location's cache: values, and until when they are kept.
    pub(crate) nearby: RefCell<Entries>,
    /// What else happens in the world while the provider is asked.
    pub(crate) meanwhile: RefCell<Option<(Endpoint, Meanwhile)>>,
    /// Until when what stands in the store is good, and the lists it keeps, as Durable Objects know them.
    good_until: RefCell<BTreeMap<String, i64>>,
    lists: RefCell<BTreeMap<String, Members>>,
    now: Cell<i64>,
    counts: RefCell<Counts>,
    lines: RefCell<Vec<LogLine>>,
    hidden: RefCell<BTreeSet<String>>,
}

/// Values, and until when they are kept.
pub(crate) type Entries = BTreeMap<String, (Vec<u8>, i64)>;

/// Happens once.
pub(crate) type Meanwhile = Box<dyn FnOnce(&FakeHost)>;

/// What of the platform fails.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) load: Cell<bool>,
    /// How many seconds a read takes.
    pub(crate) load_takes: Cell<i64>,
    pub(crate) save: Cell<bool>,
    /// How many writes still go well before some fail.
    pub(crate) spared: Cell<usize>,
    /// How many writes fail then.
    pub(crate) saves: Cell<usize>,
    pub(crate) random: Cell<bool>,
    /// Whether callers have asked too often.
    pub(crate) rate: Cell<bool>,
}

/// What a request cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: BTreeMap<Endpoint, usize>,
    /// Questions to the location's cache.
    pub(crate) recalls: usize,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    /// Turns at renewing that were given up unused.
    pub(crate) releases: usize,
    pub(crate) draws: usize,
    /// Signatures that were made.
    pub(crate) signatures: usize,
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
            turns: Cell::new(false),
            behind: RefCell::default(),
            memory: RefCell::default(),
            nearby: RefCell::default(),
            meanwhile: RefCell::default(),
            good_until: RefCell::default(),
            lists: RefCell::default(),
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

    /// Lets something happen, once, while that endpoint is asked.
    pub(crate) fn meanwhile(&self, endpoint: Endpoint, what: impl FnOnce(&Self) + 'static) {
        *self.meanwhile.borrow_mut() = Some((endpoint, Box::new(what)));
    }

    fn happens(&self, endpoint: Endpoint) {
        let due = self.meanwhile.borrow_mut().take_if(|(awaited, _)| *awaited == endpoint);
        if let Some((_, what)) = due {
            what(self);
        }
    }

    fn memory(&self) -> Option<Rc<Memory>> {
        self.memory.borrow().clone()
    }

    fn write(&self, key: &StoreKey, value: &[u8], until: i64, ttl: Duration) -> Result<(), StoreError> {
        self.counts.borrow_mut().writes += 1;
        let (spared, fails) = (self.faults.spared.get(), self.faults.saves.get());
        self.faults.spared.set(spared.saturating_sub(1));
        if spared == 0 {
            self.faults.saves.set(fails.saturating_sub(1));
        }
        if self.faults.save.get() || spared == 0 && fails > 0 {
            return Err(StoreError);
        }
        // Workers KV refuses less.
        assert!(ttl.as_secs() >= 60, "{ttl:?}");
        // As the Durable Object: a mark is for good.
        let old = self.good_until.borrow().get(key.as_str()).copied();
        if self.turns.get() && old == Some(FOR_GOOD.as_unix()) && until != FOR_GOOD.as_unix() {
            return Ok(());
        }
        let kept_until = self.now.get() + i64::try_from(ttl.as_secs()).unwrap();
        self.store.borrow_mut().insert(key.as_str().to_owned(), (value.to_vec(), kept_until));
        self.good_until.borrow_mut().insert(key.as_str().to_owned(), until);
        Ok(())
    }

    fn on_list(&self, list: &StoreKey, change: impl FnOnce(&mut Members)) -> Result<(), StoreError> {
        if self.faults.save.get() {
            return Err(StoreError);
        }
        if self.turns.get() {
            change(self.lists.borrow_mut().entry(list.as_str().to_owned()).or_default());
        }
        Ok(())
    }

    /// What was done since the last time this was asked.
    pub(crate) fn take_counts(&self) -> Counts {
        self.counts.take()
    }

    /// All that the lists of the store hold.
    pub(crate) fn lists(&self) -> String {
        serde_json::to_string(&*self.lists.borrow()).unwrap()
    }

    /// Every event logged so far.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.lines.borrow().iter().map(|line| line.event).collect()
    }

    /// The last event logged; empty when there is none.
    pub(crate) fn last_event(&self) -> &'static str {
        self.lines.borrow().last().map_or("", |line| line.event)
    }

    /// Every line logged so far, without what only the platform knows.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().iter().map(|line| line.to_json(&LoggedRequest::default())).collect()
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
            if ["code", "state", "code_verifier", "client_secret", "nonce", "refresh_token", "token"].contains(&&*name)
            {
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
            self.lines.borrow().iter().map(|line| (line.to_json(&LoggedRequest::default()), line.event)).collect();
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

impl Store for &FakeHost {
    async fn load(&self, key: &StoreKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.counts.borrow_mut().reads += 1;
        self.pass(self.faults.load_takes.get());
        if self.faults.load.get() {
            return Err(StoreError);
        }
        if let Some(memory) = self.memory() {
            return memory.at(self.now()).load(key).await;
        }
        let (store, behind) = (self.store.borrow(), self.behind.borrow());
        let store = behind.as_ref().filter(|_| !self.turns.get()).unwrap_or(&store);
        Ok(store.get(key.as_str()).filter(|(_, until)| self.now.get() < *until).map(|(value, _)| value.clone()))
    }

    async fn save(&self, key: &StoreKey, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
        if let Some(memory) = self.memory() {
            return memory.at(self.now()).save(key, value, ttl).await;
        }
        self.write(key, value, FOR_GOOD.as_unix(), ttl)
    }

    async fn claim(&self, key: &StoreKey, stale: Timestamp) -> Result<Claim, StoreError> {
        let entry = self.load(key).await?;
        let good_until = self.good_until.borrow().get(key.as_str()).copied().unwrap_or(i64::MIN);
        Ok(match entry {
            Some(entry) if self.turns.get() && good_until > stale.as_unix() => Claim::Renewed(entry),
            // As with Workers KV: everybody may try.
            entry => Claim::Yours(entry),
        })
    }

    async fn save_renewed(
        &self,
        key: &StoreKey,
        value: &[u8],
        until: Timestamp,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        if let Some(memory) = self.memory() {
            return memory.at(self.now()).save_renewed(key, value, until, ttl).await;
        }
        self.write(key, value, until.as_unix(), ttl)
    }

    async fn release(&self, _: &StoreKey) {
        self.counts.borrow_mut().releases += 1;
    }

    async fn join(&self, list: &StoreKey, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        let now = Timestamp::from_unix(self.now.get());
        self.on_list(list, |members| members.join(member.as_str(), record, now.plus(ttl), now))
    }

    async fn leave(&self, list: &StoreKey, member: &StoreKey) -> Result<(), StoreError> {
        self.on_list(list, |members| members.leave(member.as_str()))
    }

    async fn members(&self, list: &StoreKey) -> Result<Option<Vec<String>>, StoreError> {
        if self.faults.load.get() {
            return Err(StoreError);
        }
        let now = Timestamp::from_unix(self.now.get());
        let records = || self.lists.borrow().get(list.as_str()).map(|members| members.records(now)).unwrap_or_default();
        Ok(self.turns.get().then(records))
    }
}

impl Signer for FakeHost {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.counts.borrow_mut().signatures += 1;
        RingVerifier.sign(key, message).await
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
        self.happens(endpoint);
        let answer = self.provider.answer(endpoint, &request, self.now.get());
        if let (Endpoint::Token, Ok(answer)) = (endpoint, &answer) {
            for secret in self.provider.issued() {
                self.hide(&secret);
            }
            self.hide(&String::from_utf8_lossy(&answer.body));
        }
        answer
    }

    fn store(&self) -> impl Store {
        self
    }

    async fn recall(&self, url: &str) -> Option<Vec<u8>> {
        self.counts.borrow_mut().recalls += 1;
        let nearby = self.nearby.borrow();
        nearby.get(url).filter(|(_, until)| self.now.get() < *until).map(|(value, _)| value.clone())
    }

    async fn keep(&self, url: &str, value: &[u8], ttl: Duration) {
        let until = self.now.get() + i64::try_from(ttl.as_secs()).unwrap();
        self.nearby.borrow_mut().insert(url.to_owned(), (value.to_vec(), until));
    }

    async fn allows(&self, caller: &str) -> bool {
        self.counts.borrow_mut().callers.push(caller.to_owned());
        !self.faults.rate.get()
    }

    fn log(&self, line: &LogLine) {
        self.lines.borrow_mut().push(line.clone());
    }
}
