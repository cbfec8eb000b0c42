//! What the operator reads.

use serde::Serialize;

use super::{Error, Fault, ProviderError};
use crate::{
    oauth::{access_token::AccessTokenError, dpop::ProofError},
    oidc::{id_token::IdTokenError, logout::LogoutError},
};

/// One line of the log: never a token, a code, a cookie, nor text of the provider; an e-mail address only when asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    /// What happened, as a stable code: `callback.state_mismatch`.
    pub event: &'static str,
    /// Whose fault it is, if anyone's.
    pub fault: Option<Fault>,
    /// A closed set of words about it: the name of a claim, the reason a path was refused.
    pub detail: Option<String>,
    /// The path of the rule that the request came under, as the operator wrote it.
    pub rule: Option<String>,
    /// The pseudonym of the visitor.
    pub subject: Option<String>,
    /// The visitor's e-mail address, when `OIDC_LOG` asks for it.
    pub email: Option<String>,
    /// How many requests the line stands for, when not for one.
    pub weight: Option<u32>,
}

impl LogLine {
    /// Something that went as it should.
    pub fn event(event: &'static str) -> Self {
        Self { event, ..Self::default() }
    }

    /// An error.
    pub fn error(error: &Error) -> Self {
        Self { fault: Some(error.fault()), detail: detail(error), ..Self::event(error.code()) }
    }

    /// As JSON, with what the platform knows of the request.
    pub fn to_json(&self, request: &LoggedRequest<'_>) -> String {
        let written = Written {
            event: self.event,
            fault: self.fault.map(Fault::name),
            detail: self.detail.as_deref(),
            rule: self.rule.as_deref(),
            subject: self.subject.as_deref(),
            email: self.email.as_deref(),
            weight: self.weight,
            provider: request.provider,
            request: request.id,
            ms: request.ms,
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

/// What the platform knows of the request that a line is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedRequest<'r> {
    /// The platform's own name for it.
    pub id: Option<&'r str>,
    /// The issuer that signs its visitors in.
    pub provider: Option<&'r str>,
    /// For how long it has been under way, in milliseconds; the platform's clock stands still between I/O.
    pub ms: Option<u64>,
}

#[derive(Serialize)]
struct Written<'a> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
}

fn detail(error: &Error) -> Option<String> {
    match error {
        Error::Path(error) => Some(error.to_string()),
        Error::Provider(ProviderError::IdToken(IdTokenError::Claim(error)))
        | Error::Logout(LogoutError::Claim(error))
        | Error::AccessToken(AccessTokenError::Claim(error))
        | Error::Proof(ProofError::Claim(error)) => Some(error.to_string()),
        Error::Provider(ProviderError::IdToken(IdTokenError::Jws(error)))
        | Error::Logout(LogoutError::Jws(error))
        | Error::AccessToken(AccessTokenError::Jws(error))
        | Error::Proof(ProofError::Jws(error)) => Some(error.to_string()),
        _ => None,
    }
}
