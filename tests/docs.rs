//! What the documentation points to is there: files, tests, and the targets of links.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders whose files the documentation names by their path from the root.
const FOLDERS: [&str; 7] = ["src/", "tests/", "docs/", "scripts/", "demo/", "examples/", "npm/"];

/// What is not written by hand.
const NOT_OURS: [&str; 6] = ["target", "build", "node_modules", ".git", ".wrangler", ".demo"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A page of the documentation: its path from the root, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// Each line with what a complaint about it begins with.
    fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        let path = self.path.display();
        self.text.lines().enumerate().map(move |(index, line)| (format!("{path}:{}", index + 1), line))
    }
}

fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    collect(&root(), &mut pages);
    assert!(pages.len() > 5, "the documentation was not found");
    pages
}

fn collect(folder: &Path, pages: &mut Vec<Page>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).unwrap();
            pages.push(Page { path: path.strip_prefix(root()).unwrap().to_owned(), text });
        }
    }
}

/// The paths from the root that a line names: `src/gateway.rs`.
fn named_paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c)))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .map(|word| word.trim_end_matches(['.', '/']))
}

/// The tests that a line names: `` `src/time.rs::arithmetic_saturates` `` is a file and a test in it.
fn named_tests(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).filter(|(file, _)| is_path(file))
}

fn is_path(word: &str) -> bool {
    FOLDERS.iter().any(|folder| word.starts_with(folder))
}

