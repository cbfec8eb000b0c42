//! Our own answers, as the runtime wants them.

use wasm_bindgen::JsValue;

use crate::web::reply::Reply;

/// A response of the runtime. It fails only when the runtime refuses to build one.
pub(super) fn respond(reply: &Reply) -> Result<web_sys::Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in reply.headers() {
        headers.set(name, value)?;
    }
    for cookie in reply.cookies() {
        headers.append("Set-Cookie", &cookie.to_string())?;
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(reply.status());
    init.set_headers(&headers);
    let body = Some(reply.body()).filter(|body| !body.is_empty());
    web_sys::Response::new_with_opt_str_and_init(body, &init)
}
