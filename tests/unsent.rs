//! A form that meets the end of a session: kept for the one who entered it, and for nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Browser, FakeRequest, SITE, World};

const TEXT: &str = "subject=Rain&text=It+rains.%0D%0A%3Cb%3EStill%3C%2Fb%3E&subject=again";
const TARGET: &str = "/notes/new?from=%2Fhome&a=%7E";

/// A form of the site, sent by a person.
fn form(target: &str, body: &str) -> FakeRequest {
    FakeRequest::post(target, body).navigation().header("sec-fetch-site", "same-origin").header("origin", SITE)
}

fn with_header(mut request: FakeRequest, name: &str, value: Option<&str>) -> FakeRequest {
    request.headers.retain(|(known, _)| known != name);
    match value {
        Some(value) => request.header(name, value),
        None => request,
    }
}

/// The usual world, whose provider gives no refresh tokens, and a browser whose session has just ended.
fn ended(world: &World) -> Browser<'_> {
    world.provider().refresh_nothing();
    let browser = world.browser();
    browser.sign_in("/");
    world.host.pass(4000);
    browser
}

/// Signs in where the answer to a form leads: to the path of the page that asks.
fn sign_in(world: &World, browser: &Browser<'_>, answer: &Answer) -> String {
    assert_eq!(answer.status(), 302, "{}", answer.body());
    let back = browser.land(&world.provider().authorize(answer.location()));
    assert_eq!(back.status(), 302, "{}", back.body());
    back.location().to_owned()
}

fn be(world: &World, sub: &'static str) {
    world.provider().account.borrow_mut()["sub"] = json!(sub);
    world.provider().userinfo.borrow_mut()["sub"] = json!(sub);
}

#[test]
fn it_is_sent_after_the_sign_in_as_it_was_and_once() {
    let world = World::usual();
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(form(TARGET, TEXT)));
    assert!(page.starts_with("/oidc_resume?unsent="), "{page}");

    for _ in 0..2 {
        let asked = browser.visit(&page);
        assert_eq!(asked.status(), 200);
        let html = asked.body();
        assert!(html.contains("signed in as Alice A. It goes to /notes/new?from=%2Fhome&#38;a=%7E."), "{html}");
        assert_eq!(html.matches("<input type=\"hidden\"").count(), 3, "{html}");
        assert!(html.contains("&#60;b&#62;Still") && !html.contains("<b>"), "{html}");
    }

    let sent = browser.send(form(&page, TEXT));
    assert_eq!((sent.status(), sent.location()), (307, TARGET));
    let again = browser.send(form(&page, TEXT));
    assert_eq!(again.status(), 409);
    assert!(again.body().contains("only once"), "{}", again.body());
    assert_eq!(browser.visit(&page).status(), 409);
    // The browser follows the redirect, and it is as any other request.
    let arrived = browser.send(form(TARGET, TEXT));
    assert_eq!(arrived.url(), format!("https://origin.example{TARGET}"));
    assert_eq!(arrived.user(), Some("alice"));
}

#[test]
fn another_isolate_knows_that_it_has_been_sent() {
    for turns in [false, true] {
        let world = World::usual();
        world.host.turns.set(turns);
        let browser = ended(&world);
        let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
        let cookies = browser.cookies_for(&format!("{SITE}/"));
        assert_eq!(browser.send(form(&page, TEXT)).status(), 307);
        let world = world.redeployed(&json!({}));
        assert_eq!(world.send(&form(&page, TEXT).cookies(&cookies)).status(), 409);
        assert_eq!(world.host.last_event(), "unsent.already_sent");
    }
}

#[test]
fn the_store_cannot_read_it() {
    let world = World::usual();
    let browser = ended(&world);
    let before = world.host.store.borrow().len();
    browser.send(form("/secret-place", "word=confidential"));
    assert_eq!(world.host.store.borrow().len(), before + 1);
    for (key, (value, until)) in world.host.store.borrow().iter() {
        let text = format!("{key} {}", String::from_utf8_lossy(value));
        assert!(!text.contains("confidential") && !text.contains("secret-place"), "{text}");
        assert!(!key.starts_with("f:") || *until == world.host.unix() + 1800, "{key}");
    }
}

