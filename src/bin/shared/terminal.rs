//! What is said: results on standard output, all else on standard error, and never a secret.

use std::{
    borrow::Cow,
    cell::RefCell,
    io::{self, Write},
};

use edge_oidc::secret::Secret;

/// The two streams, with the secrets that must not get there.
pub(crate) struct Terminal {
    debug: bool,
    hidden: RefCell<Vec<Secret<String>>>,
}

impl Terminal {
    pub(crate) fn new(debug: bool) -> Self {
        Self { debug, hidden: RefCell::default() }
    }

    /// From now on this text is shown as `[redacted]`, whoever says it. One of a few letters stands in many words,
    /// so that it stays; bodies are shown without it by its name.
    pub(crate) fn hide(&self, secret: &Secret<String>) {
        if secret.expose().len() >= 8 {
            self.hidden.borrow_mut().push(secret.clone());
        }
    }

    /// A line of the result.
    pub(crate) fn say(&self, line: &str) {
        self.write(&mut io::stdout().lock(), line);
    }

    /// A line for the person at the terminal.
    pub(crate) fn note(&self, line: &str) {
        self.write(&mut io::stderr().lock(), line);
    }

    /// A line for whoever wants to know.
    pub(crate) fn debug(&self, line: impl FnOnce() -> String) {
        if self.debug {
            self.note(&line());
        }
    }

    // A stream that nobody reads any more is no reason to stop.
    fn write(&self, stream: &mut impl Write, line: &str) {
        let shown = self.hidden.borrow().iter().fold(Cow::Borrowed(line), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), "[redacted]").into() } else { text }
        });
        let _ = writeln!(stream, "{shown}");
    }
}
