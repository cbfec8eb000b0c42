//! The guard as the runtime calls it: the Worker that stands in front of an origin.

use core::{
    cell::RefCell,
    future::Future as _,
    task::{Context, Poll, Waker},
};
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::{
    forward, glue,
    host::{EdgeHost, Surroundings},
    request::EdgeRequest,
    respond, settings,
    store::EdgeStore,
};
use crate::{
    config::Config,
    gateway::{Gateway, Outcome, misconfigured},
    store::Store,
};

/// The first thing that is run. A panic is written to the log, those who wait are told, and the next call begins a new
/// instance.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| {
        glue::log("error", &panic.to_string());
        glue::instance_changed();
    }));
    wasm_bindgen::handler::set_on_abort(wasm_bindgen::handler::schedule_reinit);
    glue::instance_changed();
}

/// Does nothing, in an instance that lives. After a panic the next call begins a new one, and text that had been written
/// into memory for that very call would lie in the old one: so whatever takes text is called after this.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn ready() {}

/// Decides about a request: gives our own answer, or a text that says what to send to the origin, which ends with who asks
/// if `tells`. Most of them are decided at once; where something must be waited for, this gives a promise of either.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn decide(request: web_sys::Request, env: JsValue, facts: String, tells: bool) -> Result<JsValue, JsValue> {
    let Some(gateway) = the_gateway(&env) else { return respond::respond(&misconfigured()).map(Into::into) };
    let mut deciding = Box::pin(decided(gateway, EdgeRequest::new(request, facts), env, tells));
    match deciding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decided) => decided,
        Poll::Pending => Ok(future_to_promise(deciding).into()),
    }
}

async fn decided(gateway: Rc<Gateway>, request: EdgeRequest, env: JsValue, tells: bool) -> Result<JsValue, JsValue> {
    #[cfg(feature = "panics")]
    super::panics::at(request.raw(), &env).await;
    let request = request.untangled(gateway.cookie_names());
    match gateway
        .handle(&EdgeHost::new(Lent { env: &env, request: request.raw(), config: gateway.config() }), &request)
        .await
    {
        Outcome::Respond(reply) => respond::respond(&reply).map(Into::into),
        Outcome::Forward(forward) => {
            let mut order = forward::order(&gateway, &forward);
            if tells {
                order.push_str(&forward::told(&forward));
            }
            Ok(order.into())
        }
    }
}

/// What changes in the origin's answer.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn judge(is_private: bool, cache_control: &str, cookies: &str, own: &str, env: &JsValue) -> Option<String> {
    let gateway = the_gateway(env)?;
    Some(forward::judged(&gateway, is_private, cache_control, cookies, own))
}

/// The answer when there is none: because of the origin, of its silence (1), or of a panic (2).
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn refuse(request: web_sys::Request, env: &JsValue, facts: String, why: u8) -> Result<web_sys::Response, JsValue> {
    let Some(gateway) = the_gateway(env) else { return respond::respond(&misconfigured()) };
    let request = EdgeRequest::new(request, facts);
    let host = EdgeHost::new(Lent { env, request: request.raw(), config: gateway.config() });
    respond::respond(&gateway.refuse(&host, &request, &forward::failure(why)))
}

/// A side of a connection took what was sent to it so slowly that it was closed: the visitor's, or else the origin's.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn too_slow(request: web_sys::Request, env: &JsValue, facts: String, is_visitor: bool) {
    let Some(gateway) = the_gateway(env) else { return };
    let request = EdgeRequest::new(request, facts);
    let host = EdgeHost::new(Lent { env, request: request.raw(), config: gateway.config() });
    gateway.tell_too_slow(&host, &request, is_visitor);
}

/// In how many milliseconds the connection is looked at again; 0: it is to be closed.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub async fn look(env: JsValue, request: web_sys::Request, cookies: String) -> f64 {
    let Some(gateway) = the_gateway(&env) else { return 0.0 };
    let host = EdgeHost::new(Lent { env: &env, request: &request, config: gateway.config() });
    gateway
        .look(&host, &gateway.cookie_names().untangled(&cookies))
        .await
        .map_or(0.0, |next| next.as_secs_f64() * 1000.0)
}

/// What is around a request, as long as it is answered.
struct Lent<'e> {
    env: &'e JsValue,
    request: &'e web_sys::Request,
    config: &'e Config,
}

impl Surroundings for Lent<'_> {
    fn env(&self) -> &JsValue {
        self.env
    }

    fn request(&self) -> &web_sys::Request {
        self.request
    }

    fn config(&self) -> &Config {
        self.config
    }

    fn store(&self) -> impl Store {
        EdgeStore { env: self.env, kind: self.config.store }
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::NotRead) };
}

/// What is known of the settings in this isolate.
enum Kept {
    NotRead,
    Wrong,
    Good(Rc<Gateway>),
}

impl Kept {
    fn good(&self) -> Option<Rc<Gateway>> {
        match self {
            Self::Good(gateway) => Some(Rc::clone(gateway)),
            Self::NotRead | Self::Wrong => None,
        }
    }
}

/// The gateway that the settings describe; `None` when they are wrong, which the log has been told once.
fn the_gateway(env: &JsValue) -> Option<Rc<Gateway>> {
    KEPT.with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        if let Kept::NotRead = *kept {
            let read = settings::read(env, false);
            *kept = read.map_or(Kept::Wrong, |config| Kept::Good(Rc::new(Gateway::new(config))));
        }
        kept.good()
    })
}
