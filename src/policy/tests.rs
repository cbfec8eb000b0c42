use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::{
    claim_path::ClaimPath,
    oauth::{Scopes, access_token::Caller, bearer::Location},
    web::path::PathPattern,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn rule(access: Access, claims: &[(&str, Value)]) -> Rule {
    Rule {
        claims: claims
            .iter()
            .map(|(name, value)| ClaimRule {
                path: ClaimPath::parse(name).unwrap(),
                any_of: value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]),
            })
            .collect(),
        ..Rule::plain(PathPattern::parse("/*").unwrap(), access)
    }
}

fn known(claims: Value) -> Visitor {
    let Value::Object(claims) = claims else { panic!("object") };
    Visitor::Known(Identity::new(claims))
}

fn bearer(claims: Value) -> Visitor {
    let Value::Object(claims) = claims else { panic!("object") };
    Visitor::Bearer(Rc::new(Caller::testing(claims).unwrap()), Location::Header)
}

fn verdict(rule: &Rule, visitor: Visitor) -> &'static str {
    match decide(rule, visitor, NOW) {
        Verdict::Admit(admitted) if admitted.identity().is_some() => "admit with identity",
        Verdict::Admit(admitted) if admitted.caller().is_some() => "admit with caller",
        Verdict::Admit(_) => "admit",
        Verdict::SignIn => "sign in",
        Verdict::StepUp(_) => "step up",
        Verdict::Challenge(Challenge::Missing) => "bring a token",
        Verdict::Challenge(Challenge::Scope) => "bring more scopes",
        Verdict::Challenge(Challenge::StepUp) => "bring a better token",
        Verdict::Forbid => "forbid",
    }
}

#[test]
fn access_by_visitor() {
    let alice = || json!({"sub": "alice"});
    for (access, anonymous, signed_in, with_token) in [
        (Access::Public, "admit", "admit", "admit"),
        (Access::Optional, "admit", "admit with identity", "admit"),
        (Access::Login, "sign in", "admit with identity", "sign in"),
        (Access::Token, "bring a token", "bring a token", "admit with caller"),
        (Access::LoginOrToken, "sign in", "admit with identity", "admit with caller"),
        (Access::Deny, "forbid", "forbid", "forbid"),
    ] {
        assert_eq!(verdict(&rule(access, &[]), Visitor::Anonymous), anonymous, "{access:?}");
        assert_eq!(verdict(&rule(access, &[]), known(alice())), signed_in, "{access:?}");
        assert_eq!(verdict(&rule(access, &[]), bearer(alice())), with_token, "{access:?}");
    }
}

#[test]
fn scopes_bind_tokens_alone() {
    let mut rule = rule(Access::LoginOrToken, &[]);
    rule.scopes = Scopes::parse(["read", "write"]).unwrap();
    for (scope, expected) in [
        (json!("read write"), "admit with caller"),
        (json!("write openid read"), "admit with caller"),
        (json!("read"), "bring more scopes"),
        (json!("readwrite"), "bring more scopes"),
        (json!("READ WRITE"), "bring more scopes"),
        (Value::Null, "bring more scopes"),
    ] {
        assert_eq!(verdict(&rule, bearer(json!({"sub": "a", "scope": scope}))), expected, "{scope}");
    }
    assert_eq!(verdict(&rule, known(json!({"sub": "a"}))), "admit with identity");
}

#[test]
fn scopes_then_claims_then_step_up() {
    let mut rule = rule(Access::Token, &[("group", json!("x"))]);
    rule.scopes = Scopes::parse(["read"]).unwrap();
    rule.step_up.acr_values = vec!["gold".to_owned()];
    for (claims, expected) in [
        (json!({}), "bring more scopes"),
        (json!({"scope": "read"}), "forbid"),
        (json!({"scope": "read", "group": "x"}), "bring a better token"),
        (json!({"scope": "read", "group": "x", "acr": "gold"}), "admit with caller"),
    ] {
        assert_eq!(verdict(&rule, bearer(claims.clone())), expected, "{claims}");
    }
}

