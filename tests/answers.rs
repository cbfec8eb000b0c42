//! What visitors and callers see, row by row of the contract: pages for people, JSON for scripts, codes for the log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use edge_oidc::{error::Error, gateway, host::CallError};
use serde_json::{Value, json};
use support::{Answer, Endpoint, FakeRequest, World};

const HTML: &str = "text/html; charset=utf-8";

fn rules() -> Value {
    json!({"OIDC_RULES": [{"path": "/never", "access": "deny"}, {"path": "/public/*", "access": "public"}]})
}

fn assert_page(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status(), answer.header("content-type")), (status, Some(HTML)), "{code}");
    assert!(answer.body().starts_with("<!doctype html>") && answer.body().contains(code), "{code}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

fn assert_json(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status(), answer.header("content-type")), (status, Some("application/json")), "{code}");
    let body = answer.json();
    assert_eq!(body["error"], code);
    assert!(body["error_description"].is_string());
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
}

/// Requests of scripts and tools: none of them gets a page or a redirect.
fn by_scripts(target: &str) -> Vec<FakeRequest> {
    let html = |request: FakeRequest| request.header("accept", "text/html");
    vec![
        FakeRequest::get(target),
        FakeRequest::get(target).header("accept", "*/*"),
        FakeRequest::get(target).header("accept", "application/json"),
        html(FakeRequest::get(target)).header("sec-fetch-mode", "cors"),
        html(FakeRequest::get(target)).header("sec-fetch-mode", "no-cors"),
        html(FakeRequest::get(target)).header("sec-fetch-mode", "same-origin"),
        html(FakeRequest::get(target)).header("sec-fetch-mode", "websocket"),
        html(FakeRequest::get(target)).header("x-requested-with", "XMLHttpRequest"),
        html(FakeRequest::post(target, "a=b")),
        html(FakeRequest::new("OPTIONS", target)),
        html(FakeRequest::new("get", target)),
    ]
}

#[test]
fn not_signed_in() {
    let world = World::usual();
    for request in [
        FakeRequest::page("/a?b=c"),
        FakeRequest::new("HEAD", "/a").navigation(),
        FakeRequest::get("/a").header("accept", "application/json, text/html;q=0.1"),
        FakeRequest::get("/a").header("accept", "TEXT/HTML"),
    ] {
        let answer = world.send(&request);
        assert_eq!((answer.status(), answer.set_cookies().len()), (302, 1), "{request:?}");
        assert!(answer.location().starts_with("https://idp.example/authorize?"));
        assert_eq!(answer.body(), "");
    }
    world.host.take_counts();
    for request in by_scripts("/a?b=c&d=%2f") {
        let answer = world.send(&request);
        assert_eq!((answer.status(), answer.header("content-type")), (401, Some("application/json")), "{request:?}");
        assert_eq!(
            answer.body(),
            r#"{"error":"login_required","login_url":"/oidc_login?next=%2Fa%3Fb%3Dc%26d%3D%252f"}"#
        );
        assert!(answer.set_cookies().is_empty());
    }
    let counts = world.host.take_counts();
    assert_eq!((counts.draws, counts.calls.len()), (0, 0), "scripts cost nothing");
    assert!(world.host.events().iter().all(|event| *event == "sign_in.started"), "nor is it an error");
}

#[test]
fn the_login_url_leads_back() {
    let world = World::usual();
    let browser = world.browser();
    let login = browser.fetch("/a?b=c&d=%2f").json()["login_url"].as_str().unwrap().to_owned();
    assert_eq!(browser.sign_in(&login).location(), "/a?b=c&d=%2f");
    let long = format!("/{}", "x".repeat(3000));
    assert_eq!(world.browser().fetch(&long).json()["login_url"], "/oidc_login?next=%2F");
}

#[test]
fn refusals_are_pages_for_people_and_json_for_scripts() {
    let world = World::new(&rules());
    for (target, status, code) in [
        ("/never", 403, "policy.forbidden"),
        ("/a/../b", 400, "request.path_refused"),
        ("/a%2fb", 400, "request.path_refused"),
        ("/public;/x", 400, "request.path_ambiguous"),
        ("/oidc_jwks", 404, "request.not_found"),
    ] {
        let page = world.send(&FakeRequest::page(target));
        assert_page(&page, status, code);
        assert_eq!(world.host.last_event(), code);
        for request in by_scripts(target).into_iter().filter(|request| request.method == "GET") {
            assert_json(&world.send(&request), status, code);
            assert_eq!(world.host.last_event(), code);
        }
    }
    assert_json(&world.send(&FakeRequest::post("/never", "")), 403, "policy.forbidden");
}

