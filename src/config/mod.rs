//! The settings, parsed once: what comes out of [`Config::parse`] needs no further check.

mod assertion;
mod client_secrets;
mod errors;
mod headers;
mod log;
mod names;
mod parse;
mod places;
mod provider;
mod reader;
mod rules;
mod session;
pub mod settings;
mod tokens;
mod value;

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    jose::SigningKey,
    json::Object,
    oauth::{
        Scopes,
        authorization::ResponseMode,
        bearer::Location,
        client_auth::{Client, ClientAuthMethod},
        introspection::IntrospectionAuth,
    },
    oidc::{
        IssuerUrl,
        discovery::{Endpoints, Metadata},
    },
    policy::{Access, Rule},
    secret::Secret,
    time::Leeway,
    web::{cookie::CookieScope, path::RequestUrl, secure_url::SecureUrl},
};

pub use errors::{ConfigError, ConfigErrors};

/// Everything an operator can say.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is said for itself")]
pub struct Config {
    /// Who signs visitors in; one entry for now, several later. Empty only when nobody is to sign in.
    pub providers: Vec<ProviderSettings>,
    /// `OIDC_SECRET_KEY`: the first seals, all open. Empty only when nobody is to sign in.
    pub secret_keys: Vec<Secret<String>>,
    /// The session cookie.
    pub cookie: CookieSettings,
    /// How long a session lasts.
    pub session: SessionSettings,
    /// Where the credentials are kept.
    pub store: StoreKind,
    /// Where admitted requests go.
    pub origin: OriginSettings,
    /// `OIDC_PUBLIC_URL`: scheme, host and port that visitors use; `None`: those of the request.
    pub public_origin: Option<String>,
    /// The paths that are ours.
    pub routes: Routes,
    /// `OIDC_POST_LOGOUT_REDIRECT_URI`.
    pub post_logout: PostLogout,
    /// `OIDC_OVERWRITE_REDIRECT_URI`: used verbatim.
    pub redirect_uri: Option<SecureUrl>,
    /// `OIDC_RULES`, in order, then one that asks everybody to sign in.
    pub rules: Vec<Rule>,
    /// Whether the last of them is ours.
    pub last_is_ours: bool,
    /// Whether code around the library decides where they say nothing, and may ask for access tokens anywhere.
    pub decided_by_code: bool,
    /// `OIDC_HEADERS`: claim and the header it goes into.
    pub headers: Vec<HeaderMapping>,
    /// `OIDC_ASSERTION`: what is signed for the origin.
    pub assertion: Option<AssertionSettings>,
    /// `OIDC_PASS_ACCESS_TOKEN`: whether the origin gets the token of the session, or the one that a caller brought.
    pub pass_access_token: bool,
    /// `OIDC_LOG`.
    pub log: LogSettings,
    /// How access tokens are found, checked and passed on, where a rule takes them.
    pub tokens: TokenSettings,
    /// `OIDC_RESOURCE_SERVER_ONLY`: nobody signs in here.
    pub resource_server_only: bool,
    /// `OIDC_ENABLED=false`: the claims that everybody has, on loopback hosts only.
    pub testing_profile: Option<Object>,
}

impl Config {
    /// The same settings for code that decides by itself where no rule of the operator's says anything.
    #[must_use]
    pub fn deciding_by_code(mut self) -> Self {
        self.decided_by_code = true;
        if let (true, Some(last)) = (self.last_is_ours, self.rules.last_mut()) {
            // Where nobody signs in, no cookie tells who somebody is.
            last.access = if self.resource_server_only { Access::Public } else { Access::Optional };
        }
        self
    }

    /// Scheme, host and port that visitors use. Never from a header that a client could send.
    pub fn public_origin(&self, url: &RequestUrl<'_>) -> String {
        self.public_origin.clone().unwrap_or_else(|| url.origin().to_ascii_lowercase())
    }
}

/// `OIDC_LOG`: what is logged besides refusals and changes of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogSettings {
    /// The share of the requests that go to the origin.
    pub admitted: f64,
    /// Whether lines name the visitor's e-mail address.
    pub email: bool,
}

/// `OIDC_ASSERTION` and `OIDC_ASSERTION_KEY`.
#[derive(Debug)]
pub struct AssertionSettings {
    /// The header that carries the assertion.
    pub header: String,
    /// How long a signature counts.
    pub ttl: Duration,
    /// Whom the assertion is for; `None`: the origin's URL.
    pub audience: Option<String>,
    /// Whether whole requests are signed as well (RFC 9421).
    pub signs_messages: bool,
    /// The first signs and has its private part, all are published. Never empty.
    pub keys: Vec<SigningKey>,
}

/// A provider and how to be its client.
#[derive(Debug)]
pub struct ProviderSettings {
    /// Whom to discover and believe.
    pub issuer: IssuerUrl,
    /// Who we are there.
    pub client: Client,
    /// `OIDC_TOKEN_ENDPOINT_AUTH_METHOD`; `None`: by what the provider lists.
    pub auth_method: Option<ClientAuthMethod>,
    /// Endpoints that win over discovery.
    pub endpoints: Endpoints,
    /// `OIDC_SCOPES`; `openid` among them.
    pub scopes: Scopes,
    /// `OIDC_VALID_ISSUERS`, or the issuer alone.
    pub valid_issuers: Vec<String>,
    /// `OIDC_CLOCK_SKEW`.
    pub leeway: Leeway,
    /// `OIDC_GOOGLE_APPS_DOMAIN`.
    pub hosted_domain: Option<String>,
    /// `OIDC_OPENID_REALM`.
    pub realm: Option<String>,
    /// `OIDC_EXTRA_REQUEST_AUTH_PARAMS`.
    pub extra_parameters: Vec<(String, String)>,
    /// `OIDC_RESPONSE_MODE`.
    pub response_mode: ResponseMode,
    /// `OIDC_REQUIRE_VERIFIED_EMAIL`.
    pub require_verified_email: bool,
    /// `OIDC_USER_INFO_ENABLED`.
    pub userinfo: bool,
}

