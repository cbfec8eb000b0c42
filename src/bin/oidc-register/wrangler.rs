//! The way of the secrets to the Worker: on wrangler's standard input, so that no list of processes and no further
//! file has them.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::client_secrets::ClientSecrets;

const NPX: &str = if cfg!(windows) { "npx.cmd" } else { "npx" };

/// Hands the secrets over; the error says what went wrong.
pub(crate) fn push(secrets: &ClientSecrets) -> Result<(), String> {
    let input = json!({ "OIDC_CLIENT_SECRETS": secrets.for_worker() }).to_string();
    let mut wrangler = Command::new(NPX)
        .args(["--no-install", "wrangler", "secret", "bulk"])
        .env("WRANGLER_SEND_METRICS", "false")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{NPX} can't be started: {}", error.kind()))?;
    if let Some(mut stdin) = wrangler.stdin.take() {
        // One that has stopped reading says why itself, by its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    match wrangler.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("wrangler secret bulk ended with {status}")),
        Err(error) => Err(format!("wrangler secret bulk: {}", error.kind())),
    }
}
