//! The cookies that are ours: the session in up to four pieces, and one for each sign-in under way.

use core::time::Duration;
use std::borrow::Cow;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use crate::web::{
    cookie::{self, CookieScope, SetCookie},
    form::Parameters,
};

/// Name and value of one cookie together are no longer than this, in bytes.
pub const MAX_COOKIE_BYTES: usize = 3800;
/// A session takes no more cookies than this.
pub const MAX_PIECES: usize = 4;
/// No more sign-ins than this are under way in one browser; the oldest gives way.
pub const MAX_SIGN_INS: usize = 8;

/// More cookies of the session's name than this are not tried.
const MAX_CANDIDATES: usize = 4;

const SIGN_IN: &str = "_login.";

/// The names of our cookies.
#[derive(Debug)]
pub struct CookieNames {
    /// The session cookie's; pieces and login cookies begin with it.
    session: String,
    tries: String,
}

impl CookieNames {
    /// `session` with its prefix: `__Host-oidc_id_token`.
    pub fn new(session: String, scope: &CookieScope) -> Self {
        Self { session, tries: scope.name("oidc_tries") }
    }

    /// Whether a cookie of this name is ours: neither shown to the origin nor taken from it. Origins that ignore case
    /// are not to be fooled either.
    pub fn is_own(&self, name: &str) -> bool {
        if name == self.session || name.eq_ignore_ascii_case(&self.tries) {
            return true;
        }
        let Some((start, rest)) = name.split_at_checked(self.session.len()) else { return false };
        let is_piece = rest.is_empty() || rest.starts_with('.');
        let is_sign_in = rest.get(..SIGN_IN.len()).is_some_and(|start| start.eq_ignore_ascii_case(SIGN_IN));
        start.eq_ignore_ascii_case(&self.session) && (is_piece || is_sign_in)
    }

