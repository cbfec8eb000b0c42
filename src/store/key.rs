//! The names under which things stand in the store.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::session::{Session, SessionId};

/// The names under which a session may be ended; each a hash, so that the store names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreKey(String);

// What makes keys is ours; a store only asks what they are.
#[doc(hidden)]
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

    /// That there are sessions which belong to one session at the provider.
    pub fn of_known(issuer: &str, sid: &str) -> Self {
        Self::hashed("k", &[issuer.as_bytes(), sid.as_bytes()])
    }

    /// Of every session of a subject for which the provider has given no `sid`.
    pub fn of_unnamed(issuer: &str, subject: &str) -> Self {
        Self::hashed("n", &[issuer.as_bytes(), subject.as_bytes()])
    }

    /// Of one session on the list of its subject. Not the session's own, which would tell whose entry that is.
    pub fn of_member(id: &SessionId) -> Self {
        Self::hashed("m", &[id.as_bytes()])
    }

    /// Of a form that waits for its visitor.
    pub fn of_unsent(id: &SessionId) -> Self {
        Self::hashed("f", &[id.as_bytes()])
    }

    /// Of a logout token that has been seen.
    pub fn of_logout_token(issuer: &str, id: &str) -> Self {
        Self::hashed("j", &[issuer.as_bytes(), id.as_bytes()])
    }

    /// All names of a session.
    pub fn all_of(session: &Session, issuer: &str) -> Vec<Self> {
        let subject = session.identity.subject();
        let at_provider = match &session.provider_session {
            Some(sid) => Self::of_provider_session(issuer, sid),
            None => Self::of_unnamed(issuer, subject),
        };
        vec![Self::of_session(&session.id), Self::of_subject(issuer, subject), at_provider]
    }
}

impl StoreKey {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hashes_of_their_kind() {
        let id = SessionId::from_random([1; 32]);
        let session = StoreKey::of_session(&id);
        assert_eq!(session.as_str().len(), 2 + 43);
        assert!(!session.as_str().contains(&Base64UrlUnpadded::encode_string(&[1; 32])));
        assert_ne!(StoreKey::of_subject("a", "bc"), StoreKey::of_subject("ab", "c"));
        assert_ne!(StoreKey::of_subject("a", "b").as_str()[2..], StoreKey::of_provider_session("a", "b").as_str()[2..]);
        assert_ne!(StoreKey::of_member(&id).as_str()[2..], session.as_str()[2..]);
    }
}
