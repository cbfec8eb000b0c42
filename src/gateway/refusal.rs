//! The answer for a request that can't be served.

use serde_json::json;

use crate::{
    error::Error,
    web::{
        pages::{self, Action},
        reply::Reply,
    },
};

/// The answer that every path of a misconfigured Worker gives.
pub fn misconfigured() -> Reply {
    Reply::page(500, pages::misconfigured())
}

pub(super) fn refusal(error: &Error, as_page: bool, start_again: &str) -> Reply {
    if matches!(error, Error::LoopbackOnly) {
        return misconfigured();
    }
    let reply = if as_page { problem_page(error, start_again) } else { problem_json(error) };
    match error {
        Error::Method(allowed) => reply.header("Allow", allowed),
        // The longest period of the platform's rate limit.
        Error::TooManyRequests => reply.header("Retry-After", "60"),
        Error::StoreUnavailable | Error::RefreshUnavailable | Error::TokenCheck(_) => reply.header("Retry-After", "10"),
        _ => reply,
    }
}

fn problem_page(error: &Error, start_again: &str) -> Reply {
    let text = error.public_text();
    let action = text.start_again.then_some(Action { href: start_again, label: "Start again" });
    Reply::page(error.status(), pages::problem(text.title, &text.sentence, error.code(), action))
}

fn problem_json(error: &Error) -> Reply {
    let text = error.public_text();
    Reply::json(error.status(), &json!({ "error": error.code(), "error_description": text.sentence }))
}
