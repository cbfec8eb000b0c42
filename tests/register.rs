//! `oidc-register` itself, against a provider that follows a script, most of them bad ones.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/scripted_provider.rs"]
mod provider;

use std::{env, fs, path::PathBuf};

use edge_oidc::{
    config::{Bindings, Config},
    oauth::client_auth::ClientAuthMethod,
};
use folder::Outcome;
use provider::{Asked, Provider, Reply, json};
use serde_json::{Value, json};

const SITE: &str = "https://site.example";
const WRITTEN: &str = "Client information file written\n";
const DISCOVERY: &str = "Error discovering OP information\n";
const REGISTRATION: &str = "Error registering client\n";
const EXISTS: &str = "Output file exists. Please provide other filename\n";

/// A folder of its own for each test, in which the program runs.
struct Folder(folder::Folder);

impl Folder {
    fn new() -> Self {
        Self(folder::Folder::new("register"))
    }

    fn secrets(&self) -> PathBuf {
        self.0.0.join("client_secrets.json")
    }

    fn file(&self) -> Value {
        let text = fs::read_to_string(self.secrets()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "one line");
        let mut file: Value = text.parse().unwrap();
        file["web"].take()
    }

    /// The names of what is in it.
    fn content(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn run<A: AsRef<str>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.run_with(arguments, &[])
    }

    fn run_with<A: AsRef<str>>(&self, arguments: impl IntoIterator<Item = A>, variables: &[(&str, &str)]) -> Outcome {
        let arguments: Vec<A> = arguments.into_iter().collect();
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        self.0.run(env!("CARGO_BIN_EXE_oidc-register"), &arguments, variables)
    }
}

/// A provider that does all it should.
fn good() -> Provider {
    Provider::start(|asked, issuer| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/.well-known/openid-configuration") => json(200, &metadata(issuer)),
        ("POST", "/register") => json(201, &registration(issuer)),
        _ => json(404, &json!({})),
    })
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"), "registration_endpoint": format!("{issuer}/register"),
        "userinfo_endpoint": format!("{issuer}/me"), "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"), "end_session_endpoint": format!("{issuer}/end"),
        "grant_types_supported": ["authorization_code", "refresh_token"],
    })
}

fn registration(issuer: &str) -> Value {
    json!({
        "client_id": "the-client", "client_secret": "the-client-secret", "client_secret_expires_at": 4_102_444_799_u32,
        "registration_access_token": "the-registration-token",
        "registration_client_uri": format!("{issuer}/register/the-client"),
        "redirect_uris": ["https://site.example/oidc_callback"], "token_endpoint_auth_method": "client_secret_post",
    })
}

