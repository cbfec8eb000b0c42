use serde_json::{Value, json};

use super::{management, *};
use crate::oauth::exchange::Method;

fn answer(status: u16, body: &str) -> ProviderAnswer {
    ProviderAnswer { status, content_type: Some("application/json".to_owned()), body: body.as_bytes().to_vec() }
}

fn document(more: &Value) -> String {
    let mut document = json!({
        "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/auth",
        "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/jwks",
        "registration_endpoint": "https://idp.example/register",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document.to_string()
}

fn discovered(asked: &str, more: &Value) -> Result<Provider, DiscoveryError> {
    provider(&answer(200, &document(more)), &IssuerUrl::parse(asked).unwrap())
}

fn client() -> ClientMetadata {
    ClientMetadata {
        redirect_uris: check_redirect_uris(&["https://site.example/oidc_callback"], None).unwrap(),
        auth_method: ClientAuthMethod::Post,
        client_name: None,
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
    }
}

fn sent(request: &ProviderRequest) -> Value {
    request.body.as_deref().unwrap().parse().unwrap()
}

fn header<'r>(request: &'r ProviderRequest, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
}

#[test]
fn the_slash_at_the_end_of_the_issuer_does_not_matter() {
    for (asked, issuer, expected) in [
        ("https://idp.example", "https://idp.example", true),
        ("https://idp.example/", "https://idp.example", true),
        ("https://idp.example", "https://idp.example/", true),
        ("https://idp.example/a/", "https://idp.example/a", true),
        ("https://idp.example/a", "https://idp.example/b", false),
        ("https://idp.example", "https://IDP.example", false),
        ("https://idp.example", "https://evil.example", false),
    ] {
        let verdict = discovered(asked, &json!({ "issuer": issuer }));
        match verdict {
            Ok(provider) => assert!(expected && provider.metadata.issuer.as_str() == issuer, "{asked} {issuer}"),
            Err(error) => assert!(!expected && error == DiscoveryError::IssuerMismatch, "{asked} {issuer}"),
        }
    }
}

#[test]
fn endpoints_are_judged() {
    let provider =
        discovered("https://idp.example", &json!({"introspection_endpoint": "https://idp.example/i"})).unwrap();
    assert_eq!(provider.registration_endpoint.unwrap().as_str(), "https://idp.example/register");
    assert_eq!(provider.introspection_endpoint.unwrap().as_str(), "https://idp.example/i");
    assert!(provider.metadata.revocation_endpoint.is_none());
    for name in ["registration_endpoint", "introspection_endpoint", "revocation_endpoint"] {
        for bad in [json!("http://idp.example/"), json!(7), json!("")] {
            let verdict = discovered("https://idp.example", &json!({ name: bad }));
            assert_eq!(verdict.err(), Some(DiscoveryError::BadEndpoint), "{name}");
        }
    }
}

#[test]
fn the_least_request() {
    let provider = discovered("https://idp.example", &json!({})).unwrap();
    let request = request(&provider, &client(), None).unwrap();
    assert_eq!((request.method, request.url.as_str()), (Method::Post, "https://idp.example/register"));
    assert_eq!(header(&request, "Content-Type"), Some("application/json"));
    assert_eq!(header(&request, "Authorization"), None);
    assert_eq!(
        sent(&request),
        json!({
            "redirect_uris": ["https://site.example/oidc_callback"], "application_type": "web",
            "token_endpoint_auth_method": "client_secret_post", "response_types": ["code"],
            "grant_types": ["authorization_code"],
        })
    );
}

#[test]
fn the_request_says_all_of_it() {
    let provider =
        discovered("https://idp.example", &json!({"grant_types_supported": ["refresh_token", "authorization_code"]}));
    let client = ClientMetadata {
        redirect_uris: check_redirect_uris(&["http://localhost:1/oidc_callback"], None).unwrap(),
        auth_method: ClientAuthMethod::None,
        client_name: Some("The \"site\"".to_owned()),
        post_logout_redirect_uris: vec!["http://localhost:1/bye".to_owned()],
        backchannel_logout_uri: Some("http://localhost:1/oidc_backchannel_logout".to_owned()),
    };
    let token = Secret::new("initial".to_owned());
    let request = request(&provider.unwrap(), &client, Some(&token)).unwrap();
    assert_eq!(header(&request, "Authorization"), Some("Bearer initial"));
    assert_eq!(
        sent(&request),
        json!({
            "redirect_uris": ["http://localhost:1/oidc_callback"], "application_type": "native",
            "token_endpoint_auth_method": "none", "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "client_name": "The \"site\"",
            "post_logout_redirect_uris": ["http://localhost:1/bye"],
            "backchannel_logout_uri": "http://localhost:1/oidc_backchannel_logout",
            "backchannel_logout_session_required": true,
        })
    );
}

#[test]
fn a_provider_without_registration() {
    let provider = discovered("https://idp.example", &json!({ "registration_endpoint": null })).unwrap();
    assert!(request(&provider, &client(), None).is_none());
}

const GOOD: &str = r#"{"client_id":"c","client_secret":"hush","client_secret_expires_at":1700000000,"client_id_issued_at":1,
    "registration_access_token":"rat","registration_client_uri":"https://idp.example/register/c",
    "redirect_uris":["https://site.example/oidc_callback"],"client_name":"n","token_endpoint_auth_method":"client_secret_post"}"#;

