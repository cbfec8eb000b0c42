//! Whether a session has been ended somewhere else: asked of the store every so often, remembered in between.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use crate::{
    error::{Error, LogLine},
    flow::Site,
    host::Host,
    oidc::logout::Ends,
    session::{Session, SessionId},
    store::{Store as _, StoreError, StoreKey, mark},
    time::Timestamp,
};

/// The least time an entry is kept: Workers KV refuses less.
pub(super) const MIN_TTL: Duration = Duration::from_secs(60);
/// More sessions are never remembered; when they are reached, all are asked about again.
const MAX_REMEMBERED: usize = 10_000;

/// What this isolate knows of the standing of sessions. Plain data, bounded.
#[derive(Debug, Default)]
pub struct Standings(RefCell<BTreeMap<SessionId, Standing>>);

/// What is known of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It had not been ended at that moment.
    GoodAt(Timestamp),
    /// It has been ended.
    Ended,
}

impl Standings {
    fn of(&self, id: &SessionId) -> Option<Standing> {
        self.0.try_borrow().ok()?.get(id).copied()
    }

    /// It is over in this isolate, whatever the store says.
    pub(super) fn end(&self, id: &SessionId) {
        self.remember(id, Standing::Ended);
    }

    fn remember(&self, id: &SessionId, standing: Standing) {
        let Ok(mut known) = self.0.try_borrow_mut() else { return };
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, standing| *standing == Standing::Ended);
        }
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(id.clone(), standing);
    }
}

/// Whether the session has not been ended, as far as the settings want to know it. `None`: it has been.
/// Otherwise when that was last certain.
///
/// # Errors
///
/// [`Error::StoreUnavailable`] when the store has not been able to tell for too long.
pub async fn check(site: &Site, host: &impl Host, session: &Session) -> Result<Option<Timestamp>, Error> {
    let now = host.now();
    if is_ended_here(site, session) {
        return Ok(None);
    }
    let last = match site.standings.of(&session.id) {
        Some(Standing::GoodAt(moment)) => moment.max(session.checked_at),
        _ => session.checked_at,
    };
    let settings = &site.config.session;
    if now.since(last) < settings.check_interval {
        return Ok(Some(last));
    }
    match is_ended(site, host, session).await {
        Ok(true) => {
            site.standings.remember(&session.id, Standing::Ended);
            Ok(None)
        }
        Ok(false) => {
            site.standings.remember(&session.id, Standing::GoodAt(now));
            Ok(Some(now))
        }
        Err(StoreError) => {
            host.log(&LogLine::event("store.load_failed"));
            if now.since(last) < settings.outage_grace { Ok(Some(last)) } else { Err(Error::StoreUnavailable) }
        }
    }
}

/// Whether it has been ended here, or found to be.
pub(super) fn is_ended_here(site: &Site, session: &Session) -> bool {
    site.standings.of(&session.id) == Some(Standing::Ended)
        || site.ended.up_to(session).is_some_and(|moment| session.signed_in_at <= moment)
}

