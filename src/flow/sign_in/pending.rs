//! A sign-in under way: what waits for it in the browser, and is claimed once.

use core::time::Duration;

use crate::{
    config::ProviderSettings,
    error::{CallbackError, Error},
    flow::Site,
    host::Host,
    oauth::authorization::ResponseMode,
    session::{
        Pending,
        cookies::{MAX_COOKIE_BYTES, MAX_SIGN_INS},
        record::{decode_pending, encode_pending},
        seal::Purpose,
    },
    time::Timestamp,
    web::{
        cookie::{SameSite, SetCookie},
        form::Parameters,
    },
};

/// How long a visitor may take at the provider.
const SIGN_IN_TTL: Duration = Duration::from_secs(900);

/// `None` when it would be longer than a cookie may be.
pub(super) fn login_cookie(
    site: &Site,
    host: &impl Host,
    settings: &ProviderSettings,
    pending: &Pending,
) -> Result<Option<SetCookie>, Error> {
    let sealed = site.seal(host, Purpose::SignIn, &encode_pending(pending))?;
    let name = site.cookie_names.sign_in(pending.state.as_str());
    if name.len() + sealed.len() > MAX_COOKIE_BYTES {
        return Ok(None);
    }
    let cookie = SetCookie::new(&name, &sealed, &site.config.cookie.scope).map_err(|_| Error::Internal)?;
    Ok(Some(cookie.max_age(SIGN_IN_TTL).same_site(on_the_way_back(settings))))
}

/// The attribute of a cookie that is to come back with the response of the provider.
// A form that the provider's page posts here is a cross-site POST: `Lax` cookies stay behind.
pub(in crate::flow) fn on_the_way_back(settings: &ProviderSettings) -> SameSite {
    match settings.response_mode {
        ResponseMode::Query => SameSite::Lax,
        ResponseMode::FormPost => SameSite::None,
    }
}

/// The removal of login cookies that are over, and of the oldest beyond the number that a browser may hold.
pub(super) fn crowded_out(site: &Site, cookies: &str, now: Timestamp) -> Vec<SetCookie> {
    let all = site.cookie_names.sign_ins(cookies).map(|(name, sealed)| (waiting_since(site, sealed, now), name));
    let (waiting, over): (Vec<_>, Vec<_>) = all.partition(|(since, _)| since.is_some());
    let too_many = (waiting.len() + 1).saturating_sub(MAX_SIGN_INS);
    let is_crowded_out = |one: &&_| waiting.iter().filter(|other| *other < *one).count() < too_many;
    let gone = waiting.iter().filter(is_crowded_out).chain(&over);
    gone.filter_map(|(_, name)| SetCookie::delete(name, &site.config.cookie.scope).ok()).collect()
}

fn waiting_since(site: &Site, sealed: &str, now: Timestamp) -> Option<Timestamp> {
    let pending = open_pending(site, sealed)?;
    (now < pending.started_at.plus(SIGN_IN_TTL)).then_some(pending.started_at)
}

fn open_pending(site: &Site, sealed: &str) -> Option<Pending> {
    decode_pending(&site.ring.open(Purpose::SignIn, sealed).ok()?.plain).ok()
}

/// The sign-in that the response belongs to: of this browser, not too old, not used before.
pub(super) fn claim_pending(
    site: &Site,
    host: &impl Host,
    parameters: &Parameters,
    cookies: &str,
) -> Result<Pending, CallbackError> {
    let state = parameters.value("state").ok_or(CallbackError::StateMissing)?;
    let sealed = site.cookie_names.sign_in_of(cookies, parameters).ok_or(CallbackError::StateMismatch)?;
    let pending = open_pending(site, sealed).ok_or(CallbackError::StateMismatch)?;
    // RFC 6749 §10.12
    if !pending.state.equals(state) {
        return Err(CallbackError::StateMismatch);
    }
    let expires_at = pending.started_at.plus(SIGN_IN_TTL);
    if host.now() >= expires_at {
        return Err(CallbackError::StateExpired);
    }
    if !site.used_states.first_use(state, host.now(), expires_at) {
        return Err(CallbackError::StateReplayed);
    }
    Ok(pending)
}
