//! What the origin gets, and what visitors get of its answer: edits to headers, never a copy of the whole.

use core::{fmt, time::Duration};
use std::{borrow::Cow, rc::Rc};

use serde_json::Value;

use crate::{
    config::{Config, HeaderMapping, OriginSettings},
    json::Object,
    oauth::{AccessToken, bearer::Location},
    policy::Admitted,
    session::cookies::CookieNames,
    time::Timestamp,
    visitor::Visitor,
    web::{
        cookie::{self, Remaining, SetCookie},
        path::RequestUrl,
        percent::push_encoded,
        request::{CALLER, IncomingRequest},
    },
};

mod caller;
mod names;

pub use names::IdentityHeaders;

/// A change to a header.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Every value of it goes.
    Remove(Rc<str>),
    /// It gets this value and no other.
    Set(Rc<str>, Rc<str>),
}

impl HeaderEdit {
    /// It gets this value and no other.
    pub fn set(name: &str, value: &str) -> Self {
        Self::Set(name.into(), value.into())
    }
}

/// Without values: they hold cookies and identities.
impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => write!(f, "Remove({name})"),
            Self::Set(name, _) => write!(f, "Set({name}, [redacted])"),
        }
    }
}

/// A request on its way to the origin; body, method and every header not named go as they came.
#[derive(Debug)]
pub struct Forward {
    /// The whole URL, when it is another one than the request's own.
    pub url: Option<String>,
    /// What changes.
    pub edits: Vec<HeaderEdit>,
    /// Whether a shared cache must not keep the answer.
    pub answer_is_private: bool,
    /// The cookies of ours that the answer sets; none unless it is private.
    pub cookies: Vec<SetCookie>,
    /// How long the answer may stay open, when it is a connection.
    pub lasts: Lasts,
    /// Whom the origin is told about.
    pub told: Visitor,
}

/// How long a connection to the origin may stay open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// As long as both sides like.
    AtWill,
    /// As long as the session.
    WithSession,
    /// Until the token's end.
    Until(Timestamp),
}

/// Makes the request for the origin. It needs an [`Admitted`], and only policy makes one.
pub fn forward(
    admitted: &Admitted,
    request: &impl IncomingRequest,
    url: &RequestUrl<'_>,
    config: &Config,
    own: (&IdentityHeaders, &CookieNames),
) -> Forward {
    let (identity_headers, cookie_names) = own;
    let spoofed = request.header_names().filter(|name| identity_headers.claim(name));
    let mut edits: Vec<HeaderEdit> = spoofed.map(|name| HeaderEdit::Remove(name.into())).collect();
    edits.extend(without_own_cookies(request.cookies(), cookie_names));
    edits.extend(whence(request, &config.public_origin(url)));
    edits.extend(identity(admitted, config));
    let taken = admitted.caller().map(|(_, location)| location).filter(|_| !config.pass_access_token);
    if taken == Some(Location::Header) {
        edits.push(authorization(None));
    }
    let target = match taken {
        Some(Location::Query) => Cow::Owned(caller::target_without_token(url)),
        _ => Cow::Borrowed(url.target()),
    };
    let url = whole_url(&config.origin, url, target);
    Forward {
        url,
        edits,
        answer_is_private: admitted.answer_is_private(),
        cookies: Vec::new(),
        lasts: lasts(admitted, config),
        told: if admitted.is_told() { admitted.visitor().clone() } else { Visitor::Anonymous },
    }
}

fn lasts(admitted: &Admitted, config: &Config) -> Lasts {
    match (admitted.identity(), admitted.caller()) {
        // The testing profile has no session.
        (Some(_), _) if config.testing_profile.is_none() => Lasts::WithSession,
        // As long as a request with the same token would be served.
        (_, Some((caller, _))) => caller.expires_at().map_or(Lasts::AtWill, |end| {
            let leeway = config.providers.first().map_or(Duration::ZERO, |provider| provider.leeway.as_duration());
            Lasts::Until(end.plus(leeway))
        }),
        _ => Lasts::AtWill,
    }
}

