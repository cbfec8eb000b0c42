//! Marks that end sessions. With a store that agrees slowly, absence proves nothing: only a mark ends a session.

use crate::time::Timestamp;

/// The first byte of a mark; a sealed entry begins with its version, which is never 0.
const MARK: u8 = 0;

/// A mark that ends every session of its key that was signed in at `moment` or before.
pub fn mark(moment: Timestamp) -> Vec<u8> {
    let mut value = vec![MARK];
    value.extend_from_slice(&moment.as_unix().to_be_bytes());
    value
}

/// The moment of a stored value that is a mark. What can't be read as one is none.
pub fn moment(value: &[u8]) -> Option<Timestamp> {
    let (&MARK, moment) = value.split_first()? else { return None };
    Some(Timestamp::from_unix(i64::from_be_bytes(moment.try_into().ok()?)))
}

/// Whether a stored value is a mark that ends a session of that age.
pub fn ends(value: &[u8], signed_in_at: Timestamp) -> bool {
    moment(value).is_some_and(|moment| signed_in_at <= moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_end_what_is_older() {
        let at = Timestamp::from_unix;
        let value = mark(at(10));
        assert!(ends(&value, at(9)));
        assert!(ends(&value, at(10)));
        assert!(!ends(&value, at(11)));
        for junk in [&[][..], &[0], &[0, 1], &[1, 0, 0, 0, 0, 0, 0, 0, 99]] {
            assert!(!ends(junk, at(0)));
        }
    }
}
