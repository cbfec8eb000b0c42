//! Access tokens: where they are looked for, how they are checked, what is passed on.

use core::time::Duration;

use serde_json::Value;

use super::{
    ProviderSettings, TokenCheck, TokenSettings,
    reader::Reader,
    value::{self, Checked, Mismatch, choice},
};
use crate::{
    oauth::{bearer::Location, client_auth::ClientAuthMethod, introspection::IntrospectionAuth},
    policy::Rule,
};

/// Whether the Worker checks access tokens and does nothing else.
pub(super) fn resource_server_only(reader: &mut Reader<'_>) -> bool {
    reader.read("OIDC_RESOURCE_SERVER_ONLY", value::boolean).unwrap_or(false)
}

/// Reads `OIDC_AUDIENCE`; the first of it stands in for the client id where there is none.
pub(super) fn audience(reader: &mut Reader<'_>) -> Vec<String> {
    reader.read("OIDC_AUDIENCE", some).unwrap_or_default()
}

/// Reads the rest, and whether what the rules ask of tokens can be told at all.
pub(super) fn read(
    reader: &mut Reader<'_>,
    audience: Vec<String>,
    provider: Option<&ProviderSettings>,
    rules: &[Rule],
) -> TokenSettings {
    let checks = [("auto", TokenCheck::Auto), ("introspection", TokenCheck::Introspection), ("jwt", TokenCheck::Jwt)];
    let check = reader.read("OIDC_ACCESS_TOKENS", choice(&checks)).unwrap_or(TokenCheck::Auto);
    let mut flag = |name| reader.read(name, value::boolean).unwrap_or(false);
    let audience_required = flag("OIDC_RESOURCE_CHECK_AUD");
    let pass_info = flag("OIDC_PASS_TOKEN_INFO");
    let auth = reader.read("OIDC_INTROSPECTION_AUTH_METHOD", choice(&AUTH)).flatten();
    let hint = reader.read("OIDC_TOKEN_TYPE_HINT", value::text).unwrap_or_else(|| "access_token".to_owned());
    let places = [("isolate", false), ("location", true)];
    let cached_in_location = reader.read("OIDC_INTROSPECTION_CACHE", choice(&places)).unwrap_or(false);
    if cached_in_location && !reader.has("OIDC_SECRET_KEY") {
        let cure = "set OIDC_SECRET_KEY too, or leave it at `isolate`";
        reader.refuse("OIDC_INTROSPECTION_CACHE", &Mismatch::new("a key to seal what is kept there", cure));
    }
    let cache_ttl = reader.read("OIDC_INTROSPECTION_CACHE_TTL", value::seconds(0..=86_400));
    let locations = reader.read("OIDC_BEARER_LOCATIONS", locations).unwrap_or_else(|| vec![Location::Header]);
    if rules.iter().any(Rule::takes_tokens) {
        check_possible(reader, check, &audience, provider);
    }
    let client_id = || provider.iter().map(|provider| provider.client.id.as_str().to_owned()).collect();
    TokenSettings {
        locations,
        check,
        audience: if audience.is_empty() && audience_required { client_id() } else { audience },
        audience_required,
        auth,
        hint: Some(hint).filter(|hint| hint != "none"),
        cached_in_location,
        cache_ttl: cache_ttl.unwrap_or(Duration::from_mins(1)),
        pass_info,
    }
}

const AUTH: [(&str, Option<IntrospectionAuth>); 4] = [
    ("automatic", None),
    ("client_secret_post", Some(IntrospectionAuth::Client(ClientAuthMethod::Post))),
    ("client_secret_basic", Some(IntrospectionAuth::Client(ClientAuthMethod::Basic))),
    ("bearer", Some(IntrospectionAuth::Bearer)),
];

// RFC 9068 §4: a JWT for somebody else is no token for us. Where discovery is not asked, it is known at once that a
// provider has no introspection.
fn check_possible(
    reader: &mut Reader<'_>,
    check: TokenCheck,
    audience: &[String],
    provider: Option<&ProviderSettings>,
) {
    let never_introspects = provider.is_some_and(|provider| {
        let given = &provider.endpoints;
        given.introspection.is_none() && given.authorization.is_some() && given.token.is_some() && given.jwks.is_some()
    });
    match check {
        TokenCheck::Introspection if never_introspects => {
            let cure = "put `token_introspection_uri` into OIDC_CLIENT_SECRETS";
            reader.refuse("OIDC_ACCESS_TOKENS", &Mismatch::new("a way to ask about tokens", cure));
        }
        TokenCheck::Auto if !never_introspects => {}
        TokenCheck::Jwt | TokenCheck::Auto if audience.is_empty() && !reader.has("OIDC_AUDIENCE") => {
            let cure = "set OIDC_AUDIENCE to what the provider writes into `aud` for this API";
            reader.refuse("OIDC_AUDIENCE", &Mismatch::new("the audience of the access tokens that are JWTs", cure));
        }
        _ => {}
    }
}

fn locations(value: &Value) -> Checked<Vec<Location>> {
    let mut locations = Vec::new();
    for word in some(value)? {
        let location = match word.as_str() {
            "header" => Location::Header,
            "form" => Location::Form,
            "query" => Location::Query,
            _ => return Err(Mismatch::new("a list of `header`, `form`, `query`", "write one or more of them")),
        };
        if !locations.contains(&location) {
            locations.push(location);
        }
    }
    Ok(locations)
}

fn some(value: &Value) -> Checked<Vec<String>> {
    let list = value::list(value)?;
    if list.is_empty() { Err(Mismatch::new("one item at least", "name one, or remove the setting")) } else { Ok(list) }
}
