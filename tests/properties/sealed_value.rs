//! Sealed values and what is in them: nothing opens but what we sealed for that very purpose, and records that are
//! read are written the same.
//!
//! The first byte says how to take the rest: `0` as a sealed value that somebody sends, anything else as what is
//! sealed; its value is then the place of a flipped bit.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use edge_oidc::{
    secret::Secret,
    session::{
        Session, SessionId,
        record::{
            decode_credentials, decode_pending, decode_session, encode_credentials, encode_pending, encode_session,
        },
        seal::{KeyRing, NONCE_BYTES, Purpose, SealError},
    },
    web::return_to::ReturnTo,
};
use serde_json::Value;

use super::{has_fraction, text};

const PURPOSES: [Purpose; 4] = [Purpose::Session, Purpose::SignIn, Purpose::SignOut, Purpose::Tries];

/// Accepted: it opens, or it is a record.
pub fn check(bytes: &[u8]) -> bool {
    let Some((how, rest)) = bytes.split_first() else { return false };
    if *how == b'0' {
        return text(rest).is_some_and(|sealed| opens_only_if_we_sealed_it(sealed.trim_end_matches('\n')));
    }
    opens_as_what_it_was(rest, usize::from(*how));
    let opened = [session_is_stable(rest), pending_is_stable(rest), credentials_are_stable(rest)];
    opened.contains(&true)
}

fn ring(secrets: &[&str]) -> KeyRing {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect();
    KeyRing::new(&secrets, "https://idp.example", "me")
}

// The seal is deterministic for a nonce, so whatever opens must be what sealing its content gives again.
fn opens_only_if_we_sealed_it(sealed: &str) -> bool {
    let ring = ring(&["0123456789abcdef0123456789abcdef"]);
    let mut opened = 0;
    for purpose in PURPOSES {
        let Ok(plain) = ring.open(purpose, sealed) else { continue };
        opened += 1;
        let nonce: [u8; NONCE_BYTES] =
            Base64UrlUnpadded::decode_vec(sealed).unwrap()[1..=NONCE_BYTES].try_into().unwrap();
        assert_eq!(ring.seal(purpose, nonce, &plain.plain).as_deref(), Some(sealed), "a second spelling opens");
    }
    assert!(opened <= 1, "one value opens for several purposes");
    opened == 1
}

fn opens_as_what_it_was(plain: &[u8], place: usize) {
    let [old, new] = [ring(&["old"]), ring(&["new", "old"])];
    let nonce = [7; NONCE_BYTES];
    let sealed = old.seal(Purpose::Session, nonce, plain).unwrap();
    assert!(new.open(Purpose::Session, &sealed).is_ok_and(|opened| opened.plain.as_slice() == plain));
    for purpose in &PURPOSES[1..] {
        assert_eq!(new.open(*purpose, &sealed).err(), Some(SealError::WrongKey));
    }
    assert_eq!(ring(&["new"]).open(Purpose::Session, &sealed).err(), Some(SealError::WrongKey));

    let [mine, other] = [SessionId::from_random([1; 32]), SessionId::from_random([2; 32])];
    let entry = old.seal_entry(&mine, nonce, plain).unwrap();
    assert!(new.open_entry(&mine, &entry).is_ok_and(|opened| opened.plain.as_slice() == plain));
    assert!(new.open_entry(&other, &entry).is_err() && new.open_entry(&mine, plain).is_err());
    let mut flipped = entry;
    let place = place * 31 % (flipped.len() * 8);
    flipped[place / 8] ^= 1 << (place % 8);
    assert!(new.open_entry(&mine, &flipped).is_err(), "bit {place} may be flipped");
}

fn session_is_stable(record: &[u8]) -> bool {
    let Ok(session) = decode_session(record) else { return false };
    let again: Session = decode_session(&encode_session(&session)).expect("a session that was read is not read again");
    let claims = Value::Object(session.identity.claims().clone());
    assert!(again == session || has_fraction(&claims));
    true
}

fn pending_is_stable(record: &[u8]) -> bool {
    let Ok(pending) = decode_pending(record) else { return false };
    let again = decode_pending(&encode_pending(&pending)).expect("a sign-in that was read is not read again");
    assert!(again.state.equals(pending.state.as_str()) && again.nonce.equals(pending.nonce.as_str()));
    assert!(again.code_verifier.equals(pending.code_verifier.as_str()));
    assert_eq!((&again.redirect_uri, again.started_at), (&pending.redirect_uri, pending.started_at));
    assert_eq!(again.return_to, pending.return_to);
    // Even what we sealed ourselves leads nowhere else.
    assert_eq!(ReturnTo::parse(pending.return_to.as_str()), Some(pending.return_to));
    true
}

fn credentials_are_stable(record: &[u8]) -> bool {
    let Ok(read) = decode_credentials(record) else { return false };
    let again = decode_credentials(&encode_credentials(&read)).expect("credentials that were read are not read again");
    assert!(again.access_token == read.access_token && again.refresh_token == read.refresh_token);
    assert!(again.id_token == read.id_token && again.access_token_expires_at == read.access_token_expires_at);
    assert!(again.claims == read.claims || has_fraction(&Value::Object(read.claims)));
    true
}
