//! The library as code around it uses it: the guard's own decisions, asked for one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]

#[path = "embed/around.rs"]
mod around;
mod support;

use around::{Around, Got, Said, Visit, nothing, private};
use edge_oidc::{
    embed::{Before, before_request},
    gateway::Gateway,
    host::CallError,
    origin::HeaderEdit,
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{pin::Pin, rc::Rc};
use support::{Endpoint, FakeRequest, SESSION, SITE, block_on, config, provider::ISSUER};

fn usual() -> Around {
    Around::new(&json!({}))
}

async fn index(visit: Visit<'_>) -> Said {
    Ok(visit.user().map_or("nobody".to_owned(), |user| user.text("name").unwrap_or("?").to_owned()))
}

#[test]
fn nobody_is_asked_until_the_code_asks() {
    let around = usual();
    let got = around.visit(&around.browser(), "/", index);
    assert_eq!((got.status(), got.body.as_str()), (200, "nobody"));
    assert_eq!((got.cookies.len(), got.cache_control), (0, None), "the answer is the code's own");
    assert_eq!(around.host.take_counts(), support::host::Counts::default());
    let browser = around.alice();
    let got = around.visit(&browser, "/", index);
    assert_eq!((got.body.as_str(), got.cache_control.as_deref()), ("Alice A", Some("private")));
    assert_eq!(around.reads(), 0, "the cookie tells");
}

#[test]
fn who_has_to_sign_in_is_sent_or_told() {
    let around = usual();
    let browser = around.browser();
    let got = around.visit(&browser, "/private?x=1", private);
    assert_eq!(got.status(), 302);
    assert!(got.location().starts_with(&format!("{ISSUER}/authorize?")));
    assert_eq!((browser.login_cookies(), got.cookies.len()), (1, 1), "the cookie of the sign-in went along");
    let got = around.send(&around.browser(), FakeRequest::get("/private?x=1"), private);
    assert_eq!(got.status(), 401);
    let told: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(told, json!({"error": "login_required", "login_url": "/oidc_login?next=%2Fprivate%3Fx%3D1"}));
    assert!(got.cookies.is_empty());
    let alice = around.alice();
    assert_eq!(around.visit(&alice, "/private", private).body, "alice");
}

#[test]
fn our_endpoints_and_the_rules_come_first() {
    let rules = json!([{"path": "/closed", "access": "deny"}, {"path": "/in/*", "access": "login"}]);
    let around = Around::new(&json!({"OIDC_RULES": rules}));
    let browser = around.browser();
    for (target, status) in [("/oidc_health", 200), ("/closed", 403), ("/in/x", 302), ("/oidc_login", 302)] {
        assert_eq!(around.visit(&browser, target, nothing).status(), status, "{target}");
    }
    assert_eq!(around.visit(&browser, "/a%2fb", nothing).status(), 400);
    assert!(around.visit(&browser, "/elsewhere", index).by_code, "where no rule says anything, the code does");
    let around = Around::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "login"}]}));
    assert_eq!(around.visit(&around.browser(), "/", nothing).status(), 302, "a rule for everything stays as it is");
}

#[test]
fn claims_by_name() {
    let around = usual();
    around.host.provider.account.borrow_mut()["address"] = json!({"country": "CH", "street": "x"});
    let browser = around.alice();
    for (names, expected, reads) in [
        (&["email"][..], json!({"email": "alice@example.org"}), 0),
        (&["email", "preferred_username"], json!({"email": "alice@example.org", "preferred_username": "ali"}), 0),
        (&["email_verified", "sub"], json!({"email_verified": true, "sub": "alice"}), 1),
        (&["address.country"], json!({"address.country": "CH"}), 1),
        (&["phone", "", "a..b"], json!({}), 1),
    ] {
        let got = around.visit(&browser, "/", async |visit| {
            let found = visit.user_getinfo(names).await?;
            assert_eq!(visit.user_getinfo(names).await?, found, "asked twice");
            Ok(Value::Object(found).to_string())
        });
        assert_eq!((got.body, around.reads()), (expected.to_string(), reads), "{names:?}: one read at most");
    }
    let field = async |visit: Visit<'_>| Ok(format!("{:?}", visit.user_getfield("email").await?));
    assert!(around.visit(&browser, "/", field).body.contains("alice@example.org"));
    assert_eq!(around.visit(&around.browser(), "/", field).status(), 302, "of nobody there are none");
    around.host.faults.load.set(true);
    let got = around.visit(&browser, "/", async |visit| Ok(format!("{:?}", visit.user_getfield("phone").await?)));
    assert_eq!(got.status(), 503);
}

