//! Flask-OIDC's basic client: the index says who you are, `/login` requires it, `/logout` ends it.

use edge_oidc::{Oidc, Visit};
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Oidc::from_env(&env)?
        .serve(&request, async |visit| match request.path().as_str() {
            "/" => index(&visit).await,
            "/login" => login(&visit).await,
            "/api" => api(&visit).await,
            "/logout" => visit.logout(Some("/")).await.into_response(),
            _ => Response::error("nothing here", 404),
        })
        .await
}

async fn index(visit: &Visit) -> Result<Response> {
    match visit.user() {
        Some(user) => Response::ok(format!("Welcome {}", user.text("email").unwrap_or("stranger"))),
        None => Response::ok("Not logged in"),
    }
}

async fn login(visit: &Visit) -> Result<Response> {
    visit.require_login().await?;
    let info = visit.user_getinfo(&["email", "nickname"]).await?;
    let email = info.get("email").and_then(|email| email.as_str());
    Response::ok(format!("Hello, {}!", email.unwrap_or("stranger")))
}

/// Asks the provider's API on behalf of the visitor.
async fn api(visit: &Visit) -> Result<Response> {
    let subject = visit.require_login().await?.subject();
    match visit.access_token().await? {
        Some(token) => {
            let about = visit.user_getinfo_by(&token, &["groups"]).await?;
            Response::from_json(&about)
        }
        None => Response::error(format!("no access token for {subject}"), 503),
    }
}
