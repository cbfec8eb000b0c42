use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use super::*;
use crate::web::entries::Entry;

const MARKUP: &str = "\"'><script>alert(1)</script>&<b onclick=x>{{ 7*7 }}";

fn every_page(text: &str) -> Vec<String> {
    let span = || Span { since: text.to_owned(), until: text.to_owned() };
    vec![
        account(text, Some(&span()), Some(&[span()]), text),
        account(text, None, None, text),
        problem(text, text, text, Some(Action { href: text, label: text })),
        problem(text, text, text, None),
        signed_out(text),
        confirm_sign_out(text, Some(text)),
        confirm_sign_out(text, None),
        misconfigured(),
        unsent(text, text, text, &entries(text, false)),
        unsent(text, text, text, &entries(text, true)),
        not_kept(text),
        signed_in(),
    ]
}

/// A form with a field and a file, or one for a file that was not given.
fn entries(text: &str, given: bool) -> Entries {
    let [name, media_type] = [(); 2].map(|()| text.to_owned());
    let [value, file_name] = [(); 2].map(|()| if given { text } else { "" }.to_owned());
    let field = Entry { name: text.to_owned(), value: text.to_owned(), ..Entry::default() };
    Entries { enctype: "multipart/form-data", list: vec![field, Entry { name, value, file_name, media_type }] }
}

fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    html.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map_or("", |(inside, _)| inside)
}

fn script() -> &'static str {
    include_str!("files.js").trim_end()
}

/// The page without the script that its policy allows.
fn without_script(html: &str) -> String {
    html.replace(&format!("<script>{}</script>", script()), "")
}

/// When this fails, put the hash it expects into `SCRIPT_HASH`.
#[test]
fn script_hash_is_that_of_the_script() {
    assert_eq!(SCRIPT_HASH, format!("sha256-{}", Base64::encode_string(&Sha256::digest(script()))));
    let with_file = unsent("a", "a", "a", &entries("a", true));
    assert_eq!(between(&with_file, "<script>", "</script>"), script());
    let pages = every_page("a");
    assert_eq!(pages.iter().filter(|html| html.contains("<script")).collect::<Vec<_>>(), [&with_file]);
}

/// When this fails, put the hash it expects into `STYLE_HASH`.
#[test]
fn style_hash_is_that_of_the_style_sheet() {
    for html in every_page("a") {
        let style = between(&html, "<style>", "</style>");
        assert!(style.contains("prefers-color-scheme"));
        assert_eq!(STYLE_HASH, format!("sha256-{}", Base64::encode_string(&Sha256::digest(style))));
        assert_eq!(html.matches("<style").count(), 1);
        assert!(!html.contains("style="), "the policy allows no style attribute");
    }
}

#[test]
fn whatever_is_put_in_is_escaped() {
    for (hostile, plain) in every_page(MARKUP).into_iter().zip(every_page("a")) {
        let hostile = without_script(&hostile);
        assert!(!hostile.contains("<script") && !hostile.contains("<b "), "{hostile}");
        let plain = without_script(&plain);
        // As many tags and attributes as with harmless text: nothing broke out.
        for character in ['<', '>', '"', '\''] {
            assert_eq!(
                hostile.matches(character).count(),
                plain.matches(character).count(),
                "{character} in {hostile}"
            );
        }
    }
}

#[test]
fn every_page_is_a_whole_document() {
    for html in every_page("a") {
        for part in
            ["<!doctype html>", "<html lang=\"en\">", "name=\"viewport\"", "<main>", "</main>", "<h1>", "</html>"]
        {
            assert_eq!(html.matches(part).count(), 1, "{part} in {html}");
        }
        assert!(!between(&html, "<title>", "</title>").is_empty());
        // Nothing is loaded, and nothing else runs.
        let html = without_script(&html);
        for part in ["<script", "<link", "<img", "src=", "@import", "url(", "http:", "https:", "javascript:"] {
            assert!(!html.contains(part), "{part} in {html}");
        }
    }
}

#[test]
fn a_problem_says_what_happened_and_offers_one_way_on() {
    let html =
        problem("Gone stale", "Please start again.", "state_stale", Some(Action { href: "/in", label: "Start" }));
    for part in [
        "<title>Gone stale</title>",
        "<h1>Gone stale</h1>",
        "<p>Please start again.</p>",
        "<a class=\"button\" href=\"/in\">Start</a>",
        "<code>state_stale</code>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!problem("a", "b", "c", None).contains("<a "));
}

#[test]
fn signing_out_is_posted() {
    let html = confirm_sign_out("/oidc_logout", Some("/a?b=c&d=\"e\""));
    assert!(html.contains("<form method=\"post\" action=\"/oidc_logout\">"), "{html}");
    assert!(html.contains("<input type=\"hidden\" name=\"next\" value=\"/a?b=c&#38;d=&#34;e&#34;\">"), "{html}");
    assert!(html.contains("type=\"submit\">Sign out</button>"), "{html}");
    assert!(!confirm_sign_out("/oidc_logout", None).contains("<input"));
}

#[test]
fn the_account_says_what_is_known() {
    let span = |name: &str| Span { since: format!("{name} since"), until: format!("{name} until") };
    let html = |others: Option<&[Span]>| account("<Alice>", Some(&span("here")), others, "/oidc_logout");
    for (others, expected) in [
        (None, "cannot be told here"),
        (Some(&[][..]), "nowhere else"),
        (
            Some(&[span("there"), span("<b>")][..]),
            "<li>Since &#60;b&#62; since, at the latest until &#60;b&#62; until</li>",
        ),
    ] {
        let html = html(others);
        for part in ["&#60;Alice&#62;", "here since", "here until", expected, "name=\"everywhere\" value=\"1\""] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }
    assert!(!account("a", None, None, "/").contains("At the latest"), "the testing profile has no session");
}

#[test]
fn signed_out_leads_back_in() {
    let html = signed_out("/oidc_login?next=%2F");
    assert!(html.contains("You are signed out"));
    assert!(html.contains("<a class=\"button\" href=\"/oidc_login?next=%2F\">Sign in again</a>"), "{html}");
}

#[test]
fn what_was_entered_is_posted_as_it_was() {
    let entries = Entries::parse("application/x-www-form-urlencoded", b"a=1&a=%222%22&b=").unwrap();
    let html = unsent("Alice", "/a?b", "/oidc_resume?unsent=x", &entries);
    let form = "<form method=\"post\" enctype=\"application/x-www-form-urlencoded\" action=\"/oidc_resume?unsent=x\">";
    assert!(html.contains(form) && !html.contains("<script"), "{html}");
    let inputs: Vec<&str> = html.lines().filter(|line| line.starts_with("<input")).collect();
    assert_eq!(
        inputs,
        [
            r#"<input type="hidden" name="a" value="1">"#,
            r#"<input type="hidden" name="a" value="&#34;2&#34;">"#,
            r#"<input type="hidden" name="b" value="">"#,
        ]
    );
    assert!(html.contains("signed in as Alice. It goes to /a?b."), "{html}");
}
