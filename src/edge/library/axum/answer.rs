//! Our answers in the types of the crate `http`, and what changes in the code's own.

use ::axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};

use crate::{
    embed::Answer,
    origin::{AnswerEdits, SHARED_CACHE_HEADERS},
    web::reply::Reply,
};

/// A handler returns it as it is, or with `?`. Its cookies wait in the visit, and the layer sets them.
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        respond(self.reply())
    }
}

/// A response, with the cookies that it sets.
pub(super) fn respond(reply: &Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body().to_owned()));
    *response.status_mut() = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers() {
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), header_value(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    set(response.headers_mut(), reply.cookies().iter().map(ToString::to_string));
    response
}

/// The values of a header, as text.
pub(super) fn values(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// Makes the answer's headers what they have to be.
pub(super) fn edit(headers: &mut HeaderMap, edits: AnswerEdits) {
    if let Some(value) = edits.cache_control.as_deref().and_then(header_value) {
        headers.insert(CACHE_CONTROL, value);
        for name in SHARED_CACHE_HEADERS {
            headers.remove(name);
        }
    }
    if let Some(cookies) = edits.set_cookies {
        headers.remove(SET_COOKIE);
        set(headers, cookies);
    }
}

fn set(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = String>) {
    for cookie in cookies.into_iter().filter_map(|cookie| header_value(&cookie)) {
        headers.append(SET_COOKIE, cookie);
    }
}

// Neither what we write nor what stood in a header before can be refused here.
fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests;
