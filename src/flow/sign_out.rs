//! Signing out: here, then at the provider (RP-Initiated Logout 1.0).

use crate::{
    config::PostLogout,
    error::{Error, LogLine},
    flow::{Site, identify, tries},
    host::Host,
    oidc::logout::LogoutRequest,
    secret::Secret,
    session::{Session, record::decode_credentials, seal::Purpose},
    web::{form::Parameters, pages, path::RequestUrl, reply::Reply, return_to::ReturnTo},
};

/// Ends the session here and sends the visitor to the provider to end it there.
pub async fn sign_out(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    cookies: &str,
    next: Option<ReturnTo>,
) -> Result<Reply, Error> {
    let session = identify::last_session(site, cookies);
    let hint = match &session {
        Some(session) => take_id_token(site, host, session).await,
        None => None,
    };
    let location = match session {
        Some(_) => at_provider(site, host, url, hint.as_ref(), next.as_ref()).await?,
        None => None,
    };
    let location = location.unwrap_or_else(|| destination(site, next));
    let mut removals = site.cookie_names.delete_session(&site.config.cookie.scope, cookies);
    removals.extend(tries::forget(site, cookies));
    Ok(removals.into_iter().fold(Reply::redirect(location), Reply::cookie))
}

/// Asks first: another site sent the visitor here.
pub fn confirm(site: &Site, next: Option<&ReturnTo>) -> Reply {
    Reply::form_page(200, pages::confirm_sign_out(&site.config.routes.logout, next.map(ReturnTo::as_str)))
}

/// The page that says so; a sealed `next` that came back with the visitor is followed.
pub fn signed_out(site: &Site, query: Option<&str>) -> Reply {
    match query.and_then(|query| next_of(site, query)) {
        Some(next) => Reply::redirect(next.as_str()),
        None => Reply::page(200, pages::signed_out(&site.own_path("oidc_login"))),
    }
}

fn next_of(site: &Site, query: &str) -> Option<ReturnTo> {
    let parameters = Parameters::parse(query).ok()?;
    let opened = site.ring.open(Purpose::SignOut, parameters.value("state")?).ok()?;
    ReturnTo::parse(core::str::from_utf8(&opened.plain).ok()?)
}

/// The ID token of the session, and the end of its entry in the store.
async fn take_id_token(site: &Site, host: &impl Host, session: &Session) -> Option<Secret<String>> {
    let key = session.id.store_key();
    let entry = host.load(&key).await.unwrap_or_else(|_| {
        host.log(&LogLine::event("store.load_failed"));
        None
    });
    if host.remove(&key).await.is_err() {
        host.log(&LogLine::event("store.remove_failed"));
    }
    let opened = site.ring.open_entry(&session.id, &entry?).ok()?;
    decode_credentials(&opened.plain).ok().map(|credentials| credentials.id_token)
}

/// Where the provider ends its own session; `None` when it has no such endpoint or can't be asked for it: the visitor
/// is signed out here all the same.
async fn at_provider(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    id_token_hint: Option<&Secret<String>>,
    next: Option<&ReturnTo>,
) -> Result<Option<String>, Error> {
    let settings = site.provider()?;
    let metadata = match site.provider_cache.metadata(host, settings).await {
        Ok(metadata) => metadata,
        Err(error) => {
            host.log(&LogLine::error(&error));
            return Ok(None);
        }
    };
    let Some(endpoint) = &metadata.end_session_endpoint else { return Ok(None) };
    let state = match next {
        Some(next) => Some(site.seal(host, Purpose::SignOut, next.as_str().as_bytes())?),
        None => None,
    };
    let post_logout_redirect_uri = match &site.config.post_logout {
        PostLogout::Path(path) => format!("{}{path}", site.public_origin(url)),
        PostLogout::Url(elsewhere) => elsewhere.as_str().to_owned(),
    };
    let request = LogoutRequest {
        endpoint,
        id_token_hint,
        client_id: &settings.client.id,
        post_logout_redirect_uri: &post_logout_redirect_uri,
        state: state.as_deref(),
    };
    Ok(Some(request.url()))
}

fn destination(site: &Site, next: Option<ReturnTo>) -> String {
    match (next, &site.config.post_logout) {
        (Some(next), _) => next.as_str().to_owned(),
        (None, PostLogout::Path(path)) => path.clone(),
        (None, PostLogout::Url(elsewhere)) => elsewhere.as_str().to_owned(),
    }
}
