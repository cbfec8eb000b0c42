//! The content of a `client_secrets.json`: Google's format, as Flask-OIDC and the Worker read it, and what belongs to
//! the registration beside it.

use edge_oidc::{
    json::{self, Object},
    oauth::{ClientId, client_auth::ClientAuthMethod},
    oidc::registration::{Access, Provider, Registration},
    secret::Secret,
    time::Timestamp,
    web::secure_url::SecureUrl,
};
use serde_json::{Value, json};

/// One client, as the file has it.
#[derive(Clone, PartialEq)]
pub(crate) struct ClientSecrets {
    kind: String,
    members: Object,
}

const TOKEN: &str = "registration_access_token";
const URI: &str = "registration_client_uri";

impl ClientSecrets {
    /// The file of a new registration that was asked for with `redirect_uris` and `auth_method`.
    pub(crate) fn new<'u>(
        provider: &Provider,
        registration: &Registration,
        introspection: Option<&SecureUrl>,
        redirect_uris: impl Iterator<Item = &'u str>,
        auth_method: ClientAuthMethod,
    ) -> Self {
        let metadata = &provider.metadata;
        let mut members = Object::new();
        members.insert("issuer".to_owned(), metadata.issuer.as_str().into());
        members.insert("redirect_uris".to_owned(), redirect_uris.collect());
        members.insert("token_endpoint_auth_method".to_owned(), auth_method.name().into());
        for (name, url) in [
            ("auth_uri", Some(&metadata.authorization_endpoint)),
            ("token_uri", Some(&metadata.token_endpoint)),
            ("userinfo_uri", metadata.userinfo_endpoint.as_ref()),
            ("end_session_uri", metadata.end_session_endpoint.as_ref()),
            ("revoke_uri", metadata.revocation_endpoint.as_ref()),
            ("token_introspection_uri", introspection.or(provider.introspection_endpoint.as_ref())),
        ] {
            if let Some(url) = url {
                members.insert(name.to_owned(), url.as_str().into());
            }
        }
        let mut file = Self { kind: "web".to_owned(), members };
        file.take_over(registration);
        file
    }

    /// Parses a file of this program's, or any other with one client in it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut file = json::parse_object(bytes).ok()?.into_iter();
        match (file.next(), file.next()) {
            (Some((kind, Value::Object(members))), None) => Some(Self { kind, members }),
            _ => None,
        }
    }

    /// Whatever an answer of the provider may have changed.
    pub(crate) fn take_over(&mut self, registration: &Registration) {
        let mut put = |name: &str, value: Value| self.members.insert(name.to_owned(), value);
        put("client_id", registration.client_id.as_str().into());
        // Flask-OIDC wants the member even where there is no secret.
        let secret = registration.client_secret.as_ref();
        put("client_secret", secret.map_or(Value::Null, |secret| secret.expose().as_str().into()));
        // RFC 7591 §3.2.1: required where there is a secret, 0 for never.
        if secret.is_some() {
            put("client_secret_expires_at", registration.secret_expires_at.map_or(0, Timestamp::as_unix).into());
        }
        if let Some(Access { uri, token }) = &registration.access {
            put(URI, uri.as_str().into());
            put(TOKEN, token.expose().as_str().into());
        }
        for name in ["redirect_uris", "token_endpoint_auth_method"] {
            if let Some(value) = registration.metadata.get(name) {
                put(name, value.clone());
            }
        }
        if secret.is_none() {
            self.members.remove("client_secret_expires_at");
        }
    }

    /// Another introspection endpoint.
    pub(crate) fn introspect_at(&mut self, url: &SecureUrl) {
        self.members.insert("token_introspection_uri".to_owned(), url.as_str().into());
    }

    /// The registration as far as the file knows it; `None` when it can't be managed.
    pub(crate) fn registration(&self) -> Option<(Registration, Access)> {
        let text = |name: &str| self.members.get(name).and_then(Value::as_str);
        let access = Access { uri: SecureUrl::parse(text(URI)?).ok()?, token: Secret::new(text(TOKEN)?.to_owned()) };
        let mut metadata = self.members.clone();
        metadata.retain(|name, _| ["redirect_uris", "token_endpoint_auth_method"].contains(&name.as_str()));
        let expires_at = self.members.get("client_secret_expires_at").and_then(Value::as_i64);
        let registration = Registration {
            client_id: ClientId::parse(text("client_id")?)?,
            client_secret: text("client_secret").map(|secret| Secret::new(secret.to_owned())),
            secret_expires_at: expires_at.filter(|seconds| *seconds != 0).map(Timestamp::from_unix),
            access: Some(access.clone()),
            metadata,
        };
        Some((registration, access))
    }

    /// What nobody may see.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret<String>> {
        let members = [TOKEN, "client_secret"].into_iter().filter_map(|name| self.members.get(name)?.as_str());
        members.map(|text| Secret::new(text.to_owned()))
    }

    /// One line of compact JSON.
    pub(crate) fn to_line(&self) -> String {
        format!("{}\n", json!({ self.kind.as_str(): self.members }))
    }

    /// The same for the Worker, which has no business with the registration.
    pub(crate) fn for_worker(&self) -> String {
        let mut members = self.members.clone();
        members.retain(|name, _| name != TOKEN && name != URI);
        json!({ self.kind.as_str(): members }).to_string()
    }
}
