//! A signed token in the compact form: read, then verified, and only then believed.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::{ParseError, UntrustedToken};
use serde_json::Value;

use super::{Alg, Claims, Jwk, JwkSet};
use crate::json::{self, JsonError, Object};

/// The longest token read, in bytes.
const MAX_TOKEN_LEN: usize = 64 * 1024;

/// Parameters that ask for something we don't do, so a token that has one says something else than we would read.
///
/// `crit`: an extension that must be understood, and we understand none (RFC 7515 §4.1.11). `b64`: a payload that is
/// not base64url (RFC 7797 §3). `enc`, `zip`: an encrypted token, a compressed one (RFC 7516 §4.1.2, §4.1.3).
const REFUSED_PARAMETERS: [&str; 4] = ["crit", "b64", "enc", "zip"];

/// A token of three well-formed parts. Nothing it says is known to be true: its header is there to choose a key by.
#[derive(Clone)]
pub struct UntrustedJwt {
    /// Header and payload as they came: what the signature is over (RFC 7515 §5.2).
    signing_input: String,
    signature: Vec<u8>,
    alg: Alg,
    kid: Option<String>,
    typ: Option<String>,
    jwk: Option<Object>,
}

impl UntrustedJwt {
    /// Reads the compact serialization (RFC 7515 §7.1).
    ///
    /// Three parts in strict base64url (no padding, no stray bits); the header a JSON object without repeated names,
    /// with an `alg` of our closed list and no parameter that would change what is verified or how (RFC 8725 §3.1).
    /// Keys that the header brings along (`jwk`, `jku`, `x5u`, `x5c`) verify nothing by themselves (RFC 8725 §3.10).
    ///
    /// # Errors
    ///
    /// [`JwsError`], one variant per rule.
    pub fn parse(token: &str) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JwsError::TooLong);
        }
        let compact: UntrustedToken<'_> = token.try_into().map_err(|error| match error {
            ParseError::InvalidTokenStructure => JwsError::NotThreeParts,
            ParseError::InvalidBase64Encoding => JwsError::NotBase64Url,
            ParseError::UnsupportedContentType(_) => JwsError::OtherContent,
            _ => JwsError::MalformedHeader,
        })?;
        let (signing_input, _) = token.rsplit_once('.').ok_or(JwsError::NotThreeParts)?;
        let (header, _) = signing_input.split_once('.').ok_or(JwsError::NotThreeParts)?;
        let mut header = parse_header(header)?;
        if let Some(name) = REFUSED_PARAMETERS.into_iter().find(|name| header.contains_key(*name)) {
            return Err(JwsError::RefusedParameter(name));
        }
        let alg = header.get("alg").and_then(Value::as_str).ok_or(JwsError::MalformedHeader)?;
        Ok(Self {
            alg: Alg::parse(alg).ok_or(JwsError::AlgorithmNotAllowed)?,
            kid: optional_string(&header, "kid")?,
            typ: optional_string(&header, "typ")?.map(bare_type),
            jwk: match header.remove("jwk") {
                Some(Value::Object(jwk)) => Some(jwk),
                _ => None,
            },
            signature: compact.signature_bytes().to_vec(),
            signing_input: signing_input.to_owned(),
        })
    }

    /// The algorithm it claims to be signed with.
    pub fn untrusted_alg(&self) -> Alg {
        self.alg
    }

    /// The key it claims to be signed with.
    pub fn untrusted_key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The media type it claims to be, without `application/` (RFC 7515 §4.1.9).
    pub fn untrusted_type(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The public key it brings along: for proofs of possession alone, which are believed for what else is known of
    /// that key (RFC 9449 §4.2). `None` when it is none, or a private one.
    pub fn untrusted_key(&self) -> Option<Jwk> {
        self.jwk.as_ref().and_then(Jwk::from_object)
    }

    /// Checks the signature with the keys that may have made it, then reads the claims.
    ///
    /// `allowed` is the configuration's list; the header's `alg` has to be on it (RFC 8725 §3.1). A key that the
    /// verifier can't use is passed over as long as another one verifies.
    ///
    /// # Errors
    ///
    /// [`JwsError::UnknownKey`] is the one that a fresh JWK Set can cure; see the others there.
    pub async fn verify(
        self,
        keys: &JwkSet,
        allowed: &[Alg],
        verifier: &impl Verifier,
    ) -> Result<VerifiedJwt, JwsError> {
        if !allowed.contains(&self.alg) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        self.check_signature(keys, verifier).await?;
        self.into_verified()
    }

    async fn check_signature(&self, keys: &JwkSet, verifier: &impl Verifier) -> Result<(), JwsError> {
        let kid = self.untrusted_key_id();
        let mut unusable = None;
        let mut named = false;
        for key in keys.candidates(self.alg, kid) {
            named |= kid.is_some() && key.kid() == kid;
            if self.signature.len() != key.signature_len() {
                continue;
            }
            match verifier.verify(self.alg, key, self.signing_input.as_bytes(), &self.signature).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => unusable = Some(error),
            }
        }
        if let Some(error) = unusable {
            return Err(JwsError::Verifier(error));
        }
        if named {
            return Err(JwsError::BadSignature);
        }
        // The key is there and not for this algorithm: fetching the set again would change nothing.
        if kid.is_some_and(|kid| keys.has_kid(kid)) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        Err(JwsError::UnknownKey)
    }

    fn into_verified(self) -> Result<VerifiedJwt, JwsError> {
        let (_, payload) = self.signing_input.split_once('.').ok_or(JwsError::NotThreeParts)?;
        let payload = Base64UrlUnpadded::decode_vec(payload).map_err(|_| JwsError::NotBase64Url)?;
        // RFC 7519 §7.2, steps 9 and 10
        let claims = json::parse_object(&payload).map_err(JwsError::MalformedClaims)?;
        Ok(VerifiedJwt { claims: Claims::new(claims), alg: self.alg, typ: self.typ })
    }
}

