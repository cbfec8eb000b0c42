//! Flask-OIDC's `require_keycloak_role`: a page for those who have a role at a client of Keycloak's.
//!
//! Keycloak puts roles into the access token alone, unless told otherwise: in the client's dedicated scope, let the mapper
//! "client roles" add them to the ID token or to userinfo.

use edge_oidc::{Oidc, Visit};
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Oidc::from_env(&env)?
        .serve(&request, async |visit| match request.path().as_str() {
            "/" => Response::ok("/editors /staff"),
            "/editors" => editors(&visit).await,
            "/staff" => staff(&visit).await,
            _ => Response::error("nothing here", 404),
        })
        .await
}

async fn editors(visit: &Visit) -> Result<Response> {
    let user = visit.require_keycloak_role("newspaper", "editor").await?;
    Response::ok(format!("{} edits", user.subject()))
}

/// The same for any claim: one of these values must be in it.
async fn staff(visit: &Visit) -> Result<Response> {
    let user = visit.require("groups", ["staff", "admins"]).await?;
    Response::ok(format!("{} is staff", user.subject()))
}
