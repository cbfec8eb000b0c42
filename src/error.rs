//! What can go wrong, by whose fault it is, and the one map from there to what the visitor and the operator see.

mod code;
mod log;
mod text;
mod unsent;

use crate::{
    host::{CallError, NoRandomness},
    jose::JwkError,
    oauth::{
        access_token::AccessTokenError,
        bearer::{BearerError, Challenge},
        dpop::ProofError,
        introspection::IntrospectionError,
        token::TokenError,
    },
    oidc::{discovery::DiscoveryError, id_token::IdTokenError, logout::LogoutError, userinfo::UserinfoError},
    web::{path::PathError, request::BodyError},
};

pub use log::{LogLine, LoggedRequest};
pub use text::PublicText;
pub use unsent::UnsentError;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is at fault.
    Visitor,
    /// The provider is.
    Provider,
    /// The origin is.
    Origin,
    /// The settings are.
    Operator,
    /// The platform is.
    Host,
}

impl Fault {
    /// As the log names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Provider => "provider",
            Self::Origin => "origin",
            Self::Operator => "operator",
            Self::Host => "host",
        }
    }
}

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The request's URL has no one meaning.
    Path(PathError),
    /// Other readers of the same path would put it under another rule.
    AmbiguousPath,
    /// An endpoint of ours does not take this method; these it takes.
    Method(&'static str),
    /// The form sent to an endpoint of ours is too long.
    FormTooLarge,
    /// The form sent to an endpoint of ours can't be read.
    FormUnreadable,
    /// There is nothing at this path of ours.
    NotFound,
    /// The rule does not let this visitor pass.
    Forbidden,
    /// A request that only our own pages may make, or only a person.
    Foreign,
    /// The response of the provider does not belong to a sign-in of this browser.
    Callback(CallbackError),
    /// The provider refused to sign the visitor in; its error code, in printable characters.
    SignInRefused(String),
    /// The visitor is another organisation's (`hd`).
    HostedDomain,
    /// The visitor's e-mail address is not verified.
    EmailNotVerified,
    /// A proxy has not said plainly which request it asks about.
    UnclearOriginal,
    /// The sign-in is not of the kind that was asked for, or too long ago.
    SignInTooWeak,
    /// A form that waits for its visitor can't be sent on.
    Unsent(UnsentError),
    /// A logout that the provider sent is not good.
    Logout(LogoutError),
    /// A step at the provider failed.
    Provider(ProviderError),
    /// Where an access token should stand, there are several, or something else.
    Bearer(BearerError),
    /// An access token is not good.
    AccessToken(AccessTokenError),
    /// What should show that the caller has the token's key does not.
    Proof(ProofError),
    /// The rule asks for another access token than came, or for one.
    Challenge(Challenge),
    /// An access token can't be checked now, for a step at the provider failed.
    TokenCheck(ProviderError),
    /// Several sign-ins in a row have not lasted: the browser does not keep the session.
    SignInLoop,
    /// This caller has asked too often.
    TooManyRequests,
    /// The claims that rules and headers need don't fit into the cookies.
    SessionTooLarge,
    /// What a Worker that is written around the library wants back after a sign-in does not fit into the login cookie.
    CustomStateTooLarge,
    /// What came back after a sign-in is of another kind than the Worker asks for.
    CustomStateUnreadable,
    /// A Worker that is written around the library asks for somebody who is signed in, where nobody can sign in.
    NobodySignsIn,
    /// Cookies without `Secure`, or no sign-in at all, on a host that is not this machine.
    LoopbackOnly,
    /// The store has not been able to tell about a session for too long.
    StoreUnavailable,
    /// A session's tokens are over, and the provider can't be asked for new ones now.
    RefreshUnavailable,
    /// The origin can't be reached, or its answer can't be passed on.
    OriginUnreachable,
    /// The origin took too long.
    OriginTimedOut,
    /// The key of `OIDC_ASSERTION_KEY` does not sign.
    NotSigned,
    /// The platform has no randomness.
    NoRandomness,
    /// A value of our own making could not be put into a cookie or URL.
    Internal,
}

/// Why a callback does not belong to a sign-in of this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// A parameter came twice, or they can't be read.
    Malformed,
    /// There is no `state`.
    StateMissing,
    /// No login cookie belongs to the `state`, or it does not open.
    StateMismatch,
    /// The sign-in began too long ago.
    StateExpired,
    /// The `state` has been used.
    StateReplayed,
    /// `iss` is missing or another one (RFC 9207).
    IssuerMismatch,
    /// There is neither a code nor an error.
    NoCode,
}