    /// The sealed sessions that a `Cookie` header may hold, put together. There is one, unless a neighbour of the site
    /// has set another cookie of the same name; then the one that opens is ours.
    pub fn sessions<'h>(&self, header: &'h str) -> impl Iterator<Item = Cow<'h, str>> {
        let candidates = cookie::values(header, &self.session).take(MAX_CANDIDATES);
        candidates.filter_map(|first| self.put_together(first, header))
    }

    fn put_together<'h>(&self, first: &'h str, header: &'h str) -> Option<Cow<'h, str>> {
        let (count, first) = split_count(first)?;
        if count == 1 {
            return Some(Cow::Borrowed(first));
        }
        let mut sealed = first.to_owned();
        for index in 1..count {
            sealed.push_str(cookie::value(header, &self.piece(index))?);
        }
        Some(Cow::Owned(sealed))
    }

    /// A `Cookie` header in which the platform may have joined several by commas, with semicolons before and behind
    /// the cookies that are ours. Commas inside other cookies' values stay.
    ///
    /// What stands behind a comma may as well be the value of another cookie, which any neighbour of the site may set
    /// (RFC 6265bis §4.1.3.2 guards names alone). So it gets a name that nobody goes by, and that no origin is shown.
    pub fn untangled<'h>(&self, header: &'h str) -> Cow<'h, str> {
        if !header.contains(',') {
            return Cow::Borrowed(header);
        }
        let mut untangled = String::with_capacity(header.len() + 8);
        let mut last_is_own = false;
        for (index, piece) in header.split(',').enumerate() {
            let is_own = self.is_own(first_name(piece));
            untangled.push_str(match index {
                0 => "",
                _ if is_own => ";\u{1}",
                // Values of ours hold no comma, so the comma behind one joins headers too.
                _ if last_is_own => ";",
                _ => ",",
            });
            untangled.push_str(piece);
            last_is_own = piece.rsplit(';').next().is_some_and(|last| self.is_own(first_name(last)));
        }
        if untangled == header { Cow::Borrowed(header) } else { Cow::Owned(untangled) }
    }

    /// The cookies that hold a sealed session, and the removal of pieces that an earlier, longer one left behind.
    /// `None` when it does not fit into [`MAX_PIECES`].
    pub fn set_session(
        &self,
        sealed: &str,
        scope: &CookieScope,
        max_age: Duration,
        old_header: &str,
    ) -> Option<Vec<SetCookie>> {
        // Names grow by two characters for the pieces, values by one for the count.
        let room = MAX_COOKIE_BYTES.checked_sub(self.session.len() + 4)?;
        let count = sealed.len().div_ceil(room.max(1)).max(1);
        if count > MAX_PIECES {
            return None;
        }
        let mut cookies = Vec::with_capacity(count);
        let mut rest = sealed;
        for index in 0..count {
            let (piece, after) = rest.split_at_checked(rest.len().min(room))?;
            let value = if index == 0 { format!("{count}{piece}") } else { piece.to_owned() };
            cookies.push(SetCookie::new(&self.piece(index), &value, scope).ok()?.max_age(max_age));
            rest = after;
        }
        cookies.extend(self.left_over(count, scope, old_header));
        Some(cookies)
    }

    /// The removal of every piece of the session that the header holds, and of the first in any case.
    pub fn delete_session(&self, scope: &CookieScope, old_header: &str) -> Vec<SetCookie> {
        let first = SetCookie::delete(&self.session, scope).ok();
        first.into_iter().chain(self.left_over(1, scope, old_header)).collect()
    }

    fn left_over(&self, from: usize, scope: &CookieScope, old_header: &str) -> impl Iterator<Item = SetCookie> {
        let stale = (from..MAX_PIECES).map(|index| self.piece(index));
        stale.filter_map(|name| cookie::value(old_header, &name).and_then(|_| SetCookie::delete(&name, scope).ok()))
    }

    fn piece(&self, index: usize) -> String {
        if index == 0 { self.session.clone() } else { format!("{}.{index}", self.session) }
    }

    /// The name of the login cookie for a `state`: parallel sign-ins do not meet.
    pub fn sign_in(&self, state: &str) -> String {
        let hash = Base64UrlUnpadded::encode_string(&Sha256::digest(state.as_bytes()));
        let short: String = hash.chars().take(22).collect();
        format!("{}{SIGN_IN}{short}", self.session)
    }

    /// The name of the cookie that counts sign-ins which did not last.
    pub fn tries(&self) -> &str {
        &self.tries
    }

    /// The login cookies that a `Cookie` header holds.
    pub fn sign_ins<'h>(&self, header: &'h str) -> impl Iterator<Item = (&'h str, &'h str)> {
        let prefix = format!("{}{SIGN_IN}", self.session);
        cookie::pairs(header).filter(move |(name, _)| name.starts_with(&prefix))
    }

    /// The login cookie that belongs to the `state` of a response.
    pub fn sign_in_of<'h>(&self, header: &'h str, response: &Parameters) -> Option<&'h str> {
        cookie::value(header, &self.sign_in(response.value("state")?))
    }
}

fn first_name(pairs: &str) -> &str {
    pairs.split(['=', ';', ',']).next().unwrap_or_default().trim()
}

