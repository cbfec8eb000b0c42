//! The names of headers that only we may send to the origin.

use crate::policy::Rule;

/// Headers that tell an origin who is asking, from where and for what, beside all that begin with `X-Forwarded-`.
/// An origin that believes one would be told another address, path or scheme than was judged.
const BELIEVED: [&str; 12] = [
    "forwarded",
    "front-end-https",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-url-scheme",
];

/// Headers that make an origin serve another method than was judged; where no rule names a method, nothing hangs on it.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

const FORWARDED: &str = "x-forwarded-";

/// The names that clients may not send, in the one spelling that origins might fold them to.
#[derive(Debug)]
pub struct IdentityHeaders {
    folded: Vec<String>,
}

impl IdentityHeaders {
    /// Those that the settings name (`ours`), and the ones that are always ours.
    pub fn new<'h>(ours: impl Iterator<Item = &'h str>, rules: &[Rule]) -> Self {
        let names_methods = rules.iter().any(|rule| rule.methods.is_some());
        let overrides = METHOD_OVERRIDES.into_iter().filter(|_| names_methods);
        let names = ours.chain(BELIEVED).chain(overrides);
        let folded = names.map(|name| name.bytes().map(|byte| char::from(fold(byte))).collect());
        // What begins like all of them is found by that.
        Self { folded: folded.filter(|name: &String| !name.starts_with(FORWARDED)).collect() }
    }

    /// Whether an origin might take `name` for one of these.
    pub fn claim(&self, name: &str) -> bool {
        begins(name, FORWARDED) || self.folded.iter().any(|folded| folded.len() == name.len() && begins(name, folded))
    }
}

fn begins(name: &str, folded: &str) -> bool {
    name.len() >= folded.len() && name.bytes().map(fold).zip(folded.bytes()).all(|(a, b)| a == b)
}

// CGI and its heirs write every other character as `_`, so `X_Forwarded.User` reaches them as `X-Forwarded-User` does.
fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Access, web::path::PathPattern};

    #[test]
    fn in_every_spelling() {
        let rule = Rule::plain(PathPattern::parse("/*").unwrap(), Access::Login);
        let by_method = Rule { methods: Some(vec!["GET".to_owned()]), ..rule.clone() };
        let plain = IdentityHeaders::new(["Remote-User"].into_iter(), &[rule]);
        let strict = IdentityHeaders::new(["Remote-User"].into_iter(), &[by_method]);
        for name in [
            "remote-user",
            "REMOTE_USER",
            "Remote.User",
            "x-forwarded-user",
            "x_forwarded-WHATEVER",
            "x.forwarded.for",
            "x-forwarded-",
            "forwarded",
            "FORWARDED",
            "x-real_ip",
            "X_Original_URL",
            "x-rewrite-url",
        ] {
            assert!(plain.claim(name) && strict.claim(name), "{name}");
        }
        for name in ["x-http-method-override", "X_HTTP_Method", "x-method-override"] {
            assert!(!plain.claim(name) && strict.claim(name), "{name}");
        }
        for name in ["", "remote-users", "remote-use", "remoteuser", "x-forwarded", "xforwardeduser", "user", "x-url"] {
            assert!(!strict.claim(name), "{name}");
        }
    }
}
