//! What the origin is told of a caller who brought an access token.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::{HeaderEdit, encoded, stamps};
use crate::{
    config::Config,
    oauth::{access_token::Caller, bearer},
    web::path::RequestUrl,
};

const USER: &str = "X-Forwarded-User";

/// Sets the headers that tell who calls.
pub(super) fn stamp(edits: &mut Vec<HeaderEdit>, caller: &Caller, config: &Config) {
    edits.extend(stamps(caller.claims(), &config.headers).map(|(name, value)| HeaderEdit::Set(name, value)));
    // `OIDC_HEADERS` may have another meaning for it.
    let mapped = config.headers.iter().any(|mapping| mapping.header.eq_ignore_ascii_case(USER));
    let scopes = Some(caller.scopes().to_string()).filter(|scopes| !scopes.is_empty());
    let info = config.tokens.pass_info.then(|| information(caller));
    for (name, value) in [
        (USER, caller.subject().filter(|_| !mapped).map(|subject| encoded(subject, false))),
        ("X-Forwarded-Client-Id", caller.client_id().map(|client| encoded(client, false))),
        ("X-Forwarded-Scope", scopes),
        ("X-Forwarded-Token-Info", info),
    ] {
        edits.extend(value.map(|value| HeaderEdit::set(name, &value)));
    }
}

fn information(caller: &Caller) -> String {
    let json = serde_json::to_vec(caller.claims()).unwrap_or_default();
    Base64UrlUnpadded::encode_string(&json)
}

/// Path and query without the token that stood there.
pub(super) fn target_without_token(url: &RequestUrl<'_>) -> String {
    let path = url.path().raw();
    match bearer::without_token(url.query().unwrap_or_default()) {
        query if query.is_empty() => path.to_owned(),
        query => [path, "?", &query].concat(),
    }
}
