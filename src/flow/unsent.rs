//! What a visitor has entered is not lost because the session has ended meanwhile: the form is kept, sealed, until the
//! same visitor has signed in again and says that it shall be sent. `docs/design.md` says why in this way.

use core::time::Duration;

use crate::{
    error::{Error, LogLine, UnsentError},
    flow::{MAX_FORM_BYTES, Site, account},
    host::{Host, random},
    session::{
        SessionId, Unsent,
        record::{decode_unsent, encode_unsent},
        seal::Purpose,
    },
    store::{Claim, Store as _, StoreKey, mark},
    time::Timestamp,
    visitor::Identity,
    web::{
        entries::Entries, form, pages, path::RequestUrl, reply::Reply, request::IncomingRequest, return_to::ReturnTo,
    },
};

/// As long as a sign-in may take, and as long again for the visitor.
const KEPT_FOR: Duration = Duration::from_secs(1800);
/// Where requests take turns, the first has the turn as soon as it asks; what it then writes is for good.
const NOT_SENT: Timestamp = Timestamp::from_unix(0);
/// Our endpoint that sends it on.
const RESUME: &str = "oidc_resume";

/// What has become of a form.
#[derive(Debug)]
pub enum Kept {
    /// It waits; the page that asks for it is where to go after the sign-in.
    ToReturnTo(ReturnTo),
    /// It is not one that can be kept, or the store is down. The browser has it.
    ByTheBrowser,
}

/// Keeps the form that somebody has sent.
pub async fn keep(
    site: &Site,
    host: &impl Host,
    request: &impl IncomingRequest,
    url: &RequestUrl<'_>,
    identity: &Identity,
) -> Result<Kept, Error> {
    let Some(target) = ReturnTo::parse(url.target()) else { return Ok(Kept::ByTheBrowser) };
    let Ok(body) = request.body(MAX_FORM_BYTES).await else { return Ok(Kept::ByTheBrowser) };
    let content_type = request.header("content-type").unwrap_or_default();
    if Entries::parse(&content_type, &body).is_none() {
        return Ok(Kept::ByTheBrowser);
    }
    let id = SessionId::from_random(random(host)?);
    let unsent = Unsent { subject: identity.subject().to_owned(), target, content_type, body, kept_at: host.now() };
    let entry = site.ring.seal_entry(&id, random(host)?, &encode_unsent(&unsent)).ok_or(Error::Internal)?;
    if host.store().save_renewed(&StoreKey::of_unsent(&id), &entry, NOT_SENT, KEPT_FOR).await.is_err() {
        site.tell_unsaved(host, identity);
        return Ok(Kept::ByTheBrowser);
    }
    host.log(&site.about(LogLine::event("unsent.kept"), identity));
    let name = site.seal(host, Purpose::Unsent, id.as_bytes())?;
    let page = ReturnTo::parse(&format!("{}?unsent={name}", site.own_path(RESUME)));
    Ok(page.map_or(Kept::ByTheBrowser, Kept::ToReturnTo))
}

/// The page for one that is not kept: the browser still has it.
pub fn not_kept(site: &Site) -> Reply {
    let sign_in = format!("{}?next={}", site.own_path("oidc_login"), form::encode(&site.own_path(RESUME)));
    Reply::page(401, pages::not_kept(&sign_in))
}

/// Asks the visitor whether to send what is kept under `name`. When that page has `posted` it, lets the browser send it
/// to where it was meant to go; once.
pub async fn resume(
    site: &Site,
    host: &impl Host,
    name: &str,
    identity: &Identity,
    posted: Option<(String, Vec<u8>)>,
) -> Result<Reply, Error> {
    let (key, unsent) = open(site, host, name, identity).await?;
    let entries = Entries::parse(&unsent.content_type, &unsent.body).ok_or(UnsentError::NotHere)?;
    let Some((content_type, body)) = posted else { return Ok(ask(site, name, identity, &unsent, &entries)) };
    if Entries::parse(&content_type, &body) != Some(entries) {
        return Err(Error::FormUnreadable);
    }
    // A second click may be in another isolate: where requests take turns, it waits here until the first is written down.
    let sent = match host.store().claim(&key, NOT_SENT).await.map_err(|_| Error::StoreUnavailable)? {
        Claim::Renewed(_) => true,
        Claim::Yours(entry) => entry.is_some_and(|entry| mark::moment(&entry).is_some()),
    };
    // Where they don't, it may be here before the store knows of the first.
    if sent || !site.used_states.first_use(name, host.now(), unsent.kept_at.plus(KEPT_FOR)) {
        return Err(UnsentError::AlreadySent.into());
    }
    if host.store().save(&key, &mark::mark(host.now()), KEPT_FOR).await.is_err() {
        site.tell_unsaved(host, identity);
    }
    host.log(&site.about(LogLine::event("unsent.sent"), identity));
    Ok(Reply::redirect_with_body(unsent.target.as_str()))
}

fn ask(site: &Site, name: &str, identity: &Identity, unsent: &Unsent, entries: &Entries) -> Reply {
    let action = format!("{}?unsent={name}", site.own_path(RESUME));
    let page = pages::unsent(account::who(identity), unsent.target.as_str(), &action, entries);
    if entries.need_script() { Reply::script_page(200, page) } else { Reply::form_page(200, page) }
}

/// What is kept under `name`, for the one who entered it.
async fn open(site: &Site, host: &impl Host, name: &str, identity: &Identity) -> Result<(StoreKey, Unsent), Error> {
    let gone = || Error::from(UnsentError::NotHere);
    let id = site.ring.open(Purpose::Unsent, name).map_err(|_| gone())?.plain;
    let id = SessionId::from_random(id.as_slice().try_into().map_err(|_| gone())?);
    let key = StoreKey::of_unsent(&id);
    let entry = host.store().load(&key).await.map_err(|_| Error::StoreUnavailable)?.ok_or_else(gone)?;
    if mark::moment(&entry).is_some() {
        return Err(UnsentError::AlreadySent.into());
    }
    let opened = site.ring.open_entry(&id, &entry).map_err(|_| gone())?;
    let unsent = decode_unsent(&opened.plain).map_err(|_| gone())?;
    match () {
        () if host.now() >= unsent.kept_at.plus(KEPT_FOR) => Err(gone()),
        () if unsent.subject != identity.subject() => Err(UnsentError::AnotherVisitor.into()),
        () => Ok((key, unsent)),
    }
}
