use super::*;
use crate::config::{StoreKind, settings::SETTINGS};

/// Every bad form, with what the report must say about it.
fn bad() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("OIDC_CLIENT_SECRETS", json!("client_secrets.json"), "not its name"),
        ("OIDC_CLIENT_SECRETS", json!("{\"web\":{\"client_id\":\"a\",\"client_id\":\"b\"}}"), "different names"),
        ("OIDC_CLIENT_SECRETS", json!({}), "`web` or `installed`"),
        ("OIDC_CLIENT_SECRETS", json!({"client_id": "me"}), "put all of it into"),
        ("OIDC_CLIENT_SECRETS", json!({"web": {}, "installed": {}}), "one member"),
        ("OIDC_CLIENT_SECRETS", json!({"app": {"client_id": "me"}}), "one member"),
        ("OIDC_CLIENT_SECRETS", json!({"web": "x"}), "inside `web`"),
        ("OIDC_CLIENT_SECRETS", json!({"web": {"client_id": 7}}), "OIDC_CLIENT_SECRETS.web.client_id: expected text"),
        ("OIDC_CLIENT_SECRETS", json!({"web": {"client_id": "[[INSERT CLIENT ID HERE]]"}}), "[[placeholder]]"),
        ("OIDC_CLIENT_SECRETS", json!({"installed": {"auth_uri": "http://idp.example/"}}), ".installed.auth_uri"),
        ("OIDC_CLIENT_SECRETS", json!({"web": {"issuer": "idp.example"}}), ".web.issuer"),
        ("OIDC_SCOPES", json!("email"), "add openid"),
        ("OIDC_SCOPES", json!("xopenidx"), "add openid"),
        ("OIDC_SCOPES", json!(""), "add openid"),
        ("OIDC_SCOPES", json!(["openid", "a b"]), "scopes of printable ASCII"),
        ("OIDC_SCOPES", json!([1]), "a list of texts"),
        ("OIDC_SCOPES", json!(7), "a list of texts, got 7"),
        ("OIDC_GOOGLE_APPS_DOMAIN", json!(""), "remove the setting"),
        ("OIDC_GOOGLE_APPS_DOMAIN", json!("None"), "a domain such as"),
        ("OIDC_GOOGLE_APPS_DOMAIN", json!("*"), "a domain such as"),
        ("OIDC_GOOGLE_APPS_DOMAIN", json!("https://example.org"), "a domain such as"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", json!("__Host-x"), "leave it out"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", json!("__secure-x"), "leave it out"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", json!("a b"), "a cookie name"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", json!("a=b"), "a cookie name"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", json!("x".repeat(65)), "a cookie name of at most 64"),
        ("OIDC_ID_TOKEN_COOKIE_PATH", json!("app"), "a path that starts with"),
        ("OIDC_ID_TOKEN_COOKIE_PATH", json!("/a;b"), "a path that starts with"),
        ("OIDC_ID_TOKEN_COOKIE_PATH", json!("/a/../b"), "a path that starts with"),
        ("OIDC_ID_TOKEN_COOKIE_PATH", json!(format!("/{}", "a".repeat(1024))), "at most 1024 bytes"),
        ("OIDC_ID_TOKEN_COOKIE_TTL", json!(0), "from 1 to 34560000, got 0"),
        ("OIDC_ID_TOKEN_COOKIE_TTL", json!(34_560_001), "from 1 to"),
        ("OIDC_ID_TOKEN_COOKIE_TTL", json!("a week"), "got \"a week\""),
        ("OIDC_COOKIE_SECURE", json!("True"), "in lower case"),
        ("OIDC_COOKIE_SECURE", json!(1), "true or false"),
        ("OIDC_ID_TOKEN_COOKIE_SECURE", json!("no"), "true or false"),
        ("OIDC_VALID_ISSUERS", json!([]), "one issuer at least"),
        ("OIDC_VALID_ISSUERS", json!(" "), "one issuer at least"),
        ("OIDC_VALID_ISSUERS", json!(["a", 1]), "a list of texts"),
        ("OIDC_CLOCK_SKEW", json!(601), "from 0 to 600"),
        ("OIDC_CLOCK_SKEW", json!(-1), "from 0 to 600"),
        ("OIDC_CLOCK_SKEW", json!("1m"), "from 0 to 600"),
        ("OIDC_REQUIRE_VERIFIED_EMAIL", json!("yes"), "true or false"),
        ("OIDC_OPENID_REALM", json!(7), "text"),
        ("OIDC_OPENID_REALM", json!("a\nb"), "control characters"),
        ("OIDC_USER_INFO_ENABLED", json!(""), "true or false"),
        ("OIDC_CALLBACK_ROUTE", json!("oidc_callback"), "a path that starts with"),
        ("OIDC_CALLBACK_ROUTE", json!("/cb/*"), "a path that starts with"),
        ("OIDC_CALLBACK_ROUTE", json!("/cb?x=1"), "a path that starts with"),
        ("OIDC_CALLBACK_ROUTE", json!("/c%62"), "a path that starts with"),
        ("OIDC_CALLBACK_ROUTE", json!("https://site.example/cb"), "a path that starts with"),
        ("OIDC_CALLBACK_ROUTE", json!("/"), "a path of its own"),
        ("OIDC_CALLBACK_ROUTE", json!("/oidc_logout"), "no other endpoint"),
        ("OIDC_CALLBACK_ROUTE", json!("/oidc_health"), "no other endpoint"),
        ("OIDC_CALLBACK_ROUTE", json!("/oidc_resume"), "no other endpoint"),
        ("OIDC_OVERWRITE_REDIRECT_URI", json!(true), "a URL or false"),
        ("OIDC_OVERWRITE_REDIRECT_URI", json!("/cb"), "an absolute URL"),
        ("OIDC_OVERWRITE_REDIRECT_URI", json!("https://a.example/#x"), "#fragment"),
        ("OVERWRITE_REDIRECT_URI", json!("http://a.example/cb"), "loopback"),
        ("OIDC_RESOURCE_SERVER_ONLY", json!("maybe"), "true or false"),
        ("OIDC_RESOURCE_CHECK_AUD", json!("x"), "true or false"),
        ("OIDC_INTROSPECTION_AUTH_METHOD", json!("digest"), "`bearer`"),
        ("OIDC_TOKEN_TYPE_HINT", json!(""), "text"),
        ("OIDC_RESPONSE_MODE", json!("fragment"), "`query`, `form_post`"),
        ("OIDC_EXTRA_REQUEST_AUTH_PARAMS", json!("prompt=login"), "a JSON object"),
        ("OIDC_EXTRA_REQUEST_AUTH_PARAMS", json!({"state": "x"}), ".state: expected the name of a parameter"),
        ("OIDC_EXTRA_REQUEST_AUTH_PARAMS", json!({"hd": "x"}), "does not set itself"),
        ("OIDC_EXTRA_REQUEST_AUTH_PARAMS", json!({"claims": {}}), ".claims: expected text, a number or a boolean"),
        ("OIDC_CREDENTIALS_STORE", json!("redis"), "one of `kv`"),
        ("OIDC_CREDENTIALS_STORE", json!({"a": "b"}), "Flask-OIDC takes a Python object"),
        ("OIDC_CREDENTIALS_STORE", json!("durable"), "bind the class SessionVault"),
        ("OIDC_ISSUER", json!("http://idp.example"), "https://"),
        ("OIDC_ISSUER", json!("idp.example"), "an absolute URL"),
        ("OIDC_ISSUER", json!("https://idp.example?x"), "without a ?query"),
        ("OIDC_ISSUER", json!("https://idp.example/.well-known/openid-configuration"), "leave out"),
        ("OIDC_ISSUER", json!("https://idp.example\n"), "white space"),
        ("OIDC_CLIENT_ID", json!(""), "text"),
        ("OIDC_CLIENT_ID", json!(12), "in quotes"),
        ("OIDC_CLIENT_SECRET", json!(""), "text of 0 bytes"),
        ("OIDC_CLIENT_SECRET", json!("hush\n"), "text of 5 bytes"),
        ("OIDC_CLIENT_SECRET", json!("hu\u{200b}sh"), "invisible characters"),
        ("OIDC_CLIENT_ID", json!("\u{feff}me"), "got \"\\u{feff}me\""),
        ("OIDC_SECRET_KEY", json!("short"), "at least 32 bytes"),
        ("OIDC_SECRET_KEY", json!([KEY, "short"]), "at least 32 bytes"),
        ("OIDC_SECRET_KEY", json!([]), "one key at least"),
        ("OIDC_SECRET_KEY", json!("[\"01234567890123456789012345678901\""), "a list of texts"),
        ("OIDC_SECRET_KEY", json!(7), "a list of texts, got a number"),
        ("OIDC_TOKEN_ENDPOINT_AUTH_METHOD", json!("private_key_jwt"), "one of `automatic`"),
        ("OIDC_ORIGIN", json!("http://origin.example"), "loopback"),
        ("OIDC_ORIGIN", json!("https://origin.example/?a"), "without a ?query"),
        ("OIDC_ORIGIN", json!("https://origin.example/a/../b"), "dot segments"),
        ("OIDC_ORIGIN", json!("https://origin.example/%2e%2e/b"), "dot segments"),
        ("OIDC_ORIGIN", json!("https://origin.example/a%2fb"), "odd characters"),
        ("OIDC_RULES", json!("deny"), "a JSON list"),
        ("OIDC_RULES", json!({"path": "/*", "access": "login"}), "a list"),
        ("OIDC_HEADERS", json!([]), "an object"),
        ("OIDC_HEADERS", json!({"sub": 1}), "[\"sub\"]: expected text"),
        ("OIDC_HEADERS", json!({"sub": "X_User"}), "confuse with `-`"),
        ("OIDC_HEADERS", json!({"sub": "X User"}), "a header's name"),
        ("OIDC_HEADERS", json!({"sub": "X.User"}), "a header's name"),
        ("OIDC_HEADERS", json!({"sub": "-User"}), "a header's name"),
        ("OIDC_CALLBACK_ROUTE", json!("/.well-known/oauth-protected-resource"), "no other endpoint"),
        ("OIDC_HEADERS", json!({"sub": "Cookie"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "authorization"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "Proxy-Authorization"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "CF-Connecting-IP"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "Signature"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "signature-input"}), "no other meaning"),
        ("OIDC_HEADERS", json!({"sub": "X-User", "email": "x-user"}), "of its own for each claim"),
        ("OIDC_HEADERS", json!({"a..b": "X-User"}), "a claim's name"),
        ("OIDC_PASS_ACCESS_TOKEN", json!("x"), "true or false"),
        ("OIDC_PUBLIC_URL", json!("https://site.example/app"), "scheme, host and port only"),
        ("OIDC_PUBLIC_URL", json!("https://site.example/?a"), "scheme, host and port only"),
        ("OIDC_PUBLIC_URL", json!("site.example"), "an absolute URL"),
        ("OIDC_SESSION_IDLE_TTL", json!(0), "from 1 to"),
        ("OIDC_SESSION_CHECK_INTERVAL", json!(86_401), "from 0 to 86400"),
        ("OIDC_STORE_OUTAGE_GRACE", json!(1.5), "from 0 to 604800"),
        ("OIDC_SESSION_EXPIRY", json!("never"), "`id_token`, `cookie`"),
        ("OIDC_BEARER_LOCATIONS", json!("header body"), "a list of `header`"),
        ("OIDC_BEARER_LOCATIONS", json!([]), "one item at least"),
        ("OIDC_ACCESS_TOKENS", json!("opaque"), "`introspection`"),
        ("OIDC_AUDIENCE", json!([]), "one item at least"),
        ("OIDC_INTROSPECTION_CACHE_TTL", json!("-5"), "from 0 to 86400"),
        ("OIDC_INTROSPECTION_CACHE", json!("kv"), "`isolate`, `location`"),
        ("OIDC_PASS_TOKEN_INFO", json!("x"), "true or false"),
        ("OIDC_ASSERTION", json!({"alg": "ES256"}), "expected OIDC_ASSERTION_KEY beside it"),
        ("OIDC_LOG", json!("x"), "a JSON object"),
        (
            "OIDC_LOG",
            json!({"admited": 1}),
            ".admited: expected one of admitted, email, got an unknown name; write `admitted`",
        ),
        ("OIDC_LOG", json!({"admitted": 1.5}), ".admitted: expected a share from 0 to 1"),
        ("OIDC_LOG", json!({"admitted": "all"}), ".admitted: expected a share from 0 to 1"),
        ("OIDC_LOG", json!({"email": 1}), ".email: expected true or false"),
        ("OIDC_ASSERTION", json!("x"), "a JSON object"),
        ("OIDC_ASSERTION", json!({"alg": "RS256"}), ".alg: expected one of `ES256`, `EdDSA`"),
        ("OIDC_ASSERTION", json!({"tll": 5}), ".tll: expected one of alg, header, ttl, audience, signature"),
        ("OIDC_ASSERTION", json!({"ttl": 0}), ".ttl: expected whole seconds from 1 to 600"),
        ("OIDC_ASSERTION", json!({"header": "Authorization"}), ".header: expected a header that has no other meaning"),
        ("OIDC_ASSERTION", json!({"header": "x-forwarded-user"}), "that OIDC_HEADERS does not use"),
        ("OIDC_ASSERTION", json!({"audience": ""}), ".audience: expected text"),
        ("OIDC_ASSERTION", json!({"signature": 1}), ".signature: expected true or false"),
        ("OIDC_ASSERTION_KEY", json!({"kty": "OKP"}), "expected OIDC_ASSERTION beside it"),
        ("OIDC_LOGOUT_ROUTE", json!("/oidc_callback"), "no other endpoint"),
        ("OIDC_LOGOUT_ROUTE", json!("/bye#x"), "a path that starts with"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", json!("bye"), "an absolute URL"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", json!("/bye?x"), "without query"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", json!("/oidc_logout"), "a visitor can end at"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", json!("/oidc_resume"), "a visitor can end at"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", json!("//evil.example"), "a path of this site"),
        ("OIDC_ENABLED", json!("off"), "true or false"),
        ("OIDC_TESTING_PROFILE", json!({"name": "x"}), "a text `sub`"),
        ("OIDC_TESTING_PROFILE", json!({"sub": 1}), "a text `sub`"),
        ("OIDC_TESTING_PROFILE", json!("me"), "a JSON object"),
    ]
}

