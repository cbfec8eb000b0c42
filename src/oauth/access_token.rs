//! Access tokens as a resource server sees them: who calls, on whose behalf, and what for (RFC 6749 §1.4, RFC 9068).

use core::fmt;

use serde_json::Value;

use super::Scopes;
use crate::{json::Object, time::Timestamp};

/// One who brought an access token that was found good. Only the check of a token makes one.
#[derive(PartialEq)]
pub struct Caller {
    claims: Object,
    scopes: Scopes,
}

impl Caller {
    /// Every claim of the token, or every member of the answer about it.
    pub fn claims(&self) -> &Object {
        &self.claims
    }

    /// `sub`: on whose behalf; a client that acts for itself may have none.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `client_id`: the client that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.text("client_id")
    }

    /// What the token is good for.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A caller with these claims, for tests of what stands above the check, and for explanations, which let nobody in.
    #[cfg(any(test, feature = "tools"))]
    pub(crate) fn of(claims: Object) -> Self {
        let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { scopes: Scopes::parse(scope.split_whitespace()).unwrap_or_default(), claims }
    }
}

/// Claims are about a person: none is shown.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller([{} redacted])", self.claims.len())
    }
}

/// `auth_time`: when the person behind these claims signed in (OIDC Core §2, RFC 9068 §2.2.1).
pub fn authenticated_at(claims: &Object) -> Option<Timestamp> {
    claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_unix)
}