#[test]
fn step_up_by_way_and_by_age() {
    let step_up = |acr_values: &[&str], max_age: Option<u64>| StepUp {
        acr_values: acr_values.iter().map(|&value| value.to_owned()).collect(),
        max_age: max_age.map(core::time::Duration::from_secs),
    };
    let at = |seconds_ago: i64| NOW.as_unix() - seconds_ago;
    let exact = |seconds: i64| f64::from(i32::try_from(seconds).unwrap());
    for (asked, claims, met) in [
        (step_up(&[], None), json!({}), true),
        (step_up(&["gold"], None), json!({"acr": "gold"}), true),
        (step_up(&["silver", "gold"], None), json!({"acr": "gold"}), true),
        (step_up(&["gold"], None), json!({"acr": "golden"}), false),
        (step_up(&["gold"], None), json!({"acr": ["gold"]}), false),
        (step_up(&["gold"], None), json!({}), false),
        (step_up(&[], Some(300)), json!({"auth_time": at(300)}), true),
        (step_up(&[], Some(300)), json!({"auth_time": at(301)}), false),
        (step_up(&[], Some(300)), json!({"auth_time": at(-30)}), true),
        (step_up(&[], Some(300)), json!({"auth_time": at(-600)}), true),
        // Of the future, as of milliseconds taken for seconds: it would never grow old.
        (step_up(&[], Some(300)), json!({"auth_time": at(-601)}), false),
        (step_up(&[], Some(300)), json!({"auth_time": at(1) * 1000}), false),
        (step_up(&[], Some(300)), json!({"auth_time": u64::MAX}), false),
        // RFC 7519 §2: any JSON number.
        (step_up(&[], Some(300)), json!({"auth_time": exact(at(300))}), true),
        (step_up(&[], Some(300)), json!({"auth_time": exact(at(300)) + 0.5}), true),
        (step_up(&[], Some(300)), json!({"auth_time": exact(at(302))}), false),
        (step_up(&[], Some(300)), json!({"auth_time": at(1).to_string()}), false),
        (step_up(&[], Some(300)), json!({}), false),
        (step_up(&["gold"], Some(300)), json!({"acr": "gold", "auth_time": at(301)}), false),
        (step_up(&["gold"], Some(300)), json!({"auth_time": at(1)}), false),
        (step_up(&["gold"], Some(300)), json!({"acr": "gold", "auth_time": at(1)}), true),
    ] {
        for access in [Access::Login, Access::LoginOrToken, Access::Token] {
            let rule = Rule { step_up: asked.clone(), ..rule(access, &[]) };
            if access != Access::Token {
                let expected = if met { "admit with identity" } else { "step up" };
                assert_eq!(verdict(&rule, known(claims.clone())), expected, "{asked:?} {claims}");
            }
            if access != Access::Login {
                let expected = if met { "admit with caller" } else { "bring a better token" };
                assert_eq!(verdict(&rule, bearer(claims.clone())), expected, "{asked:?} {claims}");
            }
        }
    }
}

