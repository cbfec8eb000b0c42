//! Proofs that a caller has the key which a token is bound to (RFC 9449).

use core::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::AccessToken;
use crate::{
    jose::{Alg, ClaimError, Claims, JwkSet, JwsError, UntrustedJwt, Verifier},
    secret::constant_time_eq,
    time::{Leeway, Timestamp},
    web::path::{RequestPath, RequestUrl},
};

/// How old a proof may be that brings no nonce of ours, clocks apart (RFC 9449 §11.1).
const MAX_AGE: Duration = Duration::from_secs(60);

/// What a proof is held against.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedProof<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its scheme, host and port.
    pub origin: &'a str,
    /// Its path.
    pub path: &'a RequestPath<'a>,
    /// The token that the proof came with.
    pub token: &'a AccessToken,
    /// The thumbprint of the key that the token is bound to.
    pub thumbprint: &'a str,
}

/// A proof that is right, but for its time and for its being the first one: those need a clock and a memory.
#[derive(Debug)]
pub struct Proof {
    /// `jti`: a proof counts once.
    pub id: String,
    /// `nonce`: what we gave the client to put in, if anything.
    pub nonce: Option<String>,
    issued_at: Timestamp,
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// There is more than one, or it is no token typed `dpop+jwt` with a public key in it.
    Malformed,
    /// Form, algorithm or signature.
    Jws(JwsError),
    /// A claim is missing or of the wrong type.
    Claim(ClaimError),
    /// It is by another key than the token is bound to.
    OtherKey,
    /// It is for another request, or for another token.
    OtherRequest,
    /// It is too old, or of the future.
    Stale,
    /// It has been used.
    Replayed,
    /// Its nonce is not ours, or no longer.
    Nonce,
}

impl From<JwsError> for ProofError {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl From<ClaimError> for ProofError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

/// Checks a proof (RFC 9449 §4.3; the numbers are those of its list). The method and the URL come first: they cost
/// nothing.
pub async fn verify(proof: &str, expected: &ExpectedProof<'_>, verifier: &impl Verifier) -> Result<Proof, ProofError> {
    // 1. to 7. One well-formed token, typed, signed asymmetrically by the public key in its header.
    let untrusted = UntrustedJwt::parse(proof)?;
    if !untrusted.untrusted_type().is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) {
        return Err(ProofError::Malformed);
    }
    let key = untrusted.untrusted_key().ok_or(ProofError::Malformed)?;
    // 12. b. The key is the one that the token is bound to.
    if !constant_time_eq(key.thumbprint().as_bytes(), expected.thumbprint.as_bytes()) {
        return Err(ProofError::OtherKey);
    }
    let claims = untrusted.verify(&JwkSet::of(key), &Alg::ALL, verifier).await?.into_claims();
    // 8., 9. and 12. a. It is for this method, this URL and this token.
    let is_this = claims.required_string("htm")? == expected.method
        && is_target(claims.required_string("htu")?, expected)
        && claims.required_string("ath")? == token_hash(expected.token);
    if !is_this {
        return Err(ProofError::OtherRequest);
    }
    let issued_at = claims.timestamp("iat")?.ok_or(ClaimError::Missing("iat"))?;
    Ok(Proof { id: id(&claims)?, nonce: claims.string("nonce")?.map(str::to_owned), issued_at })
}

impl Proof {
    /// Whether it was made just now (RFC 9449 §4.3, 11.).
    pub fn is_fresh(&self, now: Timestamp, leeway: Leeway) -> bool {
        let leeway = leeway.as_duration();
        self.issued_at <= now.plus(leeway) && now < self.issued_at.plus(MAX_AGE).plus(leeway)
    }

    /// Until when a second one like it has to be recognised: it would be stale then.
    pub fn remembered_until(&self, now: Timestamp, leeway: Leeway) -> Timestamp {
        self.issued_at.max(now).plus(MAX_AGE).plus(leeway.as_duration())
    }
}

fn id(claims: &Claims) -> Result<String, ProofError> {
    let id = claims.required_string("jti")?;
    if id.is_empty() { Err(ProofError::Malformed) } else { Ok(id.to_owned()) }
}

// RFC 9449 §4.1
fn token_hash(token: &AccessToken) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(token.expose()))
}

// RFC 9449 §4.3, 9.: without query and fragment, and what RFC 3986 §6.2.2 and §6.2.3 hold for the same is the same.
fn is_target(htu: &str, expected: &ExpectedProof<'_>) -> bool {
    let Some((scheme, rest)) = htu.split_once("://") else { return false };
    let htu = [scheme.to_ascii_lowercase().as_str(), "://", rest].concat();
    RequestUrl::parse(&htu).is_ok_and(|url| {
        url.origin().eq_ignore_ascii_case(expected.origin) && url.path().decoded() == expected.path.decoded()
    })
}

#[cfg(test)]
mod tests;