/// Whoever has sent a form looks at what comes, as who has followed a link does.
#[test]
fn a_refused_form_is_answered_with_a_page() {
    let world = World::new(&rules());
    let large = "x".repeat(64 * 1024 + 1);
    for (target, form, status, code) in [
        ("/never", "a=b", 403, "policy.forbidden"),
        ("/oidc_login", "a=b", 405, "request.method_not_allowed"),
        ("/oidc_callback", "code=1&state=2", 405, "request.method_not_allowed"),
        ("/oidc_logout", large.as_str(), 413, "request.form_too_large"),
    ] {
        assert_page(&world.send(&FakeRequest::post(target, form).navigation()), status, code);
        let by_script = FakeRequest::post(target, form).header("accept", "text/html").header("sec-fetch-mode", "cors");
        assert_json(&world.send(&by_script), status, code);
        assert_json(&world.send(&FakeRequest::post(target, form).header("accept", "text/html")), status, code);
    }
}

#[test]
fn a_provider_that_is_down_by_who_asks() {
    for (error, status, code) in [
        (CallError::Unreachable, 502, "discovery.unreachable"),
        (CallError::TimedOut, 504, "discovery.timeout"),
        (CallError::TooLarge, 502, "discovery.too_large"),
    ] {
        let world = World::usual();
        world.provider().lie(|lies| lies.fail(Endpoint::Metadata, error));
        let page = world.send(&FakeRequest::page("/"));
        assert_page(&page, status, code);
        assert!(page.body().contains("Start again") && page.set_cookies().is_empty());
        assert_json(&world.send(&FakeRequest::get("/oidc_login")), status, code);
    }
}

#[test]
fn an_origin_that_is_down_by_who_asks() {
    let world = World::usual();
    for (error, status, code) in
        [(Error::OriginUnreachable, 502, "origin.unreachable"), (Error::OriginTimedOut, 504, "origin.timeout")]
    {
        let refuse = |request: &FakeRequest| world.gateway.refuse(&world.host, request, &error);
        let page = refuse(&FakeRequest::page("/"));
        assert_eq!((page.status(), page.header_value("content-type")), (status, Some(HTML)));
        let reply = refuse(&FakeRequest::get("/"));
        assert_eq!((reply.status(), reply.header_value("cache-control")), (status, Some("no-store")));
        assert_eq!(serde_json::from_str::<Value>(reply.body()).unwrap()["error"], code);
        assert_eq!(world.host.last_event(), code);
    }
}

#[test]
fn callbacks_are_pages_whatever_the_headers_say() {
    let world = World::usual();
    for request in by_scripts("/oidc_callback?code=1&state=2").into_iter().filter(|request| request.method == "GET") {
        assert_page(&world.send(&request), 400, "callback.state_mismatch");
    }
    let world = World::new(&json!({"OIDC_RESPONSE_MODE": "form_post"}));
    let large = FakeRequest::post("/oidc_callback", &"x".repeat(64 * 1024 + 1));
    assert_page(&world.send(&large), 413, "request.form_too_large");
}