/// What tells an origin who is asking.
pub fn identity(admitted: &Admitted, config: &Config) -> Vec<HeaderEdit> {
    if !admitted.is_told() {
        return Vec::new();
    }
    let known =
        admitted.identity().map(|identity| identity.headers(|claims| stamps(claims, &config.headers).collect()));
    let set = |(name, value): &(Rc<str>, Rc<str>)| HeaderEdit::Set(Rc::clone(name), Rc::clone(value));
    let mut edits: Vec<HeaderEdit> = known.into_iter().flatten().map(set).collect();
    if let Some((caller, _)) = admitted.caller() {
        caller::stamp(&mut edits, caller, config);
    }
    edits
}

/// The visitor's access token for the origin, and never one that a client has sent in its place.
pub fn authorization(access_token: Option<&AccessToken>) -> HeaderEdit {
    match access_token {
        Some(token) => HeaderEdit::set("Authorization", &["Bearer ", token.expose()].concat()),
        None => HeaderEdit::Remove("Authorization".into()),
    }
}

/// Where the request came from and whom it was for, as the platform knows it.
fn whence(request: &impl IncomingRequest, public_origin: &str) -> impl Iterator<Item = HeaderEdit> {
    let (scheme, host) = public_origin.split_once("://").unwrap_or_default();
    let caller = request.header(CALLER).map(|address| HeaderEdit::set("X-Forwarded-For", &address));
    let facts = [HeaderEdit::set("X-Forwarded-Proto", scheme), HeaderEdit::set("X-Forwarded-Host", host)];
    facts.into_iter().chain(caller)
}

fn whole_url(origin: &OriginSettings, url: &RequestUrl<'_>, target: Cow<'_, str>) -> Option<String> {
    match (origin, target) {
        (OriginSettings::Url(base), target) => {
            Some([base.origin(), base.path().trim_end_matches('/'), &target].concat())
        }
        (OriginSettings::Binding | OriginSettings::SameUrl, Cow::Borrowed(_)) => None,
        (OriginSettings::Binding | OriginSettings::SameUrl, Cow::Owned(target)) => {
            Some([url.origin(), &target].concat())
        }
    }
}

fn without_own_cookies(header: &str, names: &CookieNames) -> Option<HeaderEdit> {
    match cookie::without(header, |name| names.is_own(name)) {
        Remaining::Unchanged => None,
        Remaining::Changed(rest) => Some(HeaderEdit::set("Cookie", &rest)),
        Remaining::Nothing => Some(HeaderEdit::Remove("Cookie".into())),
    }
}

fn stamps<'a>(claims: &'a Object, mappings: &'a [HeaderMapping]) -> impl Iterator<Item = (Rc<str>, Rc<str>)> {
    mappings.iter().filter_map(|mapping| {
        let value = header_value(mapping.claim.find(claims)?)?;
        Some((mapping.header.as_str().into(), value.into()))
    })
}

/// A claim as a header value. No two claims of one kind give the same header: `%`, control and non-ASCII characters
/// are percent-encoded, so is `,` inside an item of a list, and so is a space at either end, which HTTP would drop.
fn header_value(claim: &Value) -> Option<String> {
    match claim {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| encoded(&text(item), true)).collect();
            Some(items.join(","))
        }
        value => Some(encoded(&text(value), false)),
    }
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// A text as a header value.
pub(crate) fn header_text(text: &str) -> String {
    encoded(text, false)
}

fn encoded(text: &str, in_list: bool) -> String {
    let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'%' && !(in_list && byte == b',');
    if text.bytes().all(is_plain) && !text.starts_with(' ') && !text.ends_with(' ') {
        return text.to_owned();
    }
    let last = text.len().saturating_sub(1);
    let mut value = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        let at_an_end = index == 0 || index == last;
        match byte {
            b'%' => value.push_str("%25"),
            b',' if in_list => value.push_str("%2C"),
            b' ' if at_an_end => value.push_str("%20"),
            b' '..=b'~' => value.push(byte as char),
            _ => push_encoded(&mut value, byte),
        }
    }
    value
}

