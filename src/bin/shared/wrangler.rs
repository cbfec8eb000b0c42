//! The project's own wrangler.

use std::{
    ffi::OsString,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

const NPX: &str = if cfg!(windows) { "npx.cmd" } else { "npx" };

fn command(arguments: &[OsString]) -> Command {
    let mut wrangler = Command::new(NPX);
    wrangler.args(["--no-install", "wrangler"]).args(arguments).env("WRANGLER_SEND_METRICS", "false");
    wrangler
}

fn cant_be_started(error: &std::io::Error) -> String {
    format!("{NPX} can't be started: {}", error.kind())
}

/// What it prints; the error says what went wrong.
pub(crate) fn output(arguments: &[OsString]) -> Result<String, String> {
    let output = command(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| cant_be_started(&error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("wrangler {} ended with {}", words(arguments), output.status))
    }
}

/// Gives it something on standard input, so that no list of processes and no further file has it.
pub(crate) fn input(arguments: &[OsString], input: &str) -> Result<(), String> {
    let mut wrangler = command(arguments).stdin(Stdio::piped()).spawn().map_err(|error| cant_be_started(&error))?;
    if let Some(mut stdin) = wrangler.stdin.take() {
        // One that has stopped reading says why itself, by its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    match wrangler.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("wrangler {} ended with {status}", words(arguments))),
        Err(error) => Err(format!("wrangler {}: {}", words(arguments), error.kind())),
    }
}

/// The JSON list in what it printed: it may say something before.
pub(crate) fn list(text: &str) -> Option<Vec<Value>> {
    serde_json::from_str(text.get(text.find('[')?..)?).ok()
}

/// The command without its options.
fn words(arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|argument| argument.to_string_lossy());
    words.take_while(|word| !word.starts_with('-')).collect::<Vec<_>>().join(" ")
}
