//! What reaches the origin: whose requests, at which URL, with which headers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{
    config::OriginSettings,
    gateway::Outcome,
    origin::{AnswerFacts, HeaderEdit},
};
use serde_json::{Value, json};
use support::{Answer, Browser, FakeRequest, SESSION, SITE, World, host::Counts, vectors::rows};

/// Who may do what in most of these tests.
fn rules() -> Value {
    json!({"OIDC_RULES": [
        {"path": "/public/*", "access": "public"},
        {"path": "/maybe/*", "access": "optional"},
        {"path": "/never", "access": "deny"},
        {"path": "/form", "methods": ["GET"], "access": "public"},
        {"path": "/staff/*", "access": "login", "claims": {"groups": ["staff", "boss"]}},
        {"path": "/boss/*", "access": "login", "claims": {"groups": "boss"}},
        {"path": "/both/*", "access": "login", "claims": {"groups": "staff", "email": "alice@example.org"}},
        {"path": "/keycloak/*", "access": "login", "roles": {"my.client": ["editor"]}},
        {"path": "/realm/*", "access": "login", "claims": {"realm_access.roles": "admin"}},
        {"path": "/shared/*", "access": "login", "cache": "public"},
    ]})
}

/// What comes of a request, in one word.
fn word(answer: &Answer) -> &'static str {
    match &answer.0 {
        Outcome::Forward(_) if answer.user() == Some("alice") => "alice",
        Outcome::Forward(_) => "nobody",
        Outcome::Respond(reply) => match reply.status() {
            302 => "sign in",
            400 => "refused",
            401 => "401",
            403 => "forbidden",
            status => panic!("{status}"),
        },
    }
}

#[test]
fn rules_by_methods_by_visitors() {
    let world = World::new(&rules());
    world.provider().account.borrow_mut()["realm_access"] = json!({"roles": ["user"]});
    world.provider().account.borrow_mut()["resource_access"] = json!({"my.client": {"roles": ["editor"]}});
    let (stranger, alice) = (world.browser(), world.browser());
    alice.sign_in("/");
    for (method, path, for_stranger, for_alice) in [
        ("GET", "/public", "nobody", "nobody"),
        ("GET", "/public/", "nobody", "nobody"),
        ("POST", "/public/a", "nobody", "nobody"),
        ("GET", "/publicity", "sign in", "alice"),
        ("GET", "/Public/a", "sign in", "alice"),
        ("GET", "/%70ublic/a", "nobody", "nobody"),
        ("GET", "/maybe/a", "nobody", "alice"),
        ("DELETE", "/maybe/a", "nobody", "alice"),
        ("GET", "/never", "forbidden", "forbidden"),
        ("OPTIONS", "/never", "forbidden", "forbidden"),
        ("GET", "/%6eever", "forbidden", "forbidden"),
        ("GET", "/never/a", "sign in", "alice"),
        ("GET", "/form", "nobody", "nobody"),
        ("HEAD", "/form", "nobody", "nobody"),
        ("POST", "/form", "401", "alice"),
        ("get", "/form", "401", "alice"),
        ("GET", "/staff/a", "sign in", "alice"),
        ("POST", "/staff/a", "401", "alice"),
        ("GET", "/boss/a", "sign in", "forbidden"),
        ("GET", "/both/a", "sign in", "alice"),
        ("GET", "/keycloak/a", "sign in", "alice"),
        ("GET", "/realm/a", "sign in", "forbidden"),
        ("GET", "/shared/a", "sign in", "alice"),
        ("GET", "/", "sign in", "alice"),
        ("HEAD", "/", "sign in", "alice"),
        ("OPTIONS", "/", "401", "alice"),
        ("PROPFIND", "/else", "401", "alice"),
    ] {
        let ask = |browser: &Browser<'_>| word(&browser.send(FakeRequest::new(method, path).navigation()));
        assert_eq!((ask(&stranger), ask(&alice)), (for_stranger, for_alice), "{method} {path}");
    }
    assert_eq!(stranger.visit("/shared/a").status(), 302);
    assert!(!alice.visit("/shared/a").forward().answer_is_private);
    assert!(alice.visit("/staff/a").forward().answer_is_private);
    assert!(!alice.visit("/public/a").forward().answer_is_private);
}

