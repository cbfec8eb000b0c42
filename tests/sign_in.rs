//! Signing in: the whole way through, every parameter, and what a sign-in costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{host::CallError, web::return_to::ReturnTo};
use serde_json::{Value, json};
use support::{
    Answer, Endpoint, FakeRequest, SESSION, SITE, World, gateway,
    provider::{ISSUER, PROVIDER_TEXT, form, query},
    send,
    vectors::rows,
};

const FRONT: &str = "https://site.example/";

/// The parameters of the authorization request under these settings.
fn asked(settings: &Value) -> std::collections::BTreeMap<String, String> {
    let world = World::new(settings);
    query(world.browser().visit("/app/").location())
}

#[test]
fn the_whole_way() {
    let world = World::usual();
    let browser = world.browser();
    let landed = browser.sign_in("/reports?year=2026&page=2");
    assert_eq!((landed.status(), landed.location()), (302, "/reports?year=2026&page=2"));
    let session: Vec<String> =
        landed.set_cookies().into_iter().filter(|line| line.starts_with(&format!("{SESSION}="))).collect();
    assert_eq!(session.len(), 1);
    assert!(session[0].ends_with("; Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Lax"), "{}", session[0]);
    assert_eq!(browser.login_cookies(), 0, "it is spent");

    let page = browser.visit(landed.location());
    assert_eq!(page.url(), "https://origin.example/reports?year=2026&page=2");
    assert!(page.forward().answer_is_private);
    let mut stamped = page.stamped();
    stamped.sort_unstable();
    let expected = [
        ("X-Forwarded-Email", "alice@example.org"),
        ("X-Forwarded-Groups", "staff"),
        ("X-Forwarded-Name", "Alice A"),
        ("X-Forwarded-Preferred-Username", "ali"),
        ("X-Forwarded-User", "alice"),
    ];
    assert_eq!(stamped, expected);
    assert_eq!(browser.fetch("/oidc_userinfo").json()["email"], "alice@example.org");
    assert_eq!(world.host.events(), ["sign_in.started", "sign_in.finished"]);
}

