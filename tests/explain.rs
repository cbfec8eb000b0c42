//! `npm run explain`: what it says of rules is what the Worker does by them.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/folder.rs"]
mod folder;

use folder::{Folder, Outcome};
use serde_json::{Value, json};

const FILE: &str = r#"
[vars]
OIDC_ISSUER = "https://id.example.com"
OIDC_CLIENT_ID = "site"
OIDC_RULES = [
  { path = "/public/*", access = "public" },
  { path = "/admin/*", methods = ["POST"], access = "deny" },
  { path = "/admin/*", access = "login", claims = { groups = "admins", "realm.level" = [3, 4] } },
  { path = "/shop", access = "optional" },
  { path = "/api/*", access = "token", scopes = ["read", "write"], max_age = 60 },
  { path = "/pay", access = "login_or_token", acr_values = ["mfa"] },
]
[[kv_namespaces]]
binding = "OIDC_CREDENTIALS"
[secrets]
required = ["OIDC_SECRET_KEY", "OIDC_CLIENT_SECRET"]
"#;

fn folder() -> Folder {
    let folder = Folder::new("explain");
    folder.write("wrangler.toml", FILE);
    folder
}

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    folder.run(env!("CARGO_BIN_EXE_oidc-tools"), &[&["explain"], arguments].concat(), &[])
}

