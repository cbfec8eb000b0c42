use super::*;
use crate::web::cookie::CookieScope;

#[test]
fn nothing_may_be_stored() {
    let value = serde_json::json!({"error": "login_required"});
    for reply in [
        Reply::redirect("/"),
        Reply::page(200, String::new()),
        Reply::form_page(200, String::new()),
        Reply::script_page(200, String::new()),
        Reply::json(401, &value),
        Reply::empty(204),
    ] {
        assert_eq!(reply.header_value("cache-control"), Some("no-store"), "{reply:?}");
        assert!(reply.cookies().is_empty());
    }
}

#[test]
fn redirects() {
    for (location, expected) in [
        ("/a?b=c", "/a?b=c"),
        ("https://op.example/auth?x=%20", "https://op.example/auth?x=%20"),
        ("/a b", "/a%20b"),
        ("/a\r\nSet-Cookie: a=b", "/a%0D%0ASet-Cookie:%20a=b"),
        ("/caf\u{e9}\0\t", "/caf%C3%A9%00%09"),
    ] {
        let reply = Reply::redirect(location);
        assert_eq!(reply.status(), 302);
        assert_eq!(reply.header_value("Location"), Some(expected));
        assert_eq!(reply.body(), "");
    }
}

#[test]
fn pages() {
    let page = Reply::page(400, "<p>hi</p>".to_owned());
    assert_eq!(page.status(), 400);
    assert_eq!(page.body(), "<p>hi</p>");
    let policy = format!(
        "default-src 'none'; style-src '{}'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
        pages::STYLE_HASH
    );
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Content-Security-Policy", policy.as_str()),
    ] {
        assert_eq!(page.header_value(name), Some(value));
    }
}

#[test]
fn a_form_may_be_sent_and_its_answer_may_lead_elsewhere() {
    let page = Reply::form_page(200, String::new());
    let policy = page.header_value("Content-Security-Policy").unwrap();
    assert!(policy.ends_with("; frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("form-action"));
    assert_eq!(page.header_value("Referrer-Policy"), Some("same-origin"));
}

#[test]
fn json() {
    let reply = Reply::json(401, &serde_json::json!({"error": "</script>\u{2028}"}));
    assert_eq!(reply.header_value("Content-Type"), Some("application/json"));
    assert_eq!(reply.header_value("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(reply.body(), "{\"error\":\"</script>\u{2028}\"}");
}

#[test]
fn headers_hold_bytes_that_end_nothing() {
    let reply = Reply::empty(200)
        .header("WWW-Authenticate", "Bearer realm=\"a\r\nb\"")
        .header("X-A", "1")
        .header("x-a", "caf\u{e9}\u{7f}\0 \t%");
    assert_eq!(reply.header_value("www-authenticate"), Some("Bearer realm=\"a%0D%0Ab\""));
    assert_eq!(reply.headers().iter().filter(|(name, _)| name.eq_ignore_ascii_case("X-A")).count(), 1);
    assert_eq!(reply.header_value("X-A"), Some("caf%C3%A9%7F%00 \t%"));
    assert_eq!(reply.header_value("X-B"), None);
}

#[test]
fn cookies_add_up() {
    let scope = CookieScope::new("/", true).unwrap();
    let cookie = |name| SetCookie::new(name, "v", &scope).unwrap();
    let reply = Reply::redirect("/").cookie(cookie("a")).cookie(cookie("b"));
    assert_eq!(reply.cookies().iter().map(SetCookie::name).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn debug_shows_no_values() {
    let reply = Reply::page(200, "s3cret".to_owned()).header("Location", "/?id_token_hint=s3cret");
    assert!(!format!("{reply:?}").contains("s3cret"));
}
