//! The page that tells visitors who they are here, where else they are signed in, and how to leave.

use serde_json::Value;

use crate::{
    error::LogLine,
    flow::{Site, members},
    host::Host,
    session::Session,
    time::Timestamp,
    visitor::Identity,
    web::{
        pages::{self, Span},
        reply::Reply,
    },
};

/// The claims by which people know themselves, the kindest first.
const NAMES: [&str; 4] = ["name", "email", "preferred_username", "sub"];

/// The account page of a signed-in visitor; the testing profile has no session.
pub async fn page(site: &Site, host: &impl Host, identity: &Identity, session: Option<&Session>) -> Reply {
    let others = match session {
        Some(session) => others(site, host, session).await,
        None => None,
    };
    let here = session.map(|session| span(session.signed_in_at, session.ends_at));
    Reply::form_page(200, pages::account(who(identity), here.as_ref(), others.as_deref(), &site.config.routes.logout))
}

async fn others(site: &Site, host: &impl Host, session: &Session) -> Option<Vec<Span>> {
    let others = members::others(site, host, session).await.unwrap_or_else(|_| {
        host.log(&LogLine::event("store.load_failed"));
        None
    });
    Some(others?.iter().map(|other| span(other.signed_in_at, other.ends_at)).collect())
}

fn span(since: Timestamp, until: Timestamp) -> Span {
    Span { since: since.to_utc_text(), until: until.to_utc_text() }
}

/// What people know themselves by.
pub fn who(identity: &Identity) -> &str {
    NAMES.iter().find_map(|name| identity.claims().get(*name).and_then(Value::as_str)).unwrap_or_default()
}
