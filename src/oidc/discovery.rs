//! OpenID Connect Discovery 1.0 §4: the provider's metadata.

use serde_json::Value;

use super::IssuerUrl;
use crate::{
    jose::Alg,
    json,
    oauth::{
        client_auth::ClientAuthMethod,
        exchange::{ProviderAnswer, ProviderRequest},
        introspection::IntrospectionEndpoint,
    },
    web::secure_url::SecureUrl,
};

/// What we need to know of a provider.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The issuer that this is true of.
    pub issuer: IssuerUrl,
    /// Where visitors sign in.
    pub authorization_endpoint: SecureUrl,
    /// Where codes are redeemed.
    pub token_endpoint: SecureUrl,
    /// Where the keys are.
    pub jwks_uri: SecureUrl,
    /// Where claims are, if anywhere.
    pub userinfo_endpoint: Option<SecureUrl>,
    /// Where visitors sign out (RP-Initiated Logout §2.1).
    pub end_session_endpoint: Option<SecureUrl>,
    /// Where tokens are revoked (RFC 7009, RFC 8414 §2).
    pub revocation_endpoint: Option<SecureUrl>,
    /// Where tokens are asked about (RFC 7662, RFC 8414 §2).
    pub introspection_endpoint: Option<IntrospectionEndpoint>,
    /// `token_endpoint_auth_methods_supported`.
    pub token_auth_methods: Option<Vec<String>>,
    /// The algorithms of `id_token_signing_alg_values_supported` that we take; never empty.
    pub id_token_algs: Vec<Alg>,
    /// Whether authorization responses carry `iss` (RFC 9207 §3).
    pub issuer_in_response: bool,
    /// Whether the provider may load our page in a frame to end a session (Front-Channel Logout §3).
    pub frontchannel_logout: bool,
}

/// Endpoints that the operator gave; each wins over discovery.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// `auth_uri`.
    pub authorization: Option<SecureUrl>,
    /// `token_uri`.
    pub token: Option<SecureUrl>,
    /// `jwks_uri`.
    pub jwks: Option<SecureUrl>,
    /// `userinfo_uri`.
    pub userinfo: Option<SecureUrl>,
    /// `token_introspection_uri`.
    pub introspection: Option<SecureUrl>,
    /// `revoke_uri`.
    pub revocation: Option<SecureUrl>,
    /// `end_session_uri`.
    pub end_session: Option<SecureUrl>,
}

/// Why an answer is not the metadata of the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoveryError {
    /// Not 200; a redirect is not followed.
    UnexpectedStatus,
    /// Not a JSON object.
    NotJson,
    /// `issuer` is absent or not the one that was asked (Discovery §4.3).
    IssuerMismatch,
    /// A required member is absent, of the wrong type, or not a URL that may be trusted.
    BadEndpoint,
    /// `id_token_signing_alg_values_supported` holds no algorithm that we take.
    NoCommonAlgorithm,
}

/// Asks for the metadata of `issuer` (Discovery §4.1: a trailing slash of the issuer is dropped first).
pub fn request(issuer: &IssuerUrl) -> Option<ProviderRequest> {
    let base = issuer.as_str().strip_suffix('/').unwrap_or(issuer.as_str());
    let url = SecureUrl::parse(&format!("{base}/.well-known/openid-configuration")).ok()?;
    Some(ProviderRequest::for_json(url))
}

