use super::*;
use crate::policy::Access;

fn rules(list: &Value) -> Vec<Rule> {
    parsed(&json!({ "OIDC_RULES": list })).rules
}

#[test]
fn all_of_a_rule() {
    let rules = rules(&json!([
        {"path": "/public/*", "access": "public"},
        {"path": "/hello", "access": "optional", "cache": "public"},
        {"path": "/admin/*", "methods": ["GET", "POST"], "access": "login",
         "claims": {"realm_access.roles": ["admin", "root"], "hd": "example.org", "level": 3},
         "roles": {"my.client": ["admin"]}},
        {"path": "/old", "access": "deny"},
    ]));
    let [public, hello, admin, old, last] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((public.access, public.cache_public), (Access::Public, false));
    assert_eq!((hello.access, hello.cache_public), (Access::Optional, true));
    assert_eq!((old.access, last.access), (Access::Deny, Access::Login));
    assert!(last.matches("PUT", b"/anything"));
    assert_eq!(admin.methods.as_deref(), Some(["GET".to_owned(), "POST".to_owned()].as_slice()));
    assert_eq!(admin.claims.len(), 4);
    let claims = json!({"realm_access": {"roles": ["root"]}, "hd": "example.org", "level": 3,
        "resource_access": {"my.client": {"roles": ["admin"]}}});
    assert!(admin.claims.iter().all(|claim| claim.holds(claims.as_object().unwrap())));
    assert_eq!(admin.claims.iter().filter(|claim| claim.holds(&Object::new())).count(), 0);
}

#[test]
fn a_path_that_none_matches_needs_login() {
    for (list, count) in [
        (json!([]), 1),
        (json!([{"path": "/*", "access": "public"}]), 1),
        (json!([{"path": "/*", "access": "deny"}]), 1),
        (json!([{"path": "/*", "methods": ["GET"], "access": "public"}]), 2),
        (json!([{"path": "/a/*", "access": "public"}]), 2),
    ] {
        let rules = rules(&list);
        assert_eq!(rules.len(), count, "{list}");
        assert!(rules.iter().any(|rule| rule.matches("DELETE", b"/x/y")), "{list}");
    }
}

