//! The provider ends sessions: through us (Back-Channel Logout), or through the visitor's browser (Front-Channel Logout).

use crate::{
    error::{Error, LogLine},
    flow::{Site, standing},
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

/// Ends the session that `iss` and `sid` name (Front-Channel Logout §3). The frame that asks carries no cookie of ours.
pub async fn front_channel(site: &Site, host: &impl Host, query: Option<&str>) -> Result<Reply, Error> {
    let malformed = Error::Logout(LogoutError::Malformed);
    let parameters = Parameters::parse(query.unwrap_or_default()).map_err(|_| malformed)?;
    let ends = logout::front_channel(&parameters, &site.provider()?.valid_issuers).map_err(Error::Logout)?;
    end(site, host, &ends, host.now()).await?;
    Ok(Reply::empty(200))
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
