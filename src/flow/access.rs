//! The visitor's access token for the origin (`OIDC_PASS_ACCESS_TOKEN`).
//!
//! Tokens stay out of cookies: the store has them. What has been read there is remembered in the isolate, so that a
//! request in the common case asks nobody.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use crate::{
    error::{Error, LogLine},
    flow::{Site, identify, refresh},
    host::Host,
    oauth::AccessToken,
    session::{Credentials, Session, SessionId},
    store::{Store as _, StoreKey},
    time::Timestamp,
};

/// What the origin is handed lives at least that long.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(30);
/// A token that could not be had is not asked for again before that.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// More sessions are never remembered; when they are reached, all are forgotten.
const MAX_REMEMBERED: usize = 1000;
/// A longer one is asked for each time: few servers read such a header, and a thousand of them would fill the isolate.
const MAX_TOKEN_BYTES: usize = 8192;

/// The access tokens that this isolate has at hand. Plain data, bounded.
#[derive(Debug, Default)]
pub struct AccessTokens(RefCell<BTreeMap<SessionId, Kept>>);

#[derive(Debug)]
struct Kept {
    what: AtHand,
    until: Timestamp,
}

#[derive(Clone, Debug)]
enum AtHand {
    Fresh(AccessToken),
    /// The store had none to give.
    Nothing,
}

impl AccessTokens {
    /// What is at hand for a session; `None` when the store is to be asked.
    fn at_hand(&self, id: &SessionId, now: Timestamp) -> Option<AtHand> {
        let kept = self.0.try_borrow().ok()?;
        kept.get(id).filter(|kept| now <= kept.until).map(|kept| kept.what.clone())
    }

    /// Whether a fresh one is at hand.
    pub(super) fn has(&self, id: &SessionId, now: Timestamp) -> bool {
        matches!(self.at_hand(id, now), Some(AtHand::Fresh(_)))
    }

    /// Forgets what a session had.
    pub(super) fn forget(&self, id: &SessionId) {
        if let Ok(mut kept) = self.0.try_borrow_mut() {
            kept.remove(id);
        }
    }

    fn keep(&self, id: &SessionId, what: AtHand, until: Timestamp) {
        let Ok(mut kept) = self.0.try_borrow_mut() else { return };
        if kept.len() >= MAX_REMEMBERED {
            kept.clear();
        }
        kept.insert(id.clone(), Kept { what, until });
    }
}

/// Remembers the access token among these credentials, when the origin is to have it.
pub(super) fn remember(site: &Site, id: &SessionId, credentials: &Credentials) {
    let token = &credentials.access_token;
    if !site.config.pass_access_token || token.expose().len() > MAX_TOKEN_BYTES {
        return;
    }
    // A provider that does not say how long it lives is asked for another when the session's tokens are due.
    let last = credentials.access_token_expires_at.map_or(credentials.validity.until, |end| end.minus(FRESH_FOR));
    site.access_tokens.keep(id, AtHand::Fresh(token.clone()), last);
}

/// The access token of the session that the cookies hold and that stands, for the origin: one that lives a while yet, or
/// none.
///
/// # Errors
///
/// [`Error::RefreshUnavailable`]: it is over, and the provider could not give another.
pub async fn token(site: &Site, host: &impl Host, cookies: &str) -> Result<Option<AccessToken>, Error> {
    let Some(session) = identify::last_session(site, cookies) else { return Ok(None) };
    let now = host.now();
    match site.access_tokens.at_hand(&session.id, now) {
        Some(AtHand::Fresh(token)) => return Ok(Some(token)),
        Some(AtHand::Nothing) => return Ok(None),
        None => {}
    }
    // An entry that is older than the cookie is about to give way to the one that is on its way.
    let is_last = |known: &Credentials| known.validity.due() >= session.validity.due();
    match credentials(site, host, &session).await {
        Some(known) if is_over(&known, now) && known.refresh_token.is_some() && is_last(&known) => {
            Err(Error::RefreshUnavailable)
        }
        Some(known) if is_fresh(&known, now) => {
            remember(site, &session.id, &known);
            Ok(Some(known.access_token))
        }
        // On its way, or the store is down, or nothing that could be handed on: the session goes on all the same.
        _ => {
            host.log(&LogLine::event("access_token.missing"));
            site.access_tokens.keep(&session.id, AtHand::Nothing, now.plus(ASK_AGAIN_AFTER));
            Ok(None)
        }
    }
}

/// Whether the access token among these credentials has ended.
pub(super) fn is_over(credentials: &Credentials, now: Timestamp) -> bool {
    credentials.access_token_expires_at.is_some_and(|end| now >= end)
}

fn is_fresh(credentials: &Credentials, now: Timestamp) -> bool {
    credentials.access_token_expires_at.is_none_or(|end| end.since(now) >= FRESH_FOR)
}

async fn credentials(site: &Site, host: &impl Host, session: &Session) -> Option<Credentials> {
    let entry = host.store().load(&StoreKey::of_session(&session.id)).await.unwrap_or_else(|_| {
        host.log(&LogLine::event("store.load_failed"));
        None
    });
    refresh::newest(site, session, entry.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_forgets() {
        let (tokens, at) = (AccessTokens::default(), Timestamp::from_unix);
        let id = |index: u32| SessionId::from_random([index.to_be_bytes(); 8].concat().try_into().unwrap());
        tokens.keep(&id(0), AtHand::Fresh(AccessToken::new("a".to_owned())), at(10));
        tokens.keep(&id(1), AtHand::Nothing, at(10));
        assert!(tokens.has(&id(0), at(10)) && !tokens.has(&id(0), at(11)) && !tokens.has(&id(1), at(10)));
        assert!(matches!(tokens.at_hand(&id(1), at(10)), Some(AtHand::Nothing)));
        tokens.forget(&id(0));
        assert!(tokens.at_hand(&id(0), at(10)).is_none());
        for index in 0..2500 {
            tokens.keep(&id(index), AtHand::Nothing, at(10));
            assert!(tokens.0.borrow().len() <= MAX_REMEMBERED);
        }
    }
}
