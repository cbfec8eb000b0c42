//! Proof Key for Code Exchange (RFC 7636), method S256 and no other.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::Unguessable;

/// `code_challenge_method`.
pub const METHOD: &str = "S256";

/// `code_challenge` of a `code_verifier`.
pub fn challenge(verifier: &Unguessable) -> String {
    challenge_of(verifier.as_str())
}

// RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))
fn challenge_of(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 Appendix B.
    #[test]
    fn appendix_b() {
        assert_eq!(
            challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