#[test]
fn whose_it_is_nobody_else_sends_it() {
    let world = World::usual();
    let browser = ended(&world);
    let kept = browser.send(form("/", TEXT));
    be(&world, "bob");
    let page = sign_in(&world, &browser, &kept);
    for answer in [browser.visit(&page), browser.send(form(&page, TEXT))] {
        assert_eq!(answer.status(), 403);
        assert!(!answer.body().contains("rains"), "{}", answer.body());
    }
    assert_eq!(world.host.last_event(), "unsent.another_visitor");
    // Nothing has become of it: the right one may still come.
    be(&world, "alice");
    browser.sign_in("/oidc_login");
    assert_eq!(browser.send(form(&page, TEXT)).status(), 307);
}

#[test]
fn it_is_kept_for_who_was_signed_in_and_says_that_it_is_of_this_site() {
    let json = |request: FakeRequest, signed_in_before: bool| {
        let world = World::usual();
        let browser = if signed_in_before { ended(&world) } else { world.browser() };
        world.host.take_counts();
        let answer = browser.send(request);
        assert_eq!((answer.status(), answer.json()["error"].as_str()), (401, Some("login_required")));
        assert_eq!(answer.set_cookies(), Vec::<String>::new());
        assert_eq!(world.host.take_counts().writes, 0);
    };
    let usual = || form("/", TEXT);
    json(usual(), false);
    for (name, value) in [
        ("sec-fetch-site", None),
        ("sec-fetch-site", Some("cross-site")),
        ("sec-fetch-site", Some("same-site")),
        ("sec-fetch-site", Some("none")),
        ("sec-fetch-mode", None),
        ("sec-fetch-mode", Some("cors")),
        ("sec-fetch-mode", Some("same-origin")),
    ] {
        json(with_header(usual(), name, value), true);
    }
    for method in ["PUT", "PATCH", "DELETE", "PROPFIND"] {
        json(FakeRequest { method: method.to_owned(), ..usual() }, true);
    }
}

#[test]
fn what_cannot_be_kept_is_said_so_and_the_browser_has_it() {
    let largest = format!("a={}", "x".repeat(64 * 1024 - 2));
    let kept = |request: FakeRequest| {
        let world = World::usual();
        let answer = ended(&world).send(request);
        if answer.status() == 401 {
            assert!(answer.body().contains("your browser still has it"), "{}", answer.body());
            let link = "<a class=\"button\" href=\"/oidc_login?next=%2Foidc_resume\" target=\"_blank\"";
            assert!(answer.body().contains(link), "{}", answer.body());
            assert_eq!(answer.set_cookies(), Vec::<String>::new());
        }
        answer.status() == 302
    };
    assert!(kept(form("/", &largest)));
    assert!(kept(form("/", "")));
    assert!(!kept(form("/", &format!("{largest}x"))));
    for body in ["a=%E9", "a", "a=%0A", "{\"a\": 1}"] {
        assert!(!kept(form("/", body)), "{body}");
    }
    for kind in [Some("multipart/form-data; boundary=x"), Some("text/plain"), Some("application/json"), None] {
        assert!(!kept(with_header(form("/", TEXT), "content-type", kind)), "{kind:?}");
    }
    assert!(!kept(form(&format!("/{}", "x".repeat(2048)), TEXT)));
}

/// A form with a text, a file and a field for one that was not given, as browsers send it.
fn with_file(target: &str, boundary: &str, file: &[u8]) -> FakeRequest {
    let part = |head: &str, value: &[u8]| {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{head}\r\n\r\n");
        [head.as_bytes(), value, b"\r\n"].concat()
    };
    let body = [
        part("text\"", "Es regnet.\r\nÜberall".as_bytes()),
        part("file\"; filename=\"wet%22ter 🌧.bin\"\r\nContent-Type: image/png", file),
        part("other\"; filename=\"\"\r\nContent-Type: application/octet-stream", b""),
        format!("--{boundary}--\r\n").into_bytes(),
    ];
    let kind = format!("multipart/form-data; boundary={boundary}");
    let request = with_header(form(target, ""), "content-type", Some(&kind));
    FakeRequest { body: body.concat(), ..request }
}

