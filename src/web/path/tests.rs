use super::*;
use crate::web::vectors;

fn readings(raw: &str) -> Vec<String> {
    let path = RequestPath::parse(raw).unwrap();
    let mut readings: Vec<_> = path.readings().into_iter().map(|reading| String::from_utf8(reading).unwrap()).collect();
    readings.sort();
    readings
}

#[test]
fn refused_paths() {
    for [raw, variant] in vectors::rows(include_str!("../../../tests/vectors/paths_refused.txt"), 80) {
        let error = RequestPath::parse(&raw).expect_err(&raw);
        assert_eq!(format!("{error:?}"), variant, "{raw:?}");
    }
}

#[test]
fn accepted_paths() {
    for [raw, decoded] in vectors::rows(include_str!("../../../tests/vectors/paths_accepted.txt"), 50) {
        let path = RequestPath::parse(&raw).unwrap_or_else(|error| panic!("{raw:?}: {error}"));
        assert_eq!(path.raw(), raw);
        assert_eq!(path.decoded(), decoded.as_bytes(), "{raw:?}");
        assert!(raw.contains('%') || matches!(path.decoded, Cow::Borrowed(_)), "{raw:?} was copied");
    }
    // Bytes that are not UTF-8 but no trick either.
    assert_eq!(RequestPath::parse("/%ff%e9").unwrap().decoded(), b"/\xff\xe9");
}