#[test]
fn claims_by_token() {
    let around = usual();
    let browser = around.alice();
    let ask = async |visit: Visit<'_>| {
        let token = visit.access_token().await?.unwrap();
        Ok(Value::Object(visit.user_getinfo_by(&token, &["groups", "email"]).await?).to_string())
    };
    assert_eq!(around.visit(&browser, "/", ask).body, json!({"groups": ["staff"]}).to_string(), "userinfo alone");
    assert_eq!(around.calls(Endpoint::Userinfo), 1);
    let got = around.visit(&around.browser(), "/", async |visit| {
        let bad = Secret::new("made-up".to_owned());
        Ok(format!("{:?}", visit.user_getinfo_by(&bad, &["groups"]).await?))
    });
    assert_eq!(got.status(), 502);
}

#[test]
fn tokens_of_the_session() {
    let around = usual();
    let browser = around.alice();
    let tokens = async |visit: Visit<'_>| {
        let claims = visit.id_token().await?.map(|claims| claims["sub"].clone());
        let access = visit.access_token().await?.map(|token| token.expose().clone());
        let refresh = visit.refresh_token().await?.map(|token| token.expose().clone());
        Ok(json!([claims, access, refresh]).to_string())
    };
    let got: Value = serde_json::from_str(&around.visit(&browser, "/", tokens).body).unwrap();
    assert_eq!(around.reads(), 1, "the store is asked once in a request");
    let issued = around.host.provider.issued();
    assert_eq!(got[0], "alice");
    assert!(issued.iter().any(|token| got[1] == **token) && issued.iter().any(|token| got[2] == **token), "{got}");
    assert_eq!(around.visit(&around.browser(), "/", tokens).body, "[null,null,null]");
    around.host.store.borrow_mut().clear();
    assert_eq!(around.visit(&browser, "/", tokens).body, "[null,null,null]", "on its way, or gone");
}