/// The targets of the links in a line that lead to files: `[text](target#place)`.
fn linked_files(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

#[test]
fn every_named_path_exists() {
    let mut missing = Vec::new();
    for page in pages() {
        for (place, line) in page.lines() {
            let gone = named_paths(line).filter(|path| !root().join(path).exists());
            missing.extend(gone.map(|path| format!("{place}: {path}")));
        }
    }
    assert!(missing.is_empty(), "named and not there:\n{}", missing.join("\n"));
}

#[test]
fn every_named_test_exists() {
    let mut missing = Vec::new();
    for page in pages() {
        for (place, line) in page.lines() {
            let gone = named_tests(line).filter(|(file, test)| !has_test(file, test));
            missing.extend(gone.map(|(file, test)| format!("{place}: {file}::{test}")));
        }
    }
    assert!(missing.is_empty(), "named and not there:\n{}", missing.join("\n"));
}

// In Rust a test is a function, in JavaScript it has a title.
fn has_test(file: &str, test: &str) -> bool {
    let source = fs::read_to_string(root().join(file)).unwrap_or_default();
    if Path::new(file).extension().is_some_and(|extension| extension == "rs") {
        source.contains(&format!("fn {test}("))
    } else {
        source.contains(test)
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for page in pages() {
        let folder = root().join(page.path.parent().expect("a folder"));
        for (place, line) in page.lines() {
            let gone = linked_files(line).filter(|target| !folder.join(target).exists());
            broken.extend(gone.map(|target| format!("{place}: {target}")));
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// What is shown is compiled: each part of a block between blank lines stands in one of the examples, or in a doc test of
/// the library's, but for its indentation.
#[test]
fn code_that_the_documentation_shows_is_compiled() {
    let mut compiled = Vec::new();
    compiled_code(&root().join("examples"), &mut compiled);
    compiled_code(&root().join("src/edge/library"), &mut compiled);
    let mut shown = 0;
    let mut missing = Vec::new();
    for page in pages() {
        for (part, block) in
            blocks(&page.text, "rust").flat_map(|block| block.split("\n\n").map(move |part| (part, block)))
        {
            shown += 1;
            let stands = |source: &&String| source.contains(&flush(part));
            if !compiled.iter().any(|source| stands(&source)) {
                missing.push(format!("{}: {part}\nof\n{block}", page.path.display()));
            }
        }
    }
    assert!(shown > 10, "the blocks were not found");
    assert!(missing.is_empty(), "shown and not compiled:\n{}", missing.join("\n"));
}

fn blocks<'t>(text: &'t str, language: &str) -> impl Iterator<Item = &'t str> {
    let opening = format!("\n```{language}\n");
    let starts: Vec<usize> = text.match_indices(&opening).map(|(at, found)| at + found.len()).collect();
    starts.into_iter().map(|start| text[start..].split("\n```").next().unwrap_or_default())
}

fn compiled_code(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            compiled_code(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(flush(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Without indentation and what begins a comment.
fn flush(source: &str) -> String {
    let bare = |line: &str| line.trim_start().trim_start_matches(['/', '!']).trim().to_owned();
    source.lines().map(bare).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_log_s_codes_are_explained() {
    let source = fs::read_to_string(root().join("src/error/code.rs")).unwrap();
    let mut written: BTreeSet<String> = quoted(&source).filter(|text| is_code(text)).map(str::to_owned).collect();
    assert!(written.len() > 50, "the codes were not found");
    events(&root().join("src"), &mut written);
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let explained: Vec<&str> = page.lines().filter_map(first_cell).filter(|code| is_code(code)).collect();
    let told: BTreeSet<String> = explained.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(told.len(), explained.len(), "a code stands there twice");
    assert_eq!(told, written, "docs/operations.md explains each code of the log, and no other");
}

/// The codes of the lines that tell no error: `LogLine::event("sign_in.finished")`.
fn events(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            events(&path, codes);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap_or_default();
        let lines = source.split("LogLine::event(").skip(1);
        codes.extend(lines.filter_map(|rest| quoted(rest).next().map(str::to_owned)));
    }
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// `discovery.not_json`: two words and a dot.
fn is_code(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.split_once('.').is_some_and(|(area, what)| is_word(area) && is_word(what))
}

/// What a row of a table explains: `` | `code` | … ``.
fn first_cell(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split('`').next()
}

/// What Flask-OIDC 1.x and 2.x have: nobody who comes from there finds one of these missing.
const FLASK_OIDC: &[&str] = &[
    // Settings of 1.x, and Flask's.
    "OIDC_SCOPES",
    "OIDC_GOOGLE_APPS_DOMAIN",
    "OIDC_ID_TOKEN_COOKIE_NAME",
    "OIDC_ID_TOKEN_COOKIE_PATH",
    "OIDC_ID_TOKEN_COOKIE_TTL",
    "OIDC_ID_TOKEN_COOKIE_SECURE",
    "OIDC_COOKIE_SECURE",
    "OIDC_VALID_ISSUERS",
    "OIDC_CLOCK_SKEW",
    "OIDC_REQUIRE_VERIFIED_EMAIL",
    "OIDC_OPENID_REALM",
    "OIDC_USER_INFO_ENABLED",
    "OIDC_CALLBACK_ROUTE",
    "OVERWRITE_REDIRECT_URI",
    "OIDC_RESOURCE_SERVER_ONLY",
    "OIDC_RESOURCE_CHECK_AUD",
    "OIDC_INTROSPECTION_AUTH_METHOD",
    "OIDC_CLIENT_SECRETS",
    "OIDC_CREDENTIALS_STORE",
    "OIDC_TOKEN_TYPE_HINT",
    "OIDC_EXTRA_REQUEST_AUTH_PARAMS",
    "SECRET_KEY",
    // Members of the client secrets.
    "web",
    "installed",
    "client_id",
    "client_secret",
    "issuer",
    "auth_uri",
    "token_uri",
    "userinfo_uri",
    "token_introspection_uri",
    "revoke_uri",
    "redirect_uris",
    // Functions and the like of 1.x.
    "OpenIDConnect",
    "MemoryCredentials",
    "accept_token",
    "authenticate_or_redirect",
    "check",
    "custom_callback",
    "flow_for_request",
    "get_access_token",
    "get_cookie_id_token",
    "get_refresh_token",
    "init_app",
    "logout",
    "redirect_to_auth_server",
    "require_keycloak_role",
    "require_login",
    "set_cookie_id_token",
    "user_getfield",
    "user_getinfo",
    "user_loggedin",
    "validate_token",
    "load_secrets",
    "ErrStr",
    "credentials_store",
    "urandom",
    "g.oidc_id_token",
    "g.oidc_token_info",
    "discover_OP_information",
    "register_client",
    "oidc-register",
    // 2.x.
    "OIDC_SERVER_METADATA_URL",
    "OIDC_OVERWRITE_REDIRECT_URI",
    "OIDC_USERINFO_URL",
    "OIDC_USER_CLASS",
    "OIDC_ENABLED",
    "OIDC_TESTING_PROFILE",
    "g.oidc_user",
    "prefix",
    "oidc_auth_token",
    "oidc_auth_profile",
    "before_login_redirect",
];

#[test]
fn the_migration_page_names_all_of_flask_oidc() {
    let page = include_str!("../docs/flask-oidc.md");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |name: &str| {
        let stands = |(at, _): (usize, &str)| {
            let (before, after) = (page[..at].chars().next_back(), page[at + name.len()..].chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        };
        page.match_indices(name).any(stands)
    };
    let missing: Vec<&&str> = FLASK_OIDC.iter().filter(|name| !names(name)).collect();
    assert!(missing.is_empty(), "docs/flask-oidc.md does not name {missing:?}");
}

#[test]
fn lines_are_read_as_they_are_meant() {
    let line =
        "see `src/time.rs::a_test`, [it](../README.md#top) and [that](https://a.example/docs/x.md), src/json.rs.";
    assert_eq!(named_paths(line).collect::<Vec<_>>(), ["src/time.rs", "src/json.rs"]);
    assert_eq!(named_tests(line).collect::<Vec<_>>(), [("src/time.rs", "a_test")]);
    assert_eq!(linked_files(line).collect::<Vec<_>>(), ["../README.md"]);
}
