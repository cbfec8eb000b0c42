//! What counts once: states, and proofs of possession. A store that agrees slowly cannot enforce that; for states the
//! provider does (a code is redeemed once), and within an isolate we need not even ask it.

use core::cell::RefCell;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::time::Timestamp;

/// What this isolate has seen used.
#[derive(Debug)]
pub struct Used {
    max: usize,
    seen: RefCell<BTreeMap<[u8; 32], Timestamp>>,
}

impl Used {
    /// Remembers that many at most; then what would be forgotten first gives way.
    pub fn of(max: usize) -> Self {
        Self { max, seen: RefCell::default() }
    }

    /// Marks a name as used, to be remembered until then. `false`: it had been used before.
    pub fn first_use(&self, name: &str, now: Timestamp, until: Timestamp) -> bool {
        let hash: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let Ok(mut seen) = self.seen.try_borrow_mut() else { return false };
        if seen.get(&hash).is_some_and(|until| now < *until) {
            return false;
        }
        if seen.len() >= self.max {
            seen.retain(|_, until| now < *until);
        }
        if seen.len() >= self.max {
            let first = seen.iter().min_by_key(|(_, until)| **until).map(|(hash, _)| *hash);
            first.map(|hash| seen.remove(&hash));
        }
        seen.insert(hash, until);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_until_it_expires() {
        let at = Timestamp::from_unix;
        let used = Used::of(64);
        assert!(used.first_use("a", at(0), at(10)));
        assert!(!used.first_use("a", at(9), at(10)));
        assert!(used.first_use("b", at(9), at(10)));
        assert!(used.first_use("a", at(10), at(20)));
    }

    #[test]
    fn memory_is_bounded() {
        let used = Used::of(64);
        for index in 0..5000 {
            assert!(used.first_use(&index.to_string(), Timestamp::from_unix(0), Timestamp::from_unix(10)));
        }
        assert_eq!(used.seen.borrow().len(), 64);
    }
}
