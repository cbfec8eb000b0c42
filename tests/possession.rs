//! Tokens that are bound: to a key, which a proof shows (RFC 9449), or to a client certificate (RFC 8705).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

#[allow(dead_code, reason = "shared with the tests of the library, which use all of it")]
#[path = "embed/around.rs"]
mod around;
mod support;

use around::{Around, Visit};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{Answer, FakeRequest, SITE, START, TestKey, World, base64url};

const TOKEN: &str = "bound-token";

fn world(settings: &Value) -> World {
    let mut all = json!({"OIDC_RULES": [{"path": "/api/*", "access": "token"}]});
    for (name, value) in settings.as_object().unwrap() {
        all[name] = value.clone();
    }
    let world = World::new(&all);
    world.provider().introspects.set(true);
    world
}

/// The world in which the token is bound to the key that [`Proof`] signs with.
fn bound() -> World {
    let world = world(&json!({}));
    bind(&world);
    world
}

fn bind(world: &World) {
    let cnf = json!({"jkt": thumbprint(&TestKey::es256())});
    world.provider().opaque(TOKEN, &json!({"sub": "alice", "token_type": "DPoP", "cnf": cnf}));
}

/// RFC 7638 §3.2.
fn thumbprint(key: &TestKey) -> String {
    let jwk = key.jwk();
    let members = ["crv", "kty", "x", "y"].map(|name| format!("\"{name}\":{}", jwk[name])).join(",");
    base64url(&Sha256::digest(format!("{{{members}}}")))
}

fn jwk(key: &TestKey) -> Value {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().remove("kid");
    jwk
}

/// What an honest proof for `GET /api/x` holds.
struct Proof {
    header: Value,
    claims: Value,
    key: TestKey,
}

impl Proof {
    fn new(id: &str) -> Self {
        let key = TestKey::es256();
        let claims = json!({"jti": id, "htm": "GET", "htu": format!("{SITE}/api/x"), "iat": START,
            "ath": base64url(&Sha256::digest(TOKEN))});
        Self { header: json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&key)}), claims, key }
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self.claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self
    }

    fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self.header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self
    }

    fn sign(&self) -> String {
        self.key.token_of(self.header.to_string(), self.claims.to_string())
    }
}

fn with_proof(world: &World, proof: &str) -> Answer {
    world.send(&proved(proof))
}

fn proved(proof: &str) -> FakeRequest {
    FakeRequest::get("/api/x").header("authorization", &format!("DPoP {TOKEN}")).header("dpop", proof)
}

#[test]
fn a_proof_lets_the_token_count_once() {
    let world = bound();
    let proof = Proof::new("1").sign();
    let answer = with_proof(&world, &proof);
    assert_eq!(answer.user(), Some("alice"));
    let answer = with_proof(&world, &proof);
    assert_eq!((answer.status(), world.host.last_event()), (401, "proof.replayed"));
    let header = answer.header("www-authenticate").unwrap();
    assert!(header.starts_with("DPoP error=\"invalid_dpop_proof\", algs=\"RS256 "), "{header}");
    assert!(with_proof(&world, &Proof::new("2").sign()).is_forward());
    // The question is the token's; the proof is every request's.
    assert_eq!(world.host.take_counts().of(support::Endpoint::Introspection), 1);
}

#[test]
fn keycloaks_bound_jwt() {
    let settings = json!({
        "OIDC_RULES": [{"path": "/api/*", "access": "token"}], "OIDC_ACCESS_TOKENS": "jwt",
        "OIDC_AUDIENCE": "https://api.example",
    });
    for typ in ["JWT", "at+jwt"] {
        let world = World::new(&settings);
        let more =
            json!({"typ": "DPoP", "azp": "app", "client_id": null, "cnf": {"jkt": thumbprint(&TestKey::es256())}});
        let token = world.provider().access_token(START, typ, &more);
        let proof = Proof::new("1").claim("ath", json!(base64url(&Sha256::digest(&token)))).sign();
        let send = |scheme| {
            let request = FakeRequest::get("/api/x").header("authorization", &format!("{scheme} {token}"));
            world.send(&request.header("dpop", &proof))
        };
        assert_eq!(send("Bearer").status(), 401, "{typ}");
        assert_eq!(send("DPoP").user(), Some("alice"), "{typ}");
    }
}

