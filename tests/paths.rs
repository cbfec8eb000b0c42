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

/// The bytes that a percent-decoder makes of these; what is no escape stays.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match bytes {
        [b'%', high, low, rest @ ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => [vec![high << 4 | low], decoded(rest)].concat(),
            _ => [vec![b'%', *high], decoded(&bytes[2..])].concat(),
        },
        [first, rest @ ..] => [vec![*first], decoded(rest)].concat(),
        [] => Vec::new(),
    }
}

/// The path as servers resolve it: backslashes are slashes, parameters and empty segments go, dots are walked. Whether
/// it ends in a slash is kept: `/form/` is another page than `/form`.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment.split(|byte| *byte == b';').next().unwrap();
        is_folder = matches!(name, b"" | b"." | b"..");
        match name {
            b".." => drop(segments.pop()),
            b"" | b"." => {}
            name => segments.push(name),
        }
    }
    let end: &[u8] = if is_folder && !segments.is_empty() { b"/" } else { b"" };
    [b"/", segments.join(&b'/').as_slice(), end].concat()
}

/// What the rules below say of a path, by a reader of their own.
fn access(path: &[u8]) -> &'static str {
    let below = |folder: &[u8]| path == folder || path.starts_with(&[folder, b"/"].concat());
    match () {
        () if below(b"/public") => "public",
        () if below(b"/never") => "deny",
        () if path == b"/form" => "public",
        () => "login",
    }
}

/// Every reader of a target that we let pass finds it under the rule that we found.
#[test]
fn whoever_reads_a_target_finds_the_same_rule() {
    const PIECES: &[&str] = &[
        "/",
        "/",
        "/",
        "//",
        "public",
        "never",
        "form",
        "boss",
        "a",
        ".",
        "..",
        ";",
        ";x",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        "%2e",
        "%2E%2e",
        "%25",
        "%252e",
        "%252f",
        "%3b",
        "%3B",
        "%00",
        "%70ublic",
        "n%65ver",
        "%",
        "%zz",
        "%u002f",
        "%c0%af",
        "\u{e9}",
        "\t",
        " ",
        "#",
        "~",
        "?",
        "?a=/../b;",
        "@",
        ":",
        "oidc_login",
    ];
    let world = World::new(&json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"},
        {"path": "/never/*", "access": "deny"},
        {"path": "/form", "access": "public"},
    ]}));
    let (mut state, mut passed) = (1_u64, [0; 3]);
    let mut roll = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % sides
    };
    for _ in 0..25_000 {
        let count = 1 + roll(7);
        let target: String = (0..count).map(|_| PIECES[roll(PIECES.len())]).collect();
        let answer = world.send(&FakeRequest::get(&format!("{SITE}/{}", target.trim_start_matches('/'))));
        let (index, found) = match answer.status() {
            0 => (0, "public"),
            401 => (1, "login"),
            403 => (2, "deny"),
            _ => continue,
        };
        passed[index] += 1;
        let sent = format!("/{}", target.trim_start_matches('/'));
        let sent = sent.split('#').next().unwrap();
        if answer.is_forward() {
            assert_eq!(answer.url(), format!("https://origin.example{sent}"));
        }
        let once = decoded(sent.split('?').next().unwrap().as_bytes());
        let stripped_first = decoded(&resolved(sent.split('?').next().unwrap().as_bytes()));
        for reading in [once.clone(), decoded(&once), resolved(&once), resolved(&decoded(&once)), stripped_first] {
            assert_eq!(access(&reading), found, "{sent} as {}", reading.escape_ascii());
        }
    }
    assert!(passed.iter().all(|count| *count > 300), "{passed:?}");
}
