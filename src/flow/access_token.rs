//! Who calls, by an access token: what is known of it already, or what the provider says of it, or what it says itself
//! and the provider signed. Then the proofs that a bound token needs.

use core::time::Duration;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::{
    Site, check_rate, location, possession,
    token_cache::{Finding, TokenHash},
};
use crate::{
    config::{ProviderSettings, TokenCheck},
    error::{Error, ProviderError, StepError},
    host::Host,
    jose::UntrustedJwt,
    oauth::{
        access_token::{AccessTokenError, Caller, Expected},
        bearer::{Location, Presented},
        exchange::ProviderAnswer,
        introspection::{self, Answer, IntrospectionAuth, IntrospectionEndpoint, IntrospectionError},
    },
    time::Timestamp,
    web::{path::RequestUrl, request::IncomingRequest},
};

/// How long a token stays bad at most: the next moment the provider may have it.
const BAD_FOR: Duration = Duration::from_secs(10);
/// What a longer answer says is not kept: the isolate's memory is bounded.
const MAX_KEPT_BYTES: usize = 16 * 1024;

/// The caller, and where the token stood; `None` when the request brings no token.
///
/// # Errors
///
/// [`Error::Bearer`], [`Error::AccessToken`], [`Error::Proof`]: the caller's. [`Error::TokenCheck`]: it can't be told
/// now, so nobody is let in.
pub async fn caller(
    site: &Site,
    host: &impl Host,
    request: &impl IncomingRequest,
    url: &RequestUrl<'_>,
) -> Result<Option<(Rc<Caller>, Location)>, Error> {
    if let Some(profile) = &site.config.testing_profile {
        return Ok(Caller::testing(profile.clone()).map(|caller| (Rc::new(caller), Location::Header)));
    }
    let Some(presented) = super::bearer::find(site, request, url).await? else { return Ok(None) };
    let caller = of(site, host, (request, url), &presented).await?;
    Ok(Some((caller, presented.location)))
}

