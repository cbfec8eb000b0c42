//! What is made at Cloudflare, by wrangler: the KV namespace and the secrets. What is there already stays.

use std::{fs, io};

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

/// Puts them where wrangler looks for them on this machine, for `wrangler dev`; what else is there stays.
pub(super) fn put_locally(files: &Files, secrets: &[(&str, Secret<String>)]) -> Result<(), Failure> {
    let path = files.local_secrets();
    let shown = path.display();
    let unreadable = |error: io::Error| Failure::new(format!("{shown}: {}", error.kind()));
    let old = if path.exists() { fs::read_to_string(&path).map_err(unreadable)? } else { String::new() };
    let by_hand = |problem: String| Failure::new(problem).cure("write it there by hand, then the same again");
    if old.trim_start().starts_with('{') {
        return Err(by_hand(format!("{shown} is JSON, and NAME=value lines are what can be written")));
    }
    let new: Vec<(&str, &str)> = secrets.iter().map(|(name, secret)| (*name, secret.expose().as_str())).collect();
    let text = dev_vars::with(&old, &new)
        .map_err(|name| by_hand(format!("{shown} has no way to write {name}, with all the quotes in it")))?;
    let written =
        if path.exists() { secrets_file::replace(&path, &text) } else { secrets_file::write_new(&path, &text) };
    written.map_err(|error| Failure::new(format!("{shown}: {}", error.kind())))
}

fn failure(problem: String) -> Failure {
    Failure::new(problem).cure("npx wrangler login, then the same again: what is done is not done twice")
}
