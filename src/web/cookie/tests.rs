use super::*;
use crate::web::vectors;

fn scope(path: &str, secure: bool) -> CookieScope {
    CookieScope::new(path, secure).unwrap()
}

#[test]
fn headers_are_read_leniently() {
    for (header, expected) in [
        ("", vec![]),
        (";; ;\t", vec![]),
        ("a=b", vec![("a", "b")]),
        ("a=b; c=d", vec![("a", "b"), ("c", "d")]),
        ("a=b;c=d;", vec![("a", "b"), ("c", "d")]),
        (" a\t=\tb ", vec![("a", "b")]),
        ("a=b=c", vec![("a", "b=c")]),
        ("a=\"b\"", vec![("a", "\"b\"")]),
        ("a", vec![("", "a")]),
        ("=a", vec![("", "a")]),
        ("a=", vec![("a", "")]),
        ("=", vec![("", "")]),
        ("a=b, c=d", vec![("a", "b, c=d")]),
        ("a=1; a=2", vec![("a", "1"), ("a", "2")]),
    ] {
        assert_eq!(pairs(header).collect::<Vec<_>>(), expected, "{header:?}");
    }
}

#[test]
fn names_are_compared_exactly() {
    assert_eq!(value("A=1; a=2; a=3", "a"), Some("2"));
    assert_eq!(value("aa=1; b=a", "a"), None);
    assert_eq!(value("a", "a"), None);
}

#[test]
fn recorded_headers() {
    let is_own = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "__host-oidc" || name.starts_with("__host-oidc.")
    };
    for [header, own, left] in vectors::rows(include_str!("../../../tests/vectors/cookie_headers.txt"), 40) {
        assert_eq!(value(&header, "__Host-oidc").unwrap_or("-"), own, "{header:?}");
        let expected = match left.as_str() {
            "=" => Remaining::Unchanged,
            "-" => Remaining::Nothing,
            _ => Remaining::Changed(left.clone()),
        };
        assert_eq!(without(&header, is_own), expected, "{header:?}");
        // The other cookies are the same ones as before, in the same order; taking ours out again changes nothing.
        if let Remaining::Changed(rest) = without(&header, is_own) {
            let is_foreign =
                |(name, _): &(&str, &str)| !is_own(name.trim_matches(|c: char| c.is_whitespace() || c.is_control()));
            let before: Vec<_> =
                pairs(&header).filter(is_foreign).filter(|pair| *pair != ("", "__Host-oidc")).collect();
            assert_eq!(pairs(&rest).collect::<Vec<_>>(), before, "{header:?}");
            assert_eq!(without(&rest, is_own), Remaining::Unchanged, "{header:?}");
        }
    }
}

#[test]
fn nothing_of_ours_is_left_whatever_surrounds_it() {
    let is_own = |name: &str| name.eq_ignore_ascii_case("s");
    for header in vectors::combinations(&["s", "S", "=", ";", " ", "\t", "\"", "x"], 6) {
        let left = match without(&header, is_own) {
            Remaining::Unchanged => header.clone(),
            Remaining::Changed(rest) => rest,
            Remaining::Nothing => String::new(),
        };
        assert!(!pairs(&left).any(|(name, _)| is_own(name)), "{header:?} -> {left:?}");
    }
}

#[test]
fn scopes() {
    for path in ["", "a", "/;", "/a;b", "/a b", "/\r\n", "/a\u{7f}", "/\0", "/caf\u{e9}", &"/a".repeat(513)] {
        assert_eq!(CookieScope::new(path, true), None, "{path:?}");
    }
    assert_eq!(scope("/", true).name("sid"), "__Host-sid");
    assert_eq!(scope("/", false).name("sid"), "sid");
    assert_eq!(scope("/app", true).name("sid"), "sid");
    assert_eq!(scope("/app", true).path(), "/app");
}

#[test]
fn set_cookie_as_text() {
    let root = scope("/", true);
    let app = scope("/app", false);
    let week = Duration::from_hours(168);
    for (cookie, expected) in [
        (SetCookie::new("__Host-s", "v", &root), "__Host-s=v; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            SetCookie::new("__Host-s", "v", &root).map(|cookie| cookie.max_age(week).same_site(SameSite::Strict)),
            "__Host-s=v; Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Strict",
        ),
        (
            SetCookie::new("s", "", &root).map(|cookie| cookie.same_site(SameSite::None)),
            "s=; Path=/; Secure; HttpOnly; SameSite=None",
        ),
        (SetCookie::new("s", "v", &app).map(|cookie| cookie.same_site(SameSite::None)), "s=v; Path=/app; HttpOnly"),
        (SetCookie::delete("s", &app), "s=; Path=/app; Max-Age=0; HttpOnly; SameSite=Lax"),
        (SetCookie::delete("__Host-s", &root), "__Host-s=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
    ] {
        assert_eq!(cookie.unwrap().to_string(), expected);
    }
}

#[test]
fn what_a_browser_would_drop_cannot_be_built() {
    let root = scope("/", true);
    for name in ["", "a b", "a=b", "a;b", "a,b", "a\r\n", "\"a\"", "caf\u{e9}", "a\0"] {
        assert_eq!(SetCookie::new(name, "v", &root), Err(CookieError::Name), "{name:?}");
    }
    for value in [" ", "a b", "a;b", "a,b", "a\"b", "a\\b", "a\r\nb", "\0", "\u{7f}", "caf\u{e9}"] {
        assert_eq!(SetCookie::new("n", value, &root), Err(CookieError::Value), "{value:?}");
    }
    for (name, path, secure) in [
        ("__Host-a", "/", false),
        ("__Host-a", "/app", true),
        ("__hOST-a", "/app", true),
        ("__Secure-a", "/", false),
        ("__secure-a", "/app", false),
        ("__Http-a", "/", false),
        ("__Host-Http-a", "/app", true),
    ] {
        assert_eq!(SetCookie::new(name, "v", &scope(path, secure)), Err(CookieError::Prefix), "{name} {path}");
    }
    assert!(SetCookie::new("__Secure-a", "v", &scope("/app", true)).is_ok());
    assert!(SetCookie::new("n", &"v".repeat(4095), &root).is_ok());
    assert_eq!(SetCookie::new("n", &"v".repeat(4096), &root), Err(CookieError::TooLong { bytes: 4097 }));
}

#[test]
fn every_cookie_octet_travels_there_and_back() {
    let octets: String = (0x21..=0x7E_u8).map(char::from).filter(|c| !"\",;\\".contains(*c)).collect();
    let sent = SetCookie::new("n", &octets, &scope("/", true)).unwrap().to_string();
    let header = sent.split(';').next().unwrap();
    assert_eq!(value(header, "n"), Some(octets.as_str()));
}

#[test]
fn debug_does_not_show_the_value() {
    let cookie = SetCookie::new("n", "s3cret", &scope("/", true)).unwrap();
    assert!(!format!("{cookie:?}").contains("s3cret"));
    assert_eq!(cookie.name(), "n");
}