/// The caller who brings this token with this request.
///
/// # Errors
///
/// As [`caller`].
pub async fn of(
    site: &Site,
    host: &impl Host,
    (request, url): (&impl IncomingRequest, &RequestUrl<'_>),
    presented: &Presented,
) -> Result<Rc<Caller>, Error> {
    let hash: TokenHash = Sha256::digest(presented.untrusted.expose()).into();
    let finding = match site.known_tokens.find(&hash, host.now()) {
        Some(finding) => finding,
        None => find_out(site, host, (request, url), presented, hash).await?,
    };
    let caller = finding.map_err(Error::AccessToken)?;
    possession::check(site, host, request, url, (presented, &caller)).await?;
    Ok(caller)
}

async fn find_out(
    site: &Site,
    host: &impl Host,
    (request, url): (&impl IncomingRequest, &RequestUrl<'_>),
    presented: &Presented,
    hash: TokenHash,
) -> Result<Finding, Error> {
    let provider = site.provider()?;
    let Some(endpoint) = introspection_endpoint(site, host, provider).await? else {
        let finding = read(site, host, provider, presented).await?;
        let until = good_until(site, &finding, host.now());
        remember(site, hash, &finding, presented.untrusted.expose().len(), until);
        return Ok(finding);
    };
    let (answer, known_until) = if let Some((answer, until)) = location::find(site, host, url, &hash).await {
        (answer, Some(until))
    } else {
        // Each of these is a call to the provider, and anyone can make up tokens.
        check_rate(host, request).await?;
        (introspect(site, host, provider, endpoint, presented).await?, None)
    };
    let finding = understand(site, host, provider, presented, &answer).await?;
    let until = known_until.unwrap_or_else(|| good_until(site, &finding, host.now()));
    if remember(site, hash, &finding, length(presented, &answer), until) && known_until.is_none() {
        location::keep(site, host, url, &hash, (&answer, until)).await;
    }
    Ok(finding)
}

// One of them is what the finding was made of.
fn length(presented: &Presented, answer: &ProviderAnswer) -> usize {
    answer.body.len().max(presented.untrusted.expose().len())
}

/// Keeps what was found out until then, unless it takes too much room.
fn remember(site: &Site, hash: TokenHash, finding: &Finding, length: usize, until: Timestamp) -> bool {
    let is_small = length <= MAX_KEPT_BYTES;
    if is_small {
        site.known_tokens.keep(hash, finding, until);
    }
    is_small
}

fn good_until(site: &Site, finding: &Finding, now: Timestamp) -> Timestamp {
    let ttl = site.config.tokens.cache_ttl;
    match finding {
        Ok(caller) => caller.expires_at().map_or(now.plus(ttl), |expiry| expiry.min(now.plus(ttl))),
        Err(_) => now.plus(ttl.min(BAD_FOR)),
    }
}

/// Where to ask about tokens; `None` when they are read here.
async fn introspection_endpoint(
    site: &Site,
    host: &impl Host,
    provider: &ProviderSettings,
) -> Result<Option<IntrospectionEndpoint>, Error> {
    let check = site.config.tokens.check;
    if check == TokenCheck::Jwt {
        return Ok(None);
    }
    if let Some(given) = &provider.endpoints.introspection {
        return Ok(Some(IntrospectionEndpoint::plain(given.clone())));
    }
    let metadata = site.provider_cache.metadata(host, provider).await.map_err(unavailable)?;
    match (&metadata.introspection_endpoint, check) {
        (Some(endpoint), _) => Ok(Some(endpoint.clone())),
        (None, TokenCheck::Auto) if !site.config.tokens.audience.is_empty() => Ok(None),
        // Nobody said what a JWT has to be for, or the provider can't be asked.
        (None, _) => Err(Error::TokenCheck(ProviderError::NoIntrospection)),
    }
}

/// What the provider says of the token.
async fn introspect(
    site: &Site,
    host: &impl Host,
    provider: &ProviderSettings,
    endpoint: IntrospectionEndpoint,
    presented: &Presented,
) -> Result<ProviderAnswer, Error> {
    let settings = &site.config.tokens;
    let hint = settings.hint.as_deref();
    let request = introspection::request(endpoint, &provider.client, settings.auth, &presented.untrusted, hint);
    host.call(request).await.map_err(|error| failed(StepError::Call(error)))
}

/// What that means for who calls.
async fn understand(
    site: &Site,
    host: &impl Host,
    provider: &ProviderSettings,
    presented: &Presented,
    answer: &ProviderAnswer,
) -> Result<Finding, Error> {
    let settings = &site.config.tokens;
    let expected = expected(site, provider, host.now());
    // RFC 7662 §2.3: who asks by the very token is told so that it is no good.
    if settings.auth == Some(IntrospectionAuth::Bearer) && answer.status == 401 {
        return Ok(Err(AccessTokenError::Inactive));
    }
    let members = match introspection::response(answer).map_err(|error| failed(StepError::Answer(error)))? {
        Answer::Plain(members) => members,
        Answer::Signed(untrusted) => {
            let metadata = site.provider_cache.metadata(host, provider).await.map_err(unavailable)?;
            let client = &provider.client.id;
            let verdict = site.provider_cache.judged(
                &site.provider_cache.fetched_for_anybody,
                host,
                &metadata,
                async |keys| introspection::verify(untrusted.clone(), &expected, client, keys, host).await,
                // Rotated; or replaced under its old name.
                |error| matches!(error, IntrospectionError::UnknownKey | IntrospectionError::BadSignature),
            );
            verdict.await.map_err(unavailable)?.map_err(|error| failed(StepError::Answer(error)))?
        }
        // A JWT mostly: its own claims are all there is to go by, where that is allowed.
        Answer::Unsupported if settings.check == TokenCheck::Auto && !settings.audience.is_empty() => {
            return read(site, host, provider, presented).await;
        }
        Answer::Unsupported => return Ok(Err(AccessTokenError::Inactive)),
    };
    Ok(introspection::judge(members, &expected).map(Rc::new))
}

fn failed(error: StepError<IntrospectionError>) -> Error {
    Error::TokenCheck(ProviderError::Introspection(error))
}

/// What the token says itself.
async fn read(
    site: &Site,
    host: &impl Host,
    provider: &ProviderSettings,
    presented: &Presented,
) -> Result<Finding, Error> {
    // What is no JWT at all costs the provider nothing.
    let untrusted = match UntrustedJwt::parse(presented.untrusted.expose()) {
        Ok(untrusted) => untrusted,
        Err(error) => return Ok(Err(AccessTokenError::Jws(error))),
    };
    let metadata = site.provider_cache.metadata(host, provider).await.map_err(unavailable)?;
    let expected = expected(site, provider, host.now());
    let verdict = site.provider_cache.verify_access_token(host, &metadata, untrusted, &expected).await;
    Ok(verdict.map_err(unavailable)?.map(Rc::new))
}

fn expected<'s>(site: &'s Site, provider: &'s ProviderSettings, now: Timestamp) -> Expected<'s> {
    Expected {
        issuers: &provider.valid_issuers,
        audience: &site.config.tokens.audience,
        audience_required: site.config.tokens.audience_required,
        now,
        leeway: provider.leeway,
    }
}

// What fails at the provider says nothing about the token: the caller may come back.
fn unavailable(error: Error) -> Error {
    match error {
        Error::Provider(error) => Error::TokenCheck(error),
        error => error,
    }
}
