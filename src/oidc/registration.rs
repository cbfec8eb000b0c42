//! OpenID Connect Dynamic Client Registration 1.0, RFC 7591; the end of a registration's life is in [`management`].

pub mod management;
mod redirect_uris;

use core::fmt;

use serde_json::{Value, json};

use super::{
    IssuerUrl,
    discovery::{self, DiscoveryError, Endpoints, Metadata},
};
use crate::{
    json::{self, JsonError, Object},
    oauth::{
        ClientId, ClientSecret,
        client_auth::ClientAuthMethod,
        exchange::{ProviderAnswer, ProviderRequest},
    },
    secret::Secret,
    time::Timestamp,
    web::secure_url::SecureUrl,
};

pub use redirect_uris::{
    ApplicationType, CALLBACK_PATH, RedirectUriError, RedirectUris, check_redirect_uris, under_application,
};

/// A provider, as far as a client that is about to register must know it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What signing in needs.
    pub metadata: Metadata,
    /// Where clients register, if they may.
    pub registration_endpoint: Option<SecureUrl>,
    /// Where tokens are introspected (RFC 7662).
    pub introspection_endpoint: Option<SecureUrl>,
    /// `grant_types_supported`.
    pub grant_types: Option<Vec<String>>,
}

/// Judges the answer to [`discovery::request`].
///
/// People leave out or add the slash at the end of the issuer, and the URL of the document is the same for both: the
/// issuer is then taken as the document has it.
pub fn provider(answer: &ProviderAnswer, asked: &IssuerUrl) -> Result<Provider, DiscoveryError> {
    let judge = |issuer: &IssuerUrl| discovery::response(answer, issuer, &Endpoints::default());
    let metadata = match (judge(asked), other_spelling(asked)) {
        (Err(DiscoveryError::IssuerMismatch), Some(other)) => judge(&other),
        (verdict, _) => verdict,
    }?;
    let document = json::parse_object(&answer.body).map_err(|_| DiscoveryError::NotJson)?;
    let endpoint = |name| url(&document, name).map_err(|_| DiscoveryError::BadEndpoint);
    Ok(Provider {
        metadata,
        registration_endpoint: endpoint("registration_endpoint")?,
        introspection_endpoint: endpoint("introspection_endpoint")?,
        grant_types: texts(&document, "grant_types_supported"),
    })
}

fn other_spelling(issuer: &IssuerUrl) -> Option<IssuerUrl> {
    let other = match issuer.as_str().strip_suffix('/') {
        Some(shorter) => shorter.to_owned(),
        None => format!("{}/", issuer.as_str()),
    };
    IssuerUrl::parse(&other).ok()
}

/// What the client says about itself (Dynamic Registration 1.0 §2).
#[derive(Clone, Debug)]
pub struct ClientMetadata {
    /// `redirect_uris`, and with them `application_type`.
    pub redirect_uris: RedirectUris,
    /// `token_endpoint_auth_method`.
    pub auth_method: ClientAuthMethod,
    /// `client_name`: what visitors may read on the provider's pages.
    pub client_name: Option<String>,
    /// `post_logout_redirect_uris` (RP-Initiated Logout §3.1).
    pub post_logout_redirect_uris: Vec<String>,
    /// `backchannel_logout_uri` (Back-Channel Logout §2.2); `sid` is then asked for as well.
    pub backchannel_logout_uri: Option<String>,
}

impl ClientMetadata {
    fn to_object(&self, provider: &Provider) -> Object {
        let mut object = Object::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("redirect_uris", self.redirect_uris.iter().collect());
        put("application_type", self.redirect_uris.application_type().name().into());
        put("token_endpoint_auth_method", self.auth_method.name().into());
        put("response_types", json!(["code"]));
        // Discovery §3: without a list the provider has no refresh tokens to give, and may refuse who asks for them.
        let refreshes = provider.grant_types.iter().flatten().any(|grant| grant == "refresh_token");
        put(
            "grant_types",
            if refreshes { json!(["authorization_code", "refresh_token"]) } else { json!(["authorization_code"]) },
        );
        if let Some(name) = &self.client_name {
            put("client_name", name.as_str().into());
        }
        if !self.post_logout_redirect_uris.is_empty() {
            put("post_logout_redirect_uris", self.post_logout_redirect_uris.as_slice().into());
        }
        if let Some(uri) = &self.backchannel_logout_uri {
            put("backchannel_logout_uri", uri.as_str().into());
            put("backchannel_logout_session_required", true.into());
        }
        object
    }
}

