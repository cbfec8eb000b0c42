use url::Url;

use super::*;
use crate::web::vectors;

/// A browser that is sent there, from anywhere on the site, stays on the site and does not slip into `//host` paths.
fn stays_on_the_site(target: &str) -> bool {
    ["https://site.example", "https://site.example/deep/page?query", "http://localhost:8787/"].iter().all(|base| {
        let base = Url::parse(base).unwrap();
        let landed = base.join(target).unwrap();
        landed.origin() == base.origin() && landed.username().is_empty() && !landed.path().starts_with("//")
    })
}

#[test]
fn attacks_are_refused() {
    for attack in vectors::lines(include_str!("../../../tests/vectors/return_to.txt"), 120) {
        assert_eq!(ReturnTo::parse(&attack), None, "{attack:?}");
        let stored = serde_json::to_string(&attack).unwrap();
        assert!(serde_json::from_str::<ReturnTo>(&stored).is_err(), "{attack:?}");
    }
}

#[test]
fn paths_of_the_site_are_kept_as_they_are() {
    for target in vectors::lines(include_str!("../../../tests/vectors/return_to_good.txt"), 40) {
        let parsed = ReturnTo::parse(&target).unwrap_or_else(|| panic!("{target:?}"));
        assert_eq!(parsed.as_str(), target);
        assert_eq!(parsed.to_string(), target);
        assert!(stays_on_the_site(&target), "{target:?}");
        let stored = serde_json::to_string(&parsed).unwrap();
        assert_eq!(serde_json::from_str::<ReturnTo>(&stored).unwrap(), parsed);
        let url = format!("https://site.example{target}");
        assert_eq!(ReturnTo::from_request(&RequestUrl::parse(&url).unwrap()), parsed);
    }
}

#[test]
fn a_link_that_people_can_read_is_encoded() {
    for (link, target) in [
        ("/caf\u{e9}/a b?q=\u{1f600} c", "/caf%C3%A9/a%20b?q=%F0%9F%98%80%20c"),
        ("/caf%C3%A9?a+b", "/caf%C3%A9?a+b"),
        ("/\u{ff0f}evil.example", "/%EF%BC%8Fevil.example"),
    ] {
        assert_eq!(ReturnTo::from_link(link).unwrap().as_str(), target);
    }
    for attack in vectors::lines(include_str!("../../../tests/vectors/return_to.txt"), 120) {
        match ReturnTo::from_link(&attack) {
            Some(encoded) => assert!(!attack.is_ascii() || attack.contains(' '), "{encoded}"),
            None => assert_eq!(ReturnTo::parse(&attack), None),
        }
        assert!(ReturnTo::from_link(&attack).is_none_or(|encoded| stays_on_the_site(encoded.as_str())), "{attack:?}");
    }
}

#[test]
fn whatever_is_accepted_stays_on_the_site() {
    let pieces = ["/", "\\", ".", "%2e", "%2f", "%5c", "%09", "\t", "\n", " ", "@", ":", ";", "?", "#", "e"];
    let mut accepted = 0;
    for target in vectors::combinations(&pieces, 4) {
        for target in [format!("/{target}"), target] {
            if ReturnTo::parse(&target).is_some() {
                accepted += 1;
                assert!(stays_on_the_site(&target), "{target:?}");
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn every_single_character() {
    for c in (0..=0x2FFF_u32).filter_map(char::from_u32) {
        for target in [format!("{c}/evil.example"), format!("/{c}/evil.example"), format!("/{c}"), format!("/?{c}")] {
            assert!(ReturnTo::parse(&target).is_none() || stays_on_the_site(&target), "{target:?}");
        }
    }
}

#[test]
fn how_long() {
    let longest = format!("/{}", "a".repeat(ReturnTo::MAX_BYTES - 1));
    assert!(ReturnTo::parse(&longest).is_some());
    assert_eq!(ReturnTo::parse(&format!("{longest}a")), None);
    let url = format!("https://site.example{longest}a");
    assert_eq!(ReturnTo::from_request(&RequestUrl::parse(&url).unwrap()), ReturnTo::root());
}

#[test]
fn a_request_for_a_foreign_looking_path_goes_to_the_front_page() {
    for url in ["https://site.example//evil.example", "https://site.example/%0a", "https://site.example/?caf\u{e9}"] {
        assert_eq!(ReturnTo::from_request(&RequestUrl::parse(url).unwrap()), ReturnTo::root(), "{url}");
    }
    let url = RequestUrl::parse("https://site.example/a?b=c#d").unwrap();
    assert_eq!(ReturnTo::from_request(&url).as_str(), "/a?b=c");
}
