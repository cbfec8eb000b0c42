//! `npm run setup`: with a provider that registers and one that does not, and a wrangler that keeps what it is told.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/folder.rs"]
mod folder;
#[allow(dead_code, reason = "shared with the tests of oidc-register")]
#[path = "support/scripted_provider.rs"]
mod provider;

use folder::{Folder, Outcome};
use provider::{Asked, Provider, Reply};
use serde_json::{Value, json};

const CLIENT_SECRET: &str = "a-secret-that-nobody-may-see";
/// `given:of-another-site`, as it would be sent.
const OTHER_CLIENT: &str = "Basic Z2l2ZW46b2YtYW5vdGhlci1zaXRl";
const SITE: &str = "https://app.example.com";

/// It writes down each command, and remembers namespaces and secrets.
const WRANGLER: &str = r#"
echo "$*" >> calls
case "$*" in
  *"kv namespace list"*) cat namespaces 2>/dev/null || echo "[]" ;;
  *"kv namespace create"*) echo '[{"id":"0123456789abcdef","title":"edge-oidc-credentials"}]' > namespaces ;;
  *"secret list"*) cat secrets 2>/dev/null || exit 1 ;;
  *"secret bulk"*) cat > bulk; echo '[{"name":"OIDC_SECRET_KEY"},{"name":"OIDC_CLIENT_SECRET"}]' > secrets ;;
  *) exit 9 ;;
esac
"#;

struct Desk {
    folder: Folder,
    provider: Provider,
}

impl Desk {
    fn new(registers: bool) -> Self {
        let provider = Provider::start(move |asked, issuer| says(registers, asked, issuer));
        let folder = Folder::new("setup");
        folder.write("wrangler.toml", include_str!("../wrangler.toml"));
        folder.program("npx", WRANGLER);
        Self { folder, provider }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.answering(arguments, &[], "")
    }

    fn answering(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Outcome {
        let arguments = [&["setup"], arguments].concat();
        let outcome = self.folder.run_with_input(env!("CARGO_BIN_EXE_oidc-tools"), &arguments, variables, input);
        assert!(!format!("{outcome:?}").contains(CLIENT_SECRET), "{outcome:?}");
        outcome
    }

    /// The usual answers, on the command line.
    fn usual<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let usual = ["--provider", self.provider.issuer(), "--site", SITE, "--origin", "https://origin.example.com"];
        [&usual, more].concat()
    }

    fn registrations(&self) -> usize {
        self.provider.asked().iter().filter(|asked| asked.path == "/register").count()
    }

    fn calls(&self) -> Vec<String> {
        if !self.folder.0.join("calls").exists() {
            return Vec::new();
        }
        self.folder.read("calls").lines().map(str::to_owned).collect()
    }

    fn bulk(&self) -> Value {
        serde_json::from_str(&self.folder.read("bulk")).unwrap()
    }

    fn file_has(&self, line: &str) {
        let file = self.folder.read("wrangler.toml");
        assert!(file.lines().any(|other| other.starts_with(line)), "{line}\nis not in\n{file}");
    }
}

fn reply(status: u16, location: Option<&str>, body: &Value) -> Reply {
    let (body, location) = (body.to_string(), location.map(|to| format!("Location: {to}\r\n")).unwrap_or_default());
    let head = format!("HTTP/1.1 {status} S\r\nContent-Type: application/json\r\n{location}");
    Reply::Raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

fn says(registers: bool, asked: &Asked, issuer: &str) -> Reply {
    match asked.path.split('?').next().unwrap() {
        "/.well-known/openid-configuration" => {
            let mut document = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            });
            if registers {
                document["registration_endpoint"] = format!("{issuer}/register").into();
            }
            reply(200, None, &document)
        }
        "/register" => {
            let mut client = asked.json();
            client["client_id"] = "given".into();
            if client["token_endpoint_auth_method"] != "none" {
                client["client_secret"] = CLIENT_SECRET.into();
                client["client_secret_expires_at"] = 0.into();
            }
            reply(201, None, &client)
        }
        "/jwks" => {
            let keys: Value = serde_json::from_str(include_str!("vectors/jwks.json")).unwrap();
            reply(200, None, &json!({ "keys": [keys["jwks"]["keys"][1]] }))
        }
        "/token" if asked.header("authorization").is_some_and(|header| header.starts_with(OTHER_CLIENT)) => {
            reply(401, None, &json!({ "error": "invalid_client" }))
        }
        "/token" => reply(400, None, &json!({ "error": "invalid_grant" })),
        "/auth" => reply(303, Some(&format!("{SITE}/oidc_callback?error=login_required")), &json!({})),
        other => panic!("{other}"),
    }
}

