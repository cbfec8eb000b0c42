//! What we know of the provider: its metadata and keys, fetched when needed, kept while fresh, and kept on when the
//! provider is down.

use core::{cell::RefCell, time::Duration};
use std::rc::Rc;

use crate::{
    config::ProviderSettings,
    error::{Error, KeysError, LogLine, ProviderError, StepError},
    host::Host,
    jose::{JwkSet, JwsError, UntrustedJwt},
    oauth::{
        access_token::{self, AccessTokenError, Caller},
        exchange::ProviderRequest,
    },
    oidc::{
        discovery::{self, Metadata},
        id_token::{self, Expected, IdToken, IdTokenError},
        logout::{self, ExpectedLogout, LogoutError, LogoutToken},
    },
    time::Timestamp,
};

/// How long metadata and keys count as fresh.
const FRESH_FOR: Duration = Duration::from_secs(3600);
/// An unknown key, or a provider that is down, makes us ask again no more often than this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// When nothing at all is known yet and that many tries in a row have failed, we rest before the next one: anybody can
/// cause it.
const TRIES_IN_A_ROW: u32 = 5;
const REST: Duration = Duration::from_secs(5);

/// Metadata and keys of the provider, in this isolate. Plain data: no request ever waits for another one's fetch.
#[derive(Debug, Default)]
pub struct ProviderCache {
    metadata: Slot<Metadata>,
    keys: Slot<JwkSet>,
    /// When a token with an unknown key last made us fetch the keys anew: one from the provider's own hand, and one that
    /// anybody may have sent, who is not to hold up the others.
    fetched_for_provider: RefCell<Option<Timestamp>>,
    pub(super) fetched_for_anybody: RefCell<Option<Timestamp>>,
}

#[derive(Debug)]
struct Slot<T> {
    kept: RefCell<Option<Kept<T>>>,
    failures: RefCell<Option<Failures>>,
}

#[derive(Debug)]
struct Kept<T> {
    value: Rc<T>,
    fresh_until: Timestamp,
}

/// How often in a row there was nothing to be had, and why, when there is nothing older either.
#[derive(Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
    error: Error,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { kept: RefCell::new(None), failures: RefCell::new(None) }
    }
}

impl<T> Slot<T> {
    /// What is known, or else what the fetch gives; what was good before, when it gives nothing.
    async fn known_or(&self, host: &impl Host, fetch: impl Future<Output = Result<T, Error>>) -> Result<Rc<T>, Error> {
        if let Some(value) = self.fresh(host.now()) {
            return Ok(value);
        }
        if let Some(error) = self.given_up(host.now()) {
            return Err(error);
        }
        match fetch.await {
            Ok(value) => Ok(self.keep(value, host.now())),
            // The provider is down or lies: what was good before is still the best there is.
            Err(error) => match self.stale(host.now()) {
                Some(value) => {
                    host.log(&LogLine::error(&error));
                    Ok(value)
                }
                None => Err(self.failed(error, host.now())),
            },
        }
    }

    fn fresh(&self, now: Timestamp) -> Option<Rc<T>> {
        let kept = self.kept.try_borrow().ok()?;
        kept.as_ref().filter(|kept| now < kept.fresh_until).map(|kept| Rc::clone(&kept.value))
    }

    /// The last good value, however old; not asked about again for a while.
    fn stale(&self, now: Timestamp) -> Option<Rc<T>> {
        let mut kept = self.kept.try_borrow_mut().ok()?;
        let kept = kept.as_mut()?;
        kept.fresh_until = now.plus(ASK_AGAIN_AFTER);
        Some(Rc::clone(&kept.value))
    }

    fn keep(&self, value: T, now: Timestamp) -> Rc<T> {
        let value = Rc::new(value);
        if let Ok(mut kept) = self.kept.try_borrow_mut() {
            *kept = Some(Kept { value: Rc::clone(&value), fresh_until: now.plus(FRESH_FOR) });
        }
        if let Ok(mut failures) = self.failures.try_borrow_mut() {
            *failures = None;
        }
        value
    }

