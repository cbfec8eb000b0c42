//! Flask-OIDC's custom callback: what a visitor was about to do travels, sealed, through the sign-in and back.

use edge_oidc::{Oidc, Visit};
use serde::{Deserialize, Serialize};
use worker::{Context, Env, Request, Response, Result, Url, event};

/// What comes back with the visitor; any type of serde's does.
#[derive(Serialize, Deserialize)]
struct Order {
    item: String,
    amount: u32,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Oidc::from_env(&env)?
        .serve(&request, async |visit| match request.path().as_str() {
            "/" => Response::ok("/order?item=cheese&amount=3"),
            "/order" => order(&visit, &request.url()?).await,
            "/oidc_callback" => ordered(&visit).await,
            "/phone" => phone(&visit).await,
            _ => Response::error("nothing here", 404),
        })
        .await
}

async fn order(visit: &Visit, url: &Url) -> Result<Response> {
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (Some(item), Some(amount)) = (value("item"), value("amount").and_then(|amount| amount.parse().ok())) else {
        return Response::error("order what?", 400);
    };
    visit.redirect_to_auth_server(None, Order { item, amount }).await.into_response()
}

async fn ordered(visit: &Visit) -> Result<Response> {
    let user = visit.require_login().await?;
    match visit.custom_callback::<Order>()? {
        Some(Order { item, amount }) => Response::ok(format!("{amount} {item} for {}", user.subject())),
        None => Response::error("nothing was ordered", 400),
    }
}

/// A mistake, to be seen: to index panics when the claim is not known, which ends the instance. `get` would not.
async fn phone(visit: &Visit) -> Result<Response> {
    Response::ok(visit.user_getinfo(&["phone"]).await?["phone"].to_string())
}
