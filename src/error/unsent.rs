//! Why a form that waits for its visitor can't be sent on, and what the visitor is told.

use std::borrow::Cow;

use super::PublicText;

/// Why a form that waits for its visitor can't be sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsentError {
    /// It is not there, no longer or not yet.
    NotHere,
    /// Somebody else has entered it.
    AnotherVisitor,
    /// It has been sent.
    AlreadySent,
}

impl UnsentError {
    pub(super) fn public_text(self) -> PublicText {
        let (title, sentence, start_again) = match self {
            Self::NotHere => (
                "What you entered is not here",
                "It may still be on its way: try again in a minute. It waits for half an hour, and not in another browser.",
                true,
            ),
            Self::AnotherVisitor => (
                "What was entered is somebody else's",
                "You are signed in with another account than the one that entered it. It has not been sent.",
                false,
            ),
            Self::AlreadySent => {
                ("What you entered has been sent", "It is sent only once, and that has been done.", false)
            }
        };
        PublicText { title, sentence: Cow::Borrowed(sentence), start_again }
    }
}