#[test]
fn spoofed_headers_never_pass() {
    let world = World::new(&rules());
    let alice = world.browser();
    alice.sign_in("/");
    let ours = [
        "x-forwarded-user",
        "x_forwarded_user",
        "x-forwarded_user",
        "x_forwarded-user",
        "x.forwarded.user",
        "x-forwarded~user",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x_forwarded_preferred_username",
        "x-forwarded-name",
        "x-forwarded-client-id",
        "x_forwarded_scope",
        "x-forwarded-token-info",
        "x-forwarded-assertion",
        "x_forwarded_assertion",
    ];
    let others = ["x-forwarded-for", "x-forwarded-users", "forwarded", "authorization", "user-agent", "xforwardeduser"];
    for (path, browser) in [
        ("/public/a", world.browser()),
        ("/maybe/a", world.browser()),
        ("/public/a", alice_again(&world)),
        ("/maybe/a", alice_again(&world)),
        ("/", alice_again(&world)),
    ] {
        let spoofed = ours.iter().chain(&others);
        let request = spoofed.fold(FakeRequest::page(path), |request, name| request.header(name, "mallory"));
        let answer = browser.send(request);
        let edits = &answer.forward().edits;
        let removed = |name: &str| edits.contains(&HeaderEdit::Remove(name.to_owned()));
        for name in ours {
            assert!(removed(name), "{path}: {name}");
        }
        for name in others {
            assert!(!removed(name), "{path}: {name}");
        }
        // First all that was sent goes, then what we say is set.
        let last_removal = edits.iter().rposition(|edit| matches!(edit, HeaderEdit::Remove(name) if name != "Cookie"));
        let first_stamp = edits.iter().position(|edit| matches!(edit, HeaderEdit::Set(name, _) if name != "Cookie"));
        assert!(first_stamp.is_none_or(|first| Some(first) > last_removal), "{path}");
        assert!(!answer.stamped().iter().any(|(_, value)| value.contains("mallory")), "{path}");
    }
}

fn alice_again(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in("/oidc_login");
    browser
}

#[test]
fn own_cookies_stay_here_and_others_pass_byte_for_byte() {
    let world = World::new(&rules());
    let session = alice_again(&world).session().unwrap();
    let own = format!("{SESSION}={session}");
    for (sent, passed) in [
        (own.clone(), None),
        (format!("{own}; {SESSION}.1=x; {SESSION}_login.AAAA=y"), None),
        (format!("a=b; {own}; c=d"), Some("a=b; c=d")),
        (format!("a=b;{own};c=d"), Some("a=b;c=d")),
        (format!("__HOST-OIDC_ID_TOKEN=x; a=\"b c\";  d ; {own}"), Some("a=\"b c\";  d ")),
        (
            format!("{own}; oidc_id_token=theirs; __Host-oidc_id_tokens=1"),
            Some("oidc_id_token=theirs; __Host-oidc_id_tokens=1"),
        ),
    ] {
        for path in ["/public/a", "/maybe/a", "/"] {
            let answer = world.send(&FakeRequest::page(path).cookies(&sent));
            let cookie = answer.forward().edits.iter().find_map(|edit| match edit {
                HeaderEdit::Set(name, value) if name == "Cookie" => Some(Some(value.as_str())),
                HeaderEdit::Remove(name) if name == "Cookie" => Some(None),
                _ => None,
            });
            assert_eq!(cookie, Some(passed), "{path} {sent}");
        }
    }
    let untouched = world.send(&FakeRequest::page("/public/a").cookies("a=b; ;c"));
    assert!(untouched.forward().edits.is_empty());
}

