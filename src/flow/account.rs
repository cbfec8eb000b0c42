//! The page that tells visitors who they are here, and how to leave.

use serde_json::Value;

use crate::{
    flow::Site,
    session::Session,
    time::Timestamp,
    visitor::Identity,
    web::{pages, reply::Reply},
};

/// The claims by which people know themselves, the kindest first.
const NAMES: [&str; 4] = ["name", "email", "preferred_username", "sub"];

/// The account page of a signed-in visitor; the testing profile has no session.
pub fn page(site: &Site, identity: &Identity, session: Option<&Session>) -> Reply {
    let who = NAMES.iter().find_map(|name| identity.claims().get(*name).and_then(Value::as_str)).unwrap_or_default();
    let moment =
        |of: fn(&Session) -> Timestamp| session.map_or_else(|| "-".to_owned(), |known| of(known).to_utc_text());
    let (since, until) = (moment(|session| session.signed_in_at), moment(|session| session.ends_at));
    Reply::form_page(200, pages::account(who, &since, &until, &site.config.routes.logout))
}