#[test]
fn claims_and_roles_that_are_required() {
    let around = usual();
    around.host.provider.account.borrow_mut()["resource_access"] = json!({"my.app": {"roles": ["editor"]}});
    let browser = around.alice();
    for (what, status, reads) in [
        (("groups", &["admins", "staff"][..]), 200, 0),
        (("groups", &["admins"]), 403, 0),
        (("groups", &[]), 403, 0),
        (("preferred_username", &["ali"]), 200, 0),
        (("department", &["x"]), 403, 1),
        (("a..b", &["x"]), 403, 0),
    ] {
        let (claim, any_of) = what;
        let code =
            async |visit: Visit<'_>| Ok(visit.require(claim, any_of.iter().copied()).await?.subject().to_owned());
        assert_eq!(around.visit(&browser, "/", code).status(), status, "{what:?}");
        assert_eq!(around.reads(), reads, "{what:?}");
        let expected = if claim == "a..b" { 403 } else { 302 };
        assert_eq!(around.visit(&around.browser(), "/", code).status(), expected, "{what:?}");
        around.host.take_counts();
    }
    for (client, role, status) in [("my.app", "editor", 200), ("my.app", "admin", 403), ("my", "editor", 403)] {
        let code = async |visit: Visit<'_>| Ok(visit.require_keycloak_role(client, role).await?.subject().to_owned());
        assert_eq!(around.visit(&browser, "/", code).status(), status, "{client} {role}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    item: String,
    amount: u32,
}

async fn order(visit: Visit<'_>) -> Said {
    Err(visit.redirect_to_auth_server(Some("/ignored"), Order { item: "cheese".to_owned(), amount: 3 }).await)
}

async fn ordered(visit: Visit<'_>) -> Said {
    let Some(order) = visit.custom_callback::<Order>()? else { return Ok("no order".to_owned()) };
    let token = visit.access_token().await?.is_some();
    Ok(format!(
        "{} orders {} {}, with a token: {token}",
        visit.require_login().await?.subject(),
        order.amount,
        order.item
    ))
}

#[test]
fn state_of_the_code_comes_back_with_the_visitor() {
    let around = usual();
    let browser = around.browser();
    let sent = around.visit(&browser, "/order", order);
    assert!(!sent.location().contains("cheese") && !sent.cookies[0].contains("cheese"), "sealed");
    let callback = around.host.provider.authorize(sent.location());
    let back = around.visit(&browser, &callback.url, ordered);
    assert_eq!((back.status(), back.body.as_str()), (200, "alice orders 3 cheese, with a token: true"));
    assert_eq!(back.cache_control.as_deref(), Some("private"));
    assert_eq!((browser.login_cookies(), browser.session().is_some()), (0, true), "signed in for good");
    assert_eq!(around.visit(&browser, "/", ordered).body, "no order", "once");
    assert_eq!(around.visit(&browser, &callback.url, nothing).status(), 400, "a replay");
    assert_eq!(around.visit(&browser, "/private", private).body, "alice");
}

#[test]
fn state_that_is_too_large_or_of_another_kind() {
    let around = usual();
    let browser = around.browser();
    let got =
        around.visit(&browser, "/", async |visit| Err(visit.redirect_to_auth_server(None, "x".repeat(4000)).await));
    assert_eq!((got.status(), around.host.last_event()), (500, "custom_state.too_large"));
    let sent = around.visit(&browser, "/order", order);
    let callback = around.host.provider.authorize(sent.location());
    let got = around.visit(&browser, &callback.url, async |visit| Ok(format!("{:?}", visit.custom_callback::<u8>()?)));
    assert_eq!((got.status(), around.host.last_event()), (500, "custom_state.unreadable"));
}

#[test]
fn destinations_are_pages_of_this_site() {
    let around = usual();
    for (destination, expected) in [
        (Some("/there?x=1"), "/there?x=1"),
        (None, "/here?y=2"),
        (Some("https://evil.example/"), "/"),
        (Some("//evil.example/"), "/"),
        (Some("/oidc_logout"), "/"),
    ] {
        let browser = around.browser();
        let sent = around
            .visit(&browser, "/here?y=2", async |visit| Err(visit.redirect_to_auth_server(destination, ()).await));
        let callback = around.host.provider.authorize(sent.location());
        assert_eq!(around.visit(&browser, &callback.url, nothing).location(), expected, "{destination:?}");
    }
}

#[test]
fn signing_out() {
    let around = usual();
    let browser = around.alice();
    let got = around.visit(&browser, "/leave", async |visit| Err(visit.logout(Some("/bye")).await));
    assert!(got.location().starts_with(&format!("{ISSUER}/logout?")), "{got:?}");
    assert!(browser.session().is_none());
    assert_eq!(around.visit(&browser, "/", index).body, "nobody");

    let browser = around.alice();
    let copy = browser.session().unwrap();
    let got = around.visit(&browser, "/leave", async |visit| {
        visit.logout_here().await;
        assert!(!visit.user_loggedin() && visit.access_token().await?.is_none());
        Ok("you have been logged out".to_owned())
    });
    assert_eq!((got.status(), browser.session()), (200, None));
    browser.set_cookie(SESSION, &copy);
    assert_eq!(around.visit(&browser, "/", index).body, "nobody", "a copy of the cookie is of no use");
}

#[test]
fn who_has_left_here_is_not_shown_as_signed_in_elsewhere() {
    let around = usual();
    around.host.turns.set(true);
    let (browser, another) = (around.alice(), around.alice());
    let listed = || around.visit(&another, "/oidc_account", index).body.split("<li>").count() - 1;
    assert_eq!(listed(), 1);
    around.visit(&browser, "/leave", async |visit| {
        visit.logout_here().await;
        Ok(String::new())
    });
    assert_eq!(listed(), 0);
}

#[test]
fn a_renewed_session_goes_back_with_any_answer() {
    let around = usual();
    for forbidden in [false, true] {
        let browser = around.alice();
        let before = browser.session();
        around.host.pass(3580);
        let got = around.visit(&browser, "/", async |visit| {
            if forbidden {
                visit.require("groups", ["admins"]).await?;
            }
            Ok("fine".to_owned())
        });
        assert_eq!(got.status(), if forbidden { 403 } else { 200 });
        assert_ne!(browser.session(), before);
    }
    let browser = around.alice();
    around.host.pass(3580);
    around.visit(&browser, "/", async |visit| {
        visit.logout_here().await;
        Ok(String::new())
    });
    assert_eq!(browser.session(), None, "but not when it has been ended meanwhile");
}

#[test]
fn the_code_can_not_set_what_is_ours() {
    let around = usual();
    let browser = around.alice();
    around.visit(&browser, "/", index);
    around.cache_control.set("public, max-age=60");
    around.set_cookies.borrow_mut().extend([format!("{SESSION}=x"), "theme=dark; Max-Age=60".to_owned()]);
    let got = around.visit(&browser, "/", index);
    assert_eq!(got.cookies, ["theme=dark; Max-Age=60"]);
    assert_eq!(got.cache_control.as_deref(), Some("private, max-age=60"));
}

#[test]
fn a_guard_with_a_hook() {
    let around = Around::new(&json!({"OIDC_RULES": [{"path": "/*", "access": "login"}]}));
    let browser = around.alice();
    let request = FakeRequest::page("/app").header("x-team", "spoofed").cookies(&browser.cookies_for("/app"));
    let Before::Visit(visit, after) = block_on(before_request(Rc::clone(&around.gateway), &around.host, request))
    else {
        panic!("alice may pass")
    };
    let mut passage = visit.passage();
    passage.claims["groups"].as_array_mut().unwrap().push(json!("from, the hook"));
    passage.set_header("X-Team", "blue 100%").unwrap();
    for bad in ["", "a b", "-x", "a\n", "é"] {
        assert!(passage.set_header(bad, "x").is_err(), "{bad:?}");
    }
    let forward = block_on(after.pass_on(passage)).unwrap();
    let set = |name: &str, value: &str| HeaderEdit::set(name, value);
    assert!(forward.edits.contains(&set("X-Forwarded-Groups", "staff,from%2C the hook")));
    assert!(forward.edits.contains(&set("X-Team", "blue 100%25")), "and not what the client says");
    assert!(forward.edits.contains(&set("X-Forwarded-User", "alice")));
    assert!(forward.answer_is_private);
    assert_eq!(forward.url.as_deref(), Some("https://origin.example/app"));
}

#[test]
fn a_provider_that_is_down_is_told_to_the_visitor() {
    let around = usual();
    around.host.provider.lie(|lies| lies.fail(Endpoint::Metadata, CallError::Unreachable));
    let got = around.visit(&around.browser(), "/private", private);
    assert_eq!((got.status(), got.cookies.len()), (502, 0));
}

fn asking() -> Around {
    let around = usual();
    around.host.provider.introspects.set(true);
    around.host.provider.opaque("good-token", &json!({"sub": "alice", "client_id": "app", "scope": "read"}));
    around
}

fn bearer(token: &str) -> FakeRequest {
    FakeRequest::get("/api").header("authorization", &format!("Bearer {token}"))
}

#[test]
fn tokens_that_the_code_asks_for() {
    let around = asking();
    for (request, required, scopes, status, challenge) in [
        (bearer("good-token"), true, &["read"][..], 200, ""),
        (bearer("good-token"), false, &[], 200, ""),
        (bearer("good-token"), true, &["read", "admin"], 403, "error=\"insufficient_scope\""),
        (bearer("good-token"), true, &["no such\nscope"], 403, ""),
        (bearer("bad-token"), true, &[], 401, "error=\"invalid_token\""),
        (bearer("bad-token"), false, &[], 401, "error=\"invalid_token\""),
        (FakeRequest::get("/api"), true, &["read"], 401, "scope=\"read\""),
        (FakeRequest::page("/api"), true, &[], 401, "Bearer realm="),
        (FakeRequest::get("/api"), false, &["read"], 200, ""),
        (bearer("a b"), false, &[], 400, "error=\"invalid_request\""),
    ] {
        let told = format!("{request:?} {required} {scopes:?}");
        let brings_one = !request.headers.is_empty() && request.headers[0].0 == "authorization";
        let got = around.send(&around.browser(), request, async |visit| {
            let caller = visit.accept_token(required, scopes).await?;
            assert_eq!(visit.token_info(), caller);
            assert_eq!(caller.is_some(), brings_one);
            Ok(caller.and_then(|caller| caller.subject().map(str::to_owned)).unwrap_or_default())
        });
        assert_eq!(got.status(), status, "{told}");
        let header = got.reply.as_ref().and_then(|reply| reply.header_value("www-authenticate")).unwrap_or_default();
        assert!(header.contains(challenge), "{told}: {header}");
        assert!(got.cookies.is_empty(), "{told}");
    }
}

#[test]
fn what_is_answered_to_a_caller_is_no_shared_cache_s() {
    let around = asking();
    around.cache_control.set("public, max-age=60");
    for (request, expected) in [(bearer("good-token"), Some("private, max-age=60")), (FakeRequest::get("/api"), None)] {
        let got = around.send(&around.browser(), request, async |visit| {
            visit.accept_token(false, &[]).await.map(|_| String::new())
        });
        assert_eq!(got.cache_control.as_deref(), expected);
    }
    let got = around.send(&around.browser(), FakeRequest::get("/socket"), async |visit| {
        visit.validate_token("good-token", &[]).await.map(|_| String::new())
    });
    assert_eq!(got.cache_control.as_deref(), Some("private, max-age=60"));
}

#[test]
fn the_challenge_names_metadata_that_is_there() {
    let around = asking();
    let refused = async |visit: Visit<'_>| visit.accept_token(true, &["read"]).await.map(|_| String::new());
    let named = |got: &Got| {
        let challenge = got.reply.as_ref().and_then(|reply| reply.header_value("www-authenticate")).unwrap();
        challenge.split_once("resource_metadata=\"").map(|(_, rest)| rest.trim_end_matches('"').to_owned())
    };
    let got = around.send(&around.browser(), FakeRequest::get("/api/x"), refused);
    let url = named(&got).unwrap();
    assert_eq!(url, format!("{SITE}/.well-known/oauth-protected-resource"));
    let told = around.send(&around.browser(), FakeRequest::get(url.strip_prefix(SITE).unwrap()), nothing);
    let document: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(
        (told.status(), &document["resource"], &document["authorization_servers"]),
        (200, &json!(SITE), &json!([ISSUER]))
    );
    assert_eq!(document.get("scopes_supported"), None, "what the code will ask for, nobody knows");
    let other = FakeRequest::get("/.well-known/oauth-protected-resource/api");
    assert!(around.send(&around.browser(), other, index).by_code, "the code's own");
    // The hook of a guard that takes no tokens by itself.
    let guard = Around {
        gateway: Rc::new(Gateway::new(config(&json!({"OIDC_RULES": [{"path": "/*", "access": "public"}]})))),
        ..asking()
    };
    let got = guard.send(&guard.browser(), FakeRequest::get("/api/x"), refused);
    assert_eq!((got.status(), named(&got)), (401, None));
}

#[test]
fn tokens_that_the_code_has_from_elsewhere() {
    let around = asking();
    for (token, scopes, status) in
        [("good-token", &["read"][..], 200), ("good-token", &["admin"], 403), ("bad-token", &[], 401), ("", &[], 401)]
    {
        let got = around.send(&around.browser(), FakeRequest::get("/socket"), async |visit| {
            let caller = visit.validate_token(token, scopes).await?;
            Ok(caller.subject().unwrap_or_default().to_owned())
        });
        assert_eq!(got.status(), status, "{token} {scopes:?}");
    }
}

type Code = fn(Visit<'_>) -> Pin<Box<dyn Future<Output = Said> + '_>>;

#[test]
fn where_nobody_signs_in_asking_for_a_user_is_a_mistake_that_is_told() {
    let only = Around::new(&json!({"OIDC_RESOURCE_SERVER_ONLY": true}));
    let alice = usual().alice().session().unwrap();
    let ask = |code: Code| {
        let browser = only.browser();
        browser.set_cookie(SESSION, &alice);
        let got = only.visit(&browser, "/", async |visit| code(visit).await);
        (got, only.host.last_event())
    };
    let (got, _) = ask(|visit| Box::pin(index(visit)));
    assert_eq!((got.by_code, got.body.as_str()), (true, "nobody"), "no cookie tells who somebody is");
    let mistakes: [(&str, Code); 9] = [
        ("require_login", |visit| Box::pin(private(visit))),
        ("user_getinfo", |visit| Box::pin(async move { Ok(format!("{:?}", visit.user_getinfo(&["sub"]).await?)) })),
        ("id_token", |visit| Box::pin(async move { Ok(format!("{:?}", visit.id_token().await?)) })),
        ("access_token", |visit| Box::pin(async move { Ok(format!("{:?}", visit.access_token().await?)) })),
        ("refresh_token", |visit| Box::pin(async move { Ok(format!("{:?}", visit.refresh_token().await?)) })),
        ("require", |visit| Box::pin(async move { Ok(format!("{:?}", visit.require("sub", ["alice"]).await?)) })),
        ("roles", |visit| Box::pin(async move { Ok(format!("{:?}", visit.require_keycloak_role("a", "b").await?)) })),
        ("redirect", |visit| Box::pin(async move { Err(visit.redirect_to_auth_server(None, ()).await) })),
        ("logout", |visit| Box::pin(async move { Err(visit.logout(None).await) })),
    ];
    for (name, code) in mistakes {
        let (got, event) = ask(code);
        assert_eq!((got.status(), event), (500, "sign_in.nobody_can"), "{name}");
        assert!(got.cookies.is_empty() && !got.body.contains("OIDC_"), "{name}: {got:?}");
    }
    assert_eq!(only.calls(Endpoint::Metadata), 0, "the provider is left alone");
}

#[test]
fn where_nobody_signs_in_code_takes_callers() {
    let only = Around::new(&json!({"OIDC_RESOURCE_SERVER_ONLY": true, "OIDC_SECRET_KEY": null}));
    only.host.provider.introspects.set(true);
    only.host.provider.opaque("good-token", &json!({"sub": "alice", "client_id": "app", "scope": "read"}));
    for (request, status) in [(bearer("good-token"), 200), (bearer("bad-token"), 401), (FakeRequest::get("/api"), 401)]
    {
        let told = format!("{request:?}");
        let got = only.send(&only.browser(), request, async |visit| {
            let caller = visit.accept_token(true, &["read"]).await?;
            Ok(caller.and_then(|caller| caller.subject().map(str::to_owned)).unwrap_or_default())
        });
        assert_eq!((got.status(), got.by_code), (status, true), "{told}");
    }
}
