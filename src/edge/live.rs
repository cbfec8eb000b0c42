//! Connections that stay open: they are watched, and closed when what they were opened under is over.

use wasm_bindgen::prelude::*;

use super::{host::EdgeHost, settings};

/// In how many milliseconds the connection is looked at again; 0: it is to be closed.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub async fn look(env: JsValue, request: web_sys::Request, cookies: String) -> f64 {
    let Some(gateway) = settings::gateway(&env) else { return 0.0 };
    let host = EdgeHost::new(&env, gateway.config(), &request);
    gateway
        .look(&host, &gateway.cookie_names().untangled(&cookies))
        .await
        .map_or(0.0, |next| next.as_secs_f64() * 1000.0)
}
