//! Who sent this request. The hot path: one cookie is opened, nobody is asked.

use core::time::Duration;

use crate::{
    error::Error,
    flow::{
        Site,
        refresh::{Refreshed, refresh},
        sign_in, standing, unsaved,
    },
    host::Host,
    session::{
        Session, Validity,
        record::decode_session,
        seal::{Purpose, SealError},
    },
    time::Timestamp,
    visitor::{Identity, Visitor},
    web::cookie::SetCookie,
};

/// The visitor, and the cookies to renew on the way back.
#[derive(Debug)]
pub struct Identified {
    /// Who it is.
    pub visitor: Visitor,
    /// The session, resealed because something about it has changed; usually nothing.
    pub renewed: Vec<SetCookie>,
}

impl Identified {
    /// Nobody we know, or nobody we need to know.
    pub const fn anonymous() -> Self {
        Self { visitor: Visitor::Anonymous, renewed: Vec::new() }
    }
}

/// The visitor that the cookies name. A cookie that is not good is nobody's: it is not an error.
///
/// # Errors
///
/// [`Error::StoreUnavailable`], [`Error::RefreshUnavailable`]: it can't be told now; the cookie is kept.
pub async fn identify(site: &Site, host: &impl Host, cookies: &str) -> Result<Identified, Error> {
    if let Some(profile) = &site.config.testing_profile {
        return Ok(Identified { visitor: Visitor::Known(Identity::new(profile.clone())), renewed: Vec::new() });
    }
    let Some((session, by_newest_key)) = opened(site, cookies) else { return Ok(Identified::anonymous()) };
    let id = session.id.clone();
    let Some(Standing { mut session, renewed, checked_at }) = stand(site, host, session).await? else {
        site.access_tokens.forget(&id);
        return Ok(Identified::anonymous());
    };
    let now = host.now();
    let changed = note_times(site, &mut session, now, checked_at) || renewed || !by_newest_key;
    let renewed = if changed { sign_in::session_cookies(site, host, (&session, now), cookies)? } else { Vec::new() };
    Ok(Identified { visitor: Visitor::Known(session.identity), renewed })
}

/// A session that is not over.
#[derive(Debug)]
pub struct Standing {
    /// As it is now.
    pub session: Session,
    /// Whether its tokens are others than they were.
    pub renewed: bool,
    /// When it was last certain that it had not been ended.
    pub checked_at: Timestamp,
}

/// The session as it stands now: not over by itself, not ended elsewhere, its tokens renewed when they are due. `None`:
/// it is over.
///
/// # Errors
///
/// [`Error::StoreUnavailable`], [`Error::RefreshUnavailable`]: it can't be told now.
pub async fn stand(site: &Site, host: &impl Host, mut session: Session) -> Result<Option<Standing>, Error> {
    let now = host.now();
    if is_over(site, &session, now) {
        return Ok(None);
    }
    let Some(checked_at) = standing::check(site, host, &session).await? else { return Ok(None) };
    let mut renewed = false;
    // Three times: what waits here for the store may be due again itself, and so may what another request has stored.
    for _ in 0..3 {
        if session.validity.refresh_at.is_none_or(|due| now < due) {
            break;
        }
        match refresh(site, host, &session).await? {
            Refreshed::Renewed(with_new_tokens) => (session, renewed) = (with_new_tokens, true),
            Refreshed::Kept => break,
            Refreshed::Over => return Ok(None),
        }
    }
    // Not beside a renewal, which stores what is newer: Workers KV takes one write of a key in a second.
    if !renewed {
        unsaved::store_again(site, host, &session).await;
    }
    Ok((now < session.validity.until).then_some(Standing { session, renewed, checked_at }))
}

/// The session that the cookies hold, unless it is over by itself; the store is not asked.
pub fn session(site: &Site, cookies: &str, now: Timestamp) -> Option<Session> {
    last_session(site, cookies).filter(|session| !is_over(site, session, now) && now < session.validity.until)
}

/// The session that the cookies hold, over or not: good for signing out of, not for anything else.
pub fn last_session(site: &Site, cookies: &str) -> Option<Session> {
    opened(site, cookies).map(|(session, _)| session)
}

fn opened(site: &Site, cookies: &str) -> Option<(Session, bool)> {
    site.cookie_names.sessions(cookies).find_map(|sealed| site.opened.or_open(&sealed, || open(site, &sealed)).ok())
}

fn open(site: &Site, sealed: &str) -> Result<(Session, bool), SealError> {
    let opened = site.ring.open(Purpose::Session, sealed)?;
    Ok((decode_session(&opened.plain)?, opened.by_newest_key))
}

// From inside the sealed value: what a browser keeps beyond Max-Age is of no use.
pub(super) fn is_over(site: &Site, session: &Session, now: Timestamp) -> bool {
    let is_idle = idle_at(site, session).is_some_and(|idle| now >= idle);
    let Validity { until, refresh_at } = session.validity;
    let unvouched = refresh_at.is_none() && now >= until;
    now >= session.ends_at || now >= session.signed_in_at.plus(site.config.session.ttl) || is_idle || unvouched
}

/// When it is over unless it is seen again.
pub(super) fn idle_at(site: &Site, session: &Session) -> Option<Timestamp> {
    site.config.session.idle_ttl.map(|idle| session.seen_at.plus(idle))
}

/// Notes when the session was seen and found good; not each time, for every note is a cookie. Whether it did.
fn note_times(site: &Site, session: &mut Session, now: Timestamp, checked_at: Timestamp) -> bool {
    let settings = &site.config.session;
    let seen_is_old = settings.idle_ttl.is_some_and(|idle| now.since(session.seen_at) >= fraction(idle, 10));
    let check_is_old = checked_at.since(session.checked_at) >= fraction(settings.outage_grace, 2);
    if !seen_is_old && !check_is_old {
        return false;
    }
    session.seen_at = now;
    session.checked_at = session.checked_at.max(checked_at);
    true
}

// At least a second: less can't be told apart.
fn fraction(span: Duration, parts: u32) -> Duration {
    (span / parts).max(Duration::from_secs(1))
}
