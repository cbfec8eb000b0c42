//! New tokens for a session, before the old ones end (RFC 6749 §6, OIDC Core §12).
//!
//! Many requests may find at once that it is time. One provider call should come of it, and none of them may lose the
//! session: whoever comes too late takes over what the winner has stored.

use core::{cell::RefCell, time::Duration};
use std::collections::BTreeMap;

use crate::{
    config::{ProviderSettings, SessionExpiry},
    error::{Error, LogLine, ProviderError, StepError},
    flow::{
        Site, access, sign_in, sign_out,
        standing::{self, MIN_TTL},
    },
    host::{Host, random},
    json::Object,
    oauth::{
        RefreshToken,
        token::{self, TokenError, TokenSet},
    },
    oidc::{
        discovery::Metadata,
        id_token::{self, Expected, IdToken},
        userinfo,
    },
    session::{
        Credentials, Session, SessionId, Validity,
        record::{decode_credentials, encode_credentials},
        seal::NONCE_BYTES,
    },
    store::{Claim, Store as _, StoreKey, mark},
    time::Timestamp,
};

/// Tokens are renewed this long before their end.
const MARGIN: Duration = Duration::from_secs(30);
/// How long tokens vouch when the provider does not say.
const UNSAID: Duration = Duration::from_secs(3600);

/// While the old tokens last, a session is tried no more often than this.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// More sessions are never remembered; when they are reached, all may be tried again.
const MAX_REMEMBERED: usize = 10_000;

/// When this isolate last tried to renew a session: neither requests that come together nor a provider that is down
/// make it ask each time.
#[derive(Debug, Default)]
pub struct Attempts(RefCell<BTreeMap<SessionId, Attempt>>);

#[derive(Debug)]
struct Attempt {
    began_at: Timestamp,
    failed: bool,
}

impl Attempts {
    /// Whether it is time to try; then this counts as a try. While one is under way, only those try, too, who have
    /// nothing to go on with.
    fn may_try(&self, id: &SessionId, now: Timestamp, can_wait: bool) -> bool {
        let Ok(mut tried) = self.0.try_borrow_mut() else { return false };
        let last = tried.get(id).filter(|last| now.since(last.began_at) < TRY_AGAIN_AFTER);
        if last.is_some_and(|last| can_wait || last.failed) {
            return false;
        }
        if tried.len() >= MAX_REMEMBERED {
            tried.clear();
        }
        tried.insert(id.clone(), Attempt { began_at: now, failed: false });
        true
    }

    /// When it is decided, whoever comes with an older cookie hears of it at once.
    fn ended(&self, id: &SessionId, decided: bool) {
        let Ok(mut tried) = self.0.try_borrow_mut() else { return };
        if decided {
            tried.remove(id);
        } else if let Some(attempt) = tried.get_mut(id) {
            attempt.failed = true;
        }
    }
}

/// What became of a session whose tokens were due.
#[derive(Debug)]
pub enum Refreshed {
    /// It goes on with new tokens, its own or another request's.
    Renewed(Session),
    /// It goes on as it was, as long as the old tokens last.
    Kept,
    /// It is over.
    Over,
}

/// What the provider gave for the refresh token.
struct Fresh {
    /// Before it was asked: its answer may have been on its way for a while, and tokens live from when they are issued.
    asked_at: Timestamp,
    tokens: TokenSet,
    id_token: Option<IdToken>,
    claims: Object,
}

impl Fresh {
    /// Whether the visitor still is one of those the operator lets in; without a new ID token there is nothing new.
    fn is_member(&self, settings: &ProviderSettings) -> bool {
        let checked = |id_token| sign_in::check_membership(settings, id_token, &self.claims).is_ok();
        self.id_token.as_ref().is_none_or(checked)
    }
}

/// How long tokens vouch for a session, by what came with them, and when they are due.
pub fn validity(
    site: &Site,
    asked_at: Timestamp,
    ends_at: Timestamp,
    tokens: &TokenSet,
    id_token: Option<&IdToken>,
) -> Validity {
    let leeway = site.config.providers.first().map_or(Duration::ZERO, |provider| provider.leeway.as_duration());
    // Without a new ID token the session goes on to the access token's end.
    let access_token_end = asked_at.plus(tokens.expires_in.unwrap_or(UNSAID));
    let end = id_token.map_or(access_token_end, IdToken::expires_at);
    let lasts = site.config.session.expiry == SessionExpiry::Cookie;
    let until = match id_token {
        _ if lasts => ends_at,
        // An ID token is accepted within the leeway, so it lasts until the leeway is over.
        Some(_) => end.plus(leeway),
        None => end,
    };
    let by_end = (!lasts).then(|| end.minus(MARGIN.min(end.since(asked_at) / 2)));
    let by_access_token = site.config.pass_access_token.then(|| due_for_origin(asked_at, access_token_end)).flatten();
    let due = by_end.into_iter().chain(by_access_token).min();
    Validity { until: until.min(ends_at), refresh_at: due.filter(|_| tokens.refresh_token.is_some()) }
}

