use serde_json::json;

use super::*;
use crate::web::cookie::{CookieScope, SetCookie};

fn gone(name: &str) -> SetCookie {
    SetCookie::delete(name, &CookieScope::new("/", true).unwrap()).unwrap()
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[test]
fn our_answers_are_whole() {
    let reply = Reply::json(401, &json!({"error": "x"})).cookie(gone("a")).cookie(gone("b"));
    let expected: Vec<String> = reply.cookies().iter().map(ToString::to_string).collect();
    let response = respond(&reply);
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(values(response.headers(), CACHE_CONTROL), ["no-store"]);
    assert_eq!(values(response.headers(), HeaderName::from_static("content-type")), ["application/json"]);
    assert_eq!(values(response.headers(), SET_COOKIE), expected);
    let answer = IntoResponse::into_response(Answer::new(Reply::redirect("/there")));
    assert_eq!(values(answer.headers(), HeaderName::from_static("location")), ["/there"]);
}

#[test]
fn the_code_s_own_answers_are_edited() {
    let of_code =
        [("cache-control", "public"), ("cdn-cache-control", "max-age=9"), ("set-cookie", "a=b"), ("x-a", "b")];
    let mut edited = headers(&of_code);
    edit(&mut edited, AnswerEdits::default());
    assert_eq!(edited, headers(&of_code), "nothing to do");
    let set_cookies = Some(vec!["a=b".to_owned(), "c=d".to_owned()]);
    edit(&mut edited, AnswerEdits { cache_control: Some("private".to_owned()), set_cookies });
    assert_eq!(edited, {
        let mut expected = headers(&[("x-a", "b"), ("cache-control", "private"), ("set-cookie", "a=b")]);
        expected.append(SET_COOKIE, HeaderValue::from_static("c=d"));
        expected
    });
}
