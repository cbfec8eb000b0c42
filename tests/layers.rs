//! The layers stack, and no line of the code reaches upward: each module names those below it alone.
//!
//! `X_MAY_NAME` is the picture; a new arrow is drawn there, with its reason, or not at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module, the modules it may name, and why it names no others. Lowest first: a module may name those above its row
/// of this table alone, except for the one pair at the end.
const ARROWS: &[(&str, &[&str], &str)] = &[
    ("time", &[], "a value: seconds and spans"),
    ("secret", &[], "a value: what is never shown"),
    ("json", &[], "a format: strict JSON, of which nothing is meant yet"),
    ("claim_path", &["json"], "a value: where in claims something stands"),
    ("web", &[], "formats of HTTP alone: no token, no setting, no time but a span"),
    ("jose", &["json", "secret", "time"], "the token formats know no HTTP: signatures are checked through a trait"),
    (
        "oauth",
        &["jose", "json", "secret", "time", "web"],
        "RFC 6749 and family: requests and answers as values, some of them signed",
    ),
    ("visitor", &["json", "oauth"], "claims of somebody, or a caller; the session holds one, so it stands below it"),
    ("oidc", &["jose", "json", "oauth", "secret", "time", "web"], "OpenID Connect stands on OAuth and on tokens"),
    (
        "session",
        &["claim_path", "json", "oauth", "secret", "time", "visitor", "web"],
        "what is remembered, sealed; it knows neither settings nor who may do what",
    ),
    ("store", &["session", "time"], "a trait of keys, marks and sealed bytes; what opens them it does not know"),
    (
        "policy",
        &["claim_path", "json", "oauth", "time", "visitor", "web"],
        "a pure function of rule and visitor: no settings, no session",
    ),
    (
        "config",
        &["claim_path", "jose", "json", "oauth", "oidc", "policy", "secret", "time", "web"],
        "settings parse into the types of the layers that use them, rules among them",
    ),
    ("route", &["config", "oauth", "policy", "web"], "which endpoint or which rule, by the settings"),
    (
        "origin",
        &["config", "json", "oauth", "policy", "session", "time", "visitor", "web"],
        "needs a verdict; the cookie names are the session's, the token is where it stood",
    ),
    // `host` writes `LogLine`, `error` maps what `host` fails with: one step of the stack in two files.
    ("error", &["host", "jose", "oauth", "oidc", "web"], "the one map from every layer's error to what is seen of it"),
    ("host", &["error", "jose", "oauth", "store", "time"], "the one door: time, chance, network, store, log"),
    (
        "flow",
        &[
            "config", "error", "host", "jose", "json", "oauth", "oidc", "origin", "secret", "session", "store", "time",
            "visitor", "web",
        ],
        "the only code that awaits; what the origin gets is not its business but the names of headers",
    ),
    (
        "gateway",
        &["config", "error", "flow", "host", "jose", "oauth", "origin", "policy", "route", "session", "visitor", "web"],
        "the order of things; of sessions it knows the cookies' names alone",
    ),
    (
        "embed",
        &[
            "claim_path",
            "error",
            "flow",
            "gateway",
            "host",
            "json",
            "oauth",
            "origin",
            "policy",
            "session",
            "visitor",
            "web",
        ],
        "the gateway asked from inside, step by step: by the guard's own rules and flows, and no setting of its own",
    ),
    (
        "edge",
        &[
            "config", "embed", "error", "gateway", "host", "jose", "oauth", "origin", "session", "store", "time",
            "visitor", "web",
        ],
        "the platform behind the door; it decides nothing",
    ),
];

