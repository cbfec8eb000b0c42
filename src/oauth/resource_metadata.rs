//! Protected resource metadata (RFC 9728).

use serde_json::{Value, json};

use super::bearer::Location;
use crate::jose::Alg;

/// Where it stands, before the path of a resource (RFC 9728 §3).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document of one resource (RFC 9728 §2); of its scopes each is said once.
pub fn document(resource: &str, issuer: &str, scopes: &[&str], locations: &[Location]) -> Value {
    let methods: Vec<&str> = locations.iter().map(|location| method(*location)).collect();
    let algs: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
    let mut document = json!({
        "resource": resource,
        "authorization_servers": [issuer],
        "bearer_methods_supported": methods,
        "dpop_signing_alg_values_supported": algs,
    });
    if let (Value::Object(members), false) = (&mut document, scopes.is_empty()) {
        members.insert("scopes_supported".to_owned(), json!(scopes));
    }
    document
}

fn method(location: Location) -> &'static str {
    match location {
        Location::Header => "header",
        Location::Form => "body",
        Location::Query => "query",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_all_of_it() {
        let document = |scopes: &[&str]| {
            document("https://api.example/v1", "https://idp.example", scopes, &[Location::Header, Location::Form])
        };
        let said = document(&["read"]);
        assert_eq!(said["resource"], "https://api.example/v1");
        assert_eq!(said["authorization_servers"], json!(["https://idp.example"]));
        assert_eq!(said["scopes_supported"], json!(["read"]));
        assert_eq!(said["bearer_methods_supported"], json!(["header", "body"]));
        assert!(said["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
        // RFC 9728 §3.2: a parameter without a value is left out.
        assert!(document(&[]).get("scopes_supported").is_none());
    }
}
