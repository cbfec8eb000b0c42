//! To the origin and back: bodies stream past, and only headers are looked at.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{glue, live};
use crate::{
    config::OriginSettings,
    error::Error,
    gateway::Gateway,
    origin::{AnswerFacts, Forward, HeaderEdit, SHARED_CACHE_HEADERS},
};

/// How long an origin may take to begin its answer, in milliseconds; the platform itself gives up then.
const ORIGIN_TIMEOUT: u32 = 100_000;

/// Sends an admitted request to the origin and brings its answer.
pub(super) async fn forward(
    gateway: &Gateway,
    request: &web_sys::Request,
    env: &JsValue,
    cookies: &str,
    forward: &Forward,
) -> Result<web_sys::Response, Error> {
    let binding = match gateway.config().origin {
        OriginSettings::Binding => js_sys::Reflect::get(env, &JsValue::from_str("ORIGIN")).unwrap_or_default(),
        OriginSettings::Url(_) | OriginSettings::SameUrl => JsValue::UNDEFINED,
    };
    let (url, is_private) = (forward.url.as_deref(), forward.answer_is_private);
    let promise = glue::forward(request, url, &edit_lines(&forward.edits), &binding, is_private, ORIGIN_TIMEOUT);
    let response = JsFuture::from(promise).await.map_err(|error| failure(&error))?;
    let response = response.dyn_into::<web_sys::Response>().map_err(|_| Error::OriginUnreachable)?;
    let facts = glue::read_answer(&response);
    let is_live = facts.starts_with('+');
    let answer = cleaned(gateway, response, facts.get(1..).unwrap_or_default(), forward)?;
    if is_live { live::watched(answer, (request, env), cookies, forward) } else { Ok(answer) }
}

// All in one string: every value of its own would be one more crossing. Neither names nor values hold line breaks, and
// no name of ours or of a spoofed header begins with a hyphen.
fn edit_lines(edits: &[HeaderEdit]) -> String {
    let mut lines = String::new();
    for edit in edits {
        match edit {
            HeaderEdit::Remove(name) => lines.extend(["-", name, "\n\n"]),
            HeaderEdit::Set(name, value) => lines.extend([name, "\n", value, "\n"]),
        }
    }
    lines
}

fn failure(error: &JsValue) -> Error {
    let name = js_sys::Reflect::get(error, &JsValue::from_str("name")).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("TimeoutError") => Error::OriginTimedOut,
        _ => Error::OriginUnreachable,
    }
}

fn cleaned(
    gateway: &Gateway,
    response: web_sys::Response,
    facts: &str,
    forward: &Forward,
) -> Result<web_sys::Response, Error> {
    let mut lines = facts.split('\n');
    let cache_control = lines.next().unwrap_or_default();
    let set_cookies: Vec<String> = lines.map(str::to_owned).collect();
    let edits = gateway.judge_answer(&AnswerFacts { cache_control, set_cookies: &set_cookies }, forward);
    if edits.cache_control.is_none() && edits.set_cookies.is_none() {
        return Ok(response);
    }
    let cookies = edits.set_cookies.map(|cookies| cookies.join("\n"));
    let removed = SHARED_CACHE_HEADERS.join("\n");
    // A status outside 200-599 can't be rebuilt; it must not pass with what it should not carry either.
    glue::rewrite_answer(&response, edits.cache_control.as_deref(), &removed, cookies.as_deref())
        .map_err(|_| Error::OriginUnreachable)
}
