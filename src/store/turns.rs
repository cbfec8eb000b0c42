//! Taking turns at renewing one entry, for a store that agrees with itself at once.

use core::{cell::Cell, time::Duration};

use super::FOR_GOOD;
use crate::time::Timestamp;

/// A turn that is neither used nor given up ends by itself: the request that had it is gone. Not before it can have done
/// all that it has to, which is four calls to the provider and some to the store: the next one would use a refresh token
/// that is spent.
const TURN: Duration = Duration::from_secs(50);

/// Who may renew an entry now.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Cell<Option<Taken>>,
}

/// Somebody has the turn.
#[derive(Clone, Copy, Debug)]
struct Taken {
    /// What that one knows.
    stale: Timestamp,
    until: Timestamp,
}

/// What a request that wants to renew an entry is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is nothing left to do: the entry is newer than the one the request knows.
    Over,
    /// It is the request's own.
    Yours,
    /// It is another one's.
    Wait,
}

impl Turns {
    /// Asks for the turn, with what the request knows (`stale`) and what stands there (`good_until`).
    pub fn ask(&self, stale: Timestamp, good_until: Option<Timestamp>, now: Timestamp) -> Turn {
        if good_until.is_some_and(|until| until > stale) {
            return Turn::Over;
        }
        if self.taken.get().is_some_and(|taken| now < taken.until) {
            return Turn::Wait;
        }
        self.taken.set(Some(Taken { stale, until: now.plus(TURN) }));
        Turn::Yours
    }

    /// Whether a value that is good until `until` may take the place of what stands there. What was put there for good,
    /// a mark, is not undone by a renewal that comes late.
    pub fn may_write(until: Timestamp, good_until: Option<Timestamp>) -> bool {
        until == FOR_GOOD || good_until != Some(FOR_GOOD)
    }

    /// A value that is good until `until` was written. That ends the turn, unless it is what the one who has it started
    /// from: somebody else may only now have been able to store that.
    pub fn written(&self, until: Timestamp) {
        if self.taken.get().is_some_and(|taken| until > taken.stale) {
            self.end();
        }
    }

    /// Ends the turn.
    pub fn end(&self) {
        self.taken.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn one_at_a_time() {
        let turns = Turns::default();
        assert_eq!(turns.ask(at(10), Some(at(10)), at(9)), Turn::Yours);
        assert_eq!(turns.ask(at(10), Some(at(10)), at(9)), Turn::Wait);
        assert_eq!(turns.ask(at(10), None, at(58)), Turn::Wait);
        assert_eq!(turns.ask(at(10), None, at(59)), Turn::Yours, "who had it is gone");
        turns.end();
        assert_eq!(turns.ask(at(10), None, at(59)), Turn::Yours);
        assert_eq!(turns.ask(at(10), Some(at(11)), at(59)), Turn::Over);
        assert_eq!(turns.ask(at(10), Some(FOR_GOOD), at(59)), Turn::Over);
    }

    #[test]
    fn what_a_turn_started_from_does_not_end_it() {
        let turns = Turns::default();
        for (until, then) in [(9, Turn::Wait), (10, Turn::Wait), (11, Turn::Yours)] {
            turns.end();
            assert_eq!(turns.ask(at(10), None, at(9)), Turn::Yours);
            turns.written(at(until));
            assert_eq!(turns.ask(at(10), None, at(9)), then, "{until}");
        }
    }

    #[test]
    fn a_mark_is_for_good() {
        for (until, stands, may) in [
            (at(5), None, true),
            (at(5), Some(at(9)), true),
            (at(5), Some(FOR_GOOD), false),
            (FOR_GOOD, Some(FOR_GOOD), true),
            (FOR_GOOD, Some(at(9)), true),
        ] {
            assert_eq!(Turns::may_write(until, stands), may, "{until:?} over {stands:?}");
        }
    }
}