/// Judges the answer (Discovery §4.3) and puts the operator's endpoints over it.
pub fn response(answer: &ProviderAnswer, issuer: &IssuerUrl, given: &Endpoints) -> Result<Metadata, DiscoveryError> {
    if answer.status != 200 {
        return Err(DiscoveryError::UnexpectedStatus);
    }
    // Discovery §4.2: in the media type application/json.
    if !answer.may_be_json() {
        return Err(DiscoveryError::NotJson);
    }
    let document = json::parse_object(&answer.body).map_err(|_| DiscoveryError::NotJson)?;
    // Discovery §4.3: the issuer MUST be identical to the one the URL was made from.
    if document.get("issuer").and_then(Value::as_str) != Some(issuer.as_str()) {
        return Err(DiscoveryError::IssuerMismatch);
    }
    let endpoint = |name: &str, given: &Option<SecureUrl>| match given {
        Some(url) => Ok(Some(url.clone())),
        None => optional_url(&document, name),
    };
    let required = |name: &str, given: &Option<SecureUrl>| endpoint(name, given)?.ok_or(DiscoveryError::BadEndpoint);
    let says = |name: &str| document.get(name) == Some(&Value::Bool(true));
    Ok(Metadata {
        issuer: issuer.clone(),
        authorization_endpoint: required("authorization_endpoint", &given.authorization)?,
        token_endpoint: required("token_endpoint", &given.token)?,
        jwks_uri: required("jwks_uri", &given.jwks)?,
        userinfo_endpoint: endpoint("userinfo_endpoint", &given.userinfo)?,
        end_session_endpoint: endpoint("end_session_endpoint", &given.end_session)?,
        revocation_endpoint: endpoint("revocation_endpoint", &given.revocation)?,
        introspection_endpoint: endpoint("introspection_endpoint", &given.introspection)?
            .map(|url| introspection(url, &document)),
        token_auth_methods: strings(&document, "token_endpoint_auth_methods_supported"),
        id_token_algs: algorithms(&document)?,
        issuer_in_response: says("authorization_response_iss_parameter_supported"),
        // Front-Channel Logout §3: what is left out means no. Some load frames all the same and don't say so.
        frontchannel_logout: document.get("frontchannel_logout_supported") != Some(&Value::Bool(false)),
    })
}

/// Metadata without discovery, when the operator gave every endpoint that a sign-in needs.
pub fn from_given(issuer: &IssuerUrl, given: &Endpoints) -> Option<Metadata> {
    Some(Metadata {
        issuer: issuer.clone(),
        authorization_endpoint: given.authorization.clone()?,
        token_endpoint: given.token.clone()?,
        jwks_uri: given.jwks.clone()?,
        userinfo_endpoint: given.userinfo.clone(),
        end_session_endpoint: given.end_session.clone(),
        revocation_endpoint: given.revocation.clone(),
        introspection_endpoint: given.introspection.clone().map(IntrospectionEndpoint::plain),
        token_auth_methods: None,
        id_token_algs: Alg::ALL.to_vec(),
        issuer_in_response: false,
        // Nobody has said that it does not.
        frontchannel_logout: true,
    })
}

fn optional_url(document: &json::Object, name: &str) -> Result<Option<SecureUrl>, DiscoveryError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => SecureUrl::parse(text).map(Some).map_err(|_| DiscoveryError::BadEndpoint),
        Some(_) => Err(DiscoveryError::BadEndpoint),
    }
}

fn strings(document: &json::Object, name: &str) -> Option<Vec<String>> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

// RS256 is what a provider must support (Discovery §3), so it stands in for an absent list.
fn algorithms(document: &json::Object) -> Result<Vec<Alg>, DiscoveryError> {
    let Some(names) = strings(document, "id_token_signing_alg_values_supported") else {
        return Ok(vec![Alg::Rs256]);
    };
    let algs: Vec<Alg> = names.iter().filter_map(|name| Alg::parse(name)).collect();
    if algs.is_empty() { Err(DiscoveryError::NoCommonAlgorithm) } else { Ok(algs) }
}