    /// It is asked for once more; what is known until then stays good.
    fn expire(&self, now: Timestamp) {
        if let Ok(mut kept) = self.kept.try_borrow_mut()
            && let Some(kept) = kept.as_mut()
        {
            kept.fresh_until = now;
        }
    }

    /// Why it was not to be had a moment ago, when that has happened too often for another try.
    fn given_up(&self, now: Timestamp) -> Option<Error> {
        let mut failures = self.failures.try_borrow_mut().ok()?;
        let known = failures.as_mut().filter(|known| known.count >= TRIES_IN_A_ROW)?;
        if now.since(known.last) < REST {
            return Some(known.error.clone());
        }
        // Who tries now may wait for long; the others don't wait beside it.
        known.last = now;
        None
    }

    fn failed(&self, error: Error, now: Timestamp) -> Error {
        if let Ok(mut failures) = self.failures.try_borrow_mut() {
            let count = failures.as_ref().map_or(0, |known| known.count).saturating_add(1);
            *failures = Some(Failures { count, last: now, error: error.clone() });
        }
        error
    }
}

impl ProviderCache {
    /// The provider's metadata.
    pub async fn metadata(&self, host: &impl Host, settings: &ProviderSettings) -> Result<Rc<Metadata>, Error> {
        let fetch = async {
            match discovery::from_given(&settings.issuer, &settings.endpoints) {
                Some(given) => Ok(given),
                None => discover(host, settings).await,
            }
        };
        self.metadata.known_or(host, fetch).await
    }

    async fn keys(&self, host: &impl Host, metadata: &Metadata) -> Result<Rc<JwkSet>, Error> {
        self.keys.known_or(host, fetch_keys(host, metadata)).await
    }

    /// Verifies an ID token. One of an algorithm that was not announced makes us look, once, whether it is by now.
    pub async fn verify_id_token(
        &self,
        host: &impl Host,
        settings: &ProviderSettings,
        metadata: &Metadata,
        untrusted: &str,
        expected: &Expected<'_>,
    ) -> Result<IdToken, Error> {
        let refused = |error| Error::from(ProviderError::IdToken(error));
        let untrusted = UntrustedJwt::parse(untrusted).map_err(|error| refused(error.into()))?;
        let is_about_keys = |error: &IdTokenError| matches!(error, IdTokenError::Jws(error) if is_about_keys(*error));
        let mut announced = None;
        loop {
            let metadata = announced.as_deref().unwrap_or(metadata);
            let expected = Expected { algs: &metadata.id_token_algs, ..*expected };
            let judge = async |keys: &JwkSet| id_token::verify(untrusted.clone(), &expected, keys, host).await;
            match self.judged(&self.fetched_for_provider, host, metadata, judge, is_about_keys).await? {
                Err(IdTokenError::Jws(JwsError::AlgorithmNotAllowed))
                    if announced.is_none() && may_fetch_again(&self.fetched_for_provider, host.now()) =>
                {
                    self.metadata.expire(host.now());
                    self.keys.expire(host.now());
                    announced = Some(self.metadata(host, settings).await?);
                }
                verdict => return verdict.map_err(refused),
            }
        }
    }

    /// Verifies a logout token. Anyone may post one: what is no token at all costs the provider nothing.
    pub async fn verify_logout_token(
        &self,
        host: &impl Host,
        metadata: &Metadata,
        untrusted: &str,
        expected: &ExpectedLogout<'_>,
    ) -> Result<LogoutToken, Error> {
        let untrusted = UntrustedJwt::parse(untrusted).map_err(|error| Error::Logout(error.into()))?;
        let judge = async |keys: &JwkSet| logout::verify_logout_token(untrusted.clone(), expected, keys, host).await;
        let is_about_keys = |error: &LogoutError| matches!(error, LogoutError::Jws(error) if is_about_keys(*error));
        self.judged(&self.fetched_for_anybody, host, metadata, judge, is_about_keys).await?.map_err(Error::Logout)
    }