/// When an access token that the origin is handed has to be renewed, so that it is fresh whenever one asks. One that is
/// never fresh enough need not be.
fn due_for_origin(asked_at: Timestamp, end: Timestamp) -> Option<Timestamp> {
    let life = end.since(asked_at);
    // Early enough for those to have a fresh one who come while another request asks for the next.
    let margin = (2 * access::FRESH_FOR).min(life / 2).max(access::FRESH_FOR);
    (life > access::FRESH_FOR).then(|| end.minus(margin))
}

/// Renews the tokens of a session.
///
/// # Errors
///
/// [`Error::StoreUnavailable`], [`Error::RefreshUnavailable`]: they can't be renewed now, and the old ones are over.
pub async fn refresh(site: &Site, host: &impl Host, session: &Session) -> Result<Refreshed, Error> {
    let now = host.now();
    let can_wait = !site.config.pass_access_token || site.access_tokens.has(&session.id, now);
    if !site.attempts.may_try(&session.id, now, can_wait) && now < session.validity.until {
        return Ok(Refreshed::Kept);
    }
    let refreshed = in_turn(site, host, session).await;
    site.attempts.ended(&session.id, !matches!(refreshed, Ok(Refreshed::Kept) | Err(_)));
    refreshed
}

async fn in_turn(site: &Site, host: &impl Host, session: &Session) -> Result<Refreshed, Error> {
    // What this isolate could not store is newer than what stands there.
    if let Some(taken_over) = take_over(site, session, None) {
        return Ok(taken_over);
    }
    let key = StoreKey::of_session(&session.id);
    let stored = match host.store().claim(&key, session.validity.due()).await {
        Ok(Claim::Renewed(entry)) => return Ok(take_over(site, session, Some(&entry)).unwrap_or(Refreshed::Kept)),
        Ok(Claim::Yours(entry)) => entry,
        Err(_) => return while_it_lasts(host, session, Error::StoreUnavailable),
    };
    let refreshed = renew(site, host, session, &key, stored.as_deref()).await;
    if !matches!(refreshed, Ok(Refreshed::Renewed(_))) {
        host.store().release(&key).await;
    }
    refreshed
}

async fn renew(
    site: &Site,
    host: &impl Host,
    session: &Session,
    key: &StoreKey,
    stored: Option<&[u8]>,
) -> Result<Refreshed, Error> {
    if let Some(taken_over) = take_over(site, session, stored) {
        return Ok(taken_over);
    }
    // On its way, or gone: absence proves nothing.
    let Some(old) = newest(site, session, stored) else { return Ok(Refreshed::Kept) };
    let Some(refresh_token) = &old.refresh_token else { return Ok(Refreshed::Kept) };
    let settings = site.provider()?;
    let renewed = async {
        let metadata = site.provider_cache.metadata(host, settings).await?;
        let asked_at = host.now();
        let tokens = ask(host, settings, &metadata, refresh_token).await?;
        let id_token = verify(site, host, settings, &metadata, &tokens, &old.claims).await?;
        let claims = claims(host, settings, &metadata, &tokens, id_token.as_ref(), &old.claims).await;
        Ok(Fresh { asked_at, tokens, id_token, claims })
    };
    match renewed.await {
        // The refresh token may be spent, so that this can't be found out a second time.
        Ok(fresh) if !fresh.is_member(settings) => Ok(over_here(site, session)),
        // Signed out while the provider was asked: a mark is not written over.
        Ok(fresh) if is_ended(site, host, session, key).await => {
            // The sign-out has revoked the one before it.
            if let Ok(metadata) = site.provider_cache.metadata(host, settings).await {
                sign_out::revoke(site, host, &metadata, fresh.tokens.refresh_token.as_ref()).await;
            }
            Ok(Refreshed::Over)
        }
        Ok(fresh) => Ok(Refreshed::Renewed(keep(site, host, session, fresh, old).await)),
        Err(Error::Provider(ProviderError::Token(StepError::Answer(TokenError::InvalidGrant)))) => {
            let lasts = host.now() < session.validity.until
                && !(site.config.pass_access_token && access::is_over(&old, host.now()));
            Ok(lost(site, host, session, key, lasts).await)
        }
        // A token that does not check out, or is somebody else's, is no reason to go on.
        Err(error @ Error::Provider(ProviderError::IdToken(_))) => {
            host.log(&LogLine::error(&error));
            Ok(over_here(site, session))
        }
        Err(error) => {
            host.log(&LogLine::error(&error));
            while_it_lasts(host, session, Error::RefreshUnavailable)
        }
    }
}

