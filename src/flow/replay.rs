//! States are used once. A store that agrees slowly cannot enforce that; the provider does (a code is redeemed once),
//! and within an isolate we need not even ask it.

use core::cell::RefCell;
use std::collections::VecDeque;

use sha2::{Digest as _, Sha256};

use crate::time::Timestamp;

/// More are never remembered; the oldest gives way.
const MAX_REMEMBERED: usize = 1024;

/// The states that this isolate has seen used.
#[derive(Debug, Default)]
pub struct UsedStates(RefCell<VecDeque<([u8; 32], Timestamp)>>);

impl UsedStates {
    /// Marks a state as used, to be remembered until its sign-in would have expired. `false`: it had been used before.
    pub fn first_use(&self, state: &str, now: Timestamp, expires_at: Timestamp) -> bool {
        let hash: [u8; 32] = Sha256::digest(state.as_bytes()).into();
        let Ok(mut used) = self.0.try_borrow_mut() else { return false };
        used.retain(|(_, expires_at)| *expires_at > now);
        if used.iter().any(|(known, _)| *known == hash) {
            return false;
        }
        if used.len() >= MAX_REMEMBERED {
            used.pop_front();
        }
        used.push_back((hash, expires_at));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_until_it_expires() {
        let at = Timestamp::from_unix;
        let used = UsedStates::default();
        assert!(used.first_use("a", at(0), at(10)));
        assert!(!used.first_use("a", at(9), at(10)));
        assert!(used.first_use("b", at(9), at(10)));
        assert!(used.first_use("a", at(10), at(20)));
    }

    #[test]
    fn memory_is_bounded() {
        let used = UsedStates::default();
        for index in 0..5000 {
            assert!(used.first_use(&index.to_string(), Timestamp::from_unix(0), Timestamp::from_unix(10)));
        }
        assert_eq!(used.0.borrow().len(), MAX_REMEMBERED);
    }
}
