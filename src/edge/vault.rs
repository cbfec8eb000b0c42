//! `SessionVault`: one Durable Object for each key of the store. It agrees with itself at once, everywhere, and lets
//! requests take turns at renewing what it holds.

use core::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response};

use super::{
    glue::{self, DurableState, Storage},
    host::clock_seconds,
    store::ANSWER_WITHIN,
};
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
/// The same in milliseconds, for the one who waits for the object.
const PATIENCE_WITH_THE_OBJECT: u32 = 12_000 + ANSWER_WITHIN;
/// In milliseconds, at first; each time twice as long, so that a crowd that waits for a slow provider costs little.
const LOOK_AGAIN_AFTER: u32 = 20;
const LOOK_AGAIN_AT_LEAST: u32 = 320;

/// The value that is kept, as bytes, and until when it is good.
const VALUE: &str = "value";
const UNTIL: &str = "until";
/// The list that is kept, as JSON.
const MEMBERS: &str = "members";

/// One entry of the strongly consistent store.
#[wasm_bindgen]
pub struct SessionVault {
    storage: Storage,
    turns: Turns,
}

#[wasm_bindgen]
impl SessionVault {
    /// What the runtime makes where there is none for a key.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &DurableState) -> Self {
        Self { storage: state.storage(), turns: Turns::default() }
    }

    /// Does what the path names, with the fields that stand in the headers.
    pub async fn fetch(&self, request: Request) -> Result<Response, JsValue> {
        let text = |name: &str| request.headers().get(name).map(Option::unwrap_or_default);
        let number = |name: &str| -> Result<i64, JsValue> { Ok(text(name)?.parse().unwrap_or_default()) };
        let (until, ttl, member) = (Timestamp::from_unix(number("until")?), number("ttl")?, text("member")?);
        let body = Uint8Array::new(&JsFuture::from(request.array_buffer()?).await?).to_vec();
        #[cfg(feature = "panics")]
        super::panics::of_kind(request.url().rsplit('/').next().unwrap_or_default()).await;
        match request.url().rsplit('/').next().unwrap_or_default() {
            "load" => self.answer(0).await,
            "claim" => self.claim(until).await,
            "release" => {
                self.turns.end();
                done()
            }
            "save" => self.save(&body, until, ttl).await,
            "join" => self.join(&member, &String::from_utf8_lossy(&body), ttl).await,
            "leave" => {
                let mut members = self.members().await?;
                members.leave(&member);
                self.keep_members(&members).await
            }
            "members" => respond(&to_json(&self.members().await?.records(clock_seconds()))),
            _ => refuse(404),
        }
    }

    /// What it held is over.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        self.storage.delete_all().await.map(drop)
    }
}

impl SessionVault {
    async fn save(&self, value: &[u8], until: Timestamp, ttl: i64) -> Result<Response, JsValue> {
        if Turns::may_write(until, self.stored_until().await?) {
            self.storage.put(VALUE, &Uint8Array::from(value)).await?;
            self.storage.put(UNTIL, &JsValue::from_str(&until.as_unix().to_string())).await?;
            self.keep_for(ttl).await?;
        }
        // Not before: who takes the next turn must find what this one has written.
        self.turns.written(until);
        done()
    }

    async fn join(&self, member: &str, record: &str, ttl: i64) -> Result<Response, JsValue> {
        let (mut members, now) = (self.members().await?, clock_seconds());
        members.join(member, record, now.plus(Duration::from_secs(ttl.unsigned_abs())), now);
        self.keep_for(ttl).await?;
        self.keep_members(&members).await
    }

    async fn members(&self) -> Result<Members, JsValue> {
        let json = self.storage.get(MEMBERS).await?.as_string().unwrap_or_default();
        Ok(serde_json::from_slice(json.as_bytes()).unwrap_or_default())
    }

    async fn keep_members(&self, members: &Members) -> Result<Response, JsValue> {
        let json = serde_json::to_string(members).unwrap_or_default();
        self.storage.put(MEMBERS, &JsValue::from_str(&json)).await?;
        done()
    }

    /// The end of everything that is kept is the end of what lasts longest.
    async fn keep_for(&self, ttl: i64) -> Result<(), JsValue> {
        let ends_at = clock_seconds().plus(Duration::from_secs(ttl.unsigned_abs())).as_unix().saturating_mul(1000);
        #[allow(clippy::cast_precision_loss, reason = "times in milliseconds are far below 2^53")]
        let ends_at = ends_at as f64;
        let known = self.storage.alarm().await?.as_f64();
        if known.is_none_or(|known| known < ends_at) {
            self.storage.set_alarm(ends_at).await?;
        }
        Ok(())
    }

