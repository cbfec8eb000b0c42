use super::*;
use crate::config::settings::{DefaultValue, SETTINGS};

/// Typed values and strings of the same meaning.
fn pairs() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "OIDC_CLIENT_SECRETS",
            json!({"web": {"client_id": "you", "auth_uri": "https://idp.example/a"}}),
            json!("{\"web\": {\"client_id\": \"you\", \"auth_uri\": \"https://idp.example/a\"}}"),
        ),
        ("OIDC_SCOPES", json!(["openid", "profile"]), json!("openid profile")),
        ("OIDC_SCOPES", json!(["openid", "profile"]), json!("openid,profile")),
        ("OIDC_SCOPES", json!(["openid", "profile"]), json!("[\"openid\", \"profile\"]")),
        ("OIDC_ID_TOKEN_COOKIE_TTL", json!(3600), json!("3600")),
        ("OIDC_COOKIE_SECURE", json!(false), json!("false")),
        ("OIDC_ID_TOKEN_COOKIE_SECURE", json!(false), json!("false")),
        ("OIDC_VALID_ISSUERS", json!(["https://a.example", "b"]), json!("https://a.example b")),
        ("OIDC_CLOCK_SKEW", json!(0), json!("0")),
        ("OIDC_REQUIRE_VERIFIED_EMAIL", json!(true), json!("true")),
        ("OIDC_USER_INFO_ENABLED", json!(false), json!("false")),
        ("OIDC_OVERWRITE_REDIRECT_URI", json!(false), json!("false")),
        ("OVERWRITE_REDIRECT_URI", json!(false), json!("false")),
        ("OIDC_RESOURCE_SERVER_ONLY", json!(true), json!("true")),
        ("OIDC_RESOURCE_CHECK_AUD", json!(true), json!("true")),
        (
            "OIDC_EXTRA_REQUEST_AUTH_PARAMS",
            json!({"prompt": "login", "max_age": 60}),
            json!("{\"prompt\": \"login\", \"max_age\": \"60\"}"),
        ),
        ("OIDC_SECRET_KEY", json!([KEY]), json!(KEY)),
        ("OIDC_SECRET_KEY", json!([KEY]), json!(format!("[\"{KEY}\"]"))),
        (
            "OIDC_RULES",
            json!([{"path": "/public/*", "access": "public"}]),
            json!("[{\"path\": \"/public/*\", \"access\": \"public\"}]"),
        ),
        ("OIDC_HEADERS", json!({"sub": "X-User"}), json!("{\"sub\": \"X-User\"}")),
        ("OIDC_HEADERS", json!({}), json!("{}")),
        ("OIDC_LOG", json!({"admitted": 0.5, "email": true}), json!("{\"admitted\": 0.5, \"email\": \"true\"}")),
        ("OIDC_PASS_ACCESS_TOKEN", json!(true), json!("true")),
        ("OIDC_SESSION_IDLE_TTL", json!(60), json!("60")),
        ("OIDC_SESSION_CHECK_INTERVAL", json!(0), json!("0")),
        ("OIDC_STORE_OUTAGE_GRACE", json!(0), json!("0")),
        ("OIDC_BEARER_LOCATIONS", json!(["header", "form"]), json!("header, form")),
        ("OIDC_AUDIENCE", json!(["a", "b"]), json!("a b")),
        ("OIDC_INTROSPECTION_CACHE_TTL", json!(0), json!("0")),
        ("OIDC_INTROSPECTION_CACHE", json!("location"), json!("location")),
        ("OIDC_PASS_TOKEN_INFO", json!(true), json!("true")),
        ("OIDC_ENABLED", json!(false), json!("false")),
        ("OIDC_TESTING_PROFILE", json!({"sub": "x"}), json!("{\"sub\": \"x\"}")),
    ]
}

#[test]
fn strings_give_what_typed_values_give() {
    for (name, typed, string) in pairs() {
        let [typed, string] = [typed, string].map(|value| format!("{:?}", parsed(&json!({ name: value }))));
        assert_eq!(typed, string, "{name}");
    }
}

