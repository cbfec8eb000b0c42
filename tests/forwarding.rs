//! What reaches the origin: whose requests, at which URL, with which headers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{
    gateway::Outcome,
    origin::{AnswerFacts, HeaderEdit},
};
use serde_json::{Value, json};
use support::{Answer, Browser, FakeRequest, SESSION, World, host::Counts, vectors::rows};

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
        ("GET", "/shared/a", "sign in", "nobody"),
        ("GET", "/", "sign in", "alice"),
        ("HEAD", "/", "sign in", "alice"),
        ("OPTIONS", "/", "401", "alice"),
        ("PROPFIND", "/else", "401", "alice"),
    ] {
        let ask = |browser: &Browser<'_>| word(&browser.send(FakeRequest::new(method, path).navigation()));
        assert_eq!((ask(&stranger), ask(&alice)), (for_stranger, for_alice), "{method} {path}");
    }
    assert_eq!(stranger.visit("/shared/a").status(), 302);
    // What others may be shown is made for nobody in particular.
    let shared = alice.visit("/shared/a");
    assert!(!shared.forward().answer_is_private);
    assert!(shared.stamped().is_empty());
    assert!(alice.visit("/staff/a").forward().answer_is_private);
    assert!(!alice.visit("/public/a").forward().answer_is_private);
}

#[test]
fn spoofed_headers_never_pass() {
    let world = World::new(&rules());
    let alice = world.browser();
    alice.sign_in("/");
    let ours: Vec<String> = rows(include_str!("vectors/header_spoofs.txt")).into_iter().flatten().collect();
    let ours: Vec<String> = ours.iter().map(|name| name.to_ascii_lowercase()).collect();
    let others = ["x-forwardeds", "authorization", "user-agent", "xforwardeduser", "x-http"];
    for (path, browser) in [
        ("/public/a", world.browser()),
        ("/maybe/a", world.browser()),
        ("/public/a", world.alice()),
        ("/maybe/a", world.alice()),
        ("/", world.alice()),
    ] {
        let spoofed = ours.iter().map(String::as_str).chain(others);
        let request = spoofed.fold(FakeRequest::page(path), |request, name| request.header(name, "mallory"));
        let answer = browser.send(request);
        let edits = &answer.forward().edits;
        let removed = |name: &str| edits.contains(&HeaderEdit::Remove(name.into()));
        for name in &ours {
            assert!(removed(name), "{path}: {name}");
        }
        for name in others {
            assert!(!removed(name), "{path}: {name}");
        }
        // First all that was sent goes, then what we say is set.
        let last_removal =
            edits.iter().rposition(|edit| matches!(edit, HeaderEdit::Remove(name) if &**name != "Cookie"));
        let first_stamp = edits.iter().position(|edit| matches!(edit, HeaderEdit::Set(name, _) if &**name != "Cookie"));
        assert!(first_stamp.is_none_or(|first| Some(first) > last_removal), "{path}");
        assert!(!answer.stamped().iter().any(|(_, value)| value.contains("mallory")), "{path}");
    }
}

#[test]
fn own_cookies_stay_here_and_others_pass_byte_for_byte() {
    let world = World::new(&rules());
    let session = world.alice().session().unwrap();
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
                HeaderEdit::Set(name, value) if &**name == "Cookie" => Some(Some(&**value)),
                HeaderEdit::Remove(name) if &**name == "Cookie" => Some(None),
                _ => None,
            });
            assert_eq!(cookie, Some(passed), "{path} {sent}");
        }
    }
    let untouched = world.send(&FakeRequest::page("/public/a").cookies("a=b; ;c"));
    let facts = ["X-Forwarded-Proto", "X-Forwarded-Host"];
    let edits = &untouched.forward().edits;
    assert!(edits.iter().all(|edit| matches!(edit, HeaderEdit::Set(name, _) if facts.contains(&&**name))));
}

#[test]
fn the_origin_is_told_whence_by_the_platform_alone() {
    let lies = [
        ("x-forwarded-for", "10.0.0.1"),
        ("x_forwarded_for", "10.0.0.2"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-host", "evil.example"),
        ("x.forwarded.host", "evil.example"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "for=10.0.0.3;host=evil.example;proto=gopher"),
        ("x-original-url", "/never"),
        ("x-rewrite-url", "/never"),
        ("x-real-ip", "10.0.0.4"),
        ("x-http-method-override", "DELETE"),
    ];
    let public_url = json!({"OIDC_PUBLIC_URL": "https://public.example:8443", "OIDC_RULES": rules()["OIDC_RULES"]});
    for (settings, url, proto, host) in [
        (&rules(), "https://site.example/public/a", "https", "site.example"),
        (&rules(), "http://SITE.example:8080/public/a", "http", "site.example:8080"),
        (&rules(), "https://site.example:443/public/a", "https", "site.example"),
        (&public_url, "https://site.example/public/a", "https", "public.example:8443"),
    ] {
        let world = World::new(settings);
        for method in ["GET", "OPTIONS", "POST"] {
            let request =
                lies.iter().fold(FakeRequest::new(method, url), |request, (name, lie)| request.header(name, lie));
            let told = |request| {
                let answer = world.send(&request);
                for (name, lie) in lies {
                    assert!(answer.forward().edits.contains(&HeaderEdit::Remove(name.into())), "{method} {name}");
                    assert!(answer.set().iter().all(|(_, value)| *value != lie), "{method} {name}");
                }
                answer.set().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
            };
            let facts = [("X-Forwarded-Proto", proto), ("X-Forwarded-Host", host)];
            let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(told(request.clone()), facts);
            let caller = ("X-Forwarded-For".to_owned(), "203.0.113.7".to_owned());
            assert_eq!(told(request.header("cf-connecting-ip", "203.0.113.7")), [facts.as_slice(), &[caller]].concat());
        }
    }
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
fn no_origin_is_asked_to_show_what_it_was_told() {
    let world = World::new(&rules());
    let alice = world.alice();
    for (path, status) in [("/public/a", 405), ("/maybe/a", 405), ("/a", 405), ("/never", 403), ("/boss/a", 403)] {
        let answer = alice.send(FakeRequest::new("TRACE", path));
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{path}");
    }
    assert_eq!(world.send(&FakeRequest::new("TRACE", "/a")).status(), 401);
}

#[test]
fn the_hot_path_asks_nobody() {
    let world = World::new(&rules());
    let alice = world.alice();
    for path in ["/", "/maybe/a", "/public/a", "/staff/a", "/boss/a"] {
        world.host.take_counts();
        alice.visit(path);
        assert_eq!(world.host.take_counts(), Counts::default(), "{path}");
    }
    // Once a minute the store is asked whether the session has been ended.
    for (pass, reads) in [(59, 0), (1, 3), (0, 0), (59, 0), (1, 3)] {
        world.host.pass(pass);
        assert!(alice.visit("/").is_forward());
        assert_eq!(world.host.take_counts(), Counts { reads, ..Counts::default() }, "{pass}");
    }
}

#[test]
fn what_comes_back() {
    let world = World::new(&rules());
    let alice = world.alice();
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
    let edits = world.gateway.judge_answer(&facts, first.forward().answer_is_private, std::slice::from_ref(&removal));
    assert_eq!(edits.cache_control.as_deref(), Some("private, max-age=60"));
    assert_eq!(edits.set_cookies, Some(vec![theirs.clone(), removal]));
    let edits = world.gateway.judge_answer(&facts, open.forward().answer_is_private, &[]);
    assert_eq!((edits.cache_control, edits.set_cookies), (None, Some(vec![theirs])));
}
