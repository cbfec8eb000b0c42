//! `OIDC_ASSERTION` and `OIDC_ASSERTION_KEY`: what we vouch for to the origin, and by which keys.

use core::time::Duration;

use serde_json::Value;

use super::{
    AssertionSettings, HeaderMapping,
    errors::ConfigError,
    headers,
    names::unknown_member,
    reader::Reader,
    value::{self, Checked, Mismatch},
};
use crate::{
    jose::{Alg, SigningKey},
    json::Object,
};

const NAME: &str = "OIDC_ASSERTION";
const KEY: &str = "OIDC_ASSERTION_KEY";
const MEMBERS: [&str; 5] = ["alg", "header", "ttl", "audience", "signature"];
const HEADER: &str = "X-Forwarded-Assertion";
/// What a key must have for each word of `alg`, which is ES256 unless it is said.
const ALGS: [(&str, Alg); 2] = [("ES256", Alg::Es256), ("EdDSA", Alg::EdDsa)];

/// Reads both. `None` when nothing is to be signed, or when something is bad and reported.
pub(super) fn read(reader: &mut Reader<'_>, mappings: &[HeaderMapping]) -> Option<AssertionSettings> {
    for (name, other, cure) in [
        (NAME, KEY, "put a key in: npx wrangler secret put OIDC_ASSERTION_KEY"),
        (KEY, NAME, "say what it signs: OIDC_ASSERTION = { alg = \"ES256\" }, or remove the key"),
    ] {
        if reader.has(name) && !reader.has(other) {
            reader.report(ConfigError::new(name, format!("expected {other} beside it, got nothing"), cure));
        }
    }
    let members = reader.read(NAME, value::object).unwrap_or_default();
    for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
        unknown_member(reader, NAME, "", name, &MEMBERS);
    }
    let mut members = Members { reader, members: &members };
    let alg = members.read("alg", value::choice(&ALGS)).unwrap_or(Alg::Es256);
    let settings = AssertionSettings {
        header: members.read("header", |value| header(value, mappings)).unwrap_or_else(|| HEADER.to_owned()),
        ttl: members.read("ttl", value::seconds(1..=600)).unwrap_or(Duration::from_mins(1)),
        audience: members.read("audience", value::text),
        signs_messages: members.read("signature", value::boolean).unwrap_or(false),
        keys: reader.read(KEY, |value| keys(value, alg))?,
    };
    reader.has(NAME).then_some(settings)
}

struct Members<'r, 'v, 'm> {
    reader: &'r mut Reader<'v>,
    members: &'m Object,
}

impl Members<'_, '_, '_> {
    fn read<T>(&mut self, name: &str, kind: impl FnOnce(&Value) -> Checked<T>) -> Option<T> {
        let value = self.members.get(name)?;
        let refuse = |mismatch| self.reader.refuse_member(NAME, &format!(".{name}"), Some(value), &mismatch);
        kind(value).map_err(refuse).ok()
    }
}

fn header(value: &Value, mappings: &[HeaderMapping]) -> Checked<String> {
    let header = value::text(value)?;
    if header.eq_ignore_ascii_case(HEADER) {
        return Ok(header);
    }
    headers::check_name(&header)?;
    if mappings.iter().any(|mapping| mapping.header.eq_ignore_ascii_case(&header)) {
        return Err(Mismatch::new("a header that OIDC_HEADERS does not use", "choose another name"));
    }
    Ok(header)
}

// The first signs; of the others the public part is enough.
fn keys(value: &Value, alg: Alg) -> Checked<Vec<SigningKey>> {
    const CURE: &str = "make one: docs/configuration.md has the command";
    let is_one =
        matches!(value, Value::Object(_)) || value.as_str().is_some_and(|text| text.trim_start().starts_with('{'));
    let jwks = if is_one { vec![Value::Object(value::object(value)?)] } else { value::values(value)? };
    let parsed: Option<Vec<SigningKey>> = jwks.iter().map(|jwk| SigningKey::parse(jwk.as_object()?)).collect();
    let Some(keys) = parsed else {
        return Err(Mismatch::new("a JWK of an EC key on P-256 or an OKP key on Ed25519, or a list of them", CURE));
    };
    if !keys.first().is_some_and(|key| key.alg() == alg && key.private_json().is_some()) {
        let kind = if alg == Alg::Es256 { "on P-256" } else { "on Ed25519" };
        return Err(Mismatch::new(format!("a first key {kind} with its private part `d`, as `alg` asks for"), CURE));
    }
    let is_repeated =
        |(index, key): (usize, &SigningKey)| keys.iter().take(index).any(|other| other.kid() == key.kid());
    if keys.iter().enumerate().any(is_repeated) {
        return Err(Mismatch::new("keys of different names", "give each its own `kid`"));
    }
    Ok(keys)
}