#[test]
fn a_good_answer() {
    for status in [200, 201] {
        let registration = response(&answer(status, GOOD), ClientAuthMethod::Post).unwrap();
        assert_eq!(registration.client_id.as_str(), "c");
        assert_eq!(registration.client_secret.as_ref().unwrap().expose(), "hush");
        assert_eq!(registration.secret_expires_at, Some(Timestamp::from_unix(1_700_000_000)));
        assert_eq!(registration.auth_method(), Some("client_secret_post"));
        let access = registration.access.as_ref().unwrap();
        assert_eq!((access.uri.as_str(), access.token.expose().as_str()), ("https://idp.example/register/c", "rat"));
        assert_eq!(registration.metadata.len(), 3);
        let shown = format!("{registration:?}");
        assert!(!shown.contains("hush") && !shown.contains("\"rat\""), "{shown}");
    }
}

#[test]
fn answers_that_say_little() {
    let judge = |body, asked| response(&answer(201, body), asked).unwrap();
    let registration =
        judge(r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0}"#, ClientAuthMethod::Post);
    assert!(registration.secret_expires_at.is_none() && registration.access.is_none());
    // Half of the access is none.
    let half = r#"{"client_id":"c","client_secret":"s","registration_access_token":"rat"}"#;
    assert!(judge(half, ClientAuthMethod::Basic).access.is_none());
    // A public client, because we asked for one or because the provider made one.
    assert!(judge(r#"{"client_id":"c"}"#, ClientAuthMethod::None).client_secret.is_none());
    let public = r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#;
    assert!(judge(public, ClientAuthMethod::Post).client_secret.is_none());
}

#[test]
fn bad_answers() {
    let refused = "Error occured during registration: ";
    for (status, body, expected) in [
        (400, r#"{"error":"invalid_redirect_uri"}"#, format!("{refused}invalid_redirect_uri")),
        (400, r#"{"error":"a","error_description":"because"}"#, format!("{refused}a (because)")),
        (401, r#"{"error":"invalid_token"}"#, format!("{refused}invalid_token")),
        (200, r#"{"error":"a","error_description":"no"}"#, format!("{refused}a (no)")),
        (201, r#"{"error":"a","client_id":"c","client_secret":"s"}"#, format!("{refused}a")),
        (400, r#"{"error":"a\u001b[31m\n","error_description":"\u202eö\u0000"}"#, format!("{refused}a?[31m? (?ö?)")),
        (400, r#"{"error":7}"#, "Error: the server returned HTTP 400".to_owned()),
        (403, "<h1>no</h1>", "Error: the server returned HTTP 403".to_owned()),
        (500, r#"{"error":"a"}"#, "Error: the server returned HTTP 500".to_owned()),
        (302, GOOD, "Error: the server returned HTTP 302".to_owned()),
        (204, "", "Error: the server returned HTTP 204".to_owned()),
        (201, "", "expected JSON, got something else".to_owned()),
        (201, "[]", "expected a JSON object, got another value".to_owned()),
        (201, r#"{"client_id":"c","client_id":"d"}"#, "expected unique member names, got one twice".to_owned()),
    ] {
        let error = response(&answer(status, body), ClientAuthMethod::Post).unwrap_err();
        assert_eq!(error.to_string(), expected, "{status} {body}");
    }
    for (body, member) in [
        (r#"{"client_secret":"s"}"#, "client_id"),
        (r#"{"client_id":"","client_secret":"s"}"#, "client_id"),
        (r#"{"client_id":7,"client_secret":"s"}"#, "client_id"),
        (r#"{"client_id":"c"}"#, "client_secret"),
        (r#"{"client_id":"c","client_secret":""}"#, "client_secret"),
        (r#"{"client_id":"c","client_secret":{}}"#, "client_secret"),
        (r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":1}"#, "token_endpoint_auth_method"),
        (r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":"soon"}"#, "client_secret_expires_at"),
        (
            r#"{"client_id":"c","client_secret":"s","registration_client_uri":"http://idp.example/"}"#,
            "registration_client_uri",
        ),
        (
            r#"{"client_id":"c","client_secret":"s","registration_client_uri":"https://idp.example/","registration_access_token":"a\r\nb"}"#,
            "registration_access_token",
        ),
    ] {
        let error = response(&answer(201, body), ClientAuthMethod::Post).unwrap_err();
        assert_eq!(error, RegistrationError::Malformed(member), "{body}");
    }
}

#[test]
fn a_refusal_is_cut() {
    let body = json!({"error": "e".repeat(1000), "error_description": "d".repeat(1000)}).to_string();
    let RegistrationError::Refused(refusal) = response(&answer(400, &body), ClientAuthMethod::Post).unwrap_err() else {
        panic!("expected a refusal");
    };
    assert_eq!(refusal.code.as_str().len(), 64);
    assert_eq!(refusal.description.unwrap().as_str().len(), 300);
}

#[test]
fn management_is_authorized() {
    let known = response(&answer(201, GOOD), ClientAuthMethod::Post).unwrap();
    let access = known.access.as_ref().unwrap();
    let changes = json!({"client_name": null, "redirect_uris": ["https://new.example/oidc_callback"]});
    let update = management::update(access, &known, changes.as_object().unwrap());
    // RFC 7592 §2.2: all of it but the four members of the server.
    assert_eq!(
        sent(&update),
        json!({
            "client_id": "c", "client_secret": "hush", "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": ["https://new.example/oidc_callback"],
        })
    );
    for (request, method) in
        [(management::read(access), Method::Get), (update, Method::Put), (management::delete(access), Method::Delete)]
    {
        assert_eq!((request.method, request.url.as_str()), (method, "https://idp.example/register/c"));
        assert_eq!(header(&request, "Authorization"), Some("Bearer rat"));
    }
}

#[test]
fn what_an_answer_leaves_out_stays() {
    let known = response(&answer(201, GOOD), ClientAuthMethod::Post).unwrap();
    let judge = |body: &str| management::response(&answer(200, body), &known);
    let same = judge(r#"{"client_id":"c"}"#).unwrap();
    assert_eq!(same.client_secret, known.client_secret);
    assert_eq!(same.access.unwrap().token.expose(), "rat");
    let rotated = judge(
        r#"{"client_id":"c","client_secret":"new","registration_access_token":"new","registration_client_uri":"https://idp.example/2"}"#,
    )
    .unwrap();
    assert_eq!(rotated.client_secret.unwrap().expose(), "new");
    let access = rotated.access.unwrap();
    assert_eq!((access.uri.as_str(), access.token.expose().as_str()), ("https://idp.example/2", "new"));
    assert_eq!(judge(r#"{"client_id":"d"}"#).unwrap_err(), RegistrationError::OtherClient);
    assert_eq!(judge("").unwrap_err().to_string(), "expected JSON, got something else");
    let error = management::response(&answer(201, GOOD), &known).unwrap_err();
    assert_eq!(error, RegistrationError::UnexpectedStatus(201));
    let error = management::response(&answer(401, r#"{"error":"invalid_token"}"#), &known).unwrap_err();
    assert_eq!(error.to_string(), "Error occured during registration: invalid_token");
}

#[test]
fn the_end_of_a_registration() {
    for (status, body, ended) in [
        (204, "", true),
        (200, "{}", true),
        (202, "", false),
        (302, "", false),
        (401, "", false),
        (403, r#"{"error":"access_denied"}"#, false),
        (405, "", false),
        (500, "", false),
    ] {
        assert_eq!(management::deleted(&answer(status, body)).is_ok(), ended, "{status}");
    }
}
