//! What is written about the settings is what the code does.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::{env, fs, path::PathBuf};

use edge_oidc::config::{
    Bindings, Config,
    settings::{self, BINDINGS, SETTINGS},
};

const BEGIN: &str = "<!-- settings: made by UPDATE_DOCS=1 cargo test --test drift -->\n";
const END: &str = "<!-- end of settings -->\n";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of settings and bindings that a text holds, each with its line.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words
            .filter(|word| {
                word.strip_prefix("OIDC_").is_some_and(|rest| !rest.is_empty()) || *word == "OVERWRITE_REDIRECT_URI"
            })
            .map(move |word| (index + 1, word))
    })
}

fn is_known(name: &str) -> bool {
    settings::setting_named(name).is_some() || BINDINGS.contains(&name)
}

#[test]
fn the_reference_is_the_table() {
    const FILE: &str = "docs/configuration.md";
    let document = read(FILE);
    let (before, rest) = document.split_once(BEGIN).expect("the settings begin in docs/configuration.md");
    let (written, after) = rest.split_once(END).expect("the settings end in docs/configuration.md");
    let made = format!("\n{}\n", settings::reference());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(FILE), format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert!(written == made, "{FILE} differs from the table of settings: run UPDATE_DOCS=1 cargo test --test drift");
}

#[test]
fn the_documentation_names_no_other_settings() {
    const FILE: &str = "docs/configuration.md";
    for (line, name) in names(&read(FILE)) {
        assert!(is_known(name), "{FILE}:{line}: {name} is no setting");
    }
}

#[test]
fn no_row_of_the_table_breaks_it() {
    for row in settings::reference().lines() {
        assert_eq!(row.matches('|').count(), 5, "{row}");
    }
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(SETTINGS.iter().skip(index + 1).all(|other| other.name != setting.name), "{}", setting.name);
    }
}

#[test]
fn the_errors_of_the_documentation_are_real() {
    let variables = [
        ("OIDC_CLOCK_SKEW", 601.into()),
        ("OIDC_SECRET_KEY", "short".into()),
        ("OIDC_RULES", r#"[{"path": "/a/*", "access": "public"}, {"path": "/a/b", "access": "login"}]"#.into()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let report = Config::parse(&variables, Bindings::default()).unwrap_err().to_string();
    let document = read("docs/configuration.md");
    let (_, example) = document.split_once("```text\n").expect("an example of a report");
    let (example, _) = example.split_once("```").expect("its end");
    assert!(!example.is_empty());
    for line in example.lines() {
        assert!(report.lines().any(|other| other == line), "{line}\nis not in\n{report}");
    }
}

#[test]
fn wrangler_toml_names_every_setting_and_no_other() {
    const FILE: &str = "wrangler.toml";
    let text = read(FILE);
    for (line, name) in names(&text) {
        assert!(is_known(name), "{FILE}:{line}: {name} is no setting");
    }
    let missing: Vec<&str> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|name| names(&text).all(|(_, other)| other != *name))
        .collect();
    assert!(missing.is_empty(), "{FILE} does not name {missing:?}: put each into it, set or in a comment");
}

#[test]
fn the_examples_are_of_the_same_runtime_and_settings() {
    let date = |file: &str| read(file).lines().find(|line| line.starts_with("compatibility_date")).map(str::to_owned);
    let inside = |folder: &str| {
        let entries = fs::read_dir(path(folder)).into_iter().flatten();
        entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok()).collect::<Vec<String>>()
    };
    let files: Vec<String> = inside("examples")
        .iter()
        .flat_map(|folder| {
            let files = inside(&format!("examples/{folder}")).into_iter();
            files
                .filter(|name| name.contains(".toml") && name != "Cargo.toml")
                .map(move |name| format!("examples/{folder}/{name}"))
        })
        .collect();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        assert_eq!(date(&file), date("wrangler.toml"), "{file}");
        for (line, name) in names(&read(&file)) {
            assert!(is_known(name), "{file}:{line}: {name} is no setting");
        }
    }
}

#[test]
fn the_features_of_the_crate_are_those_that_are_explained() {
    let manifest = read("Cargo.toml");
    let (_, features) = manifest.split_once("\n[features]\n").unwrap();
    let features = features.split("\n[").next().unwrap().lines().filter(|line| !line.starts_with('#'));
    let features: Vec<&str> = features.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    for page in ["ARCHITECTURE.md", "src/lib.rs"] {
        let text = read(page);
        for feature in features.iter().filter(|feature| **feature != "default") {
            assert!(text.contains(&format!("`{feature}`")), "{page} says nothing of the feature {feature}");
        }
        let named = text.split("feature `").skip(1).filter_map(|rest| rest.split('`').next());
        named.for_each(|name| assert!(features.contains(&name), "{page} names a feature {name}"));
    }
}
