//! The order in which the settings are read.

use serde_json::Value;

use super::{
    Bindings, Config, ConfigErrors, Variables, assertion, headers, log, names, places, provider,
    reader::Reader,
    rules, session,
    settings::DEFAULT_TESTING_PROFILE,
    tokens,
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

        let enabled = reader.read("OIDC_ENABLED", value::boolean).unwrap_or(true);
        let testing_profile = testing_profile(&mut reader).filter(|_| !enabled);
        let secure = session::secure(&mut reader);
        let resource_server_only = tokens::resource_server_only(&mut reader);
        let audience = tokens::audience(&mut reader);
        let api = audience.first().filter(|_| resource_server_only).map(String::as_str);
        let provider = provider::read(&mut reader, enabled, secure, api);
        let signs_in = enabled && !resource_server_only;
        let secret_keys = session::secret_keys(&mut reader, signs_in);
        let cookie = session::cookie(&mut reader, secure);
        let session = session::session(&mut reader);
        let store = session::store(&mut reader, bindings, signs_in);
        let origin = places::origin(&mut reader, bindings);
        let public_origin = places::public_origin(&mut reader);
        let redirect_uri = places::redirect_uri(&mut reader);
        let cookie_path = cookie.as_ref().map_or("/", |cookie| cookie.scope.path());
        let routes = places::routes(&mut reader, cookie_path);
        let post_logout = places::post_logout(&mut reader, &routes);
        let (rules, last_is_ours) = rules::read(&mut reader, &routes, resource_server_only);
        let headers = headers::read(&mut reader);
        let assertion = assertion::read(&mut reader, &headers);
        let log = log::read(&mut reader);
        let pass_access_token = reader.read("OIDC_PASS_ACCESS_TOKEN", value::boolean).unwrap_or(false);
        let tokens = tokens::read(&mut reader, audience, provider.as_ref(), &rules);

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
            decided_by_code: false,
            headers,
            assertion,
            pass_access_token,
            log,
            tokens,
            resource_server_only,
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