#[test]
fn bad_rules_are_named_by_index() {
    for (list, says) in [
        (json!(["/public/*"]), "OIDC_RULES[0]: expected an object"),
        (json!([{"access": "login"}]), "OIDC_RULES[0].path: expected `path` in every rule, got nothing"),
        (json!([{"path": "/a"}]), "OIDC_RULES[0].access: expected `access` in every rule, got nothing"),
        (json!([{"path": "/a", "acess": "login"}]), "write `access` or remove it"),
        (json!([{"path": "/a", "access": "login", "method": ["GET"]}]), "write `methods` or remove it"),
        (
            json!([{"path": "/a", "access": "admin"}]),
            "expected one of `public`, `optional`, `login`, `token`, `login_or_token`, `deny`",
        ),
        (json!([{"path": "/a", "access": true}]), "OIDC_RULES[0].access: expected one of"),
        (json!([{"path": "a", "access": "login"}]), "OIDC_RULES[0].path: expected a path that starts with a slash"),
        (json!([{"path": "/a*", "access": "login"}]), "OIDC_RULES[0].path: expected `*` as the last segment"),
        (json!([{"path": "/a/../b", "access": "login"}]), "OIDC_RULES[0].path: expected a path without dot segments"),
        (json!([{"path": "/a//b", "access": "login"}]), "OIDC_RULES[0].path: expected a path without `;`"),
        (json!([{"path": 7, "access": "login"}]), "OIDC_RULES[0].path: expected text, got 7"),
        (json!([{"path": "/a", "access": "login", "methods": ["get"]}]), "OIDC_RULES[0].methods: expected methods"),
        (json!([{"path": "/a", "access": "login", "methods": []}]), "OIDC_RULES[0].methods: expected methods"),
        (json!([{"path": "/a", "access": "login", "methods": ["GET", "POTS"]}]), "[\"GET\",\"POTS\"]; write `POST`"),
        (json!([{"path": "/a", "access": "login", "methods": ["delete"]}]), "; write `DELETE`"),
        (json!([{"path": "/a", "access": "login", "cache": "private"}]), "OIDC_RULES[0].cache: expected one of"),
        (json!([{"path": "/a", "access": "login", "claims": {}}]), "OIDC_RULES[0].claims: expected one member"),
        (json!([{"path": "/a", "access": "login", "claims": "sub"}]), "OIDC_RULES[0].claims: expected a JSON object"),
        (json!([{"path": "/a", "access": "login", "claims": {"a.": "x"}}]), "claims[\"a.\"]: expected a claim's name"),
        (json!([{"path": "/a", "access": "login", "claims": {"email": "@"}}]), "claims[\"email\"]: expected whole"),
        (json!([{"path": "/a", "access": "login", "claims": {"email": ["@*.a.example"]}}]), "expected whole addresses"),
        (json!([{"path": "/a", "access": "login", "claims": {"email": "@.a.example"}}]), "expected whole addresses"),
        (json!([{"path": "/a", "access": "login", "claims": {"a": []}}]), "claims[\"a\"]: expected text, a number"),
        (json!([{"path": "/a", "access": "login", "claims": {"a": {"b": 1}}}]), "claims[\"a\"]: expected text"),
        (json!([{"path": "/a", "access": "login", "claims": {"a": [null]}}]), "claims[\"a\"]: expected text"),
        (json!([{"path": "/a", "access": "login", "roles": {"c": "r s"}}]), "roles[\"c\"]: expected a list of texts"),
        (json!([{"path": "/a", "access": "login", "roles": {"c": []}}]), "roles[\"c\"]: expected a client's name"),
        (json!([{"path": "/a", "access": "public", "claims": {"a": "b"}}]), ".claims: expected nothing"),
        (json!([{"path": "/a", "access": "deny", "roles": {"a": ["b"]}}]), ".roles: expected nothing"),
        (json!([{"path": "/a", "access": "deny", "cache": "public"}]), ".cache: expected nothing"),
        (json!([{"path": "/a", "access": "public", "max_age": 60}]), ".max_age: expected nothing"),
        (json!([{"path": "/a", "access": "login", "scopes": ["a"]}]), ".scopes: expected nothing"),
        (json!([{"path": "/a", "access": "optional", "max_age": 60}]), ".max_age: expected nothing"),
        (json!([{"path": "/a", "access": "public", "acr_values": ["a"]}]), ".acr_values: expected nothing"),
        (json!([{"path": "/a", "access": "login", "scopes": []}]), ".scopes: expected scopes"),
        (
            json!([{"path": "/a", "access": "login", "acr_values": ["a b", "\""]}]),
            ".acr_values: expected authentication",
        ),
        (json!([{"path": "/a", "access": "login", "max_age": 0}]), ".max_age: expected"),
        (json!([{"path": "/oidc_login", "access": "public"}]), ".path: expected a path that no endpoint"),
        (json!([{"path": "/oidc_callback", "access": "public"}]), ".path: expected a path that no endpoint"),
        (json!([{"path": "/oidc_resume", "access": "deny"}]), ".path: expected a path that no endpoint"),
        (json!([{"path": "/oidc_%61ccount", "access": "deny"}]), ".path: expected a path that no endpoint"),
    ] {
        let lines = report(&json!({ "OIDC_RULES": list }));
        assert!(lines.contains(says), "{list}: {lines}");
        assert!(lines.lines().all(|line| line.starts_with("OIDC_RULES[0]")), "{lines}");
    }
    let duplicate = "[{\"path\": \"/a\", \"access\": \"public\", \"access\": \"deny\"}]";
    assert!(report(&json!({ "OIDC_RULES": duplicate })).contains("name each member of an object once"));
}

#[test]
fn unreachable_rules() {
    for (earlier, later, unreachable) in [
        (json!({"path": "/a/*"}), json!({"path": "/a/*"}), true),
        (json!({"path": "/a/*"}), json!({"path": "/a/b/*"}), true),
        (json!({"path": "/a/*"}), json!({"path": "/a"}), true),
        (json!({"path": "/a/*"}), json!({"path": "/ab"}), false),
        (json!({"path": "/a"}), json!({"path": "/a/*"}), false),
        (json!({"path": "/*"}), json!({"path": "/b", "methods": ["GET"]}), true),
        (json!({"path": "/a", "methods": ["GET"]}), json!({"path": "/a"}), false),
        (json!({"path": "/a", "methods": ["GET"]}), json!({"path": "/a", "methods": ["HEAD"]}), true),
        (json!({"path": "/a", "methods": ["HEAD"]}), json!({"path": "/a", "methods": ["GET"]}), false),
        (json!({"path": "/a", "methods": ["GET", "POST"]}), json!({"path": "/a", "methods": ["POST"]}), true),
        (json!({"path": "/a", "methods": ["GET"]}), json!({"path": "/a", "methods": ["GET", "POST"]}), false),
    ] {
        let mut list = json!([earlier, later]);
        for rule in list.as_array_mut().unwrap() {
            rule["access"] = json!("login");
        }
        match parse(&json!({ "OIDC_RULES": list })) {
            Ok(_) => assert!(!unreachable, "{list}"),
            Err(errors) => {
                assert!(unreachable, "{list}: {errors}");
                assert!(errors.to_string().starts_with("OIDC_RULES[1].path: expected a rule that can be reached"));
            }
        }
    }
    // Two that together have all of a third.
    let lines = report(&json!({ "OIDC_RULES": [
        {"path": "/a/*", "methods": ["GET"], "access": "login"},
        {"path": "/*", "methods": ["POST"], "access": "deny"},
        {"path": "/a/b", "methods": ["HEAD", "POST"], "access": "public"},
    ]}));
    assert!(lines.starts_with("OIDC_RULES[2].path"), "{lines}");
}

