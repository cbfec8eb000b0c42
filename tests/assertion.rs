//! The proof to the origin: what is signed, by which key, and that nothing passes without it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use edge_oidc::{
    jose::{Alg, JwkSet, UntrustedJwt, Verifier as _},
    origin::HeaderEdit,
};
use serde_json::{Value, json};
use support::{Answer, FakeRequest, SITE, TestKey, World, block_on, ring::RingVerifier};

fn settings(assertion: &Value, more: &Value) -> Value {
    let mut all = json!({
        "OIDC_ASSERTION": assertion, "OIDC_ASSERTION_KEY": [TestKey::es256().private_jwk(), TestKey::ed25519().jwk()],
        "OIDC_RULES": [{"path": "/public/*", "access": "public"}],
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    answer.set().into_iter().find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
}

/// The keys as an origin fetches them.
fn published(world: &World) -> Value {
    let answer = world.send(&FakeRequest::get("/oidc_jwks"));
    assert_eq!(answer.status(), 200);
    answer.json()
}

/// The claims of an assertion that the published keys vouch for.
fn claims(world: &World, token: &str) -> Value {
    let keys = JwkSet::parse(published(world).to_string().as_bytes()).unwrap();
    let untrusted = UntrustedJwt::parse(token).unwrap();
    block_on(untrusted.verify(&keys, &[Alg::Es256, Alg::EdDsa], &RingVerifier)).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap()
}

#[test]
fn an_identity_is_vouched_for() {
    let world = World::new(&settings(&json!({}), &json!({})));
    let alice = world.alice();
    let mut ids = Vec::new();
    for (method, target, htu) in [
        ("GET", "/a/b?c=d", "https://origin.example/a/b"),
        ("GET", "/", "https://origin.example/"),
        ("PROPFIND", "/%7euser", "https://origin.example/%7euser"),
    ] {
        world.host.pass(1);
        let answer = alice.send(FakeRequest::new(method, target).header("x-forwarded-assertion", "forged"));
        let mut claims = claims(&world, &header(&answer, "X-Forwarded-Assertion").unwrap());
        let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert!(id.as_str().unwrap().len() >= 22 && !ids.contains(&id));
        ids.push(id);
        let now = world.host.unix();
        assert_eq!(
            claims,
            json!({
                "iss": SITE, "aud": "https://origin.example", "sub": "alice", "email": "alice@example.org",
                "name": "Alice A", "preferred_username": "ali", "groups": ["staff"], "iat": now, "exp": now + 60,
                "htm": method, "htu": htu,
            })
        );
    }
}

#[test]
fn nobody_is_not_and_neither_is_who_is_refused() {
    let world = World::new(&settings(&json!({}), &json!({})));
    let answer = world.alice().send(FakeRequest::get("/public/a").header("x-forwarded-assertion", "forged"));
    assert_eq!(header(&answer, "X-Forwarded-Assertion"), None);
    world.host.take_counts();
    world.browser().visit("/");
    assert_eq!(world.host.take_counts().signatures, 0);
}

#[test]
fn for_whom_and_in_which_header() {
    let at = |origin: Value| json!({ "OIDC_ORIGIN": origin });
    let header_name = "X-Forwarded-Assertion";
    for (assertion, more, name, audience, htu) in [
        (json!({"audience": "app"}), json!({}), header_name, "app", "https://origin.example/a"),
        (
            json!({"header": "X-Proof"}),
            at(json!("https://o.example/p/")),
            "X-Proof",
            "https://o.example/p",
            "https://o.example/p/a",
        ),
        (json!({}), at(Value::Null), header_name, SITE, "https://site.example/a"),
        (json!({}), at(json!("binding")), header_name, SITE, "https://site.example/a"),
    ] {
        let world = World::new(&settings(&assertion, &more));
        let spoofed = name.to_ascii_lowercase().replace('-', "_");
        let answer = world.alice().send(FakeRequest::get("/a").header(&spoofed, "forged"));
        let claims = claims(&world, &header(&answer, name).unwrap());
        let said = ["aud", "iss", "htu"].map(|claim| claims[claim].as_str().unwrap());
        assert_eq!(said, [audience, SITE, htu], "{assertion}");
        assert!(answer.forward().edits.contains(&HeaderEdit::Remove(spoofed.into())));
    }
}

#[test]
fn no_claim_stands_in_for_one_of_ours() {
    let headers =
        json!({"OIDC_HEADERS": {"sub": "X-Sub", "iss": "X-Iss", "aud": "X-Aud", "htu": "X-Htu", "realm.x": "X-Realm"}});
    let world = World::new(&settings(&json!({}), &headers));
    let lies = json!({"sub": "alice", "htu": "https://evil.example/", "realm": {"x": 1, "y": 2}});
    *world.provider().account.borrow_mut() = lies;
    let answer = world.alice().visit("/a");
    let claims = claims(&world, &header(&answer, "X-Forwarded-Assertion").unwrap());
    assert_eq!(claims["iss"], SITE);
    assert_eq!(claims["aud"], "https://origin.example");
    assert_eq!(claims["htu"], "https://origin.example/a");
    assert_eq!(claims["realm"], json!({"x": 1}));
}

#[test]
fn all_keys_are_published_and_nothing_of_them_that_is_secret() {
    let world = World::new(&settings(&json!({}), &json!({})));
    let keys = published(&world);
    let public = |key: TestKey, alg: &str| {
        let mut jwk = key.jwk();
        jwk["alg"] = json!(alg);
        jwk["use"] = json!("sig");
        jwk
    };
    let expected = [public(TestKey::es256(), "ES256"), public(TestKey::ed25519(), "EdDSA")];
    assert_eq!(keys, json!({"keys": expected}));
    assert_eq!(World::usual().send(&FakeRequest::get("/oidc_jwks")).status(), 404);
    assert_eq!(world.send(&FakeRequest::new("POST", "/oidc_jwks")).status(), 405);
}

/// The signature base as RFC 9421 §2.5 has a verifier make it of what it got.
fn base_of(answer: &Answer, method: &str, authority: &str, target: &str) -> String {
    let input = header(answer, "Signature-Input").unwrap();
    let parameters = input.strip_prefix("edge-oidc=").unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let names = parameters[1..].split(')').next().unwrap();
    let mut base = String::new();
    for name in names.split(' ').map(|name| name.trim_matches('"')) {
        let value = match name {
            "@method" => method.to_owned(),
            "@authority" => authority.to_owned(),
            "@path" => path.to_owned(),
            "@query" => format!("?{query}"),
            name => answer.set().into_iter().find(|(set, _)| set.eq_ignore_ascii_case(name)).unwrap().1.to_owned(),
        };
        base.extend(["\"", name, "\": ", &value, "\n"]);
    }
    base + &format!("\"@signature-params\": {parameters}")
}

#[test]
fn a_whole_request_is_signed() {
    let key = TestKey::ed25519();
    let more = json!({"OIDC_ASSERTION_KEY": key.private_jwk(), "OIDC_ORIGIN": "HTTPS://Origin.example:08443/pre"});
    let world = World::new(&settings(&json!({"alg": "EdDSA", "signature": true}), &more));
    let alice = world.alice();
    for (method, target, got, covered) in [
        ("GET", "/a?b", "/a?b", true),
        ("POST", "/", "/", true),
        ("GET", "/public/a", "/public/a", false),
        // As the origin gets it from the platform, which has parsed the URL.
        ("GET", "/it's?b='c'&d=\u{e9}", "/it's?b=%27c%27&d=%C3%A9", true),
    ] {
        let forged = FakeRequest::new(method, target).header("signature", "x").header("signature-input", "x");
        let answer = alice.send(forged.header("cf-connecting-ip", "203.0.113.7"));
        let base = base_of(&answer, method, "origin.example:8443", &format!("/pre{got}"));
        let now = world.host.unix();
        assert!(base.contains(&format!(";created={now};expires={};nonce=\"", now + 60)), "{base}");
        assert!(base.contains(";keyid=\"ed25519\";alg=\"ed25519\";tag=\"edge-oidc\""), "{base}");
        assert!(base.contains("\"x-forwarded-for\": 203.0.113.7\n"), "{base}");
        assert_eq!(base.contains("\"x-forwarded-user\": alice\n"), covered, "{base}");
        assert_eq!(base.contains("\"x-forwarded-assertion\": "), covered, "{base}");
        let signature = header(&answer, "Signature").unwrap();
        let signature = signature.strip_prefix("edge-oidc=:").unwrap().strip_suffix(':').unwrap();
        let keys = JwkSet::parse(json!({"keys": [key.jwk()]}).to_string().as_bytes()).unwrap();
        let jwk = keys.candidates(Alg::EdDsa, None).next().unwrap();
        let signature = Base64::decode_vec(signature).unwrap();
        let verified = RingVerifier.verify(Alg::EdDsa, jwk, base.as_bytes(), &signature);
        assert_eq!(block_on(verified), Ok(true));
    }
}

#[test]
fn a_key_that_does_not_sign_lets_nothing_through() {
    // The private part is another one's.
    let mut key = TestKey::es256().private_jwk();
    key["x"] = json!(support::base64url(&[1; 32]));
    let world = World::new(&settings(&json!({}), &json!({"OIDC_ASSERTION_KEY": key})));
    let alice = world.alice();
    let answer = alice.visit("/");
    assert_eq!((answer.status(), world.host.last_event()), (500, "assertion.not_signed"));
    assert!(alice.visit("/public/a").is_forward());
}
