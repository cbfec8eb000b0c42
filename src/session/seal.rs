//! Sealing: AES-256-GCM under keys that HKDF derives from `OIDC_SECRET_KEY` for one purpose, issuer and client each.

use core::fmt;

use aes_gcm::{Aes256Gcm, Key, KeyInit as _, Nonce, aead::AeadInPlace as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SessionId;
use crate::secret::Secret;

/// Random bytes that every seal needs.
pub const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// 72 bits: enough to tell a site's visitors apart.
const PSEUDONYM_BYTES: usize = 9;
/// The first byte of everything sealed; another one is another format.
const VERSION: u8 = 1;

/// What a sealed value is for. One purpose's value opens as no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The session cookie.
    Session,
    /// The login cookie.
    SignIn,
    /// The `state` of a sign-out.
    SignOut,
    /// How often a sign-in has not lasted.
    Tries,
    /// A session on the list of its subject.
    Member,
    /// A nonce for proofs of possession (RFC 9449 §9).
    ProofNonce,
    /// The name of a form that waits for a sign-in.
    Unsent,
}

impl Purpose {
    const ALL: [Self; 7] =
        [Self::Session, Self::SignIn, Self::SignOut, Self::Tries, Self::Member, Self::ProofNonce, Self::Unsent];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Session => b"session",
            Self::SignIn => b"sign-in",
            Self::SignOut => b"sign-out",
            Self::Tries => b"tries",
            Self::Member => b"member",
            Self::ProofNonce => b"proof-nonce",
            Self::Unsent => b"unsent",
        }
    }
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// Not base64url, or too short.
    Malformed,
    /// Another version than this one knows.
    UnknownVersion,
    /// Altered, for another purpose, from another deployment, or under a key that is gone.
    WrongKey,
    /// What was sealed is not a record of this version.
    BadRecord,
}

/// What was sealed, and whether the newest key had done it.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// What was sealed.
    pub plain: Zeroizing<Vec<u8>>,
    /// When not, it is worth sealing again.
    pub by_newest_key: bool,
}

/// The keys that `OIDC_SECRET_KEY` gives: the first seals, all open.
pub struct KeyRing {
    /// Never empty: the newest first.
    keys: Vec<RingKey>,
    context: Vec<u8>,
}

struct RingKey {
    secret: Hkdf<Sha256>,
    ciphers: [Aes256Gcm; Purpose::ALL.len()],
}

impl KeyRing {
    /// Derives the keys for one client of one issuer: the same secret in another deployment opens nothing here.
    pub fn new(secrets: &[Secret<String>], issuer: &str, client_id: &str) -> Self {
        let context = [framed(issuer.as_bytes()), framed(client_id.as_bytes())].concat();
        let keys = secrets.iter().map(|secret| RingKey::new(secret, &context)).collect();
        Self { keys, context }
    }

