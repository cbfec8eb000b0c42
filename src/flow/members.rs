//! The list of a subject's sessions, for the subject, where the store keeps one. It ends nothing and vouches for
//! nothing: marks do.

use serde::{Deserialize, Serialize};

use crate::{
    flow::{Site, standing::MIN_TTL},
    host::Host,
    session::{Session, seal::Purpose},
    store::{Store as _, StoreError, StoreKey, mark},
    time::Timestamp,
};

/// More of them are not shown: each may have to be asked about.
const MAX_SHOWN: usize = 20;

/// A session on the list, sealed there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    member: StoreKey,
    /// Where a mark stands when the provider has ended it.
    provider_session: Option<StoreKey>,
    /// When the visitor signed in.
    pub signed_in_at: Timestamp,
    /// When it is over, whatever happens.
    pub ends_at: Timestamp,
}

/// Puts a new session on its subject's list. One that could not be listed is a session all the same.
pub(super) async fn join(site: &Site, host: &impl Host, session: &Session) {
    let member = StoreKey::of_member(&session.id);
    let provider_session = session.provider_session.as_deref();
    let listed = Listed {
        member: member.clone(),
        provider_session: provider_session.map(|sid| StoreKey::of_provider_session(site.issuer(), sid)),
        signed_in_at: session.signed_in_at,
        ends_at: session.ends_at,
    };
    let plain = serde_json::to_vec(&listed).unwrap_or_default();
    let Ok(record) = site.seal(host, Purpose::Member, &plain) else { return };
    let ttl = session.ends_at.since(host.now()).max(MIN_TTL);
    if host.store().join(&list_of(site, session), &member, &record, ttl).await.is_err() {
        site.tell_unsaved(host, &session.identity);
    }
}

/// Takes a session off the list. What stays there is shown until it would have ended, and is no session for that.
pub(super) async fn leave(site: &Site, host: &impl Host, session: &Session) {
    // The mark that could not be written either is what the log has to tell.
    let _left = host.store().leave(&list_of(site, session), &StoreKey::of_member(&session.id)).await;
}

/// The other sessions of this one's subject that have not been ended, the newest first; `None` when the store keeps no
/// list.
///
/// # Errors
///
/// [`StoreError`] when the store can't tell.
pub(super) async fn others(
    site: &Site,
    host: &impl Host,
    session: &Session,
) -> Result<Option<Vec<Listed>>, StoreError> {
    let (store, list) = (host.store(), list_of(site, session));
    let Some(records) = store.members(&list).await? else { return Ok(None) };
    let mark = store.load(&list).await?.unwrap_or_default();
    let own = StoreKey::of_member(&session.id);
    let listed = records.iter().rev().filter_map(|record| open(site, record));
    let stands = |other: &Listed| other.member != own && !mark::ends(&mark, other.signed_in_at);
    let mut others = Vec::new();
    for other in listed.filter(stands).take(MAX_SHOWN) {
        let mark = match &other.provider_session {
            Some(key) => store.load(key).await?.unwrap_or_default(),
            None => Vec::new(),
        };
        if !mark::ends(&mark, other.signed_in_at) {
            others.push(other);
        }
    }
    Ok(Some(others))
}

fn list_of(site: &Site, session: &Session) -> StoreKey {
    StoreKey::of_subject(site.issuer(), session.identity.subject())
}

fn open(site: &Site, record: &str) -> Option<Listed> {
    serde_json::from_slice(&site.ring.open(Purpose::Member, record).ok()?.plain).ok()
}
