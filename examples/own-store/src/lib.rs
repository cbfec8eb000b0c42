//! Credentials in a store of your own, held against the contract of stores under `wrangler dev`; and a `Router`, which
//! has the visit as its data.

mod store;

use edge_oidc::{MemoryCredentials, Oidc, Visit, store::contract};
use store::D1Credentials;
use worker::{Context, Date, Env, Request, Response, Result, RouteContext, Router, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Oidc::with_store(&env, D1Credentials::from_env(&env)?)?
        .serve(&request, async |visit| {
            Router::with_data(visit)
                .get_async("/", index)
                .get_async(
                    "/me",
                    |_, context| async move { Response::ok(context.data.require_login().await?.subject()) },
                )
                .get_async("/contract", kept)
                .run(request.clone()?, env.clone())
                .await
        })
        .await
}

async fn index(_request: Request, context: RouteContext<Visit>) -> Result<Response> {
    let subject = context.data.require_login().await?.subject();
    match context.data.id_token().await? {
        Some(claims) => Response::ok(format!("{subject}, of whom the database knows {} claims", claims.len())),
        None => Response::ok(format!("{subject}, of whom the database knows nothing")),
    }
}

/// What a store of your own must do; the one that is for tests does it too. `npx wrangler dev --var TRY_STORE:yes`
async fn kept(_request: Request, context: RouteContext<Visit>) -> Result<Response> {
    if context.env.var("TRY_STORE").is_err() {
        return Response::error("nothing here", 404);
    }
    let run = Date::now().as_millis().to_string();
    for told in [
        contract::check(&D1Credentials::from_env(&context.env)?, &run).await,
        contract::check(&MemoryCredentials::default(), &run).await,
    ] {
        if let Err(broken) = told {
            return Response::error(broken.to_string(), 500);
        }
    }
    Response::ok("the contract is kept")
}
