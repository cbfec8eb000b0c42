//! What we remember of a visitor, and where: sealed in cookies, and sealed in the store.

pub mod cookies;
pub mod record;
pub mod seal;

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize;

use crate::{
    json::Object,
    oauth::{AccessToken, RefreshToken, Unguessable},
    secret::Secret,
    time::Timestamp,
    visitor::Identity,
    web::return_to::ReturnTo,
};

/// The name of a session: 256 random bits that stand nowhere but in the sealed cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; Self::BYTES]);

impl SessionId {
    /// Its length in bytes.
    pub const BYTES: usize = 32;

    /// From random bytes; the caller owns the randomness.
    pub const fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for sealing.
    pub(crate) const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Under which key the store holds the session's credentials: a hash, so that the store alone names no session.
    pub fn store_key(&self) -> String {
        let hash = Sha256::new().chain_update(b"edge-oidc/store/v1\0").chain_update(self.0).finalize();
        format!("s:{}", Base64UrlUnpadded::encode_string(&hash))
    }
}

impl Drop for SessionId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId([redacted])")
    }
}

/// A signed-in visitor, as the cookie tells; it alone answers the next request.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// When the visitor signed in.
    pub signed_in_at: Timestamp,
    /// When it is over, whatever happens.
    pub ends_at: Timestamp,
    /// When it was last seen, for the idle timeout.
    pub seen_at: Timestamp,
    /// The claims that rules and headers need.
    pub identity: Identity,
}

/// A sign-in under way: what the login cookie holds while the visitor is at the provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Sent as `state`.
    pub state: Unguessable,
    /// Sent as `nonce`.
    pub nonce: Unguessable,
    /// Proves that the code is ours.
    pub code_verifier: Unguessable,
    /// Sent as `redirect_uri`; the token endpoint wants the same again.
    pub redirect_uri: String,
    /// Where the visitor goes afterwards.
    pub return_to: ReturnTo,
    /// When it began.
    pub started_at: Timestamp,
}

/// What the store keeps of a session: the tokens and all claims.
#[derive(Debug)]
pub struct Credentials {
    /// For the provider's APIs.
    pub access_token: AccessToken,
    /// When the access token ends, if the provider said so.
    pub access_token_expires_at: Option<Timestamp>,
    /// For new tokens.
    pub refresh_token: Option<RefreshToken>,
    /// The hint for signing out at the provider.
    pub id_token: Secret<String>,
    /// Every claim of the ID token and of userinfo.
    pub claims: Object,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_key_is_a_hash() {
        let key = SessionId::from_random([1; 32]).store_key();
        assert_eq!(key.len(), 2 + 43);
        assert!(!key.contains(&Base64UrlUnpadded::encode_string(&[1; 32])));
        assert_ne!(key, SessionId::from_random([2; 32]).store_key());
    }
}