// The first character of the first piece says how many there are.
fn split_count(value: &str) -> Option<(usize, &str)> {
    let (digit, rest) = value.split_at_checked(1)?;
    let count: usize = digit.parse().ok()?;
    (1..=MAX_PIECES).contains(&count).then_some((count, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn names() -> CookieNames {
        CookieNames::new("__Host-oidc_id_token".to_owned(), &scope())
    }

    fn scope() -> CookieScope {
        CookieScope::new("/", true).unwrap()
    }

    /// What a browser sends back after these cookies were set.
    fn sent_back(cookies: &[SetCookie]) -> String {
        let pairs: Vec<String> = cookies
            .iter()
            .map(ToString::to_string)
            .filter(|line| !line.contains("Max-Age=0"))
            .map(|line| line.split(';').next().unwrap().to_owned())
            .collect();
        pairs.join("; ")
    }

    #[test]
    fn short_and_long_sessions_come_back() {
        for length in [0, 1, 3775, 3776, 3777, 9000, 15_000] {
            let sealed = "x".repeat(length);
            let cookies = names().set_session(&sealed, &scope(), HOUR, "").unwrap();
            let header = sent_back(&cookies);
            assert_eq!(names().sessions(&header).collect::<Vec<_>>(), [sealed.as_str()], "{length}");
            for pair in header.split("; ") {
                assert!(pair.len() <= MAX_COOKIE_BYTES, "{length}: {}", pair.len());
            }
        }
        assert!(names().set_session(&"x".repeat(15_200), &scope(), HOUR, "").is_none());
    }

    #[test]
    fn pieces_of_a_longer_session_are_removed() {
        let old = sent_back(&names().set_session(&"x".repeat(9000), &scope(), HOUR, "").unwrap());
        let new = names().set_session("y", &scope(), HOUR, &old).unwrap();
        let removed: Vec<&str> = new.iter().skip(1).map(SetCookie::name).collect();
        assert_eq!(removed, ["__Host-oidc_id_token.1", "__Host-oidc_id_token.2"]);
        assert_eq!(names().delete_session(&scope(), &old).len(), 3);
        assert_eq!(names().delete_session(&scope(), "").len(), 1);
    }

    #[test]
    fn junk_is_nobody() {
        for value in ["", "0x", "5x", "x", "\u{e9}", "2x"] {
            assert_eq!(names().sessions(&format!("__Host-oidc_id_token={value}")).count(), 0, "{value}");
        }
    }

    #[test]
    fn a_neighbours_cookie_of_the_same_name_hides_nothing() {
        let header = "__Host-oidc_id_token=junk; __Host-oidc_id_token=1x; __Host-oidc_id_token=1y";
        assert_eq!(names().sessions(header).collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn several_headers_joined_by_commas() {
        for (header, untangled) in [
            ("a=1, __Host-oidc_id_token=1x; b=2", "a=1;\u{1} __Host-oidc_id_token=1x; b=2"),
            (
                "a=1,__host-oidc_tries=x,__Host-oidc_id_token.1 =y",
                "a=1;\u{1}__host-oidc_tries=x;\u{1}__Host-oidc_id_token.1 =y",
            ),
            ("__Host-oidc_id_token=1x,__Host-oidc_id_token=1y", "__Host-oidc_id_token=1x;\u{1}__Host-oidc_id_token=1y"),
            ("__Host-oidc_id_token=1x, a=1,2; b=3", "__Host-oidc_id_token=1x; a=1,2; b=3"),
            ("a=1; __Host-oidc_id_token=1x, b=2, c=3", "a=1; __Host-oidc_id_token=1x; b=2, c=3"),
            ("a=1,2; b=3, c=4", "a=1,2; b=3, c=4"),
            ("a=,", "a=,"),
            ("", ""),
        ] {
            assert_eq!(names().untangled(header), untangled);
        }
    }

    /// `a` may have been set by a neighbour, for its own domain and this one.
    #[test]
    fn the_value_of_another_cookie_is_none_of_ours() {
        let login = names().sign_in("state");
        let header = format!("a=1, __Host-oidc_id_token=1x, __Host-oidc_tries=x, {login}=x; b=2");
        let untangled = names().untangled(&header);
        assert_eq!(names().sessions(&untangled).count() + names().sign_ins(&untangled).count(), 0);
        assert_eq!(cookie::value(&untangled, names().tries()), None);
        let shown = cookie::without(&untangled, |name| names().is_own(name));
        assert_eq!(shown, cookie::Remaining::Changed("a=1; b=2".to_owned()));
        assert_eq!(names().sessions(&names().untangled("__Host-oidc_id_token=1x, a=1")).count(), 1);
    }

    #[test]
    fn own_names() {
        let login = names().sign_in("state");
        for own in [
            "__Host-oidc_id_token",
            "__Host-oidc_tries",
            "__host-OIDC_id_token",
            "__Host-oidc_id_token.3",
            login.as_str(),
        ] {
            assert!(names().is_own(own), "{own}");
        }
        for foreign in ["oidc_id_token", "__Host-oidc_id_tokens", "__Host-oidc", "", "__Host-oidc_id_token_x"] {
            assert!(!names().is_own(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_state_has_its_cookie() {
        assert_ne!(names().sign_in("a"), names().sign_in("b"));
        let header = format!("a=b; {}=one; {}=two", names().sign_in("a"), names().sign_in("b"));
        assert_eq!(names().sign_ins(&header).count(), 2);
        let response = Parameters::parse("state=b&code=c").unwrap();
        assert_eq!(names().sign_in_of(&header, &response), Some("two"));
    }
}
