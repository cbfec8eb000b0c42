//! What is under `Oidc` and under `Guard`: the gateway that the settings describe, and what is around a request.

use core::{cell::RefCell, fmt};
use std::{collections::BTreeMap, rc::Rc};

use wasm_bindgen::JsValue;
use worker::{Env, Response};

use super::store::named;
use crate::{
    config::Config,
    edge::{
        glue,
        host::{EdgeHost, Surroundings},
        request::EdgeRequest,
        respond::respond,
        settings,
    },
    embed,
    gateway::{Gateway, misconfigured},
    store::{Store, shared::SharedStore},
};

pub(super) type Host = EdgeHost<Held>;
pub(super) type Incoming = EdgeRequest;

/// One request, and who sent it. See [`embed::Visit`] for what it can be asked.
pub type Visit = embed::Visit<Host, Incoming>;

thread_local! {
    /// What is known of the settings in this isolate, by what is made of them.
    static KEPT: RefCell<BTreeMap<Use, Result<Rc<Gateway>, Misconfigured>>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    deciding_by_code: bool,
    own_store: bool,
}

/// The settings are wrong: everything that is wrong with them, for the operator and not for the visitor. The log has it.
#[derive(Clone)]
pub struct Misconfigured(Rc<str>);

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Misconfigured {}

impl Misconfigured {
    /// The page for visitors, which says no more than that.
    ///
    /// # Errors
    ///
    /// The runtime refuses to build it.
    pub fn response(&self) -> worker::Result<Response> {
        Ok(respond(&misconfigured())?.into())
    }
}

/// So that `?` works in a handler; visitors get the crate `worker`'s own 500.
impl From<Misconfigured> for worker::Error {
    fn from(error: Misconfigured) -> Self {
        Self::RustError(error.to_string())
    }
}

/// What `Oidc` and `Guard` both are.
#[derive(Clone)]
pub(super) struct Inside {
    pub(super) gateway: Rc<Gateway>,
    pub(super) env: JsValue,
    store: SharedStore,
}

impl Inside {
    pub(super) fn new(
        env: &Env,
        own_store: Option<SharedStore>,
        deciding_by_code: bool,
    ) -> Result<Self, Misconfigured> {
        let env: &JsValue = env.as_ref();
        let gateway = gateway(env, Use { deciding_by_code, own_store: own_store.is_some() })?;
        let store = own_store.unwrap_or_else(|| named(env.clone(), gateway.config().store));
        Ok(Self { gateway, env: env.clone(), store })
    }

    pub(super) fn host(&self, request: &web_sys::Request) -> Host {
        EdgeHost::new(Held { inside: self.clone(), request: Clone::clone(request) })
    }

    pub(super) async fn before(&self, request: web_sys::Request) -> embed::Before<Host, Incoming> {
        let host = self.host(&request);
        let facts = glue::facts(&request);
        self.before_incoming(host, EdgeRequest::new(request, facts)).await
    }

    pub(super) async fn before_incoming(&self, host: Host, incoming: Incoming) -> embed::Before<Host, Incoming> {
        let incoming = incoming.untangled(self.gateway.cookie_names());
        embed::before_request(Rc::clone(&self.gateway), host, incoming).await
    }
}

/// What is around a request, as long as somebody asks about it.
#[allow(unreachable_pub, reason = "the type of a visit names it")]
pub struct Held {
    inside: Inside,
    request: web_sys::Request,
}

impl Surroundings for Held {
    fn env(&self) -> &JsValue {
        &self.inside.env
    }

    fn request(&self) -> &web_sys::Request {
        &self.request
    }

    fn config(&self) -> &Config {
        self.inside.gateway.config()
    }

    fn store(&self) -> impl Store {
        self.inside.store.clone()
    }
}

fn gateway(env: &JsValue, of: Use) -> Result<Rc<Gateway>, Misconfigured> {
    let read = || {
        let config = settings::read(env, of.own_store).map_err(|report| Misconfigured(report.into()))?;
        Ok(Rc::new(Gateway::new(if of.deciding_by_code { config.deciding_by_code() } else { config })))
    };
    KEPT.with_borrow_mut(|kept| kept.entry(of).or_insert_with(read).clone())
}