    /// Verifies an access token. What the token is to blame for is the inner error.
    pub async fn verify_access_token(
        &self,
        host: &impl Host,
        metadata: &Metadata,
        untrusted: UntrustedJwt,
        expected: &access_token::Expected<'_>,
    ) -> Result<Result<Caller, AccessTokenError>, Error> {
        let judge = async |keys: &JwkSet| access_token::verify(untrusted.clone(), expected, keys, host).await;
        let is_about_keys = |error: &AccessTokenError| match error {
            AccessTokenError::Jws(error) => is_about_keys(*error),
            _ => false,
        };
        self.judged(&self.fetched_for_anybody, host, metadata, judge, is_about_keys).await
    }

    /// A judgement by the provider's keys. When it fails for want of one, they are fetched anew, once.
    pub(super) async fn judged<T, E>(
        &self,
        last_fetch: &RefCell<Option<Timestamp>>,
        host: &impl Host,
        metadata: &Metadata,
        judge: impl AsyncFn(&JwkSet) -> Result<T, E>,
        is_about_keys: impl Fn(&E) -> bool,
    ) -> Result<Result<T, E>, Error> {
        let keys = self.keys(host, metadata).await?;
        match judge(&keys).await {
            Err(error) if is_about_keys(&error) && may_fetch_again(last_fetch, host.now()) => {
                let keys = self.keys.keep(fetch_keys(host, metadata).await?, host.now());
                Ok(judge(&keys).await)
            }
            verdict => Ok(verdict),
        }
    }
}

fn may_fetch_again(last_fetch: &RefCell<Option<Timestamp>>, now: Timestamp) -> bool {
    let Ok(mut last) = last_fetch.try_borrow_mut() else { return false };
    let allowed = last.is_none_or(|last| now.since(last) >= ASK_AGAIN_AFTER);
    if allowed {
        *last = Some(now);
    }
    allowed
}

// Rotated; or replaced under its old name.
fn is_about_keys(error: JwsError) -> bool {
    matches!(error, JwsError::UnknownKey | JwsError::BadSignature)
}

async fn discover(host: &impl Host, settings: &ProviderSettings) -> Result<Metadata, Error> {
    let failed = |error| Error::from(ProviderError::Discovery(error));
    let request = discovery::request(&settings.issuer).ok_or(Error::Internal)?;
    let answer = host.call(request).await.map_err(|error| failed(StepError::Call(error)))?;
    discovery::response(&answer, &settings.issuer, &settings.endpoints)
        .map_err(|error| failed(StepError::Answer(error)))
}

async fn fetch_keys(host: &impl Host, metadata: &Metadata) -> Result<JwkSet, Error> {
    let failed = |error| Error::from(ProviderError::Keys(error));
    let request = ProviderRequest::for_json(metadata.jwks_uri.clone());
    let answer = host.call(request).await.map_err(|error| failed(StepError::Call(error)))?;
    if answer.status != 200 {
        return Err(failed(StepError::Answer(KeysError::UnexpectedStatus)));
    }
    JwkSet::parse(&answer.body).map_err(|error| failed(StepError::Answer(KeysError::Malformed(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asks_at_a_time_where_nobody_answers() {
        let slot = Slot::<()>::default();
        let at = |seconds: i64| Timestamp::from_unix(1000 + seconds);
        for _ in 0..TRIES_IN_A_ROW {
            assert!(slot.given_up(at(0)).is_none());
            slot.failed(Error::Internal, at(0));
        }
        assert!(slot.given_up(at(4)).is_some());
        // A call lasts up to ten seconds; meanwhile another one is begun each five, by one request alone.
        for begun in [5, 10, 15] {
            let asking = (0..1000).filter(|_| slot.given_up(at(begun)).is_none());
            assert_eq!(asking.count(), 1);
            assert!(slot.given_up(at(begun + 4)).is_some());
        }
        slot.keep((), at(16));
        assert!(slot.given_up(at(16)).is_none());
    }
}
