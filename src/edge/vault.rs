//! `SessionVault`: one Durable Object for each key of the store. It agrees with itself at once, everywhere, and lets
//! requests take turns at renewing what it holds.

use core::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use worker::{Delay, DurableObject, Env, Request, Response, State, Stub, durable_object};

use super::host::{clock_seconds, within};
use crate::{
    store::{
        Claim, StoreError, StoreKey,
        members::Members,
        turns::{Turn, Turns},
    },
    time::Timestamp,
};

/// How long a request waits for its turn: as long as a call to the provider may take, and a little.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// An object that does not answer counts as down.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The value that is kept, as bytes, and until when it is good.
const VALUE: &str = "value";
const UNTIL: &str = "until";
/// The list that is kept, as JSON.
const MEMBERS: &str = "members";

/// One entry of the strongly consistent store.
#[durable_object]
pub struct SessionVault {
    state: State,
    turns: Turns,
}

impl DurableObject for SessionVault {
    fn new(state: State, _env: Env) -> Self {
        Self { state, turns: Turns::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = |name: &str| request.headers().get(name).map(Option::unwrap_or_default);
        let number = |name: &str| -> worker::Result<i64> { Ok(text(name)?.parse().unwrap_or_default()) };
        let (until, ttl, member) = (Timestamp::from_unix(number("until")?), number("ttl")?, text("member")?);
        match request.path().as_str() {
            "/load" => self.answer(0).await,
            "/claim" => self.claim(until).await,
            "/release" => {
                self.turns.end();
                Response::empty()
            }
            "/save" => {
                let value = request.bytes().await?;
                self.save(&value, until, ttl).await
            }
            "/join" => {
                let record = request.text().await?;
                self.join(&member, &record, ttl).await
            }
            "/leave" => {
                let mut members = self.members().await?;
                members.leave(&member);
                self.keep_members(&members).await
            }
            "/members" => Response::from_json(&self.members().await?.records(clock_seconds())),
            _ => Response::error("", 404),
        }
    }

    /// What it held is over.
    async fn alarm(&self) -> worker::Result<Response> {
        self.state.storage().delete_all().await?;
        Response::empty()
    }
}

impl SessionVault {
    async fn save(&self, value: &[u8], until: Timestamp, ttl: i64) -> worker::Result<Response> {
        if Turns::may_write(until, self.stored_until().await?) {
            self.put(VALUE, &Uint8Array::from(value)).await?;
            self.put(UNTIL, &JsValue::from_str(&until.as_unix().to_string())).await?;
            self.keep_for(ttl).await?;
        }
        // Not before: who takes the next turn must find what this one has written.
        self.turns.end();
        Response::empty()
    }

    async fn join(&self, member: &str, record: &str, ttl: i64) -> worker::Result<Response> {
        let (mut members, now) = (self.members().await?, clock_seconds());
        members.join(member, record, now.plus(Duration::from_secs(ttl.unsigned_abs())), now);
        self.keep_for(ttl).await?;
        self.keep_members(&members).await
    }

    async fn members(&self) -> worker::Result<Members> {
        let json = self.kept(MEMBERS).await?.as_string().unwrap_or_default();
        Ok(serde_json::from_str(&json).unwrap_or_default())
    }

    async fn keep_members(&self, members: &Members) -> worker::Result<Response> {
        let json = serde_json::to_string(members).unwrap_or_default();
        self.put(MEMBERS, &JsValue::from_str(&json)).await?;
        Response::empty()
    }

    /// The end of everything that is kept is the end of what lasts longest.
    async fn keep_for(&self, ttl: i64) -> worker::Result<()> {
        let storage = self.state.storage();
        let ends_at = clock_seconds().plus(Duration::from_secs(ttl.unsigned_abs())).as_unix().saturating_mul(1000);
        if storage.get_alarm().await?.is_none_or(|known| known < ends_at) {
            storage.set_alarm(Duration::from_secs(ttl.unsigned_abs())).await?;
        }
        Ok(())
    }

    /// Waits until it is the asker's turn, or there is nothing left to do.
    async fn claim(&self, stale: Timestamp) -> worker::Result<Response> {
        let give_up = clock_seconds().plus(PATIENCE);
        loop {
            let (until, now) = (self.stored_until().await?, clock_seconds());
            match self.turns.ask(stale, until, now) {
                Turn::Over => return self.answer(1).await,
                Turn::Yours => return self.answer(0).await,
                Turn::Wait if now >= give_up => return Response::error("", 503),
                Turn::Wait => Delay::from(LOOK_AGAIN_AFTER).await,
            }
        }
    }

