//! The stock guard, in front of any origin, with one function of your own: it changes what the origin is told of a
//! visitor, adds a header, or decides.

use edge_oidc::{Guard, Passage, Visit};
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    Guard::from_env(&env)?.serve(&request, hook).await
}

async fn hook(visit: Visit, passage: &mut Passage) -> Result<()> {
    // Decide: this one is out for today.
    visit.require_login().await?;
    if visit.user().and_then(|user| user.text("email")) == Some("mallory@example.com") {
        visit.require("groups", ["pardoned"]).await?;
    }
    // Change a claim: it becomes the header that OIDC_HEADERS names.
    if let Some(groups) = passage.claims.get_mut("groups").and_then(|groups| groups.as_array_mut()) {
        groups.retain(|group| group != "internal");
        groups.push("seen-at-the-edge".into());
    }
    // Add a header of your own.
    passage.set_header("X-Team", "blue")?;
    Ok(())
}
