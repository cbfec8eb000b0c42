//! Whether a person waits for a page, or a script for an answer: each sign that tells, and what comes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::json;
use support::{Answer, FakeRequest, World};

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn world() -> World {
    World::new(&json!({
        "OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "https://site.example/api",
        "OIDC_RULES": [
            {"path": "/never", "access": "deny"},
            {"path": "/token/open/*", "methods": ["OPTIONS"], "access": "public"},
            {"path": "/token/*", "access": "token"},
            {"path": "/either/*", "access": "login_or_token"},
            {"path": "/open/*", "methods": ["OPTIONS"], "access": "public"},
        ],
    }))
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> FakeRequest {
    headers.iter().fold(FakeRequest::new(method, path), |request, (name, value)| request.header(name, value))
}

/// What has come of it, in one word.
fn word(answer: &Answer) -> String {
    if answer.is_forward() {
        return format!("the origin, as {}", answer.user().unwrap_or("nobody"));
    }
    let kind = match answer.header("content-type") {
        Some("application/json") => "JSON",
        Some(html) if html.starts_with("text/html") => "page",
        _ if answer.header("location").is_some_and(|to| to.starts_with("https://idp.example/")) => "to the provider",
        _ => "nothing",
    };
    let challenge = if answer.header("www-authenticate").is_some() { ", challenge" } else { "" };
    format!("{} {kind}{challenge}", answer.status())
}

#[test]
fn each_sign_under_each_kind_of_rule() {
    const PAGE: [&str; 4] = ["302 to the provider", "302 to the provider", "401 JSON, challenge", "403 page"];
    const API: [&str; 4] = ["401 JSON", "401 JSON, challenge", "401 JSON, challenge", "403 JSON"];
    const FORM: [&str; 4] = ["401 JSON", "401 JSON, challenge", "401 JSON, challenge", "403 page"];
    let world = world();
    for (method, headers, expected) in [
        // A link, the address bar, a bookmark; browsers that do not tell yet.
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")][..], PAGE),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], PAGE),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")], PAGE),
        ("GET", &[("accept", HTML)], PAGE),
        ("HEAD", &[("accept", HTML)], PAGE),
        ("GET", &[("accept", "application/json, Text/HTML; q=0.1")], PAGE),
        ("GET", &[("accept", HTML), ("x-requested-with", "com.example.webview")], PAGE),
        // Scripts, images, styles, fetch(), XMLHttpRequest, WebSockets.
        ("GET", &[("accept", "*/*"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")], API),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "cors")], API),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "same-origin")], API),
        ("GET", &[("accept", "image/*"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], API),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "no-cors")], API),
        ("GET", &[("accept", HTML), ("sec-fetch-mode", "websocket")], API),
        ("GET", &[("accept", HTML), ("x-requested-with", "XMLHttpRequest")], API),
        ("GET", &[("accept", HTML), ("x-requested-with", "xmlhttprequest")], API),
        // Tools, and what does not say that it wants HTML.
        ("GET", &[], API),
        ("GET", &[("accept", "*/*")], API),
        ("GET", &[("accept", "text/*")], API),
        ("GET", &[("accept", "application/json")], API),
        ("GET", &[("accept", "text/html-sandboxed")], API),
        ("GET", &[("sec-fetch-mode", "navigate")], API),
        // Who has sent a form looks at what comes, but can't be sent through a sign-in with it.
        ("POST", &[("accept", HTML), ("sec-fetch-mode", "navigate")], FORM),
        ("POST", &[("accept", "application/json"), ("sec-fetch-mode", "navigate")], API),
        ("POST", &[("accept", HTML), ("sec-fetch-mode", "cors")], API),
        // What changes something is no page to go to.
        ("POST", &[("accept", HTML)], API),
        ("POST", &[("accept", "application/json"), ("sec-fetch-mode", "cors")], API),
        ("PUT", &[("accept", HTML)], API),
        ("DELETE", &[("accept", HTML)], API),
        ("OPTIONS", &[("accept", HTML)], API),
        ("PROPFIND", &[("accept", HTML)], API),
        ("get", &[("accept", HTML), ("sec-fetch-mode", "navigate")], API),
    ] {
        let told =
            ["/", "/either/a", "/token/a", "/never"].map(|path| word(&world.send(&request(method, path, headers))));
        assert_eq!(told, expected, "{method} {headers:?}");
    }
}

/// Fetch §4.8: a preflight carries neither cookies nor tokens.
#[test]
fn a_preflight_reaches_the_origin_where_a_rule_says_so() {
    let world = world();
    let preflight = |path: &str| {
        request(
            "OPTIONS",
            path,
            &[
                ("origin", "https://app.example"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization, content-type"),
                ("sec-fetch-mode", "cors"),
                ("x-forwarded-user", "mallory"),
            ],
        )
    };
    for (path, expected) in [
        ("/a", "401 JSON"),
        ("/either/a", "401 JSON, challenge"),
        ("/token/a", "401 JSON, challenge"),
        ("/never", "403 JSON"),
        ("/open/a", "the origin, as nobody"),
        ("/token/open/a", "the origin, as nobody"),
    ] {
        let answer = world.send(&preflight(path));
        assert_eq!(word(&answer), expected, "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
    }
    // It opens the preflight and nothing else.
    for method in ["GET", "POST", "options"] {
        let answer = world.send(&request(method, "/token/open/a", &[("origin", "https://app.example")]));
        assert_eq!(word(&answer), "401 JSON, challenge", "{method}");
    }
}

#[test]
fn a_script_is_told_where_to_sign_in() {
    let world = world();
    for (target, login_url) in [
        ("/api/notes?page=2&q=%20", "/oidc_login?next=%2Fapi%2Fnotes%3Fpage%3D2%26q%3D%2520"),
        ("/", "/oidc_login?next=%2F"),
    ] {
        let answer = world.browser().fetch(target);
        assert_eq!(answer.json(), json!({"error": "login_required", "login_url": login_url}));
        // Followed, it leads back to what was asked for.
        let browser = world.browser();
        assert_eq!(browser.sign_in(login_url).location(), target);
        assert_eq!(browser.fetch(target).user(), Some("alice"));
    }
}