#[test]
fn a_bound_token_without_its_proof() {
    let world = bound();
    for request in [
        FakeRequest::get("/api/x").header("authorization", &format!("Bearer {TOKEN}")),
        FakeRequest::get("/api/x").header("authorization", &format!("DPoP {TOKEN}")),
        FakeRequest::get("/api/x")
            .header("authorization", &format!("Bearer {TOKEN}"))
            .header("dpop", &Proof::new("1").sign()),
    ] {
        let answer = world.send(&request);
        assert_eq!((answer.status(), answer.json()["error"].clone()), (401, json!("invalid_token")));
        let header = answer.header("www-authenticate").unwrap();
        assert!(header.contains("error=\"invalid_token\"") && header.contains(", DPoP algs=\"RS256 "), "{header}");
    }
    // What binds it is not understood.
    for cnf in [json!({"jwk": {}}), json!({}), json!("x")] {
        world.provider().opaque("odd-token", &json!({"sub": "a", "cnf": cnf}));
        let answer = world.send(&FakeRequest::get("/api/x").header("authorization", "Bearer odd-token"));
        assert_eq!((answer.status(), world.host.last_event()), (401, "access_token.unproved"), "{cnf}");
        world.host.pass(60);
    }
}

#[test]
fn a_free_token_is_not_taken_for_a_bound_one() {
    let world = world(&json!({}));
    world.provider().opaque(TOKEN, &json!({"sub": "alice"}));
    assert_eq!(with_proof(&world, &Proof::new("1").sign()).status(), 401);
}

#[test]
fn proofs_that_prove_nothing() {
    let private = || {
        let mut jwk = jwk(&TestKey::es256());
        jwk["d"] = json!("AA");
        jwk
    };
    let honest = || Proof::new("1");
    for (proof, event) in [
        (honest().claim("htu", json!("HTTPS://SITE.example:443/api/x?q#f")), ""),
        (honest().claim("htm", json!("POST")), "proof.other_request"),
        (honest().claim("htm", json!("get")), "proof.other_request"),
        (honest().claim("htu", json!(format!("{SITE}/api/y"))), "proof.other_request"),
        (honest().claim("htu", json!("http://site.example/api/x")), "proof.other_request"),
        (honest().claim("htu", json!("/api/x")), "proof.other_request"),
        (honest().claim("ath", json!(base64url(&Sha256::digest("other-token")))), "proof.other_request"),
        (honest().claim("ath", Value::Null), "proof.refused"),
        (honest().claim("htm", Value::Null), "proof.refused"),
        (honest().claim("htu", json!(7)), "proof.refused"),
        (honest().claim("jti", Value::Null), "proof.refused"),
        (honest().claim("jti", json!("")), "proof.refused"),
        (honest().claim("iat", Value::Null), "proof.refused"),
        (honest().claim("iat", json!("now")), "proof.refused"),
        (honest().header("typ", json!("JWT")), "proof.refused"),
        (honest().header("typ", Value::Null), "proof.refused"),
        (honest().header("jwk", Value::Null), "proof.refused"),
        (honest().header("jwk", json!("key")), "proof.refused"),
        (honest().header("jwk", private()), "proof.refused"),
        (honest().header("alg", json!("none")), "proof.refused"),
        (honest().header("alg", json!("HS256")), "proof.refused"),
        (honest().header("crit", json!(["x"])), "proof.refused"),
        (Proof { key: TestKey::es384(), ..honest() }, "proof.refused"),
        (honest().header("jwk", jwk(&TestKey::rs256())), "proof.other_key"),
    ] {
        let world = bound();
        let answer = with_proof(&world, &proof.sign());
        assert_eq!(world.host.last_event(), event, "{} {}", proof.header, proof.claims);
        assert_eq!(answer.status(), if event.is_empty() { 0 } else { 401 });
    }
    // Two proofs, as the platform joins them; and what is none.
    for proof in [format!("{0}, {0}", Proof::new("1").sign()), String::new(), "a.b.c".to_owned()] {
        let world = bound();
        assert_eq!(with_proof(&world, &proof).json()["error"], "invalid_dpop_proof", "{proof}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_given_a_nonce() {
    let world = bound();
    for (iat, good) in [(START - 119, true), (START + 60, true), (START - 120, false), (START + 61, false)] {
        let answer = with_proof(&world, &Proof::new(&iat.to_string()).claim("iat", json!(iat)).sign());
        assert_eq!(answer.is_forward(), good, "{iat}");
        if good {
            continue;
        }
        assert_eq!((answer.status(), world.host.last_event()), (401, "proof.stale"));
        assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP error=\"use_dpop_nonce\""));
        let nonce = answer.header("dpop-nonce").unwrap().to_owned();
        let again = |id: &str| {
            let proof = Proof::new(&format!("{iat}{id}")).claim("iat", json!(iat)).claim("nonce", json!(nonce));
            with_proof(&world, &proof.sign())
        };
        assert!(again("n1").is_forward());
        // Nor does a nonce let a proof count twice.
        assert_eq!((again("n1").status(), world.host.last_event()), (401, "proof.replayed"));
        world.host.pass(299);
        assert!(again("n2").is_forward());
        world.host.pass(1);
        assert_eq!((again("n3").status(), world.host.last_event()), (401, "proof.nonce"));
        world.host.pass(-300);
    }
    let answer = with_proof(&world, &Proof::new("x").claim("nonce", json!("made-up")).sign());
    assert_eq!((answer.status(), answer.json()["error"].clone()), (401, json!("use_dpop_nonce")));
}