#[test]
fn the_start_sets_one_login_cookie() {
    for (settings, ending) in [
        (json!({}), "; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=Lax"),
        (json!({"OIDC_RESPONSE_MODE": "form_post"}), "; Path=/; Max-Age=900; Secure; HttpOnly; SameSite=None"),
        (json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app"}), "; Path=/app; Max-Age=900; Secure; HttpOnly; SameSite=Lax"),
    ] {
        let answer = World::new(&settings).browser().visit("/app/x");
        let cookies = answer.set_cookies();
        assert_eq!((answer.status(), cookies.len()), (302, 1), "{settings}");
        assert!(cookies[0].contains("oidc_id_token_login.") && cookies[0].ends_with(ending), "{}", cookies[0]);
    }
}

#[test]
fn every_parameter_of_the_request() {
    let usual = asked(&json!({}));
    let names: Vec<&str> = usual.keys().map(String::as_str).collect();
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    ];
    assert_eq!(names, expected);
    for (settings, name, value) in [
        (json!({}), "response_type", "code"),
        (json!({}), "client_id", "me"),
        (json!({}), "redirect_uri", "https://site.example/oidc_callback"),
        (json!({}), "scope", "openid email"),
        (json!({}), "code_challenge_method", "S256"),
        (json!({"OIDC_SCOPES": ["openid", "profile"]}), "scope", "openid profile"),
        (json!({"OIDC_GOOGLE_APPS_DOMAIN": "example.org"}), "hd", "example.org"),
        (json!({"OIDC_OPENID_REALM": "https://realm.example"}), "openid.realm", "https://realm.example"),
        (json!({"OIDC_RESPONSE_MODE": "form_post"}), "response_mode", "form_post"),
        (json!({"OIDC_EXTRA_REQUEST_AUTH_PARAMS": {"prompt": "login"}}), "prompt", "login"),
        (json!({"OIDC_EXTRA_REQUEST_AUTH_PARAMS": {"max_age": 5}}), "max_age", "5"),
        (json!({"OIDC_CALLBACK_ROUTE": "/back"}), "redirect_uri", "https://site.example/back"),
        (json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app"}), "redirect_uri", "https://site.example/app/oidc_callback"),
        (
            json!({"OIDC_PUBLIC_URL": "https://pub.example:8443"}),
            "redirect_uri",
            "https://pub.example:8443/oidc_callback",
        ),
        (json!({"OIDC_OVERWRITE_REDIRECT_URI": "https://x.example/y?z"}), "redirect_uri", "https://x.example/y?z"),
    ] {
        assert_eq!(asked(&settings).get(name).map(String::as_str), Some(value), "{settings}");
    }
}

#[test]
fn no_header_of_a_client_moves_the_redirect_uri() {
    let world = World::usual();
    let mut request = FakeRequest::page("/");
    for name in ["host", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-host", "x-forwarded-port"] {
        request = request.header(name, "evil.example");
    }
    assert_eq!(query(world.send(&request).location())["redirect_uri"], format!("{SITE}/oidc_callback"));
}

/// A zone that does not send its visitors on to https itself.
#[test]
fn nobody_signs_in_over_plain_http() {
    let came =
        |url: &str, scheme: &str| FakeRequest::page(url).header("cf-visitor", &format!(r#"{{"scheme":"{scheme}"}}"#));
    let world = World::usual();
    for (url, there) in [
        ("http://site.example/a%20b?c=%2f", "https://site.example/a%20b?c=%2f"),
        ("http://site.example:8080/oidc_login?next=/a", "https://site.example/oidc_login?next=/a"),
        ("http://site.example/oidc_account", "https://site.example/oidc_account"),
    ] {
        let answer = world.send(&came(url, "http"));
        assert_eq!((answer.status(), answer.location(), answer.set_cookies().len()), (302, there, 0));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(
        world.send(&FakeRequest::get("http://site.example/a").header("cf-visitor", r#"{"scheme":"http"}"#)).status(),
        401
    );
    // Where the settings say how visitors come, or the platform says otherwise or nothing, nobody is sent on.
    for (settings, request) in [
        (json!({"OIDC_PUBLIC_URL": "https://public.example"}), came("http://site.example/", "http")),
        (json!({"OIDC_PUBLIC_URL": "http://localhost:8787"}), came("http://site.example/", "http")),
        (
            json!({"OIDC_OVERWRITE_REDIRECT_URI": "https://public.example/oidc_callback"}),
            came("http://site.example/", "http"),
        ),
        (json!({}), came("http://site.example/", "https")),
        (json!({}), FakeRequest::page("http://site.example/")),
        (json!({}), came("https://site.example/", "http")),
    ] {
        let answer = World::new(&settings).send(&request);
        assert!(answer.location().starts_with("https://idp.example/authorize?"), "{settings}");
    }
}

#[test]
fn every_start_is_another() {
    let world = World::usual();
    let browser = world.browser();
    let starts: Vec<_> = (0..3).map(|_| query(browser.visit("/").location())).collect();
    let mut values: Vec<&str> = Vec::new();
    for start in &starts {
        values.extend(["state", "nonce", "code_challenge"].map(|name| start[name].as_str()));
    }
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 9);
}

#[test]
fn the_way_back_is_a_path_of_this_site() {
    let world = World::usual();
    let next = |next: &str| {
        let browser = world.browser();
        let target = format!("/oidc_login?{}", form(&[("next", next)]));
        browser.sign_in(&target).location().to_owned()
    };
    for good in rows(include_str!("vectors/return_to_good.txt")).iter().step_by(4) {
        assert_eq!(next(&good[0]), good[0]);
    }
    for own in ["/oidc_login", "/oidc_logout", "/oidc_logout?next=/", "/oidc_callback?code=1", "/%6fidc_logout"] {
        assert_eq!(next(own), "/", "{own}");
    }
    let browser = world.browser();
    assert_eq!(browser.sign_in("/oidc_login").location(), "/");
    assert_eq!(browser.sign_in("/oidc_login?next=/a&next=/b").location(), "/");
    // Written by hand, or by a proxy that puts the address behind `next=` as it is.
    assert_eq!(next("/caf\u{e9}?q=a b"), "/caf%C3%A9?q=a%20b");
    assert_eq!(browser.sign_in("/oidc_login?next=/caf%C3%A9/%20?q=a+b").location(), "/caf%C3%A9/%20?q=a%20b");
}

#[test]
fn a_slow_store_shortens_no_cookie() {
    let world = World::usual();
    let browser = world.browser();
    world.host.faults.load_takes.set(1);
    let session = browser.sign_in("/").set_cookies().into_iter().find(|line| line.contains("id_token=")).unwrap();
    assert!(session.contains("; Max-Age=604800;"), "{session}");
}

#[test]
fn no_link_leads_away() {
    let world = World::usual();
    for bad in rows(include_str!("vectors/return_to.txt")) {
        let target = format!("/oidc_login?{}", form(&[("next", &bad[0])]));
        let landed = world.browser().sign_in(&target);
        let encoded = ReturnTo::from_link(&bad[0]);
        assert_eq!(landed.location(), encoded.as_ref().map_or("/", ReturnTo::as_str), "{bad:?}");
        // The same, not encoded: a parameter may end earlier, and what is left leads nowhere else either.
        let browser = world.browser();
        let raw = browser.visit(&format!("/oidc_login?next={}", bad[0]));
        if raw.status() == 302 {
            let landed = browser.land(&world.provider().authorize(raw.location()));
            let site = url::Url::parse(SITE).unwrap();
            assert_eq!(site.join(landed.location()).unwrap().origin(), site.origin(), "{bad:?}");
        }
    }
}

#[test]
fn each_sign_in_has_its_own_session() {
    let world = World::usual();
    let browser = world.browser();
    let sessions: Vec<String> = (0..3)
        .map(|_| {
            browser.sign_in("/oidc_login?next=/");
            browser.session().unwrap()
        })
        .collect();
    assert!(sessions[0] != sessions[1] && sessions[1] != sessions[2]);
    let keys: Vec<String> = world.host.store.borrow().keys().cloned().collect();
    assert_eq!(keys.len(), 3, "under a new id each");
}

#[test]
fn the_store_alone_says_nothing() {
    let world = World::usual();
    let browser = world.browser();
    browser.sign_in("/");
    let session = browser.session().unwrap();
    let store = world.host.store.borrow();
    let (key, (entry, until)) = store.iter().next().unwrap();
    assert_eq!((store.len(), key.len()), (1, 2 + 43));
    assert!(key.starts_with("s:") && !session.contains(&key[2..]));
    assert_eq!(*until, world.host.unix() + 604_800);
    let text = String::from_utf8_lossy(entry);
    for secret in world.provider().issued().iter().map(String::as_str).chain(["alice", "access_token"]) {
        assert!(!text.contains(secret));
    }
}

#[test]
fn a_warm_sign_in_asks_for_tokens_once_and_for_userinfo_once() {
    for (settings, turns) in [
        (json!({}), false),
        (json!({}), true),
        (json!({"OIDC_USER_INFO_ENABLED": false}), false),
        (json!({"OIDC_USER_INFO_ENABLED": false}), true),
    ] {
        let world = World::new(&settings);
        world.host.turns.set(turns);
        world.alice();
        world.host.take_counts();
        world.alice();
        let counts = world.host.take_counts();
        let userinfo = (settings == json!({})).then_some((Endpoint::Userinfo, 1));
        let expected = [(Endpoint::Token, 1)].into_iter().chain(userinfo).collect();
        assert_eq!(counts.calls, expected, "{settings}");
        // Whether a mark has to be outlived, and the entry.
        assert_eq!((counts.reads, counts.writes), (1, 1), "{settings}, {turns}");
    }
}

#[test]
fn a_store_that_fails_costs_no_sign_in() {
    let world = World::usual();
    world.host.faults.save.set(true);
    let browser = world.browser();
    browser.sign_in("/");
    assert_eq!(browser.visit("/").user(), Some("alice"));
    assert_eq!(world.host.events(), ["sign_in.started", "store.save_failed", "sign_in.finished"]);
}

#[test]
fn without_chance_nobody_signs_in() {
    let world = World::usual();
    let browser = world.browser();
    let callback = browser.go_to_provider("/");
    world.host.faults.random.set(true);
    for answer in [browser.visit("/"), browser.land(&callback)] {
        assert_eq!((answer.status(), world.host.last_event()), (500, "host.no_randomness"));
        assert!(!answer.touches_session());
    }
}

/// Signs in at a provider whose account has these claims.
fn with_account(settings: &Value, account: &Value, userinfo: &Value) -> (Answer, &'static str) {
    let world = World::new(settings);
    *world.provider().account.borrow_mut() = account.clone();
    *world.provider().userinfo.borrow_mut() = userinfo.clone();
    let answer = world.browser().sign_in("/");
    (answer, world.host.last_event())
}

#[test]
fn who_may_not_come_in() {
    let (nothing, hd) = (json!({"sub": "a"}), json!({"OIDC_GOOGLE_APPS_DOMAIN": "example.org"}));
    let email = json!({"OIDC_REQUIRE_VERIFIED_EMAIL": true});
    let (domain, unverified) = (Err("claims.hosted_domain"), Err("claims.email_not_verified"));
    for (settings, account, userinfo, expected) in [
        (&hd, json!({"sub": "a", "hd": "example.org"}), &nothing, Ok(())),
        (&hd, json!({"sub": "a"}), &nothing, domain),
        (&hd, json!({"sub": "a", "hd": "evil.example"}), &nothing, domain),
        (&hd, json!({"sub": "a", "hd": "EXAMPLE.org"}), &nothing, domain),
        (&hd, json!({"sub": "a", "hd": ["example.org"]}), &nothing, domain),
        (&hd, json!({"sub": "a", "hd": "sub.example.org"}), &nothing, domain),
        // Userinfo's word is not enough.
        (&hd, json!({"sub": "a"}), &json!({"sub": "a", "hd": "example.org"}), domain),
        (&email, json!({"sub": "a", "email": "e", "email_verified": true}), &nothing, Ok(())),
        (&email, json!({"sub": "a"}), &json!({"sub": "a", "email": "e", "email_verified": true}), Ok(())),
        (&email, json!({"sub": "a", "email": "e", "email_verified": false}), &nothing, unverified),
        (&email, json!({"sub": "a", "email": "e", "email_verified": "true"}), &nothing, unverified),
        (&email, json!({"sub": "a", "email": "e", "email_verified": 1}), &nothing, unverified),
        (&email, json!({"sub": "a", "email": "e"}), &nothing, unverified),
        // Another address is verified than the one that counts.
        (
            &email,
            json!({"sub": "a", "email": "e"}),
            &json!({"sub": "a", "email": "f", "email_verified": true}),
            unverified,
        ),
    ] {
        let (answer, event) = with_account(settings, &account, userinfo);
        match expected {
            Ok(()) => assert_eq!((answer.status(), event), (302, "sign_in.finished"), "{account}"),
            Err(code) => {
                assert_eq!((answer.status(), event), (403, code), "{account}");
                assert!(!answer.touches_session(), "{account}");
                assert!(answer.body().contains(code) && answer.body().contains("Start again"));
            }
        }
    }
}

#[test]
fn userinfo_that_fails_signs_nobody_in() {
    for (lie, code, status) in [
        (Err(CallError::Unreachable), "userinfo.unreachable", 502),
        (Err(CallError::TimedOut), "userinfo.timeout", 502),
        (Err(CallError::TooLarge), "userinfo.too_large", 502),
        (Ok((401, "{}")), "userinfo.unexpected_status", 502),
        (Ok((200, r#"{"sub":"mallory"}"#)), "userinfo.subject_mismatch", 502),
    ] {
        // With userinfo off, the same provider is good enough.
        for (settings, expected) in [(json!({}), status), (json!({"OIDC_USER_INFO_ENABLED": false}), 302)] {
            let world = World::new(&settings);
            world.provider().lie(|lies| match lie {
                Err(error) => lies.fail(Endpoint::Userinfo, error),
                Ok((status, body)) => {
                    lies.answer(Endpoint::Userinfo, status, &format!("application/json; {PROVIDER_TEXT}"), body);
                }
            });
            let answer = world.browser().sign_in("/");
            assert_eq!(answer.status(), expected, "{code}");
            assert_eq!(answer.touches_session(), expected == 302, "{code}");
            assert_eq!(world.host.last_event() == code, expected != 302, "{code}");
        }
    }
}

#[test]
fn every_way_to_be_a_client() {
    let file = |extra: Value| {
        let mut web = json!({"client_id": "me", "client_secret": "hush: 100% secret", "issuer": ISSUER});
        web.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"OIDC_CLIENT_SECRETS": {"web": web}, "OIDC_ISSUER": null, "OIDC_CLIENT_ID": null, "OIDC_CLIENT_SECRET": null})
    };
    let given = json!({
        "auth_uri": format!("{ISSUER}/authorize"), "token_uri": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/jwks"), "userinfo_uri": format!("{ISSUER}/userinfo"),
    });
    for (settings, is_public, discoveries) in [
        (json!({}), false, 1),
        (json!({"OIDC_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_basic"}), false, 1),
        (json!({"OIDC_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_post"}), false, 1),
        (json!({"OIDC_CLIENT_SECRET": null}), true, 1),
        (json!({"OIDC_TOKEN_ENDPOINT_AUTH_METHOD": "none"}), true, 1),
        (file(json!({})), false, 1),
        (file(given), false, 0),
    ] {
        let world = World::new(&settings);
        world.provider().public_client.set(is_public);
        assert_eq!(world.browser().sign_in("/a").location(), "/a", "{settings}");
        assert_eq!(world.host.take_counts().of(Endpoint::Metadata), discoveries, "{settings}");
    }
    let world = World::new(&json!({"OIDC_CLIENT_SECRET": "another secret"}));
    assert_eq!((world.browser().sign_in("/").status(), world.host.last_event()), (502, "token.invalid_client"));
}

#[test]
fn the_issuer_in_the_response_is_taken_when_it_is_right() {
    let world = World::usual();
    world.provider().names_issuer.set(true);
    assert_eq!(world.browser().sign_in("/a").location(), "/a");
}

// OWASP ASVS 5.0 7.2.4
#[test]
fn the_session_that_a_sign_in_replaces_is_over() {
    let settings = json!({"OIDC_SESSION_CHECK_INTERVAL": 0});
    for turns in [false, true] {
        let world = World::new(&settings);
        world.host.turns.set(turns);
        let (browser, another) = (world.alice(), world.alice());
        let old = browser.cookies_for(FRONT);
        browser.sign_in("/oidc_login");
        for isolate in [&world.gateway, &gateway(&settings)] {
            let asked = |cookies: &str| send(isolate, &world.host, &FakeRequest::get("/").cookies(cookies)).status();
            assert_eq!(asked(&old), 401, "{turns}: a copy");
            assert_eq!(asked(&browser.cookies_for(FRONT)), 0, "{turns}");
            assert_eq!(asked(&another.cookies_for(FRONT)), 0, "{turns}: another browser's");
        }
        if turns {
            let page = another.visit("/oidc_account");
            assert_eq!(page.body().split("<li>").count() - 1, 1, "the new one, and not the old one");
        }
    }
}

#[test]
fn what_other_tabs_have_asked_for_is_answered_though_its_session_was_replaced() {
    let world = World::usual();
    let browser = world.alice();
    let old = browser.cookies_for(FRONT);
    browser.sign_in("/oidc_login");
    let asked = || world.send(&FakeRequest::get("/").cookies(&old)).status();
    assert_eq!(asked(), 0);
    world.host.pass(60);
    assert_eq!(asked(), 401, "the next check finds it");
}
