//! What the modules about signing in ask: each sets up one thing at the provider and sees what comes of it.

use edge_oidc::jose::Alg;
use serde_json::{Value, json};

use crate::{
    plan::Plan,
    recording::{Asked, Recording},
    support::{
        Browser, Callback, Endpoint, FakeRequest, SITE, START, TestKey, World, block_on,
        mint::{claim, hmac_keyed, mint, resigned, signature, split, two, without, without_header},
        provider::{CLIENT_SECRET, ISSUER, Lies, Mint, form, query},
        ring::jwks_document,
    },
};

fn assert_signs_in(world: &World, browser: &Browser<'_>) {
    let answer = browser.sign_in("/oidc_login?next=/a");
    assert_eq!((answer.status(), world.host.last_event()), (302, "sign_in.finished"));
    assert_eq!(answer.location(), "/a");
    assert_eq!(browser.visit("/a").user(), Some("alice"));
}

/// With the lie there is no session, and the log says why; without it the same browser signs in.
fn assert_refused(plan: Plan, lie: impl FnOnce(&mut Lies), code: &str) {
    let world = plan.world();
    world.provider().lie(lie);
    let browser = world.browser();
    let mut answer = browser.visit("/a");
    if answer.status() == 302 {
        answer = browser.land(&world.provider().authorize(answer.location()));
    }
    assert_eq!((answer.status(), world.host.last_event()), (502, code));
    assert!(browser.session().is_none() && world.host.store.borrow().is_empty());
    assert_eq!(browser.fetch("/a").status(), 401);
    world.provider().be_honest();
    plan.prepare(&world);
    world.host.pass(61);
    assert_signs_in(&world, &browser);
}

fn refuses(plan: Plan, lie: Mint, code: &str) {
    assert_refused(plan, |lies| lies.id_token = Some(lie), code);
}

fn accepts(plan: Plan, lie: impl FnOnce(&mut Lies)) {
    let world = plan.world();
    world.provider().lie(lie);
    assert_signs_in(&world, &world.browser());
}

/// A second RSA key, of which nobody has the private half.
fn stranger() -> Value {
    let mut jwk = TestKey::rs256().with_kid(None).jwk();
    let modulus = jwk["n"].as_str().unwrap();
    let (head, tail) = modulus.split_at(100);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    jwk["n"] = json!(format!("{head}{other}{}", &tail[1..]));
    jwk
}

/// The way back, watched.
fn watched(world: &World, target: &str) -> Vec<Asked> {
    let browser = world.browser();
    let callback = browser.go_to_provider(target);
    let request = match &callback.form {
        None => FakeRequest::page(&callback.url),
        Some(form) => FakeRequest::post(&callback.url, form).navigation(),
    };
    let request = request.header("sec-fetch-site", "cross-site").cookies(&browser.cookies_for(&callback.url));
    let recording = Recording::new(&world.host);
    block_on(world.gateway.handle(&recording, &request));
    assert_eq!(world.host.last_event(), "sign_in.finished");
    recording.asked.into_inner()
}

fn asked(all: &[Asked], endpoint: Endpoint) -> &Asked {
    all.iter().find(|asked| asked.endpoint == endpoint).unwrap()
}

pub(crate) fn signs_in(plan: Plan) {
    accepts(plan, |_| ());
}

pub(crate) fn issuer_in_id_token(plan: Plan) {
    refuses(plan, claim("iss", json!("https://idp.example/other")), "id_token.issuer_mismatch");
}

pub(crate) fn missing_subject(plan: Plan) {
    refuses(plan, without("sub"), "id_token.claim_missing");
}

pub(crate) fn audience(plan: Plan) {
    refuses(plan, claim("aud", json!("another client")), "id_token.audience_mismatch");
}

pub(crate) fn missing_audience(plan: Plan) {
    refuses(plan, without("aud"), "id_token.claim_missing");
}

pub(crate) fn second_audience(plan: Plan) {
    refuses(plan, claim("aud", json!(["me", "another client"])), "id_token.authorized_party");
    let lie = two(("aud", json!(["me", "another client"])), ("azp", json!("another client")));
    refuses(plan, lie, "id_token.authorized_party");
}

pub(crate) fn audience_as_a_list(plan: Plan) {
    accepts(plan, |lies| lies.id_token = Some(claim("aud", json!(["me"]))));
}

pub(crate) fn missing_issuer(plan: Plan) {
    refuses(plan, without("iss"), "id_token.claim_missing");
}

pub(crate) fn missing_issue_time(plan: Plan) {
    refuses(plan, without("iat"), "id_token.claim_missing");
}

pub(crate) fn expired(plan: Plan) {
    refuses(plan, claim("exp", json!(START - 301)), "id_token.expired");
}

