//! The `Cookie` header: our cookies are taken out for every origin, however lax, and everybody else's stay.

use core::time::Duration;

use edge_oidc::{
    session::cookies::{CookieNames, MAX_COOKIE_BYTES, MAX_PIECES},
    web::cookie::{self, CookieScope, Remaining, SetCookie},
};

use super::{cookie_names, text};

const HOUR: Duration = Duration::from_secs(3600);

/// Accepted: a session is in it, or a sign-in under way.
pub fn check(bytes: &[u8]) -> bool {
    let Some(header) = text(bytes) else { return false };
    let (names, scope) = cookie_names();
    pairs_are_sound(header);
    ours_are_taken_out(header, &names);
    a_session_comes_back(header, &names, &scope);

    let sessions: Vec<_> = names.sessions(header).collect();
    let firsts: Vec<&str> = cookie::values(header, "__Host-oidc_id_token").collect();
    assert!(sessions.len() <= firsts.len());
    for session in &sessions {
        // Each has a first piece that begins it, and says how many there are.
        let begins = |first: &&&str| (b'1'..=b'4').contains(&first.as_bytes()[0]) && session.starts_with(&first[1..]);
        assert!(firsts.iter().filter(|first| !first.is_empty()).any(|first| begins(&first)));
    }
    names_untangle(header, &names);
    let sign_ins: Vec<(&str, &str)> = names.sign_ins(header).collect();
    assert!(sign_ins.iter().all(|(name, _)| names.is_own(name) && name.starts_with("__Host-oidc_id_token_login.")));
    !sessions.is_empty() || !sign_ins.is_empty()
}

// Commas become semicolons where they stand beside cookies that are ours, and what of ours stands behind one is no
// cookie of ours any more: a neighbour of the site may have written it into a value.
fn names_untangle(header: &str, names: &CookieNames) {
    let untangled = names.untangled(header);
    let letters = |text: &str| text.replace('\u{1}', "").replace(',', ";");
    assert_eq!(letters(&untangled), letters(header));
    assert_eq!(names.untangled(&untangled), untangled);
    let ours = |header: &str| -> Vec<String> {
        cookie::pairs(header)
            .filter(|(name, _)| names.is_own(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    };
    let before = ours(header);
    for cookie in ours(&untangled) {
        assert!(before.iter().any(|whole| whole.starts_with(&cookie)), "{cookie} stood behind a comma");
    }
}

fn pairs_are_sound(header: &str) {
    let mut names = Vec::new();
    for (name, value) in cookie::pairs(header) {
        assert!(!name.contains(['=', ';']) && !value.contains(';'));
        assert!([name, value].iter().all(|part| part.trim_matches([' ', '\t']) == *part));
        if !names.contains(&name) {
            assert_eq!(cookie::value(header, name), Some(value), "the first of a name counts");
            names.push(name);
        }
    }
}

fn ours_are_taken_out(header: &str, names: &CookieNames) {
    let is_own = |name: &str| names.is_own(name);
    let left = match cookie::without(header, is_own) {
        Remaining::Unchanged => header.to_owned(),
        Remaining::Changed(rest) => {
            assert!(!rest.trim_matches([' ', '\t', ';']).is_empty() && rest.len() < header.len());
            rest
        }
        Remaining::Nothing => String::new(),
    };
    assert!(names.sessions(&left).next().is_none() && names.sign_ins(&left).next().is_none());
    assert_eq!(cookie::without(&left, is_own), Remaining::Unchanged);
    // An origin that drops white space and control characters around names, and one that takes a name alone.
    for piece in left.split(';') {
        let name = piece.split('=').next().unwrap();
        for name in [name, name.trim(), name.trim_matches(|c: char| c.is_whitespace() || c.is_control())] {
            assert!(!is_own(name), "{name:?} goes to the origin");
        }
    }
    let foreign = |header: &str| -> Vec<String> {
        let pieces = header.split(';').filter(|piece| !piece.trim_matches([' ', '\t']).is_empty());
        let is_foreign = |piece: &&str| {
            let name = piece.split('=').next().unwrap();
            !is_own(name.trim_matches(|c: char| c.is_whitespace() || c.is_control()))
        };
        pieces.filter(is_foreign).map(|piece| piece.trim_matches([' ', '\t']).to_owned()).collect()
    };
    assert_eq!(foreign(&left), foreign(header), "another site's cookie is lost");
}

// A session of any length within the limit, set beside what the browser has, is what the browser brings next time.
fn a_session_comes_back(header: &str, names: &CookieNames, scope: &CookieScope) {
    let sealed: String = header.chars().filter(char::is_ascii_alphanumeric).collect();
    let repeat = header.len() % 60;
    let sealed = sealed.repeat(repeat);
    let Some(cookies) = names.set_session(&sealed, scope, HOUR, header) else {
        assert!(sealed.len() > (MAX_PIECES - 1) * MAX_COOKIE_BYTES, "{} bytes don't fit", sealed.len());
        return;
    };
    let mut jar: Vec<(String, String)> = Vec::new();
    let known = cookie::pairs(header).filter(|(name, _)| !name.is_empty());
    for (name, value) in known {
        // A browser has one of each.
        if jar.iter().all(|(other, _)| other != name) {
            jar.push((name.to_owned(), value.to_owned()));
        }
    }
    update(&mut jar, &cookies);
    assert_eq!(names.sessions(&sent(&jar)).collect::<Vec<_>>(), [sealed.as_str()]);
    let deletions = names.delete_session(scope, &sent(&jar));
    update(&mut jar, &deletions);
    let rest = sent(&jar);
    assert_eq!(names.sessions(&rest).next(), None);
    let pieces = ["", ".1", ".2", ".3"].map(|piece| format!("__Host-oidc_id_token{piece}"));
    assert!(pieces.iter().all(|name| cookie::value(&rest, name).is_none()), "a piece stays behind");
}

/// What a browser keeps of these `Set-Cookie` headers.
fn update(jar: &mut Vec<(String, String)>, cookies: &[SetCookie]) {
    for cookie in cookies {
        let line = cookie.to_string();
        let (pair, attributes) = line.split_once("; ").unwrap();
        assert!(pair.len() <= MAX_COOKIE_BYTES && !line.contains(['\r', '\n']));
        assert_eq!(
            attributes.replace("Max-Age=0; ", "").replace("Max-Age=3600; ", ""),
            "Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let (name, value) = pair.split_once('=').unwrap();
        jar.retain(|(other, _)| other != name);
        if !attributes.contains("Max-Age=0;") {
            jar.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn sent(jar: &[(String, String)]) -> String {
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}
