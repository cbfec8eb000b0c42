//! What is made at Cloudflare, by wrangler: the KV namespace and the secrets. What is there already stays.

use std::fs;

use edge_oidc::secret::Secret;
use serde_json::{Map, Value};

use crate::{dev_vars, failure::Failure, secrets_file, site::Files, wrangler};

/// The id of the namespace with this title, which is made if there is none.
pub(super) fn namespace(files: &Files, title: &str) -> Result<String, Failure> {
    if let Some(id) = listed(files, title)? {
        return Ok(id);
    }
    wrangler::output(&files.wrangler(&["kv", "namespace", "create", title])).map_err(failure)?;
    listed(files, title)?.ok_or_else(|| failure("the new namespace is not in the list".to_owned()))
}

// An environment's name goes before the title when one is made.
fn listed(files: &Files, title: &str) -> Result<Option<String>, Failure> {
    let title = files.environment.as_ref().map_or(title.to_owned(), |name| format!("{name}-{title}"));
    let text = wrangler::output(&files.wrangler(&["kv", "namespace", "list"])).map_err(failure)?;
    let list = wrangler::list(&text).ok_or_else(|| failure("it answers something else than a list".to_owned()))?;
    let entry = list.iter().find(|entry| entry.get("title").is_some_and(|other| *other == title));
    Ok(entry.and_then(|entry| entry.get("id")?.as_str()).map(str::to_owned))
}

/// The names of the secrets that the Worker has; one that is not there yet has none.
pub(super) fn deployed_secrets(files: &Files) -> Vec<String> {
    let text = wrangler::output(&files.wrangler(&["secret", "list", "--format", "json"])).unwrap_or_default();
    let list = wrangler::list(&text).unwrap_or_default();
    list.iter().filter_map(|secret| secret.get("name")?.as_str().map(str::to_owned)).collect()
}

/// Puts secrets, on standard input.
pub(super) fn put(files: &Files, secrets: &[(&str, Secret<String>)]) -> Result<(), Failure> {
    let object: Map<String, Value> =
        secrets.iter().map(|(name, secret)| ((*name).to_owned(), secret.expose().as_str().into())).collect();
    wrangler::input(&files.wrangler(&["secret", "bulk"]), &Value::Object(object).to_string()).map_err(failure)
}

/// Puts them into `.dev.vars`, for `wrangler dev`; its other lines stay.
pub(super) fn put_locally(files: &Files, secrets: &[(&str, Secret<String>)]) -> Result<(), Failure> {
    let path = files.config.with_file_name(".dev.vars");
    let old = fs::read_to_string(&path).unwrap_or_default();
    let is_replaced = |line: &&str| {
        let entries = dev_vars::parse(line);
        secrets.iter().any(|(name, _)| entries.iter().any(|(other, _)| other == name))
    };
    let kept = old.lines().filter(|line| !is_replaced(line)).map(|line| format!("{line}\n"));
    let new = secrets.iter().map(|(name, secret)| format!("{name}='{}'\n", secret.expose()));
    let text: String = kept.chain(new).collect();
    let written =
        if path.exists() { secrets_file::replace(&path, &text) } else { secrets_file::write_new(&path, &text) };
    written.map_err(|error| Failure::new(format!("{}: {}", path.display(), error.kind())))
}

fn failure(problem: String) -> Failure {
    Failure::new(problem).cure("npx wrangler login, then the same again: what is done is not done twice")
}