    async fn stored_until(&self) -> worker::Result<Option<Timestamp>> {
        let text = self.kept(UNTIL).await?.as_string();
        Ok(text.and_then(|text| text.parse().ok()).map(Timestamp::from_unix))
    }

    async fn put(&self, name: &str, value: &JsValue) -> worker::Result<()> {
        self.state.storage().put_raw(name, value.clone()).await
    }

    async fn kept(&self, name: &str) -> worker::Result<JsValue> {
        let storage = self.state.storage();
        let get = js_sys::Reflect::get(storage.as_raw(), &JsValue::from_str("get"))?;
        let promise = js_sys::Function::from(get).call1(storage.as_raw(), &JsValue::from_str(name))?;
        Ok(wasm_bindgen_futures::JsFuture::from(js_sys::Promise::from(promise)).await?)
    }

    // The first byte tells whether the entry has been renewed; nothing after it: there is no entry.
    async fn answer(&self, renewed: u8) -> worker::Result<Response> {
        let value = self.kept(VALUE).await?;
        let mut bytes = vec![renewed];
        if !value.is_undefined() {
            bytes.extend_from_slice(&Uint8Array::new(&value).to_vec());
        }
        Response::from_bytes(bytes)
    }
}

/// The object of a key, seen from a request.
pub(super) struct Vault(Stub);

impl Vault {
    pub(super) fn of(env: &Env, key: &StoreKey) -> Result<Self, StoreError> {
        let namespace = env.durable_object("OIDC_SESSIONS").map_err(|_| StoreError)?;
        namespace.get_by_name(key.as_str()).map(Self).map_err(|_| StoreError)
    }

    pub(super) async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask("/load", &[], None).await.map(|answer| split(&answer).1)
    }

    pub(super) async fn save(&self, value: &[u8], until: Timestamp, ttl: Duration) -> Result<(), StoreError> {
        let headers = [("until", until.as_unix().to_string()), ("ttl", ttl.as_secs().to_string())];
        self.ask("/save", &headers, Some(value)).await.map(|_| ())
    }

    pub(super) async fn claim(&self, stale: Timestamp) -> Result<Claim, StoreError> {
        let request = request("/claim", &[("until", stale.as_unix().to_string())], None).map_err(|_| StoreError)?;
        let answer = self.answer(request, PATIENCE + ANSWER_WITHIN).await?;
        Ok(match split(&answer) {
            (true, Some(entry)) => Claim::Renewed(entry),
            (_, entry) => Claim::Yours(entry),
        })
    }

    pub(super) async fn release(&self) -> Result<(), StoreError> {
        self.ask("/release", &[], None).await.map(|_| ())
    }

    pub(super) async fn join(&self, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        let headers = [("member", member.as_str().to_owned()), ("ttl", ttl.as_secs().to_string())];
        self.ask("/join", &headers, Some(record.as_bytes())).await.map(|_| ())
    }

    pub(super) async fn leave(&self, member: &StoreKey) -> Result<(), StoreError> {
        self.ask("/leave", &[("member", member.as_str().to_owned())], None).await.map(|_| ())
    }

    pub(super) async fn members(&self) -> Result<Vec<String>, StoreError> {
        let answer = self.ask("/members", &[], None).await?;
        serde_json::from_slice(&answer).map_err(|_| StoreError)
    }

    async fn ask(
        &self,
        operation: &str,
        headers: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, StoreError> {
        let request = request(operation, headers, body).map_err(|_| StoreError)?;
        self.answer(request, ANSWER_WITHIN).await
    }

    async fn answer(&self, request: Request, patience: Duration) -> Result<Vec<u8>, StoreError> {
        let mut response = within(patience, self.0.fetch_with_request(request)).await?.map_err(|_| StoreError)?;
        if response.status_code() != 200 {
            return Err(StoreError);
        }
        within(patience, response.bytes()).await?.map_err(|_| StoreError)
    }
}

fn request(operation: &str, fields: &[(&str, String)], body: Option<&[u8]>) -> worker::Result<Request> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in fields {
        headers.set(name, value)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    if let Some(body) = body {
        init.set_body(&Uint8Array::from(body));
    }
    Ok(web_sys::Request::new_with_str_and_init(&format!("https://vault{operation}"), &init)?.into())
}

fn split(answer: &[u8]) -> (bool, Option<Vec<u8>>) {
    match answer.split_first() {
        Some((renewed, value)) if !value.is_empty() => (*renewed == 1, Some(value.to_vec())),
        _ => (false, None),
    }
}
