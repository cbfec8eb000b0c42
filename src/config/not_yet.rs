//! What this version does not do yet. Asking for it is an error: nobody may believe in a protection that is not there.
//!
//! Building one of these means deleting its line here, and nothing else in `config` but reading the value.

use serde_json::Value;

use super::{errors::ConfigError, reader::Reader, value};

/// Settings that must not be given, or not with that value.
const SETTINGS: &[(&str, Asked, &str)] = &[
    ("OIDC_RESOURCE_SERVER_ONLY", Asked::True, "serve as a resource server alone"),
    ("OIDC_PASS_TOKEN_INFO", Asked::True, "pass token information on"),
    ("OIDC_ACCESS_TOKENS", Asked::Word("jwt"), "check access tokens"),
];

/// Keys of a rule that must not be given.
const RULE_KEYS: &[(&str, &str)] = &[("scopes", "check the scopes of access tokens")];

/// Words of a rule's `access` that must not be used.
const RULE_ACCESS: &[(&str, &str)] = &[("token", "check access tokens"), ("login_or_token", "check access tokens")];

#[derive(Clone, Copy)]
enum Asked {
    True,
    Word(&'static str),
}

impl Asked {
    fn is_in(self, value: &Value) -> bool {
        match self {
            Self::True => value::boolean(value) == Ok(true),
            Self::Word(word) => value.as_str() == Some(word),
        }
    }
}

/// Reports the settings that ask for something this version does not do.
pub(super) fn check(reader: &mut Reader<'_>) {
    for (name, asked, what) in SETTINGS {
        if reader.value(name).is_some_and(|value| asked.is_in(value)) {
            reader.report(ConfigError::new(name, problem(what), cure(*asked)));
        }
    }
}

/// What a key of a rule would do, if this version did it.
pub(super) fn rule_key(key: &str) -> Option<String> {
    RULE_KEYS.iter().find(|(name, _)| *name == key).map(|(_, what)| problem(what))
}

/// What a word of a rule's `access` would do, if this version did it.
pub(super) fn rule_access(word: &str) -> Option<String> {
    RULE_ACCESS.iter().find(|(name, _)| *name == word).map(|(_, what)| problem(what))
}

/// What the reference has to say about a setting.
pub(super) fn in_reference(name: &str) -> String {
    match SETTINGS.iter().find(|(other, ..)| *other == name) {
        None => String::new(),
        Some((_, Asked::True, _)) => " This version does not do `true` yet.".to_owned(),
        Some((_, Asked::Word(word), _)) => format!(" This version does not do `{word}` yet."),
    }
}

fn problem(what: &str) -> String {
    format!("this version does not {what} yet")
}

fn cure(asked: Asked) -> &'static str {
    match asked {
        Asked::True => "remove it, or set it to false",
        Asked::Word(_) => "remove it, or choose another value",
    }
}