#[test]
fn every_bad_form_is_named_with_its_cure() {
    for (name, value, says) in bad() {
        let errors = parse(&json!({ name: value })).expect_err(&format!("{name} = {value}"));
        let lines = errors.to_string();
        assert_eq!(errors.iter().filter(|error| error.key() != name).count(), 0, "{name} = {value}: {lines}");
        assert!(lines.starts_with(name), "{lines}");
        assert!(lines.contains(says), "{name} = {value}: {lines}");
        assert!(errors.iter().all(|error| !error.cure().is_empty() && !error.problem().is_empty()));
    }
}

#[test]
fn no_setting_is_without_a_bad_form() {
    let bad = bad();
    for setting in SETTINGS {
        assert!(bad.iter().any(|(name, ..)| *name == setting.name), "{}", setting.name);
    }
}

#[test]
fn all_errors_at_once() {
    let everything: Variables = SETTINGS.iter().map(|setting| (setting.name.to_owned(), json!(-1))).collect();
    let errors = Config::parse(&everything, Bindings::default()).unwrap_err();
    for setting in SETTINGS {
        assert!(errors.iter().any(|error| error.key() == setting.name), "{}: {errors}", setting.name);
    }
    assert_eq!(errors.to_string().lines().count(), errors.iter().count());
}

