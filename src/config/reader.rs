//! Reads settings one by one and keeps what is wrong with them.

use serde_json::Value;

use super::{
    ConfigErrors, Variables,
    errors::ConfigError,
    settings,
    value::{Checked, Mismatch, describe},
};

pub(super) struct Reader<'v> {
    variables: &'v Variables,
    errors: Vec<ConfigError>,
}

impl<'v> Reader<'v> {
    pub(super) fn new(variables: &'v Variables) -> Self {
        Self { variables, errors: Vec::new() }
    }

    /// The value of a setting; `null` says no more than its absence.
    pub(super) fn value(&self, name: &str) -> Option<&'v Value> {
        self.variables.get(name).filter(|value| !value.is_null())
    }

    /// Whether the setting was given, well or badly.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A setting, parsed. `None` when it is absent, or bad and reported.
    pub(super) fn read<T>(&mut self, name: &str, kind: impl FnOnce(&Value) -> Checked<T>) -> Option<T> {
        match kind(self.value(name)?) {
            Ok(parsed) => Some(parsed),
            Err(mismatch) => {
                self.refuse(name, &mismatch);
                None
            }
        }
    }

    /// Reports that the value of a setting, or its absence, is not what was expected.
    pub(super) fn refuse(&mut self, name: &str, mismatch: &Mismatch) {
        let value = self.value(name);
        self.refuse_member(name, "", value, mismatch);
    }

    /// Reports a part of a setting.
    pub(super) fn refuse_member(&mut self, name: &str, member: &str, value: Option<&Value>, mismatch: &Mismatch) {
        // A name without an entry in the table is taken for a secret.
        let secret = settings::setting_named(name).is_none_or(|setting| setting.secret);
        let got = value.map_or_else(|| "nothing".to_owned(), |value| describe(value, secret));
        let problem = format!("expected {}, got {got}", mismatch.expected);
        self.report(ConfigError::new(name, problem, mismatch.cure.clone()).at(member));
    }

    pub(super) fn report(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    pub(super) fn error_count(&self) -> usize {
        self.errors.len()
    }

    /// `parsed`, unless anything was reported.
    pub(super) fn finish<T>(self, parsed: Option<T>) -> Result<T, ConfigErrors> {
        match parsed {
            Some(parsed) if self.errors.is_empty() => Ok(parsed),
            _ => Err(ConfigErrors::new(self.errors)),
        }
    }
}
