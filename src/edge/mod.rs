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

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::{
    gateway::{Gateway, Outcome, misconfigured},
    web::request::IncomingRequest as _,
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

/// Every request of the site comes through here.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub async fn fetch(request: web_sys::Request, env: JsValue) -> Result<web_sys::Response, JsValue> {
    let Some(gateway) = settings::gateway(&env) else { return respond::respond(&misconfigured()) };
    serve(&gateway, &request, &env).await
}

async fn serve(gateway: &Rc<Gateway>, request: &web_sys::Request, env: &JsValue) -> Result<web_sys::Response, JsValue> {
    let host = EdgeHost::new(env, gateway.config(), request);
    let incoming = EdgeRequest::read(request, gateway.cookie_names());
    let reply = match gateway.handle(&host, &incoming).await {
        Outcome::Respond(reply) => reply,
        Outcome::Forward(forward) => {
            match forward::forward(gateway, request, env, incoming.cookies(), &forward).await {
                Ok(response) => return Ok(response),
                Err(error) => gateway.refuse(&host, &incoming, &error),
            }
        }
    };
    respond::respond(&reply)
}
