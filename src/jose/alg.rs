//! The closed list of signature algorithms.

use core::fmt;

/// A JWS algorithm we accept (RFC 7518 §3.1, RFC 8037 §3.1): asymmetric signatures alone.
///
/// `none` and the HMACs are not in the list, so no configuration and no header can bring them in (RFC 8725 §3.1, §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// `EdDSA` on Ed25519; the other curve of RFC 8037, Ed448, is not offered by the platform.
    EdDsa,
}

impl Alg {
    /// Every one of them.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The algorithm of that registered name, compared byte for byte (RFC 7515 §4.1.1).
    ///
    /// `Ed25519` (RFC 9864 §2.2) names the same algorithm as `EdDSA` does here.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for alg in Alg::ALL {
            assert_eq!(Alg::parse(alg.name()), Some(alg));
        }
        assert_eq!(Alg::parse("Ed25519"), Some(Alg::EdDsa));
    }

    #[test]
    fn nothing_else_is_an_algorithm() {
        for name in [
            "", "none", "None", "nOnE", "NONE", "HS256", "HS384", "HS512", "rs256", "Rs256", "RS256 ", " RS256",
            "RS256\0", "RS1", "RS257", "ES256K", "EDDSA", "eddsa", "Ed448", "ed25519", "RSA-OAEP", "A128KW", "dir",
        ] {
            assert_eq!(Alg::parse(name), None, "{name:?}");
        }
    }
}
