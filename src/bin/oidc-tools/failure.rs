//! Why something could not be done, and what to do.

use std::fmt;

/// A problem that a person can act on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: String,
    pub(crate) cure: Option<String>,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), cure: None }
    }

    pub(crate) fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}
