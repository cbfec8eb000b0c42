//! Questions to the person at the terminal, or to a script in their place.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// Asks; `option` is the way to answer beforehand.
pub(super) fn ask(question: &str, option: &str) -> Result<String, Failure> {
    prompt(&format!("{question}: "));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    answered(question, option, read.map(|_| line))
}

/// The same for what nobody may look at.
pub(super) fn ask_secret(question: &str, option: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return ask(question, option);
    }
    prompt(&format!("{question} (it is not shown): "));
    answered(question, option, rpassword::read_password())
}

/// The beginning of a line that the person ends.
fn prompt(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = write!(stream, "{text}").and_then(|()| stream.flush());
}

fn answered(question: &str, option: &str, line: io::Result<String>) -> Result<String, Failure> {
    let line = line.map_err(|error| Failure::new(format!("{question}: {}", error.kind())))?;
    match line.trim() {
        "" => Err(Failure::new(format!("{question}: no answer")).cure(format!("answer, or say it by {option}"))),
        line => Ok(line.to_owned()),
    }
}
