//! Good ID tokens that only look odd: they sign in. And the settings by which a token is good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::jose::Alg;
use serde_json::{Value, json};
use support::{
    Endpoint, START, TestKey, World,
    mint::{claim, claims, header, payload, two, without, without_header},
    provider::Mint,
    ring::jwks_document,
};

#[test]
fn good_tokens_that_look_odd_sign_in() {
    let nothing = || claims(|_| ());
    for (name, good) in [
        ("plain", nothing()),
        ("aud a list of one", claim("aud", json!(["me"]))),
        ("aud us twice", claim("aud", json!(["me", "me"]))),
        ("aud us twice, azp us", two(("aud", json!(["me", "me"])), ("azp", json!("me")))),
        ("azp us", claim("azp", json!("me"))),
        ("several aud, azp us", two(("aud", json!(["you", "me"])), ("azp", json!("me")))),
        ("exp a float", claim("exp", json!(1_800_003_600.75))),
        ("exp one second within the leeway", claim("exp", json!(START - 59))),
        ("exp the largest", claim("exp", json!(1_i64 << 53))),
        ("iat at the end of the leeway", claim("iat", json!(START + 60))),
        ("iat a float", claim("iat", json!(1_799_999_999.5))),
        ("iat long ago", claim("iat", json!(0))),
        ("nbf now", claim("nbf", json!(START))),
        ("nbf at the end of the leeway", claim("nbf", json!(START + 60))),
        ("typ JWT", header("typ", json!("JWT"))),
        ("typ jwt", header("typ", json!("jwt"))),
        ("typ in full", header("typ", json!("application/jwt"))),
        ("no kid", without_header("kid")),
        ("an unknown header", header("x-foo", json!({"a": [1]}))),
        ("a jku that is not followed", header("jku", json!("https://evil.example/jwks"))),
        (
            "more claims",
            claims(|c| {
                c["acr"] = json!("x");
                c["auth_time"] = json!("odd");
                c["o"] = json!({"a": null});
            }),
        ),
        ("no at_hash", without("at_hash")),
        ("spaces in the JSON", payload(|p| format!(" \n{p}\t "))),
        ("an escaped claim", payload(|p| p.replacen("\"sub\"", r#""\u0073ub""#, 1))),
        ("sub of 255 characters", claim("sub", json!("x".repeat(255)))),
    ] {
        let world = World::new(&json!({"OIDC_USER_INFO_ENABLED": false}));
        world.provider().lie(|lies| lies.id_token(good));
        assert_eq!(world.browser().sign_in("/a").status(), 302, "{name}: {}", world.host.last_event());
    }
}

#[test]
fn the_longest_subject_signs_in() {
    let world = World::new(&json!({"OIDC_USER_INFO_ENABLED": false}));
    world.provider().account.borrow_mut()["sub"] = json!("~".repeat(255));
    let browser = world.browser();
    browser.sign_in("/");
    assert_eq!(browser.visit("/").user(), Some("~".repeat(255).as_str()));
}

#[test]
fn announced_algorithms_sign_in_and_others_do_not() {
    let keys: [fn() -> TestKey; 8] = [
        TestKey::rs256,
        || TestKey::rs256().with_alg(Alg::Rs384),
        || TestKey::rs256().with_alg(Alg::Rs512),
        || TestKey::rs256().with_alg(Alg::Ps256),
        || TestKey::rs256().with_alg(Alg::Ps512),
        TestKey::es256,
        TestKey::es384,
        TestKey::ed25519,
    ];
    for key in keys {
        for (announced, signs_in) in [(key().alg.name(), true), ("ES512", false)] {
            let world = World::usual();
            world.provider().rotate(key());
            world.provider().lie(|lies| {
                lies.edit(Endpoint::Metadata, move |metadata| {
                    metadata["id_token_signing_alg_values_supported"] = json!(["HS256", "none", announced]);
                });
            });
            assert_eq!(world.browser().sign_in("/").status() == 302, signs_in, "{}", key().alg);
        }
    }
}

#[test]
fn accepted_issuers_are_those_of_the_setting() {
    for (issuers, status) in [
        (json!(["https://idp.example", "https://alias.example"]), 302),
        (json!(["https://alias.example"]), 302),
        (json!(["https://idp.example"]), 502),
        (json!(["https://alias.example/"]), 502),
    ] {
        let world = World::new(&json!({"OIDC_VALID_ISSUERS": issuers}));
        world.provider().lie(|lies| lies.id_token(claim("iss", json!("https://alias.example"))));
        assert_eq!(world.browser().sign_in("/").status(), status, "{issuers}");
    }
}

#[test]
fn the_leeway_is_the_setting() {
    for (skew, exp, status) in [(0, START + 1, 302), (0, START, 502), (600, START - 599, 302), (600, START - 600, 502)]
    {
        let world = World::new(&json!({"OIDC_CLOCK_SKEW": skew}));
        world.provider().lie(|lies| lies.id_token(claim("exp", json!(exp))));
        assert_eq!(world.browser().sign_in("/").status(), status, "{skew} {exp}");
    }
}

#[test]
fn without_a_kid_every_key_that_fits_is_tried() {
    let unnamed = || without_header("kid");
    let signs_in = |jwks: Value, lie: Option<Mint>| {
        let world = World::usual();
        *world.provider().jwks.borrow_mut() = jwks;
        world.provider().lie(|lies| lies.id_token = lie);
        world.browser().sign_in("/").status() == 302
    };
    let (rsa, ec) = (TestKey::rs256(), TestKey::es256());
    assert!(signs_in(jwks_document([&ec, &rsa]), Some(unnamed())));
    assert!(signs_in(jwks_document([&TestKey::rs256().with_kid(None)]), None), "a lone key needs no name");
    assert!(!signs_in(jwks_document([&ec]), Some(unnamed())));
    let for_encryption = |mut jwks: Value| {
        jwks["keys"][0]["use"] = json!("enc");
        jwks
    };
    assert!(!signs_in(for_encryption(jwks_document([&rsa])), None));
    let with_private = |mut jwks: Value| {
        jwks["keys"][0]["d"] = json!("AQAB");
        jwks
    };
    assert!(!signs_in(with_private(jwks_document([&rsa])), None));
}
