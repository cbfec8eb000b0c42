//! What JavaScript is told of a request for the origin, and of the origin's answer: text, a line each. `forward.js` reads it.

use super::host::clock_seconds;
#[cfg(feature = "guard")]
use crate::visitor::Visitor;
use crate::{
    config::OriginSettings,
    error::Error,
    gateway::Gateway,
    origin::{AnswerFacts, Forward, HeaderEdit, Lasts, SHARED_CACHE_HEADERS},
    web::cookie::SetCookie,
};

/// Flags, the URL when it is another one, our own cookies for the answer, how long a connection may stay open, then the
/// edits.
///
/// Neither names nor values hold line breaks or tabs, and no name of ours or of a spoofed header begins with a hyphen or
/// a plus sign.
pub(super) fn order(gateway: &Gateway, forward: &Forward) -> String {
    let mut lines = String::with_capacity(1024);
    lines.push_str(if forward.answer_is_private { "p" } else { "" });
    lines.push_str(if let OriginSettings::Binding = gateway.config().origin { "b\n" } else { "\n" });
    lines.push_str(forward.url.as_deref().unwrap_or_default());
    lines.push('\n');
    let cookies: Vec<String> = forward.cookies.iter().map(SetCookie::to_string).collect();
    lines.push_str(&cookies.join("\t"));
    lines.push('\n');
    lines.push_str(&match forward.lasts {
        Lasts::AtWill => String::new(),
        Lasts::WithSession => "session".to_owned(),
        Lasts::Until(end) => (end.since(clock_seconds()).as_secs().saturating_mul(1000)).to_string(),
    });
    lines.push('\n');
    for edit in &forward.edits {
        match edit {
            HeaderEdit::Remove(name) => lines.extend(["-", name, "\n\n"]),
            HeaderEdit::Set(name, value) => lines.extend([name, "\n", value, "\n"]),
        }
    }
    lines
}

/// Who asks, for code in the same Worker or behind a binding, which has no need of headers: how that is known, and the
/// claims as JSON. It has no line break, and comes last in an order.
#[cfg(feature = "guard")]
pub(super) fn told(forward: &Forward) -> String {
    let (by, claims) = match &forward.told {
        Visitor::Anonymous => return String::new(),
        Visitor::Known(identity) => ("session", identity.claims()),
        Visitor::Bearer(caller, _) => ("token", caller.claims()),
    };
    [by, &serde_json::to_string(claims).unwrap_or_default()].concat()
}

/// Why a request has no answer, as `forward.js` says it.
pub(super) fn failure(why: u8) -> Error {
    match why {
        0 => Error::OriginUnreachable,
        1 => Error::OriginTimedOut,
        _ => Error::Internal,
    }
}

/// The edits to an answer with this `Cache-Control` and these cookies; `own` are ours.
pub(super) fn judged(gateway: &Gateway, is_private: bool, cache_control: &str, cookies: &str, own: &str) -> String {
    let set_cookies: Vec<String> = cookies.lines().map(str::to_owned).collect();
    let own: Vec<String> = own.split('\t').filter(|cookie| !cookie.is_empty()).map(str::to_owned).collect();
    let edits = gateway.judge_answer(&AnswerFacts { cache_control, set_cookies: &set_cookies }, is_private, &own);
    let mut lines = String::new();
    if let Some(private) = edits.cache_control {
        if private != cache_control {
            lines.extend(["Cache-Control\n", &private, "\n"]);
        }
        lines.extend(SHARED_CACHE_HEADERS.iter().flat_map(|name| ["-", name, "\n\n"]));
    }
    if let Some(cookies) = edits.set_cookies {
        lines.push_str("-Set-Cookie\n\n");
        lines.extend(cookies.iter().flat_map(|cookie| ["+Set-Cookie\n", cookie, "\n"]));
    }
    lines
}
