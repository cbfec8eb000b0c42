//! Flask-OIDC's `accept_token`: an API whose callers bring access tokens, with the scopes that it asks for.

use edge_oidc::{Oidc, Visit};
use serde_json::json;
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Oidc::from_env(&env)?
        .serve(&request, async |visit| match request.path().as_str() {
            "/api" => hello(&visit).await,
            "/api/open" => open(&visit).await,
            _ => Response::error("nothing here", 404),
        })
        .await
}

async fn hello(visit: &Visit) -> Result<Response> {
    let caller = visit.accept_token(true, &["openid"]).await?;
    let subject = caller.as_ref().and_then(|caller| caller.subject()).unwrap_or_default();
    Response::from_json(&json!({ "hello": subject }))
}

/// For everybody; who brings a token is greeted by name.
async fn open(visit: &Visit) -> Result<Response> {
    visit.accept_token(false, &[]).await?;
    let info = visit.token_info();
    Response::from_json(&json!({ "hello": info.as_ref().and_then(|caller| caller.subject()) }))
}