    /// Seals with the newest key. `None` when there is no key at all.
    pub fn seal(&self, purpose: Purpose, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Option<String> {
        let sealed = encrypt(self.keys.first()?.cipher(purpose), nonce, purpose.label(), plain)?;
        Some(Base64UrlUnpadded::encode_string(&sealed))
    }

    /// Opens what any key of the ring sealed for this purpose.
    pub fn open(&self, purpose: Purpose, sealed: &str) -> Result<Opened, SealError> {
        let sealed = Base64UrlUnpadded::decode_vec(sealed).map_err(|_| SealError::Malformed)?;
        let ciphers = self.keys.iter().map(|key| key.cipher(purpose));
        open_with(ciphers, purpose.label(), &sealed)
    }

    /// Seals a store entry: under a key that needs the session id too, which only the cookie holds.
    pub fn seal_entry(&self, id: &SessionId, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Option<Vec<u8>> {
        encrypt(&self.entry_cipher(self.keys.first()?, id), nonce, b"entry", plain)
    }

    /// Opens a store entry.
    pub fn open_entry(&self, id: &SessionId, sealed: &[u8]) -> Result<Opened, SealError> {
        let ciphers: Vec<Aes256Gcm> = self.keys.iter().map(|key| self.entry_cipher(key, id)).collect();
        open_with(ciphers.iter(), b"entry", sealed)
    }

    /// A name for a subject that only the holder of the newest key can tie to it, and that stays the same as long as the
    /// key does.
    pub fn pseudonym(&self, subject: &str) -> Option<String> {
        let mut bytes = [0; PSEUDONYM_BYTES];
        let info = [b"edge-oidc/pseudonym/v1", self.context.as_slice(), subject.as_bytes()];
        self.keys.first()?.secret.expand_multi_info(&info, &mut bytes).ok()?;
        Some(Base64UrlUnpadded::encode_string(&bytes))
    }

    fn entry_cipher(&self, key: &RingKey, id: &SessionId) -> Aes256Gcm {
        let session = framed(id.as_bytes());
        cipher(&key.secret, &[b"edge-oidc/entry/v1", self.context.as_slice(), session.as_slice()])
    }
}

impl RingKey {
    fn new(secret: &Secret<String>, context: &[u8]) -> Self {
        // RFC 5869 §3.1: a fixed, public salt is fine; it separates us from other users of the same secret.
        let extracted = Hkdf::<Sha256>::new(Some(b"edge-oidc/v1"), secret.expose().as_bytes());
        let ciphers = Purpose::ALL
            .map(|purpose| cipher(&extracted, &[b"edge-oidc/cookie/v1", framed(purpose.label()).as_slice(), context]));
        Self { secret: extracted, ciphers }
    }

    fn cipher(&self, purpose: Purpose) -> &Aes256Gcm {
        let [session, sign_in, sign_out, tries, member, proof_nonce, unsent] = &self.ciphers;
        match purpose {
            Purpose::Session => session,
            Purpose::SignIn => sign_in,
            Purpose::SignOut => sign_out,
            Purpose::Tries => tries,
            Purpose::Member => member,
            Purpose::ProofNonce => proof_nonce,
            Purpose::Unsent => unsent,
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing([{} redacted])", self.keys.len())
    }
}

// A length before each part: no two lists of parts give the same bytes.
fn framed(part: &[u8]) -> Vec<u8> {
    let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
    [&length.to_be_bytes(), part].concat()
}

fn cipher(extracted: &Hkdf<Sha256>, info: &[&[u8]]) -> Aes256Gcm {
    let mut key = Zeroizing::new([0; 32]);
    // It fails for more than 255 times 32 bytes (RFC 5869 §2.3), never for 32.
    let expanded = extracted.expand_multi_info(info, key.as_mut());
    debug_assert!(expanded.is_ok());
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key.as_ref()))
}

// version, nonce, ciphertext, tag; the version and the label are authenticated with it.
fn encrypt(cipher: &Aes256Gcm, nonce: [u8; NONCE_BYTES], label: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + plain.len() + TAG_BYTES);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let (_, body) = sealed.split_at_mut_checked(1 + NONCE_BYTES)?;
    let tag = cipher.encrypt_in_place_detached(&Nonce::from(nonce), &associated(label), body).ok()?;
    sealed.extend_from_slice(&tag);
    Some(sealed)
}

fn open_with<'c>(
    ciphers: impl Iterator<Item = &'c Aes256Gcm>,
    label: &[u8],
    sealed: &[u8],
) -> Result<Opened, SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Malformed)?;
    if *version != VERSION {
        return Err(SealError::UnknownVersion);
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Malformed)?;
    let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(SealError::Malformed)?;
    for (age, cipher) in ciphers.enumerate() {
        let mut plain = Zeroizing::new(body.to_vec());
        let opened = cipher.decrypt_in_place_detached(
            &Nonce::from(*nonce),
            &associated(label),
            plain.as_mut_slice(),
            &(*tag).into(),
        );
        if opened.is_ok() {
            return Ok(Opened { plain, by_newest_key: age == 0 });
        }
    }
    Err(SealError::WrongKey)
}

