//! The flows: what happens between a request and its answer when others have to be asked. Only flows await.

pub mod access;
pub mod access_token;
pub mod account;
pub mod assertion;
pub mod bearer;
pub mod claims;
pub mod ended;
pub mod identify;
pub mod live;
mod location;
pub mod members;
pub mod opened;
pub mod possession;
pub mod provider;
pub mod provider_logout;
pub mod refresh;
pub mod replay;
pub mod sign_in;
pub mod sign_out;
pub mod standing;
pub mod token_cache;
pub mod tries;
pub mod unsaved;
pub mod unsent;

use crate::{
    config::{Config, ProviderSettings},
    error::{Error, LogLine},
    host::{Host, random},
    origin::IdentityHeaders,
    session::{
        cookies::CookieNames,
        seal::{KeyRing, NONCE_BYTES, Purpose},
    },
    visitor::Identity,
    web::{
        path::RequestUrl,
        request::{CALLER, IncomingRequest},
    },
};

/// The longest form that is read, in bytes.
pub(crate) const MAX_FORM_BYTES: usize = 64 * 1024;
/// More used states are never remembered.
const MAX_STATES: usize = 1024;
/// More used proofs are never remembered.
const MAX_PROOFS: usize = 8192;

/// The settings and what follows from them; made once, kept as long as the isolate lives.
#[derive(Debug)]
pub struct Site {
    /// The settings.
    pub config: Config,
    /// What seals and opens.
    pub ring: KeyRing,
    /// The names of our cookies.
    pub cookie_names: CookieNames,
    /// The headers that only we may send to the origin.
    pub identity_headers: IdentityHeaders,
    /// What we know of the provider.
    pub provider_cache: provider::ProviderCache,
    /// What is known of the standing of sessions.
    pub standings: standing::Standings,
    /// What has been ended here.
    pub ended: ended::Ended,
    /// The access tokens that are at hand for the origin.
    pub access_tokens: access::AccessTokens,
    /// Tokens that the store did not take.
    pub unsaved: unsaved::Unsaved,
    /// When sessions were last tried to be renewed.
    pub attempts: refresh::Attempts,
    /// The sessions whose cookies have lately been opened.
    pub opened: opened::Opened,
    /// The states that have been used.
    pub used_states: replay::Used,
    /// The proofs of possession that have been used.
    pub used_proofs: replay::Used,
    /// What is known of access tokens.
    pub known_tokens: token_cache::TokenCache,
}

impl Site {
    /// Derives everything that the settings determine.
    pub fn new(config: Config) -> Self {
        let provider = config.providers.first();
        let issuer = provider.map_or("", |provider| provider.issuer.as_str());
        let client_id = provider.map_or("", |provider| provider.client.id.as_str());
        let ours = config.headers.iter().map(|mapping| mapping.header.as_str());
        let ours = ours.chain(config.assertion.iter().map(|assertion| assertion.header.as_str()));
        Self {
            ring: KeyRing::new(&config.secret_keys, issuer, client_id),
            cookie_names: CookieNames::new(config.cookie.name.clone(), &config.cookie.scope),
            identity_headers: IdentityHeaders::new(ours, &config.rules),
            provider_cache: provider::ProviderCache::default(),
            standings: standing::Standings::default(),
            ended: ended::Ended::default(),
            access_tokens: access::AccessTokens::default(),
            unsaved: unsaved::Unsaved::default(),
            attempts: refresh::Attempts::default(),
            opened: opened::Opened::default(),
            used_states: replay::Used::of(MAX_STATES),
            used_proofs: replay::Used::of(MAX_PROOFS),
            known_tokens: token_cache::TokenCache::default(),
            config,
        }
    }

    /// The provider that signs visitors in.
    pub(crate) fn provider(&self) -> Result<&ProviderSettings, Error> {
        self.config.providers.first().ok_or(Error::Internal)
    }

    /// The issuer that sessions belong to.
    pub(crate) fn issuer(&self) -> &str {
        self.config.providers.first().map_or("", |provider| provider.issuer.as_str())
    }

    /// Scheme, host and port that visitors use. Never from a header that a client could send.
    pub fn public_origin(&self, url: &RequestUrl<'_>) -> String {
        self.config.public_origin(url)
    }

    /// The path of one of our own pages.
    pub fn own_path(&self, name: &str) -> String {
        format!("{}{name}", self.config.routes.base)
    }

    /// A line of the log about a visitor: a pseudonym, and the address only if the operator wants it.
    pub(crate) fn about(&self, line: LogLine, whom: &Identity) -> LogLine {
        let email = || whom.claims().get("email")?.as_str().map(str::to_owned);
        let email = self.config.log.email.then(email).flatten();
        LogLine { subject: self.ring.pseudonym(whom.subject()), email, ..line }
    }

    /// Something of this visitor was not stored.
    pub(crate) fn tell_unsaved(&self, host: &impl Host, whom: &Identity) {
        host.log(&self.about(LogLine::event("store.save_failed"), whom));
    }

    /// Seals a value for a cookie or a URL.
    pub(crate) fn seal(&self, host: &impl Host, purpose: Purpose, plain: &[u8]) -> Result<String, Error> {
        let nonce = random::<NONCE_BYTES>(host)?;
        self.ring.seal(purpose, nonce, plain).ok_or(Error::Internal)
    }
}

/// Whether this caller may cause one more piece of work, by the address that the platform saw: a caller can't choose it.
pub(crate) async fn check_rate(host: &impl Host, request: &impl IncomingRequest) -> Result<(), Error> {
    let caller = request.header(CALLER).unwrap_or_default();
    if host.allows(&caller).await { Ok(()) } else { Err(Error::TooManyRequests) }
}
