//! The Workers runtime: from its requests to the gateway and back.

mod forward;
mod glue;
mod host;
mod live;
mod request;
mod respond;
mod settings;
mod store;
mod vault;

use core::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::{
    error::Error,
    gateway::{Gateway, Outcome, misconfigured},
};
use host::EdgeHost;
use request::EdgeRequest;

/// The first thing that is run. A panic is written to the log, and the next call begins a new instance.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| glue::log("error", &panic.to_string())));
    wasm_bindgen::handler::set_on_abort(wasm_bindgen::handler::schedule_reinit);
    glue::instance_begun();
}

/// Decides about a request. Most of them are decided at once: then this gives our own answer, or a text that says what to
/// send to the origin. Where something must be waited for, it gives a promise of the answer.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn decide(request: web_sys::Request, env: JsValue, facts: String) -> Result<JsValue, JsValue> {
    let Some(gateway) = settings::gateway(&env) else { return respond::respond(&misconfigured()).map(Into::into) };
    let mut deciding = Box::pin(decided(gateway, EdgeRequest::new(request, facts), env));
    match deciding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Decided::Answer(answer)) => answer.map(Into::into),
        Poll::Ready(Decided::Forward { order, .. }) => Ok(JsValue::from_str(&order)),
        Poll::Pending => Ok(future_to_promise(answered(deciding)).into()),
    }
}

enum Decided {
    Answer(Result<web_sys::Response, JsValue>),
    Forward { order: String, request: EdgeRequest, env: JsValue },
}

async fn decided(gateway: Rc<Gateway>, request: EdgeRequest, env: JsValue) -> Decided {
    let request = request.untangled(gateway.cookie_names());
    match gateway.handle(&EdgeHost::new(&env, gateway.config(), request.raw()), &request).await {
        Outcome::Respond(reply) => Decided::Answer(respond::respond(&reply)),
        Outcome::Forward(forward) => Decided::Forward { order: forward::order(&gateway, &forward), request, env },
    }
}

async fn answered(deciding: Pin<Box<impl Future<Output = Decided>>>) -> Result<JsValue, JsValue> {
    match deciding.await {
        Decided::Answer(answer) => answer.map(Into::into),
        Decided::Forward { order, request, env } => JsFuture::from(glue::forward(request.raw(), &env, &order)).await,
    }
}

/// What changes in the origin's answer.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn judge(is_private: bool, cache_control: &str, cookies: &str, own: &str) -> Option<String> {
    let gateway = settings::known()?;
    Some(forward::judged(&gateway, is_private, cache_control, cookies, own))
}

/// The answer when the origin gives none.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub fn refuse(
    request: web_sys::Request,
    env: &JsValue,
    facts: String,
    is_late: bool,
) -> Result<web_sys::Response, JsValue> {
    let Some(gateway) = settings::gateway(env) else { return respond::respond(&misconfigured()) };
    let error = if is_late { Error::OriginTimedOut } else { Error::OriginUnreachable };
    let request = EdgeRequest::new(request, facts);
    let host = EdgeHost::new(env, gateway.config(), request.raw());
    respond::respond(&gateway.refuse(&host, &request, &error))
}