    /// Waits until it is the asker's turn, or there is nothing left to do.
    async fn claim(&self, stale: Timestamp) -> Result<Response, JsValue> {
        let give_up = clock_seconds().plus(PATIENCE);
        let mut pause = LOOK_AGAIN_AFTER;
        loop {
            let (until, now) = (self.stored_until().await?, clock_seconds());
            match self.turns.ask(stale, until, now) {
                Turn::Over => return self.answer(1).await,
                Turn::Yours => return self.answer(0).await,
                Turn::Wait if now >= give_up => return refuse(503),
                Turn::Wait => {
                    JsFuture::from(glue::sleep(pause)).await?;
                    pause = (pause * 2).min(LOOK_AGAIN_AT_LEAST);
                }
            }
        }
    }

    async fn stored_until(&self) -> Result<Option<Timestamp>, JsValue> {
        let text = self.storage.get(UNTIL).await?.as_string();
        Ok(text.and_then(|text| text.parse().ok()).map(Timestamp::from_unix))
    }

    // The first byte tells whether the entry has been renewed; nothing after it: there is no entry.
    async fn answer(&self, renewed: u8) -> Result<Response, JsValue> {
        let value = self.storage.get(VALUE).await?;
        let mut bytes = vec![renewed];
        if !value.is_undefined() {
            bytes.extend_from_slice(&Uint8Array::new(&value).to_vec());
        }
        respond(&bytes)
    }
}

fn respond(bytes: &[u8]) -> Result<Response, JsValue> {
    Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))
}

fn done() -> Result<Response, JsValue> {
    Response::new()
}

fn refuse(status: u16) -> Result<Response, JsValue> {
    let init = web_sys::ResponseInit::new();
    init.set_status(status);
    Response::new_with_opt_str_and_init(None, &init)
}

fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The object of a key, seen from a request.
pub(super) struct Vault<'e, 'k> {
    pub(super) env: &'e JsValue,
    pub(super) key: &'k StoreKey,
}

impl Vault<'_, '_> {
    pub(super) async fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask("load", "", None).await.map(|answer| split(&answer).1)
    }

    pub(super) async fn save(&self, value: &[u8], until: Timestamp, ttl: Duration) -> Result<(), StoreError> {
        let fields = format!("until\n{}\nttl\n{}\n", until.as_unix(), ttl.as_secs());
        self.ask("save", &fields, Some(value)).await.map(drop)
    }

    pub(super) async fn claim(&self, stale: Timestamp) -> Result<Claim, StoreError> {
        let fields = format!("until\n{}\n", stale.as_unix());
        let answer = self.answer("claim", &fields, None, PATIENCE_WITH_THE_OBJECT).await?;
        Ok(match split(&answer) {
            (true, Some(entry)) => Claim::Renewed(entry),
            (_, entry) => Claim::Yours(entry),
        })
    }

    pub(super) async fn release(&self) -> Result<(), StoreError> {
        self.ask("release", "", None).await.map(drop)
    }

    pub(super) async fn join(&self, member: &StoreKey, record: &str, ttl: Duration) -> Result<(), StoreError> {
        let fields = format!("member\n{}\nttl\n{}\n", member.as_str(), ttl.as_secs());
        self.ask("join", &fields, Some(record.as_bytes())).await.map(drop)
    }

    pub(super) async fn leave(&self, member: &StoreKey) -> Result<(), StoreError> {
        self.ask("leave", &format!("member\n{}\n", member.as_str()), None).await.map(drop)
    }

    pub(super) async fn members(&self) -> Result<Vec<String>, StoreError> {
        let answer = self.ask("members", "", None).await?;
        serde_json::from_slice(&answer).map_err(|_| StoreError)
    }

    async fn ask(&self, operation: &str, fields: &str, body: Option<&[u8]>) -> Result<Vec<u8>, StoreError> {
        self.answer(operation, fields, body, ANSWER_WITHIN).await
    }

    async fn answer(
        &self,
        operation: &str,
        fields: &str,
        body: Option<&[u8]>,
        patience: u32,
    ) -> Result<Vec<u8>, StoreError> {
        let asked = glue::ask_vault(self.env, self.key.as_str(), operation, fields, body, patience);
        let answer = JsFuture::from(asked).await.map_err(|_| StoreError)?;
        Ok(Uint8Array::from(answer).to_vec())
    }
}

fn split(answer: &[u8]) -> (bool, Option<Vec<u8>>) {
    match answer.split_first() {
        Some((renewed, value)) if !value.is_empty() => (*renewed == 1, Some(value.to_vec())),
        _ => (false, None),
    }
}
