//! `Config::parse` from outside: what is taken, what is refused, and what a report never says.

use serde_json::{Value, json};

use super::*;

mod assertion;
mod bad;
mod good;
mod rules;
mod silence;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const BOUND: Bindings = Bindings { kv: true, durable: false, origin: false };

/// The least that a deployment says.
fn least() -> Variables {
    variables(&json!({
        "OIDC_ISSUER": "https://idp.example", "OIDC_CLIENT_ID": "me", "OIDC_CLIENT_SECRET": "hush",
        "OIDC_SECRET_KEY": KEY,
    }))
}

/// That, and more.
fn with(more: &Value) -> Variables {
    let mut all = least();
    all.extend(variables(more));
    all
}

fn variables(object: &Value) -> Variables {
    object.as_object().unwrap().clone().into_iter().collect()
}

fn parse(more: &Value) -> Result<Config, ConfigErrors> {
    Config::parse(&with(more), BOUND)
}

fn parsed(more: &Value) -> Config {
    parse(more).unwrap_or_else(|errors| panic!("{more}: {errors}"))
}

fn provider(config: &Config) -> &ProviderSettings {
    config.providers.first().unwrap()
}

/// The report, one line for each error.
fn report(more: &Value) -> String {
    match parse(more) {
        Ok(config) => panic!("{more} was taken: {config:?}"),
        Err(errors) => errors.to_string(),
    }
}
