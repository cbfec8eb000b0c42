//! What stands in the store: sealed credentials, and marks that end sessions.
//!
//! With a store that agrees slowly, absence proves nothing. Only a mark ends a session.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::{Session, SessionId};
use crate::time::Timestamp;

/// The first byte of a mark; a sealed entry begins with its version, which is never 0.
const MARK: u8 = 0;

/// The names under which a session may be ended; each a hash, so that the store names nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKey(String);

impl StoreKey {
    /// Of one session; its credentials stand there too.
    pub fn of_session(id: &SessionId) -> Self {
        Self::hashed("s", &[id.as_bytes()])
    }

    /// Of every session of a subject.
    pub fn of_subject(issuer: &str, subject: &str) -> Self {
        Self::hashed("u", &[issuer.as_bytes(), subject.as_bytes()])
    }

    /// Of every session that belongs to one session at the provider.
    pub fn of_provider_session(issuer: &str, sid: &str) -> Self {
        Self::hashed("p", &[issuer.as_bytes(), sid.as_bytes()])
    }

    /// Of a logout token that has been seen.
    pub fn of_logout_token(issuer: &str, id: &str) -> Self {
        Self::hashed("j", &[issuer.as_bytes(), id.as_bytes()])
    }

    /// All names of a session.
    pub fn all_of(session: &Session, issuer: &str) -> Vec<Self> {
        let mut keys = vec![Self::of_session(&session.id), Self::of_subject(issuer, session.identity.subject())];
        keys.extend(session.provider_session.as_deref().map(|sid| Self::of_provider_session(issuer, sid)));
        keys
    }

    /// The text that the store knows.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hashed(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"edge-oidc/store/v1\0");
        hash.update(kind);
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(format!("{kind}:{}", Base64UrlUnpadded::encode_string(&hash.finalize())))
    }
}

/// A mark that ends every session of its key that was signed in at `moment` or before.
pub fn mark(moment: Timestamp) -> Vec<u8> {
    let mut value = vec![MARK];
    value.extend_from_slice(&moment.as_unix().to_be_bytes());
    value
}

/// Whether a stored value is a mark that ends a session of that age. What can't be read as one is none.
pub fn ends(value: &[u8], signed_in_at: Timestamp) -> bool {
    let Some((&MARK, moment)) = value.split_first() else { return false };
    let moment: Result<[u8; 8], _> = moment.try_into();
    moment.is_ok_and(|moment| signed_in_at <= Timestamp::from_unix(i64::from_be_bytes(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hashes_of_their_kind() {
        let session = StoreKey::of_session(&SessionId::from_random([1; 32]));
        assert_eq!(session.as_str().len(), 2 + 43);
        assert!(!session.as_str().contains(&Base64UrlUnpadded::encode_string(&[1; 32])));
        assert_ne!(StoreKey::of_subject("a", "bc"), StoreKey::of_subject("ab", "c"));
        assert_ne!(StoreKey::of_subject("a", "b").as_str()[2..], StoreKey::of_provider_session("a", "b").as_str()[2..]);
    }

    #[test]
    fn marks_end_what_is_older() {
        let at = Timestamp::from_unix;
        let value = mark(at(10));
        assert!(ends(&value, at(9)));
        assert!(ends(&value, at(10)));
        assert!(!ends(&value, at(11)));
        for junk in [&[][..], &[0], &[0, 1], &[1, 0, 0, 0, 0, 0, 0, 0, 99]] {
            assert!(!ends(junk, at(0)));
        }
    }
}