/// The pair that names each other.
const ONE_STEP: [&str; 2] = ["error", "host"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the code proper, by its path under `src`; test modules are left out.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(source()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    let is_test = |name: &str| name.contains("tests/") || name.ends_with("tests.rs") || name == "web/vectors.rs";
    // A program is a crate of its own, above all of this one: it names `edge_oidc`, as any user of the library would.
    found.retain(|(name, _)| name != "lib.rs" && !name.starts_with("bin/") && !is_test(name));
    found.sort();
    found
}

/// The code without comments, strings and what is for tests alone.
fn code(text: &str) -> String {
    let proper = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
    let lines = proper.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.map(|line| line.split(" // ").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The top-level modules that a file names.
fn named(name: &str, text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut all: BTreeSet<String> = code.match_indices("crate::").flat_map(|(at, _)| heads(&code[at + 7..])).collect();
    // One `super` for each folder on the way, less one for a `mod.rs`, and the path is at the crate again.
    let depth = name.matches('/').count() + 1 - usize::from(name.ends_with("/mod.rs"));
    let up = "super::".repeat(depth);
    assert!(!code.contains(&format!("super::{up}")), "{name} climbs out of the crate");
    all.extend(code.match_indices(&up).flat_map(|(at, _)| heads(&code[at + up.len()..])));
    all
}

/// The first segments of a path, or of each path between its braces.
fn heads(path: &str) -> Vec<String> {
    let ident = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inside) = path.strip_prefix('{') else { return vec![ident(path)] };
    let (mut depth, mut heads, mut start) = (0, Vec::new(), 0);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.push(ident(inside[start..at].trim()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(ident(inside[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn module(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Which modules each module names, and a file in which it does.
fn arrows() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut arrows: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (name, text) in files() {
        let own = arrows.entry(module(&name).to_owned()).or_default();
        for other in named(&name, &text).into_iter().filter(|other| other != module(&name)) {
            own.entry(other).or_insert_with(|| name.clone());
        }
    }
    arrows
}

#[test]
fn no_module_reaches_upward() {
    let mut wrong = Vec::new();
    for (module, others) in arrows() {
        let Some((_, allowed, reason)) = ARROWS.iter().find(|(name, ..)| *name == module) else {
            panic!("src/{module} has no row in tests/layers.rs: say what it may name, and why");
        };
        let upward = others.iter().filter(|(other, _)| !allowed.contains(&other.as_str()));
        wrong.extend(upward.map(|(other, file)| format!("src/{file}: {module} names {other}; {module}: {reason}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_picture_has_no_arrow_too_many() {
    let drawn = arrows();
    for (module, allowed, _) in ARROWS {
        let used = drawn.get(*module).unwrap_or_else(|| panic!("{module} is no module any more"));
        for other in *allowed {
            assert!(used.contains_key(*other), "{module} does not name {other}: take the arrow out");
        }
    }
}

#[test]
fn the_picture_is_a_stack() {
    let rank = |module: &str| ARROWS.iter().position(|(name, ..)| *name == module).expect("a row of its own");
    for (module, allowed, _) in ARROWS {
        for other in *allowed {
            let is_step = ONE_STEP.contains(module) && ONE_STEP.contains(other);
            assert!(is_step || rank(other) < rank(module), "{module} names {other}, which stands above it");
        }
    }
}

#[test]
fn only_flows_and_what_drives_them_know_the_door() {
    for (module, allowed, _) in ARROWS {
        let may = ["flow", "gateway", "edge", "embed", "error", "host"].contains(module);
        assert!(may || !(allowed.contains(&"host") || allowed.contains(&"error")), "{module}");
    }
}

#[test]
fn the_reader_finds_every_path() {
    for (name, text, expected) in [
        ("a.rs", "use crate::web::form;", &["web"][..]),
        (
            "a/b.rs",
            "use crate::{\n    json::{self, Object},\n    web::{form::{A, B}, path},\n    time,\n};",
            &["json", "time", "web"],
        ),
        ("a.rs", "fn f() { crate::host::x(crate::error::Y) }", &["error", "host"]),
        ("a.rs", "use super::web;", &["web"]),
        ("a/b.rs", "use super::own;\nuse super::super::web;", &["web"]),
        ("a/mod.rs", "use super::{web, time::T};", &["time", "web"]),
        ("a.rs", "/// [`crate::web`]\n// crate::host\nlet x = 1; // crate::error", &[]),
        ("a.rs", "use crate::web;\n#[cfg(test)]\nmod tests {\n    use crate::host;\n}", &["web"]),
    ] {
        assert_eq!(named(name, text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    }
}
