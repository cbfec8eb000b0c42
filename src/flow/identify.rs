//! Who sent this request. The hot path: one cookie is opened, nobody is asked.

use crate::{
    flow::Site,
    session::{
        Session,
        record::{decode_session, encode_session},
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
    let sealed = site.cookie_names.session(cookies)?;
    let session = open(site, &sealed).ok()?;
    (!is_over(site, &session, now)).then_some(session)
}

fn open(site: &Site, sealed: &str) -> Result<Session, SealError> {
    decode_session(&site.ring.open(Purpose::Session, sealed)?)
}

// From inside the sealed value: what a browser keeps beyond Max-Age is of no use.
fn is_over(site: &Site, session: &Session, now: Timestamp) -> bool {
    let settings = &site.config.session;
    let idle = settings.idle_ttl.is_some_and(|idle| now >= session.seen_at.plus(idle));
    now >= session.ends_at || now >= session.signed_in_at.plus(settings.ttl) || idle
}

/// The plain form of a session, for sealing.
pub(crate) fn plain(session: &Session) -> Vec<u8> {
    encode_session(session)
}
