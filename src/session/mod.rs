//! What we remember of a visitor, and where: sealed in cookies, and sealed in the store.

pub mod cookies;
pub mod record;
pub mod seal;

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    json::Object,
    oauth::{AccessToken, RefreshToken, Unguessable, step_up::StepUp},
    secret::Secret,
    time::Timestamp,
    visitor::Identity,
    web::return_to::ReturnTo,
};

/// The name of a session: 256 random bits that stand nowhere but in the sealed cookie.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Until when the tokens vouch for it.
    pub validity: Validity,
    /// When it was last seen, for the idle timeout; not to the second.
    pub seen_at: Timestamp,
    /// When the store last said that it had not been ended, as far as the cookie knows.
    pub checked_at: Timestamp,
    /// `sid`: what the provider calls its own session (Front-Channel Logout §3).
    pub provider_session: Option<String>,
    /// The claims that rules and headers need.
    pub identity: Identity,
}

/// How long tokens vouch for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// From then on the session is refreshed or over.
    pub until: Timestamp,
    /// From then on it is worth asking for new tokens; `None` when there is nothing to ask with.
    pub refresh_at: Option<Timestamp>,
}

impl Validity {
    /// When something has to be done about the tokens. Of two, the one that is due later came of a later refresh.
    pub fn due(&self) -> Timestamp {
        self.refresh_at.unwrap_or(self.until)
    }
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
    /// What a Worker that is written around the library gets back with the visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<serde_json::Value>,
    /// What the sign-in must be like.
    #[serde(default, skip_serializing_if = "StepUp::asks_nothing")]
    pub step_up: StepUp,
}

/// A form that waits until its visitor has signed in again.
#[derive(Debug)]
pub struct Unsent {
    /// Who has sent it; nobody else may.
    pub subject: String,
    /// Where it was to go.
    pub target: ReturnTo,
    /// The `Content-Type` that it was sent with.
    pub content_type: String,
    /// What it says.
    pub body: Vec<u8>,
    /// Since when it waits.
    pub kept_at: Timestamp,
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
    /// How long they vouch for the session.
    pub validity: Validity,
}