#[test]
fn a_registration() {
    for application in [SITE, "https://site.example/"] {
        let (folder, provider) = (Folder::new(), good());
        let outcome = folder.run([provider.issuer(), application]);
        outcome.is(0, WRITTEN);
        assert_eq!(outcome.stderr, "note:  the client secret expires on 2099-12-31\n");
        let issuer = provider.issuer();
        assert_eq!(
            folder.file(),
            json!({
                "client_id": "the-client", "client_secret": "the-client-secret", "issuer": issuer,
                "auth_uri": format!("{issuer}/auth"), "token_uri": format!("{issuer}/token"),
                "userinfo_uri": format!("{issuer}/me"),
                "token_introspection_uri": format!("{issuer}/introspect"), "revoke_uri": format!("{issuer}/revoke"),
                "end_session_uri": format!("{issuer}/end"), "redirect_uris": ["https://site.example/oidc_callback"],
                "token_endpoint_auth_method": "client_secret_post", "client_secret_expires_at": 4_102_444_799_u32,
                "registration_access_token": "the-registration-token",
                "registration_client_uri": format!("{issuer}/register/the-client"),
            })
        );
        assert_eq!(folder.content(), ["client_secrets.json"]);
        let asked = provider.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[1].header("content-type"), Some("application/json"));
        assert_eq!(asked[1].header("authorization"), None);
        assert_eq!(
            asked[1].json(),
            json!({
                "redirect_uris": ["https://site.example/oidc_callback"], "application_type": "web",
                "token_endpoint_auth_method": "client_secret_post", "response_types": ["code"],
                "grant_types": ["authorization_code", "refresh_token"],
                "post_logout_redirect_uris": ["https://site.example/oidc_signed_out"],
            })
        );
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, provider) = (Folder::new(), good());
    folder.run([provider.issuer(), SITE]).is(0, WRITTEN);
    assert_eq!(fs::metadata(folder.secrets()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_worker_reads_the_file() {
    for (method, expected) in [
        ("client_secret_post", ClientAuthMethod::Post),
        ("client_secret_basic", ClientAuthMethod::Basic),
        ("none", ClientAuthMethod::None),
    ] {
        let folder = Folder::new();
        let provider = Provider::start(move |asked, issuer| {
            if asked.method == "GET" {
                return json(200, &metadata(issuer));
            }
            let mut registration = registration(issuer);
            registration["token_endpoint_auth_method"] = asked.json()["token_endpoint_auth_method"].clone();
            if method == "none" {
                registration["client_secret"].take();
            }
            json(201, &registration)
        });
        folder.run([provider.issuer(), SITE, "--auth-method", method]).is(0, WRITTEN);
        let variables = [
            ("OIDC_CLIENT_SECRETS", fs::read_to_string(folder.secrets()).unwrap()),
            ("OIDC_SECRET_KEY", "a key of the tests, long enough to be one".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.into())).into();
        let bindings = Bindings { kv: true, ..Bindings::default() };
        let config = Config::parse(&variables, bindings).unwrap_or_else(|errors| panic!("{errors}"));
        let settings = config.providers.first().unwrap();
        assert_eq!(settings.issuer.as_str(), provider.issuer());
        assert_eq!(settings.client.id.as_str(), "the-client");
        assert_eq!(settings.client.secret.is_some(), method != "none");
        assert_eq!(settings.auth_method, Some(expected));
        // Without `jwks_uri` the Worker discovers, and learns the provider's algorithms.
        assert!(settings.endpoints.jwks.is_none());
        for (endpoint, name) in [
            (&settings.endpoints.authorization, "auth"),
            (&settings.endpoints.token, "token"),
            (&settings.endpoints.userinfo, "me"),
            (&settings.endpoints.introspection, "introspect"),
            (&settings.endpoints.revocation, "revoke"),
            (&settings.endpoints.end_session, "end"),
        ] {
            assert_eq!(endpoint.as_ref().unwrap().as_str(), format!("{}/{name}", provider.issuer()));
        }
    }
}

#[test]
fn options() {
    let (folder, provider) = (Folder::new(), good());
    let document = format!("{}/.well-known/openid-configuration", provider.issuer());
    let line = [
        &document,
        "http://localhost:8787/",
        "--client-name",
        "A site",
        "--auth-method=client_secret_basic",
        "--post-logout-redirect-uri=/bye",
        "--post-logout-redirect-uri",
        "https://elsewhere.example/",
        "--backchannel-logout",
        "--token-introspection-uri",
        "https://other.example/introspect",
        "--output-file=other.json",
    ];
    let outcome = folder.run(line);
    outcome.is(0, WRITTEN);
    assert!(outcome.stderr.contains("wants \"client_secret_post\" at its token endpoint"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("other redirect URIs"), "{}", outcome.stderr);
    assert_eq!(folder.content(), ["other.json"]);
    let file = fs::read_to_string(folder.0.0.join("other.json")).unwrap();
    assert!(file.contains(r#""token_introspection_uri":"https://other.example/introspect""#), "{file}");
    assert_eq!(
        provider.asked()[1].json(),
        json!({
            "redirect_uris": ["http://localhost:8787/oidc_callback"], "application_type": "native",
            "token_endpoint_auth_method": "client_secret_basic", "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "client_name": "A site",
            "post_logout_redirect_uris": ["http://localhost:8787/bye", "https://elsewhere.example/"],
            "backchannel_logout_uri": "http://localhost:8787/oidc_backchannel_logout",
            "backchannel_logout_session_required": true,
        })
    );
}

#[test]
fn the_initial_access_token_comes_three_ways() {
    let folder = Folder::new();
    fs::write(folder.0.0.join("token"), "the-initial-token\n").unwrap();
    for (more, variables) in [
        (&["--initial-access-token", "the-initial-token"][..], &[][..]),
        (&["--initial-access-token=@token"], &[]),
        (&[], &[("OIDC_INITIAL_ACCESS_TOKEN", "the-initial-token")]),
    ] {
        let provider = good();
        let outcome = folder.run_with([&[provider.issuer(), SITE, "--debug"], more].concat(), variables);
        outcome.is(0, WRITTEN);
        assert_eq!(provider.asked()[0].header("authorization"), None);
        assert_eq!(provider.asked()[1].header("authorization"), Some("Bearer the-initial-token"));
        assert!(!outcome.stderr.contains("the-initial-token"), "{}", outcome.stderr);
        fs::remove_file(folder.secrets()).unwrap();
    }
}

#[test]
fn debug_tells_all_but_the_secrets() {
    let (folder, provider) = (Folder::new(), good());
    let outcome = folder.run([provider.issuer(), SITE, "--debug"]);
    outcome.is(0, WRITTEN);
    for told in ["> GET ", "> POST ", "< HTTP 201", "\"the-client\"", "\"application_type\":\"web\""] {
        assert!(outcome.stderr.contains(told), "{told} is not in\n{}", outcome.stderr);
    }
    for secret in ["the-client-secret", "the-registration-token"] {
        assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    }
}

#[test]
fn a_provider_that_shows_what_it_must_not() {
    let folder = Folder::new();
    let provider = Provider::start(|asked, issuer| match asked.method.as_str() {
        "GET" => json(200, &metadata(issuer)),
        _ => json(400, &json!({"error": "bad", "error_description": "the-initial-token\u{1b}[2J\u{202e} is unknown"})),
    });
    let line = [provider.issuer(), SITE, "--initial-access-token=the-initial-token", "--debug"];
    let outcome = folder.run(line);
    outcome.is(1, REGISTRATION);
    assert!(outcome.stderr.contains("bad ([redacted]?[2J? is unknown)"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("the-initial-token"), "{}", outcome.stderr);
    assert!(outcome.stderr.chars().all(|c| c == '\n' || matches!(c, ' '..='~')), "{}", outcome.stderr);
}

#[test]
fn a_way_of_authentication_that_nobody_has() {
    let folder = Folder::new();
    let provider = Provider::start(|asked, issuer| {
        if asked.method == "GET" {
            return json(200, &metadata(issuer));
        }
        let mut registration = registration(issuer);
        registration["token_endpoint_auth_method"] = "client_secret_jwt".into();
        json(201, &registration)
    });
    let outcome = folder.run([provider.issuer(), SITE]);
    outcome.is(0, WRITTEN);
    assert!(outcome.stderr.contains("the Worker knows no such way"), "{}", outcome.stderr);
}

#[test]
fn an_existing_file_is_left_alone() {
    let (folder, provider) = (Folder::new(), good());
    fs::write(folder.secrets(), "mine").unwrap();
    folder.run([provider.issuer(), SITE]).is(1, EXISTS);
    // It comes first, whatever else is wrong.
    folder.run(["nonsense", "http://site.example"]).is(1, EXISTS);
    assert_eq!(fs::read_to_string(folder.secrets()).unwrap(), "mine");
    assert!(provider.asked().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_a_file() {
    let (folder, provider) = (Folder::new(), good());
    std::os::unix::fs::symlink(folder.0.0.join("nothing"), folder.secrets()).unwrap();
    folder.run([provider.issuer(), SITE]).is(1, EXISTS);
    assert_eq!(folder.content(), ["client_secrets.json"]);
}

#[test]
fn a_file_that_comes_to_be_meanwhile_is_left_alone() {
    // With and without a way to take the registration back.
    for managed in [true, false] {
        let folder = Folder::new();
        let path = folder.secrets();
        let provider = Provider::start(move |asked, issuer| match asked.method.as_str() {
            "GET" => json(200, &metadata(issuer)),
            "POST" => {
                fs::write(&path, "mine").unwrap();
                let mut registration = registration(issuer);
                if !managed {
                    registration["registration_client_uri"].take();
                }
                json(201, &registration)
            }
            _ => Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        });
        let outcome = folder.run([provider.issuer(), SITE]);
        outcome.is(1, EXISTS);
        assert_eq!(fs::read_to_string(folder.secrets()).unwrap(), "mine");
        assert_eq!(folder.content(), ["client_secrets.json"]);
        let asked = provider.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.method == "DELETE", managed);
        assert_eq!(outcome.stderr.contains("keeps a client that nobody can use: \"the-client\""), !managed);
    }
}

#[test]
fn a_folder_that_can_t_be_written_is_found_first() {
    let (folder, provider) = (Folder::new(), good());
    let outcome = folder.run([provider.issuer(), SITE, "--output-file", "missing/client_secrets.json"]);
    outcome.is(1, "Error writing client information file\n");
    assert!(outcome.stderr.contains("missing/client_secrets.json: entity not found"), "{}", outcome.stderr);
    assert!(provider.asked().is_empty());
}

#[test]
fn applications_that_can_t_be_registered() {
    let (folder, provider) = (Folder::new(), good());
    for (application, line) in [
        ("http://site.example", "http:// url with non-localhost is illegal"),
        ("http://localhost.evil.example", "http:// url with non-localhost is illegal"),
        ("site.example", "Invalid uri provided: site.example"),
        ("https://", "Invalid uri provided: https://"),
        ("https://site.example/?a=b", "Invalid uri provided: https://site.example/?a=b"),
    ] {
        folder.run([provider.issuer(), application]).is(1, &format!("{line}\n"));
    }
    assert!(provider.asked().is_empty() && folder.content().is_empty());
}

#[test]
fn wrong_arguments() {
    let folder = Folder::new();
    for line in [&[][..], &["a"], &["a", "b", "c"], &["a", "b", "--nonsense"], &["--read", "--delete"]] {
        let outcome = folder.run(line);
        outcome.is(2, "");
        assert!(outcome.stderr.starts_with("oidc-register: error: "), "{}", outcome.stderr);
    }
    let help = folder.run(["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.starts_with("usage: oidc-register "));
    folder.run(["--version"]).is(0, &format!("oidc-register {}\n", env!("CARGO_PKG_VERSION")));
    assert!(folder.content().is_empty());
}

type Script = fn(&Asked, &str) -> Reply;

/// All that can be wrong with a provider: what it says on standard output and, at least, on standard error.
#[test]
fn bad_providers() {
    fn huge() -> Reply {
        let mut reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"".to_vec();
        reply.resize(2 * 1024 * 1024, b'a');
        Reply::Raw(reply)
    }
    fn but(issuer: &str, name: &str, value: Value) -> Reply {
        let mut metadata = metadata(issuer);
        metadata[name] = value;
        json(200, &metadata)
    }
    fn raw(text: &str) -> Reply {
        Reply::Raw(text.as_bytes().to_vec())
    }
    let discovery: [(&str, Script, &str); 12] = [
        ("silence", |_, _| Reply::HangUp, "no answer"),
        ("garbage", |_, _| raw("SSH-2.0-OpenSSH_9.2\r\n"), "no answer"),
        ("huge", |_, _| huge(), "longer than 1048576 bytes"),
        ("redirect", |_, _| raw("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), "got 302"),
        ("404", |_, _| json(404, &json!({})), "expected HTTP 200, got 404"),
        ("500", |_, _| json(500, &json!({})), "expected HTTP 200, got 500"),
        ("a page", |_, _| raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), "expected a JSON object"),
        ("cut off", |_, _| raw("HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n{"), "no answer"),
        (
            "another issuer",
            |_, issuer| but(issuer, "issuer", json!("https://evil.example")),
            "the provider's own issuer",
        ),
        ("no issuer", |_, issuer| but(issuer, "issuer", Value::Null), "the provider's own issuer"),
        ("no token endpoint", |_, issuer| but(issuer, "token_endpoint", Value::Null), "expected https:// endpoints"),
        (
            "a plain endpoint",
            |_, issuer| but(issuer, "registration_endpoint", json!("http://idp.example/")),
            "expected https:// endpoints",
        ),
    ];
    let registration: [(&str, Script, &str); 13] = [
        ("silence", |_, _| Reply::HangUp, "no answer"),
        ("huge", |_, _| huge(), "longer than 1048576 bytes"),
        ("redirect", |_, _| raw("HTTP/1.1 307 x\r\nLocation: /r\r\nContent-Length: 0\r\n\r\n"), "HTTP 307"),
        (
            "refused in words",
            |_, _| json(400, &json!({"error": "invalid_redirect_uri", "error_description": "not yours"})),
            "Error occured during registration: invalid_redirect_uri (not yours)\n",
        ),
        ("refused bare", |_, _| json(400, &json!({})), "Error: the server returned HTTP 400\n"),
        ("unauthorized", |_, _| json(401, &json!({"error": "invalid_token"})), "set OIDC_INITIAL_ACCESS_TOKEN"),
        ("refused with success", |_, _| json(200, &json!({"error": "no"})), "registration: no\n"),
        ("500", |_, _| json(500, &json!({"error": "no"})), "Error: the server returned HTTP 500\n"),
        ("garbage", |_, _| raw("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n{\"a"), "expected JSON"),
        ("no client_id", |_, _| json(201, &json!({"client_secret": "s"})), "missing or bad client_id"),
        ("no client_secret", |_, _| json(201, &json!({"client_id": "c"})), "missing or bad client_secret"),
        (
            "a bad address",
            |_, _| {
                let uri = "http://idp.example/";
                json(201, &json!({"client_id": "c", "client_secret": "s", "registration_client_uri": uri}))
            },
            "missing or bad registration_client_uri",
        ),
        ("a list", |_, _| json(201, &json!([])), "expected a JSON object"),
    ];
    let check = |name: &str, provider: &Provider, stdout: &str, stderr: &str| {
        let folder = Folder::new();
        let outcome = folder.run([provider.issuer(), SITE]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), stdout), "{name}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(stderr), "{name}: {}", outcome.stderr);
        assert!(folder.content().is_empty(), "{name} leaves {:?}", folder.content());
    };
    for (name, script, stderr) in discovery {
        let provider = Provider::start(script);
        check(name, &provider, DISCOVERY, stderr);
        assert_eq!(provider.asked().len(), 1, "{name}: no redirect is followed, nothing is asked twice");
    }
    for (name, script, stderr) in registration {
        let provider = Provider::start(move |asked, issuer| match asked.method.as_str() {
            "GET" => json(200, &metadata(issuer)),
            _ => script(asked, issuer),
        });
        check(name, &provider, REGISTRATION, stderr);
        assert_eq!(provider.asked().len(), 2, "{name}");
    }
    let provider = Provider::start(|_, issuer| but(issuer, "registration_endpoint", Value::Null));
    check(
        "no registration",
        &provider,
        REGISTRATION,
        "register by hand at the provider: redirect URI https://site.example/oidc_callback",
    );
}

#[test]
fn providers_that_are_not_there() {
    let folder = Folder::new();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (provider, stderr) in [
        (closed.as_str(), "refused"),
        ("http://idp.example", "PROVIDER: expected https://"),
        ("idp.example", "PROVIDER: expected an absolute URL"),
        ("https://idp.example/?a", "without a ?query"),
        ("https://name.invalid", "no answer"),
    ] {
        let outcome = folder.run([provider, SITE]);
        outcome.is(1, DISCOVERY);
        assert!(outcome.stderr.contains(stderr), "{provider}: {}", outcome.stderr);
    }
    assert!(folder.content().is_empty());
}

#[test]
fn slow_providers() {
    // One says nothing, the other one byte a second.
    let scripts: [(Script, &str); 2] = [
        (|_, _| Reply::Slow, DISCOVERY),
        (
            |asked, issuer| if asked.method == "GET" { json(200, &metadata(issuer)) } else { Reply::Dripping },
            REGISTRATION,
        ),
    ];
    let runs = scripts.map(|(script, stdout)| {
        std::thread::spawn(move || {
            let (folder, provider) = (Folder::new(), Provider::start(script));
            let outcome = folder.run([provider.issuer(), SITE]);
            outcome.is(1, stdout);
            assert!(outcome.stderr.contains("no answer within 10 seconds"), "{}", outcome.stderr);
            assert!(folder.content().is_empty());
        })
    });
    for run in runs {
        run.join().unwrap();
    }
}

/// A provider that gives a new registration token with every answer, and takes only the newest.
fn rotating() -> Provider {
    use std::sync::Mutex;
    let state = Mutex::new((0, Value::Null));
    Provider::start(move |asked, issuer| {
        let mut state = state.lock().unwrap();
        let (count, registered) = &mut *state;
        let authorized = asked.header("authorization") == Some(&format!("Bearer token-{count}"));
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => return json(200, &metadata(issuer)),
            ("POST", "/register") => *registered = asked.json(),
            (_, "/register/c?key=k") if !authorized => return json(401, &json!({"error": "invalid_token"})),
            ("GET", "/register/c?key=k") => {}
            ("PUT", "/register/c?key=k") => {
                let put = asked.json();
                assert_eq!(
                    (&put["client_id"], &put["client_secret"]),
                    (&json!("c"), &json!(format!("secret-{count}")))
                );
                *registered = put;
            }
            ("DELETE", "/register/c?key=k") => return Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
            _ => return json(404, &json!({})),
        }
        *count += 1;
        let mut answer = registered.clone();
        answer["client_id"] = json!("c");
        answer["client_secret"] = json!(format!("secret-{count}"));
        answer["client_secret_expires_at"] = json!(0);
        answer["registration_access_token"] = json!(format!("token-{count}"));
        answer["registration_client_uri"] = json!(format!("{issuer}/register/c?key=k"));
        json(if asked.method == "POST" { 201 } else { 200 }, &answer)
    })
}

#[test]
fn the_life_of_a_registration() {
    let (folder, provider) = (Folder::new(), rotating());
    folder.run([provider.issuer(), SITE, "--backchannel-logout", "--client-name", "Ünï\u{202e}"]).is(0, WRITTEN);
    assert_eq!(folder.file()["registration_access_token"], "token-1");

    let read = folder.run(["--read", "--debug"]);
    assert_eq!(read.code, Some(0), "{}", read.stderr);
    let shown: Value = read.stdout.parse().unwrap();
    assert_eq!((&shown["client_id"], &shown["client_name"]), (&json!("c"), &json!("Ünï\u{202e}")));
    assert!(read.stdout.is_ascii());
    for secret in ["token-1", "token-2", "secret-", "key=k"] {
        assert!(!read.stdout.contains(secret) && !read.stderr.contains(secret), "{secret}: {read:?}");
    }
    assert_eq!(folder.file()["registration_access_token"], "token-2");
    assert_eq!(folder.file()["client_secret"], "secret-2");

    folder.run(["--update", "https://new.example/", "--client-name=New"]).is(0, "Client registration updated\n");
    let put = provider.asked().into_iter().rfind(|asked| asked.method == "PUT").unwrap().json();
    assert_eq!(put["redirect_uris"], json!(["https://new.example/oidc_callback"]));
    assert_eq!(put["post_logout_redirect_uris"], json!(["https://new.example/oidc_signed_out"]));
    assert_eq!(put["backchannel_logout_uri"], "https://new.example/oidc_backchannel_logout");
    assert_eq!((&put["client_name"], &put["application_type"]), (&json!("New"), &json!("web")));
    assert_eq!(folder.file()["redirect_uris"], json!(["https://new.example/oidc_callback"]));
    assert_eq!(folder.file()["client_secret"], "secret-4");

    folder.run(["--update", "--auth-method", "client_secret_basic"]).is(0, "Client registration updated\n");
    assert_eq!(folder.file()["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(folder.file()["redirect_uris"], json!(["https://new.example/oidc_callback"]));

    folder.run(["--delete"]).is(0, "Client registration deleted\n");
    assert!(folder.content().is_empty());
}

#[test]
fn what_can_t_be_managed() {
    let folder = Folder::new();
    let modes = [
        ("--read", "Error reading registration\n"),
        ("--update", "Error updating registration\n"),
        ("--delete", "Error deleting registration\n"),
    ];
    for (file, stderr) in [
        (None, "client_secrets.json: entity not found"),
        (Some("{"), "is no client_secrets.json"),
        (Some("{}"), "is no client_secrets.json"),
        (Some(r#"{"web":{"client_id":"c","client_secret":"s"}}"#), "has no registration_client_uri"),
        (
            Some(r#"{"web":{"client_id":"c","registration_client_uri":"http://a","registration_access_token":"t"}}"#),
            "has no registration_client_uri",
        ),
        (
            Some(
                r#"{"web":{"client_id":"c","registration_client_uri":"https://a","registration_access_token":"a\nb"}}"#,
            ),
            "expected visible ASCII",
        ),
    ] {
        if let Some(content) = file {
            fs::write(folder.secrets(), content).unwrap();
        }
        for (mode, stdout) in modes {
            let outcome = folder.run([mode]);
            outcome.is(1, stdout);
            assert!(outcome.stderr.contains(stderr), "{mode}: {}", outcome.stderr);
        }
    }
    // The provider does not know the client any more: the file stays.
    let provider = Provider::start(|_, _| json(401, &json!({"error": "invalid_token"})));
    let uri = format!("{}/register/c", provider.issuer());
    let content = json!({"web": {"client_id": "c", "registration_client_uri": uri, "registration_access_token": "t"}});
    fs::write(folder.secrets(), content.to_string()).unwrap();
    for (mode, stdout) in modes {
        let outcome = folder.run([mode]);
        outcome.is(1, stdout);
        assert_eq!(outcome.stderr, "Error occured during registration: invalid_token\n");
    }
    assert_eq!(fs::read_to_string(folder.secrets()).unwrap(), content.to_string());
    assert_eq!(folder.content(), ["client_secrets.json"]);
}

#[cfg(unix)]
#[test]
fn the_secrets_go_to_wrangler() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, provider) = (Folder::new(), good());
    let tools = Folder::new();
    let npx = tools.0.0.join("npx");
    fs::write(&npx, "#!/bin/sh\necho \"$@\" > arguments\ncat > input\n[ ! -e fail ]\n").unwrap();
    fs::set_permissions(&npx, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.0.0.display(), env::var("PATH").unwrap());
    let variables = [("PATH", path.as_str())];

    let pushed = "Secrets handed to wrangler\n";
    folder.run_with([provider.issuer(), SITE, "--push"], &variables).is(0, &format!("{WRITTEN}{pushed}"));
    let arguments = fs::read_to_string(folder.0.0.join("arguments")).unwrap();
    assert_eq!(arguments, "--no-install wrangler secret bulk\n");
    let input: Value = fs::read_to_string(folder.0.0.join("input")).unwrap().parse().unwrap();
    assert_eq!(input.as_object().unwrap().len(), 1);
    let secrets: Value = input["OIDC_CLIENT_SECRETS"].as_str().unwrap().parse().unwrap();
    assert_eq!(secrets["web"]["client_secret"], "the-client-secret");
    // The Worker can't change its own registration.
    for name in ["registration_access_token", "registration_client_uri"] {
        assert!(secrets["web"].get(name).is_none() && folder.file().get(name).is_some(), "{name}");
    }

    fs::write(folder.0.0.join("fail"), "").unwrap();
    let outcome = folder.run_with(["--push"], &variables);
    outcome.is(1, "Error handing the secrets to wrangler\n");
    assert!(outcome.stderr.contains("next:  read wrangler's lines above, then: oidc-register --push"));
    fs::remove_file(folder.0.0.join("fail")).unwrap();
    folder.run_with(["--push"], &variables).is(0, pushed);
    // Without npx the file is there all the same.
    fs::remove_file(folder.secrets()).unwrap();
    folder
        .run_with([provider.issuer(), SITE, "--push"], &[("PATH", "/nonexistent")])
        .is(1, &format!("{WRITTEN}Error handing the secrets to wrangler\n"));
    assert_eq!(folder.file()["client_id"], "the-client");
}