#[test]
fn nothing_at_all() {
    let errors = Config::parse(&Variables::new(), Bindings::default()).unwrap_err();
    let keys: Vec<&str> = errors.iter().map(ConfigError::key).collect();
    assert_eq!(keys, ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_SECRET_KEY", "OIDC_CREDENTIALS_STORE"]);
    assert!(errors.to_string().contains("[[kv_namespaces]] binding = \"OIDC_CREDENTIALS\""));
}

#[test]
fn a_line_says_key_problem_and_cure() {
    assert_eq!(
        report(&json!({"OIDC_CLOCK_SKEW": 601})),
        "OIDC_CLOCK_SKEW: expected whole seconds from 0 to 600, got 601; write a number in that range, in digits"
    );
    let long = report(&json!({"OIDC_ISSUER": "x\n".repeat(1000)}));
    assert!(long.lines().count() == 1 && long.len() < 400, "{long}");
}

#[test]
fn unknown_names() {
    for (name, says) in [
        ("OIDC_ISUER", "write OIDC_ISSUER or remove it"),
        ("OIDC_CLIENT_SECRT", "write OIDC_CLIENT_SECRET or remove it"),
        ("OIDC_COOKIE_TTL", "write OIDC_ID_TOKEN_COOKIE_TTL or remove it"),
        ("OIDC_CREDENTIALS", "expected a binding, got a variable"),
        ("OIDC_SESSIONS", "expected a binding, got a variable"),
        ("OIDC_RATE_LIMIT", "expected a binding, got a variable"),
        ("OIDC_SERVER_METADATA_URL", "set OIDC_ISSUER"),
        ("OIDC_USER_CLASS", "OIDC_HEADERS"),
        ("OIDC_", "an unknown name"),
    ] {
        let line = report(&json!({ name: "hunter2" }));
        assert!(line.starts_with(name) && line.contains(says), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn settings_that_do_not_go_together() {
    for (more, key, says) in [
        (json!({"OIDC_RESPONSE_MODE": "form_post", "OIDC_COOKIE_SECURE": false}), "OIDC_RESPONSE_MODE", "secure"),
        (
            json!({"OIDC_OVERWRITE_REDIRECT_URI": "https://a.example/cb", "OVERWRITE_REDIRECT_URI": "https://b.example/"}),
            "OIDC_OVERWRITE_REDIRECT_URI",
            "the same as OVERWRITE_REDIRECT_URI",
        ),
        (
            json!({"OIDC_OVERWRITE_REDIRECT_URI": false, "OVERWRITE_REDIRECT_URI": "https://b.example/"}),
            "OIDC_OVERWRITE_REDIRECT_URI",
            "the same as OVERWRITE_REDIRECT_URI",
        ),
        (
            json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app", "OIDC_CALLBACK_ROUTE": "/oidc_callback"}),
            "OIDC_CALLBACK_ROUTE",
            "under OIDC_ID_TOKEN_COOKIE_PATH, /app/",
        ),
        (
            json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app", "OIDC_LOGOUT_ROUTE": "/application/bye"}),
            "OIDC_LOGOUT_ROUTE",
            "under OIDC_ID_TOKEN_COOKIE_PATH, /app/",
        ),
        (
            json!({"OIDC_CLIENT_SECRET": null, "OIDC_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_basic"}),
            "OIDC_TOKEN_ENDPOINT_AUTH_METHOD",
            "where there is no client secret",
        ),
        (json!({"OIDC_CALLBACK_ROUTE": "/x", "OIDC_LOGOUT_ROUTE": "/x"}), "OIDC_CALLBACK_ROUTE", "no other endpoint"),
    ] {
        let errors = parse(&more).expect_err(&more.to_string());
        let line = errors.iter().find(|error| error.key() == key).expect(key).to_string();
        assert!(line.contains(says), "{line}");
    }
}

#[test]
fn the_store_must_be_bound() {
    let durable = Bindings { durable: true, ..Bindings::default() };
    for (store, bindings, says) in [
        (json!("kv"), Bindings::default(), "bind a KV namespace"),
        (json!("kv"), durable, "bind a KV namespace"),
        (json!("durable"), Bindings::default(), "bind the class SessionVault"),
        (json!(null), Bindings::default(), "bind a KV namespace"),
    ] {
        let errors = Config::parse(&with(&json!({"OIDC_CREDENTIALS_STORE": store})), bindings).unwrap_err();
        assert_eq!(errors.iter().count(), 1, "{errors}");
        assert!(errors.to_string().contains(says), "{errors}");
    }
    for (store, bindings, kind) in [
        (json!(null), durable, StoreKind::Durable),
        (json!("durable"), durable, StoreKind::Durable),
        (json!(null), Bindings { kv: true, ..durable }, StoreKind::Kv),
    ] {
        let config = Config::parse(&with(&json!({"OIDC_CREDENTIALS_STORE": store})), bindings).unwrap();
        assert_eq!(config.store, kind);
    }
}