fn explained(folder: &Folder, arguments: &[&str]) -> Value {
    let outcome = run(folder, &[arguments, &["--json"]].concat());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn verdicts() {
    let folder = folder();
    let admin = r#"{"sub": "a", "groups": ["staff", "admins"], "realm": {"level": 4}}"#;
    for (arguments, verdict, decided_by) in [
        (&["/public/x"][..], "admit", json!(0)),
        (&["GET", "/public/x"], "admit", json!(0)),
        (&["HEAD", "/admin"], "sign_in", json!(2)),
        (&["POST", "/admin/x", "--claims", admin], "forbid", json!(1)),
        (&["GET", "/admin/x", "--claims", admin], "admit", json!(2)),
        (&["GET", "/admin/x", "--claims", "{}"], "forbid", json!(2)),
        (&["GET", "/admin/x", "--scope", "read"], "sign_in", json!(2)),
        (&["GET", "/shop?a=1"], "admit", json!(3)),
        (&["GET", "/api/x"], "challenge", json!(4)),
        (&["GET", "/api/x", "--scope", "read"], "challenge", json!(4)),
        (
            &["GET", "/api/x", "--scope", "read write", "--claims", r#"{"auth_time": 90}"#, "--now", "151"],
            "challenge",
            json!(4),
        ),
        (
            &["GET", "/api/x", "--scope", "read write", "--claims", r#"{"auth_time": 90}"#, "--now", "150"],
            "admit",
            json!(4),
        ),
        (&["GET", "/pay", "--claims", r#"{"acr": "pwd"}"#], "step_up", json!(5)),
        (&["GET", "/pay", "--claims", r#"{"acr": "mfa"}"#], "admit", json!(5)),
        (&["GET", "/elsewhere"], "sign_in", json!(6)),
        (&["GET", "/oidc_logout"], "own", json!(null)),
        (&["GET", "/admin%2fx"], "refuse", json!(null)),
        (&["GET", "/public/../admin"], "refuse", json!(null)),
        (&["GET", "/shop;x"], "refuse", json!(null)),
        (&["TRACE", "/shop"], "refuse", json!(3)),
        (&["TRACE", "/elsewhere"], "sign_in", json!(6)),
    ] {
        let answer = explained(&folder, arguments);
        assert_eq!(
            (&answer["verdict"], &answer["decided_by"]),
            (&json!(verdict), &decided_by),
            "{arguments:?} {answer}"
        );
        assert_eq!(answer["unmet"].as_array().unwrap().is_empty(), matches!(verdict, "admit" | "own" | "refuse"));
    }
}

#[test]
fn where_nobody_is_named() {
    let folder = folder();
    let file = FILE.replace(
        r#"{ path = "/shop", access = "optional" }"#,
        r#"{ path = "/shop", access = "optional", cache = "public" }"#,
    );
    folder.write("wrangler.toml", &file);
    for (path, meaning) in [("/shop", "to the origin, without an identity"), ("/elsewhere", "to the origin")] {
        assert_eq!(explained(&folder, &[path, "--claims", "{}"])["meaning"], meaning, "{path}");
    }
}

#[test]
fn why_not_the_others() {
    let folder = folder();
    folder.write("claims.json", r#"{"groups": ["staff"], "realm": {"level": 2}}"#);
    let outcome = run(&folder, &["GET", "/admin/x", "--claims", "claims.json"]);
    let expected = r#"GET /admin/x

     OIDC_RULES[0]   /public/* public      another path
     OIDC_RULES[1]   POST /admin/* deny    another method
  -> OIDC_RULES[2]   /admin/* login
     OIDC_RULES[3]   /shop optional        another path
     OIDC_RULES[4]   /api/* token          another path
     OIDC_RULES[5]   /pay login_or_token   another path
     by default      /* login              an earlier rule decides

forbid: 403
  claims.groups: expected "admins", got ["staff"]
  claims.realm.level: expected 3 or 4, got 2
"#;
    assert_eq!((outcome.stdout.as_str(), outcome.code), (expected, Some(0)));
}

#[test]
fn tests_of_rules() {
    let folder = folder();
    folder.write(
        "policy.toml",
        r#"
            [[test]]
            request = "/public/logo.svg"
            expect = "admit"
            rule = 0
            [[test]]
            name = "staff are no admins"
            request = "GET /admin/x"
            claims = { sub = "alice", groups = ["staff"] }
            expect = "forbid"
        "#,
    );
    let outcome = run(&folder, &["--test", "policy.toml"]);
    let expected = "ok    /public/logo.svg: admit\nok    staff are no admins: forbid\n\n2 passed, 0 failed\n";
    assert_eq!((outcome.stdout.as_str(), outcome.code), (expected, Some(0)), "{outcome:?}");

    folder.write(
        "policy.toml",
        &folder.read("policy.toml").replace("\"admit\"\n", "\"sign_in\"\n").replace("forbid", "admit"),
    );
    let outcome = run(&folder, &["--test", "policy.toml"]);
    assert_eq!(outcome.code, Some(1));
    for line in [
        "FAIL  /public/logo.svg: expected sign_in by rule 0, got admit by rule 0",
        "FAIL  staff are no admins: expected admit, got forbid by rule 2",
        "        claims.groups: expected \"admins\", got [\"staff\"]",
        "0 passed, 2 failed",
    ] {
        assert!(outcome.stdout.lines().any(|other| other == line), "{line}\n{}", outcome.stdout);
    }
    let outcome = run(&folder, &["--test", "policy.toml", "--json"]);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&report["failed"], &report["tests"][1]["explanation"]["verdict"]), (&json!(2), &json!("forbid")));

    // The right verdict by the wrong rule is wrong.
    folder.write("policy.toml", "[[test]]\nrequest = \"/shop\"\nexpect = \"admit\"\nrule = 0\n");
    assert_eq!(run(&folder, &["--test", "policy.toml"]).code, Some(1));
}

#[test]
fn the_example_of_the_documentation_passes() {
    let folder = folder();
    let document = include_str!("../docs/explain.md");
    let (_, example) = document.split_once("```toml\n").unwrap();
    folder.write("policy.toml", example.split_once("```").unwrap().0);
    let outcome = run(&folder, &["--test", "policy.toml"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("3 passed"));
}

#[test]
fn what_makes_no_sense() {
    let folder = folder();
    folder.write("empty.toml", "");
    folder.write("bad.toml", "[[test]]\nrequest = \"/\"\nexpect = \"maybe\"\n");
    folder.write("odd.toml", "[[test]]\nrequest = \"/\"\nexpects = \"admit\"\n");
    folder.write("behind.toml", "[[test]]\nrequest = \"/\"\nexpect = \"sign_in\"\nrule = -1\n");
    folder.write("broken.toml", "[[test]]\nrequest =\n");
    for (arguments, code, words) in [
        (&[][..], 2, "expected METHOD and PATH"),
        (&["GET", "/a", "b"], 2, "expected METHOD and PATH"),
        (&["--test", "empty.toml", "/a"], 2, "--test stands alone"),
        (&["--nonsense", "/a"], 2, "--nonsense"),
        (&["GET", "a"], 2, "expected METHOD and PATH"),
        (&["GET", "/a b"], 2, "expected METHOD and PATH"),
        (&["GET", "https://app.example.com/a"], 2, "expected METHOD and PATH"),
        (&["/a", "--claims", "none.json"], 1, "none.json can't be read"),
        (&["/a", "--claims", "{\"a\":1,\"a\":2}"], 1, "--claims"),
        (&["--test", "none.toml"], 1, "none.toml can't be read"),
        (&["--test", "empty.toml"], 1, "[[test]] tables"),
        (&["--test", "bad.toml"], 1, "test 1: expect: expected one of admit, sign_in"),
        (&["--test", "odd.toml"], 1, "test 1: expected one of request"),
        (&["--test", "behind.toml"], 1, "test 1: rule: expected an index from 0 on"),
        (&["--test", "broken.toml"], 1, "line 2"),
        (&["/a", "--config", "none.toml"], 1, "none.toml can't be read"),
    ] {
        let outcome = run(&folder, arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?} {outcome:?}");
        assert!(outcome.stderr.contains(words), "{arguments:?} {outcome:?}");
        assert!(outcome.stderr.contains("next:") || code == 1, "{outcome:?}");
    }
    folder.write("wrangler.toml", &FILE.replace("\"/shop\"", "\"shop\""));
    let outcome = run(&folder, &["/a"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("OIDC_RULES[3].path"), "{}", outcome.stderr);
    let help = run(&folder, &["--help"]);
    assert_eq!(help.code, Some(0));
    // Every option that the help names is one.
    let named = help.stdout.split_whitespace().filter(|word| word.starts_with("--") && *word != "--");
    for option in named.map(|word| word.trim_matches(['[', ']', ',', ';'])) {
        let outcome = run(&folder, &["/a", option]);
        assert!(!outcome.stderr.contains("invalid option"), "{option}: {outcome:?}");
    }
}

#[test]
fn the_guides_do_what_they_say() {
    for (page, request, verdict) in [
        ("docs/mcp.md", "GET /mcp", "challenge"),
        ("docs/mcp.md", "OPTIONS /mcp", "admit"),
        ("docs/mcp.md", "POST /mcp/x", "challenge"),
        ("docs/mcp.md", "GET /.well-known/oauth-protected-resource/mcp", "own"),
        ("docs/mcp.md", "GET /.well-known/oauth-protected-resource/x", "forbid"),
        ("docs/mcp.md", "GET /", "forbid"),
        ("docs/tokens.md", "POST /api/orders/1", "challenge"),
        ("docs/tokens.md", "GET /api/x", "challenge"),
        ("docs/tokens.md", "GET /reports/", "sign_in"),
    ] {
        let text = std::fs::read_to_string(format!("{}/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let (_, rest) = text.split_once("```toml\n").unwrap();
        let folder = Folder::new("explain");
        let (vars, rest) = (rest.split_once("```").unwrap().0, FILE.split_once("[[kv_namespaces]]").unwrap().1);
        folder.write("wrangler.toml", &format!("{vars}\n[[kv_namespaces]]{rest}"));
        let explained = explained(&folder, &request.split(' ').collect::<Vec<_>>());
        assert_eq!(explained["verdict"], verdict, "{page}: {request}: {explained}");
    }
}