fn over_here(site: &Site, session: &Session) -> Refreshed {
    site.standings.end(&session.id);
    Refreshed::Over
}

async fn is_ended(site: &Site, host: &impl Host, session: &Session, key: &StoreKey) -> bool {
    // A sign-out that the store did not take counts here all the same.
    if standing::is_ended_here(site, session) {
        return true;
    }
    let stored = host.store().load(key).await.ok().flatten();
    stored.is_some_and(|entry| mark::ends(&entry, session.signed_in_at))
}

/// The session as another request has renewed it, or ended it; `None` when nothing is newer than the cookie.
fn take_over(site: &Site, session: &Session, stored: Option<&[u8]>) -> Option<Refreshed> {
    if stored.is_some_and(|entry| mark::ends(entry, session.signed_in_at)) {
        return Some(Refreshed::Over);
    }
    let credentials = newest(site, session, stored)?;
    let is_newer = credentials.validity.due() > session.validity.due();
    if is_newer {
        access::remember(site, &session.id, &credentials);
    }
    is_newer.then(|| Refreshed::Renewed(renewed(site, session, credentials.validity, &credentials.claims)))
}

/// The session as another request has renewed it; `None` when none has, or it has been ended.
pub(super) async fn taken_over(site: &Site, host: &impl Host, session: &Session) -> Option<Session> {
    let entry = host.store().load(&StoreKey::of_session(&session.id)).await.ok().flatten();
    match take_over(site, session, entry.as_deref())? {
        Refreshed::Renewed(renewed) => Some(renewed),
        Refreshed::Kept | Refreshed::Over => None,
    }
}

/// The credentials that count: those that stand in the store, or newer ones that this isolate could not store.
pub(super) fn newest(site: &Site, session: &Session, stored: Option<&[u8]>) -> Option<Credentials> {
    let stored = stored.and_then(|entry| open(site, session, entry));
    let waiting = site.unsaved.entry(&session.id).and_then(|entry| open(site, session, &entry));
    let due = |known: &Option<Credentials>| known.as_ref().map(|known| known.validity.due());
    if due(&waiting) > due(&stored) { waiting } else { stored }
}

pub(super) fn open(site: &Site, session: &Session, entry: &[u8]) -> Option<Credentials> {
    let opened = site.ring.open_entry(&session.id, entry).ok()?;
    decode_credentials(&opened.plain).ok()
}

/// The provider knows the refresh token no more. Another request may have been faster: it is looked up once more.
async fn lost(site: &Site, host: &impl Host, session: &Session, key: &StoreKey, lasts: bool) -> Refreshed {
    host.log(&site.about(LogLine::event("refresh.invalid_grant"), &session.identity));
    let entry = host.store().load(key).await.ok().flatten();
    match take_over(site, session, entry.as_deref()) {
        Some(taken_over) => taken_over,
        None if lasts => Refreshed::Kept,
        None => Refreshed::Over,
    }
}

fn while_it_lasts(host: &impl Host, session: &Session, otherwise: Error) -> Result<Refreshed, Error> {
    if host.now() < session.validity.until { Ok(Refreshed::Kept) } else { Err(otherwise) }
}

async fn ask(
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    refresh_token: &RefreshToken,
) -> Result<TokenSet, Error> {
    let failed = |error| Error::from(ProviderError::Token(error));
    let method = settings.auth_method(metadata);
    let request = token::refresh_request(metadata.token_endpoint.clone(), &settings.client, method, refresh_token);
    let answer = host.call(request).await.map_err(|error| failed(StepError::Call(error)))?;
    token::response(&answer).map_err(|error| failed(StepError::Answer(error)))
}

async fn verify(
    site: &Site,
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    tokens: &TokenSet,
    first: &Object,
) -> Result<Option<IdToken>, Error> {
    let Some(untrusted) = &tokens.untrusted_id_token else { return Ok(None) };
    let expected = Expected {
        issuers: &settings.valid_issuers,
        client_id: &settings.client.id,
        nonce: None,
        access_token: Some(&tokens.access_token),
        algs: &metadata.id_token_algs,
        now: host.now(),
        leeway: settings.leeway,
    };
    let id_token = site.provider_cache.verify_id_token(host, settings, metadata, untrusted.expose(), &expected).await?;
    if id_token::continues(&id_token, first) {
        Ok(Some(id_token))
    } else {
        Err(ProviderError::IdToken(id_token::IdTokenError::Discontinued).into())
    }
}