fn associated(label: &[u8]) -> Vec<u8> {
    [&[VERSION], label].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [3; NONCE_BYTES];

    fn ring(secrets: &[&str], issuer: &str, client_id: &str) -> KeyRing {
        let secrets: Vec<_> = secrets.iter().map(|&text| Secret::new(text.to_owned())).collect();
        KeyRing::new(&secrets, issuer, client_id)
    }

    #[test]
    fn a_pseudonym_is_of_one_subject_key_and_client() {
        let name = |secret, client, subject| ring(&[secret], "https://idp.example", client).pseudonym(subject).unwrap();
        let alice = name("one", "me", "alice");
        assert_eq!((alice.len(), &alice), (12, &name("one", "me", "alice")));
        for other in [name("two", "me", "alice"), name("one", "you", "alice"), name("one", "me", "bob")] {
            assert_ne!(alice, other);
        }
        let rotated = ring(&["two", "one"], "https://idp.example", "me").pseudonym("alice");
        assert_eq!(rotated, Some(name("two", "me", "alice")), "of the newest key");
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let ours = ring(&["one"], "https://idp.example", "me");
        let sealed = ours.seal(Purpose::Session, NONCE, b"hello").unwrap();
        assert_eq!(ours.open(Purpose::Session, &sealed).unwrap().plain.as_slice(), b"hello");
        for (ring, purpose) in [
            (&ours, Purpose::SignIn),
            (&ring(&["two"], "https://idp.example", "me"), Purpose::Session),
            (&ring(&["one"], "https://idp.example/", "me"), Purpose::Session),
            (&ring(&["one"], "https://idp.example", "you"), Purpose::Session),
            (&ring(&["one"], "https://idp.examplem", "e"), Purpose::Session),
        ] {
            assert_eq!(ring.open(purpose, &sealed), Err(SealError::WrongKey));
        }
    }

    #[test]
    fn rotation_opens_the_old_and_seals_with_the_new() {
        let sealed = ring(&["old"], "i", "c").seal(Purpose::Session, NONCE, b"x").unwrap();
        let rotated = ring(&["new", "old"], "i", "c");
        assert!(!rotated.open(Purpose::Session, &sealed).unwrap().by_newest_key);
        let resealed = rotated.seal(Purpose::Session, NONCE, b"x").unwrap();
        assert!(rotated.open(Purpose::Session, &resealed).unwrap().by_newest_key);
        assert!(ring(&["new"], "i", "c").open(Purpose::Session, &resealed).is_ok());
        assert_eq!(ring(&["new"], "i", "c").open(Purpose::Session, &sealed), Err(SealError::WrongKey));
        assert!(ring(&[], "i", "c").seal(Purpose::Session, NONCE, b"x").is_none());
    }

    #[test]
    fn an_entry_needs_the_session_id() {
        let ring = ring(&["one"], "i", "c");
        let (mine, other) = (SessionId::from_random([1; 32]), SessionId::from_random([2; 32]));
        let sealed = ring.seal_entry(&mine, NONCE, b"tokens").unwrap();
        assert_eq!(ring.open_entry(&mine, &sealed).unwrap().plain.as_slice(), b"tokens");
        assert_eq!(ring.open_entry(&other, &sealed), Err(SealError::WrongKey));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let ring = ring(&["one"], "i", "c");
        let id = SessionId::from_random([1; 32]);
        let sealed = ring.seal_entry(&id, NONCE, b"tokens").unwrap();
        for index in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[index / 8] ^= 1 << (index % 8);
            assert!(ring.open_entry(&id, &flipped).is_err(), "bit {index}");
        }
    }

    #[test]
    fn junk_is_refused() {
        let ring = ring(&["one"], "i", "c");
        for junk in ["", "A", "AQ", "!!", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Ag", "AQ=="] {
            assert!(ring.open(Purpose::Session, junk).is_err(), "{junk}");
        }
        assert_eq!(ring.open(Purpose::Session, "Ag"), Err(SealError::UnknownVersion));
    }
}
