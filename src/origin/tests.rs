use serde_json::json;

use super::*;
use crate::web::cookie::CookieScope;

fn names() -> CookieNames {
    CookieNames::new("__Host-oidc_id_token".to_owned(), &CookieScope::new("/", true).unwrap())
}

#[test]
fn header_values_are_one_to_one() {
    for (claim, value) in [
        (json!("alice"), Some("alice")),
        (json!("a,b"), Some("a,b")),
        (json!(["a,b", "c"]), Some("a%2Cb,c")),
        (json!("100%"), Some("100%25")),
        (json!("Zoë"), Some("Zo%C3%AB")),
        (json!("a\r\nX: y"), Some("a%0D%0AX: y")),
        (json!("\u{7f}\u{0}"), Some("%7F%00")),
        (json!(" a b "), Some("%20a b%20")),
        (json!(true), Some("true")),
        (json!(7), Some("7")),
        (json!({"a": 1}), Some("{\"a\":1}")),
        (json!([]), Some("")),
        (json!(""), Some("")),
        (json!(null), None),
    ] {
        assert_eq!(header_value(&claim).as_deref(), value, "{claim}");
    }
}

#[test]
fn an_answer_to_an_identity_is_made_private() {
    for (origin, visitor) in [
        ("", "private"),
        ("public, max-age=60", "private, max-age=60"),
        ("PUBLIC,s-maxage=9", "private"),
        ("no-store", "private, no-store"),
        ("private", "private"),
        ("max-age=0, Private, must-revalidate", "max-age=0, Private, must-revalidate"),
        ("private, no-cache=\"a, public\"", "private, no-cache=\"a, public\""),
        ("private, private=\"x\"", "private"),
        ("s-maxage=9, private", "private"),
        ("x=\"private, max-age=1", "private, x=\"private, max-age=1"),
        ("private=\"set-cookie, x\", max-age=1", "private, max-age=1"),
        // White space that is none to a cache.
        ("x=\"a\", private, y=\"b\"", "private, x=\"a\", y=\"b\""),
        ("max-age=1, private\u{a0}", "private, max-age=1"),
        ("\u{2003}private, max-age=1", "private, max-age=1"),
        ("no-cache=\"a, public\", s-maxage = 3", "private, no-cache=\"a, public\""),
        // A quotation mark that is escaped, one that is alone, and a quoted string that a cache splits at commas.
        ("x=\"\\\"\", public, max-age=1", "private, x=\"\\\"\", max-age=1"),
        ("no-cache=\", public, s-maxage=9", "private, no-cache"),
        ("max-age=1, \", public", "private, max-age=1"),
        ("no-cache=\"a, public, b\", no-store", "private, no-cache, no-store"),
        ("a\"b=, s-maxage=9, c\", no-store", "private, no-store"),
    ] {
        assert_eq!(private_cache_control(origin), visitor, "{origin}");
    }
    let facts = AnswerFacts { cache_control: "public", set_cookies: &[] };
    assert_eq!(answer(&facts, false, &[], &names()), AnswerEdits::default());
    assert_eq!(answer(&facts, true, &[], &names()).cache_control.as_deref(), Some("private"));
}

#[test]
fn an_origin_cannot_set_our_cookies() {
    for line in [
        "__Host-oidc_id_token=x; Path=/",
        "__Host-oidc_id_token =x",
        " __Host-oidc_id_token=x",
        "=__Host-oidc_id_token=x",
        "__Host-oidc_id_token",
        "__Host-oidc_id_token.1=x",
        "__Host-oidc_id_token_login.abc=x",
    ] {
        assert!(sets_own_cookie(line, &names()), "{line}");
    }
    let lines = ["a=b".to_owned(), "__Host-oidc_id_token=x".to_owned(), "c=__Host-oidc_id_token".to_owned()];
    let edits = answer(&AnswerFacts { cache_control: "", set_cookies: &lines }, false, &[], &names());
    assert_eq!(edits.set_cookies, Some(vec![lines[0].clone(), lines[2].clone()]));
    let edits = answer(&AnswerFacts { cache_control: "", set_cookies: &lines[..1] }, false, &[], &names());
    assert_eq!(edits.set_cookies, None);
}

#[test]
fn our_cookies_join_the_origins() {
    let scope = CookieScope::new("/", true).unwrap();
    let ours = SetCookie::delete("__Host-oidc_tries", &scope).unwrap().to_string();
    let lines = ["a=b".to_owned()];
    let edits =
        answer(&AnswerFacts { cache_control: "", set_cookies: &lines }, true, std::slice::from_ref(&ours), &names());
    assert_eq!(edits.set_cookies, Some(vec![lines[0].clone(), ours]));
}
