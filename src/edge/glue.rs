//! The Rust face of `glue.js`.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

// The guard's build says where these lie, for its entry imports them too and all must have the same ones.
#[cfg_attr(feature = "guard", wasm_bindgen(raw_module = "edge-oidc.glue"))]
#[cfg_attr(not(feature = "guard"), wasm_bindgen(module = "/src/edge/glue.js"))]
extern "C" {
    #[cfg(feature = "edge")]
    #[wasm_bindgen]
    pub(super) fn facts(request: &web_sys::Request) -> String;

    #[wasm_bindgen(js_name = readBody)]
    pub(super) fn read_body(request: &web_sys::Request, limit: f64, goes_on: bool) -> Promise;

    #[wasm_bindgen(js_name = clientCertificate)]
    pub(super) fn client_certificate(request: &web_sys::Request) -> Vec<u8>;

    #[wasm_bindgen]
    pub(super) fn call(
        url: &str,
        method: &str,
        headers: Array,
        body: Option<&str>,
        limit: f64,
        timeout: u32,
    ) -> Promise;

    #[wasm_bindgen]
    pub(super) fn verify(name: &str, alg: &str, jwk: &str, message: &[u8], signature: &[u8]) -> Promise;

    #[wasm_bindgen(js_name = verifyKnown)]
    pub(super) fn verify_known(name: &str, alg: &str, message: &[u8], signature: &[u8]) -> Option<Promise>;

    #[wasm_bindgen]
    pub(super) fn sign(alg: &str, jwk: &str, message: &[u8]) -> Promise;

    #[wasm_bindgen]
    pub(super) fn settings(env: &JsValue) -> String;

    #[wasm_bindgen(js_name = kvLoad)]
    pub(super) fn kv_load(env: &JsValue, key: &str, patience: u32) -> Promise;

    #[wasm_bindgen(js_name = kvSave)]
    pub(super) fn kv_save(env: &JsValue, key: &str, value: &[u8], ttl: f64, patience: u32) -> Promise;

    #[wasm_bindgen(js_name = askVault)]
    pub(super) fn ask_vault(
        env: &JsValue,
        key: &str,
        operation: &str,
        fields: &str,
        body: Option<&[u8]>,
        patience: u32,
    ) -> Promise;

    #[wasm_bindgen]
    pub(super) fn recall(url: &str, patience: u32) -> Promise;

    #[wasm_bindgen]
    pub(super) fn keep(url: &str, value: &[u8], ttl: f64, patience: u32) -> Promise;

    #[wasm_bindgen]
    pub(super) fn allows(env: &JsValue, caller: &str) -> Promise;

    #[wasm_bindgen]
    pub(super) fn sleep(milliseconds: u32) -> Promise;

    #[wasm_bindgen]
    pub(super) fn log(level: &str, line: &str);

    #[wasm_bindgen]
    pub(super) fn count(env: &JsValue, words: &str, weight: u32, milliseconds: f64);

    #[cfg(feature = "guard")]
    #[wasm_bindgen(js_name = instanceChanged)]
    pub(super) fn instance_changed();
}

#[cfg(feature = "edge")]
#[cfg_attr(feature = "guard", wasm_bindgen(raw_module = "edge-oidc.forward"))]
#[cfg_attr(not(feature = "guard"), wasm_bindgen(module = "/src/edge/forward.js"))]
extern "C" {
    #[wasm_bindgen]
    pub(super) fn forward(request: &web_sys::Request, env: &JsValue, order: &str) -> Promise;

    #[wasm_bindgen(catch)]
    pub(super) fn cleaned(answer: &web_sys::Response, flags: &str, own: &str) -> Result<web_sys::Response, JsValue>;
}

#[cfg(feature = "edge")]
#[cfg_attr(feature = "guard", wasm_bindgen(raw_module = "edge-oidc.worker"))]
#[cfg_attr(not(feature = "guard"), wasm_bindgen(module = "/src/edge/worker.js"))]
extern "C" {
    #[wasm_bindgen(js_name = answerBy)]
    pub(super) fn answer_by(functions: &JsValue);
}

// These are named because a file that nobody names is not taken along to where the others look for it.
#[cfg(feature = "edge")]
#[cfg_attr(feature = "guard", wasm_bindgen(raw_module = "edge-oidc.live"))]
#[cfg_attr(not(feature = "guard"), wasm_bindgen(module = "/src/edge/live.js"))]
extern "C" {
    #[allow(dead_code, reason = "its name is all that is wanted")]
    #[wasm_bindgen(js_name = isLive)]
    pub(super) fn is_live(answer: &web_sys::Response) -> bool;
}

#[cfg(feature = "edge")]
#[cfg_attr(feature = "guard", wasm_bindgen(raw_module = "edge-oidc.relay"))]
#[cfg_attr(not(feature = "guard"), wasm_bindgen(module = "/src/edge/relay.js"))]
extern "C" {
    #[allow(dead_code, reason = "its name is all that is wanted")]
    #[wasm_bindgen(js_name = Relay)]
    pub(super) fn relay();
}

/// What a Durable Object is given.
#[wasm_bindgen]
extern "C" {
    pub type DurableState;

    #[wasm_bindgen(method, getter)]
    pub(super) fn storage(this: &DurableState) -> Storage;

    pub(super) type Storage;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn get(this: &Storage, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn put(this: &Storage, name: &str, value: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    pub(super) async fn alarm(this: &Storage) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub(super) async fn set_alarm(this: &Storage, milliseconds: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    pub(super) async fn delete_all(this: &Storage) -> Result<JsValue, JsValue>;
}
