//! JSON Object Signing: who said something, checked before a word of it is believed (RFC 7515, 7517, 7518, 7519, 8725).
//!
//! The way through is one: [`UntrustedJwt::parse`], then [`UntrustedJwt::verify`] against a [`JwkSet`], then the checks
//! of [`claims`] against a `now`. No cryptography is done here: signatures are checked through a [`Verifier`].

mod alg;
pub mod claims;
mod jwk;
mod jws;
mod signing;

pub use alg::Alg;
pub use claims::{ClaimError, Claims};
pub use jwk::{Curve, Jwk, JwkError, JwkSet, KeyMaterial};
pub use jws::{JwsError, UntrustedJwt, VerifiedJwt, Verifier, VerifierError};
pub use signing::{Signer, SignerError, SigningKey, sign};
