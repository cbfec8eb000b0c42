//! The Workers runtime: from its requests to the gateway and back.

mod forward;
mod glue;
mod host;
mod request;
mod respond;
mod settings;
mod store;
mod vault;

use std::rc::Rc;

use worker::{Context, Env, event};

use crate::gateway::{Gateway, Outcome, misconfigured};
use host::EdgeHost;
use request::EdgeRequest;

/// Every request of the site comes through here.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> worker::Result<web_sys::Response> {
    let Some(gateway) = settings::gateway(&env) else { return respond::respond(&misconfigured()) };
    serve(&gateway, &request, &env).await
}

async fn serve(gateway: &Rc<Gateway>, request: &web_sys::Request, env: &Env) -> worker::Result<web_sys::Response> {
    let host = EdgeHost::new(env, gateway.config().store);
    let incoming = EdgeRequest::read(request, gateway.cookie_names());
    let reply = match gateway.handle(&host, &incoming).await {
        Outcome::Respond(reply) => reply,
        Outcome::Forward(forward) => match forward::forward(gateway, request, env, &forward).await {
            Ok(response) => return Ok(response),
            Err(error) => gateway.refuse(&host, &incoming, &error),
        },
    };
    respond::respond(&reply)
}
