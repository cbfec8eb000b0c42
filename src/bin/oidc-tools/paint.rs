//! Colour, on a terminal only.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// Paints, or leaves text as it is: colours are for terminals, and <https://no-color.org> is heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// For standard output.
    pub(crate) fn stdout() -> Self {
        let is_off = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        Self(io::stdout().is_terminal() && !is_off("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb"))
    }

    #[cfg(test)]
    pub(crate) const fn never() -> Self {
        Self(false)
    }

    #[cfg(test)]
    pub(crate) const fn always() -> Self {
        Self(true)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(1, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(2, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with(32, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with(33, text)
    }

    fn with(self, code: u8, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
