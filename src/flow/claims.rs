//! Everything that is known of a visitor, for the visitor.

use crate::{
    flow::{Site, identify},
    host::Host,
    json::Object,
    session::record::decode_credentials,
    store::{Store as _, StoreKey},
};

/// Claims about the token rather than about the visitor.
const OF_THE_TOKEN: [&str; 11] =
    ["iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash"];

/// Every claim of the ID token and of userinfo, from the store; `None` when it has none to give. Never a token.
pub async fn all(site: &Site, host: &impl Host, cookies: &str) -> Option<Object> {
    let session = identify::last_session(site, cookies)?;
    let entry = host.store().load(&StoreKey::of_session(&session.id)).await.ok()??;
    let opened = site.ring.open_entry(&session.id, &entry).ok()?;
    let mut claims = decode_credentials(&opened.plain).ok()?.claims;
    claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
    Some(claims)
}
