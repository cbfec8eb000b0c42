//! Sessions whose cookies have lately been opened in this isolate: most requests bring the same one as the last.
//!
//! What is remembered is what the sealed value says, nothing about it: whether a session is over, has been ended or is
//! due is asked each time.

use core::{cell::RefCell, ops::BitAnd as _};
use std::collections::BTreeMap;

use subtle::{Choice, ConstantTimeEq as _};

use crate::session::Session;

/// More are never remembered; when they are reached, all are opened again.
const MAX_REMEMBERED: usize = 1000;
/// Longer values are not remembered.
const MAX_BYTES: usize = 4096;
/// The end of a sealed value is the end of its tag: as good as random, and no secret without the rest.
const TAIL: usize = 16;

/// What was opened. Plain data, bounded.
#[derive(Default)]
pub struct Opened(RefCell<BTreeMap<[u8; TAIL], Remembered>>);

struct Remembered {
    sealed: String,
    session: Session,
    by_newest_key: bool,
}

impl Opened {
    /// The session of a sealed value, and whether the newest key has sealed it; by `open` when it is not known.
    pub fn or_open<E>(
        &self,
        sealed: &str,
        open: impl FnOnce() -> Result<(Session, bool), E>,
    ) -> Result<(Session, bool), E> {
        if let Some(known) = self.known(sealed) {
            return Ok(known);
        }
        let (session, by_newest_key) = open()?;
        self.remember(sealed, &session, by_newest_key);
        Ok((session, by_newest_key))
    }

    // Found by its end, compared as a whole in constant time: how long it takes tells nobody what would have been right.
    fn known(&self, sealed: &str) -> Option<(Session, bool)> {
        let remembered = self.0.try_borrow().ok()?;
        let known = remembered.get(sealed.as_bytes().last_chunk::<TAIL>()?)?;
        is_same(known.sealed.as_bytes(), sealed.as_bytes()).then(|| (known.session.clone(), known.by_newest_key))
    }

    fn remember(&self, sealed: &str, session: &Session, by_newest_key: bool) {
        let (Ok(mut remembered), Some(tail)) = (self.0.try_borrow_mut(), sealed.as_bytes().last_chunk::<TAIL>()) else {
            return;
        };
        if sealed.len() > MAX_BYTES {
            return;
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(*tail, Remembered { sealed: sealed.to_owned(), session: session.clone(), by_newest_key });
    }
}

/// In words, of which a cookie has an eighth as many as bytes.
fn is_same(known: &[u8], sealed: &[u8]) -> bool {
    let ((words, end), (others, other_end)) = (known.as_chunks::<8>(), sealed.as_chunks::<8>());
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let pairs = words.iter().zip(others).map(|(one, other)| word(one).ct_eq(&word(other)));
    // How long it is, is no secret.
    known.len() == sealed.len() && bool::from(pairs.fold(end.ct_eq(other_end), Choice::bitand))
}

impl core::fmt::Debug for Opened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Opened([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        json::Object,
        session::{SessionId, Validity},
        time::Timestamp,
        visitor::Identity,
    };

    fn session(byte: u8) -> Session {
        let at = Timestamp::from_unix(0);
        Session {
            id: SessionId::from_random([byte; 32]),
            signed_in_at: at,
            ends_at: at,
            validity: Validity { until: at, refresh_at: None },
            seen_at: at,
            checked_at: at,
            provider_session: None,
            identity: Identity::new(Object::new()),
        }
    }

    #[test]
    fn the_same_value_alone_is_known() {
        let opened = Opened::default();
        let first = format!("{}{}", "a".repeat(100), "t".repeat(TAIL));
        let same_end = format!("{}{}", "b".repeat(100), "t".repeat(TAIL));
        for _ in 0..2 {
            assert_eq!(opened.or_open(&first, || Ok::<_, ()>((session(1), true))), Ok((session(1), true)));
        }
        assert_eq!(opened.or_open(&first, || Err(())), Ok((session(1), true)));
        assert_eq!(opened.or_open(&same_end, || Err(())), Err(()), "another value with the same end");
        assert_eq!(opened.or_open(&first[1..], || Err(())), Err(()), "a part of it");
        assert_eq!(opened.or_open("", || Err(())), Err(()));
    }

    #[test]
    fn every_byte_counts() {
        for length in [0, 1, 7, 8, 9, 16, 23] {
            let one = vec![b'a'; length];
            assert!(is_same(&one, &one.clone()));
            assert!(
                !is_same(&one, &[one.as_slice(), b"a"].concat()) && !is_same(&[one.as_slice(), b"a"].concat(), &one)
            );
            for at in 0..length {
                let mut other = one.clone();
                other[at] = b'b';
                assert!(!is_same(&one, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn memory_is_bounded() {
        let opened = Opened::default();
        for number in 0..2500 {
            let _known = opened.or_open(&format!("{number:032}"), || Ok::<_, ()>((session(0), true)));
            assert!(opened.0.borrow().len() <= MAX_REMEMBERED);
        }
        let long = "x".repeat(MAX_BYTES + 1);
        assert!(opened.or_open(&long, || Ok::<_, ()>((session(0), true))).is_ok());
        assert!(opened.or_open(&long, || Err(())).is_err(), "too long to be remembered");
    }
}
