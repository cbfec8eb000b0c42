//! Cookies, keys, the store, and how long a session lasts.

use core::time::Duration;

use serde_json::Value;

use super::{
    Bindings, CookieSettings, SessionExpiry, SessionSettings, StoreKind,
    reader::Reader,
    value::{self, Checked, Mismatch, choice},
};
use crate::{
    secret::Secret,
    web::cookie::{CookieScope, SetCookie},
};

/// RFC 6265bis §5.6: browsers keep no cookie longer than 400 days.
const LONGEST_SESSION: u64 = 400 * DAY;
const DAY: u64 = 86_400;
/// 256 bits, in bytes: more gain nothing, fewer could be guessed.
const SHORTEST_KEY: usize = 32;

/// Whether cookies go over https only; either of the two names can say no.
pub(super) fn secure(reader: &mut Reader<'_>) -> bool {
    let says = ["OIDC_COOKIE_SECURE", "OIDC_ID_TOKEN_COOKIE_SECURE"]
        .map(|name| reader.read(name, value::boolean).unwrap_or(true));
    says == [true, true]
}

/// Reads the cookie's settings. `None` when they are bad, and reported.
pub(super) fn cookie(reader: &mut Reader<'_>, secure: bool) -> Option<CookieSettings> {
    let scope = match reader.read("OIDC_ID_TOKEN_COOKIE_PATH", |value| cookie_scope(value, secure)) {
        Some(scope) => Some(scope),
        None => CookieScope::new("/", secure),
    }?;
    let name = reader
        .read("OIDC_ID_TOKEN_COOKIE_NAME", cookie_name)
        .map_or_else(|| scope.name("oidc_id_token"), |name| scope.name(&name));
    Some(CookieSettings { name, scope, secure })
}

fn cookie_scope(value: &Value, secure: bool) -> Checked<CookieScope> {
    let path = value::path(value)?;
    CookieScope::new(&path, secure).ok_or_else(|| Mismatch::new("a path of at most 1024 bytes", "shorten it"))
}

fn cookie_name(value: &Value) -> Checked<String> {
    const LONGEST: usize = 64;
    let name = value::text(value)?;
    let has_prefix = ["__host-", "__secure-", "__http-"].iter().any(|prefix| name.to_lowercase().starts_with(prefix));
    if has_prefix {
        return Err(Mismatch::new(
            "a cookie name without a prefix such as __Host-",
            "leave it out; the Worker adds __Host- where browsers allow it",
        ));
    }
    let is_token = CookieScope::new("/", true).is_some_and(|scope| SetCookie::new(&name, "", &scope).is_ok());
    if is_token && name.len() <= LONGEST {
        Ok(name)
    } else {
        Err(Mismatch::new(
            format!("a cookie name of at most {LONGEST} letters, digits and other token characters"),
            "choose a name such as oidc_id_token",
        ))
    }
}

/// Reads `OIDC_SECRET_KEY`. Empty when it is absent where it may be, or bad and reported.
pub(super) fn secret_keys(reader: &mut Reader<'_>, enabled: bool) -> Vec<Secret<String>> {
    const NAME: &str = "OIDC_SECRET_KEY";
    if enabled && !reader.has(NAME) {
        let cure = "make one: openssl rand -base64 32 | npx wrangler secret put OIDC_SECRET_KEY";
        reader.refuse(NAME, &Mismatch::new("a secret of at least 32 bytes", cure));
    }
    reader.read(NAME, keys).unwrap_or_default()
}

fn keys(value: &Value) -> Checked<Vec<Secret<String>>> {
    let texts = match value {
        Value::String(text) if !text.trim_start().starts_with('[') => split_keys(value::text(value)?),
        _ => value::texts(value)?,
    };
    if texts.is_empty() {
        return Err(Mismatch::new("one key at least", "put one in: openssl rand -base64 32"));
    }
    if texts.iter().any(|text| text.len() < SHORTEST_KEY) {
        return Err(Mismatch::new("keys of at least 32 bytes each", "make a longer one: openssl rand -base64 32"));
    }
    Ok(texts.into_iter().map(Secret::new).collect())
}

// A list, when every part is a key by itself; otherwise one key, a passphrase perhaps, that has such characters in it.
fn split_keys(text: String) -> Vec<String> {
    let parts: Vec<&str> = text.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty()).collect();
    if parts.len() > 1 && parts.iter().all(|part| part.len() >= SHORTEST_KEY) {
        return parts.into_iter().map(str::to_owned).collect();
    }
    vec![text]
}

/// Reads how long a session lasts.
pub(super) fn session(reader: &mut Reader<'_>) -> SessionSettings {
    let lifetime = || value::seconds(1..=LONGEST_SESSION);
    let expiry = [("id_token", SessionExpiry::IdToken), ("cookie", SessionExpiry::Cookie)];
    SessionSettings {
        ttl: reader.read("OIDC_ID_TOKEN_COOKIE_TTL", lifetime()).unwrap_or(Duration::from_secs(7 * DAY)),
        idle_ttl: reader.read("OIDC_SESSION_IDLE_TTL", lifetime()),
        check_interval: reader
            .read("OIDC_SESSION_CHECK_INTERVAL", value::seconds(0..=DAY))
            .unwrap_or(Duration::from_mins(1)),
        outage_grace: reader
            .read("OIDC_STORE_OUTAGE_GRACE", value::seconds(0..=7 * DAY))
            .unwrap_or(Duration::from_mins(10)),
        expiry: reader.read("OIDC_SESSION_EXPIRY", choice(&expiry)).unwrap_or(SessionExpiry::IdToken),
    }
}

/// Reads where tokens are kept, or takes what is bound.
pub(super) fn store(reader: &mut Reader<'_>, bindings: Bindings, enabled: bool) -> StoreKind {
    const NAME: &str = "OIDC_CREDENTIALS_STORE";
    const BIND_KV: &str = "bind a KV namespace in wrangler.toml: [[kv_namespaces]] binding = \"OIDC_CREDENTIALS\"";
    const BIND_DURABLE: &str = "bind the class SessionVault in wrangler.toml under [[durable_objects.bindings]]";
    let words = [("kv", StoreKind::Kv), ("memory", StoreKind::Memory), ("durable", StoreKind::Durable)];
    let asked = reader.read(NAME, |value| choice(&words)(value).map_err(|mismatch| flask_store(value, mismatch)));
    match asked {
        Some(StoreKind::Kv) if !bindings.kv => {
            reader.refuse(NAME, &Mismatch::new("`kv` only where OIDC_CREDENTIALS is bound", BIND_KV));
        }
        Some(StoreKind::Durable) if !bindings.durable => {
            reader.refuse(NAME, &Mismatch::new("`durable` only where OIDC_SESSIONS is bound", BIND_DURABLE));
        }
        None if !bindings.kv && !bindings.durable && enabled && !reader.has(NAME) => {
            reader.refuse(NAME, &Mismatch::new("a store for tokens", BIND_KV));
        }
        _ => {}
    }
    match asked {
        Some(kind) => kind,
        None if bindings.kv => StoreKind::Kv,
        None if bindings.durable => StoreKind::Durable,
        None => StoreKind::Memory,
    }
}

fn flask_store(value: &Value, mismatch: Mismatch) -> Mismatch {
    match value {
        Value::Object(_) | Value::Array(_) => Mismatch::new(
            "a word: `kv`, `durable` or `memory`",
            "Flask-OIDC takes a Python object here, a Worker has bindings: bind OIDC_CREDENTIALS, remove this setting",
        ),
        _ => mismatch,
    }
}
