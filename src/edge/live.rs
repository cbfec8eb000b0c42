//! Connections that stay open: they are watched, and closed when what they were opened under is over.

use wasm_bindgen::prelude::*;

use super::{
    glue,
    host::{EdgeHost, clock_seconds},
    settings,
};
use crate::{
    error::Error,
    origin::{Forward, Lasts},
    web::cookie::SetCookie,
};

/// The same connection, watched if it is somebody's identity that has opened it.
pub(super) fn watched(
    connection: web_sys::Response,
    (request, env): (&web_sys::Request, &JsValue),
    cookies: &str,
    forward: &Forward,
) -> Result<web_sys::Response, Error> {
    let watched = match forward.lasts {
        Lasts::AtWill => return Ok(connection),
        Lasts::Until(end) => {
            glue::watched(&connection, request, env, None, end.since(clock_seconds()).as_secs_f64() * 1000.0)
        }
        Lasts::WithSession => glue::watched(&connection, request, env, Some(&newest(cookies, &forward.cookies)), 0.0),
    };
    watched.map_err(|_| Error::OriginUnreachable)
}

/// The cookies as the browser will have them, if this answer sets any.
fn newest(cookies: &str, set: &[SetCookie]) -> String {
    let lines = set.iter().map(ToString::to_string);
    let pairs = lines.filter_map(|line| line.split(';').next().map(str::to_owned));
    pairs.chain([cookies.to_owned()]).collect::<Vec<_>>().join("; ")
}

/// In how many milliseconds the connection is looked at again; 0: it is to be closed.
#[allow(unreachable_pub, reason = "JavaScript reaches it")]
#[wasm_bindgen]
pub async fn look(env: JsValue, request: web_sys::Request, cookies: String) -> f64 {
    let Some(gateway) = settings::gateway(&env) else { return 0.0 };
    let host = EdgeHost::new(&env, gateway.config(), &request);
    gateway.look(&host, &cookies).await.map_or(0.0, |next| next.as_secs_f64() * 1000.0)
}
