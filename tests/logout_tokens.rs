//! Back-Channel Logout 1.0: what a logout token has to be before it ends anything, and what it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
#![allow(clippy::too_many_lines, reason = "tables")]

mod support;

use edge_oidc::{host::CallError, jose::Alg};
use serde_json::{Value, json};
use support::{
    Browser, Endpoint, FakeRequest, START, TestKey, World,
    logout::{EVENT, honest, log_out, logout_token, post},
    mint::{
        claim, claims, header, hmac_keyed, mint, payload, pem, resigned, signature, split, two, whole, without,
        without_header,
    },
    provider::{CLIENT_SECRET, ISSUER, Mint, form},
};

const SID: &str = "sid-of-alice";

/// A deployment in which every request asks whether its session has been ended.
fn world() -> World {
    let world = World::new(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0}));
    world.provider().account.borrow_mut()["sid"] = json!(SID);
    world
}

fn alice(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/");
    browser
}

fn marks(world: &World) -> usize {
    // That a session at the provider is known ends nothing.
    let is_mark = |value: &[u8]| value.len() == 9 && value[0] == 0;
    world.host.store.borrow().iter().filter(|(key, (value, _))| !key.starts_with("k:") && is_mark(value)).count()
}

fn is_in(browser: &Browser<'_>) -> bool {
    let answer = browser.fetch("/");
    assert!(answer.is_forward() || answer.status() == 401, "{answer:?}");
    answer.is_forward()
}

/// Nothing has been ended by a request that was refused, and nothing is in the way of an honest one.
fn assert_refused(name: &str, ask: impl Fn(&World) -> FakeRequest, status: u16, code: &str) {
    let world = world();
    let browser = alice(&world);
    let answer = world.send(&ask(&world));
    assert_eq!((answer.status(), world.host.last_event()), (status, code), "{name}");
    assert_eq!(marks(&world), 0, "{name}");
    assert!(is_in(&browser), "{name}");
    assert_eq!(log_out(&world, &json!({"sid": SID})).status(), 200, "{name}");
    assert!(!is_in(&browser), "{name}");
}

