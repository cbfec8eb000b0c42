//! What the operator reads.

use serde::Serialize;

use super::{Error, Fault, ProviderError};
use crate::oidc::{id_token::IdTokenError, logout::LogoutError};

/// One line of the log: never a token, a code, a cookie, nor text of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// What happened, as a stable code: `callback.state_mismatch`.
    pub event: &'static str,
    /// Whose fault it is, if anyone's.
    pub fault: Option<Fault>,
    /// A closed set of words about it: the name of a claim, the reason a path was refused.
    pub detail: Option<String>,
}

impl LogLine {
    /// Something that went as it should.
    pub const fn event(event: &'static str) -> Self {
        Self { event, fault: None, detail: None }
    }

    /// An error.
    pub fn error(error: &Error) -> Self {
        Self { event: error.code(), fault: Some(error.fault()), detail: detail(error) }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let written = Written { event: self.event, fault: self.fault.map(Fault::name), detail: self.detail.as_deref() };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Written<'a> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

fn detail(error: &Error) -> Option<String> {
    match error {
        Error::Path(error) => Some(error.to_string()),
        Error::Provider(ProviderError::IdToken(IdTokenError::Claim(error)))
        | Error::Logout(LogoutError::Claim(error)) => Some(error.to_string()),
        Error::Provider(ProviderError::IdToken(IdTokenError::Jws(error))) | Error::Logout(LogoutError::Jws(error)) => {
            Some(error.to_string())
        }
        _ => None,
    }
}