/// Asks for a registration (RFC 7591 §3.1); `None` when the provider takes none.
pub fn request(
    provider: &Provider,
    client: &ClientMetadata,
    initial_access_token: Option<&Secret<String>>,
) -> Option<ProviderRequest> {
    let endpoint = provider.registration_endpoint.clone()?;
    let request = ProviderRequest::post_json(endpoint, client.to_object(provider));
    Some(match initial_access_token {
        Some(token) => request.header("Authorization", format!("Bearer {}", token.expose())),
        None => request,
    })
}

/// A client that the provider knows.
#[derive(Debug)]
pub struct Registration {
    /// `client_id`.
    pub client_id: ClientId,
    /// `client_secret`; a public client has none.
    pub client_secret: Option<ClientSecret>,
    /// `client_secret_expires_at`; `None`: never, or not said.
    pub secret_expires_at: Option<Timestamp>,
    /// How the registration is read, changed and ended, when it can be.
    pub access: Option<Access>,
    /// All other members, as the provider has them: it may have put its own values for ours (RFC 7591 §3.2.1).
    pub metadata: Object,
}

/// The client configuration endpoint and the key to it (RFC 7592 §1.2, §3).
#[derive(Clone, Debug)]
pub struct Access {
    /// `registration_client_uri`.
    pub uri: SecureUrl,
    /// `registration_access_token`.
    pub token: Secret<String>,
}

impl Registration {
    /// `token_endpoint_auth_method`, when the provider says it.
    pub fn auth_method(&self) -> Option<&str> {
        self.metadata.get("token_endpoint_auth_method")?.as_str()
    }
}

/// Text of the provider that a person may read: cut, and without anything that is not plainly visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printable(String);

impl Printable {
    /// At most `limit` characters of `text`; what is not a letter, a digit or printable ASCII becomes `?`.
    pub fn cut(text: &str, limit: usize) -> Self {
        let visible = |c: char| c.is_alphanumeric() || matches!(c, ' '..='~');
        Self(text.chars().take(limit).map(|c| if visible(c) { c } else { '?' }).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the provider says when it refuses (RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `error`, such as `invalid_redirect_uri`; 64 characters at most.
    pub code: Printable,
    /// `error_description`; 300 characters at most.
    pub description: Option<Printable>,
}

/// Why an answer is not a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationError {
    /// The provider refused, and said so.
    Refused(Refusal),
    /// A status that is neither success nor a refusal in words; a redirect is not followed.
    UnexpectedStatus(u16),
    /// Not a JSON object.
    NotJson(JsonError),
    /// This member is missing or of the wrong type.
    Malformed(&'static str),
    /// The answer is about another client (RFC 7592 §3).
    OtherClient,
}

impl fmt::Display for RegistrationError {
    /// The first two are Flask-OIDC's words, and its spelling.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Refusal { code, description: None }) => {
                write!(f, "Error occured during registration: {code}")
            }
            Self::Refused(Refusal { code, description: Some(description) }) => {
                write!(f, "Error occured during registration: {code} ({description})")
            }
            Self::UnexpectedStatus(status) => write!(f, "Error: the server returned HTTP {status}"),
            Self::NotJson(error) => error.fmt(f),
            Self::Malformed(member) => write!(f, "expected a registration, got one with a missing or bad {member}"),
            Self::OtherClient => f.write_str("expected our own registration, got another client's"),
        }
    }
}

impl core::error::Error for RegistrationError {}

/// Judges the answer (RFC 7591 §3.2) to a request for `asked`. Some providers say 200 where 201 is meant.
pub fn response(answer: &ProviderAnswer, asked: ClientAuthMethod) -> Result<Registration, RegistrationError> {
    match answer.status {
        200 | 201 => registration(&answer.body, asked.name(), None),
        _ => Err(refusal(answer)),
    }
}

