//! Whether the caller has what the token is bound to: a key, shown by a proof (RFC 9449), or the client certificate of
//! this very connection (RFC 8705).

use core::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::Site;
use crate::{
    error::Error,
    host::Host,
    oauth::{
        access_token::{AccessTokenError, Caller},
        bearer::{Presented, Scheme},
        dpop::{self, ExpectedProof, Proof, ProofError},
    },
    secret::constant_time_eq,
    session::seal::Purpose,
    time::Timestamp,
    web::{path::RequestUrl, request::IncomingRequest},
};

/// How long a client may use a nonce that we gave it.
const NONCE_FOR: Duration = Duration::from_secs(300);

/// Holds the request against what its token is bound to.
///
/// # Errors
///
/// [`AccessTokenError::Unproved`] when nothing is shown, [`Error::Proof`] when what is shown proves nothing.
pub async fn check(
    site: &Site,
    host: &impl Host,
    request: &impl IncomingRequest,
    url: &RequestUrl<'_>,
    (presented, caller): (&Presented, &Caller),
) -> Result<(), Error> {
    let bound = caller.confirmation();
    if let Some(thumbprint) = &bound.certificate {
        check_certificate(request, thumbprint)?;
    }
    match (&bound.key, presented.scheme) {
        (None, Scheme::Bearer) => Ok(()),
        // RFC 9449 §7.1: a bound token is not taken as a bearer token, and no other is taken with a proof.
        (None, Scheme::Dpop) | (Some(_), Scheme::Bearer) => Err(Error::AccessToken(AccessTokenError::Unproved)),
        (Some(thumbprint), Scheme::Dpop) => {
            let proof = request.header("dpop").ok_or(Error::AccessToken(AccessTokenError::Unproved))?;
            let origin = site.config.public_origin(url);
            let expected = ExpectedProof {
                method: request.method(),
                origin: &origin,
                path: url.path(),
                token: &presented.untrusted,
                thumbprint,
            };
            let proof = dpop::verify(&proof, &expected, host).await.map_err(Error::Proof)?;
            check_time(site, host, thumbprint, &proof)
        }
    }
}

// RFC 8705 §3: the hash of the certificate that the connection was made with, as the platform reports it.
fn check_certificate(request: &impl IncomingRequest, thumbprint: &str) -> Result<(), Error> {
    let shown = request.client_certificate().map(|hash| Base64UrlUnpadded::encode_string(&hash));
    match shown {
        Some(shown) if constant_time_eq(shown.as_bytes(), thumbprint.as_bytes()) => Ok(()),
        _ => Err(Error::AccessToken(AccessTokenError::Unproved)),
    }
}

// A proof is of this minute, or it holds a nonce of ours, which tells the same of a client whose clock is wrong
// (RFC 9449 §9); and it is the first one of its name.
fn check_time(site: &Site, host: &impl Host, thumbprint: &str, proof: &Proof) -> Result<(), Error> {
    let now = host.now();
    let leeway = site.provider()?.leeway;
    match &proof.nonce {
        Some(nonce) if !is_nonce(site, nonce, now) => return Err(Error::Proof(ProofError::Nonce)),
        None if !proof.is_fresh(now, leeway) => return Err(Error::Proof(ProofError::Stale)),
        _ => {}
    }
    let until = proof.remembered_until(now, leeway).max(now.plus(NONCE_FOR));
    let name = [thumbprint, " ", &proof.id].concat();
    if site.used_proofs.first_use(&name, now, until) { Ok(()) } else { Err(Error::Proof(ProofError::Replayed)) }
}

/// A nonce for the next proof; none where there is no key to seal it with.
pub fn nonce(site: &Site, host: &impl Host) -> Option<String> {
    let until = host.now().plus(NONCE_FOR);
    site.seal(host, Purpose::ProofNonce, &until.as_unix().to_be_bytes()).ok()
}

fn is_nonce(site: &Site, nonce: &str, now: Timestamp) -> bool {
    let Ok(opened) = site.ring.open(Purpose::ProofNonce, nonce) else { return false };
    let until = <[u8; 8]>::try_from(opened.plain.as_slice()).map(i64::from_be_bytes);
    until.is_ok_and(|until| now < Timestamp::from_unix(until))
}
