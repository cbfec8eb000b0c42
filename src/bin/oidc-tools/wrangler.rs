//! The project's own wrangler.

use std::process::{Command, Stdio};

use crate::site::Files;

const NPX: &str = if cfg!(windows) { "npx.cmd" } else { "npx" };

fn command(files: &Files, arguments: &[&str]) -> Command {
    let mut wrangler = Command::new(NPX);
    wrangler.args(["--no-install", "wrangler"]).args(arguments).arg("--config").arg(&files.config);
    if let Some(name) = &files.environment {
        wrangler.args(["--env", name]);
    }
    wrangler.env("WRANGLER_SEND_METRICS", "false");
    wrangler
}

/// What it prints; the error says what went wrong.
pub(crate) fn output(files: &Files, arguments: &[&str]) -> Result<String, String> {
    let output = command(files, arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{NPX} can't be started: {}", error.kind()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("wrangler {} ended with {}", arguments.join(" "), output.status))
    }
}
