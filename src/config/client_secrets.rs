//! `OIDC_CLIENT_SECRETS`: the `client_secrets.json` of Flask-OIDC, Google and `npm run register`.

use serde_json::Value;

use super::{
    provider,
    reader::Reader,
    value::{self, Checked, Mismatch},
};
use crate::{
    json::Object,
    oauth::{ClientId, ClientSecret, client_auth::ClientAuthMethod},
    oidc::{IssuerUrl, discovery::Endpoints},
};

const NAME: &str = "OIDC_CLIENT_SECRETS";

/// What the file says; nothing when there is none.
#[derive(Default)]
pub(super) struct ClientSecrets {
    pub(super) client_id: Option<ClientId>,
    pub(super) client_secret: Option<ClientSecret>,
    pub(super) issuer: Option<IssuerUrl>,
    /// How the client is registered; `oidc-register` writes it.
    pub(super) auth_method: Option<ClientAuthMethod>,
    pub(super) endpoints: Endpoints,
}

/// Reads the file. Members that are not ours (`project_id`, `redirect_uris`, …) inform people and are left alone.
pub(super) fn read(reader: &mut Reader<'_>) -> ClientSecrets {
    let Some(file) = reader.read(NAME, object) else { return ClientSecrets::default() };
    let Some((kind, client)) = reader.read(NAME, |_| only_client(&file)) else { return ClientSecrets::default() };
    let mut client = Client { reader, kind, members: client };
    ClientSecrets {
        client_id: client.member("client_id", provider::client_id),
        client_secret: client.member("client_secret", provider::client_secret),
        issuer: client.member("issuer", provider::issuer),
        auth_method: client.member("token_endpoint_auth_method", auth_method),
        endpoints: Endpoints {
            authorization: client.member("auth_uri", value::url),
            token: client.member("token_uri", value::url),
            jwks: client.member("jwks_uri", value::url),
            userinfo: client.member("userinfo_uri", value::url),
            introspection: client.member("token_introspection_uri", value::url),
            revocation: client.member("revoke_uri", value::url),
            end_session: client.member("end_session_uri", value::url),
        },
    }
}

fn auth_method(value: &Value) -> Checked<ClientAuthMethod> {
    let methods = [ClientAuthMethod::None, ClientAuthMethod::Basic, ClientAuthMethod::Post];
    value::choice(&methods.map(|method| (method.name(), method)))(value)
}

fn object(value: &Value) -> Checked<Object> {
    value::object(value).map_err(|mismatch| match value {
        Value::String(text) if !text.trim_start().starts_with('{') => Mismatch::new(
            "the content of a client_secrets.json",
            "paste the file's content, not its name: a Worker has no files (npx wrangler secret put OIDC_CLIENT_SECRETS \
             < client_secrets.json)",
        ),
        _ => mismatch,
    })
}

fn only_client(file: &Object) -> Checked<(&'static str, &Object)> {
    const EXPECTED: &str = "an object with one member, `web` or `installed`";
    if file.contains_key("client_id") {
        return Err(Mismatch::new(EXPECTED, "put all of it into {\"web\": …}"));
    }
    let mut members = file.iter();
    let kind = |name: &String| ["web", "installed"].into_iter().find(|kind| kind == name);
    match (members.next(), members.next()) {
        (Some((name, Value::Object(client))), None) if let Some(kind) = kind(name) => Ok((kind, client)),
        (Some((name, _)), None) if kind(name).is_some() => Err(Mismatch::new(
            "an object inside `web` or `installed`",
            "put client_id and the others into {\"web\": {…}}",
        )),
        _ => Err(Mismatch::new(EXPECTED, "leave one client in the file, as {\"web\": {…}}")),
    }
}

struct Client<'r, 'v, 'f> {
    reader: &'r mut Reader<'v>,
    kind: &'static str,
    members: &'f Object,
}

impl Client<'_, '_, '_> {
    /// A member, parsed; `None` when it is absent, `null`, or bad and reported.
    fn member<T>(&mut self, name: &str, kind: impl FnOnce(&Value) -> Checked<T>) -> Option<T> {
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        let parsed = if is_placeholder(value) {
            Err(Mismatch::new(
                "a value of your own, no [[placeholder]]",
                "replace it by what the provider gave you, or let `npm run register` write the file",
            ))
        } else {
            kind(value)
        };
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(mismatch) => {
                self.reader.refuse_member(NAME, &format!(".{}.{name}", self.kind), Some(value), &mismatch);
                None
            }
        }
    }
}

// Google's templates have [[INSERT CLIENT ID HERE]].
fn is_placeholder(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim_start().starts_with("[["))
}
