//! A Worker that panics on purpose, for the tests of what happens then. It has a feature of its own, and compiles with debug
//! assertions alone, which no build for production has.
#![allow(clippy::panic, reason = "that is what it is for")]

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::glue;

#[cfg(not(debug_assertions))]
compile_error!("the feature `panics` is for tests alone: it makes a Worker that panics when it is asked to");

/// Panics at `/panic/now` and `/panic/later`, or makes an object do so at `/panic/object-now` and `/panic/object-later`.
pub(super) async fn at(request: &web_sys::Request, env: &JsValue) {
    let url = request.url();
    let Some((_, place)) = url.split_once("/panic/") else { return };
    match place.strip_prefix("object-") {
        Some(place) => drop(JsFuture::from(glue::ask_vault(env, "panic", place, "", None, 2000)).await),
        None => of_kind(place).await,
    }
}

/// Panics `now`, or `later`: after something has been waited for.
pub(super) async fn of_kind(place: &str) {
    if place == "later" {
        drop(JsFuture::from(glue::sleep(20)).await);
    }
    if matches!(place, "now" | "later") {
        panic!("on purpose, for a test");
    }
}
