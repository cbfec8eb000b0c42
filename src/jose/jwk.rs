//! The keys a provider publishes, and which of them a token may have been signed with.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Alg;
use crate::json::{self, JsonError, Object};

/// How many entries of a set are looked at; what comes after them is not read.
const MAX_KEYS: usize = 100;
/// How many keys one token is tried with, so that nobody buys a hundred verifications with one request.
const MAX_CANDIDATES: usize = 4;
/// RFC 7518 §3.3: 2048 bits at least. Above the ceiling one verification costs too much.
const RSA_MODULUS_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;
/// The widest public exponent that the platforms take, in bits.
const MAX_RSA_EXPONENT_BITS: usize = 33;
/// The members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// The points of small order on Ed25519, and other ways to write them, without the sign: under such a key signatures are
/// good that nobody made. WebCrypto is to find none good (Web Cryptography Level 2, Ed25519); not every platform does so.
const SMALL_ORDER: [&str; 7] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "7P_______________________________________38",
    "7f_______________________________________38",
    "7v_______________________________________38",
    "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
    "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
];

/// The signature keys of a JWK Set (RFC 7517 §5). The default is the empty set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: usize,
}

impl JwkSet {
    /// Reads a set, leaving out what is not a usable public signature key.
    ///
    /// An entry is skipped, not fatal, when its `kty` or `crv` is unknown, when a member is malformed, when `use`,
    /// `key_ops` or `alg` is for something else than the signatures we verify, when its RSA modulus is under 2048 or
    /// over 8192 bits, and when it is symmetric or carries private members: one odd key must not lock everyone out
    /// (RFC 7517 §5).
    ///
    /// # Errors
    ///
    /// [`JwkError`] when the bytes are no JWK Set at all.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkError> {
        let document = json::parse_object(bytes).map_err(JwkError::Json)?;
        let Some(Value::Array(entries)) = document.get("keys") else { return Err(JwkError::NoKeyList) };
        let keys: Vec<Jwk> =
            entries.iter().take(MAX_KEYS).filter_map(Value::as_object).filter_map(Jwk::from_object).collect();
        Ok(Self { skipped: entries.len().saturating_sub(keys.len()), keys })
    }

    /// A set of one key.
    pub fn of(key: Jwk) -> Self {
        Self { keys: vec![key], skipped: 0 }
    }

    /// The keys that may have signed a token with that `alg` and `kid`, at most four of them.
    ///
    /// With a `kid`, those of exactly that `kid` (RFC 7515 §4.1.4). OpenID Connect Core §10.1 requires one when the
    /// set has several keys, so a key without `kid` is tried for a token with one in a single case: it is the set's
    /// only key that fits, and there was nothing to choose. Without a `kid`, all that fit.
    pub fn candidates(&self, alg: Alg, kid: Option<&str>) -> impl Iterator<Item = &Jwk> {
        // A lone unnamed key answers to every name, unless another key bears that name.
        let lone_unnamed = kid.is_some_and(|kid| !self.has_kid(kid)) && self.only_fitting_key_is_unnamed(alg);
        self.keys
            .iter()
            .filter(move |key| key.fits(alg))
            .filter(move |key| kid.is_none() || lone_unnamed || key.kid() == kid)
            .take(MAX_CANDIDATES)
    }

    /// Whether a usable key has that `kid`.
    pub fn has_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// Whether no usable key is in the set.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many usable keys are in the set.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many entries were left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn only_fitting_key_is_unnamed(&self, alg: Alg) -> bool {
        let mut fitting = self.keys.iter().filter(|key| key.fits(alg));
        fitting.next().is_some_and(|key| key.kid().is_none()) && fitting.next().is_none()
    }
}

/// One public signature key (RFC 7517 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    kid: Option<String>,
    alg: Option<Alg>,
    material: KeyMaterial,
    thumbprint: String,
}

impl Jwk {
    /// Its `kid`, when it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key itself.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// Whether signatures of `alg` may be checked with it: kind and curve match, and its own `alg`, if any, is that one
    /// (RFC 8725 §3.1: a key is used with one algorithm).
    pub fn fits(&self, alg: Alg) -> bool {
        self.alg.is_none_or(|own| own == alg) && self.material.fits(alg)
    }

    /// The key as JSON with the required public members alone, in the order of RFC 7638 §3.2: what `importKey("jwk")`
    /// of WebCrypto takes, without the members (`alg`, `use`, `key_ops`, `kid`, `ext`) that could contradict the
    /// import.
    pub fn public_json(&self) -> String {
        self.material.public_json()
    }

    /// The key's identity whatever it is called: its SHA-256 thumbprint in base64url (RFC 7638 §3).
    ///
    /// An imported `CryptoKey` is bound to an algorithm, so a cache of those needs the [`Alg`] in its key as well.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// How many bytes a signature by this key has; every other length is no signature by it
    /// (RFC 8017 §8.1.2, §8.2.2; RFC 7518 §3.4; RFC 8032 §5.1.6).
    pub fn signature_len(&self) -> usize {
        match &self.material {
            KeyMaterial::Rsa { n, .. } => n.len(),
            KeyMaterial::Ec { crv, .. } => crv.coordinate_len().saturating_mul(2),
            KeyMaterial::Okp { .. } => 64,
        }
    }

