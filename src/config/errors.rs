//! What is wrong with the settings: everything at once, with the key, the problem and the cure.

use core::fmt;

/// One thing that is wrong with one setting. It never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: String,
    member: String,
    problem: String,
    cure: String,
}

/// Everything that is wrong with the settings; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigError {
    pub(super) fn new(key: &str, problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { key: key.to_owned(), member: String::new(), problem: problem.into(), cure: cure.into() }
    }

    /// The same, about a part of the setting: `[2].path`, `.web.client_id`.
    pub(super) fn at(mut self, member: &str) -> Self {
        member.clone_into(&mut self.member);
        self
    }

    /// The name of the variable.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part of its value that is meant, such as `[2].path`; empty for the whole.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What was expected and, unless it is a secret, what is there instead.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    pub fn cure(&self) -> &str {
        &self.cure
    }
}

impl ConfigErrors {
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The errors, in the order in which the settings are read.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}; {}", self.key, self.member, self.problem, self.cure)
    }
}

impl fmt::Display for ConfigErrors {
    /// One line for each error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl core::error::Error for ConfigError {}

impl core::error::Error for ConfigErrors {}
