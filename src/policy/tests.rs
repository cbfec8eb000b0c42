use serde_json::json;

use super::*;

fn rule(access: Access, claims: &[(&str, Value)]) -> Rule {
    Rule {
        pattern: PathPattern::parse("/*").unwrap(),
        methods: None,
        access,
        claims: claims
            .iter()
            .map(|(name, value)| ClaimRule {
                path: ClaimPath::parse(name).unwrap(),
                any_of: value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]),
            })
            .collect(),
        cache_public: false,
    }
}

fn known(claims: Value) -> Visitor {
    let Value::Object(claims) = claims else { panic!("object") };
    Visitor::Known(Identity::new(claims))
}

fn verdict(rule: &Rule, visitor: Visitor) -> &'static str {
    match decide(rule, visitor) {
        Verdict::Admit(admitted) if admitted.identity().is_some() => "admit with identity",
        Verdict::Admit(_) => "admit",
        Verdict::SignIn => "sign in",
        Verdict::Forbid => "forbid",
    }
}

#[test]
fn access_by_visitor() {
    let alice = || known(json!({"sub": "alice"}));
    for (access, anonymous, signed_in) in [
        (Access::Public, "admit", "admit"),
        (Access::Optional, "admit", "admit with identity"),
        (Access::Login, "sign in", "admit with identity"),
        (Access::Deny, "forbid", "forbid"),
    ] {
        assert_eq!(verdict(&rule(access, &[]), Visitor::Anonymous), anonymous, "{access:?}");
        assert_eq!(verdict(&rule(access, &[]), alice()), signed_in, "{access:?}");
    }
}

#[test]
fn claims_any_value_of_every_rule() {
    let claims =
        json!({"sub": "a", "groups": ["x", "y"], "level": 3, "realm_access": {"roles": ["admin"]}, "on": true});
    for (asked, expected) in [
        (("groups", json!("x")), "admit with identity"),
        (("groups", json!(["z", "y"])), "admit with identity"),
        (("groups", json!("z")), "forbid"),
        (("groups", json!(["x", "y"])), "admit with identity"),
        (("level", json!(3)), "admit with identity"),
        (("level", json!("3")), "forbid"),
        (("on", json!(true)), "admit with identity"),
        (("on", json!("true")), "forbid"),
        (("realm_access.roles", json!("admin")), "admit with identity"),
        (("realm_access", json!("admin")), "forbid"),
        (("nothing", json!("x")), "forbid"),
    ] {
        let rule = rule(Access::Login, &[(asked.0, asked.1.clone())]);
        assert_eq!(verdict(&rule, known(claims.clone())), expected, "{asked:?}");
    }
    let both = rule(Access::Login, &[("groups", json!("x")), ("level", json!(4))]);
    assert_eq!(verdict(&both, known(claims)), "forbid");
}

#[test]
fn methods_are_case_sensitive_and_get_covers_head() {
    let mut rule = rule(Access::Login, &[]);
    rule.methods = Some(vec!["GET".to_owned(), "PROPFIND".to_owned()]);
    for (method, matched) in
        [("GET", true), ("HEAD", true), ("PROPFIND", true), ("POST", false), ("get", false), ("OPTIONS", false)]
    {
        assert_eq!(rule.matches(method, b"/"), matched, "{method}");
    }
}

#[test]
fn an_answer_to_an_identity_is_private() {
    let admitted = |rule: &Rule, visitor| match decide(rule, visitor) {
        Verdict::Admit(admitted) => admitted.answer_is_private(),
        verdict => panic!("{verdict:?}"),
    };
    let mut optional = rule(Access::Optional, &[]);
    assert!(!admitted(&optional, Visitor::Anonymous));
    assert!(admitted(&optional, known(json!({"sub": "a"}))));
    optional.cache_public = true;
    assert!(!admitted(&optional, known(json!({"sub": "a"}))));
}