/// What a URL parser makes of an accepted path decodes to what the rules saw.
#[test]
fn url_parsers_agree() {
    let pieces = ["/", ".", "%2e", "%2F", ";", "%3b", "%", "25", "a", "\\", "\"", "%C3"];
    let mut accepted = 0;
    for rest in vectors::combinations(&pieces, 4) {
        let raw = format!("/{rest}");
        let Ok(path) = RequestPath::parse(&raw) else { continue };
        accepted += 1;
        let parsed = url::Url::parse(&format!("https://site.example{raw}")).unwrap();
        assert_eq!(percent::decode(parsed.path().as_bytes()), path.decoded(), "{raw}");
        for reading in path.readings() {
            assert_ne!(reading, path.decoded(), "{raw}");
            assert!(!segments(&reading).any(is_dot_segment), "{raw}");
            let merged = merge_slashes(&reading);
            assert!(merged == path.decoded() || path.readings().contains(&merged), "{raw}");
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn other_readings() {
    for (raw, expected) in [
        ("/", vec![]),
        ("/a/b", vec![]),
        ("/a%20b", vec![]),
        ("//", vec!["/"]),
        ("/a//b", vec!["/a/b"]),
        ("///a////b/", vec!["/a/b/"]),
        ("/a;b", vec!["/a"]),
        ("/a;b/c;d=e;f/g", vec!["/a/c/g"]),
        ("/a%3bb", vec!["/a"]),
        ("/a%3bb;c", vec!["/a", "/a;b"]),
        ("/;x/admin", vec!["//admin", "/admin"]),
        ("/a;b//c", vec!["/a//c", "/a/c", "/a;b/c"]),
        ("/a/;b", vec!["/a/"]),
        ("/a%3bb;c//d", vec!["/a//d", "/a/d", "/a;b//d", "/a;b/d", "/a;b;c/d"]),
    ] {
        assert_eq!(readings(raw), expected, "{raw}");
    }
}

#[test]
fn urls_are_split_as_they_are() {
    for (url, origin, host, raw_path, query, target) in [
        ("https://a.example", "https://a.example", "a.example", "/", None, "/"),
        ("https://a.example/", "https://a.example", "a.example", "/", None, "/"),
        ("https://a.example?b", "https://a.example", "a.example", "/", Some("b"), "/?b"),
        ("https://a.example#b", "https://a.example", "a.example", "/", None, "/"),
        (
            "http://localhost:8787/a%20b?c=d?e#f",
            "http://localhost:8787",
            "localhost",
            "/a%20b",
            Some("c=d?e"),
            "/a%20b?c=d?e",
        ),
        ("http://127.0.0.1:80/", "http://127.0.0.1", "127.0.0.1", "/", None, "/"),
        ("https://A.example:443/x", "https://A.example", "A.example", "/x", None, "/x"),
        ("https://a.example:80/", "https://a.example:80", "a.example", "/", None, "/"),
        ("https://a.example:0443/", "https://a.example", "a.example", "/", None, "/"),
        ("https://[::1]:8443/a", "https://[::1]:8443", "[::1]", "/a", None, "/a"),
        ("https://[2001:db8::1]/a?", "https://[2001:db8::1]", "[2001:db8::1]", "/a", Some(""), "/a?"),
        (
            "https://a.example//b?/../\\ c\u{e9}",
            "https://a.example",
            "a.example",
            "//b",
            Some("/../\\ c\u{e9}"),
            "//b?/../\\ c\u{e9}",
        ),
        ("https://a_b.example/?a#b?c", "https://a_b.example", "a_b.example", "/", Some("a"), "/?a"),
    ] {
        let parsed = RequestUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(parsed.origin(), origin, "{url}");
        assert_eq!(parsed.host(), host, "{url}");
        assert_eq!(parsed.path().raw(), raw_path, "{url}");
        assert_eq!(parsed.query(), query, "{url}");
        assert_eq!(parsed.target(), target, "{url}");
        assert_eq!(parsed.is_secure(), url.starts_with("https"), "{url}");
    }
}

#[test]
fn urls_that_are_refused() {
    for (url, error) in [
        ("", PathError::Scheme),
        ("/a", PathError::Scheme),
        ("//a.example/", PathError::Scheme),
        ("HTTPS://a.example/", PathError::Scheme),
        ("ftp://a.example/", PathError::Scheme),
        ("https:/a.example/", PathError::Scheme),
        (" https://a.example/", PathError::Scheme),
        ("https://", PathError::Authority),
        ("https:///a", PathError::Authority),
        ("https://?a", PathError::Authority),
        ("https://#a", PathError::Authority),
        ("https://:443/", PathError::Authority),
        ("https://u@a.example/", PathError::Authority),
        ("https://u:p@a.example/", PathError::Authority),
        ("https://@a.example/", PathError::Authority),
        ("https://a.example:/", PathError::Authority),
        ("https://a.example:+1/", PathError::Authority),
        ("https://a.example:65536/", PathError::Authority),
        ("https://a.example:1:2/", PathError::Authority),
        ("https://a.example\\b/", PathError::Authority),
        ("https://a%2eexample/", PathError::Authority),
        ("https://a example/", PathError::Authority),
        ("https://a\t.example/", PathError::Authority),
        ("https://caf\u{e9}.example/", PathError::Authority),
        ("https://::1/", PathError::Authority),
        ("https://[::1/", PathError::Authority),
        ("https://[]/", PathError::Authority),
        ("https://[x]/", PathError::Authority),
        ("https://[::1]a/", PathError::Authority),
        ("https://a.example/a/../b", PathError::DotSegment),
        ("https://a.example/a/%2e%2e/b?c", PathError::DotSegment),
        ("https://a.example/a\\b", PathError::Backslash),
        ("https://a.example/a\nb", PathError::Control),
        ("https://a.example/?a\tb", PathError::Control),
        ("https://a.example/?a\rb#c", PathError::Control),
    ] {
        assert_eq!(RequestUrl::parse(url), Err(error), "{url:?}");
    }
}

#[test]
fn patterns_match_what_they_say() {
    for (pattern, matched, unmatched) in [
        ("/", vec!["/"], vec!["", "/a", "//"]),
        ("/a", vec!["/a"], vec!["/", "/a/", "/ab", "/A", "/a/b"]),
        ("/a/", vec!["/a/"], vec!["/a", "/a/b"]),
        (
            "/public/*",
            vec!["/public", "/public/", "/public/a/b"],
            vec!["/", "/publica", "/publi", "/Public/", "x/public"],
        ),
        ("/*", vec!["/", "/a", "/a/b", "//"], vec!["a", "*"]),
        ("/a%20b/%7Ec/*", vec!["/a b/~c", "/a b/~c/d"], vec!["/a%20b/~c"]),
        ("/caf%C3%A9", vec!["/caf\u{e9}"], vec!["/caf%C3%A9"]),
        ("/100%", vec!["/100%"], vec!["/100"]),
        ("/%2a", vec!["/*"], vec!["/a", "/%2a"]),
    ] {
        let parsed = PathPattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(parsed.to_string(), pattern);
        for path in matched {
            assert!(parsed.matches(path.as_bytes()), "{pattern} {path}");
        }
        for path in unmatched {
            assert!(!parsed.matches(path.as_bytes()), "{pattern} {path}");
        }
    }
}

#[test]
fn patterns_that_are_refused() {
    for (pattern, error) in [
        ("", PatternError::Path(PathError::Relative)),
        ("a", PatternError::Path(PathError::Relative)),
        ("*", PatternError::Path(PathError::Relative)),
        ("public/*", PatternError::Path(PathError::Relative)),
        ("/a*", PatternError::Wildcard),
        ("/*/a", PatternError::Wildcard),
        ("/**", PatternError::Wildcard),
        ("/*/*", PatternError::Wildcard),
        ("/*.css", PatternError::Wildcard),
        ("/a/../*", PatternError::Path(PathError::DotSegment)),
        ("/a/..", PatternError::Path(PathError::DotSegment)),
        ("/a%2fb", PatternError::Path(PathError::EncodedSlash)),
        ("/a%2541", PatternError::Path(PathError::DoubleEncoding)),
        ("/a\\b", PatternError::Path(PathError::Backslash)),
        ("/a?b", PatternError::Path(PathError::Delimiter)),
        ("/a b", PatternError::Path(PathError::Space)),
        ("/caf\u{e9}", PatternError::Path(PathError::NonAscii)),
        ("/a;b", PatternError::Ambiguous),
        ("/a//b", PatternError::Ambiguous),
        ("//*", PatternError::Ambiguous),
        ("/a//*", PatternError::Ambiguous),
    ] {
        assert_eq!(PathPattern::parse(pattern), Err(error), "{pattern}");
    }
}

#[test]
fn covering_is_what_matching_makes_it() {
    let patterns = ["/", "/*", "/a", "/a/", "/a/*", "/a/b", "/a/b/*", "/ab", "/ab/*", "/%61/*", "/%61"];
    let patterns = patterns.map(|pattern| PathPattern::parse(pattern).unwrap());
    // Enough paths to tell any two of these patterns apart.
    let paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/c", "/ab", "/ab/", "/ab/c", "/b", "//"];
    for one in &patterns {
        for other in &patterns {
            let all = paths.iter().all(|path| one.matches(path.as_bytes()) || !other.matches(path.as_bytes()));
            assert_eq!(one.covers(other), all, "{one} {other}");
        }
    }
}

#[test]
fn prefixes() {
    for (pattern, prefix, is_exact) in
        [("/api/*", "/api", false), ("/api", "/api", true), ("/*", "", false), ("/", "/", true)]
    {
        let pattern = PathPattern::parse(pattern).unwrap();
        assert_eq!(pattern.prefix(), prefix);
        assert_eq!(pattern.is_exact(), is_exact);
    }
}