#[test]
fn from_nothing() {
    let desk = Desk::new(true);
    let outcome = desk.run(&desk.usual(&[]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    desk.file_has(&format!("OIDC_ISSUER = \"{}\"", desk.provider.issuer()));
    for line in [
        "OIDC_CLIENT_ID = \"given\"",
        "OIDC_ORIGIN = \"https://origin.example.com\"",
        "OIDC_PUBLIC_URL = \"https://app.example.com\"",
        "routes = [{ pattern = \"app.example.com\", custom_domain = true }]",
        "id = \"0123456789abcdef\"",
        "# Never in this file.",
    ] {
        desk.file_has(line);
    }
    let bulk = desk.bulk();
    assert_eq!(bulk["OIDC_CLIENT_SECRET"], CLIENT_SECRET);
    assert_eq!(bulk["OIDC_SECRET_KEY"].as_str().unwrap().len(), 44, "32 bytes of base64");
    assert_eq!(bulk.as_object().unwrap().len(), 2);
    let registration = desk.provider.asked().into_iter().find(|asked| asked.path == "/register").unwrap().json();
    assert_eq!(registration["redirect_uris"], json!([format!("{SITE}/oidc_callback")]));
    assert_eq!(registration["backchannel_logout_uri"], format!("{SITE}/oidc_backchannel_logout"));
    assert_eq!(registration["token_endpoint_auth_method"], "client_secret_basic");
    assert!(outcome.stdout.contains("is registered") && outcome.stdout.contains("npm run deploy"), "{outcome:?}");
    assert!(desk.calls().iter().all(|call| call.contains("--config wrangler.toml")), "{:?}", desk.calls());
}

#[test]
fn the_secret_is_tried_that_was_put() {
    let desk = Desk::new(true);
    desk.folder.write(".dev.vars", "OIDC_CLIENT_SECRET=of-another-site\n");
    let outcome = desk.run(&desk.usual(&[]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("the provider takes client id and secret"), "{outcome:?}");
}

#[test]
fn a_second_time_nothing_is_done() {
    let desk = Desk::new(true);
    desk.run(&desk.usual(&[]));
    let (file, bulk, calls) = (desk.folder.read("wrangler.toml"), desk.bulk(), desk.calls().len());
    let outcome = desk.run(&desk.usual(&[]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!((desk.folder.read("wrangler.toml"), desk.bulk()), (file, bulk));
    assert_eq!(desk.registrations(), 1);
    assert!(desk.calls()[calls..].iter().all(|call| call.contains(" list")), "{:?}", desk.calls());
    assert!(outcome.stdout.contains("is as it should be") && outcome.stdout.contains("the secrets are there"));
}

#[test]
fn cut_short_it_goes_on_where_it_was() {
    let desk = Desk::new(true);
    desk.folder.program("npx", "exit 1");
    let outcome = desk.run(&desk.usual(&[]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("next:  npx wrangler login"), "{outcome:?}");
    desk.folder.program("npx", WRANGLER);
    assert_eq!(desk.run(&desk.usual(&[])).code, Some(0));
    assert_eq!(desk.registrations(), 1);
    assert_eq!(desk.bulk()["OIDC_CLIENT_SECRET"], CLIENT_SECRET);
}

#[test]
fn a_dry_run_changes_nothing() {
    let desk = Desk::new(true);
    let outcome = desk.run(&desk.usual(&["--dry-run"]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(desk.folder.read("wrangler.toml"), include_str!("../wrangler.toml"));
    assert_eq!((desk.registrations(), desk.calls().len()), (0, 0));
    assert!(!desk.folder.0.join("client_secrets.json").exists());
    let known = Desk::new(false);
    assert_eq!(known.run(&known.usual(&["--dry-run", "--client-id", "mine"])).code, Some(0), "no secret is asked for");
    for words in ["would register", "wrangler.toml would be changed", "OIDC_ORIGIN = ", "would make the KV namespace"] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
}

#[test]
fn by_questions() {
    let desk = Desk::new(false);
    let answers = format!("{}\n{SITE}\nroute\nmine\n{CLIENT_SECRET}\n", desk.provider.issuer());
    let outcome = desk.answering(&[], &[], &answers);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    desk.file_has("OIDC_CLIENT_ID = \"mine\"");
    desk.file_has("routes = [{ pattern = \"app.example.com/*\" }]");
    assert_eq!(desk.bulk()["OIDC_CLIENT_SECRET"], CLIENT_SECRET);
    assert!(outcome.stderr.contains("https://app.example.com/oidc_callback"), "{outcome:?}");
    // Nobody answers.
    let outcome = Desk::new(false).run(&[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("say it by --provider"), "{outcome:?}");
}

#[test]
fn for_this_machine() {
    let desk = Desk::new(false);
    desk.folder.write(".dev.vars", "# mine\nOIDC_CLIENT_SECRET=old\nOTHER=1\n");
    let outcome =
        desk.answering(&desk.usual(&["--local", "--client-id", "mine"]), &[("OIDC_CLIENT_SECRET", CLIENT_SECRET)], "");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(desk.calls(), [""; 0]);
    assert!(outcome.stdout.contains("is registered") && outcome.stdout.ends_with("npx wrangler dev\n"), "{outcome:?}");
    let file = desk.folder.read(".dev.vars");
    assert!(file.starts_with("# mine\nOTHER=1\nOIDC_SECRET_KEY='"), "{file}");
    assert!(file.contains(&format!("\nOIDC_CLIENT_SECRET='{CLIENT_SECRET}'\n")), "{file}");
    let settings = desk.folder.read("wrangler.toml");
    assert!(!settings.contains("\nOIDC_PUBLIC_URL") && !settings.contains("\nroutes"), "{settings}");
    // The key stays.
    desk.answering(&desk.usual(&["--local", "--client-id", "mine"]), &[("OIDC_CLIENT_SECRET", CLIENT_SECRET)], "");
    assert_eq!(desk.folder.read(".dev.vars"), file);
}

#[test]
fn for_an_environment_on_this_machine() {
    let desk = Desk::new(false);
    desk.folder.write("wrangler.toml", &format!("{}\n[env.staging]\n", include_str!("../wrangler.toml")));
    desk.folder.write(".dev.vars.staging", "OTHER='two\nlines'\n");
    let arguments = desk.usual(&["--local", "--env", "staging", "--client-id", "mine"]);
    let outcome = desk.answering(&arguments, &[("OIDC_CLIENT_SECRET", "it's a secret")], "");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.ends_with("npx wrangler dev --env staging\n"), "{outcome:?}");
    desk.file_has("[[env.staging.kv_namespaces]]");
    // wrangler reads this file, and no other.
    let file = desk.folder.read(".dev.vars.staging");
    assert!(file.starts_with("OTHER='two\nlines'\nOIDC_SECRET_KEY='"), "{file}");
    assert!(file.ends_with("\nOIDC_CLIENT_SECRET=`it's a secret`\n"), "{file}");
    assert!(!desk.folder.0.join(".dev.vars").exists());
}

#[test]
fn from_one_origin_to_another() {
    let desk = Desk::new(true);
    desk.run(&desk.usual(&[]));
    desk.file_has("OIDC_ORIGIN = ");
    let file = desk.folder.read("wrangler.toml");
    let outcome = desk.run(&["--provider", desk.provider.issuer(), "--site", SITE, "--origin", "route"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("OIDC_ORIGIN stands in wrangler.toml"), "{outcome:?}");
    assert_eq!(desk.folder.read("wrangler.toml"), file);
}

#[test]
fn a_file_that_it_can_t_change() {
    let desk = Desk::new(true);
    desk.folder.write("wrangler.jsonc", "{ // mine\n}");
    let outcome = desk.run(&desk.usual(&["--local", "--config", "wrangler.jsonc"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("wrangler.jsonc: setup changes wrangler.toml alone"), "{outcome:?}");
    desk.folder.write("secrets.json", "{}");
    let outcome = desk.run(&desk.usual(&["--local", "--config", "wrangler.toml", "--secrets-file", "secrets.json"]));
    assert!(outcome.stderr.contains("secrets.json is JSON"), "{outcome:?}");
    assert_eq!(desk.folder.read("secrets.json"), "{}");
    assert_eq!(desk.registrations(), 1, "none for the first");
}

#[test]
fn other_kinds_of_sites() {
    let desk = Desk::new(true);
    let outcome = desk.run(&desk.usual(&["--public-client", "--store", "durable"]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(desk.bulk().as_object().unwrap().keys().collect::<Vec<_>>(), ["OIDC_SECRET_KEY"]);
    desk.file_has("class_name = \"SessionVault\"");
    let file = desk.folder.read("wrangler.toml");
    assert!(!file.contains("\n  \"OIDC_CLIENT_SECRET\""), "{file}");
    assert!(desk.calls().iter().all(|call| !call.contains("kv namespace")), "{:?}", desk.calls());
}

#[test]
fn what_can_t_be_done() {
    let desk = Desk::new(true);
    desk.folder.write("of_another_provider.json", r#"{"web":{"client_id":"x","issuer":"https://other.example"}}"#);
    desk.folder.write("empty", "\n");
    let issuer = desk.provider.issuer();
    let other =
        format!(r#"{{"web":{{"client_id":"x","issuer":"{issuer}","redirect_uris":["https://x/oidc_callback"]}}}}"#);
    desk.folder.write("of_another_site.json", &other);
    for (arguments, code, words) in [
        (&["--provider", "http://idp.example"][..], 1, "provider: "),
        (&["--provider", issuer, "--site", "https://app.example.com/app"], 1, "scheme and host alone"),
        (&["--provider", issuer, "--site", SITE, "--origin", "ftp://x"], 1, "origin: "),
        (&["--provider", issuer, "--site", SITE, "--origin", SITE], 1, "another place than the site"),
        (&["--provider", issuer, "--site", SITE, "--origin", "https://o.example/?a=b"], 1, "without a ?query"),
        (&["--provider", issuer, "--site", "https://app.example.com:8443"], 1, "is not deployed to"),
        (&["--provider", issuer, "--site", "http://localhost:8790"], 1, "--local for this machine"),
        (&["--store", "disk"], 2, "expected kv or durable"),
        (&["--client-id", ""], 2, "--client-id: expected a value"),
        (&["--client-secret", ""], 2, "--client-secret: expected a value"),
        (&["--client-secret", "@empty"], 2, "--client-secret: expected a value"),
        (&["--client-secret", "@none"], 2, "none can't be read"),
        (&["--nonsense"], 2, "--nonsense"),
    ] {
        let outcome = desk.run(arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?} {outcome:?}");
        assert!(outcome.stderr.contains(words), "{arguments:?} {outcome:?}");
    }
    for (file, words) in [("of_another_provider.json", "another provider"), ("of_another_site.json", "another site")] {
        let outcome = desk.run(&desk.usual(&["--client-file", file]));
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{outcome:?}");
    }
    assert_eq!(desk.folder.read("wrangler.toml"), include_str!("../wrangler.toml"));
    assert_eq!(desk.calls(), [""; 0]);
}
