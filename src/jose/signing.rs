//! Signing by our own keys: what we say to others, for them to check (RFC 7515 §3, RFC 7519 §7.1).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use super::{Alg, Curve, Jwk, KeyMaterial};
use crate::{json::Object, secret::Secret};

/// The length of the private part of a key on P-256 or Ed25519, in bytes (RFC 7518 §6.2.2.1, RFC 8037 §2).
const PRIVATE_BYTES: usize = 32;

/// A signature key of ours: ES256 or `EdDSA`.
#[derive(Debug)]
pub struct SigningKey {
    kid: String,
    alg: Alg,
    public: Jwk,
    private: Option<Secret<String>>,
}

impl SigningKey {
    /// Reads a JWK, with or without its private part. `None` when it is no whole key on P-256 or Ed25519.
    ///
    /// What it may be used for elsewhere (`key_ops`, `ext`) is not looked at; its own `alg`, if any, must be the one.
    pub fn parse(jwk: &Object) -> Option<Self> {
        let members = ["kty", "crv", "x", "y", "kid", "use", "alg"];
        let mut public = Object::new();
        public.extend(members.iter().filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone()))));
        let public = Jwk::from_object(&public)?;
        let alg = match public.material() {
            KeyMaterial::Ec { crv: Curve::P256, .. } => Alg::Es256,
            KeyMaterial::Okp { .. } => Alg::EdDsa,
            _ => return None,
        };
        if !public.fits(alg) {
            return None;
        }
        let private = match jwk.get("d") {
            None => None,
            Some(d) => Some(Secret::new(private_json(&public, d.as_str()?)?)),
        };
        let kid = public.kid().unwrap_or_else(|| public.thumbprint()).to_owned();
        Some(Self { kid, alg, public, private })
    }

    /// Its name: `kid`, else the thumbprint of RFC 7638.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The whole key as JSON, for `importKey("jwk")` of WebCrypto. `None` when only its public part is here.
    pub fn private_json(&self) -> Option<&Secret<String>> {
        self.private.as_ref()
    }

    /// What others need to check its signatures, as a member of a JWK Set (RFC 7517 §5).
    pub fn published(&self) -> Value {
        let mut jwk: Value = serde_json::from_slice(self.public.public_json().as_bytes()).unwrap_or_default();
        if let Value::Object(members) = &mut jwk {
            let more = [("kid", self.kid.as_str()), ("alg", self.alg.name()), ("use", "sig")];
            members.extend(more.map(|(name, text)| (name.to_owned(), Value::from(text))));
        }
        jwk
    }
}

fn private_json(public: &Jwk, d: &str) -> Option<String> {
    let is_whole = Base64UrlUnpadded::decode_vec(d).is_ok_and(|bytes| bytes.len() == PRIVATE_BYTES);
    let public = public.public_json();
    let members = public.strip_prefix('{').filter(|_| is_whole)?;
    Some(format!(r#"{{"d":"{d}",{members}"#))
}

/// Makes signatures: WebCrypto in the Worker, another library in native tests.
#[allow(async_fn_in_trait, reason = "the runtime has one thread; its futures are not Send and need not be")]
pub trait Signer {
    /// The signature of `message` by `key`; of ECDSA in the form of RFC 7518 §3.4.
    ///
    /// # Errors
    ///
    /// [`SignerError`] when there is no private part, or the platform can't use it.
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

impl<S: Signer> Signer for &S {
    async fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        (**self).sign(key, message).await
    }
}

/// The key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignerError;

/// A signed token of these claims, in compact form (RFC 7515 §7.1).
///
/// # Errors
///
/// [`SignerError`].
pub async fn sign(signer: &impl Signer, key: &SigningKey, claims: Object) -> Result<String, SignerError> {
    let encode = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let header = json!({ "alg": key.alg().name(), "kid": key.kid(), "typ": "JWT" });
    let input = format!("{}.{}", encode(header), encode(Value::Object(claims)));
    let signature = signer.sign(key, input.as_bytes()).await?;
    Ok(format!("{input}.{}", Base64UrlUnpadded::encode_string(&signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring_support::{RingVerifier, TestKey, block_on};

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("object") };
        object
    }

    #[test]
    fn what_it_signs_is_verified_by_what_it_publishes() {
        for key in [TestKey::es256(), TestKey::ed25519()] {
            let key = SigningKey::parse(&object(key.private_jwk())).unwrap();
            let token = block_on(sign(&RingVerifier, &key, object(json!({"sub": "a"})))).unwrap();
            let set = json!({"keys": [key.published()]}).to_string();
            let set = super::super::JwkSet::parse(set.as_bytes()).unwrap();
            let untrusted = super::super::UntrustedJwt::parse(&token).unwrap();
            let verified = block_on(untrusted.verify(&set, &[key.alg()], &RingVerifier));
            assert!(verified.is_ok(), "{verified:?}");
        }
    }

    #[test]
    fn whole_keys_of_two_kinds() {
        let good = TestKey::es256().private_jwk();
        let with = |name: &str, value: Value| {
            let mut jwk = object(good.clone());
            jwk.insert(name.to_owned(), value);
            jwk
        };
        let key = SigningKey::parse(&with("key_ops", json!(["sign"]))).unwrap();
        assert_eq!((key.kid(), key.alg()), ("p256", Alg::Es256));
        let mut unnamed = object(good.clone());
        unnamed.remove("kid");
        assert_eq!(SigningKey::parse(&unnamed).unwrap().kid().len(), 43);
        let mut public = object(good.clone());
        public.remove("d");
        assert!(SigningKey::parse(&public).unwrap().private_json().is_none());
        for (name, value) in [
            ("d", json!("AAAA")),
            ("d", json!("\"}")),
            ("d", json!(1)),
            ("x", json!("AAAA")),
            ("kty", json!("RSA")),
            ("crv", json!("P-384")),
            ("alg", json!("ES384")),
            ("use", json!("enc")),
        ] {
            assert!(SigningKey::parse(&with(name, value.clone())).is_none(), "{name}: {value}");
        }
        assert!(SigningKey::parse(&object(TestKey::rs256().jwk())).is_none());
        assert!(!format!("{key:?}").contains(good["d"].as_str().unwrap()));
    }
}
