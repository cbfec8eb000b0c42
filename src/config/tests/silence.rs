//! No report holds a secret, whatever is broken.

use super::*;

const MARKER: &str = "MARKER-hunter2-MARKER";

/// Values with the marker in them, whole and broken in many ways.
fn carriers() -> Vec<Value> {
    let file = format!("{{\"web\": {{\"client_id\": \"me\", \"client_secret\": \"{MARKER}\"}}}}");
    let mut all = vec![
        json!(MARKER),
        json!(format!(" {MARKER}\n")),
        json!(format!("{MARKER}\u{0}")),
        json!(format!("[[{MARKER}")),
        json!([MARKER]),
        json!([MARKER, 7]),
        json!([[MARKER]]),
        json!({ MARKER: MARKER }),
        json!({ "web": MARKER }),
        json!({ "web": {"client_secret": MARKER}, MARKER: 1 }),
        json!({ "installed": [MARKER] }),
        json!(format!("[\"{MARKER}\"]")),
        json!(format!("[\"{MARKER}\", \"{MARKER}\"")),
        json!(format!("{{\"{MARKER}\": 1, \"{MARKER}\": 2}}")),
        json!(format!("{{\"web\": {{\"client_secret\": \"{MARKER}\", \"client_secret\": \"x\"}}}}")),
        json!(format!("https://me:{MARKER}@idp.example/")),
    ];
    all.extend((0..file.len()).map(|end| json!(file.get(..end).unwrap())));
    for member in [
        "client_id",
        "client_secret",
        "issuer",
        "auth_uri",
        "token_uri",
        "userinfo_uri",
        "jwks_uri",
        "token_introspection_uri",
        "revoke_uri",
        "redirect_uris",
    ] {
        for value in [
            json!(MARKER),
            json!([MARKER]),
            json!({ MARKER: 1 }),
            json!(format!("[[{MARKER}]]")),
            json!(format!("{MARKER}\n")),
            json!(format!("http://{MARKER}.example/")),
        ] {
            all.push(json!({ "web": { member: value, "client_secret": MARKER } }));
        }
    }
    all
}

#[test]
fn no_report_holds_a_secret() {
    let broken = json!({"OIDC_CLOCK_SKEW": "x"});
    let mut reports = 0;
    for name in [
        "OIDC_CLIENT_SECRETS",
        "OIDC_CLIENT_SECRET",
        "OIDC_SECRET_KEY",
        "OIDC_ASSERTION_KEY",
        "OIDC_CLIENT_SECRT",
        "OIDC_SECRET",
        "OIDC_CREDENTIALS",
    ] {
        for value in carriers() {
            for base in [least(), Variables::new(), with(&broken)] {
                let mut all = base;
                all.insert(name.to_owned(), value.clone());
                match Config::parse(&all, BOUND) {
                    Ok(config) => assert!(!format!("{config:?}").contains("hunter2"), "{name} = {value}"),
                    Err(errors) => {
                        reports += 1;
                        assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
                    }
                }
            }
        }
    }
    assert!(reports > 1000, "{reports}");
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    for name in [
        "OIDC_ISSUER",
        "OIDC_ORIGIN",
        "OIDC_PUBLIC_URL",
        "OIDC_OVERWRITE_REDIRECT_URI",
        "OVERWRITE_REDIRECT_URI",
        "OIDC_POST_LOGOUT_REDIRECT_URI",
        "OIDC_CALLBACK_ROUTE",
        "OIDC_GOOGLE_APPS_DOMAIN",
        "OIDC_CLOCK_SKEW",
    ] {
        for url in ["https://me:hunter2@idp.example/", "http:hunter2@idp.example", "//me:hunter2@idp.example"] {
            let lines = report(&json!({ name: url }));
            assert!(!lines.contains("hunter2"), "{lines}");
        }
    }
}

#[test]
fn a_secret_in_another_setting_is_not_told_either() {
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": MARKER});
    let file = json!({"web": {"client_secret": MARKER}});
    for more in [
        json!({"OIDC_ASSERTION": jwk}),
        json!({"OIDC_ASSERTION": jwk.to_string()}),
        json!({"OIDC_ASSERTION": [jwk]}),
        json!({"OIDC_ASSERTION": {"audience": jwk}}),
        json!({"OIDC_ISSUER": file}),
        json!({"OIDC_ISSUER": file.to_string()}),
        json!({"OIDC_ORIGIN": {"client_secret": MARKER}}),
        json!({"OIDC_EXTRA_REQUEST_AUTH_PARAMS": {"client_secret": MARKER}}),
        json!({"OIDC_LOG": {"client_secret": MARKER}}),
        json!({"OIDC_RULES": [{"path": "/a", "access": "login", "token": MARKER}]}),
        json!({"OIDC_RULES": [file]}),
    ] {
        let report = report(&more);
        assert!(!report.contains("hunter2"), "{report}");
    }
}
