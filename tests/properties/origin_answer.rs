//! The origin's answer: one made for an identity stays out of shared caches, and none sets our cookies.
//!
//! The first line of the input is `Cache-Control`, each of the others a `Set-Cookie`.

use edge_oidc::{
    origin::{AnswerFacts, answer},
    session::cookies::CookieNames,
    web::cookie::{self, SetCookie},
};

use super::{cookie_names, text};

/// Accepted: nothing has to change but the mark.
pub fn check(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let mut lines = text.split('\n').map(str::to_owned);
    let cache_control = lines.next().unwrap_or_default();
    let set_cookies: Vec<String> = lines.collect();
    let facts = AnswerFacts { cache_control: &cache_control, set_cookies: &set_cookies };
    let (names, scope) = cookie_names();
    let ours = SetCookie::delete("__Host-oidc_id_token", &scope).unwrap().to_string();

    let public = answer(&facts, false, &[], &names);
    let private = answer(&facts, true, &[], &names);
    assert_eq!((public.cache_control, &public.set_cookies), (None, &private.set_cookies));
    let marked = private.cache_control.expect("an answer to an identity is not marked");
    is_private(&marked);
    // What forbids more than we do is still there.
    for name in ["no-store", "no-cache", "must-revalidate"] {
        assert!(
            !by_grammar(&cache_control).contains(&name.to_owned()) || by_grammar(&marked).contains(&name.to_owned())
        );
    }
    let again = AnswerFacts { cache_control: &marked, set_cookies: &[] };
    assert_eq!(answer(&again, true, &[], &names).cache_control.as_ref(), Some(&marked));

    let unchanged = public.set_cookies.is_none();
    let kept = public.set_cookies.unwrap_or_else(|| set_cookies.clone());
    none_is_ours(&kept, &names);
    // No other cookie is lost.
    let harmless = |line: &&String| !line.to_ascii_lowercase().contains("oidc");
    assert!(set_cookies.iter().filter(harmless).eq(kept.iter().filter(harmless)));

    let with_ours = answer(&facts, true, std::slice::from_ref(&ours), &names).set_cookies.unwrap();
    assert_eq!(with_ours.split_last().unwrap(), (&ours, kept.as_slice()));
    unchanged
}

// RFC 9111 §5.2.2, read by those who know quotes and by those who split at every comma.
fn is_private(marked: &str) {
    let naive = marked.split(',').map(directive_name).collect();
    for names in [by_grammar(marked), naive] {
        let names: Vec<String> = names;
        assert!(names.contains(&"private".to_owned()));
        // Where caches may not agree on what a string is, it stands before all strings.
        assert!(!marked.contains('"') || names[0] == "private");
        for open in ["public", "s-maxage"] {
            assert!(!names.contains(&open.to_owned()), "{open} in {marked:?}");
        }
    }
}

/// The names of the directives: quoted strings have commas, and escapes (RFC 9110 §5.6.4).
fn by_grammar(value: &str) -> Vec<String> {
    let (mut directives, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in value.chars() {
        if c == ',' && !quoted {
            directives.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        directives.last_mut().unwrap().push(c);
    }
    directives.iter().map(|directive| directive_name(directive)).collect()
}

fn directive_name(directive: &str) -> String {
    directive.split('=').next().unwrap().trim().to_ascii_lowercase()
}

// RFC 6265bis §5.6, §5.8.3: what a browser keeps, and what it sends next time.
fn none_is_ours(lines: &[String], names: &CookieNames) {
    for line in lines {
        let pair = line.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let sent = if name.is_empty() { value.to_owned() } else { format!("{name}={value}") };
        assert!(!cookie::pairs(&sent).any(|(name, _)| names.is_own(name)), "an origin sets {line:?}");
        assert!(names.sessions(&sent).next().is_none());
    }
}