#[test]
fn without_a_key_there_is_no_nonce_to_give() {
    let world = world(&json!({"OIDC_RESOURCE_SERVER_ONLY": true, "OIDC_SECRET_KEY": null}));
    bind(&world);
    assert!(with_proof(&world, &Proof::new("1").sign()).is_forward());
    let answer = with_proof(&world, &Proof::new("2").claim("iat", json!(START - 120)).sign());
    assert_eq!(answer.json()["error"], "invalid_dpop_proof");
    assert!(answer.header("dpop-nonce").is_none());
}

#[test]
fn a_certificate_of_this_connection() {
    let hash: [u8; 32] = Sha256::digest("the certificate").into();
    let world = world(&json!({}));
    world.provider().opaque(TOKEN, &json!({"sub": "alice", "cnf": {"x5t#S256": base64url(&hash)}}));
    for (certificate, good) in [(Some(hash), true), (Some([0; 32]), false), (None, false)] {
        let request = FakeRequest::get("/api/x").header("authorization", &format!("Bearer {TOKEN}"));
        let answer = world.send(&FakeRequest { certificate, ..request });
        assert_eq!(answer.is_forward(), good, "{certificate:?}");
        if !good {
            assert_eq!((answer.status(), world.host.last_event()), (401, "access_token.unproved"));
        }
    }
}

#[test]
fn code_may_ask_more_than_once_about_a_request_that_a_proof_came_with() {
    for rules in [json!([]), json!([{"path": "/api/*", "access": "token", "scopes": ["read"]}])] {
        let around = Around::new(&json!({"OIDC_RULES": rules}));
        around.host.provider.introspects.set(true);
        let cnf = json!({"jkt": thumbprint(&TestKey::es256())});
        around.host.provider.opaque(TOKEN, &json!({"sub": "alice", "scope": "read", "cnf": cnf}));
        let proof = Proof::new("1").sign();
        let send = |code: &[(&[&str], bool)]| {
            around.send(&around.browser(), proved(&proof), async |visit: Visit<'_>| {
                for (scopes, good) in code {
                    let asked = visit.accept_token(true, scopes).await;
                    assert_eq!(asked.as_ref().map_err(|answer| answer.reply().status()).is_ok(), *good, "{asked:?}");
                    if let Err(answer) = asked {
                        assert_eq!(answer.reply().status(), 403, "what it lacks is a scope");
                    }
                }
                Ok(visit.token_info().and_then(|caller| caller.subject().map(str::to_owned)).unwrap_or_default())
            })
        };
        let got = send(&[(&["admin"], false), (&["read"], true), (&[], true)]);
        assert_eq!((got.status(), got.body.as_str()), (200, "alice"), "{rules}");
        let again = around.send(&around.browser(), proved(&proof), async |visit: Visit<'_>| {
            visit.accept_token(true, &[]).await.map(|_| String::new())
        });
        assert_eq!((again.status(), around.host.last_event()), (401, "proof.replayed"), "{rules}");
    }
}