/// What is known now: the new ID token's claims over userinfo's. Where that fails, the old ones stand in for it.
async fn claims(
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    tokens: &TokenSet,
    id_token: Option<&IdToken>,
    old: &Object,
) -> Object {
    let Some(id_token) = id_token else { return old.clone() };
    let fresh = sign_in::claims(host, settings, metadata, tokens, id_token).await.unwrap_or_else(|error| {
        host.log(&LogLine::error(&error));
        userinfo::merge(id_token, old.clone())
    });
    carried(fresh, old)
}

// OIDC Core §12.2: a refreshed ID token may lack the nonce; the first one's is what a later one is held against. How
// somebody signed in it may not say again either.
fn carried(mut fresh: Object, old: &Object) -> Object {
    for name in ["nonce", "auth_time", "sid", "acr", "amr"] {
        if let (false, Some(value)) = (fresh.contains_key(name), old.get(name)) {
            fresh.insert(name.to_owned(), value.clone());
        }
    }
    fresh
}

async fn keep(site: &Site, host: &impl Host, session: &Session, fresh: Fresh, old: Credentials) -> Session {
    let Fresh { asked_at, tokens, id_token, claims } = fresh;
    // A provider that gives no new refresh token means that the old one stays good (RFC 6749 §6).
    let tokens = TokenSet { refresh_token: tokens.refresh_token.or(old.refresh_token), ..tokens };
    let mut validity = validity(site, asked_at, session.ends_at, &tokens, id_token.as_ref());
    if id_token.is_none() {
        // The ID token that is there still vouches.
        validity.until = validity.until.max(session.validity.until);
    }
    let credentials = Credentials {
        access_token_expires_at: tokens.expires_in.map(|span| asked_at.plus(span)),
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        id_token: tokens.untrusted_id_token.unwrap_or(old.id_token),
        claims,
        validity,
    };
    // A store that fails costs no session yet.
    let _saved = save(site, host, session, &credentials).await;
    host.log(&site.about(LogLine::event("refresh.finished"), &session.identity));
    renewed(site, session, validity, &credentials.claims)
}

/// Stores credentials under a session's key; whether it could. The cookie alone signs the visitor in, so a store that fails costs no
/// session; it is tried twice, because a rotated refresh token exists nowhere else.
pub(super) async fn save(site: &Site, host: &impl Host, session: &Session, credentials: &Credentials) -> bool {
    access::remember(site, &session.id, credentials);
    let Ok(nonce) = random::<NONCE_BYTES>(host) else { return false };
    let Some(entry) = site.ring.seal_entry(&session.id, nonce, &encode_credentials(credentials)) else { return false };
    let ttl = session.ends_at.since(host.now()).max(MIN_TTL);
    let key = StoreKey::of_session(&session.id);
    for _ in 0..2 {
        if host.store().save_renewed(&key, &entry, credentials.validity.due(), ttl).await.is_ok() {
            site.unsaved.forget(&session.id);
            return true;
        }
    }
    site.tell_unsaved(host, &session.identity);
    site.unsaved.keep(&session.id, entry, credentials.validity.due(), host.now());
    false
}

fn renewed(site: &Site, session: &Session, validity: Validity, claims: &Object) -> Session {
    Session { validity, identity: sign_in::identity(site, claims), ..session.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spaced_and_memory_is_bounded() {
        let (attempts, at) = (Attempts::default(), Timestamp::from_unix);
        let id = |index: u32| SessionId::from_random([index.to_be_bytes(); 8].concat().try_into().unwrap());
        assert!(attempts.may_try(&id(0), at(0), true));
        assert!(!attempts.may_try(&id(0), at(9), true));
        assert!(attempts.may_try(&id(0), at(9), false), "nothing to go on with");
        attempts.ended(&id(0), false);
        assert!(!attempts.may_try(&id(0), at(9), false), "it has just failed");
        assert!(attempts.may_try(&id(1), at(9), true));
        assert!(attempts.may_try(&id(0), at(19), true));
        attempts.ended(&id(0), true);
        assert!(attempts.may_try(&id(0), at(19), true));
        for index in 0..25_000 {
            attempts.may_try(&id(index), at(20), true);
            assert!(attempts.0.borrow().len() <= MAX_REMEMBERED);
        }
    }
}
