//! What this isolate has ended for a whole subject or session at the provider: it counts here at once, whatever the
//! check interval is and however late the store shows it.

use core::cell::RefCell;
use std::collections::BTreeMap;

use crate::{oidc::logout::Ends, session::Session, time::Timestamp};

/// When there are more, all are forgotten, and the store alone knows.
const MAX_REMEMBERED: usize = 1_000;

/// The moments up to which sessions have been ended here. Plain data, bounded.
#[derive(Debug, Default)]
pub struct Ended(RefCell<Moments>);

#[derive(Debug, Default)]
struct Moments {
    subjects: BTreeMap<String, Timestamp>,
    provider_sessions: BTreeMap<String, Timestamp>,
    /// By subject: sessions for which the provider has given no `sid`.
    unnamed: BTreeMap<String, Timestamp>,
}

impl Ended {
    /// Every session of these that was signed in at `moment` or before is over.
    pub(super) fn remember(&self, ends: &Ends, moment: Timestamp) {
        let Ok(mut moments) = self.0.try_borrow_mut() else { return };
        if moments.count() >= MAX_REMEMBERED {
            *moments = Moments::default();
        }
        match ends {
            Ends::Subject(subject) => raise(&mut moments.subjects, subject, moment),
            Ends::ProviderSession { sid, subject } => {
                raise(&mut moments.provider_sessions, sid, moment);
                if let Some(subject) = subject {
                    raise(&mut moments.unnamed, subject, moment);
                }
            }
        }
    }

    /// Up to when sessions such as this one have been ended.
    pub(super) fn up_to(&self, session: &Session) -> Option<Timestamp> {
        let moments = self.0.try_borrow().ok()?;
        let subject = session.identity.subject();
        let at_provider = match &session.provider_session {
            Some(sid) => moments.provider_sessions.get(sid),
            None => moments.unnamed.get(subject),
        };
        moments.subjects.get(subject).max(at_provider).copied()
    }
}

impl Moments {
    fn count(&self) -> usize {
        self.subjects.len() + self.provider_sessions.len() + self.unnamed.len()
    }
}

fn raise(moments: &mut BTreeMap<String, Timestamp>, name: &str, moment: Timestamp) {
    let latest = moments.entry(name.to_owned()).or_insert(moment);
    *latest = moment.max(*latest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_latest_moment_stays() {
        let ended = Ended::default();
        let at = Timestamp::from_unix;
        for index in 0..2_500_u32 {
            let name = index.to_string();
            ended.remember(&Ends::ProviderSession { sid: name.clone(), subject: Some(name.clone()) }, at(0));
            ended.remember(&Ends::Subject(name), at(0));
            assert!(ended.0.borrow().count() <= MAX_REMEMBERED + 1);
        }
        for moment in [5, 9, 7] {
            ended.remember(&Ends::Subject("alice".to_owned()), at(moment));
        }
        assert_eq!(ended.0.borrow().subjects.get("alice"), Some(&at(9)));
    }
}
