//! The Rust face of `glue.js`.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/edge/glue.js")]
extern "C" {
    #[wasm_bindgen]
    pub(super) fn read(request: &web_sys::Request) -> String;

    #[wasm_bindgen(js_name = readBody)]
    pub(super) fn read_body(request: &web_sys::Request, limit: f64) -> Promise;

    #[wasm_bindgen]
    pub(super) fn forward(
        request: &web_sys::Request,
        url: Option<&str>,
        edits: &str,
        binding: &JsValue,
        is_private: bool,
        timeout: u32,
    ) -> Promise;

    #[wasm_bindgen(js_name = readAnswer)]
    pub(super) fn read_answer(response: &web_sys::Response) -> String;

    #[wasm_bindgen(js_name = rewriteAnswer, catch)]
    pub(super) fn rewrite_answer(
        response: &web_sys::Response,
        cache_control: Option<&str>,
        removed: &str,
        cookies: Option<&str>,
    ) -> Result<web_sys::Response, JsValue>;

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
    pub(super) fn verify(alg: &str, jwk: &str, message: &[u8], signature: &[u8]) -> Promise;

    #[wasm_bindgen]
    pub(super) fn sign(alg: &str, jwk: &str, message: &[u8]) -> Promise;

    #[wasm_bindgen]
    pub(super) fn settings(env: &JsValue) -> String;
}
