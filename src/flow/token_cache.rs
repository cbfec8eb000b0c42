//! What was found out about access tokens, in this isolate: by the hash of the whole token, for a while, and never
//! more than so many.

use core::cell::RefCell;
use std::{collections::BTreeMap, rc::Rc};

use crate::{
    oauth::access_token::{AccessTokenError, Caller},
    time::Timestamp,
};

/// More are never kept; what was used longest ago gives way.
const MAX_KEPT: usize = 1024;

/// What a token was found to be. That it is good for one rule and not for another is not the token's.
pub type Finding = Result<Rc<Caller>, AccessTokenError>;

/// The hash of a token.
pub type TokenHash = [u8; 32];

/// Good tokens and bad ones apart, so that a flood of bad ones drives out no good one.
#[derive(Debug, Default)]
pub struct TokenCache {
    good: RefCell<Lru>,
    bad: RefCell<Lru>,
}

#[derive(Debug, Default)]
struct Lru {
    entries: BTreeMap<TokenHash, Entry>,
    /// Counts the uses: the smallest number is the longest ago.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    finding: Finding,
    until: Timestamp,
    used: u64,
}

impl TokenCache {
    /// What is known of the token.
    pub fn find(&self, hash: &TokenHash, now: Timestamp) -> Option<Finding> {
        let found = |kept: &RefCell<Lru>| kept.try_borrow_mut().ok()?.find(hash, now);
        found(&self.good).or_else(|| found(&self.bad))
    }

    /// Keeps what was found until then.
    pub fn keep(&self, hash: TokenHash, finding: &Finding, until: Timestamp) {
        let kept = if finding.is_ok() { &self.good } else { &self.bad };
        if let Ok(mut kept) = kept.try_borrow_mut() {
            kept.keep(hash, finding.clone(), until);
        }
    }
}

impl Lru {
    fn find(&mut self, hash: &TokenHash, now: Timestamp) -> Option<Finding> {
        let entry = self.entries.get_mut(hash)?;
        if now >= entry.until {
            self.entries.remove(hash);
            return None;
        }
        self.uses = self.uses.saturating_add(1);
        entry.used = self.uses;
        Some(entry.finding.clone())
    }

    fn keep(&mut self, hash: TokenHash, finding: Finding, until: Timestamp) {
        self.uses = self.uses.saturating_add(1);
        if self.entries.len() >= MAX_KEPT && !self.entries.contains_key(&hash) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(hash, _)| *hash);
            oldest.map(|hash| self.entries.remove(&hash));
        }
        self.entries.insert(hash, Entry { finding, until, used: self.uses });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: usize) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn good() -> Rc<Caller> {
        Rc::new(Caller::testing(crate::json::Object::new()).unwrap())
    }

    const BAD: Finding = Err(AccessTokenError::Inactive);

    #[test]
    fn until_then_and_no_longer() {
        let (cache, at) = (TokenCache::default(), Timestamp::from_unix);
        cache.keep(hash(1), &BAD, at(10));
        assert_eq!(cache.find(&hash(1), at(9)), Some(BAD));
        assert_eq!(cache.find(&hash(1), at(10)), None);
        assert_eq!(cache.find(&hash(2), at(0)), None);
    }

    #[test]
    fn what_was_used_longest_ago_gives_way() {
        let (cache, at) = (TokenCache::default(), Timestamp::from_unix);
        for number in 0..MAX_KEPT {
            cache.keep(hash(number), &Ok(good()), at(10));
        }
        assert!(cache.find(&hash(0), at(0)).is_some());
        cache.keep(hash(MAX_KEPT), &Ok(good()), at(10));
        assert!(cache.find(&hash(1), at(0)).is_none());
        assert!(cache.find(&hash(0), at(0)).is_some() && cache.find(&hash(MAX_KEPT), at(0)).is_some());
        assert_eq!(cache.good.borrow().entries.len(), MAX_KEPT);
    }

    #[test]
    fn a_flood_of_bad_tokens_drives_out_no_good_one() {
        let (cache, at) = (TokenCache::default(), Timestamp::from_unix);
        cache.keep(hash(0), &Ok(good()), at(10));
        for number in 1..=3 * MAX_KEPT {
            cache.keep(hash(number), &BAD, at(10));
        }
        assert!(cache.find(&hash(0), at(0)).is_some_and(|finding| finding.is_ok()));
        assert_eq!(cache.bad.borrow().entries.len(), MAX_KEPT);
    }
}
