//! The native stand-in for the platform's cryptography: keys that sign, and a `Verifier`, both by `ring`.
//!
//! Part of the unit tests (as `crate::ring_support`) and of the integration tests (as `support::ring`).
#![allow(dead_code, reason = "no test target uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64ct::{Base64UrlUnpadded, Encoding};
use edge_oidc::jose::{Alg, Curve, Jwk, JwkSet, KeyMaterial, Signer, SignerError, SigningKey, Verifier, VerifierError};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaParameters,
        UnparsedPublicKey,
    },
};
use serde_json::{Value, json};

/// Checks signatures with `ring`. It has no P-521, so ES512 is an error here; the platform's tests check that one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingVerifier;

impl Verifier for RingVerifier {
    async fn verify(&self, alg: Alg, key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, VerifierError> {
        let verified = match key.material() {
            KeyMaterial::Rsa { n, e } => {
                PublicKeyComponents { n, e }.verify(rsa_parameters(alg)?, message, signature).is_ok()
            }
            KeyMaterial::Ec { crv, x, y } => {
                let point = [&[4][..], x, y].concat();
                let parameters = match crv {
                    Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                    Curve::P521 => return Err(VerifierError),
                };
                UnparsedPublicKey::new(parameters, point).verify(message, signature).is_ok()
            }
            KeyMaterial::Okp { x } => UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature).is_ok(),
        };
        Ok(verified)
    }
}

impl Signer for RingVerifier {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let jwk: Value =
            serde_json::from_str(key.private_json().ok_or(SignerError)?.expose()).map_err(|_| SignerError)?;
        let part =
            |name: &str| Base64UrlUnpadded::decode_vec(jwk[name].as_str().unwrap_or_default()).unwrap_or_default();
        if key.alg() == Alg::EdDsa {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&part("d"), &part("x")).map_err(|_| SignerError)?;
            return Ok(pair.sign(message).as_ref().to_vec());
        }
        let (parameters, random) = (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let point = [&[4][..], &part("x"), &part("y")].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(parameters, &part("d"), &point, &random);
        let signature = pair.map_err(|_| SignerError)?.sign(&random, message).map_err(|_| SignerError)?;
        Ok(signature.as_ref().to_vec())
    }
}

/// A private key of `tests/vectors/keys`, with the name it goes by in a key set.
pub(crate) struct TestKey {
    /// Its `kid`; may be changed or taken away.
    pub(crate) kid: Option<String>,
    /// The algorithm it signs with; of RSA's six any may be set.
    pub(crate) alg: Alg,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl TestKey {
    /// RSA, 2048 bits.
    pub(crate) fn rs256() -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("../vectors/keys/rsa-2048.pk8")).unwrap();
        Self { kid: Some("rsa".into()), alg: Alg::Rs256, pair: Pair::Rsa(pair) }
    }

    /// P-256.
    pub(crate) fn es256() -> Self {
        let pkcs8 = include_bytes!("../vectors/keys/p256.pk8");
        Self::ec("p256", Alg::Es256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
    }

    /// P-384.
    pub(crate) fn es384() -> Self {
        let pkcs8 = include_bytes!("../vectors/keys/p384.pk8");
        Self::ec("p384", Alg::Es384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8)
    }

    /// Ed25519.
    pub(crate) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(include_bytes!("../vectors/keys/ed25519.pk8")).unwrap();
        Self { kid: Some("ed25519".into()), alg: Alg::EdDsa, pair: Pair::Ed25519(pair) }
    }

    /// One key of each kind.
    pub(crate) fn all() -> [Self; 4] {
        [Self::rs256(), Self::es256(), Self::es384(), Self::ed25519()]
    }

    /// The same key signing with another algorithm of its kind.
    pub(crate) fn with_alg(self, alg: Alg) -> Self {
        Self { alg, ..self }
    }

    /// The same key under another name.
    pub(crate) fn with_kid(self, kid: Option<&str>) -> Self {
        Self { kid: kid.map(str::to_owned), ..self }
    }

    /// The public key as a JWK, with its `kid` and without `alg` and `use`.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": base64url(&public.n), "e": base64url(&public.e)})
            }
            Pair::Ec(pair) => {
                let (x, y) = {
                    let coordinates = &pair.public_key().as_ref()[1..];
                    coordinates.split_at(coordinates.len() / 2)
                };
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key().as_ref())})
            }
        };
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// The whole key as a JWK. In PKCS #8 (RFC 5958) the private part stands as a string of 32 bytes: `04 20`.
    pub(crate) fn private_jwk(&self) -> Value {
        let pkcs8: &[u8] = match &self.pair {
            Pair::Ed25519(_) => include_bytes!("../vectors/keys/ed25519.pk8"),
            _ => include_bytes!("../vectors/keys/p256.pk8"),
        };
        let at = pkcs8.windows(2).position(|pair| pair == [4, 32]).unwrap() + 2;
        let mut jwk = self.jwk();
        jwk["d"] = json!(base64url(&pkcs8[at..at + 32]));
        jwk
    }

    /// The signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(rsa_encoding(self.alg), &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The header this key would write: its `alg`, and its `kid` when it has one.
    pub(crate) fn header(&self) -> Value {
        let mut header = json!({"alg": self.alg.name()});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    /// A token of these claims under [`TestKey::header`].
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(self.header().to_string(), claims.to_string())
    }

    /// A token of this header and this payload, whatever they are.
    pub(crate) fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signing_input = format!("{}.{}", base64url(header.as_ref()), base64url(payload.as_ref()));
        let signature = base64url(&self.sign(signing_input.as_bytes()));
        format!("{signing_input}.{signature}")
    }

    fn ec(kid: &str, alg: Alg, parameters: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Self {
        let pair = EcdsaKeyPair::from_pkcs8(parameters, pkcs8, &SystemRandom::new()).unwrap();
        Self { kid: Some(kid.into()), alg, pair: Pair::Ec(pair) }
    }
}

/// The document that publishes these keys.
pub(crate) fn jwks_document<'a>(keys: impl IntoIterator<Item = &'a TestKey>) -> Value {
    json!({"keys": keys.into_iter().map(TestKey::jwk).collect::<Vec<_>>()})
}

/// The set of these keys.
pub(crate) fn jwks<'a>(keys: impl IntoIterator<Item = &'a TestKey>) -> JwkSet {
    JwkSet::parse(jwks_document(keys).to_string().as_bytes()).unwrap()
}

/// Base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Runs a future that never has to wait.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that never comes"),
    }
}

fn rsa_parameters(alg: Alg) -> Result<&'static RsaParameters, VerifierError> {
    match alg {
        Alg::Rs256 => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        Alg::Rs384 => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
        Alg::Rs512 => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
        Alg::Ps256 => Ok(&signature::RSA_PSS_2048_8192_SHA256),
        Alg::Ps384 => Ok(&signature::RSA_PSS_2048_8192_SHA384),
        Alg::Ps512 => Ok(&signature::RSA_PSS_2048_8192_SHA512),
        _ => Err(VerifierError),
    }
}

fn rsa_encoding(alg: Alg) -> &'static dyn RsaEncoding {
    match alg {
        Alg::Rs256 => &signature::RSA_PKCS1_SHA256,
        Alg::Rs384 => &signature::RSA_PKCS1_SHA384,
        Alg::Rs512 => &signature::RSA_PKCS1_SHA512,
        Alg::Ps256 => &signature::RSA_PSS_SHA256,
        Alg::Ps384 => &signature::RSA_PSS_SHA384,
        Alg::Ps512 => &signature::RSA_PSS_SHA512,
        other => panic!("RSA does not sign {other}"),
    }
}
