use super::*;

fn pairs(parameters: &Parameters) -> Vec<(&str, &str)> {
    parameters.iter().collect()
}

#[test]
fn rfc_6749_appendix_b() {
    let value = "\u{20}\u{25}\u{26}\u{2B}\u{A3}\u{20AC}";
    assert_eq!(encode(value), "+%25%26%2B%C2%A3%E2%82%AC");
    assert_eq!(Form::new().with("a", value).to_body(), "a=+%25%26%2B%C2%A3%E2%82%AC");
    assert_eq!(Parameters::parse("a=+%25%26%2B%C2%A3%E2%82%AC").unwrap().value("a"), Some(value));
    assert_eq!(encode("a:b/c?d=e~f-g_h.i*j"), "a%3Ab%2Fc%3Fd%3De%7Ef-g_h.i*j");
}

#[test]
fn added_to_a_url() {
    let form = Form::new().with("a", "b c").with("d", "");
    for (url, expected) in [
        ("https://op.example", "https://op.example?a=b+c&d="),
        ("https://op.example/auth", "https://op.example/auth?a=b+c&d="),
        ("https://op.example/auth?", "https://op.example/auth?a=b+c&d="),
        ("https://op.example/auth?x=y", "https://op.example/auth?x=y&a=b+c&d="),
        ("https://op.example/auth?x=y&", "https://op.example/auth?x=y&a=b+c&d="),
        ("https://op.example/auth#frag", "https://op.example/auth?a=b+c&d="),
        ("https://op.example/auth?x=y#frag?z", "https://op.example/auth?x=y&a=b+c&d="),
        ("https://op.example/auth#?x", "https://op.example/auth?a=b+c&d="),
        ("/path", "/path?a=b+c&d="),
    ] {
        assert_eq!(form.append_to(url), expected, "{url}");
    }
    assert_eq!(Form::new().append_to("https://op.example/?x#y"), "https://op.example/?x");
    assert_eq!(Form::new().append_to("https://op.example/"), "https://op.example/");
}

#[test]
fn what_is_sent_is_what_is_received() {
    let mut form = Form::new();
    let every: String = (1..=0x17F_u32).filter_map(char::from_u32).collect();
    form.push(&every, &every);
    form.push("b", "&=%+;#?");
    assert!(form.contains("b") && !form.contains("c"));
    let received = Parameters::parse(&form.to_body()).unwrap();
    assert_eq!(pairs(&received), [(every.as_str(), every.as_str()), ("b", "&=%+;#?")]);
}

#[test]
fn received() {
    for (encoded, expected) in [
        ("", vec![]),
        ("&&", vec![]),
        ("a=b", vec![("a", "b")]),
        ("a=b&c=d", vec![("a", "b"), ("c", "d")]),
        ("a=b=c", vec![("a", "b=c")]),
        ("a+b=c+d", vec![("a b", "c d")]),
        ("%61=%62", vec![("a", "b")]),
        ("a=%2B%zz%", vec![("a", "+%zz%")]),
        ("a=b;c=d", vec![("a", "b;c=d")]),
        ("a=caf\u{e9}", vec![("a", "caf\u{e9}")]),
        // RFC 6749 §3.1: without a value, omitted.
        ("a=&b&c=d", vec![("c", "d")]),
        ("=x", vec![("", "x")]),
        ("A=1&a=2", vec![("A", "1"), ("a", "2")]),
    ] {
        assert_eq!(pairs(&Parameters::parse(encoded).unwrap()), expected, "{encoded}");
    }
    assert!(Parameters::parse("a=").unwrap().is_empty());
}

#[test]
fn refused() {
    for (encoded, error) in [
        ("a=b&a=b", FormError::Repeated),
        ("a=b&c=d&a=e", FormError::Repeated),
        ("a=b&%61=c", FormError::Repeated),
        ("a=&a=b", FormError::Repeated),
        ("a&a", FormError::Repeated),
        ("=&=", FormError::Repeated),
        ("a=%ff", FormError::NotUtf8),
        ("%c0%af=a", FormError::NotUtf8),
        ("a=%ed%a0%80", FormError::NotUtf8),
    ] {
        assert_eq!(Parameters::parse(encoded), Err(error), "{encoded}");
    }
}

#[test]
fn how_many() {
    let body = |count: usize| (0..count).map(|n| format!("p{n}=x")).collect::<Vec<_>>().join("&");
    assert_eq!(pairs(&Parameters::parse(&body(64)).unwrap()).len(), 64);
    assert_eq!(Parameters::parse(&body(65)), Err(FormError::TooMany));
}

#[test]
fn debug_does_not_show_values() {
    assert!(!format!("{:?}", Form::new().with("client_secret", "s3cret")).contains("s3cret"));
    assert!(!format!("{:?}", Parameters::parse("code=s3cret").unwrap()).contains("s3cret"));
}