impl fmt::Debug for UntrustedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntrustedJwt").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// The claims of a token whose signature was good. Only [`UntrustedJwt::verify`] makes one.
///
/// Who may have issued it, for whom and until when is still to be checked: see [`claims`](super::claims).
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedJwt {
    claims: Claims,
    alg: Alg,
    typ: Option<String>,
}

impl VerifiedJwt {
    /// What the signer said.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What the signer said.
    pub fn into_claims(self) -> Claims {
        self.claims
    }

    /// The algorithm of the signature that was checked.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The media type in the signed header, as it stands there (RFC 8725 §3.11).
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

/// Checks signatures: WebCrypto in the Worker, another library in native tests.
#[allow(async_fn_in_trait, reason = "the runtime has one thread; its futures are not Send and need not be")]
pub trait Verifier {
    /// Whether `signature` is one of `message` by `key` with `alg`.
    ///
    /// The caller has seen to it that the key [fits](Jwk::fits) and that the length is right. Signatures of ECDSA are
    /// in the form of RFC 7518 §3.4, the two numbers at full length.
    ///
    /// # Errors
    ///
    /// [`VerifierError`] when the question could not be answered; a bad signature is `Ok(false)`.
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError>;
}

impl<V: Verifier> Verifier for &V {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        (**self).verify(alg, key, message, signature).await
    }
}

/// The key could not be used: a point off its curve, or an algorithm the platform lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierError;

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a usable key, got one the platform refuses")
    }
}

impl core::error::Error for VerifierError {}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// It is longer than 64 KiB.
    TooLong,
    /// It does not consist of three parts; an encrypted token has five (RFC 7516 §9).
    NotThreeParts,
    /// A part is not base64url, is padded, or has stray bits (RFC 7515 §2).
    NotBase64Url,
    /// The header is not a JSON object without repeated names, or a parameter has another type than its definition
    /// says.
    MalformedHeader,
    /// The header has a parameter that changes what is verified: `crit`, `b64`, `enc` or `zip`.
    RefusedParameter(&'static str),
    /// The `cty` says that the payload is something else than claims, such as a nested token (RFC 7519 §5.2).
    OtherContent,
    /// The `alg` is not on the closed list, not on the configured one, or not one its key may be used with.
    AlgorithmNotAllowed,
    /// No key of the set has that `kid`; or keys had to be tried without a `kid` on both sides, and none verified.
    /// The provider may have rotated its keys: fetch the set again, once.
    UnknownKey,
    /// The key that the token names did not make the signature.
    BadSignature,
    /// No key verified, and one of them could not be used.
    Verifier(VerifierError),
    /// The signature is good; the payload is not a JSON object without repeated names.
    MalformedClaims(JsonError),
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("expected a token of at most 64 KiB, got a longer one"),
            Self::NotThreeParts => f.write_str("expected a token of three parts, got another number"),
            Self::NotBase64Url => f.write_str("expected base64url without padding, got something else"),
            Self::MalformedHeader => f.write_str("expected a JOSE header, got something else"),
            Self::RefusedParameter(name) => write!(f, "expected a header without {name}, got one with it"),
            Self::OtherContent => f.write_str("expected claims, got another content type"),
            Self::AlgorithmNotAllowed => f.write_str("expected an allowed algorithm, got another"),
            Self::UnknownKey => f.write_str("expected a known key, got another"),
            Self::BadSignature => f.write_str("expected a good signature, got a bad one"),
            Self::Verifier(error) => write!(f, "signature not checked: {error}"),
            Self::MalformedClaims(error) => write!(f, "expected claims: {error}"),
        }
    }
}

impl core::error::Error for JwsError {}

fn parse_header(encoded: &str) -> Result<Object, JwsError> {
    let bytes = Base64UrlUnpadded::decode_vec(encoded).map_err(|_| JwsError::NotBase64Url)?;
    json::parse_object(&bytes).map_err(|_| JwsError::MalformedHeader)
}

// RFC 7515 §4.1.9: with `application/` or without, it is the same type.
fn bare_type(typ: String) -> String {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') => rest.to_owned(),
        _ => typ,
    }
}

fn optional_string(header: &Object, name: &str) -> Result<Option<String>, JwsError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwsError::MalformedHeader),
    }
}

#[cfg(test)]
mod tests;
