//! Who sent this request. The hot path: one cookie is opened, nobody is asked.

use crate::{
    flow::Site,
    session::{
        Session,
        record::decode_session,
        seal::{Purpose, SealError},
    },
    time::Timestamp,
    visitor::{Identity, Visitor},
};

/// The visitor that the cookies name. A cookie that is not good is nobody's: it is not an error.
pub fn identify(site: &Site, cookies: &str, now: Timestamp) -> Visitor {
    if let Some(profile) = &site.config.testing_profile {
        return Visitor::Known(Identity::new(profile.clone()));
    }
    match session(site, cookies, now) {
        Some(session) => Visitor::Known(session.identity),
        None => Visitor::Anonymous,
    }
}

/// The session that the cookies hold, unless it is over.
pub fn session(site: &Site, cookies: &str, now: Timestamp) -> Option<Session> {
    last_session(site, cookies).filter(|session| !is_over(site, session, now))
}

/// The session that the cookies hold, over or not: good for signing out of, not for anything else.
pub fn last_session(site: &Site, cookies: &str) -> Option<Session> {
    let sealed = site.cookie_names.session(cookies)?;
    open(site, &sealed).ok()
}

fn open(site: &Site, sealed: &str) -> Result<Session, SealError> {
    decode_session(&site.ring.open(Purpose::Session, sealed)?.plain)
}

// From inside the sealed value: what a browser keeps beyond Max-Age is of no use.
fn is_over(site: &Site, session: &Session, now: Timestamp) -> bool {
    let settings = &site.config.session;
    let idle = settings.idle_ttl.is_some_and(|idle| now >= session.seen_at.plus(idle));
    now >= session.ends_at || now >= session.signed_in_at.plus(settings.ttl) || idle
}