fn introspection(url: SecureUrl, document: &json::Object) -> IntrospectionEndpoint {
    let listed = |name: &str| strings(document, name).unwrap_or_default();
    // RFC 9701 §7: by an algorithm that we can check.
    let algs = listed("introspection_signing_alg_values_supported");
    // RFC 8414 §2
    let methods = listed("introspection_endpoint_auth_methods_supported");
    let takes = |method: ClientAuthMethod| methods.iter().any(|name| name == method.name());
    IntrospectionEndpoint {
        url,
        signs: algs.iter().any(|name| Alg::parse(name).is_some()),
        wants_basic: takes(ClientAuthMethod::Basic) && !takes(ClientAuthMethod::Post),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> IssuerUrl {
        IssuerUrl::parse("https://idp.example/tenant/").unwrap()
    }

    fn judge(status: u16, body: &str) -> Result<Metadata, DiscoveryError> {
        let answer = ProviderAnswer { status, content_type: None, body: body.as_bytes().to_vec() };
        response(&answer, &issuer(), &Endpoints::default())
    }

    fn document(replaced: &str, by: &str) -> String {
        let good = r#"{"issuer":"https://idp.example/tenant/","authorization_endpoint":"https://idp.example/auth",
            "token_endpoint":"https://idp.example/token","jwks_uri":"https://idp.example/jwks",
            "id_token_signing_alg_values_supported":["HS256","none","ES256"]}"#;
        assert!(good.contains(replaced));
        good.replace(replaced, by)
    }

    #[test]
    fn the_url_drops_one_trailing_slash() {
        let url = request(&issuer()).unwrap().url;
        assert_eq!(url.as_str(), "https://idp.example/tenant/.well-known/openid-configuration");
    }

    #[test]
    fn a_good_document() {
        let metadata = judge(200, &document("{", "{")).unwrap();
        assert_eq!(metadata.id_token_algs, [Alg::Es256]);
        assert!(metadata.end_session_endpoint.is_none());
        assert!(!metadata.issuer_in_response && metadata.frontchannel_logout);
        for said in [true, false] {
            let metadata =
                judge(200, &document("{", &format!(r#"{{"frontchannel_logout_supported":{said},"#))).unwrap();
            assert_eq!(metadata.frontchannel_logout, said);
        }
    }

    #[test]
    fn how_introspection_is_asked() {
        for (methods, wants_basic) in [
            (r#"["client_secret_basic","private_key_jwt"]"#, true),
            (r#"["client_secret_basic","client_secret_post"]"#, false),
            (r#"["client_secret_post"]"#, false),
            (r#"["private_key_jwt"]"#, false),
            (r#""client_secret_basic""#, false),
            ("null", false),
        ] {
            let more = format!(
                r#"{{"introspection_endpoint":"https://idp.example/ask",
                "introspection_endpoint_auth_methods_supported":{methods},"#
            );
            let metadata = judge(200, &document("{", &more)).unwrap();
            assert_eq!(metadata.introspection_endpoint.unwrap().wants_basic, wants_basic, "{methods}");
        }
    }

    #[test]
    fn whether_introspection_is_signed() {
        let signs = |more: &str| {
            let members = format!(r#"{{"introspection_endpoint":"https://idp.example/ask"{more},"#);
            judge(200, &document("{", &members)).unwrap().introspection_endpoint.unwrap().signs
        };
        for (algs, expected) in [
            (r#"["HS256","ES256"]"#, true),
            (r#"["EdDSA"]"#, true),
            (r#"["HS256","none"]"#, false),
            ("[]", false),
            ("true", false),
            ("null", false),
        ] {
            let more = format!(r#","introspection_signing_alg_values_supported":{algs}"#);
            assert_eq!(signs(&more), expected, "{algs}");
        }
        assert!(!signs(""));
    }

    #[test]
    fn lies() {
        for (replaced, by, error) in [
            ("tenant/\"", "tenant\"", DiscoveryError::IssuerMismatch),
            ("\"issuer\"", "\"x\"", DiscoveryError::IssuerMismatch),
            ("\"https://idp.example/tenant/\"", "[\"https://idp.example/tenant/\"]", DiscoveryError::IssuerMismatch),
            ("https://idp.example/token", "http://idp.example/token", DiscoveryError::BadEndpoint),
            ("https://idp.example/auth", "javascript:alert(1)", DiscoveryError::BadEndpoint),
            ("\"https://idp.example/jwks\"", "null", DiscoveryError::BadEndpoint),
            ("\"https://idp.example/jwks\"", "{}", DiscoveryError::BadEndpoint),
            (",\"ES256\"", "", DiscoveryError::NoCommonAlgorithm),
            ("}", "", DiscoveryError::NotJson),
        ] {
            assert_eq!(judge(200, &document(replaced, by)).err(), Some(error), "{replaced} -> {by}");
        }
        assert_eq!(judge(302, &document("{", "{")).err(), Some(DiscoveryError::UnexpectedStatus));
    }

    #[test]
    fn a_page_is_no_document() {
        let body = document("{", "{").into_bytes();
        let answer = ProviderAnswer { status: 200, content_type: Some("text/html".to_owned()), body };
        assert_eq!(response(&answer, &issuer(), &Endpoints::default()).err(), Some(DiscoveryError::NotJson));
    }

    #[test]
    fn given_endpoints_win() {
        let given = Endpoints { token: SecureUrl::parse("https://other.example/t").ok(), ..Endpoints::default() };
        let answer = ProviderAnswer { status: 200, content_type: None, body: document("{", "{").as_bytes().to_vec() };
        let metadata = response(&answer, &issuer(), &given).unwrap();
        assert_eq!(metadata.token_endpoint.as_str(), "https://other.example/t");
        assert!(from_given(&issuer(), &given).is_none());
    }
}