#[test]
fn identity_is_told_one_to_one() {
    let headers = json!({"OIDC_HEADERS": {
        "sub": "X-Forwarded-User", "name": "X-Name", "groups": "X-Groups", "n": "X-Number", "b": "X-Bool", "o": "X-Object",
        "address.city": "X-City", "null": "X-Null", "absent": "X-Absent",
    }});
    let world = World::new(&headers);
    let account = json!({
        "sub": "a,b%2C", "name": " Zo\u{eb}\r\nX-Admin: 1 ", "groups": ["a,b", "100%", "\u{20ac}", "", "x y"], "n": 1.5,
        "b": true, "o": {"k": [1, "\u{1}"]}, "address": {"city": "Z\u{fc}rich"}, "null": null,
    });
    *world.provider().account.borrow_mut() = account;
    *world.provider().userinfo.borrow_mut() = json!({"sub": "a,b%2C"});
    let browser = world.browser();
    browser.sign_in("/");
    let page = browser.visit("/");
    let mut stamped = page.stamped();
    stamped.sort_unstable();
    let expected = [
        ("X-Bool", "true"),
        ("X-City", "Z%C3%BCrich"),
        ("X-Forwarded-User", "a,b%252C"),
        ("X-Groups", "a%2Cb,100%25,%E2%82%AC,,x y"),
        ("X-Name", "%20Zo%C3%AB%0D%0AX-Admin: 1%20"),
        ("X-Number", "1.5"),
        ("X-Object", r#"{"k":[1,"\u0001"]}"#),
    ];
    assert_eq!(stamped, expected);
    for (_, value) in stamped {
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    }
}

#[test]
fn paths_without_one_meaning_are_refused_before_any_rule() {
    // Even where everything is open.
    let world = World::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "public"}]}));
    let signed_in = World::usual();
    let alice = alice_again(&signed_in);
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
    let alice = alice_again(&world);
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

#[test]
fn the_hot_path_asks_nobody() {
    let world = World::new(&rules());
    let alice = alice_again(&world);
    for path in ["/", "/maybe/a", "/public/a", "/staff/a", "/boss/a"] {
        world.host.take_counts();
        alice.visit(path);
        assert_eq!(world.host.take_counts(), Counts::default(), "{path}");
    }
    // Once a minute the store is asked whether the session has been ended.
    for (pass, reads) in [(59, 0), (1, 2), (0, 0), (59, 0), (1, 2)] {
        world.host.pass(pass);
        assert!(alice.visit("/").is_forward());
        assert_eq!(world.host.take_counts(), Counts { reads, ..Counts::default() }, "{pass}");
    }
}

#[test]
fn what_comes_back() {
    let world = World::new(&rules());
    let alice = alice_again(&world);
    // The count of tries is dropped with the first page that the session opens, and with no other.
    let open = alice.visit("/public/a");
    assert!(open.set_cookies().is_empty());
    let shared = alice.visit("/shared/a");
    assert!(shared.set_cookies().is_empty());
    let first = alice.visit("/");
    let removal = "__Host-oidc_tries=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax".to_owned();
    assert_eq!(first.set_cookies(), std::slice::from_ref(&removal));
    assert!(alice.visit("/").set_cookies().is_empty());

    let own = [format!("{SESSION}=stolen; Path=/"), "__Host-oidc_tries=; Path=/".to_owned()];
    let theirs = "theme=dark; Path=/".to_owned();
    let set_cookies = [own.as_slice(), std::slice::from_ref(&theirs)].concat();
    let facts = AnswerFacts { cache_control: "public, max-age=60, s-maxage=9", set_cookies: &set_cookies };
    let edits = world.gateway.judge_answer(&facts, first.forward());
    assert_eq!(edits.cache_control.as_deref(), Some("private, max-age=60"));
    assert_eq!(edits.set_cookies, Some(vec![theirs.clone(), removal]));
    let edits = world.gateway.judge_answer(&facts, open.forward());
    assert_eq!((edits.cache_control, edits.set_cookies), (None, Some(vec![theirs])));
}
