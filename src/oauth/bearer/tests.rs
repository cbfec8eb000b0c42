use super::*;

type Read = Result<Option<(String, Scheme)>, BearerError>;

fn read(presented: Result<Option<Presented>, BearerError>) -> Read {
    presented.map(|found| found.map(|presented| (presented.untrusted.expose().clone(), presented.scheme)))
}

#[test]
fn headers() {
    let good = |token: &str, scheme| Ok(Some((token.to_owned(), scheme)));
    for (value, expected) in [
        ("Bearer abc", good("abc", Scheme::Bearer)),
        ("bEARER abc", good("abc", Scheme::Bearer)),
        ("Bearer  a.b-c_d~e+f/g==", good("a.b-c_d~e+f/g==", Scheme::Bearer)),
        ("dpop abc", good("abc", Scheme::Dpop)),
        ("", Ok(None)),
        ("Basic YTpi", Ok(None)),
        ("Bearerabc", Ok(None)),
        ("Digest username=\"a, b c\", realm=\"x\", uri=\"/\", qop = auth", Ok(None)),
        ("Bearer", Err(BearerError::Malformed)),
        ("Bearer ", Err(BearerError::Malformed)),
        ("Bearer ==", Err(BearerError::Malformed)),
        ("Bearer a b", Err(BearerError::Malformed)),
        ("Bearer a,b", Err(BearerError::Malformed)),
        ("Bearer a=b", Err(BearerError::Malformed)),
        ("Bearer \"a\"", Err(BearerError::Malformed)),
        ("Bearer a\u{e9}", Err(BearerError::Malformed)),
        ("Bearer a, Bearer b", Err(BearerError::Malformed)),
        ("Bearer a, Basic YTpi", Err(BearerError::Malformed)),
        ("Basic YTpi, Bearer a", Err(BearerError::Several)),
        ("Basic YTpi, Basic YTpi", Err(BearerError::Several)),
        ("Digest username=\"a\", Bearer a", Err(BearerError::Several)),
    ] {
        assert_eq!(read(in_header(value)), expected, "{value}");
    }
}

#[test]
fn parameters() {
    let good = |token: &str| Ok(Some((token.to_owned(), Scheme::Bearer)));
    for (encoded, expected) in [
        ("access_token=abc", good("abc")),
        ("a=1&access_token=abc&a=2", good("abc")),
        ("a=1&access%5ftoken=a%2Fb%3D", good("a/b=")),
        ("", Ok(None)),
        ("access_token", Ok(None)),
        ("access_token=", Ok(None)),
        ("ACCESS_TOKEN=abc&xaccess_token=b", Ok(None)),
        ("access_token=a&access_token=a", Err(BearerError::Several)),
        ("access_token=a&access%5Ftoken=b", Err(BearerError::Several)),
        ("access_token=a%2Bb", good("a+b")),
        ("access_token=a+b", Err(BearerError::Malformed)),
        ("access_token=a%20b", Err(BearerError::Malformed)),
        ("access_token=%ff", Err(BearerError::Malformed)),
    ] {
        assert_eq!(read(in_parameters(encoded, Location::Query)), expected, "{encoded}");
    }
}

#[test]
fn a_query_without_its_token() {
    for (query, rest) in [
        ("access_token=a", ""),
        ("x=1&access_token=a", "x=1"),
        ("access%5ftoken=a&x=%2F&&y", "x=%2F&&y"),
        ("access_token=&x=1&access_token", "x=1"),
    ] {
        assert_eq!(without_token(query), rest, "{query}");
    }
}

#[test]
fn challenges_hold_no_quotes() {
    let text =
        challenge("Bearer", &[("realm", Some("a\"b\\c".into())), ("error", None), ("scope", Some("x y".into()))]);
    assert_eq!(text, r#"Bearer realm="abc", scope="x y""#);
    assert_eq!(challenge("Bearer", &[("error", None)]), "Bearer");
}
