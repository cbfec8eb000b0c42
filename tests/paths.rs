//! Paths and URLs: what is refused before any rule is read, and what the origin gets of the rest, byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::config::OriginSettings;
use serde_json::{Value, json};
use support::{FakeRequest, SITE, World, vectors::rows};

fn rules() -> Value {
    json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"},
        {"path": "/never", "access": "deny"},
        {"path": "/form", "methods": ["GET"], "access": "public"},
        {"path": "/boss/*", "access": "login", "claims": {"groups": "boss"}},
    ]})
}

#[test]
fn paths_without_one_meaning_are_refused_before_any_rule() {
    // Even where everything is open.
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "public"}]}));
    let signed_in = World::usual();
    let alice = signed_in.alice();
    for row in rows(include_str!("vectors/paths_refused.txt")) {
        let (path, reason) = (&row[0], &row[1]);
        // As a whole URL, these say another path, host or query, and that one is judged instead.
        if reason == "Relative" || reason == "Delimiter" {
            continue;
        }
        for query in ["", "?a=b"] {
            for method in ["GET", "POST", "OPTIONS"] {
                let request = FakeRequest::new(method, &format!("{SITE}{path}{query}")).navigation();
                for answer in [world.send(&request), alice.send(request.clone())] {
                    assert_eq!(answer.status(), 400, "{path}{query}");
                    assert!(answer.set_cookies().is_empty(), "{path}{query}");
                }
                assert_eq!(world.host.last_event(), "request.path_refused", "{path}{query}");
            }
        }
    }
}

#[test]
fn urls_that_are_none_are_refused() {
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "public"}]}));
    for url in [
        "http://",
        "https://",
        "https:///a",
        "http:site.example/a",
        "https://a@site.example/",
        "https://site.example:x/",
        "https://site.example:99999/",
        "https://site.ex%61mple/",
        "https://[::1/",
        "https://s\u{131}te.example/",
        "https://site.example/a?b\u{0}c",
        "https://site.example/a?b\r\nc",
        "https://site.example\\@evil.example/",
    ] {
        let request = FakeRequest { url: url.to_owned(), ..FakeRequest::page("/") };
        assert_eq!(world.send(&request).status(), 400, "{url}");
    }
    for url in ["ftp://site.example/", "//site.example/", "/a", "", "javascript:alert(1)"] {
        let request = FakeRequest { url: url.to_owned(), ..FakeRequest::page("/") };
        assert_eq!(world.send(&request).status(), 400, "{url}");
    }
}

#[test]
fn the_origin_gets_exactly_what_was_judged() {
    let open = json!({"OIDC_RULES": [{"path": "/*", "access": "public"}]});
    let with = |origin: Value| {
        let mut settings = open.clone();
        settings["OIDC_ORIGIN"] = origin;
        World::new(&settings)
    };
    for (origin, prefix) in [
        (json!("https://origin.example"), "https://origin.example"),
        (json!("https://origin.example/"), "https://origin.example"),
        (json!("https://origin.example:8443/base"), "https://origin.example:8443/base"),
        (json!("https://origin.example/base/"), "https://origin.example/base"),
        (json!("http://localhost:3000/%7Ea"), "http://localhost:3000/%7Ea"),
        (Value::Null, SITE),
    ] {
        let world = with(origin);
        for row in rows(include_str!("vectors/paths_accepted.txt")) {
            for query in ["", "?", "?a=%2e%2e/&b=<\"'>&c=//x", "?%00%zz"] {
                let target = format!("{}{query}", row[0]);
                let answer = world.send(&FakeRequest::get(&target));
                assert_eq!(answer.url(), format!("{prefix}{target}"), "{prefix}");
            }
        }
    }
    let world = with(json!("https://origin.example/base"));
    for (sent, forwarded) in [
        ("https://site.example", "https://origin.example/base/"),
        ("https://site.example?a", "https://origin.example/base/?a"),
        ("https://site.example/a#b", "https://origin.example/base/a"),
    ] {
        assert_eq!(world.send(&FakeRequest::get(sent)).url(), forwarded);
    }
}

#[test]
fn the_binding_and_the_own_origin_get_the_whole_url() {
    for origin in [json!("binding"), Value::Null] {
        let world = World::new(&json!({"OIDC_ORIGIN": origin, "OIDC_RULES": [{"path": "/*", "access": "public"}]}));
        let answer = world.send(&FakeRequest::get("https://site.example:8443/a%20b?c"));
        assert_eq!(answer.url(), "https://site.example:8443/a%20b?c");
        let is_binding = matches!(world.gateway.config().origin, OriginSettings::Binding);
        assert_eq!(is_binding, origin == "binding");
    }
}

#[test]
fn paths_that_origins_read_in_two_ways() {
    let world = World::new(&rules());
    let alice = world.alice();
    for path in [
        "/public;/a",
        "//never",
        "/never;x",
        "/public//../x",
        "/form;a",
        "/public/..;/never",
        "//boss/a",
        "/boss;a/b",
        "/public;x/../never",
        "/%6eever;x",
        "/never%3bx",
        "//public/a",
        "/x;/../never",
        "/oidc_health;x",
        "//oidc_health",
        "/;/oidc_logout",
        "/oidc_callback;a?code=1",
        "/;x/oidc_login",
    ] {
        for browser in [&world.browser(), &alice] {
            assert_eq!(browser.visit(path).status(), 400, "{path}");
        }
    }
    // Where every reading has the same rule, there is nothing to refuse.
    for path in ["/public/a;b", "/public//a", "/public/;", "/else;a//b"] {
        assert!(alice.visit(path).is_forward(), "{path}");
    }
}

#[test]
fn own_endpoints_never_reach_the_origin() {
    let open = json!({"OIDC_RULES": [{"path": "/*", "access": "public"}], "OIDC_LOGOUT_ROUTE": "/bye"});
    let world = World::new(&open);
    let own = [
        "/oidc_callback",
        "/oidc_login",
        "/bye",
        "/oidc_signed_out",
        "/oidc_userinfo",
        "/oidc_health",
        "/oidc_account",
        "/oidc_jwks",
        "/oidc_auth",
        "/oidc_backchannel_logout",
        "/oidc_frontchannel_logout",
    ];
    for path in own {
        let encoded: String = path.bytes().map(|b| if b == b'/' { "/".into() } else { format!("%{b:02x}") }).collect();
        let first = path.replacen(&path[1..2], &format!("%{:02X}", path.as_bytes()[1]), 1);
        for spelling in [path.to_owned(), encoded, first, format!("{path}?x=1"), format!("{path}#x")] {
            for method in ["GET", "POST", "HEAD", "OPTIONS", "PUT", "CONNECT"] {
                let answer = world.send(&FakeRequest::new(method, &spelling).navigation());
                assert!(!answer.is_forward(), "{method} {spelling}");
            }
        }
        for other in [format!("{path}/"), format!("{path}x"), format!("/x{path}"), path.to_uppercase()] {
            assert!(world.send(&FakeRequest::page(&other)).is_forward(), "{other}");
        }
    }
}
