//! Signing out: here, then at the provider (RP-Initiated Logout 1.0).

use std::rc::Rc;

use crate::{
    config::PostLogout,
    error::{Error, LogLine},
    flow::{Site, identify, members, refresh, standing, tries},
    host::Host,
    oauth::{RefreshToken, revocation},
    oidc::{
        discovery::Metadata,
        logout::{Ends, LogoutRequest},
    },
    secret::Secret,
    session::{Credentials, Session, seal::Purpose},
    store::{Store as _, StoreKey},
    web::{cookie::SetCookie, form::Parameters, pages, path::RequestUrl, reply::Reply, return_to::ReturnTo},
};

/// Ends the session here, or all of the visitor's, and sends the visitor to the provider to end it there.
pub async fn sign_out(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    cookies: &str,
    (next, everywhere): (Option<ReturnTo>, bool),
) -> Result<Reply, Error> {
    let session = identify::last_session(site, cookies);
    let mut location = None;
    if let Some(session) = &session {
        if everywhere {
            end_all(site, host, session).await?;
        }
        let credentials = take_credentials(site, host, session).await;
        members::leave(site, host, session).await;
        let metadata = metadata(site, host).await;
        if let Some(metadata) = &metadata {
            let refresh_token = credentials.as_ref().and_then(|credentials| credentials.refresh_token.as_ref());
            revoke(site, host, metadata, refresh_token).await;
            let hint = credentials.as_ref().map(|credentials| &credentials.id_token);
            location = at_provider(site, host, url, metadata, hint, next.as_ref())?;
        }
        host.log(&site.about(LogLine::event("sign_out.finished"), &session.identity));
    }
    let location = location.unwrap_or_else(|| destination(site, next));
    // What the browser has kept of the site was for somebody who is no longer there.
    let reply = Reply::redirect(location).header("Clear-Site-Data", "\"cache\"");
    Ok(removals(site, cookies).into_iter().fold(reply, Reply::cookie))
}

/// Ends the session here alone, as Flask-OIDC's `logout` does; the provider's goes on. The cookies to remove.
pub async fn here(site: &Site, host: &impl Host, cookies: &str) -> Vec<SetCookie> {
    if let Some(session) = identify::last_session(site, cookies) {
        members::leave(site, host, &session).await;
        if standing::end_session(site, host, &session).await.is_err() {
            site.tell_unsaved(host, &session.identity);
        }
    }
    removals(site, cookies)
}

/// Somebody has signed in where there was a session already: nobody needs that any more, and its copies are to end too.
/// Requests of other tabs that are under way go on with it to the next check.
pub(super) async fn replaced(site: &Site, host: &impl Host, cookies: &str) {
    let session = identify::last_session(site, cookies);
    let Some(session) = session.filter(|session| !identify::is_over(site, session, host.now())) else { return };
    members::leave(site, host, &session).await;
    if standing::mark_session(site, host, &session).await.is_err() {
        site.tell_unsaved(host, &session.identity);
    }
}

fn removals(site: &Site, cookies: &str) -> Vec<SetCookie> {
    let mut removals = site.cookie_names.delete_session(&site.config.cookie.scope, cookies);
    removals.extend(tries::forget(site, cookies));
    removals
}

/// Asks first: another site sent the visitor here.
pub fn confirm(site: &Site, next: Option<&ReturnTo>) -> Reply {
    Reply::form_page(200, pages::confirm_sign_out(&site.config.routes.logout, next.map(ReturnTo::as_str)))
}

/// The page that says so; a sealed `next` that came back with the visitor is followed.
pub fn signed_out(site: &Site, query: Option<&str>) -> Reply {
    let next = query.and_then(|query| followed(site, query));
    next.unwrap_or_else(|| Reply::page(200, pages::signed_out(&site.own_path("oidc_login"))))
}

/// On to the `next` that was sealed into the `state` of a sign-out, if there is one in the query.
pub fn followed(site: &Site, query: &str) -> Option<Reply> {
    Some(Reply::redirect(next_of(site, query)?.as_str()))
}

fn next_of(site: &Site, query: &str) -> Option<ReturnTo> {
    let parameters = Parameters::parse(query).ok()?;
    let opened = site.ring.open(Purpose::SignOut, parameters.value("state")?).ok()?;
    ReturnTo::parse(core::str::from_utf8(&opened.plain).ok()?)
}

/// The credentials of the session, whose entry in the store gives way to a mark that ends it everywhere.
async fn take_credentials(site: &Site, host: &impl Host, session: &Session) -> Option<Credentials> {
    let entry = host.store().load(&StoreKey::of_session(&session.id)).await.unwrap_or_else(|_| {
        host.log(&LogLine::event("store.load_failed"));
        None
    });
    let credentials = refresh::newest(site, session, entry.as_deref());
    if standing::end_session(site, host, session).await.is_err() {
        site.tell_unsaved(host, &session.identity);
    }
    credentials
}

/// What could not be recorded is not confirmed: who means the other places would believe to be safe.
async fn end_all(site: &Site, host: &impl Host, session: &Session) -> Result<(), Error> {
    let everything = Ends::Subject(session.identity.subject().to_owned());
    standing::end(site, host, &everything, host.now()).await.map_err(|_| Error::StoreUnavailable)
}

/// A provider that can't be asked keeps nobody in: the visitor is signed out here all the same.
async fn metadata(site: &Site, host: &impl Host) -> Option<Rc<Metadata>> {
    let known = site.provider_cache.metadata(host, site.provider().ok()?).await;
    known.inspect_err(|error| host.log(&LogLine::error(error))).ok()
}

/// The refresh token is of no further use to anyone (RFC 7009). That it could not be revoked stops nobody.
pub(super) async fn revoke(site: &Site, host: &impl Host, metadata: &Metadata, token: Option<&RefreshToken>) {
    let Ok(settings) = site.provider() else { return };
    let Some(endpoint) = metadata.revocation_endpoint.clone() else { return };
    let Some(token) = token else { return };
    let request = revocation::request(endpoint, &settings.client, settings.auth_method(metadata), token);
    if host.call(request).await.is_err() {
        host.log(&LogLine::event("revocation.failed"));
    }
}

/// Where the provider ends its own session; `None` when it has no such endpoint.
fn at_provider(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    metadata: &Metadata,
    id_token_hint: Option<&Secret<String>>,
    next: Option<&ReturnTo>,
) -> Result<Option<String>, Error> {
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
        client_id: &site.provider()?.client.id,
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
