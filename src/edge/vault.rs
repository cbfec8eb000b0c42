//! `SessionVault`: one Durable Object for each key of the store. It agrees with itself at once, everywhere, and lets
//! requests take turns at renewing what it holds.

use core::{cell::Cell, time::Duration};

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use worker::{Delay, DurableObject, Env, Request, Response, State, Stub, durable_object};

use super::host::{clock_seconds, within};
use crate::{
    host::{Claim, StoreError},
    session::store::StoreKey,
    time::Timestamp,
};

/// A turn that is neither used nor given up ends by itself: the request that had it is gone.
const TURN: Duration = Duration::from_secs(15);
/// How long a request waits for its turn: as long as a call to the provider may take, and a little.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// An object that does not answer counts as down.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Until when a mark is good.
const MARKED: i64 = super::host::NOT_RENEWED.as_unix();

/// The value that is kept, as bytes, and until when it is good.
const VALUE: &str = "value";
const UNTIL: &str = "until";

/// One entry of the strongly consistent store.
#[durable_object]
pub struct SessionVault {
    state: State,
    /// Until when somebody has the turn.
    turn: Cell<Option<Timestamp>>,
}

impl DurableObject for SessionVault {
    fn new(state: State, _env: Env) -> Self {
        Self { state, turn: Cell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let number = |name: &str| -> worker::Result<i64> {
            let text = request.headers().get(name)?;
            Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
        };
        let (stale, until, ttl) = (number("stale")?, number("until")?, number("ttl")?);
        match request.path().as_str() {
            "/load" => self.answer(0).await,
            "/claim" => self.claim(stale).await,
            "/release" => {
                self.turn.set(None);
                Response::empty()
            }
            "/save" => {
                let value = request.bytes().await?;
                self.save(&value, until, ttl).await
            }
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
    async fn save(&self, value: &[u8], until: i64, ttl: i64) -> worker::Result<Response> {
        // A mark is for good: a renewal that comes late does not undo it.
        if until != MARKED && self.stored_until().await? == MARKED {
            self.turn.set(None);
            return Response::empty();
        }
        let storage = self.state.storage();
        storage.put_raw(VALUE, Uint8Array::from(value)).await?;
        storage.put_raw(UNTIL, JsValue::from_str(&until.to_string())).await?;
        storage.set_alarm(Duration::from_secs(ttl.unsigned_abs())).await?;
        self.turn.set(None);
        Response::empty()
    }

    /// Waits until it is the asker's turn, or there is nothing left to do.
    async fn claim(&self, stale: i64) -> worker::Result<Response> {
        let give_up = clock_seconds().plus(PATIENCE);
        loop {
            let until: i64 = self.stored_until().await?;
            if until > stale {
                return self.answer(1).await;
            }
            let now = clock_seconds();
            if self.turn.get().is_none_or(|turn| now >= turn) {
                self.turn.set(Some(now.plus(TURN)));
                return self.answer(0).await;
            }
            if now >= give_up {
                return Response::error("", 503);
            }
            Delay::from(LOOK_AGAIN_AFTER).await;
        }
    }

    async fn stored_until(&self) -> worker::Result<i64> {
        let text: Option<String> = self.kept(UNTIL).await?.as_string();
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or(i64::MIN))
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
        self.ask("/load", &[], None, ANSWER_WITHIN).await.map(|answer| split(&answer).1)
    }

    pub(super) async fn save(&self, value: &[u8], until: Timestamp, ttl: Duration) -> Result<(), StoreError> {
        let ttl = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let headers = [("until", until.as_unix()), ("ttl", ttl)];
        self.ask("/save", &headers, Some(value), ANSWER_WITHIN).await.map(|_| ())
    }

    pub(super) async fn claim(&self, stale: Timestamp) -> Result<Claim, StoreError> {
        let answer = self.ask("/claim", &[("stale", stale.as_unix())], None, PATIENCE + ANSWER_WITHIN).await?;
        Ok(match split(&answer) {
            (true, Some(entry)) => Claim::Renewed(entry),
            (_, entry) => Claim::Yours(entry),
        })
    }

    pub(super) async fn release(&self) -> Result<(), StoreError> {
        self.ask("/release", &[], None, ANSWER_WITHIN).await.map(|_| ())
    }

    async fn ask(
        &self,
        operation: &str,
        numbers: &[(&str, i64)],
        body: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Vec<u8>, StoreError> {
        let request = request(operation, numbers, body).map_err(|_| StoreError)?;
        let mut response = within(patience, self.0.fetch_with_request(request)).await?.map_err(|_| StoreError)?;
        if response.status_code() != 200 {
            return Err(StoreError);
        }
        within(patience, response.bytes()).await?.map_err(|_| StoreError)
    }
}

fn request(operation: &str, numbers: &[(&str, i64)], body: Option<&[u8]>) -> worker::Result<Request> {
    let headers = web_sys::Headers::new()?;
    for (name, number) in numbers {
        headers.set(name, &number.to_string())?;
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