impl ProviderSettings {
    /// How to prove ourselves at the provider's endpoints.
    pub fn auth_method(&self, metadata: &Metadata) -> ClientAuthMethod {
        let automatic = || ClientAuthMethod::automatic(&self.client, metadata.token_auth_methods.as_deref());
        self.auth_method.unwrap_or_else(automatic)
    }
}

/// `OIDC_ID_TOKEN_COOKIE_*`, `OIDC_COOKIE_SECURE`.
#[derive(Debug)]
pub struct CookieSettings {
    /// The name with its prefix: `__Host-oidc_id_token`.
    pub name: String,
    /// Path and `Secure`.
    pub scope: CookieScope,
    /// Whether cookies go over https only. When not, only loopback hosts are served.
    pub secure: bool,
}

/// How long a session lasts.
#[derive(Debug)]
pub struct SessionSettings {
    /// `OIDC_ID_TOKEN_COOKIE_TTL`: from sign-in, whatever happens.
    pub ttl: Duration,
    /// `OIDC_SESSION_IDLE_TTL`: from the last request.
    pub idle_ttl: Option<Duration>,
    /// `OIDC_SESSION_CHECK_INTERVAL`.
    pub check_interval: Duration,
    /// `OIDC_STORE_OUTAGE_GRACE`.
    pub outage_grace: Duration,
    /// `OIDC_SESSION_EXPIRY`.
    pub expiry: SessionExpiry,
}

/// `OIDC_SESSION_EXPIRY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionExpiry {
    /// Over with the ID token, unless refreshed.
    IdToken,
    /// Over with the cookie's own lifetime.
    Cookie,
}

/// `OIDC_CREDENTIALS_STORE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Workers KV, binding `OIDC_CREDENTIALS`.
    Kv,
    /// Durable Objects of the class `SessionVault`, binding `OIDC_SESSIONS`.
    Durable,
    /// The isolate's own memory: for tests.
    Memory,
}

/// Where admitted requests go.
#[derive(Debug)]
pub enum OriginSettings {
    /// The service binding `ORIGIN`.
    Binding,
    /// `OIDC_ORIGIN`, written without a slash at its end; the request's path is appended.
    Url(SecureUrl),
    /// The request's own URL: the origin behind the Worker's route.
    SameUrl,
}

/// The paths that are ours, under the cookie's path.
#[derive(Debug)]
pub struct Routes {
    /// `OIDC_CALLBACK_ROUTE`.
    pub callback: String,
    /// `OIDC_LOGOUT_ROUTE`.
    pub logout: String,
    /// What stands before `oidc_login` and the others: `/`, or `/app/`.
    pub base: String,
}

/// `OIDC_POST_LOGOUT_REDIRECT_URI`.
#[derive(Debug)]
pub enum PostLogout {
    /// A path of this site; `/oidc_signed_out` unless said otherwise.
    Path(String),
    /// Somewhere else.
    Url(SecureUrl),
}

/// One entry of `OIDC_HEADERS`.
#[derive(Debug)]
pub struct HeaderMapping {
    /// The claim.
    pub claim: crate::claim_path::ClaimPath,
    /// The header.
    pub header: String,
}

/// How access tokens are found, checked and passed on.
#[derive(Debug)]
pub struct TokenSettings {
    /// `OIDC_BEARER_LOCATIONS`.
    pub locations: Vec<Location>,
    /// `OIDC_ACCESS_TOKENS`.
    pub check: TokenCheck,
    /// `OIDC_AUDIENCE`; or else, with `OIDC_RESOURCE_CHECK_AUD`, the client id.
    pub audience: Vec<String>,
    /// `OIDC_RESOURCE_CHECK_AUD`.
    pub audience_required: bool,
    /// `OIDC_INTROSPECTION_AUTH_METHOD`; `None` for one that the endpoint takes.
    pub auth: Option<IntrospectionAuth>,
    /// `OIDC_TOKEN_TYPE_HINT`.
    pub hint: Option<String>,
    /// `OIDC_INTROSPECTION_CACHE_TTL`.
    pub cache_ttl: Duration,
    /// `OIDC_INTROSPECTION_CACHE`: whether the location's cache is used beside the isolate's own memory.
    pub cached_in_location: bool,
    /// `OIDC_PASS_TOKEN_INFO`.
    pub pass_info: bool,
}

/// `OIDC_ACCESS_TOKENS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCheck {
    /// The provider is asked about each.
    Introspection,
    /// Each is a JWT, verified by the provider's keys.
    Jwt,
    /// Introspection when the provider has it, else JWT.
    Auto,
}

/// Which bindings the Worker was given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bindings {
    /// `OIDC_CREDENTIALS`.
    pub kv: bool,
    /// `OIDC_SESSIONS`.
    pub durable: bool,
    /// `ORIGIN`.
    pub origin: bool,
}

/// The Worker's variables by name, typed as they came.
pub type Variables = BTreeMap<String, serde_json::Value>;

#[cfg(test)]
mod tests;
