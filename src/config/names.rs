//! Names that are no settings, and what was probably meant.

use super::{
    errors::ConfigError,
    reader::Reader,
    settings::{BINDINGS, SETTINGS, setting_named},
    value::printable,
};

/// Names that Flask-OIDC or its forks know, and what to do with them here.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "OIDC_SERVER_METADATA_URL",
        "set OIDC_ISSUER to the part before /.well-known/openid-configuration; the rest is discovered",
    ),
    ("OIDC_DISCOVERY_URL", "set OIDC_ISSUER to the part before /.well-known/openid-configuration"),
    ("OIDC_USERINFO_URL", "remove it, for it is discovered; or put userinfo_uri into OIDC_CLIENT_SECRETS"),
    ("OIDC_USER_CLASS", "remove it: the origin is told who it is by the headers of OIDC_HEADERS"),
    ("OIDC_REDIRECT_URI", "set OIDC_CALLBACK_ROUTE to its path, or OIDC_OVERWRITE_REDIRECT_URI to all of it"),
];

/// Reports every variable that is no setting.
pub(super) fn check<'n>(reader: &mut Reader<'_>, names: impl Iterator<Item = &'n String>) {
    for name in names.filter(|name| setting_named(name).is_none()) {
        let error = if BINDINGS.contains(&name.as_str()) {
            ConfigError::new(
                name,
                "expected a binding, got a variable, or a binding of another kind",
                "remove it, and bind what docs/configuration.md names, in wrangler.toml",
            )
        } else {
            let cure = ELSEWHERE.iter().find(|(other, _)| other == name).map_or_else(
                || format!("write {} or remove it", nearest(name, known())),
                |(_, cure)| (*cure).to_owned(),
            );
            ConfigError::new(&printable(name), "expected a known setting, got an unknown name", cure)
        };
        reader.report(error);
    }
}

/// Every name that means something, bindings too: one that is bound under a wrong name comes as a variable.
fn known() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain(BINDINGS)
}

/// Reports a member that a setting does not have. What it says is not shown: it may be a key that was put there.
pub(super) fn unknown_member(reader: &mut Reader<'_>, setting: &str, place: &str, name: &str, known: &[&'static str]) {
    let problem = format!("expected one of {}, got an unknown name", known.join(", "));
    let cure = format!("write `{}` or remove it", nearest(name, known.iter().copied()));
    reader.report(ConfigError::new(setting, problem, cure).at(&format!("{place}.{}", printable(name))));
}

/// The candidate that is most like `name`, in whatever case: by the words it lacks, then by the letters that differ.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> &'c str {
    // A name longer than any of ours is compared by its beginning: its length is not ours to bound.
    let name: String = name.chars().take(64).collect();
    candidates.min_by_key(|candidate| (words_lacking(&name, candidate), edit_distance(&name, candidate))).unwrap_or("")
}

fn words_lacking(name: &str, candidate: &str) -> usize {
    let known: Vec<&str> = candidate.split('_').collect();
    name.split('_').filter(|word| !known.iter().any(|known| known.eq_ignore_ascii_case(word))).count()
}

// Levenshtein: how many letters must be put in, taken out or changed.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, c) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = index + 1;
        next.push(left);
        for ((&diagonal, &above), &other) in row.iter().zip(row.iter().skip(1)).zip(&to) {
            left = (diagonal + usize::from(!c.eq_ignore_ascii_case(&other))).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, distance) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edit_distance(from, to), distance, "{from} {to}");
        }
    }

    #[test]
    fn what_was_probably_meant() {
        for (name, meant) in [
            ("OIDC_ISUER", "OIDC_ISSUER"),
            ("OIDC_ISSUER_URL", "OIDC_ISSUER"),
            ("OIDC_CLIENT_SECRT", "OIDC_CLIENT_SECRET"),
            ("OIDC_CLIENTID", "OIDC_CLIENT_ID"),
            ("OIDC_COOKIE_TTL", "OIDC_ID_TOKEN_COOKIE_TTL"),
            ("OIDC_COOKIE_NAME", "OIDC_ID_TOKEN_COOKIE_NAME"),
            ("OIDC_SCOPE", "OIDC_SCOPES"),
            ("OIDC_RULE", "OIDC_RULES"),
            ("OIDC_SECRETKEY", "OIDC_SECRET_KEY"),
            ("OIDC_SESION_TTL", "OIDC_SESSION_IDLE_TTL"),
            ("OIDC_CALLBACK", "OIDC_CALLBACK_ROUTE"),
            ("OIDC_issuer", "OIDC_ISSUER"),
            ("OIDC_Session_Idle_Ttl", "OIDC_SESSION_IDLE_TTL"),
            ("OIDC_CREDENTIAL", "OIDC_CREDENTIALS"),
            ("OIDC_RATELIMIT", "OIDC_RATE_LIMIT"),
            ("OIDC_METRIC", "OIDC_METRICS"),
        ] {
            assert_eq!(nearest(name, known()), meant, "{name}");
        }
    }
}