/// What of the origin's answer has to be looked at.
#[derive(Debug)]
pub struct AnswerFacts<'a> {
    /// `Cache-Control`, joined.
    pub cache_control: &'a str,
    /// Each `Set-Cookie`.
    pub set_cookies: &'a [String],
}

/// What changes in the origin's answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AnswerEdits {
    /// `Cache-Control`, when it has to be another.
    pub cache_control: Option<String>,
    /// All the cookies it sets, when they are not just the origin's.
    pub set_cookies: Option<Vec<String>>,
}

/// Headers by which shared caches are told to keep what `Cache-Control` forbids (RFC 9213 and its elders).
pub const SHARED_CACHE_HEADERS: [&str; 3] = ["CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control"];

/// Judges the origin's answer to a request: whether it [is private](Forward::answer_is_private), and the cookies of our
/// own that it sets.
pub fn answer(facts: &AnswerFacts<'_>, is_private: bool, own: &[String], names: &CookieNames) -> AnswerEdits {
    let taken = facts.set_cookies.iter().any(|line| sets_own_cookie(line, names));
    AnswerEdits {
        cache_control: is_private.then(|| private_cache_control(facts.cache_control)),
        set_cookies: (taken || !own.is_empty()).then(|| {
            let kept = facts.set_cookies.iter().filter(|line| !sets_own_cookie(line, names)).cloned();
            kept.chain(own.iter().cloned()).collect()
        }),
    }
}

// RFC 6265bis §5.6: the name ends at the first `=`. A nameless cookie (`=name=value`) comes back as if it were named.
fn sets_own_cookie(line: &str, names: &CookieNames) -> bool {
    let pair = line.split(';').next().unwrap_or_default();
    let pair = pair.trim_start_matches(['=', ' ', '\t']);
    let name = pair.split('=').next().unwrap_or_default().trim_end_matches([' ', '\t']);
    names.is_own(name)
}

// RFC 9111 §5.2.2: `private` keeps shared caches out; what would let them in is dropped. It is dropped from inside a
// quoted string too, since not every cache knows where one ends.
fn private_cache_control(value: &str) -> String {
    if is_private(value) {
        return value.to_owned();
    }
    let mut result = String::from("private");
    for directive in directives(value) {
        let is_open = ["public", "s-maxage", "private"].contains(&name(directive).as_str());
        let hides_open = directive.split(',').any(|piece| ["public", "s-maxage"].contains(&name(piece).as_str()));
        let kept = match (is_open, hides_open) {
            (true, _) => "",
            (false, false) => directive,
            // `no-cache="a, public"` asks for less than `no-cache`.
            (false, true) => {
                directive.split_once('=').map(|(name, _)| name.trim()).filter(|n| is_plain(n)).unwrap_or_default()
            }
        };
        if !kept.is_empty() {
            result.push_str(", ");
            result.push_str(kept);
        }
    }
    result
}

/// Whether it says so by itself, and nothing beside that would let shared caches in. With quotation marks it does not: not
/// every cache finds the same directives outside of them.
fn is_private(value: &str) -> bool {
    let closes = |directive: &str| directive.eq_ignore_ascii_case("private");
    let opens = |directive: &str| {
        let mut pieces = directive.split(',').map(name);
        pieces.any(|name| ["public", "s-maxage", "private"].contains(&name.as_str())) && !closes(directive)
    };
    !value.contains('"') && directives(value).any(closes) && !directives(value).any(opens)
}

fn name(directive: &str) -> String {
    directive.split('=').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

// A comma inside a quoted string separates nothing, and an escaped quotation mark ends none (RFC 9110 §5.6.4).
fn directives(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |c| {
            quoted ^= c == '"' && !escaped;
            escaped = quoted && c == '\\' && !escaped;
            c == ',' && !quoted
        })
        // RFC 9110 §5.6.3: no other white space is any to a cache, so `private` beside it is another word.
        .map(|directive| directive.trim_matches([' ', '\t']))
        .filter(|directive| !directive.is_empty())
}

#[cfg(test)]
mod tests;