#[test]
fn nobody_is_asked_to_sign_in_where_no_cookie_goes() {
    let rules = |path: &str, access: &str| json!({"OIDC_ID_TOKEN_COOKIE_PATH": "/app", "OIDC_RULES": [{"path": path, "access": access}]});
    for path in ["/app", "/app/x", "/app/*", "/*"] {
        parsed(&rules(path, "login"));
    }
    for path in ["/other", "/application", "/other/*"] {
        assert!(report(&rules(path, "login")).contains("a path under OIDC_ID_TOKEN_COOKIE_PATH"), "{path}");
        parsed(&rules(path, "public"));
    }
}

#[test]
fn all_that_a_rule_asks_of_tokens() {
    let rules = rules(&json!([
        {"path": "/api/*", "access": "token", "scopes": ["read", "write"], "roles": {"api": ["admin"]},
         "acr_values": ["gold", "silver"], "max_age": 300},
        {"path": "/both", "access": "login_or_token", "scopes": "read"},
    ]));
    let [api, both, _] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((api.access, api.scopes.to_string().as_str()), (Access::Token, "read write"));
    assert_eq!(api.step_up.acr_values, ["gold", "silver"]);
    assert_eq!(api.step_up.max_age.map(|age| age.as_secs()), Some(300));
    assert_eq!((both.access, both.scopes.to_string().as_str()), (Access::LoginOrToken, "read"));
    assert!(api.takes_tokens() && both.takes_tokens());
}

#[test]
fn token_rules_need_a_way_to_check_tokens() {
    let endpoints = json!({"web": {"client_id": "me", "issuer": "https://idp.example",
        "auth_uri": "https://idp.example/a", "token_uri": "https://idp.example/t", "jwks_uri": "https://idp.example/k"}});
    let mut introspects = endpoints.clone();
    introspects["web"]["token_introspection_uri"] = json!("https://idp.example/i");
    for (check, secrets, audience, says) in [
        ("auto", json!(null), json!(null), None),
        ("introspection", json!(null), json!(null), None),
        ("jwt", json!(null), json!("api"), None),
        ("jwt", json!(null), json!(null), Some("OIDC_AUDIENCE: expected the audience")),
        ("auto", endpoints.clone(), json!(null), Some("OIDC_AUDIENCE: expected the audience")),
        ("auto", endpoints.clone(), json!("api"), None),
        ("auto", introspects.clone(), json!(null), None),
        ("introspection", endpoints, json!("api"), Some("OIDC_ACCESS_TOKENS: expected a way to ask")),
        ("introspection", introspects, json!(null), None),
    ] {
        let settings = json!({"OIDC_ACCESS_TOKENS": check, "OIDC_CLIENT_SECRETS": secrets, "OIDC_AUDIENCE": audience,
            "OIDC_RULES": [{"path": "/api/*", "access": "token"}]});
        match says {
            None => drop(parsed(&settings)),
            Some(says) => assert!(report(&settings).starts_with(says), "{settings}: {}", report(&settings)),
        }
    }
    // Where no rule takes tokens, nothing is asked for.
    parsed(&json!({"OIDC_ACCESS_TOKENS": "jwt"}));
}

#[test]
fn a_resource_server_alone() {
    let only = |more: &Value| {
        let mut all = json!({"OIDC_RESOURCE_SERVER_ONLY": true, "OIDC_SECRET_KEY": null, "OIDC_CLIENT_SECRET": null});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Config::parse(&with(&all), Bindings::default())
    };
    let config = only(&json!({"OIDC_RULES": [{"path": "/open/*", "access": "public"}]})).unwrap();
    let accesses: Vec<Access> = config.rules.iter().map(|rule| rule.access).collect();
    assert_eq!((accesses.as_slice(), config.secret_keys.len()), ([Access::Public, Access::Token].as_slice(), 0));
    for access in ["login", "optional", "login_or_token"] {
        let report = only(&json!({"OIDC_RULES": [{"path": "/a", "access": access}]})).unwrap_err().to_string();
        assert!(report.starts_with("OIDC_RULES[0].access: expected `token`, `public` or `deny`"), "{report}");
    }
    // A reader of JWTs is known by its audience; one who asks needs a name.
    let nameless = |more: Value| {
        let mut all = json!({"OIDC_CLIENT_ID": null});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        only(&all)
    };
    let config = nameless(json!({"OIDC_ACCESS_TOKENS": "jwt", "OIDC_AUDIENCE": "https://api.example"})).unwrap();
    assert_eq!(provider(&config).client.id.as_str(), "https://api.example");
    assert!(nameless(json!({})).unwrap_err().to_string().starts_with("OIDC_CLIENT_ID: expected"));
}