#[test]
fn lies_on_the_token() {
    const REFUSED: &str = "logout_token.refused";
    const CLAIM: &str = "logout_token.claim";
    const NO_EVENT: &str = "logout_token.no_event";
    const TYPE: &str = "logout_token.wrong_type";
    let unsigned = |spelling: &'static str| {
        mint(move |mut token| {
            token.header["alg"] = json!(spelling);
            format!("{}.", split(&token.sign()).0)
        })
    };
    let lies: Vec<(&str, Mint, &str)> = vec![
        ("none without a signature", unsigned("none"), REFUSED),
        ("none in another case", unsigned("nOnE"), REFUSED),
        ("none with a signature", header("alg", json!("none")), REFUSED),
        ("HS256 keyed by the client secret", hmac_keyed("HS256", |_| CLIENT_SECRET.as_bytes().to_vec()), REFUSED),
        ("HS256 keyed by the public key", hmac_keyed("HS256", pem), REFUSED),
        ("PS256, not announced", mint(|t| resigned(&t, TestKey::rs256().with_alg(Alg::Ps256))), REFUSED),
        ("another key under the known name", mint(|t| resigned(&t, TestKey::es256())), REFUSED),
        ("an unknown key", header("kid", json!("other")), REFUSED),
        ("no alg", without_header("alg"), REFUSED),
        ("crit", header("crit", json!(["exp"])), REFUSED),
        (
            "a bad signature",
            signature(|_, mut bytes| {
                bytes[0] ^= 1;
                bytes
            }),
            REFUSED,
        ),
        ("an empty signature", signature(|_, _| Vec::new()), REFUSED),
        (
            "another content under the signature",
            whole(|token| {
                let (input, signature) = split(&token);
                format!("{}.{}.{signature}", input.split('.').next().unwrap(), support::base64url(b"{}"))
            }),
            REFUSED,
        ),
        ("two parts", whole(|token| split(&token).0), REFUSED),
        ("four parts", whole(|token| format!("{token}.a")), REFUSED),
        ("no JSON", payload(|text| text.replace('{', "[")), REFUSED),
        ("a claim twice", payload(|text| text.replacen('{', r#"{"sid":"sid-of-alice","#, 1)), REFUSED),
        ("an ID token's events", header("typ", json!("at+jwt")), TYPE),
        ("a security event token", header("typ", json!("secevent+jwt")), TYPE),
        ("an empty typ", header("typ", json!("")), TYPE),
        ("another issuer", claim("iss", json!("https://evil.example")), CLAIM),
        ("the issuer with a slash", claim("iss", json!(format!("{ISSUER}/"))), CLAIM),
        ("no issuer", without("iss"), CLAIM),
        ("another audience", claim("aud", json!("you")), CLAIM),
        ("other audiences", claim("aud", json!(["you", "them"])), CLAIM),
        ("no audience", without("aud"), CLAIM),
        ("expired", two(("iat", json!(START - 900)), ("exp", json!(START - 60))), CLAIM),
        ("no exp", without("exp"), CLAIM),
        ("exp a string", claim("exp", json!("1900000000")), CLAIM),
        ("from the future", two(("iat", json!(START + 61)), ("exp", json!(START + 900))), CLAIM),
        ("not yet valid", claim("nbf", json!(START + 61)), CLAIM),
        ("nbf a string", claim("nbf", json!("1800000000")), CLAIM),
        ("no iat", without("iat"), CLAIM),
        ("iat a string", claim("iat", json!("1800000000")), CLAIM),
        ("no jti", without("jti"), CLAIM),
        ("jti a number", claim("jti", json!(7)), CLAIM),
        ("a nonce", claim("nonce", json!("n")), "logout_token.nonce"),
        ("a nonce of null", claim("nonce", Value::Null), "logout_token.nonce"),
        ("no events", without("events"), NO_EVENT),
        ("another event", claim("events", json!({"http://schemas.openid.net/event/other": {}})), NO_EVENT),
        ("the event in another case", claim("events", json!({EVENT.to_uppercase(): {}})), NO_EVENT),
        ("events a list", claim("events", json!([EVENT])), NO_EVENT),
        ("events a string", claim("events", json!(EVENT)), NO_EVENT),
        ("the event no object", claim("events", json!({EVENT: true})), NO_EVENT),
        ("the event null", claim("events", json!({EVENT: null})), NO_EVENT),
        ("neither sub nor sid", without("sid"), "logout_token.nobody"),
        ("sid a list", claim("sid", json!([SID])), CLAIM),
        ("sid null beside a sub", two(("sid", Value::Null), ("sub", json!("alice"))), CLAIM),
        (
            "sub a number",
            claims(|claims| {
                claims.as_object_mut().unwrap().remove("sid");
                claims["sub"] = json!(1);
            }),
            CLAIM,
        ),
    ];
    assert!(lies.len() >= 40);
    for (name, lie, code) in &lies {
        assert_refused(name, |world| post(&logout_token(world, &json!({"sid": SID}), lie)), 400, code);
    }
}

#[test]
fn lies_about_the_request() {
    const MALFORMED: &str = "logout_token.malformed";
    let token = |world: &World| logout_token(world, &json!({"sid": SID}), &honest());
    let form_of = |body: &str| FakeRequest::post("/oidc_backchannel_logout", body);
    assert_refused("nothing", |_| form_of(""), 400, MALFORMED);
    assert_refused("no token", |_| form_of("a=b"), 400, MALFORMED);
    assert_refused("an empty token", |_| form_of("logout_token="), 400, MALFORMED);
    assert_refused("another name", |world| form_of(&form(&[("id_token", &token(world))])), 400, MALFORMED);
    let twice = |world: &World| form_of(&form(&[("logout_token", &token(world)), ("logout_token", &token(world))]));
    assert_refused("a token twice", twice, 400, MALFORMED);
    assert_refused("no token but words", |_| post("a.b.c"), 400, "logout_token.refused");
    let padded = |world: &World| {
        let token = token(world);
        form_of(&form(&[("logout_token", &token), ("padding", &"x".repeat(64 * 1024))]))
    };
    assert_refused("a form that is too large", padded, 413, "request.form_too_large");
    let by_query = |world: &World| {
        FakeRequest::get(&format!("/oidc_backchannel_logout?{}", form(&[("logout_token", &token(world))])))
    };
    assert_refused("GET", by_query, 405, "request.method_not_allowed");
    let by_post_query = |world: &World| FakeRequest { body: Vec::new(), method: "POST".to_owned(), ..by_query(world) };
    assert_refused("in the query of a POST", by_post_query, 400, MALFORMED);
    let answer = world().send(&FakeRequest::get("/oidc_backchannel_logout"));
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn an_id_token_ends_nothing() {
    let world = world();
    let browser = alice(&world);
    let id_token = world.provider().issued().into_iter().next_back().unwrap();
    assert_eq!(world.send(&post(&id_token)).status(), 400);
    assert!(is_in(&browser));
}

#[test]
fn tokens_that_are_good() {
    let good: Vec<(&str, Mint)> = vec![
        ("by the book", honest()),
        ("typed in full", header("typ", json!("application/logout+jwt"))),
        ("typed in another case", header("typ", json!("Logout+JWT"))),
        ("untyped", without_header("typ")),
        ("typed as any JWT", header("typ", json!("JWT"))),
        ("for us and others", claim("aud", json!(["you", "me"]))),
        ("an event that says something", claim("events", json!({EVENT: {"x": 1}, "https://idp.example/other": {}}))),
        ("a claim more", claim("x", json!(1))),
        ("valid by now", claim("nbf", json!(START + 60))),
        ("a clock that is ahead", two(("iat", json!(START + 60)), ("exp", json!(START + 120)))),
        ("a clock that is behind", two(("iat", json!(START - 60)), ("exp", json!(START - 59)))),
    ];
    for (name, mint) in good {
        let world = world();
        let browser = alice(&world);
        let answer = world.send(&post(&logout_token(&world, &json!({"sid": SID}), &mint)));
        assert_eq!((answer.status(), answer.body()), (200, ""), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert!(answer.set_cookies().is_empty(), "{name}");
        assert!(!is_in(&browser), "{name}");
    }
}

#[test]
fn whom_a_token_ends() {
    // Alice in two browsers with two sessions at the provider, and Bob.
    for (who, ended) in [
        (json!({"sid": "one"}), [true, false, false]),
        (json!({"sub": "alice"}), [true, true, false]),
        (json!({"sub": "alice", "sid": "two"}), [false, true, false]),
        (json!({"sub": "bob"}), [false, false, true]),
        (json!({"sub": "nobody"}), [false, false, false]),
        (json!({"sid": "alice"}), [false, false, false]),
        (json!({"sub": "one"}), [false, false, false]),
    ] {
        let world = world();
        let browsers = [("alice", "one"), ("alice", "two"), ("bob", "three")].map(|(sub, sid)| {
            world.provider().account.borrow_mut()["sub"] = json!(sub);
            world.provider().account.borrow_mut()["sid"] = json!(sid);
            world.provider().userinfo.borrow_mut()["sub"] = json!(sub);
            alice(&world)
        });
        assert_eq!(log_out(&world, &who).status(), 200, "{who}");
        assert_eq!(browsers.each_ref().map(|browser| !is_in(browser)), ended, "{who}");
        // Another isolate hears of it too.
        let headers = browsers.map(|browser| browser.cookies_for("https://site.example/"));
        let world = world.redeployed(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0}));
        let refused = headers.map(|cookies| world.send(&FakeRequest::get("/").cookies(&cookies)).status() == 401);
        assert_eq!(refused, ended, "{who}");
    }
}

#[test]
fn a_session_without_a_name_at_the_provider_ends_with_its_subject() {
    for (who, ended) in [
        (json!({"sub": "alice", "sid": "any"}), true),
        (json!({"sub": "alice"}), true),
        (json!({"sub": "bob", "sid": "any"}), false),
        (json!({"sid": "any"}), false),
    ] {
        let world = world();
        world.provider().account.borrow_mut().as_object_mut().unwrap().remove("sid");
        let browser = alice(&world);
        assert_eq!(log_out(&world, &who).status(), 200, "{who}");
        assert_eq!(!is_in(&browser), ended, "{who}");
        // One that has begun since is none of its business.
        world.host.pass(120);
        assert!(is_in(&alice(&world)), "{who}");
    }
}

#[test]
fn a_token_counts_once() {
    let world = world();
    let first = alice(&world);
    let token = logout_token(&world, &json!({"sub": "alice"}), &claim("exp", json!(START + 600)));
    assert_eq!(world.send(&post(&token)).status(), 200);
    assert!(!is_in(&first));
    // Within the leeway of its `iat`, where a second count would do harm.
    world.host.pass(30);
    let second = alice(&world);
    world.host.take_counts();
    assert_eq!(world.send(&post(&token)).status(), 200, "it has been done");
    assert_eq!(world.host.take_counts().writes, 0);
    assert!(is_in(&second));
    // It is remembered for as long as it is good.
    world.host.pass(600);
    assert_eq!(world.send(&post(&token)).status(), 200);
    assert_eq!(world.host.take_counts().writes, 0);
    world.host.pass(30);
    assert_eq!(world.send(&post(&token)).status(), 400, "it is over");
    // Another token of the same content is another token.
    assert_eq!(log_out(&world, &json!({"sub": "alice"})).status(), 200);
    assert!(!is_in(&second));
}

#[test]
fn a_session_that_began_later_goes_on() {
    for (seconds, goes_on) in [(0, false), (59, false), (60, false), (61, true), (100, true)] {
        let world = world();
        let token = logout_token(&world, &json!({"sub": "alice"}), &honest());
        world.host.pass(seconds);
        let browser = alice(&world);
        world.host.pass(5);
        assert_eq!(world.send(&post(&token)).status(), 200);
        assert_eq!(is_in(&browser), goes_on, "{seconds}");
    }
    // One that begins after the logout is never held against it.
    let world = world();
    assert_eq!(log_out(&world, &json!({"sub": "alice"})).status(), 200);
    world.host.pass(1);
    assert!(is_in(&alice(&world)));
}

#[test]
fn what_was_not_recorded_is_not_confirmed() {
    // The mark is written first, then the `jti`; either may fail.
    for (load, save, spared) in
        [(true, false, 9), (false, true, 9), (true, true, 9), (false, false, 0), (false, false, 1)]
    {
        let world = world();
        let browser = alice(&world);
        let token = logout_token(&world, &json!({"sid": SID}), &honest());
        world.host.faults.load.set(load);
        world.host.faults.save.set(save);
        world.host.faults.spared.set(spared);
        world.host.faults.saves.set(1);
        let answer = world.send(&post(&token));
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("10")), "{load} {save} {spared}");
        assert_eq!(world.host.last_event(), "store.unavailable");
        // The provider tries again, with the same token.
        world.host.faults.load.set(false);
        world.host.faults.save.set(false);
        world.host.faults.saves.set(0);
        world.host.faults.spared.set(0);
        assert_eq!(world.send(&post(&token)).status(), 200);
        assert!(!is_in(&browser), "{load} {save} {spared}");
    }
}

