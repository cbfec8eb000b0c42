//! JWK Sets: only public signature keys, each for its own algorithms, and never many for one token.

use edge_oidc::jose::{Alg, Jwk, JwkSet, KeyMaterial};
use serde_json::{Value, json};

pub fn check(bytes: &[u8]) -> bool {
    let Ok(set) = JwkSet::parse(bytes) else { return false };
    let document: Value = serde_json::from_slice(bytes).expect("a set that is no JSON was accepted");
    let entries = document["keys"].as_array().expect("a set without a list of keys was accepted");
    assert_eq!(set.len() + set.skipped(), entries.len());
    // Nothing symmetric, nothing private.
    let secret = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let is_public = |entry: &&Value| secret.iter().all(|name| entry.get(name).is_none());
    assert!(set.len() <= entries.iter().filter(is_public).count());

    let named = entries.iter().filter_map(|entry| entry.get("kid")?.as_str());
    for kid in named.take(8).map(Some).chain([None, Some("nobody's")]) {
        for alg in Alg::ALL {
            let candidates: Vec<&Jwk> = set.candidates(alg, kid).collect();
            assert!(candidates.len() <= 4);
            for key in &candidates {
                assert!(key.fits(alg));
                // RFC 7515 §4.1.4: the key that is named, or the only one there is.
                assert!(kid.is_none() || key.kid() == kid || (key.kid().is_none() && candidates.len() == 1));
                key_is_sound(key);
            }
        }
    }
    !set.is_empty()
}

fn key_is_sound(key: &Jwk) {
    let expected_len = match key.material() {
        KeyMaterial::Rsa { n, e } => {
            assert!((256..=1024).contains(&n.len()) && n[0] != 0 && n[n.len() - 1] & 1 == 1);
            assert!(!e.is_empty() && e[0] != 0 && e[e.len() - 1] & 1 == 1 && e.as_slice() != [1]);
            n.len()
        }
        KeyMaterial::Ec { crv, x, y } => {
            assert_eq!((x.len(), y.len()), (crv.coordinate_len(), crv.coordinate_len()));
            x.len() + y.len()
        }
        KeyMaterial::Okp { x } => 2 * x.len(),
    };
    assert_eq!(key.signature_len(), expected_len);
    // What is handed to the platform is this key and nothing besides.
    let public: Value = serde_json::from_str(&key.public_json()).unwrap();
    let again = JwkSet::parse(json!({ "keys": [public] }).to_string().as_bytes()).unwrap();
    let same = Alg::ALL.iter().find_map(|alg| again.candidates(*alg, None).next()).unwrap();
    assert_eq!((same.material(), same.thumbprint()), (key.material(), key.thumbprint()));
}
