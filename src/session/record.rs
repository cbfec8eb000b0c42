//! The stored forms, each with its version in front. `docs/storage.md` states them.

use serde::{Deserialize, Serialize};

use super::{Credentials, Pending, Session, SessionId, Unsent, Validity, seal::SealError};
use crate::{
    json::{self, Object},
    secret::Secret,
    time::Timestamp,
    visitor::Identity,
};

/// The first byte of every record; an old one still opens, a newer one is refused rather than misread.
const VERSION: u8 = 1;
/// Stands for no moment at all.
const NEVER: Timestamp = Timestamp::from_unix(i64::MAX);

/// A session: version, id, six moments of eight bytes each (big endian), `sid` after its length, the claims as JSON.
pub fn encode_session(session: &Session) -> Vec<u8> {
    let mut record = Vec::with_capacity(512);
    record.push(VERSION);
    record.extend_from_slice(session.id.as_bytes());
    let Session { signed_in_at, ends_at, validity, seen_at, checked_at, .. } = *session;
    let refresh_at = validity.refresh_at.unwrap_or(NEVER);
    for moment in [signed_in_at, ends_at, validity.until, refresh_at, seen_at, checked_at] {
        record.extend_from_slice(&moment.as_unix().to_be_bytes());
    }
    // One that is too long to be told apart is not kept; such a session can't be ended by it.
    let sid = session.provider_session.as_deref().filter(|sid| sid.len() < 256).unwrap_or_default();
    record.push(u8::try_from(sid.len()).unwrap_or_default());
    record.extend_from_slice(sid.as_bytes());
    record.extend_from_slice(&to_json(session.identity.claims()));
    record
}

/// Reads a session.
pub fn decode_session(record: &[u8]) -> Result<Session, SealError> {
    read_session(record).ok_or(SealError::BadRecord)
}

fn read_session(record: &[u8]) -> Option<Session> {
    let (id, rest) = versioned(record)?.split_first_chunk::<{ SessionId::BYTES }>()?;
    let (signed_in_at, rest) = moment(rest)?;
    let (ends_at, rest) = moment(rest)?;
    let (until, rest) = moment(rest)?;
    let (refresh_at, rest) = moment(rest)?;
    let (seen_at, rest) = moment(rest)?;
    let (checked_at, rest) = moment(rest)?;
    let (length, rest) = rest.split_first()?;
    let (sid, claims) = rest.split_at_checked(usize::from(*length))?;
    let sid = core::str::from_utf8(sid).ok()?;
    Some(Session {
        id: SessionId::from_random(*id),
        signed_in_at,
        ends_at,
        validity: Validity { until, refresh_at: Some(refresh_at).filter(|at| *at != NEVER) },
        seen_at,
        checked_at,
        provider_session: (!sid.is_empty()).then(|| sid.to_owned()),
        identity: Identity::new(serde_json::from_slice(claims).ok()?),
    })
}

fn moment(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (seconds, rest) = bytes.split_first_chunk::<8>()?;
    Some((Timestamp::from_unix(i64::from_be_bytes(*seconds)), rest))
}

/// A sign-in under way: version, JSON.
pub fn encode_pending(pending: &Pending) -> Vec<u8> {
    [vec![VERSION], to_json(pending)].concat()
}

/// Reads a sign-in under way.
pub fn decode_pending(record: &[u8]) -> Result<Pending, SealError> {
    let json = versioned(record).ok_or(SealError::BadRecord)?;
    serde_json::from_slice(json).map_err(|_| SealError::BadRecord)
}

/// A form that waits: version, JSON list, a line break (which JSON writes otherwise), the body.
pub fn encode_unsent(unsent: &Unsent) -> Vec<u8> {
    let about = to_json(&(unsent.kept_at, &unsent.subject, &unsent.target, &unsent.content_type));
    [&[VERSION], about.as_slice(), b"\n", &unsent.body].concat()
}

/// Reads a form that waits.
pub fn decode_unsent(record: &[u8]) -> Result<Unsent, SealError> {
    read_unsent(record).ok_or(SealError::BadRecord)
}

fn read_unsent(record: &[u8]) -> Option<Unsent> {
    let record = versioned(record)?;
    let (about, rest) = record.split_at_checked(record.iter().position(|byte| *byte == b'\n')?)?;
    let (kept_at, subject, target, content_type) = serde_json::from_slice(about).ok()?;
    Some(Unsent { subject, target, content_type, body: rest.get(1..)?.to_vec(), kept_at })
}

/// Credentials: version, JSON.
pub fn encode_credentials(credentials: &Credentials) -> Vec<u8> {
    let stored = StoredCredentials {
        access_token: credentials.access_token.expose().clone(),
        access_token_expires_at: credentials.access_token_expires_at,
        refresh_token: credentials.refresh_token.as_ref().map(|token| token.expose().clone()),
        id_token: credentials.id_token.expose().clone(),
        claims: credentials.claims.clone(),
        validity: credentials.validity,
    };
    [vec![VERSION], to_json(&stored)].concat()
}