#[test]
fn a_provider_that_is_down_ends_nothing_unverified() {
    for endpoint in [Endpoint::Metadata, Endpoint::Jwks] {
        let world = world();
        let browser = alice(&world);
        let cookies = browser.cookies_for("https://site.example/");
        let world = world.redeployed(&json!({"OIDC_SESSION_CHECK_INTERVAL": 0}));
        world.provider().lie(|lies| lies.fail(endpoint, CallError::Unreachable));
        let answer = log_out(&world, &json!({"sid": SID}));
        assert!(answer.status() >= 500, "{endpoint:?}: {}", answer.status());
        assert_eq!(marks(&world), 0);
        assert!(world.send(&FakeRequest::get("/").cookies(&cookies)).is_forward());
    }
}

#[test]
fn a_new_key_of_the_provider_is_looked_up() {
    let world = world();
    let browser = alice(&world);
    world.provider().rotate(TestKey::rs256().with_kid(Some("next")));
    assert_eq!(log_out(&world, &json!({"sid": SID})).status(), 200);
    assert!(!is_in(&browser));
}

#[test]
fn a_token_that_anybody_posts_holds_up_no_sign_in() {
    let world = world();
    let browser = alice(&world);
    world.host.pass(3580);
    let foreign = logout_token(&world, &json!({"sub": "alice"}), &header("kid", json!("made up")));
    assert_eq!(world.send(&post(&foreign)).status(), 400);
    // A moment later the provider changes its key: a session that is renewed now goes on, and another one begins.
    world.provider().rotate(TestKey::rs256().with_kid(Some("next")));
    assert!(is_in(&browser));
    assert_eq!(world.host.last_event(), "refresh.finished");
    world.provider().rotate(TestKey::rs256().with_kid(Some("third")));
    world.host.pass(60);
    assert!(is_in(&alice(&world)));
}
