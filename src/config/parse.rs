//! The order in which the settings are read.

use serde_json::Value;

use super::{
    Bindings, Config, ConfigErrors, Variables, assertion, headers, log, names, not_yet, places, provider,
    reader::Reader,
    rules, session,
    settings::DEFAULT_TESTING_PROFILE,
    value::{self, Checked, Mismatch},
};
use crate::json::Object;

impl Config {
    /// Parses the variables named `OIDC_*` and `OVERWRITE_REDIRECT_URI`.
    ///
    /// Errors: everything that is wrong with them, at once.
    pub fn parse(variables: &Variables, bindings: Bindings) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(variables);
        names::check(&mut reader, variables.keys());
        not_yet::check(&mut reader);

        let enabled = reader.read("OIDC_ENABLED", value::boolean).unwrap_or(true);
        let testing_profile = testing_profile(&mut reader).filter(|_| !enabled);
        let secure = session::secure(&mut reader);
        let provider = provider::read(&mut reader, enabled, secure);
        let secret_keys = session::secret_keys(&mut reader, enabled);
        let cookie = session::cookie(&mut reader, secure);
        let session = session::session(&mut reader);
        let store = session::store(&mut reader, bindings, enabled);
        let origin = places::origin(&mut reader, bindings);
        let public_origin = places::public_origin(&mut reader);
        let redirect_uri = places::redirect_uri(&mut reader);
        let cookie_path = cookie.as_ref().map_or("/", |cookie| cookie.scope.path());
        let routes = places::routes(&mut reader, cookie_path);
        let post_logout = places::post_logout(&mut reader, &routes);
        let (rules, last_is_ours) = rules::read(&mut reader, &routes);
        let headers = headers::read(&mut reader);
        let assertion = assertion::read(&mut reader, &headers);
        let log = log::read(&mut reader);
        let pass_access_token = reader.read("OIDC_PASS_ACCESS_TOKEN", value::boolean).unwrap_or(false);
        check_for_later(&mut reader);

        let config = cookie.map(|cookie| Self {
            providers: provider.into_iter().collect(),
            secret_keys,
            cookie,
            session,
            store,
            origin,
            public_origin,
            routes,
            post_logout,
            redirect_uri,
            rules,
            last_is_ours,
            headers,
            assertion,
            pass_access_token,
            log,
            testing_profile,
        });
        reader.finish(config)
    }
}

fn testing_profile(reader: &mut Reader<'_>) -> Option<Object> {
    const NAME: &str = "OIDC_TESTING_PROFILE";
    let default = Value::String(DEFAULT_TESTING_PROFILE.to_owned());
    if reader.has(NAME) { reader.read(NAME, profile) } else { profile(&default).ok() }
}

fn profile(value: &Value) -> Checked<Object> {
    let profile = value::object(value)?;
    match profile.get("sub").and_then(Value::as_str) {
        Some(subject) if !subject.is_empty() => Ok(profile),
        _ => Err(Mismatch::new("an object with a text `sub`", "add \"sub\": \"testing\" to it")),
    }
}

/// Settings that tune what is not built yet: what they say must be right, but nothing reads it.
fn check_for_later(reader: &mut Reader<'_>) {
    for name in ["OIDC_RESOURCE_SERVER_ONLY", "OIDC_RESOURCE_CHECK_AUD", "OIDC_PASS_TOKEN_INFO"] {
        reader.read(name, value::boolean);
    }
    let methods = [("client_secret_post", ()), ("client_secret_basic", ()), ("bearer", ())];
    reader.read("OIDC_INTROSPECTION_AUTH_METHOD", value::choice(&methods));
    reader.read("OIDC_TOKEN_TYPE_HINT", value::text);
    reader.read("OIDC_INTROSPECTION_CACHE_TTL", value::seconds(0..=86_400));
    reader.read("OIDC_ACCESS_TOKENS", value::choice(&[("introspection", ()), ("jwt", ()), ("auto", ())]));
    reader.read("OIDC_AUDIENCE", some);
    reader.read("OIDC_BEARER_LOCATIONS", |value| {
        let known = ["header", "form", "query"];
        if some(value)?.iter().all(|place| known.contains(&place.as_str())) {
            Ok(())
        } else {
            Err(Mismatch::new("a list of `header`, `form`, `query`", "write one or more of them"))
        }
    });
}

fn some(value: &Value) -> Checked<Vec<String>> {
    let list = value::list(value)?;
    if list.is_empty() { Err(Mismatch::new("one item at least", "name one, or remove the setting")) } else { Ok(list) }
}