#[test]
fn a_file_waits_like_a_text() {
    let world = World::usual();
    let browser = ended(&world);
    let file = [0, 255, b'\n', b'\r', 128];
    let page = sign_in(&world, &browser, &browser.send(with_file(TARGET, "----x1", &file)));
    let asked = browser.visit(&page);
    let policy = asked.header("content-security-policy").unwrap();
    assert!(policy.contains("; script-src 'sha256-"), "{policy}");
    let html = asked.body();
    for part in [
        "enctype=\"multipart/form-data\"",
        "<input type=\"hidden\" name=\"text\" value=\"Es regnet.\r\nÜberall\">",
        "<input type=\"file\" hidden data-name=\"wet%22ter 🌧.bin\" data-type=\"image/png\" name=\"file\" value=\"AP8KDYA=\">",
        "<input type=\"file\" hidden data-name=\"\" data-type=\"application/octet-stream\" name=\"other\" value=\"\">",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert_eq!(browser.send(with_file(&page, "----x2", b"another")).status(), 400);
    assert_eq!(browser.send(form(&page, TEXT)).status(), 400);
    // The browser has chosen another boundary.
    let sent = browser.send(with_file(&page, "----longer-x2", &file));
    assert_eq!((sent.status(), sent.location()), (307, TARGET));
    assert_eq!(browser.send(with_file(&page, "----x3", &file)).status(), 409);
}

#[test]
fn a_file_may_be_as_large_as_a_form() {
    let overhead = with_file("/", "----x1", b"").body.len();
    let file = vec![7; 64 * 1024 - overhead];
    let world = World::usual();
    let browser = ended(&world);
    assert_eq!(browser.send(with_file("/", "----x1", &[file.as_slice(), b"x"].concat())).status(), 401);
    let page = sign_in(&world, &browser, &browser.send(with_file("/", "----x1", &file)));
    assert_eq!(browser.send(with_file(&page, "----longer-x2", &file)).status(), 307);
}

#[test]
fn plain_text_waits_too_and_needs_no_script() {
    let plain = |target: &str, body: &str| with_header(form(target, body), "content-type", Some("text/plain"));
    let world = World::usual();
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(plain(TARGET, "a=1\r\nb=\"2\"\r\n")));
    let asked = browser.visit(&page);
    assert!(!asked.header("content-security-policy").unwrap().contains("script-src"));
    assert!(asked.body().contains("enctype=\"text/plain\""), "{}", asked.body());
    assert_eq!(browser.send(plain(&page, "a=1\r\nb=2\r\n")).status(), 400);
    assert_eq!(browser.send(plain(&page, "a=1\r\nb=\"2\"\r\n")).location(), TARGET);
}

#[test]
fn a_store_that_fails_keeps_nothing_and_says_so() {
    let world = World::usual();
    let browser = ended(&world);
    world.host.faults.save.set(true);
    assert_eq!(browser.send(form("/", TEXT)).status(), 401);
    assert_eq!(world.host.last_event(), "store.save_failed");
    world.host.faults.save.set(false);
    let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
    world.host.faults.load.set(true);
    assert_eq!(browser.visit(&page).status(), 503);
    world.host.faults.load.set(false);
    // That it has been sent can't be written down: then this isolate knows.
    world.host.faults.save.set(true);
    assert_eq!(browser.send(form(&page, TEXT)).status(), 307);
    assert_eq!(browser.send(form(&page, TEXT)).status(), 409);
}

#[test]
fn what_the_store_does_not_show_yet_may_come() {
    let world = World::usual();
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
    let shown = world.host.store.take();
    let missing = browser.visit(&page);
    assert_eq!((missing.status(), world.host.last_event()), (404, "unsent.not_here"));
    assert!(missing.body().contains(&format!("href=\"{page}\"")), "a way to look again: {}", missing.body());
    *world.host.store.borrow_mut() = shown;
    assert_eq!(browser.visit(&page).status(), 200);
}

#[test]
fn it_waits_for_half_an_hour() {
    for (seconds, status) in [(1799, 200), (1800, 404)] {
        let world = World::usual();
        let browser = ended(&world);
        let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
        world.host.pass(seconds);
        assert_eq!(browser.visit(&page).status(), status, "{seconds}");
    }
}

#[test]
fn only_our_own_page_sends_it() {
    let world = World::usual();
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
    let foreign = with_header(form(&page, TEXT), "sec-fetch-site", Some("cross-site"));
    assert_eq!(browser.send(foreign).status(), 403);
    assert_eq!(browser.send(form(&page, "subject=Sun")).status(), 400);
    assert_eq!(browser.send(FakeRequest::new("PUT", &page)).status(), 405);
    // Whose session has ended once more signs in once more.
    let nobody = world.browser();
    assert_eq!(nobody.send(form(&page, TEXT)).status(), 302);
    assert_eq!(nobody.visit(&page).status(), 302);
    assert_eq!(browser.send(form(&page, TEXT)).status(), 307);
}

