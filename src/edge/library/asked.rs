//! What JavaScript asks on the way of an answer: of a Worker around the library, the library is asked.

use core::cell::RefCell;

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::inside::Inside;
use crate::{
    edge::{forward, glue, request::EdgeRequest, respond::respond},
    origin::Forward,
    web::cookie::SetCookie,
};

type Answered = Result<web_sys::Response, JsValue>;

thread_local! {
    /// Who is asked: the one that has answered last. All of an isolate have the same settings.
    static LAST: RefCell<Option<Inside>> = const { RefCell::new(None) };
}

/// Sends an admitted request to the origin and brings what the visitor gets.
pub(super) async fn forwarded(
    inside: &Inside,
    request: &web_sys::Request,
    forward: &Forward,
) -> Result<web_sys::Response, JsValue> {
    be_asked(inside)?;
    let order = forward::order(&inside.gateway, forward);
    Ok(JsFuture::from(glue::forward(request, &inside.env, &order)).await?.unchecked_into())
}

/// The code's own answer as the visitor gets it.
pub(super) fn cleaned(
    inside: &Inside,
    answer: &web_sys::Response,
    way_back: &Forward,
) -> Result<web_sys::Response, JsValue> {
    be_asked(inside)?;
    let own: Vec<String> = way_back.cookies.iter().map(SetCookie::to_string).collect();
    glue::cleaned(answer, if way_back.answer_is_private { "p" } else { "" }, &own.join("\t"))
}

fn be_asked(inside: &Inside) -> Result<(), JsValue> {
    let is_first = LAST.with_borrow_mut(|last| last.replace(inside.clone()).is_none());
    if is_first { answer() } else { Ok(()) }
}

fn answer() -> Result<(), JsValue> {
    let judge: Closure<dyn Fn(bool, String, String, String) -> String> = Closure::new(judge);
    let refuse: Closure<dyn Fn(web_sys::Request, JsValue, String, u8) -> Answered> = Closure::new(refuse);
    let look: Closure<dyn Fn(JsValue, web_sys::Request, String) -> Promise> = Closure::new(look);
    let too_slow: Closure<dyn Fn(web_sys::Request, JsValue, String, bool)> = Closure::new(too_slow);
    let functions = Object::new();
    Reflect::set(&functions, &"judge".into(), &judge.into_js_value())?;
    Reflect::set(&functions, &"refuse".into(), &refuse.into_js_value())?;
    Reflect::set(&functions, &"look".into(), &look.into_js_value())?;
    Reflect::set(&functions, &"tooSlow".into(), &too_slow.into_js_value())?;
    glue::answer_by(&functions);
    Ok(())
}

fn last() -> Result<Inside, JsValue> {
    LAST.with_borrow(Clone::clone).ok_or(JsValue::UNDEFINED)
}

#[expect(clippy::needless_pass_by_value, reason = "JavaScript gives them away")]
fn judge(is_private: bool, cache_control: String, cookies: String, own: String) -> String {
    let Ok(inside) = last() else { return String::new() };
    forward::judged(&inside.gateway, is_private, &cache_control, &cookies, &own)
}

fn refuse(request: web_sys::Request, _env: JsValue, facts: String, why: u8) -> Result<web_sys::Response, JsValue> {
    let inside = last()?;
    let host = inside.host(&request);
    respond(&inside.gateway.refuse(&host, &EdgeRequest::new(request, facts), &forward::failure(why)))
}

/// A side of a connection was closed because it took too slowly what was sent to it.
fn too_slow(request: web_sys::Request, _env: JsValue, facts: String, is_visitor: bool) {
    let Ok(inside) = last() else { return };
    let host = inside.host(&request);
    inside.gateway.tell_too_slow(&host, &EdgeRequest::new(request, facts), is_visitor);
}

/// In how many milliseconds to look at a connection again; 0: it is to be closed.
fn look(_env: JsValue, request: web_sys::Request, cookies: String) -> Promise {
    future_to_promise(async move {
        let inside = last()?;
        let cookies = inside.gateway.cookie_names().untangled(&cookies);
        let next = inside.gateway.look(&inside.host(&request), &cookies).await;
        Ok(next.map_or(0.0, |next| next.as_secs_f64() * 1000.0).into())
    })
}
