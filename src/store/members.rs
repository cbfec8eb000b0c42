//! The list of one key: which sessions a subject has.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// More are never listed; the oldest gives way.
const MAX_MEMBERS: usize = 100;

/// Records on a list, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Members(Vec<Member>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Member {
    name: String,
    record: String,
    until: Timestamp,
}

impl Members {
    /// Puts a record on the list, until that moment. One of the same name gives way.
    pub fn join(&mut self, member: &str, record: &str, until: Timestamp, now: Timestamp) {
        self.0.retain(|known| known.name != member && now < known.until);
        if self.0.len() >= MAX_MEMBERS {
            self.0.remove(0);
        }
        self.0.push(Member { name: member.to_owned(), record: record.to_owned(), until });
    }

    /// Takes a record off the list.
    pub fn leave(&mut self, member: &str) {
        self.0.retain(|known| known.name != member);
    }

    /// The records that stand there now.
    pub fn records(&self, now: Timestamp) -> Vec<String> {
        self.0.iter().filter(|known| now < known.until).map(|known| known.record.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_and_go() {
        let at = Timestamp::from_unix;
        let mut members = Members::default();
        members.join("a", "one", at(10), at(0));
        members.join("b", "two", at(20), at(0));
        members.join("a", "one again", at(10), at(0));
        assert_eq!(members.records(at(9)), ["two", "one again"]);
        assert_eq!(members.records(at(10)), ["two"]);
        members.leave("b");
        assert_eq!(members.records(at(0)), ["one again"]);
        for number in 0..200 {
            members.join(&number.to_string(), "x", at(100), at(50));
            assert!(members.0.len() <= MAX_MEMBERS);
        }
        assert_eq!(members.0.first().map(|first| first.name.as_str()), Some("100"));
    }
}
