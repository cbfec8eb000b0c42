//! `OIDC_CLIENT_SECRETS`: endpoints that may be trusted, the same from text and from a table, and no report of it
//! shows what is in it.

use edge_oidc::{config::Config, json};
use serde_json::Value;

use super::{configured, read_by_browsers, text};

/// No message of ours has this word; the corpus puts it where secrets are.
const SECRET: &str = "hunter2";

pub fn check(bytes: &[u8]) -> bool {
    let Some(file) = text(bytes) else { return false };
    let parsed = configured("OIDC_CLIENT_SECRETS", file.into(), &[]);
    if let Ok(object) = json::parse_object(bytes) {
        // A number may be another one once JavaScript has had it; `Debug` shows no claims, so texts are enough.
        let typed = configured("OIDC_CLIENT_SECRETS", Value::Object(object), &[]);
        assert_eq!(typed.as_ref().ok().map(shown), parsed.as_ref().ok().map(shown), "a table means something else");
        if let Err(errors) = typed {
            assert!(!format!("{errors} {errors:?}").contains(SECRET), "a report tells a secret");
        }
    }
    match parsed {
        Ok(config) => {
            config_is_sound(file, &config);
            true
        }
        Err(errors) => {
            assert!(errors.iter().count() > 0);
            assert!(!format!("{errors} {errors:?}").contains(SECRET), "a report tells a secret");
            false
        }
    }
}

fn shown(config: &Config) -> String {
    format!("{config:?}")
}

fn config_is_sound(file: &str, config: &Config) {
    let [provider] = config.providers.as_slice() else { panic!("expected one provider") };
    assert!(!provider.client.id.as_str().is_empty());
    let endpoints = &provider.endpoints;
    let given = [
        &endpoints.authorization,
        &endpoints.token,
        &endpoints.jwks,
        &endpoints.userinfo,
        &endpoints.introspection,
        &endpoints.revocation,
    ];
    for url in given.into_iter().flatten().chain([provider.issuer.as_url()]) {
        read_by_browsers(url);
    }
    if let Some(secret) = &provider.client.secret
        && secret.expose().contains(SECRET)
        // Of a host small letters are shown, however it is written.
        && file.to_ascii_lowercase().matches(SECRET).count() == 1
    {
        assert!(!shown(config).contains(SECRET), "the settings show a secret");
    }
}
