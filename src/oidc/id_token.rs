//! The ID token and its validation (OIDC Core §3.1.3.7).

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::{
    jose::{
        Alg, ClaimError, Claims, JwkSet, JwsError, UntrustedJwt, Verifier,
        claims::{self, Presence},
    },
    json::Object,
    oauth::{AccessToken, ClientId, Unguessable},
    secret::constant_time_eq,
    time::{Leeway, Timestamp},
};

/// The claims of an ID token that passed every step; only [`verify`] makes one.
#[derive(Clone)]
pub struct IdToken {
    claims: Object,
    subject: String,
    expires_at: Timestamp,
}

/// What an ID token is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuers that may have issued it; usually one.
    pub issuers: &'a [String],
    /// The client that it must be for.
    pub client_id: &'a ClientId,
    /// The nonce that was sent; a refreshed token may lack it (OIDC Core §12.2).
    pub nonce: Option<&'a Unguessable>,
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a AccessToken>,
    /// The algorithms the provider announced, ours among them.
    pub algs: &'a [Alg],
    /// The moment of judgement.
    pub now: Timestamp,
    /// How far the provider's clock may differ.
    pub leeway: Leeway,
}

/// Why an ID token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenError {
    /// Form, algorithm, key or signature.
    Jws(JwsError),
    /// A claim is missing, of the wrong type, or out of its time.
    Claim(ClaimError),
    /// `typ` names another kind of token (RFC 8725 §3.11).
    WrongType,
    /// `azp` is missing beside several audiences, or names another client.
    AuthorizedParty,
    /// `sub` is empty, longer than 255 characters or not ASCII (OIDC Core §2).
    Subject,
    /// `nonce` is missing or another one.
    Nonce,
    /// `at_hash` does not fit the access token.
    AccessTokenHash,
    /// It came with a refresh, and is about another subject, issuer or authentication than the first one.
    Discontinued,
}

impl From<JwsError> for IdTokenError {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl From<ClaimError> for IdTokenError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

impl IdToken {
    /// `sub`: who this is, at this issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `exp`.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Every claim.
    pub fn claims(&self) -> &Object {
        &self.claims
    }
}

/// Claims are about a person: none is shown.
impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Validates an ID token, in the order of OIDC Core §3.1.3.7.
pub async fn verify(
    untrusted: UntrustedJwt,
    expected: &Expected<'_>,
    keys: &JwkSet,
    verifier: &impl Verifier,
) -> Result<IdToken, IdTokenError> {
    // 1. Decryption: encrypted ID tokens are not registered for, so none is ever expected.
    // 6-8. come first, for no claim is read before the signature has been checked. TLS alone (6.) is not enough for us;
    //    the algorithm is one that the provider announced (7.); 8. concerns MACs, which are never accepted.
    let jwt = untrusted.verify(keys, expected.algs, verifier).await?;
    check_type(jwt.typ())?;
    let alg = jwt.alg();
    let claims = jwt.into_claims();
    // 2. The issuer is exactly the one that was asked.
    claims::check_issuer(&claims, expected.issuers)?;
    // 3. The audience names this client. 4. and 5. Among several, `azp` says that it was issued to us; alone, `azp` agrees.
    check_audience(&claims, expected.client_id)?;
    // 9. Now is before `exp`; `nbf`, when there, has come.
    let expires_at = claims::check_expiry(&claims, expected.now, expected.leeway)?;
    claims::check_not_before(&claims, expected.now, expected.leeway)?;
    // 10. `iat` is there and not in the future.
    claims::check_issued_at(&claims, expected.now, expected.leeway, Presence::Required)?;
    // 11. The nonce is the one that was sent.
    check_nonce(&claims, expected.nonce)?;
    // 12. `acr` and 13. `auth_time` are for the policy that asked for them.
    // §3.1.3.8: the access token is the one that was issued with this ID token.
    check_access_token(&claims, alg, expected.access_token)?;
    let subject = subject(&claims)?;
    Ok(IdToken { claims: claims.into_object(), subject, expires_at })
}

/// Whether a refreshed ID token goes on where the first one began (OIDC Core §12.2): the same issuer, subject and moment
/// of authentication; a nonce, if it has one, is the first one's.
pub fn continues(refreshed: &IdToken, first: &Object) -> bool {
    let same = |name: &str| refreshed.claims.get(name) == first.get(name);
    let same_if_there = |name: &str| !refreshed.claims.contains_key(name) || same(name);
    same("iss") && same("sub") && same_if_there("auth_time") && same_if_there("nonce")
}

// RFC 8725 §3.11: a token typed for another purpose (`at+jwt`, `logout+jwt`, …) is no ID token.
fn check_type(typ: Option<&str>) -> Result<(), IdTokenError> {
    match typ {
        None => Ok(()),
        Some(typ) if typ.eq_ignore_ascii_case("JWT") => Ok(()),
        Some(_) => Err(IdTokenError::WrongType),
    }
}

fn check_audience(claims: &Claims, client_id: &ClientId) -> Result<(), IdTokenError> {
    claims::check_audience(claims, &[client_id.as_str()])?;
    let alone = claims.audience()?.iter().all(|audience| *audience == client_id.as_str());
    match claims.string("azp")? {
        Some(party) if party == client_id.as_str() => Ok(()),
        None if alone => Ok(()),
        _ => Err(IdTokenError::AuthorizedParty),
    }
}

fn check_nonce(claims: &Claims, sent: Option<&Unguessable>) -> Result<(), IdTokenError> {
    match (sent, claims.string("nonce")?) {
        (Some(sent), Some(nonce)) if sent.equals(nonce) => Ok(()),
        (None, _) => Ok(()),
        _ => Err(IdTokenError::Nonce),
    }
}

fn check_access_token(claims: &Claims, alg: Alg, access_token: Option<&AccessToken>) -> Result<(), IdTokenError> {
    let (Some(hash), Some(token)) = (claims.string("at_hash")?, access_token) else { return Ok(()) };
    if constant_time_eq(hash.as_bytes(), left_half_hash(alg, token.expose()).as_bytes()) {
        Ok(())
    } else {
        Err(IdTokenError::AccessTokenHash)
    }
}

// OIDC Core §3.1.3.6: base64url of the left half of the hash that the signature algorithm uses; Ed25519 uses SHA-512.
fn left_half_hash(alg: Alg, token: &str) -> String {
    let hash = match alg {
        Alg::Rs256 | Alg::Ps256 | Alg::Es256 => Sha256::digest(token).to_vec(),
        Alg::Rs384 | Alg::Ps384 | Alg::Es384 => Sha384::digest(token).to_vec(),
        Alg::Rs512 | Alg::Ps512 | Alg::Es512 | Alg::EdDsa => Sha512::digest(token).to_vec(),
    };
    let (left, _) = hash.split_at(hash.len() / 2);
    Base64UrlUnpadded::encode_string(left)
}

fn subject(claims: &Claims) -> Result<String, IdTokenError> {
    let subject = claims.required_string("sub")?;
    let good = !subject.is_empty() && subject.len() <= 255 && subject.is_ascii();
    if good { Ok(subject.to_owned()) } else { Err(IdTokenError::Subject) }
}