async fn is_ended(site: &Site, host: &impl Host, session: &Session) -> Result<bool, StoreError> {
    for key in StoreKey::all_of(session, site.issuer()) {
        let value = host.store().load(&key).await?;
        if value.is_some_and(|value| mark::ends(&value, session.signed_in_at)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When a new session begins: now, or after the mark that has ended every other one of its subject. Whoever signs in
/// within the second of signing out means the new session to last.
pub(super) async fn later_than_marks(site: &Site, host: &impl Host, session: &Session) -> Timestamp {
    let key = StoreKey::of_subject(site.issuer(), session.identity.subject());
    let marked = host.store().load(&key).await.ok().flatten().and_then(|value| mark::moment(&value));
    let after = marked.max(site.ended.up_to(session)).map(|moment| moment.plus(Duration::from_secs(1)));
    after.map_or(session.signed_in_at, |after| after.max(session.signed_in_at))
}

/// Ends one session: its credentials give way to a mark.
///
/// # Errors
///
/// [`StoreError`] when other isolates may not hear of it.
pub async fn end_session(site: &Site, host: &impl Host, session: &Session) -> Result<(), StoreError> {
    site.standings.end(&session.id);
    site.access_tokens.forget(&session.id);
    mark_session(site, host, session).await
}

/// The same, from the next check on.
///
/// # Errors
///
/// [`StoreError`] when nobody may hear of it.
pub(super) async fn mark_session(site: &Site, host: &impl Host, session: &Session) -> Result<(), StoreError> {
    site.unsaved.forget(&session.id);
    record(site, host, &StoreKey::of_session(&session.id), host.now()).await
}

/// Ends every one of these sessions that was signed in at `moment` or before.
///
/// # Errors
///
/// [`StoreError`] when other isolates may not hear of it.
pub async fn end(site: &Site, host: &impl Host, ends: &Ends, moment: Timestamp) -> Result<(), StoreError> {
    for key in keys_of(ends, site.issuer()) {
        record(site, host, &key, moment).await?;
    }
    // Not before: whoever is told that it could not be done is still signed in here.
    site.ended.remember(ends, moment);
    Ok(())
}

/// Notes that there is a session of this provider session: whoever names another one by the front channel names none of
/// ours.
pub(super) async fn note_provider_session(site: &Site, host: &impl Host, session: &Session) {
    let Some(sid) = &session.provider_session else { return };
    let key = StoreKey::of_known(site.issuer(), sid);
    if record(site, host, &key, session.signed_in_at).await.is_err() {
        site.tell_unsaved(host, &session.identity);
    }
}

/// What is known of the sessions of ours that belong to one at the provider; `None`: nothing.
///
/// # Errors
///
/// [`StoreError`] when nobody can tell.
pub(super) async fn provider_session(
    site: &Site,
    host: &impl Host,
    sid: &str,
) -> Result<Option<ProviderSession>, StoreError> {
    let known = host.store().load(&StoreKey::of_known(site.issuer(), sid)).await?;
    let Some(began) = known.and_then(|value| mark::moment(&value)) else { return Ok(None) };
    // What this isolate remembers does not count: it may not have been recorded.
    let marked = host.store().load(&StoreKey::of_provider_session(site.issuer(), sid)).await?;
    let is_over = marked.is_some_and(|value| mark::ends(&value, began));
    Ok(Some(if is_over { ProviderSession::Over } else { ProviderSession::Stands { began } }))
}

/// What is known of the sessions of ours that belong to one at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProviderSession {
    /// One may still stand.
    Stands {
        /// When the last of them began: a moment later than now, where another one had just been ended.
        began: Timestamp,
    },
    /// All have been ended.
    Over,
}

fn keys_of(ends: &Ends, issuer: &str) -> Vec<StoreKey> {
    match ends {
        Ends::ProviderSession { sid, subject } => {
            let unnamed = subject.as_ref().map(|subject| StoreKey::of_unnamed(issuer, subject));
            core::iter::once(StoreKey::of_provider_session(issuer, sid)).chain(unnamed).collect()
        }
        Ends::Subject(subject) => vec![StoreKey::of_subject(issuer, subject)],
    }
}

async fn record(site: &Site, host: &impl Host, key: &StoreKey, moment: Timestamp) -> Result<(), StoreError> {
    // Whatever is older than the longest session needs no mark any more.
    let ttl = site.config.session.ttl.max(MIN_TTL);
    host.store().save(key, &mark::mark(moment), ttl).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let standings = Standings::default();
        for index in 0..25_000_u32 {
            let id = SessionId::from_random([index.to_be_bytes(); 8].concat().try_into().unwrap());
            standings.remember(&id, Standing::GoodAt(Timestamp::from_unix(0)));
            assert!(standings.0.borrow().len() <= MAX_REMEMBERED);
        }
    }
}