#[test]
fn good_texts() {
    for (name, value) in [
        ("OIDC_GOOGLE_APPS_DOMAIN", "example.org"),
        ("OIDC_ID_TOKEN_COOKIE_NAME", "sid"),
        ("OIDC_ID_TOKEN_COOKIE_PATH", "/app"),
        ("OIDC_OPENID_REALM", "https://*.example.org/"),
        ("OIDC_CALLBACK_ROUTE", "/auth/callback"),
        ("OIDC_OVERWRITE_REDIRECT_URI", "https://site.example/cb"),
        ("OVERWRITE_REDIRECT_URI", "http://localhost:8787/cb"),
        ("OIDC_INTROSPECTION_AUTH_METHOD", "bearer"),
        ("OIDC_TOKEN_TYPE_HINT", "none"),
        ("OIDC_RESPONSE_MODE", "form_post"),
        ("OIDC_CREDENTIALS_STORE", "memory"),
        ("OIDC_CREDENTIALS_STORE", "kv"),
        ("OIDC_ISSUER", "https://idp.example/realms/x/"),
        ("OIDC_CLIENT_ID", "1234.apps.example"),
        ("OIDC_CLIENT_SECRET", "with space"),
        ("OIDC_TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_post"),
        ("OIDC_ORIGIN", "https://origin.example"),
        ("OIDC_PUBLIC_URL", "https://site.example:8443/"),
        ("OIDC_SESSION_EXPIRY", "cookie"),
        ("OIDC_ACCESS_TOKENS", "introspection"),
        ("OIDC_ACCESS_TOKENS", "jwt"),
        ("OIDC_LOGOUT_ROUTE", "/bye"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", "https://other.example/bye"),
        ("OIDC_POST_LOGOUT_REDIRECT_URI", "/oidc_signed_out"),
    ] {
        parsed(&json!({ name: value }));
    }
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_code() {
    let plain = format!("{:?}", parsed(&json!({})));
    for setting in SETTINGS {
        if let DefaultValue::Text(text) = setting.default {
            assert_eq!(format!("{:?}", parsed(&json!({ setting.name: text }))), plain, "{}", setting.name);
        }
        assert_eq!(format!("{:?}", parsed(&json!({ setting.name: least().get(setting.name) }))), plain);
    }
}

#[test]
fn the_least_means() {
    let config = parsed(&json!({}));
    let provider = provider(&config);
    assert_eq!(provider.issuer.as_str(), "https://idp.example");
    assert_eq!(provider.valid_issuers, ["https://idp.example"]);
    assert_eq!(provider.scopes.to_string(), "openid email");
    assert_eq!(provider.leeway.as_duration().as_secs(), 60);
    assert!(provider.auth_method.is_none() && provider.userinfo && !provider.require_verified_email);
    assert_eq!((config.cookie.name.as_str(), config.cookie.secure), ("__Host-oidc_id_token", true));
    assert_eq!(config.session.ttl.as_secs(), 604_800);
    assert_eq!((config.store, config.session.expiry), (StoreKind::Kv, SessionExpiry::IdToken));
    assert!(matches!(config.origin, OriginSettings::SameUrl));
    assert!(matches!(&config.post_logout, PostLogout::Path(path) if path == "/oidc_signed_out"));
    let Routes { callback, logout, base } = &config.routes;
    assert_eq!([callback, logout, base], ["/oidc_callback", "/oidc_logout", "/"]);
    let headers: Vec<&str> = config.headers.iter().map(|mapping| mapping.header.as_str()).collect();
    assert_eq!(headers.len(), 5);
    assert!(headers.contains(&"X-Forwarded-Preferred-Username"));
    assert_eq!(config.rules.len(), 1);
    assert!(config.testing_profile.is_none());
}

#[test]
fn a_key_is_one_whatever_it_holds() {
    let one = "a key with spaces, commas and \"quotes\" in it";
    let keys = parsed(&json!({ "OIDC_SECRET_KEY": one })).secret_keys;
    assert_eq!(keys.iter().map(|key| key.expose().as_str()).collect::<Vec<_>>(), [one]);
    let rotated = parsed(&json!({ "OIDC_SECRET_KEY": [one, KEY] })).secret_keys;
    assert_eq!(rotated.iter().map(|key| key.expose().as_str()).collect::<Vec<_>>(), [one, KEY]);
}

#[test]
fn another_cookie_path_moves_the_endpoints() {
    for path in ["/app", "/app/"] {
        let config = parsed(&json!({ "OIDC_ID_TOKEN_COOKIE_PATH": path }));
        assert_eq!(config.cookie.name, "oidc_id_token");
        assert_eq!(config.cookie.scope.path(), path);
        let Routes { callback, logout, base } = &config.routes;
        assert_eq!([callback, logout, base], ["/app/oidc_callback", "/app/oidc_logout", "/app/"]);
        assert!(matches!(&config.post_logout, PostLogout::Path(path) if path == "/app/oidc_signed_out"));
    }
    let more = json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app", "OIDC_CALLBACK_ROUTE": "/app/cb"});
    assert_eq!(parsed(&more).routes.callback, "/app/cb");
}

#[test]
fn either_name_makes_cookies_insecure() {
    for (new, old, secure) in [(true, true, true), (false, true, false), (true, false, false), (false, false, false)] {
        let config = parsed(&json!({"OIDC_COOKIE_SECURE": new, "OIDC_ID_TOKEN_COOKIE_SECURE": old}));
        assert_eq!(config.cookie.secure, secure);
        assert_eq!(config.cookie.name.starts_with("__Host-"), secure);
    }
}

fn file() -> Value {
    json!({
        "client_id": "file", "client_secret": "filed", "issuer": "https://file.example",
        "auth_uri": "https://file.example/auth", "token_uri": "https://file.example/token",
        "userinfo_uri": "https://file.example/userinfo", "token_introspection_uri": "https://file.example/introspect",
        "revoke_uri": "https://file.example/revoke", "jwks_uri": "https://file.example/jwks",
        "redirect_uris": ["https://site.example/oidc_callback"], "project_id": "x",
    })
}

#[test]
fn client_secrets() {
    for kind in ["web", "installed"] {
        let all = variables(&json!({"OIDC_CLIENT_SECRETS": {kind: file()}, "OIDC_SECRET_KEY": KEY}));
        let config = Config::parse(&all, BOUND).unwrap();
        let ProviderSettings { issuer, client, auth_method, endpoints, .. } = provider(&config);
        assert_eq!((issuer.as_str(), client.id.as_str()), ("https://file.example", "file"));
        assert_eq!(client.secret.as_ref().unwrap().expose(), "filed");
        assert_eq!(*auth_method, Some(ClientAuthMethod::Post));
        for (url, name) in [
            (&endpoints.authorization, "auth"),
            (&endpoints.token, "token"),
            (&endpoints.userinfo, "userinfo"),
            (&endpoints.introspection, "introspect"),
            (&endpoints.revocation, "revoke"),
            (&endpoints.jwks, "jwks"),
        ] {
            assert_eq!(url.as_ref().unwrap().as_str(), format!("https://file.example/{name}"));
        }
    }
}

#[test]
fn single_settings_win_over_client_secrets() {
    let config = parsed(&json!({ "OIDC_CLIENT_SECRETS": {"web": file()} }));
    let ProviderSettings { issuer, client, .. } = provider(&config);
    assert_eq!((issuer.as_str(), client.id.as_str()), ("https://idp.example", "me"));
    assert_eq!(client.secret.as_ref().unwrap().expose(), "hush");
}

#[test]
fn a_null_client_secret_is_a_public_client() {
    let mut client = file();
    client["client_secret"] = Value::Null;
    let config = parsed(&json!({ "OIDC_CLIENT_SECRETS": {"web": client}, "OIDC_CLIENT_SECRET": null }));
    assert!(provider(&config).client.secret.is_none());
    assert_eq!(provider(&config).auth_method, None);
}

#[test]
fn what_oidc_register_adds_to_client_secrets() {
    let mut client = file();
    client["end_session_uri"] = json!("https://file.example/end");
    client["registration_access_token"] = json!("rat");
    client["registration_client_uri"] = json!("https://file.example/register/file");
    client["client_secret_expires_at"] = json!(0);
    for (name, method) in [
        ("none", ClientAuthMethod::None),
        ("client_secret_basic", ClientAuthMethod::Basic),
        ("client_secret_post", ClientAuthMethod::Post),
    ] {
        client["token_endpoint_auth_method"] = json!(name);
        let config = parsed(&json!({ "OIDC_CLIENT_SECRETS": {"web": client} }));
        assert_eq!(provider(&config).auth_method, Some(method));
        assert_eq!(provider(&config).endpoints.end_session.as_ref().unwrap().as_str(), "https://file.example/end");
    }
    client["token_endpoint_auth_method"] = json!("private_key_jwt");
    assert!(report(&json!({ "OIDC_CLIENT_SECRETS": {"web": client} })).contains(".web.token_endpoint_auth_method"));
}

#[test]
fn the_method_that_was_named_wins() {
    for (name, method) in [
        ("automatic", Some(ClientAuthMethod::Post)),
        ("none", Some(ClientAuthMethod::None)),
        ("client_secret_basic", Some(ClientAuthMethod::Basic)),
    ] {
        let more = json!({"OIDC_CLIENT_SECRETS": {"web": file()}, "OIDC_TOKEN_ENDPOINT_AUTH_METHOD": name});
        assert_eq!(provider(&parsed(&more)).auth_method, method);
    }
}

#[test]
fn origins() {
    for (url, written) in [
        ("https://origin.example", "https://origin.example"),
        ("https://origin.example/", "https://origin.example"),
        ("https://origin.example:8443/app/", "https://origin.example:8443/app"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
    ] {
        let config = parsed(&json!({ "OIDC_ORIGIN": url }));
        assert!(matches!(&config.origin, OriginSettings::Url(url) if url.as_str() == written), "{:?}", config.origin);
    }
    let bound = Bindings { origin: true, ..BOUND };
    let config = Config::parse(&with(&json!({"OIDC_ORIGIN": "https://origin.example"})), bound).unwrap();
    assert!(matches!(config.origin, OriginSettings::Binding));
}

#[test]
fn the_public_url_is_an_origin() {
    for (url, origin) in [
        ("https://Site.example/", "https://site.example"),
        ("https://site.example:443", "https://site.example"),
        ("http://localhost:8787", "http://localhost:8787"),
    ] {
        assert_eq!(parsed(&json!({ "OIDC_PUBLIC_URL": url })).public_origin.as_deref(), Some(origin));
    }
}

#[test]
fn redirect_uris_may_agree() {
    let url = "https://site.example/cb";
    let both = parsed(&json!({ "OIDC_OVERWRITE_REDIRECT_URI": url, "OVERWRITE_REDIRECT_URI": url }));
    let old = parsed(&json!({ "OVERWRITE_REDIRECT_URI": url }));
    assert_eq!(both.redirect_uri.as_ref().map(SecureUrl::as_str), Some(url));
    assert_eq!(old.redirect_uri, both.redirect_uri);
}

#[test]
fn stores() {
    for (store, kv, kind) in [
        (json!(null), true, StoreKind::Kv),
        (json!("kv"), true, StoreKind::Kv),
        (json!("memory"), true, StoreKind::Memory),
        (json!("memory"), false, StoreKind::Memory),
    ] {
        let bindings = Bindings { kv, ..Bindings::default() };
        let config = Config::parse(&with(&json!({"OIDC_CREDENTIALS_STORE": store})), bindings).unwrap();
        assert_eq!(config.store, kind);
    }
}

#[test]
fn disabled_needs_nothing() {
    let config = Config::parse(&variables(&json!({"OIDC_ENABLED": false})), Bindings::default()).unwrap();
    assert!(config.providers.is_empty() && config.secret_keys.is_empty());
    assert_eq!(config.testing_profile.unwrap()["sub"], "testing");
    let profile = json!({"OIDC_ENABLED": "false", "OIDC_TESTING_PROFILE": {"sub": "me", "groups": ["a"]}});
    assert_eq!(parsed(&profile).testing_profile.unwrap()["sub"], "me");
}

#[test]
fn extra_parameters_are_text() {
    let more = json!({"OIDC_EXTRA_REQUEST_AUTH_PARAMS":
        {"acr_values": "a b", "max_age": 60, "prompt": "login", "x": true, "access_type": "offline", "empty": ""}});
    let config = parsed(&more);
    let mut extra: Vec<(&str, &str)> =
        provider(&config).extra_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    extra.sort_unstable();
    assert_eq!(
        extra,
        [
            ("access_type", "offline"),
            ("acr_values", "a b"),
            ("empty", ""),
            ("max_age", "60"),
            ("prompt", "login"),
            ("x", "true")
        ]
    );
}
