//! Access tokens where they may stand: what is taken is a token and stands there, once; and it can be taken out.

use edge_oidc::{
    oauth::bearer::{self, Location, Presented, Scheme},
    web::form,
};

use super::text;

/// The input is an `Authorization` header, and a query.
pub fn check(bytes: &[u8]) -> bool {
    let Some(input) = text(bytes) else { return false };
    let header = header_is_read_right(input);
    let query = parameters_are_read_right(input);
    header || query
}

fn header_is_read_right(value: &str) -> bool {
    let word = value.split(' ').next().unwrap_or_default();
    let scheme = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let scheme = scheme.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, scheme)| *scheme);
    match bearer::in_header(value) {
        Ok(Some(presented)) => {
            assert_eq!((Some(presented.scheme), presented.location), (scheme, Location::Header));
            // All of the rest is the token: nothing stands beside it.
            assert_eq!(value[word.len()..].trim_matches(' '), token(&presented));
            true
        }
        Ok(None) => {
            assert!(scheme.is_none(), "a token was passed over");
            false
        }
        Err(_) => false,
    }
}

fn parameters_are_read_right(query: &str) -> bool {
    let there = url::form_urlencoded::parse(query.as_bytes());
    let there: Vec<_> = there.filter(|(name, value)| name == "access_token" && !value.is_empty()).collect();
    let found = bearer::in_parameters(query, Location::Query);
    if let Ok(Some(presented)) = &found {
        assert_eq!((presented.scheme, presented.location), (Scheme::Bearer, Location::Query));
        assert!(matches!(there.as_slice(), [(_, value)] if value == token(presented)), "another token than was sent");
    }
    let rest = bearer::without_token(query);
    assert!(form::values(&rest, "access_token").is_empty(), "a token goes on");
    assert!(url::form_urlencoded::parse(rest.as_bytes()).all(|(name, _)| name != "access_token"), "a token goes on");
    found.is_ok_and(|found| found.is_some())
}

/// A token of RFC 6750 §2.1's characters.
fn token(presented: &Presented) -> &str {
    let token = presented.untrusted.expose();
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    let body = token.trim_end_matches('=');
    assert!(!body.is_empty() && body.bytes().all(good), "no token");
    token
}