#[test]
fn claims_any_value_of_every_rule() {
    let claims = json!({"sub": "a", "groups": ["x", "y"], "level": 3, "floats": [2.0, 2.5],
        "realm_access": {"roles": ["admin"]}, "on": true});
    for (asked, expected) in [
        (("groups", json!("x")), "admit with identity"),
        (("groups", json!(["z", "y"])), "admit with identity"),
        (("groups", json!("z")), "forbid"),
        (("groups", json!(["x", "y"])), "admit with identity"),
        (("level", json!(3)), "admit with identity"),
        (("level", json!(3.0)), "admit with identity"),
        (("level", json!(3.5)), "forbid"),
        (("level", json!("3")), "forbid"),
        (("floats", json!(2)), "admit with identity"),
        (("floats", json!(2.5)), "admit with identity"),
        (("floats", json!(3)), "forbid"),
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
fn addresses_by_their_whole_domain() {
    let rule = rule(Access::Login, &[("email", json!(["@example.com", "bob@other.example"]))]);
    for (email, expected) in [
        (json!("alice@example.com"), "admit with identity"),
        (json!("alice@EXAMPLE.com"), "admit with identity"),
        (json!("a@b@example.com"), "admit with identity"),
        (json!("bob@other.example"), "admit with identity"),
        (json!("carol@other.example"), "forbid"),
        (json!("alice@sub.example.com"), "forbid"),
        (json!("alice@notexample.com"), "forbid"),
        (json!("alice@example.com.evil.example"), "forbid"),
        (json!("alice@example.com@evil.example"), "forbid"),
        (json!("alice@example.com."), "forbid"),
        (json!("alice@example.com "), "forbid"),
        (json!("@example.com@evil.example"), "forbid"),
        (json!("example.com"), "forbid"),
        (json!(7), "forbid"),
    ] {
        assert_eq!(verdict(&rule, known(json!({"sub": "a", "email": email}))), expected, "{email}");
    }
    // Elsewhere an `@` is a character like others.
    let group = self::rule(Access::Login, &[("groups", json!("@admins"))]);
    assert_eq!(verdict(&group, known(json!({"sub": "a", "groups": ["x@admins"]}))), "forbid");
    assert_eq!(verdict(&group, known(json!({"sub": "a", "groups": ["@admins"]}))), "admit with identity");
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
    let admitted = |rule: &Rule, visitor| match decide(rule, visitor, NOW) {
        Verdict::Admit(admitted) => admitted.answer_is_private(),
        verdict => panic!("{verdict:?}"),
    };
    let mut optional = rule(Access::Optional, &[]);
    assert!(!admitted(&optional, Visitor::Anonymous));
    assert!(admitted(&optional, known(json!({"sub": "a"}))));
    assert!(admitted(&rule(Access::Token, &[]), bearer(json!({"sub": "a"}))));
    optional.cache_public = true;
    assert!(!admitted(&optional, known(json!({"sub": "a"}))));
}

/// Whoever is not admitted is told what for, and whoever is admitted lacks nothing.
#[test]
fn an_explanation_is_as_the_verdict() {
    use super::suppose::{Outcome, Supposed, suppose};
    let object = |value: Value| value.as_object().unwrap().clone();
    let people = [
        Supposed::Nobody,
        Supposed::Visitor(object(json!({"sub": "a"}))),
        Supposed::Visitor(object(json!({"sub": "a", "groups": ["g"], "acr": "mfa", "auth_time": NOW.as_unix() - 5}))),
        Supposed::Caller(object(json!({"sub": "a", "scope": "read"}))),
        Supposed::Caller(object(
            json!({"scope": "read write", "groups": "g", "acr": "mfa", "auth_time": NOW.as_unix()}),
        )),
    ];
    let step_up = StepUp { acr_values: vec!["mfa".to_owned()], max_age: Some(core::time::Duration::from_secs(10)) };
    let mut outcomes = Vec::new();
    for access in [Access::Public, Access::Optional, Access::Login, Access::Token, Access::LoginOrToken, Access::Deny] {
        let mut demanding = rule(access, &[("groups", json!("g"))]);
        demanding.scopes = Scopes::parse(["write"]).unwrap();
        demanding.step_up = step_up.clone();
        for rule in [rule(access, &[]), demanding] {
            for whom in &people {
                let judgement = suppose(&rule, whom, NOW);
                let admitted = judgement.outcome == Outcome::Admit;
                assert_eq!(admitted, judgement.unmet.is_empty(), "{access:?} {whom:?} {judgement:?}");
                outcomes.push(judgement.unmet.len());
            }
        }
    }
    assert_eq!(outcomes.iter().max(), Some(&4), "a scope, a claim, a kind, a time");
}
