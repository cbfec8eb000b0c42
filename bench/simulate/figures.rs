//! What is counted of a day.

use core::cell::RefCell;
use std::collections::BTreeMap;

use super::clock::Millis;

/// Why somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// There was no session.
    First,
    /// Its tokens had ended, and the provider gives nothing to renew them with.
    Over,
    /// Its tokens had ended while the provider could not be asked.
    Outage,
    /// For no reason that a visitor would accept.
    Lost,
}

#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) totals: RefCell<BTreeMap<&'static str, u64>>,
    pub(crate) events: RefCell<BTreeMap<&'static str, u64>>,
    pub(crate) sign_ins: RefCell<BTreeMap<Why, u64>>,
    pub(crate) statuses: RefCell<BTreeMap<u16, u64>>,
    /// From the end of a session to the last request that it still let pass.
    pub(crate) delays: RefCell<Vec<Millis>>,
    seconds: RefCell<BTreeMap<(&'static str, u64), u64>>,
}

impl Figures {
    pub(crate) fn request(&self, now: Millis) {
        self.one("requests", now);
    }

    pub(crate) fn provider_call(&self, now: Millis) {
        self.one("provider_calls", now);
    }

    pub(crate) fn store_write(&self, now: Millis) {
        self.one("store_writes", now);
    }

    pub(crate) fn sign_in(&self, why: Why, now: Millis) {
        *self.sign_ins.borrow_mut().entry(why).or_default() += 1;
        self.one("sign_ins", now);
    }

    pub(crate) fn event(&self, event: &'static str) {
        *self.events.borrow_mut().entry(event).or_default() += 1;
    }

    pub(crate) fn status(&self, status: u16) {
        *self.statuses.borrow_mut().entry(status).or_default() += 1;
    }

    pub(crate) fn delay(&self, delay: Millis) {
        self.delays.borrow_mut().push(delay);
    }

    pub(crate) fn total(&self, what: &str) -> u64 {
        self.totals.borrow().get(what).copied().unwrap_or(0)
    }

    /// The most of it within one minute.
    pub(crate) fn most_in_a_minute(&self, what: &str) -> u64 {
        let mut minutes = BTreeMap::<u64, u64>::new();
        for ((_, second), count) in self.seconds.borrow().iter().filter(|((name, _), _)| *name == what) {
            *minutes.entry(second / 60).or_default() += count;
        }
        minutes.into_values().max().unwrap_or(0)
    }

    fn one(&self, what: &'static str, now: Millis) {
        *self.totals.borrow_mut().entry(what).or_default() += 1;
        *self.seconds.borrow_mut().entry((what, now / 1000)).or_default() += 1;
    }
}
