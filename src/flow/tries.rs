//! The loop breaker: a sign-in that succeeds, again and again, in a browser that does not keep the session.
//!
//! The way to the provider and back takes no click once a visitor is signed in there, so such a browser would go round
//! for ever.

use core::time::Duration;

use crate::{
    error::Error,
    flow::{Site, identify, sign_in::on_the_way_back},
    host::Host,
    session::{Pending, seal::Purpose},
    time::Timestamp,
    web::cookie::{self, SetCookie},
};

/// How long a try is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// The next one is not made.
const MAX_TRIES: u8 = 5;

/// One more sign-in that comes back without a session of an earlier one: the cookie that counts it.
/// `None` when there is nothing to count: the browser has shown that it keeps sessions, and this was no step-up that came
/// although there is one; or the sign-in had begun in another tab before the last one came back.
///
/// # Errors
///
/// [`Error::SignInLoop`] when there have been too many within a minute.
pub fn count(site: &Site, host: &impl Host, cookies: &str, pending: &Pending) -> Result<Option<SetCookie>, Error> {
    let now = host.now();
    if pending.step_up.asks_nothing() && identify::session(site, cookies, now).is_some() {
        return Ok(None);
    }
    let tries = match earlier(site, cookies, now) {
        Some((_, last)) if pending.started_at < last => return Ok(None),
        Some((tries, _)) => tries.saturating_add(1),
        None => 1,
    };
    if tries > MAX_TRIES {
        return Err(Error::SignInLoop);
    }
    let sealed = site.seal(host, Purpose::Tries, &encode(tries, now))?;
    let cookie = SetCookie::new(site.cookie_names.tries(), &sealed, &site.config.cookie.scope);
    let same_site = on_the_way_back(site.provider()?);
    Ok(Some(cookie.map_err(|_| Error::Internal)?.max_age(REMEMBERED_FOR).same_site(same_site)))
}

/// The removal of the count, when there is one: the session has lasted.
pub fn forget(site: &Site, cookies: &str) -> Option<SetCookie> {
    let name = site.cookie_names.tries();
    cookie::value(cookies, name)?;
    SetCookie::delete(name, &site.config.cookie.scope).ok()
}

fn earlier(site: &Site, cookies: &str, now: Timestamp) -> Option<(u8, Timestamp)> {
    let sealed = cookie::value(cookies, site.cookie_names.tries())?;
    let opened = site.ring.open(Purpose::Tries, sealed).ok()?;
    decode(&opened.plain).filter(|(_, last)| now < last.plus(REMEMBERED_FOR))
}

fn encode(tries: u8, now: Timestamp) -> Vec<u8> {
    let mut plain = vec![tries];
    plain.extend_from_slice(&now.as_unix().to_be_bytes());
    plain
}

fn decode(plain: &[u8]) -> Option<(u8, Timestamp)> {
    let (tries, last) = plain.split_first()?;
    Some((*tries, Timestamp::from_unix(i64::from_be_bytes(last.try_into().ok()?))))
}