pub(crate) fn missing_expiry(plan: Plan) {
    refuses(plan, without("exp"), "id_token.claim_missing");
}

pub(crate) fn nonce(plan: Plan) {
    refuses(plan, claim("nonce", json!("another sign-in's")), "id_token.nonce_mismatch");
}

pub(crate) fn missing_nonce(plan: Plan) {
    refuses(plan, without("nonce"), "id_token.nonce_mismatch");
}

pub(crate) fn access_token_hash(plan: Plan) {
    refuses(plan, claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")), "id_token.at_hash_mismatch");
}

pub(crate) fn unsigned_id_token(plan: Plan) {
    let unsigned = || {
        mint(|mut token| {
            token.header = json!({"alg": "none"});
            format!("{}.", split(&token.sign()).0)
        })
    };
    refuses(plan, unsigned(), "id_token.algorithm");
    // Nor when the provider announces it.
    let announced = |lies: &mut Lies| {
        lies.id_token = Some(unsigned());
        lies.edit(Endpoint::Metadata, |metadata| {
            metadata["id_token_signing_alg_values_supported"] = json!(["RS256", "PS256", "none"]);
        });
    };
    assert_refused(plan, announced, "id_token.algorithm");
}

pub(crate) fn other_algorithm_of_the_key(plan: Plan) {
    refuses(plan, mint(|token| resigned(&token, TestKey::rs256().with_alg(Alg::Rs256))), "id_token.algorithm");
}

pub(crate) fn broken_signature(plan: Plan) {
    let broken = |_: &str, mut signature: Vec<u8>| {
        signature[5] ^= 0x5a;
        signature
    };
    refuses(plan, signature(broken), "id_token.bad_signature");
}

pub(crate) fn broken_es256_signature(plan: Plan) {
    let world = plan.world();
    world.provider().rotate(TestKey::es256());
    let announce = |lies: &mut Lies| {
        lies.edit(Endpoint::Metadata, |metadata| {
            metadata["id_token_signing_alg_values_supported"] = json!(["ES256"]);
        });
    };
    world.provider().lie(announce);
    let broken = |_: &str, mut signature: Vec<u8>| {
        signature[5] ^= 0x5a;
        signature
    };
    world.provider().lie(|lies| lies.id_token = Some(signature(broken)));
    let browser = world.browser();
    assert_eq!((browser.sign_in("/a").status(), world.host.last_event()), (502, "id_token.bad_signature"));
    assert!(browser.session().is_none());
    world.provider().be_honest();
    world.provider().lie(announce);
    assert_signs_in(&world, &browser);
}

pub(crate) fn hs256_signature(plan: Plan) {
    let wrong = || hmac_keyed("HS256", |_| b"another secret".to_vec());
    refuses(plan, wrong(), "id_token.algorithm");
    // We take no symmetric algorithm, so even the right key does not help, announced or not.
    refuses(plan, hmac_keyed("HS256", |_| CLIENT_SECRET.as_bytes().to_vec()), "id_token.algorithm");
}

pub(crate) fn lone_key_without_a_name(plan: Plan) {
    let world = plan.world();
    world.provider().rotate(TestKey::rs256().with_kid(None));
    assert_signs_in(&world, &world.browser());
}

pub(crate) fn several_keys_without_names(plan: Plan) {
    let world = plan.world();
    world.provider().rotate(TestKey::rs256().with_kid(None));
    world.provider().jwks.borrow_mut()["keys"].as_array_mut().unwrap().insert(0, stranger());
    assert_signs_in(&world, &world.browser());
    // A key of the set alone does not make a token good.
    let world = plan.world();
    world.provider().rotate(TestKey::rs256().with_kid(None));
    *world.provider().jwks.borrow_mut() = json!({"keys": [stranger(), stranger()]});
    world.provider().lie(|lies| lies.id_token = Some(without_header("kid")));
    assert_eq!((world.browser().sign_in("/a").status(), world.host.last_event()), (502, "id_token.unknown_key"));
}

pub(crate) fn keys_that_nobody_can_read(plan: Plan) {
    let world = plan.world();
    let odd = [
        json!({"kty": "AKP", "alg": "ML-DSA-99", "pub": "AAAA", "kid": "post-quantum"}),
        json!({"kty": "made-up", "kid": "unheard of"}),
    ];
    for key in odd {
        world.provider().jwks.borrow_mut()["keys"].as_array_mut().unwrap().insert(0, key);
    }
    assert_signs_in(&world, &world.browser());
}

pub(crate) fn userinfo_of_another_subject(plan: Plan) {
    let lie = |lies: &mut Lies| lies.edit(Endpoint::Userinfo, |claims| claims["sub"] = json!("mallory"));
    assert_refused(plan, lie, "userinfo.subject_mismatch");
}

pub(crate) fn signed_userinfo(plan: Plan) {
    let token = TestKey::rs256().token(&json!({"iss": ISSUER, "aud": "me", "sub": "alice"}));
    let lie = |lies: &mut Lies| lies.answer(Endpoint::Userinfo, 200, "application/jwt", token);
    assert_refused(plan, lie, "userinfo.signed");
}

pub(crate) fn userinfo_claims_by_scope(plan: Plan) {
    let world = plan.world();
    let browser = world.browser();
    let scope = query(browser.visit("/a").location())["scope"].clone();
    assert_eq!(scope.split(' ').collect::<Vec<_>>(), ["openid", "email"]);
    browser.sign_in("/a");
    // Claims that only userinfo has reach the origin.
    let page = browser.visit("/a");
    assert!(page.stamped().contains(&("X-Forwarded-Preferred-Username", "ali")));
    assert!(page.stamped().contains(&("X-Forwarded-Groups", "staff")));
}

pub(crate) fn client_secret_basic(plan: Plan) {
    let world = plan.world();
    world.provider().lie(|lies| {
        lies.edit(Endpoint::Metadata, |metadata| {
            metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
        });
    });
    let all = watched(&world, "/a");
    let token = asked(&all, Endpoint::Token);
    assert!(token.authorization.as_deref().unwrap().starts_with("Basic "));
    assert!(!token.body.contains("client_secret") && !token.body.contains("client_id"));
}

pub(crate) fn userinfo_by_header(plan: Plan) {
    let all = watched(&plan.world(), "/a");
    let userinfo = asked(&all, Endpoint::Userinfo);
    assert!(userinfo.authorization.as_deref().unwrap().starts_with("Bearer access-"));
    assert_eq!((userinfo.url.as_str(), userinfo.body.as_str()), ("https://idp.example/userinfo", ""));
}

pub(crate) fn discovery(plan: Plan) {
    let world = plan.world();
    assert_signs_in(&world, &world.browser());
    let counts = world.host.take_counts();
    assert_eq!((counts.of(Endpoint::Metadata), counts.of(Endpoint::Elsewhere)), (1, 0));
}

pub(crate) fn keys_of_jwks_uri(plan: Plan) {
    let world = plan.world();
    assert_signs_in(&world, &world.browser());
    assert_eq!(world.host.take_counts().of(Endpoint::Jwks), 1);
    // Keys that did not sign don't help.
    let lie = |lies: &mut Lies| {
        let keys = jwks_document([&TestKey::es256()]);
        lies.edit(Endpoint::Jwks, move |jwks| *jwks = keys.clone());
    };
    let world = plan.world();
    world.provider().lie(lie);
    assert_eq!((world.browser().sign_in("/a").status(), world.host.last_event()), (502, "id_token.unknown_key"));
}

pub(crate) fn issuer_in_metadata(plan: Plan) {
    let lie =
        |lies: &mut Lies| lies.edit(Endpoint::Metadata, |metadata| metadata["issuer"] = json!("https://evil.example"));
    assert_refused(plan, lie, "discovery.issuer_mismatch");
}

/// Both keys are of algorithms that the provider announced all along.
fn with_two_algorithms(plan: Plan) -> World {
    let world = plan.world();
    world.provider().lie(|lies| {
        lies.edit(Endpoint::Metadata, |metadata| {
            metadata["id_token_signing_alg_values_supported"] = json!(["RS256", "ES256"]);
        });
    });
    world
}

pub(crate) fn key_rotation(plan: Plan) {
    let world = with_two_algorithms(plan);
    assert_signs_in(&world, &world.browser());
    world.provider().rotate(TestKey::es256());
    assert_signs_in(&world, &world.browser());
    assert_eq!(world.host.take_counts().of(Endpoint::Jwks), 2);
}

pub(crate) fn key_rotation_just_before_signing(plan: Plan) {
    let world = with_two_algorithms(plan);
    assert_signs_in(&world, &world.browser());
    let browser = world.browser();
    let callback = browser.go_to_provider("/a");
    world.provider().rotate(TestKey::es256());
    assert_eq!(browser.land(&callback).location(), "/a");
    assert_eq!(world.host.take_counts().of(Endpoint::Jwks), 2);
}

/// The way back with one parameter changed or gone.
fn tampered(callback: &Callback, name: &str, value: Option<&str>) -> Callback {
    let mut parameters = query(&callback.url);
    match value {
        Some(value) => drop(parameters.insert(name.to_owned(), value.to_owned())),
        None => drop(parameters.remove(name)),
    }
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Callback { url: format!("{SITE}/oidc_callback?{}", form(&pairs)), form: None }
}

fn refuses_response(plan: Plan, name: &str, value: Option<&str>, code: &str) {
    let world = plan.world();
    let browser = world.browser();
    let callback = browser.go_to_provider("/a");
    world.host.take_counts();
    let answer = browser.land(&tampered(&callback, name, value));
    assert_eq!((answer.status(), world.host.last_event()), (400, code));
    assert!(browser.session().is_none());
    assert!(world.host.take_counts().calls.is_empty(), "nothing at the provider is called");
    assert_signs_in(&world, &world.browser());
}

pub(crate) fn issuer_in_response(plan: Plan) {
    refuses_response(plan, "iss", Some("https://evil.example"), "callback.issuer_mismatch");
}

pub(crate) fn missing_issuer_in_response(plan: Plan) {
    refuses_response(plan, "iss", None, "callback.issuer_mismatch");
}

pub(crate) fn state(plan: Plan) {
    refuses_response(plan, "state", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "callback.state_mismatch");
}

pub(crate) fn missing_state(plan: Plan) {
    refuses_response(plan, "state", None, "callback.state_missing");
}

pub(crate) fn error_by_form_post(_: Plan) {
    let world = Plan::FormPostBasic.world();
    let browser = world.browser();
    let callback = browser.go_to_provider("/a");
    let state = query(&format!("?{}", callback.form.as_deref().unwrap()))["state"].clone();
    let error = form(&[("state", &state), ("error", "login_required"), ("error_description", "by form_post")]);
    world.host.take_counts();
    let answer = browser.land(&Callback { url: callback.url, form: Some(error) });
    assert_eq!((answer.status(), world.host.last_event()), (401, "callback.provider_error"));
    assert!(answer.body().contains("login_required") && browser.session().is_none());
    assert!(world.host.take_counts().calls.is_empty());
}

pub(crate) fn no_token_lifetime(plan: Plan) {
    accepts(plan, |lies| {
        lies.edit(Endpoint::Token, |answer| drop(answer.as_object_mut().unwrap().remove("expires_in")));
    });
}

pub(crate) fn token_type_in_another_case(plan: Plan) {
    accepts(plan, |lies| lies.edit(Endpoint::Token, |answer| answer["token_type"] = json!("bEARER")));
}

pub(crate) fn third_party_login(plan: Plan) {
    let world = plan.world();
    let browser = world.browser();
    let start = FakeRequest::page("/oidc_login?iss=https%3A%2F%2Fidp.example").header("sec-fetch-site", "cross-site");
    let answer = browser.send(start);
    assert_eq!(browser.land(&world.provider().authorize(answer.location())).location(), "/");
    assert_eq!(browser.visit("/").user(), Some("alice"));
    // Whatever issuer a link names, visitors go to the configured one; where a link would lead to, they don't.
    let evil = "/oidc_login?iss=https%3A%2F%2Fevil.example&target_link_uri=https%3A%2F%2Fevil.example";
    let answer = world.browser().visit(evil);
    assert!(answer.location().starts_with("https://idp.example/authorize?"));
    let browser = world.browser();
    let answer = browser.visit(evil);
    assert_eq!(browser.land(&world.provider().authorize(answer.location())).location(), "/");
}

/// Signed in, and visits again when the tokens are nearly over: the status, and what the log says of the ID token.
fn when_due(plan: Plan, lie: Option<Mint>) -> (u16, Option<&'static str>) {
    let world = plan.world();
    let browser = world.browser();
    assert_signs_in(&world, &browser);
    world.provider().lie(|lies| lies.id_token = lie);
    world.host.pass(3580);
    world.host.take_counts();
    let answer = browser.visit("/a");
    assert_eq!(world.host.take_counts().of(Endpoint::Token), 1);
    (answer.status(), world.host.events().into_iter().find(|event| event.starts_with("id_token.")))
}

pub(crate) fn refresh(plan: Plan) {
    // Forwarded.
    assert_eq!(when_due(plan, None), (0, None));
}

pub(crate) fn refreshed_issuer(plan: Plan) {
    let lie = claim("iss", json!("https://evil.example"));
    assert_eq!(when_due(plan, Some(lie)), (302, Some("id_token.issuer_mismatch")));
}

pub(crate) fn refreshed_subject(plan: Plan) {
    assert_eq!(when_due(plan, Some(claim("sub", json!("mallory")))), (302, Some("id_token.discontinued")));
}

pub(crate) fn refreshed_audience(plan: Plan) {
    assert_eq!(when_due(plan, Some(claim("aud", json!("another client")))), (302, Some("id_token.audience_mismatch")));
}

pub(crate) fn refreshed_party(plan: Plan) {
    assert_eq!(when_due(plan, Some(claim("azp", json!("another client")))), (302, Some("id_token.authorized_party")));
}
