//! The provider's metadata: from the issuer that was asked, with endpoints that may be trusted with a token.

use edge_oidc::{
    oauth::exchange::ProviderAnswer,
    oidc::{
        IssuerUrl,
        discovery::{self, DiscoveryError, Endpoints},
    },
    web::secure_url::SecureUrl,
};
use serde_json::Value;

use super::read_by_browsers;

const ISSUER: &str = "https://idp.example/tenant";

pub fn check(bytes: &[u8]) -> bool {
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let answer = |status| ProviderAnswer { status, content_type: None, body: bytes.to_vec() };
    let judge = |status, given: &Endpoints| discovery::response(&answer(status), &issuer, given);
    for status in [201, 302, 404, 500] {
        assert_eq!(judge(status, &Endpoints::default()).err(), Some(DiscoveryError::UnexpectedStatus));
    }
    let Ok(metadata) = judge(200, &Endpoints::default()) else { return false };

    let document: Value = serde_json::from_slice(bytes).expect("metadata that is no JSON was accepted");
    assert_eq!((document["issuer"].as_str(), metadata.issuer.as_str()), (Some(ISSUER), ISSUER));
    assert!(!metadata.id_token_algs.is_empty());
    let required = [
        ("authorization_endpoint", Some(&metadata.authorization_endpoint)),
        ("token_endpoint", Some(&metadata.token_endpoint)),
        ("jwks_uri", Some(&metadata.jwks_uri)),
    ];
    let optional = [
        ("userinfo_endpoint", metadata.userinfo_endpoint.as_ref()),
        ("end_session_endpoint", metadata.end_session_endpoint.as_ref()),
    ];
    for (name, url) in required.into_iter().chain(optional) {
        assert_eq!(document[name].as_str(), url.map(SecureUrl::as_str), "{name}");
        url.map(read_by_browsers);
    }

    // What the operator gave wins, and the provider can't change it.
    let own = SecureUrl::parse("https://own.example/").ok();
    let given = Endpoints { token: own.clone(), jwks: own.clone(), ..Endpoints::default() };
    let metadata = judge(200, &given).expect("given endpoints made good metadata bad");
    assert_eq!((Some(&metadata.token_endpoint), Some(&metadata.jwks_uri)), (own.as_ref(), own.as_ref()));
    true
}
