//! The provider ends sessions: through us (Back-Channel Logout), or through the visitor's browser (Front-Channel Logout).

use crate::{
    error::{Error, LogLine},
    flow::{
        Site, identify,
        standing::{self, ProviderSession},
    },
    host::Host,
    oidc::logout::{self, Ends, ExpectedLogout, LogoutError},
    store::{Store as _, StoreKey, mark::mark},
    time::Timestamp,
    web::{form::Parameters, reply::Reply},
};

/// Ends what a logout token says (Back-Channel Logout §2.5 to §2.8). What could not be recorded is not confirmed.
pub async fn back_channel(site: &Site, host: &impl Host, form: &str) -> Result<Reply, Error> {
    let form = Parameters::parse(form).map_err(|_| Error::Logout(LogoutError::Malformed))?;
    let untrusted = form.value("logout_token").ok_or(Error::Logout(LogoutError::Malformed))?;
    let settings = site.provider()?;
    let metadata = site.provider_cache.metadata(host, settings).await?;
    let now = host.now();
    let expected = ExpectedLogout {
        issuers: &settings.valid_issuers,
        client_id: &settings.client.id,
        algs: &metadata.id_token_algs,
        now,
        leeway: settings.leeway,
    };
    let token = site.provider_cache.verify_logout_token(host, &metadata, untrusted, &expected).await?;
    // 8. A token counts once. A second one would do no harm: it ends what had begun before it was issued.
    let seen = StoreKey::of_logout_token(site.issuer(), &token.id);
    if host.store().load(&seen).await.map_err(|_| Error::StoreUnavailable)?.is_some() {
        return Ok(Reply::empty(200));
    }
    // The provider's clock may be behind ours: a session that seems younger than the token may be the one it means.
    let moment = now.min(token.issued_at.plus(settings.leeway.as_duration()));
    end(site, host, &token.ends, moment).await?;
    let ttl = token.expires_at.plus(settings.leeway.as_duration()).since(now).max(standing::MIN_TTL);
    host.store().save(&seen, &mark(now), ttl).await.map_err(|_| Error::StoreUnavailable)?;
    Ok(Reply::empty(200))
}

/// Ends the session that `iss` and `sid` name (Front-Channel Logout §3). Anybody may ask, for the frame carries no cookie
/// of ours unless the provider is of the same site: so what nobody has a session by writes nothing.
pub async fn front_channel(site: &Site, host: &impl Host, query: Option<&str>, cookies: &str) -> Result<Reply, Error> {
    let malformed = Error::Logout(LogoutError::Malformed);
    let parameters = Parameters::parse(query.unwrap_or_default()).map_err(|_| malformed)?;
    let sid = logout::front_channel(&parameters, &site.provider()?.valid_issuers).map_err(Error::Logout)?;
    let known = match of_visitor(site, host, cookies, &sid) {
        Some(known) => Some(known),
        None => standing::provider_session(site, host, &sid).await.map_err(|_| Error::StoreUnavailable)?,
    };
    match known {
        None => return Err(Error::Logout(LogoutError::UnknownSession)),
        Some(ProviderSession::Over) => {}
        Some(ProviderSession::Stands { began }) => {
            end(site, host, &Ends::ProviderSession { sid, subject: None }, host.now().max(began)).await?;
        }
    }
    Ok(Reply::empty(200))
}

/// The visitor's own session, when it is by this one of the provider's.
fn of_visitor(site: &Site, host: &impl Host, cookies: &str, sid: &str) -> Option<ProviderSession> {
    let session = identify::last_session(site, cookies)?;
    let is_named = session.provider_session.as_deref() == Some(sid);
    let is_over = identify::is_over(site, &session, host.now())
        || site.ended.up_to(&session).is_some_and(|moment| session.signed_in_at <= moment);
    (is_named && !is_over).then_some(ProviderSession::Stands { began: session.signed_in_at })
}

async fn end(site: &Site, host: &impl Host, ends: &Ends, moment: Timestamp) -> Result<(), Error> {
    standing::end(site, host, ends, moment).await.map_err(|_| Error::StoreUnavailable)?;
    let subject = match ends {
        Ends::ProviderSession { subject, .. } => subject.as_ref(),
        Ends::Subject(subject) => Some(subject),
    };
    let subject = subject.and_then(|subject| site.ring.pseudonym(subject));
    host.log(&LogLine { subject, ..LogLine::event("sign_out.by_provider") });
    Ok(())
}
