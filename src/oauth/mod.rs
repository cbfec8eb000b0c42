//! OAuth 2.0: each step is a pair, a request to make and a response to judge. Pure; nothing here calls anyone.

pub mod access_token;
pub mod authorization;
pub mod bearer;
pub mod client_auth;
pub mod dpop;
pub mod exchange;
pub mod introspection;
pub mod pkce;
pub mod resource_metadata;
pub mod revocation;
pub mod step_up;
pub mod token;

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};

use crate::secret::{Secret, constant_time_eq};

/// How many random bytes make a value that nobody guesses: a state, a nonce, a code verifier.
pub const RANDOM_BYTES: usize = 32;

/// An unguessable value of 256 random bits, base64url: 43 characters of the unreserved set.
///
/// It serves as `state` (RFC 6749 §10.12), `nonce` (OIDC Core §15.5.2) and `code_verifier` (RFC 7636 §4.1).
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unguessable(String);

impl Unguessable {
    /// Encodes random bytes; the caller owns the randomness.
    pub fn from_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
        Self(Base64UrlUnpadded::encode_string(bytes))
    }

    /// The text that goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares with what came back, in constant time.
    pub fn equals(&self, untrusted: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), untrusted.as_bytes())
    }
}

impl fmt::Debug for Unguessable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the provider calls this relying party: `client_id` (RFC 6749 §2.2). Not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// A client id of at least one character.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text that goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The client's password at the token endpoint (RFC 6749 §2.3.1).
pub type ClientSecret = Secret<String>;

/// Scope tokens (RFC 6749 §3.3), in the order they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Takes scope tokens; `None` when one holds a character outside RFC 6749 §3.3.
    pub fn parse<'s>(tokens: impl IntoIterator<Item = &'s str>) -> Option<Self> {
        let is_scope_char = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let tokens: Vec<String> = tokens.into_iter().map(str::to_owned).collect();
        let good = tokens.iter().all(|token| !token.is_empty() && token.bytes().all(is_scope_char));
        good.then_some(Self(tokens))
    }

    /// Whether `scope` is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|token| token == scope)
    }

    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// An access token (RFC 6749 §1.4).
pub type AccessToken = Secret<String>;

/// A refresh token (RFC 6749 §1.5).
pub type RefreshToken = Secret<String>;