#[test]
fn health_is_exact() {
    let world = World::usual();
    for request in [
        FakeRequest::get("/oidc_health"),
        FakeRequest::page("/oidc_health"),
        FakeRequest::get("/oidc_health?x=1").header("authorization", "Bearer x").header("cookie", "a"),
        FakeRequest::new("HEAD", "/oidc_health"),
    ] {
        let answer = world.send(&request);
        assert_eq!((answer.status(), answer.body()), (200, r#"{"status":"ok"}"#));
        assert!(answer.set_cookies().is_empty());
    }
    for other in ["/oidc_health/", "/oidc_healthz", "/OIDC_HEALTH", "/health"] {
        assert_eq!(world.send(&FakeRequest::get(other)).status(), 401, "{other}");
    }
    let tool = FakeRequest::get("/a").header("user-agent", "kube-probe/1.30").header("x-health-check", "1");
    assert_eq!(world.send(&tool).status(), 401, "no header makes another path one of health");
}

#[test]
fn methods() {
    let world = World::usual();
    for (path, allowed) in [
        ("/oidc_health", "GET, HEAD"),
        ("/oidc_login", "GET, HEAD"),
        ("/oidc_signed_out", "GET, HEAD"),
        ("/oidc_userinfo", "GET, HEAD"),
        ("/oidc_account", "GET, HEAD"),
        ("/oidc_callback", "GET"),
        ("/oidc_logout", "GET, POST"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""] {
            let answer = world.send(&FakeRequest::new(method, path));
            if allowed.split(", ").any(|name| name == method) {
                assert_ne!(answer.status(), 405, "{method} {path}");
            } else {
                assert_eq!((answer.status(), answer.header("allow")), (405, Some(allowed)), "{method} {path}");
                assert_eq!(world.host.last_event(), "request.method_not_allowed");
            }
        }
    }
}

#[test]
fn userinfo_is_for_this_site_alone() {
    let world = World::usual();
    let browser = world.browser();
    assert_eq!(browser.fetch("/oidc_userinfo").json()["error"], "login_required");
    assert_eq!(browser.visit("/oidc_userinfo").status(), 401, "nor is anybody sent to sign in from there");
    browser.sign_in("/");
    let expected = json!({
        "sub": "alice", "email": "alice@example.org", "email_verified": true, "name": "Alice A", "preferred_username": "ali", "groups": ["staff"],
    });
    assert_eq!(browser.fetch("/oidc_userinfo").json(), expected);
    assert_eq!(browser.visit("/oidc_userinfo").json(), expected);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("referer", "https://evil.example/"),
    ] {
        let answer = browser.send(FakeRequest::get("/oidc_userinfo").header(name, value));
        assert_json(&answer, 403, "request.foreign");
        assert!(!answer.body().contains("alice") && answer.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn the_account_page_is_for_the_one_who_is_signed_in() {
    let world = World::usual();
    let browser = world.browser();
    assert_eq!(browser.fetch("/oidc_account").json()["login_url"], "/oidc_login");
    assert_eq!(browser.sign_in("/oidc_account").location(), "/oidc_account");
    let page = browser.visit("/oidc_account");
    assert_eq!(page.status(), 200);
    let signed_in = edge_oidc::time::Timestamp::from_unix(world.host.unix()).to_utc_text();
    for shown in ["Alice A", &signed_in, r#"action="/oidc_logout""#, r#"name="everywhere" value="1""#] {
        assert!(page.body().contains(shown), "{shown}");
    }
    assert!(!page.header("content-security-policy").unwrap().contains("form-action"), "the provider ends the way");
}

#[test]
fn insecure_cookies_are_for_this_machine_alone() {
    let world = World::new(&json!({"OIDC_COOKIE_SECURE": false}));
    for host in ["localhost", "localhost:8787", "app.localhost", "127.0.0.1:80", "127.8.9.1", "[::1]:8787"] {
        let answer = world.send(&FakeRequest::page(&format!("http://{host}/a")));
        assert_eq!(answer.status(), 302, "{host}");
        let cookie = &answer.set_cookies()[0];
        assert!(cookie.starts_with("oidc_id_token_login.") && !cookie.contains("Secure"), "{cookie}");
    }
    for host in ["site.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.", "[::2]"]
    {
        for path in ["/", "/oidc_health", "/oidc_login", "/oidc_callback"] {
            for request in
                [FakeRequest::page(&format!("http://{host}{path}")), FakeRequest::get(&format!("https://{host}{path}"))]
            {
                let answer = world.send(&request.header("x-forwarded-host", "localhost").header("host", "localhost"));
                assert_eq!((answer.status(), answer.body()), (500, gateway::misconfigured().body()), "{host}{path}");
                assert_eq!(world.host.last_event(), "config.loopback_only");
                assert!(answer.set_cookies().is_empty());
            }
        }
    }
}

#[test]
fn the_testing_profile_is_for_this_machine_alone() {
    let settings = json!({"OIDC_ENABLED": false, "OIDC_TESTING_PROFILE": {"sub": "tester", "email": "t@example.org"}});
    let world = World::new(&settings);
    let page = world.send(&FakeRequest::get("http://localhost:8787/a"));
    assert_eq!(page.user(), Some("tester"));
    assert_eq!(world.send(&FakeRequest::get("http://localhost/oidc_userinfo")).json()["email"], "t@example.org");
    for url in ["https://site.example/", "https://site.example/oidc_health", "http://localhost.evil.example/"] {
        assert_eq!(world.send(&FakeRequest::page(url)).status(), 500, "{url}");
    }
    assert!(world.host.take_counts().calls.is_empty());
}

#[test]
fn misconfigured_says_only_that() {
    let reply = gateway::misconfigured();
    assert_eq!((reply.status(), reply.header_value("cache-control")), (500, Some("no-store")));
    assert!(!reply.body().contains("OIDC_"));
}
