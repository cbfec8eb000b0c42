//! `npm run doctor`: each fault planted, and the doctor has to find it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/folder.rs"]
mod folder;
#[allow(dead_code, reason = "shared with the tests of oidc-register")]
#[path = "support/scripted_provider.rs"]
mod provider;
#[path = "support/public_address.rs"]
mod public_address;

use std::time::{Duration, SystemTime};

use folder::Folder;
use provider::{Asked, Provider, Reply};
use public_address::{PublicAddress, ROOT};
use serde_json::{Value, json};

const CLIENT_SECRET: &str = "a-secret-that-nobody-may-see";

const FILE: &str = r#"
name = "guard"
compatibility_date = "2026-07-15"
workers_dev = false
preview_urls = false
routes = [{ pattern = "app.example.com", custom_domain = true }]
[observability]
enabled = true
redact_query_string = true
[vars]
OIDC_ISSUER = "{issuer}"
OIDC_CLIENT_ID = "site"
OIDC_ORIGIN = "{origin}"
OIDC_PUBLIC_URL = "{site}"
OIDC_RULES = [{ path = "/public/*", access = "public" }]
[[kv_namespaces]]
binding = "OIDC_CREDENTIALS"
[[ratelimits]]
name = "OIDC_RATE_LIMIT"
namespace_id = "1"
simple = { limit = 100, period = 60 }
[secrets]
required = ["OIDC_SECRET_KEY", "OIDC_CLIENT_SECRET"]
"#;

/// A site, its provider and its origin, with one fault, or none.
struct Town {
    folder: Folder,
    servers: [Provider; 3],
}

impl Town {
    fn with(fault: &'static str) -> Self {
        let provider = Provider::start(move |asked, issuer| provider_says(fault, asked, issuer));
        let issuer = provider.issuer().to_owned();
        let site = Provider::start(move |asked, _| site_says(fault, asked, &issuer));
        let origin = Provider::start(|_, _| reply(200, &[], "the origin"));
        let file = FILE
            .replace("{issuer}", provider.issuer())
            .replace("{site}", site.issuer())
            .replace("{origin}", origin.issuer());
        let folder = Folder::new("doctor");
        folder.write("wrangler.toml", &file);
        folder.write(".dev.vars", &format!("OIDC_SECRET_KEY={}\nOIDC_CLIENT_SECRET={CLIENT_SECRET}\n", "k".repeat(32)));
        Self { folder, servers: [provider, site, origin] }
    }

    /// Changes a line of `wrangler.toml`; an empty one is put before all.
    fn changed(self, from: &str, to: &str) -> Self {
        let file = self.folder.read("wrangler.toml");
        assert!(file.contains(from), "{from}");
        self.folder.write("wrangler.toml", &file.replacen(from, to, 1));
        self
    }

    fn examined(&self, arguments: &[&str]) -> (Option<i32>, Vec<Finding>) {
        self.examined_from(&[], arguments)
    }

    /// The same on a machine with these variables.
    fn examined_from(&self, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, Vec<Finding>) {
        let arguments = [&["doctor", "--json"], arguments].concat();
        let outcome = self.folder.run(env!("CARGO_BIN_EXE_oidc-tools"), &arguments, variables);
        assert!(!format!("{outcome:?}").contains(CLIENT_SECRET));
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{outcome:?}"));
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        let findings = findings.map(|finding| Finding {
            check: text(finding, "check"),
            status: text(finding, "status"),
            found: text(finding, "found"),
            cure: text(finding, "cure"),
        });
        (outcome.code, findings.collect())
    }
}

