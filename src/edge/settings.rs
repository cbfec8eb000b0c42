//! The settings, as they stand in the environment.

use serde_json::Value;
use wasm_bindgen::JsValue;

use super::glue;
use crate::config::{Bindings, Config, Variables};

/// What the settings say, or everything that is wrong with them, which the log is told.
pub(super) fn read(env: &JsValue, own_store: bool) -> Result<Config, String> {
    parse(&glue::settings(env), own_store).inspect_err(|report| glue::log("error", report))
}

fn parse(json: &str, own_store: bool) -> Result<Config, String> {
    let (variables, bound) = environment(json).ok_or("the environment can't be read")?;
    // A store that code brings is as good as one that is bound.
    let bindings = Bindings { kv: bound.kv || own_store, ..bound };
    Config::parse(&variables, bindings).map_err(|errors| errors.to_string())
}

fn environment(json: &str) -> Option<(Variables, Bindings)> {
    let mut parts: Variables = serde_json::from_slice(json.as_bytes()).ok()?;
    let bindings = parts.remove("bindings")?;
    let bound = |name: &str| bindings.get(name).and_then(Value::as_bool);
    let bindings = Bindings { kv: bound("kv")?, durable: bound("durable")?, origin: bound("origin")? };
    let Value::Object(members) = parts.remove("variables")? else { return None };
    // One after the other: `collect` would bring a sorting algorithm along.
    let mut variables = Variables::new();
    variables.extend(members);
    Some((variables, bindings))
}
