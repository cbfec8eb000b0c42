//! What visitors are told: a heading, one sentence, and whether a button may help.

use std::borrow::Cow;

use super::Error;

/// What a visitor is told.
#[derive(Debug, PartialEq, Eq)]
pub struct PublicText {
    /// The heading.
    pub title: &'static str,
    /// One sentence.
    pub sentence: Cow<'static, str>,
    /// Whether starting again may help.
    pub start_again: bool,
}

impl Error {
    /// What the visitor is told; nothing of the cause that would help an attacker.
    pub fn public_text(&self) -> PublicText {
        let text = |title, sentence: &'static str, start_again| PublicText {
            title,
            sentence: Cow::Borrowed(sentence),
            start_again,
        };
        match self {
            Self::Path(_) | Self::AmbiguousPath => text(
                "This address can't be opened",
                "The address has characters that this site does not accept.",
                false,
            ),
            Self::Method(_)
            | Self::FormTooLarge
            | Self::FormUnreadable
            | Self::Foreign
            | Self::Logout(_)
            | Self::Bearer(_) => {
                text("This request can't be answered", "The request is not one that this page accepts.", false)
            }
            Self::NotFound => text("Not found", "There is nothing at this address.", false),
            Self::AccessToken(_) | Self::Proof(_) | Self::Challenge(_) => {
                text("No access", "This address takes requests with an access token alone.", false)
            }
            Self::Forbidden | Self::UnclearOriginal => text("No access", "You do not have access to this page.", false),
            Self::Callback(_) => text(
                "Sign-in did not finish",
                "This sign-in was not started here, took too long, or has been used already.",
                true,
            ),
            Self::SignInRefused(code) => refused(code),
            Self::HostedDomain => {
                text("No access", "Your account belongs to an organisation that has no access here.", true)
            }
            Self::EmailNotVerified => {
                text("No access", "Your e-mail address has not been verified by the sign-in service.", true)
            }
            Self::SignInTooWeak => text(
                "No access",
                "This page asks for a stronger or a fresh sign-in, and the sign-in service did not say that yours is one.",
                true,
            ),
            Self::SignInLoop => text(
                "Sign-in does not last",
                "You signed in several times, and your browser did not keep it. It may be blocking cookies for this site.",
                true,
            ),
            Self::TooManyRequests => {
                text("Too many requests", "This site has been asked too often. Please wait a minute.", false)
            }
            Self::Unsent(error) => error.public_text(),
            Self::Provider(_) => text(
                "Sign-in is not available",
                "The sign-in service did not answer as expected. Please try again in a moment.",
                true,
            ),
            Self::TokenCheck(_) => text(
                "The site is not available",
                "Access tokens can't be checked right now. Please try again in a moment.",
                false,
            ),
            Self::StoreUnavailable | Self::RefreshUnavailable => text(
                "The site is not available",
                "Your sign-in can't be checked right now. You are still signed in; please try again in a moment.",
                false,
            ),
            Self::OriginUnreachable | Self::OriginTimedOut => text(
                "The site is not available",
                "The site behind this page did not answer. Please try again in a moment.",
                false,
            ),
            Self::SessionTooLarge
            | Self::CustomStateTooLarge
            | Self::CustomStateUnreadable
            | Self::NobodySignsIn
            | Self::LoopbackOnly
            | Self::NotSigned
            | Self::NoRandomness
            | Self::Internal => text(
                "Sign-in is not available",
                "Something is wrong on our side. The operator of this site has been told in the log.",
                false,
            ),
        }
    }
}

fn refused(code: &str) -> PublicText {
    let sentence = match code {
        "access_denied" => Cow::Borrowed("You cancelled the sign-in, or the sign-in service did not allow it."),
        code => Cow::Owned(format!("The sign-in service answered: {code}")),
    };
    PublicText { title: "You are not signed in", sentence, start_again: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_is_said_in_words() {
        let text = |code: &str| Error::SignInRefused(code.to_owned()).public_text().sentence.into_owned();
        assert!(text("access_denied").contains("cancelled"));
        assert!(text("server_error").contains("server_error"));
    }
}
