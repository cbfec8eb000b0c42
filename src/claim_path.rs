//! Names of claims, some of which lie inside others.

use core::fmt;

use serde_json::Value;

use crate::json::Object;

/// Where a claim stands: `groups`, `realm_access.roles`, or `https://app.example/roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath {
    /// The whole name; a claim of exactly this name is taken first, dots and all.
    literal: Option<String>,
    segments: Vec<String>,
}

impl ClaimPath {
    /// A name as an operator writes it; dots walk into objects. `None` when a part of it is empty.
    pub fn parse(name: &str) -> Option<Self> {
        let segments: Vec<String> = name.split('.').map(str::to_owned).collect();
        let good = segments.iter().all(|segment| !segment.is_empty());
        good.then(|| Self { literal: Some(name.to_owned()), segments })
    }

    /// Exact steps, none of which is split: `resource_access`, a client's name, `roles`.
    pub fn exact(segments: &[&str]) -> Self {
        Self { literal: None, segments: segments.iter().map(|&segment| segment.to_owned()).collect() }
    }

    /// Whether this is the claim of that name, and nothing inside another one.
    pub fn is(&self, name: &str) -> bool {
        self.literal.as_deref() == Some(name)
    }

    /// The value that stands there.
    pub fn find<'c>(&self, claims: &'c Object) -> Option<&'c Value> {
        if let Some(value) = self.literal.as_ref().and_then(|name| claims.get(name)) {
            return Some(value);
        }
        let (first, rest) = self.segments.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, segment| value.get(segment))
    }

    /// Copies what stands there from `claims` to the same place in `kept`, and nothing beside it.
    pub fn keep(&self, claims: &Object, kept: &mut Object) {
        let Some(value) = self.find(claims) else { return };
        match &self.literal {
            Some(name) if claims.contains_key(name) => {
                kept.insert(name.clone(), value.clone());
            }
            _ => insert(kept, &self.segments, value),
        }
    }
}

impl fmt::Display for ClaimPath {
    /// As an operator writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("."))
    }
}

fn insert(kept: &mut Object, segments: &[String], value: &Value) {
    match segments {
        [] => {}
        [last] => {
            kept.insert(last.clone(), value.clone());
        }
        [first, rest @ ..] => {
            let inner = kept.entry(first.clone()).or_insert_with(|| Value::Object(Object::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Object {
        let Value::Object(claims) = json!({
            "sub": "1", "https://app.example/roles": ["x"], "realm_access": {"roles": ["a"], "other": 1},
            "resource_access": {"my.client": {"roles": ["b"]}},
        }) else {
            panic!("object")
        };
        claims
    }

    #[test]
    fn found_and_kept_alone() {
        for (path, value, kept) in [
            (ClaimPath::parse("sub").unwrap(), json!("1"), json!({"sub": "1"})),
            (
                ClaimPath::parse("https://app.example/roles").unwrap(),
                json!(["x"]),
                json!({"https://app.example/roles": ["x"]}),
            ),
            (ClaimPath::parse("realm_access.roles").unwrap(), json!(["a"]), json!({"realm_access": {"roles": ["a"]}})),
            (
                ClaimPath::exact(&["resource_access", "my.client", "roles"]),
                json!(["b"]),
                json!({"resource_access": {"my.client": {"roles": ["b"]}}}),
            ),
        ] {
            assert_eq!(path.find(&claims()), Some(&value));
            let mut copy = Object::new();
            path.keep(&claims(), &mut copy);
            assert_eq!(Value::Object(copy), kept);
        }
    }

    #[test]
    fn absent() {
        for name in ["nobody", "sub.x", "realm_access.roles.x", "realm_access.nobody"] {
            assert_eq!(ClaimPath::parse(name).unwrap().find(&claims()), None, "{name}");
        }
        assert!(ClaimPath::parse("a..b").is_none());
        assert!(ClaimPath::parse("").is_none());
    }
}