/// Reads credentials.
pub fn decode_credentials(record: &[u8]) -> Result<Credentials, SealError> {
    let json = versioned(record).ok_or(SealError::BadRecord)?;
    let stored: StoredCredentials = serde_json::from_slice(json).map_err(|_| SealError::BadRecord)?;
    Ok(Credentials {
        access_token: Secret::new(stored.access_token),
        access_token_expires_at: stored.access_token_expires_at,
        refresh_token: stored.refresh_token.map(Secret::new),
        id_token: Secret::new(stored.id_token),
        claims: stored.claims,
        validity: stored.validity,
    })
}

#[derive(Serialize, Deserialize)]
struct StoredCredentials {
    access_token: String,
    access_token_expires_at: Option<Timestamp>,
    refresh_token: Option<String>,
    id_token: String,
    claims: json::Object,
    validity: Validity,
}

fn versioned(record: &[u8]) -> Option<&[u8]> {
    match record.split_first() {
        Some((&VERSION, rest)) => Some(rest),
        _ => None,
    }
}

// Maps with text keys and plain fields have no way to fail; an empty record would be refused when read.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The claims that are worth a place in the cookie: `sub` and what the paths name.
pub fn kept_claims<'p>(claims: &Object, paths: impl Iterator<Item = &'p crate::claim_path::ClaimPath>) -> Object {
    let mut kept = Object::new();
    if let Some(subject) = claims.get("sub") {
        kept.insert("sub".to_owned(), subject.clone());
    }
    for path in paths {
        path.keep(claims, &mut kept);
    }
    kept
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        claim_path::ClaimPath,
        oauth::{Unguessable, step_up::StepUp},
        web::return_to::ReturnTo,
    };

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("object") };
        object
    }

    fn session() -> Session {
        Session {
            id: SessionId::from_random([9; 32]),
            signed_in_at: Timestamp::from_unix(1),
            ends_at: Timestamp::from_unix(2),
            validity: Validity { until: Timestamp::from_unix(4), refresh_at: Some(Timestamp::from_unix(5)) },
            seen_at: Timestamp::from_unix(-3),
            checked_at: Timestamp::from_unix(6),
            provider_session: Some("at the provider".to_owned()),
            identity: Identity::new(object(json!({"sub": "a", "groups": ["x"]}))),
        }
    }

    #[test]
    fn a_session_survives() {
        assert_eq!(decode_session(&encode_session(&session())), Ok(session()));
        let validity = Validity { refresh_at: None, ..session().validity };
        let bare = Session { validity, provider_session: None, ..session() };
        assert_eq!(decode_session(&encode_session(&bare)), Ok(bare));
    }

    #[test]
    fn cut_or_newer_records_are_refused() {
        let record = encode_session(&session());
        for length in 0..record.len() {
            assert_eq!(decode_session(&record[..length]), Err(SealError::BadRecord), "{length}");
        }
        let newer = [&[2], &record[1..]].concat();
        assert_eq!(decode_session(&newer), Err(SealError::BadRecord));
    }

    #[test]
    fn a_pending_sign_in_survives() {
        let pending = Pending {
            state: Unguessable::from_random(&[1; 32]),
            nonce: Unguessable::from_random(&[2; 32]),
            code_verifier: Unguessable::from_random(&[3; 32]),
            redirect_uri: "https://site.example/oidc_callback".to_owned(),
            return_to: ReturnTo::parse("/a?b=c").unwrap(),
            started_at: Timestamp::from_unix(7),
            custom: Some(json!({"color": "blue"})),
            step_up: StepUp::default(),
        };
        let plain = encode_pending(&pending);
        // As it was written before there was a step-up.
        assert!(!plain.windows(7).any(|window| window == b"step_up"));
        let step_up = StepUp { acr_values: vec!["gold".to_owned()], max_age: Some(Duration::from_mins(5)) };
        let asked = Pending { step_up: step_up.clone(), ..pending.clone() };
        assert_eq!(decode_pending(&encode_pending(&asked)).unwrap().step_up, step_up);
        let read = decode_pending(&plain).unwrap();
        assert!(read.step_up.asks_nothing());
        assert!(read.state.equals(pending.state.as_str()));
        assert_eq!(read.return_to.as_str(), "/a?b=c");
        assert_eq!(read.custom, pending.custom);
        assert!(decode_pending(b"").is_err());
        assert!(decode_pending(b"\x01{}").is_err());
    }

    #[test]
    fn credentials_survive() {
        let credentials = Credentials {
            access_token: Secret::new("a".to_owned()),
            access_token_expires_at: Some(Timestamp::from_unix(5)),
            refresh_token: None,
            id_token: Secret::new("i".to_owned()),
            claims: object(json!({"sub": "a"})),
            validity: Validity { until: Timestamp::from_unix(5), refresh_at: None },
        };
        let read = decode_credentials(&encode_credentials(&credentials)).unwrap();
        assert_eq!(read.access_token.expose(), "a");
        assert_eq!(read.access_token_expires_at, Some(Timestamp::from_unix(5)));
        assert!(read.refresh_token.is_none());
        assert_eq!(read.id_token.expose(), "i");
    }

    #[test]
    fn only_what_is_named_is_kept() {
        let claims = object(json!({"sub": "a", "email": "e", "address": {"city": "c", "street": "s"}}));
        let paths = [ClaimPath::parse("address.city").unwrap()];
        assert_eq!(Value::Object(kept_claims(&claims, paths.iter())), json!({"sub": "a", "address": {"city": "c"}}));
    }
}