/// A step at the provider that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderError {
    /// Metadata.
    Discovery(StepError<DiscoveryError>),
    /// Keys.
    Keys(StepError<KeysError>),
    /// Tokens.
    Token(StepError<TokenError>),
    /// There is no ID token in the answer.
    NoIdToken,
    /// The ID token.
    IdToken(IdTokenError),
    /// Userinfo.
    Userinfo(StepError<UserinfoError>),
    /// What it says of an access token.
    Introspection(StepError<IntrospectionError>),
    /// It has no introspection, and no setting says what a JWT has to be for.
    NoIntrospection,
}

/// A step fails for want of an answer, or for what the answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepError<E> {
    /// There is no answer.
    Call(CallError),
    /// The answer is not good.
    Answer(E),
}

/// Why an answer is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// Not 200.
    UnexpectedStatus,
    /// Not a JWK Set.
    Malformed(JwkError),
}

impl From<NoRandomness> for Error {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<CallbackError> for Error {
    fn from(error: CallbackError) -> Self {
        Self::Callback(error)
    }
}

impl From<BearerError> for Error {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::FormTooLarge,
            BodyError::Unreadable => Self::FormUnreadable,
        }
    }
}

impl From<UnsentError> for Error {
    fn from(error: UnsentError) -> Self {
        Self::Unsent(error)
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

impl Error {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Path(_)
            | Self::AmbiguousPath
            | Self::Method(_)
            | Self::FormTooLarge
            | Self::FormUnreadable
            | Self::NotFound
            | Self::Forbidden
            | Self::Foreign
            | Self::Callback(_)
            | Self::SignInRefused(_)
            | Self::HostedDomain
            | Self::EmailNotVerified
            | Self::SignInTooWeak
            | Self::Unsent(_)
            | Self::SignInLoop
            | Self::Bearer(_)
            | Self::AccessToken(_)
            | Self::Proof(_)
            | Self::Challenge(_)
            | Self::TooManyRequests => Fault::Visitor,
            Self::Provider(ProviderError::Token(StepError::Answer(TokenError::InvalidClient)))
            | Self::TokenCheck(
                ProviderError::Introspection(StepError::Answer(IntrospectionError::InvalidClient))
                | ProviderError::NoIntrospection,
            )
            | Self::SessionTooLarge
            | Self::CustomStateTooLarge
            | Self::CustomStateUnreadable
            | Self::NobodySignsIn
            | Self::NotSigned
            | Self::UnclearOriginal
            | Self::LoopbackOnly => Fault::Operator,
            Self::Provider(_) | Self::TokenCheck(_) | Self::Logout(_) | Self::RefreshUnavailable => Fault::Provider,
            Self::OriginUnreachable | Self::OriginTimedOut => Fault::Origin,
            Self::StoreUnavailable | Self::NoRandomness | Self::Internal => Fault::Host,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Path(_)
            | Self::AmbiguousPath
            | Self::FormUnreadable
            | Self::Callback(_)
            | Self::SignInLoop
            | Self::Bearer(_)
            | Self::Logout(_) => 400,
            Self::SignInRefused(_)
            | Self::AccessToken(_)
            | Self::Proof(_)
            | Self::Challenge(Challenge::Missing | Challenge::StepUp) => 401,
            Self::Challenge(Challenge::Scope)
            | Self::Forbidden
            | Self::Foreign
            | Self::HostedDomain
            | Self::EmailNotVerified
            | Self::SignInTooWeak
            | Self::UnclearOriginal
            | Self::Unsent(UnsentError::AnotherVisitor) => 403,
            Self::NotFound | Self::Unsent(UnsentError::NotHere) => 404,
            Self::Unsent(UnsentError::AlreadySent) => 409,
            Self::Method(_) => 405,
            Self::FormTooLarge => 413,
            Self::TooManyRequests => 429,
            Self::SessionTooLarge
            | Self::CustomStateTooLarge
            | Self::CustomStateUnreadable
            | Self::NobodySignsIn
            | Self::LoopbackOnly
            | Self::NotSigned
            | Self::NoRandomness
            | Self::Internal => 500,
            Self::Provider(error) if error.timed_out() => 504,
            Self::OriginTimedOut => 504,
            Self::StoreUnavailable | Self::RefreshUnavailable | Self::TokenCheck(_) => 503,
            Self::Provider(_) | Self::OriginUnreachable => 502,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_504_and_the_rest_502() {
        let token = |error| Error::from(ProviderError::Token(StepError::Call(error)));
        assert_eq!(token(CallError::TimedOut).status(), 504);
        assert_eq!(token(CallError::Unreachable).status(), 502);
        assert_eq!(Error::from(ProviderError::NoIdToken).status(), 502);
    }

    #[test]
    fn a_wrong_client_secret_is_the_operators_fault() {
        let error = Error::from(ProviderError::Token(StepError::Answer(TokenError::InvalidClient)));
        assert_eq!(error.fault(), Fault::Operator);
        let line = LogLine::error(&error).to_json(&LoggedRequest::default());
        assert_eq!(line, r#"{"event":"token.invalid_client","fault":"operator"}"#);
    }
}