#[derive(Debug)]
struct Finding {
    check: String,
    status: String,
    found: String,
    cure: String,
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let length = body.len();
    Reply::Raw(format!("HTTP/1.1 {status} S\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

#[expect(clippy::disallowed_methods, reason = "the doctor compares with this machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn provider_says(fault: &str, asked: &Asked, issuer: &str) -> Reply {
    let path = asked.path.split('?').next().unwrap();
    let is_json = ("Content-Type", "application/json");
    match path {
        "/.well-known/openid-configuration" => {
            let date = if fault == "clock" { now() - Duration::from_secs(3600) } else { now() };
            let date = httpdate::fmt_http_date(date);
            let named = if fault == "issuer" { "https://other.example" } else { issuer };
            let document = json!({
                "issuer": named,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "id_token_signing_alg_values_supported": [if fault == "alg" { "HS256" } else { "RS256" }],
                "scopes_supported": if fault == "scopes" { json!(["openid"]) } else { json!(["openid", "email"]) },
                "token_endpoint_auth_methods_supported":
                    [if fault == "auth_method" { "private_key_jwt" } else { "client_secret_basic" }],
            });
            let mut document = document;
            if fault != "no_introspection" {
                document["introspection_endpoint"] = format!("{issuer}/introspect").into();
            }
            let status = if fault == "discovery" { 404 } else { 200 };
            reply(status, &[is_json, ("Date", &date)], &document.to_string())
        }
        "/jwks" => {
            let keys: Value = serde_json::from_str(include_str!("vectors/jwks.json")).unwrap();
            let good = keys["jwks"]["keys"][1].clone();
            let keys = if fault == "keys" { json!([{ "kty": "oct", "k": "AAAA" }]) } else { json!([good]) };
            reply(200, &[is_json], &json!({ "keys": keys }).to_string())
        }
        "/token" => {
            let error = if fault == "client" { "invalid_client" } else { "invalid_grant" };
            reply(400, &[is_json], &json!({ "error": error }).to_string())
        }
        "/introspect" if fault == "introspection" => reply(401, &[is_json], r#"{"error":"invalid_client"}"#),
        "/introspect" if fault == "introspection_page" => reply(200, &[("Content-Type", "text/html")], "hello"),
        "/introspect" => reply(200, &[is_json], r#"{"active":false}"#),
        "/auth" if fault == "redirect_uri" => reply(400, &[], "redirect_uri did not match"),
        "/auth" if fault == "redirect_unclear" => reply(200, &[], "please sign in"),
        "/auth" => {
            let parameters = url::Url::parse(&format!("{issuer}{}", asked.path)).unwrap();
            let uri = parameters.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
            assert!(uri.ends_with("/oidc_callback"), "{uri}");
            assert!(parameters.query_pairs().any(|(name, value)| name == "prompt" && value == "none"));
            reply(303, &[("Location", &format!("{uri}?error=login_required"))], "")
        }
        other => panic!("{other}"),
    }
}

fn site_says(fault: &str, asked: &Asked, issuer: &str) -> Reply {
    match asked.path.as_str() {
        "/oidc_health" if fault == "worker" => reply(404, &[], "no such page"),
        "/oidc_health" if fault == "misconfigured" => reply(500, &[], "misconfigured"),
        "/oidc_health" => reply(200, &[], r#"{"status":"ok"}"#),
        "/" if fault == "guard" => reply(200, &[], "welcome, stranger"),
        "/" => reply(302, &[("Location", &format!("{issuer}/auth?client_id=site"))], ""),
        "/public" if fault == "origin" => reply(502, &[], r#"{"error":"origin.unreachable"}"#),
        "/public" => reply(200, &[], "public"),
        other => panic!("{other}"),
    }
}

#[test]
fn where_all_is_well_nothing_is_bad() {
    let (code, findings) = Town::with("nothing").examined(&["--strict"]);
    let unwell: Vec<&Finding> = findings.iter().filter(|finding| finding.status != "good").collect();
    assert!(unwell.is_empty(), "{unwell:#?}");
    assert_eq!(code, Some(0));
    assert!(findings.iter().all(|finding| finding.cure.is_empty()));
    assert!(findings.len() > 20, "{}", findings.len());
}

/// Whether exactly this check is not good, with these words.
fn is_found(town: &Town, check: &str, status: &str, words: &str) {
    holds(&town.examined(&[]), check, status, words);
}

fn holds((code, findings): &(Option<i32>, Vec<Finding>), check: &str, status: &str, words: &str) {
    let found: Vec<&Finding> = findings.iter().filter(|finding| finding.check == check).collect();
    let hit = found.iter().find(|finding| finding.status == status && finding.found.contains(words));
    let hit = hit.unwrap_or_else(|| panic!("{check}, {status}, {words}: {findings:#?}"));
    assert_eq!(hit.cure.is_empty(), status == "good", "{check}: {}", hit.cure);
    assert_eq!(*code, Some(i32::from(status == "bad")), "{check}: {findings:#?}");
}

#[test]
fn faults_of_the_servers() {
    for (fault, check, status, words) in [
        ("discovery", "discovery", "bad", "expected HTTP 200, got 404"),
        ("issuer", "discovery", "bad", "it calls itself https://other.example"),
        ("alg", "discovery", "bad", "nothing that is accepted here"),
        ("clock", "clock", "bad", "s behind this machine's; 60 s are allowed"),
        ("keys", "keys", "bad", "none of 1 keys"),
        ("scopes", "scopes", "warning", "does not list email"),
        ("auth_method", "client_authentication", "warning", "does not list: private_key_jwt"),
        ("client", "client", "bad", "does not take client id and secret"),
        ("redirect_uri", "redirect_uri", "bad", "(HTTP 400)"),
        ("redirect_unclear", "redirect_uri", "unseen", "HTTP 200"),
        ("worker", "worker", "bad", "HTTP 404, not from the Worker"),
        ("misconfigured", "worker", "bad", "HTTP 500"),
        ("guard", "guard", "bad", "a stranger gets"),
        ("origin", "origin", "bad", "HTTP 502 origin.unreachable"),
    ] {
        is_found(&Town::with(fault), check, status, words);
    }
}

#[test]
fn faults_of_the_files() {
    let pattern = r#"{ pattern = "app.example.com", custom_domain = true }"#;
    let origin = "OIDC_ORIGIN = ";
    for (from, to, check, status, words) in [
        ("[vars]", "[vars]\nOIDC_CLOCK_SKEW = 601", "settings", "bad", "OIDC_CLOCK_SKEW: expected whole seconds"),
        ("[vars]", "[vars]\nOIDC_ISUER = \"x\"", "settings", "bad", "unknown name"),
        ("binding = \"OIDC_CREDENTIALS\"", "binding = \"CREDENTIALS\"", "settings", "bad", "OIDC_CREDENTIALS_STORE"),
        ("[vars]", "[vars]\nOIDC_CLIENT_SECRET = \"open\"", "plain_secrets", "bad", "OIDC_CLIENT_SECRET"),
        (
            "[vars]",
            "[vars]\nOIDC_CLIENT_SECRETS = { web = { client_secret = \"open\" } }",
            "plain_secrets",
            "bad",
            "OIDC_CLIENT_SECRETS",
        ),
        ("2026-07-15", "2019-01-01", "compatibility_date", "bad", "got 2019-01-01"),
        ("2026-07-15", "9999-01-01", "compatibility_date", "bad", "in the future"),
        ("workers_dev = false", "workers_dev = true", "workers_dev", "bad", "is on"),
        ("preview_urls = false", "preview_urls = true", "preview_urls", "bad", "is on"),
        ("name = \"OIDC_RATE_LIMIT\"", "name = \"OTHER\"", "rate_limit", "warning", "nothing throttles"),
        ("redact_query_string = true", "", "observability", "bad", "keep query strings"),
        ("enabled = true", "", "observability", "warning", "no log is kept"),
        (
            "[observability]",
            "[assets]\ndirectory = \"x\"\n[observability]",
            "run_worker_first",
            "bad",
            "without asking",
        ),
        (
            "[observability]",
            "[assets]\nrun_worker_first = [\"/api/*\"]\n[observability]",
            "run_worker_first",
            "warning",
            "some assets only",
        ),
        ("[vars]", "[vars]\nOIDC_CREDENTIALS_STORE = \"memory\"", "store", "bad", "memory"),
        ("[vars]", "[vars]\nOIDC_ENABLED = false", "enabled", "bad", "nobody is asked"),
        (pattern, "", "routes", "warning", "no route"),
        (pattern, r#"{ pattern = "app.example.com/app/*" }"#, "routes", "bad", "/oidc_callback does not come"),
        (pattern, r#"{ pattern = "app.example.com/oidc*" }"#, "routes", "bad", "open to everybody"),
        (pattern, r#"{ pattern = "app.example.com/*" }"#, "routes", "unseen", "over the daily limit"),
        (origin, "# ", "routes", "bad", "no origin behind"),
        (
            "[[kv_namespaces]]",
            "[[durable_objects.bindings]]\nname = \"OIDC_SESSIONS\"\nclass_name = \"Other\"\n[[kv_namespaces]]",
            "durable_object",
            "bad",
            "another one",
        ),
        (
            "[[kv_namespaces]]",
            "[[durable_objects.bindings]]\nname = \"OIDC_SESSIONS\"\nclass_name = \"SessionVault\"\n[[kv_namespaces]]",
            "durable_object",
            "bad",
            "no migration",
        ),
    ] {
        is_found(&Town::with("nothing").changed(from, to), check, status, words);
    }
}

#[test]
fn insecure_cookies_on_a_public_site() {
    let insecure = |name: &str| Town::with("nothing").changed("[vars]", &format!("[vars]\n{name} = false"));
    for name in ["OIDC_COOKIE_SECURE", "OIDC_ID_TOKEN_COOKIE_SECURE"] {
        let town = insecure(name).changed("OIDC_PUBLIC_URL =", "OIDC_PUBLIC_URL = \"https://app.example.com\" #");
        holds(&town.examined(&["--offline"]), "enabled", "bad", "only loopback hosts are served");
        // On this machine they are as they should be.
        holds(&insecure(name).examined(&["--offline"]), "enabled", "good", "asked to sign in");
    }
}

#[test]
fn an_origin_that_answers_at_its_public_address() {
    let public = "OIDC_ORIGIN = \"https://origin.example.com\" #";
    for (answers, status, words) in [
        (Some(200), "bad", "https://origin.example.com answers this machine (HTTP 200)"),
        (Some(302), "bad", "(HTTP 302): whoever knows the address needs no sign-in"),
        (Some(404), "bad", "(HTTP 404)"),
        (Some(401), "good", "refuses this machine (HTTP 401)"),
        (Some(403), "good", "refuses this machine (HTTP 403)"),
        (None, "good", "does not answer this machine"),
    ] {
        let town = Town::with("nothing").changed("OIDC_ORIGIN =", public);
        let address = PublicAddress::start(answers);
        let from = [("HTTPS_PROXY", address.proxy.as_str()), ("SSL_CERT_FILE", ROOT)];
        holds(&town.examined_from(&from, &[]), "around_the_worker", status, words);
        assert_eq!(address.asked_for(), ["CONNECT origin.example.com:443 HTTP/1.1"]);
    }
}

#[test]
fn asking_about_tokens() {
    let rules = r#"{ path = "/public/*", access = "public" }, { path = "/api/*", access = "token" }"#;
    let town = |fault| Town::with(fault).changed(r#"{ path = "/public/*", access = "public" }"#, rules);
    for (fault, words) in [
        ("introspection", "lets this client not ask (HTTP 401)"),
        ("introspection_page", "expected a JSON object"),
        ("no_introspection", "no introspection endpoint"),
    ] {
        is_found(&town(fault), "introspection", "bad", words);
    }
    let (code, findings) = town("nothing").examined(&["--strict"]);
    assert_eq!(code, Some(0), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.check == "introspection" && finding.status == "good"));
    // Where the provider has none, JWTs are read.
    let audience = "[vars]\nOIDC_AUDIENCE = [\"https://api.example\"]";
    let (code, _) = town("no_introspection").changed("[vars]", audience).examined(&["--strict"]);
    assert_eq!(code, Some(0));
}

#[test]
fn endpoints_are_no_secret() {
    let endpoints = "[vars]\nOIDC_CLIENT_SECRETS = { web = { end_session_uri = \"https://idp.example/end\" } }";
    let (code, _) = Town::with("nothing").changed("[vars]", endpoints).examined(&["--offline"]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_variable_that_wrangler_does_not_take() {
    let town = Town::with("nothing");
    let file = town.folder.read(".dev.vars");
    town.folder.write(".dev.vars", &format!("{file}OIDC_CLOCK_SKEW=601\n"));
    is_found(&town, "secrets", "warning", "does not take from .dev.vars: OIDC_CLOCK_SKEW");
}

#[test]
fn without_the_secret_the_client_is_not_tried() {
    let town = Town::with("client");
    town.folder.write(".dev.vars", "");
    let (code, findings) = town.examined(&[]);
    let status = |check: &str| findings.iter().find(|finding| finding.check == check).unwrap().status.clone();
    assert_eq!((status("secrets").as_str(), status("client").as_str()), ("unseen", "unseen"));
    assert_eq!(code, Some(0), "{findings:#?}");
}

#[test]
fn nobody_answers() {
    let town = Town::with("nothing");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("OIDC_ISSUER = \"http://{free}\" #");
    is_found(&town.changed("OIDC_ISSUER =", &nowhere), "discovery", "bad", "no answer");
    let nowhere = format!("OIDC_ORIGIN = \"http://{free}\" #");
    let town = Town::with("nothing").changed("OIDC_ORIGIN =", &nowhere);
    is_found(&town, "around_the_worker", "bad", "does not answer");
    let nowhere = format!("OIDC_PUBLIC_URL = \"http://{free}\" #");
    is_found(&Town::with("nothing").changed("OIDC_PUBLIC_URL =", &nowhere), "worker", "bad", "no answer");
}

#[test]
fn offline_asks_nobody() {
    let town = Town::with("discovery");
    let (code, findings) = town.examined(&["--offline"]);
    assert_eq!(code, Some(0));
    assert!(findings.iter().all(|finding| finding.check != "discovery"));
    assert!(town.servers.iter().all(|server| server.asked().is_empty()));
}

#[test]
fn strictly_a_warning_is_bad() {
    let town = Town::with("scopes");
    assert_eq!(town.examined(&[]).0, Some(0));
    assert_eq!(town.examined(&["--strict"]).0, Some(1));
}

#[test]
fn the_environment_that_wrangler_takes() {
    let town = Town::with("nothing").changed("[secrets]", "[env.staging.vars]\nOIDC_CLOCK_SKEW = 601\n[secrets]");
    let staging = [("CLOUDFLARE_ENV", "staging")];
    let is_staging = |(_, findings): (Option<i32>, Vec<Finding>)| {
        findings.iter().any(|finding| finding.found.starts_with("OIDC_CLOCK_SKEW"))
    };
    assert!(is_staging(town.examined(&["--offline", "--env", "staging"])));
    assert!(is_staging(town.examined_from(&staging, &["--offline"])));
    assert!(!is_staging(town.examined_from(&staging, &["--offline", "--env", ""])));
    assert!(!is_staging(town.examined_from(&[("CLOUDFLARE_ENV", "")], &["--offline"])));
    // wrangler is told the same.
    town.folder.program("npx", "echo \"$*\" > calls; echo '[]'");
    town.examined_from(&staging, &["--offline", "--deployed", "--env", ""]);
    assert!(town.folder.read("calls").ends_with(" --env=\n"), "{}", town.folder.read("calls"));
}

#[test]
fn coming_back_elsewhere() {
    let town =
        Town::with("nothing").changed("[vars]", "[vars]\nOVERWRITE_REDIRECT_URI = \"https://app.example.com/other\"");
    holds(&town.examined(&["--offline"]), "routes", "warning", "visitors come back to https://app.example.com/other");
    let town = town.changed("[vars]", "[vars]\nOIDC_CALLBACK_ROUTE = \"/other\"");
    holds(&town.examined(&["--offline"]), "routes", "good", "a host name of its own");
}

/// As docs/flask-oidc.md has it: the client secrets are a secret of the Worker's, and say who the provider is.
#[test]
fn what_only_the_client_secrets_say() {
    let required = "required = [\"OIDC_SECRET_KEY\", \"OIDC_CLIENT_SECRET\"]";
    let changed = required.replace("SECRET\"", "SECRETS\"");
    for (without, check) in
        [(&["OIDC_ISSUER = ", "OIDC_CLIENT_ID = "][..], "discovery"), (&["OIDC_CLIENT_ID = "], "client")]
    {
        let mut town = Town::with("nothing").changed(required, &changed);
        for line in without {
            town = town.changed(line, "# ");
        }
        town.folder.write(".dev.vars", "");
        let (code, findings) = town.examined(&[]);
        holds(&(code, findings), check, "unseen", "not to be seen here: OIDC_CLIENT_SECRETS");
        assert!(town.servers[0].asked().iter().all(|asked| !asked.path.contains("client_id")));
    }
}

/// What the README says of APIs: nobody signs in, so there is no store and no callback.
#[test]
fn an_api() {
    let api = |pattern: &str, more: &str| {
        Town::with("nothing")
            .changed(
                "pattern = \"app.example.com\", custom_domain = true",
                &format!("pattern = \"api.example.com/{pattern}\""),
            )
            .changed("[[kv_namespaces]]\nbinding = \"OIDC_CREDENTIALS\"", "")
            .changed("OIDC_RULES = [{ path = \"/public/*\", access = \"public\" }]", "OIDC_RESOURCE_SERVER_ONLY = true")
            .changed("[vars]", &format!("[vars]\n{more}"))
    };
    let (code, findings) = api("*", "").examined(&["--offline"]);
    assert_eq!(code, Some(0), "{findings:#?}");
    for (check, words) in [("store", "none is needed"), ("enabled", "callers are asked for access tokens")] {
        assert!(
            findings.iter().any(|finding| finding.check == check && finding.found.contains(words)),
            "{findings:#?}"
        );
    }
    let (code, findings) = api("orders/*", "OIDC_ID_TOKEN_COOKIE_PATH = \"/orders\"").examined(&["--offline"]);
    let words = "/.well-known/oauth-protected-resource does not come to the Worker";
    holds(&(code, findings), "routes", "warning", words);
    holds(&api("orders/*", "").examined(&["--offline"]), "routes", "bad", "/oidc_health does not come to the Worker");
}

#[test]
fn which_secrets_are_deployed() {
    let town = Town::with("nothing");
    for (answer, status, words) in [
        (r#"echo '[{"name":"OIDC_SECRET_KEY","type":"secret_text"}]'"#, "bad", "not deployed: OIDC_CLIENT_SECRET"),
        (r#"echo '[{"name":"OIDC_SECRET_KEY"},{"name":"OIDC_CLIENT_SECRET"}]'"#, "good", "deployed: OIDC_SECRET_KEY"),
        ("echo hm", "bad", "something else than a list"),
        ("exit 3", "bad", "wrangler can't tell"),
    ] {
        town.folder.program("npx", answer);
        let (_, findings) = town.examined(&["--offline", "--deployed"]);
        let mut found = findings.iter().filter(|finding| finding.check == "secrets");
        assert!(
            found.any(|finding| finding.status == status && finding.found.contains(words)),
            "{words}: {findings:#?}"
        );
    }
}

#[test]
fn for_a_person() {
    let town = Town::with("client");
    let outcome = town.folder.run(env!("CARGO_BIN_EXE_oidc-tools"), &["doctor"], &[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.contains("BAD   client"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains('\u{1b}'), "no colour where there is no terminal");
    assert!(outcome.stdout.trim_end().ends_with("0 warnings, 1 bad, 0 to be seen elsewhere"), "{}", outcome.stdout);
    for (arguments, code) in [(&["doctor", "--help"][..], 0), (&["doctor", "--nonsense"], 2), (&["nonsense"], 2)] {
        assert_eq!(town.folder.run(env!("CARGO_BIN_EXE_oidc-tools"), arguments, &[]).code, Some(code), "{arguments:?}");
    }
    let outcome = town.folder.run(env!("CARGO_BIN_EXE_oidc-tools"), &["doctor", "--config", "none.toml"], &[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("none.toml can't be read"), "{}", outcome.stderr);
}

#[test]
fn for_a_program_whatever_comes() {
    let town = Town::with("nothing");
    town.folder.write("broken.toml", "[vars\n");
    town.folder.write("secrets", "{");
    for arguments in [
        &["--config", "none.toml"][..],
        &["--config", "broken.toml"],
        &["--env", "none"],
        &["--secrets-file", "secrets"],
    ] {
        let (code, findings) = town.examined(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert_eq!((findings.len(), findings[0].status.as_str()), (1, "bad"), "{arguments:?} {findings:#?}");
    }
}

/// What the Worker would say of what it is bound to, the doctor says too.
#[test]
fn bindings_under_other_names() {
    let more = |text: &str| Town::with("nothing").changed("[secrets]", &format!("{text}\n[secrets]"));
    for (text, words) in [
        ("[[d1_databases]]\nbinding = \"OIDC_DB\"", "OIDC_DB: expected a known setting, got an unknown name"),
        (
            "[[r2_buckets]]\nbinding = \"OIDC_SESSIONS\"",
            "OIDC_SESSIONS: expected a binding, got a variable, or a binding of",
        ),
        ("[[secrets_store_secrets]]\nbinding = \"OIDC_ASSERTION_KEY\"", "OIDC_ASSERTION_KEY: "),
        ("[version_metadata]\nbinding = \"OIDC_VERSION\"", "OIDC_VERSION: expected a known setting"),
        ("[[queues.producers]]\nbinding = \"OIDC_QUEUE\"", "OIDC_QUEUE: expected a known setting"),
    ] {
        holds(&more(text).examined(&["--offline"]), "settings", "bad", words);
    }
    let misspelled = Town::with("nothing").changed("OIDC_RATE_LIMIT", "OIDC_RATELIMIT");
    holds(&misspelled.examined(&["--offline"]), "settings", "bad", "OIDC_RATELIMIT: expected a known setting");
}

#[test]
fn what_is_needed_though_nobody_announced_it() {
    let town = Town::with("nothing").changed("[secrets]", "[other]");
    town.folder.write(".dev.vars", "OIDC_CLIENT_SECRET=x\n");
    holds(&town.examined(&["--offline"]), "secrets", "unseen", "not to be seen here: OIDC_SECRET_KEY");
    town.folder.program("npx", r#"echo '[{"name":"OIDC_CLIENT_SECRET"}]'"#);
    let (code, findings) = town.examined(&["--offline", "--deployed"]);
    assert!(findings.iter().any(|finding| finding.found == "not deployed: OIDC_SECRET_KEY"), "{findings:#?}");
    assert_eq!(code, Some(1));
    // Who only checks tokens needs none.
    let api = Town::with("nothing")
        .changed("[secrets]", "[other]")
        .changed("[vars]", "[vars]\nOIDC_RESOURCE_SERVER_ONLY = true");
    api.folder.write(".dev.vars", "OIDC_CLIENT_SECRET=x\n");
    holds(&api.examined(&["--offline"]), "secrets", "good", "all that are required");
}