// What the answer leaves out is as it was asked for or `known`.
fn registration(
    body: &[u8],
    auth_method: &str,
    known: Option<&Registration>,
) -> Result<Registration, RegistrationError> {
    let mut object = json::parse_object(body).map_err(RegistrationError::NotJson)?;
    // Flask-OIDC met providers that refuse with a status of success.
    if let Some(refusal) = refusal_in(&object) {
        return Err(RegistrationError::Refused(refusal));
    }
    let id = text(&object, "client_id")?.and_then(|id| ClientId::parse(&id));
    let client_id = id.ok_or(RegistrationError::Malformed("client_id"))?;
    if known.is_some_and(|known| known.client_id != client_id) {
        return Err(RegistrationError::OtherClient);
    }
    let is_public = text(&object, "token_endpoint_auth_method")?.as_deref().unwrap_or(auth_method) == "none";
    let client_secret = text(&object, "client_secret")?.filter(|secret| !secret.is_empty()).map(Secret::new);
    let client_secret = client_secret.or_else(|| known?.client_secret.clone()).filter(|_| !is_public);
    if client_secret.is_none() && !is_public {
        return Err(RegistrationError::Malformed("client_secret"));
    }
    let secret_expires_at = expiry(&object, known.and_then(|known| known.secret_expires_at))?;
    let access = access(&object, known.and_then(|known| known.access.as_ref()))?;
    object.retain(|name, _| !NOT_METADATA.contains(&name.as_str()));
    Ok(Registration { client_id, client_secret, secret_expires_at, access, metadata: object })
}

// What RFC 7592 §2.2 forbids in an update, and what we keep apart.
const NOT_METADATA: [&str; 6] = [
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

// RFC 7591 §3.2.1: seconds since the epoch, 0 for never.
fn expiry(object: &Object, known: Option<Timestamp>) -> Result<Option<Timestamp>, RegistrationError> {
    const NAME: &str = "client_secret_expires_at";
    match object.get(NAME) {
        None | Some(Value::Null) => Ok(known),
        Some(value) => {
            let seconds = value.as_i64().ok_or(RegistrationError::Malformed(NAME))?;
            Ok((seconds != 0).then_some(Timestamp::from_unix(seconds)))
        }
    }
}

// RFC 7592 §3: both or neither; a token may be a new one.
fn access(object: &Object, known: Option<&Access>) -> Result<Option<Access>, RegistrationError> {
    const TOKEN: &str = "registration_access_token";
    const URI: &str = "registration_client_uri";
    let token = text(object, TOKEN)?.map(Secret::new).or_else(|| Some(known?.token.clone()));
    let uri = url(object, URI).map_err(|_| RegistrationError::Malformed(URI))?.or_else(|| Some(known?.uri.clone()));
    let (Some(uri), Some(token)) = (uri, token) else { return Ok(None) };
    // It goes into a header.
    if is_bearer_token(token.expose()) {
        Ok(Some(Access { uri, token }))
    } else {
        Err(RegistrationError::Malformed(TOKEN))
    }
}

/// Whether `text` can stand in an `Authorization` header: visible ASCII, at least one character.
pub fn is_bearer_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn refusal(answer: &ProviderAnswer) -> RegistrationError {
    let unexpected = RegistrationError::UnexpectedStatus(answer.status);
    if !(400..500).contains(&answer.status) {
        return unexpected;
    }
    let refusal = json::parse_object(&answer.body).ok().and_then(|object| refusal_in(&object));
    refusal.map_or(unexpected, RegistrationError::Refused)
}

fn refusal_in(object: &Object) -> Option<Refusal> {
    let cut = |name: &str, limit| Some(Printable::cut(object.get(name)?.as_str()?, limit));
    Some(Refusal { code: cut("error", 64)?, description: cut("error_description", 300) })
}

fn text(object: &Object, name: &'static str) -> Result<Option<String>, RegistrationError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(RegistrationError::Malformed(name)),
    }
}

fn texts(object: &Object, name: &str) -> Option<Vec<String>> {
    let list = object.get(name)?.as_array()?;
    Some(list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

struct BadUrl;

fn url(object: &Object, name: &str) -> Result<Option<SecureUrl>, BadUrl> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = value.as_str().ok_or(BadUrl)?;
            SecureUrl::parse(text).map(Some).map_err(|_| BadUrl)
        }
    }
}

#[cfg(test)]
mod tests;