#[test]
fn junk_names_nothing() {
    let world = World::usual();
    let browser = world.alice();
    let session = browser.session().unwrap();
    for name in ["x", "%00", "AQ", &session[1..], &"A".repeat(82)] {
        assert_eq!(browser.visit(&format!("/oidc_resume?unsent={name}")).status(), 404, "{name}");
    }
    for query in ["", "?", "?unsent=", "?unsent=a&unsent=b", "?other=x"] {
        let answer = browser.visit(&format!("/oidc_resume{query}"));
        assert_eq!(answer.status(), 200, "{query}");
        assert!(answer.body().contains("You are signed in"), "{}", answer.body());
    }
}

#[test]
fn one_who_asks_too_often_is_not_kept_anything() {
    let world = World::usual();
    let browser = ended(&world);
    world.host.faults.rate.set(true);
    world.host.take_counts();
    assert_eq!(browser.send(form("/", TEXT)).status(), 429);
    assert_eq!(world.host.take_counts().writes, 0);
}

#[test]
fn the_other_tab_signs_in_and_is_told_to_go_back() {
    let world = World::usual();
    let browser = world.browser();
    let answer = browser.sign_in("/oidc_login?next=%2Foidc_resume");
    assert_eq!(answer.location(), "/oidc_resume");
    assert!(browser.visit("/oidc_resume").body().contains("reload it there"));
}

#[test]
fn it_is_not_looked_for_where_a_session_lasts_or_none_is_needed() {
    let world =
        World::new(&json!({"OIDC_RULES": [{"path": "/open", "access": "public"}, {"path": "/no", "access": "deny"}]}));
    let browser = world.alice();
    assert_eq!(browser.send(form("/a", TEXT)).user(), Some("alice"));
    world.provider().refresh_nothing();
    world.host.pass(700_000);
    browser.keep_for_ever();
    assert!(browser.send(form("/open", TEXT)).is_forward());
    assert_eq!(browser.send(form("/no", TEXT)).status(), 403);
}

#[test]
fn a_form_that_needs_a_stronger_sign_in_waits_for_that() {
    let rule = json!({"path": "/pay", "methods": ["POST"], "access": "login", "acr_values": ["gold"]});
    let world = World::new(&json!({"OIDC_RULES": [rule]}));
    let browser = world.alice();
    let kept = browser.send(form("/pay", TEXT));
    assert!(kept.location().contains("acr_values=gold"), "{}", kept.location());
    world.provider().account.borrow_mut()["acr"] = json!("gold");
    let page = sign_in(&world, &browser, &kept);
    assert_eq!(browser.send(form(&page, TEXT)).location(), "/pay");
    assert_eq!(browser.send(form("/pay", TEXT)).user(), Some("alice"));
    // What can't be kept is no matter of just any other sign-in.
    world.provider().account.borrow_mut()["acr"] = json!("bronze");
    browser.sign_in("/oidc_login");
    let refused = browser.send(form("/pay", "a"));
    assert_eq!((refused.status(), refused.json()["error"].as_str()), (401, Some("insufficient_user_authentication")));
}

#[test]
fn where_tokens_would_do_as_well() {
    let rule = json!({"path": "/*", "access": "login_or_token"});
    let world = World::new(&json!({"OIDC_RULES": [rule], "OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "api"}));
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(form("/", TEXT)));
    assert_eq!(browser.send(form(&page, TEXT)).status(), 307);
    for request in [form("/", TEXT), with_header(form("/", TEXT), "sec-fetch-mode", Some("cors"))] {
        assert!(world.browser().send(request).header("www-authenticate").is_some());
    }
}

#[test]
fn the_log_tells_what_became_of_it_and_whose_it_is() {
    let world = World::usual();
    let browser = ended(&world);
    let page = sign_in(&world, &browser, &browser.send(form(TARGET, TEXT)));
    browser.send(form(&page, TEXT));
    browser.send(form(&page, TEXT));
    world.host.faults.save.set(true);
    world.browser().sign_in("/");
    let lines = world.host.lines();
    let of = |event: &str| lines.iter().rfind(|line| line.contains(&format!("\"event\":\"{event}\""))).unwrap().clone();
    let subject = |line: String| serde_json::from_str::<Value>(&line).unwrap()["subject"].as_str().unwrap().to_owned();
    let alice = subject(of("sign_in.finished"));
    for event in ["unsent.kept", "unsent.sent", "unsent.already_sent", "store.save_failed"] {
        assert_eq!(subject(of(event)), alice, "{event}");
    }
}