    pub(super) fn from_object(object: &Object) -> Option<Self> {
        if SECRET_MEMBERS.iter().any(|name| object.contains_key(*name)) || !is_for_signatures(object) {
            return None;
        }
        let kid = match object.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return None,
        };
        let alg = match object.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(Alg::parse(name)?),
            Some(_) => return None,
        };
        let material = KeyMaterial::from_object(object)?;
        let thumbprint = Base64UrlUnpadded::encode_string(&Sha256::digest(material.public_json()));
        Some(Self { kid, alg, material, thumbprint })
    }
}

/// RFC 7517 §4.2, §4.3: `use` is `sig`, `key_ops` has `verify`; either may be absent.
fn is_for_signatures(object: &Object) -> bool {
    let used_for_signatures = object.get("use").is_none_or(|purpose| purpose.as_str() == Some("sig"));
    let may_verify = object.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|list| list.iter().any(|operation| operation.as_str() == Some("verify")))
    });
    used_for_signatures && may_verify
}

/// The decoded bytes of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// RSA (RFC 7518 §6.3.1).
    Rsa {
        /// The modulus: big-endian, 2048 to 8192 bits, without leading zeros.
        n: Vec<u8>,
        /// The public exponent: big-endian, odd, above 1, without leading zeros.
        e: Vec<u8>,
    },
    /// An elliptic curve of NIST (RFC 7518 §6.2.1). That the point is on the curve is for the verifier to find out.
    Ec {
        /// The curve.
        crv: Curve,
        /// The first coordinate: big-endian, at the curve's full length.
        x: Vec<u8>,
        /// The second coordinate: big-endian, at the curve's full length.
        y: Vec<u8>,
    },
    /// Ed25519 (RFC 8037 §2).
    Okp {
        /// The public key.
        x: [u8; 32],
    },
}

impl KeyMaterial {
    fn from_object(object: &Object) -> Option<Self> {
        match object.get("kty")?.as_str()? {
            "RSA" => Self::rsa(decode(object, "n")?, decode(object, "e")?),
            "EC" => {
                let crv = Curve::parse(object.get("crv")?.as_str()?)?;
                let (x, y) = (decode(object, "x")?, decode(object, "y")?);
                // RFC 7518 §6.2.1.2: the full length, leading zeros included.
                let full = |coordinate: &[u8]| coordinate.len() == crv.coordinate_len();
                (full(&x) && full(&y)).then_some(Self::Ec { crv, x, y })
            }
            "OKP" if object.get("crv")?.as_str()? == "Ed25519" => {
                let x = decode(object, "x")?.try_into().ok()?;
                (!is_of_small_order(x)).then_some(Self::Okp { x })
            }
            _ => None,
        }
    }

    fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Self> {
        // RFC 7518 §6.3.1.1 forbids leading zeros and knows that libraries prefix one: it changes nothing, so it goes.
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let good = RSA_MODULUS_BITS.contains(&bit_len(&n))
            && (2..=MAX_RSA_EXPONENT_BITS).contains(&bit_len(&e))
            && odd(&n)
            && odd(&e);
        good.then_some(Self::Rsa { n, e })
    }

    fn fits(&self, alg: Alg) -> bool {
        match alg {
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 | Alg::Ps256 | Alg::Ps384 | Alg::Ps512 => {
                matches!(self, Self::Rsa { .. })
            }
            Alg::Es256 => matches!(self, Self::Ec { crv: Curve::P256, .. }),
            Alg::Es384 => matches!(self, Self::Ec { crv: Curve::P384, .. }),
            Alg::Es512 => matches!(self, Self::Ec { crv: Curve::P521, .. }),
            Alg::EdDsa => matches!(self, Self::Okp { .. }),
        }
    }

    fn public_json(&self) -> String {
        let text = Base64UrlUnpadded::encode_string;
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, crv.name(), text(x), text(y))
            }
            Self::Okp { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        }
    }
}

/// An elliptic curve that ECDSA is used with (RFC 7518 §6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate in bytes.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }
}

/// Why bytes are no JWK Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// They are not a JSON object without repeated names.
    Json(JsonError),
    /// There is no array `keys` (RFC 7517 §5.1).
    NoKeyList,
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "expected a JWK Set: {error}"),
            Self::NoKeyList => f.write_str("expected a JWK Set, got an object without an array \"keys\""),
        }
    }
}

impl core::error::Error for JwkError {}

fn decode(object: &Object, name: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(object.get(name)?.as_str()?).ok()
}

fn is_of_small_order(mut x: [u8; 32]) -> bool {
    if let Some(last) = x.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&Base64UrlUnpadded::encode_string(&x).as_str())
}

fn without_leading_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

/// The length in bits of a big-endian number without leading zeros.
fn bit_len(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

#[cfg(test)]
mod tests;
