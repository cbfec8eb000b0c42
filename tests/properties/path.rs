//! Paths: an accepted one reaches the origin byte for byte, and no reader finds another one in it.

use edge_oidc::web::path::{PathPattern, RequestPath, RequestUrl};
use url::Url;

use super::text;

/// The input is a path, a whole URL, and the pattern of a rule.
pub fn check(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    if let Ok(url) = RequestUrl::parse(text) {
        url_is_sound(text, &url);
        return true;
    }
    pattern_is_sound(text);
    let url = format!("https://site.example{text}");
    let parsed = RequestPath::parse(text);
    if let Ok(path) = &parsed {
        path_is_sound(text, path);
        let url = RequestUrl::parse(&url).expect("an accepted path makes a URL");
        assert_eq!((url.path(), url.target(), url.origin()), (path, text, "https://site.example"));
    }
    parsed.is_ok()
}

fn path_is_sound(raw: &str, path: &RequestPath<'_>) {
    assert_eq!(path.raw(), raw);
    let browser = Url::parse(&format!("https://site.example{raw}")).unwrap();
    assert_eq!((browser.path(), browser.query()), (raw, None), "the platform would change it on the way");
    let again = RequestPath::parse(browser.path()).unwrap();
    assert_eq!(again.decoded(), path.decoded());
    // The next reader decodes nothing more.
    assert_eq!(decode_leniently(path.decoded()), path.decoded());
    assert_eq!(decode_leniently(raw.as_bytes()), path.decoded());

    let readings = path.readings();
    assert!(readings.iter().all(|reading| reading.as_slice() != path.decoded()));
    assert!(readings.iter().enumerate().all(|(index, reading)| !readings[..index].contains(reading)));
    for reading in readings.iter().map(Vec::as_slice).chain([path.decoded()]) {
        assert!(reading.starts_with(b"/") && !reading.contains(&0) && !reading.contains(&b'\\'));
        for segment in reading.split(|byte| *byte == b'/') {
            assert!(segment != b"." && segment != b"..", "a dot segment in {}", reading.escape_ascii());
        }
    }
    // A reader that strips parameters and merges slashes finds one of these.
    let stripped: Vec<&[u8]> =
        path.decoded().split(|b| *b == b'/').map(|segment| segment.split(|b| *b == b';').next().unwrap()).collect();
    let mut merged = stripped.join(&b'/');
    merged.dedup_by(|next, previous| *next == b'/' && *previous == b'/');
    assert!(merged == path.decoded() || readings.contains(&merged));

    let everything = PathPattern::parse("/*").unwrap();
    assert!(everything.matches(path.decoded()) && readings.iter().all(|reading| everything.matches(reading)));
}

fn url_is_sound(text: &str, url: &RequestUrl<'_>) {
    path_is_sound(url.path().raw(), url.path());
    assert_eq!(url.is_secure(), text.starts_with("https://"));
    assert!(text.starts_with(url.origin()) && url.origin().contains(url.host()));
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    assert_eq!(url.target(), format!("{}{query}", url.path().raw()));
    // The parser of browsers finds the same site and the same path, if it finds a host at all.
    let Ok(browser) = Url::parse(text) else { return };
    assert_eq!(browser.path(), url.path().raw());
    assert_eq!(browser.query().is_some(), url.query().is_some());
    let origin = Url::parse(url.origin()).expect("the origin of a URL is a URL");
    assert_eq!(origin.origin(), browser.origin());
}

fn pattern_is_sound(text: &str) {
    let Ok(pattern) = PathPattern::parse(text) else { return };
    assert_eq!(pattern.to_string(), text);
    assert!(pattern.covers(&pattern) && PathPattern::parse("/*").unwrap().covers(&pattern));
    assert_eq!(pattern.is_exact(), !text.ends_with("/*"));
    let Ok(path) = RequestPath::parse(pattern.prefix()) else { return assert_eq!(pattern.prefix(), "") };
    let below = [path.decoded(), b"/x"].concat();
    let beside = [path.decoded(), b"x"].concat();
    assert!(pattern.matches(path.decoded()) && !pattern.matches(&beside));
    assert_eq!(pattern.matches(&below), !pattern.is_exact());
}

fn decode_leniently(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| u8::try_from(digit).unwrap());
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let octet = match &bytes[at..] {
            [b'%', high, low, ..] => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.push(octet.unwrap_or(bytes[at]));
        at += if octet.is_some() { 3 } else { 1 };
    }
    decoded
}
