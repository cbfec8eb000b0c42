//! Everything that is known of a visitor, for the visitor and for code around the library.

use crate::{
    error::{Error, LogLine, ProviderError, StepError},
    flow::{Site, identify, refresh},
    host::Host,
    json::Object,
    oauth::AccessToken,
    oidc::userinfo,
    session::{Credentials, Session},
    store::{Store as _, StoreError, StoreKey},
};

/// Claims about the token rather than about the visitor.
const OF_THE_TOKEN: [&str; 11] =
    ["iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash"];

/// Every claim of the ID token and of userinfo, from the store; `None` when it has none to give. Never a token.
pub async fn all(site: &Site, host: &impl Host, cookies: &str) -> Option<Object> {
    let session = identify::last_session(site, cookies)?;
    let mut claims = credentials(site, host, &session).await.ok()??.claims;
    claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
    Some(claims)
}

/// The tokens and claims of a session. `None` proves nothing: they may be on their way.
///
/// # Errors
///
/// [`Error::StoreUnavailable`].
pub async fn credentials(site: &Site, host: &impl Host, session: &Session) -> Result<Option<Credentials>, Error> {
    let entry = host.store().load(&StoreKey::of_session(&session.id)).await.map_err(|StoreError| {
        host.log(&LogLine::event("store.load_failed"));
        Error::StoreUnavailable
    })?;
    Ok(refresh::newest(site, session, entry.as_deref()))
}

/// What userinfo says to this access token (OIDC Core §5.3), whosever it is. A provider without the endpoint says nothing.
///
/// # Errors
///
/// [`Error::Provider`].
pub async fn by_token(site: &Site, host: &impl Host, token: &AccessToken) -> Result<Object, Error> {
    let failed = |error| Error::from(ProviderError::Userinfo(error));
    let metadata = site.provider_cache.metadata(host, site.provider()?).await?;
    let Some(endpoint) = metadata.userinfo_endpoint.clone() else { return Ok(Object::new()) };
    let answer = host.call(userinfo::request(endpoint, token)).await.map_err(|error| failed(StepError::Call(error)))?;
    userinfo::claims(&answer).map_err(|error| failed(StepError::Answer(error)))
}
