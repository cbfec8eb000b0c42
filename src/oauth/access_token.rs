//! Access tokens as a resource server sees them: who calls, on whose behalf, and what for (RFC 6749 §1.4, RFC 9068).

use core::fmt;

use serde_json::Value;

use super::Scopes;
use crate::{
    jose::{
        Alg, ClaimError, Claims, JwkSet, JwsError, UntrustedJwt, Verifier,
        claims::{self, Presence},
    },
    json::Object,
    time::{Leeway, Timestamp},
};

/// One who brought an access token that was found good. Only the checks of a token make one: [`verify`], and
/// [`introspection::judge`](super::introspection::judge).
#[derive(PartialEq)]
pub struct Caller {
    claims: Object,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
    confirmation: Confirmation,
}

/// What the token is bound to (RFC 7800 §3); nothing, when both are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// `jkt`: the thumbprint of a key (RFC 9449 §6.1).
    pub key: Option<String>,
    /// `x5t#S256`: the thumbprint of a client certificate (RFC 8705 §3.1).
    pub certificate: Option<String>,
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

    /// `client_id`: the client that the token was issued to. Keycloak says it in `azp` alone.
    pub fn client_id(&self) -> Option<&str> {
        self.text("client_id").or_else(|| self.text("azp"))
    }

    /// What the token is good for.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// `exp`.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// What the token is bound to.
    pub(crate) fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }

    /// The caller that everybody is under `OIDC_TESTING_PROFILE`, on loopback hosts only: no token is checked then.
    pub(crate) fn testing(profile: Object) -> Option<Self> {
        from_claims(Claims::new(profile), false).ok()
    }

    /// A caller with these claims, for explanations, which let nobody in.
    #[cfg(any(test, feature = "tools"))]
    pub(crate) fn of(claims: Object) -> Self {
        let scopes = scopes(&claims).unwrap_or_default();
        Self { scopes, expires_at: None, confirmation: Confirmation::default(), claims }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }
}

/// Claims are about a person: none is shown.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller([{} redacted])", self.claims.len())
    }
}

/// What a token, or an answer about one, is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuers that may have issued it.
    pub issuers: &'a [String],
    /// Its `aud` must name one of these. Empty: whoever it is for.
    pub audience: &'a [String],
    /// Whether `aud` has to be there.
    pub audience_required: bool,
    /// The moment of judgement.
    pub now: Timestamp,
    /// How far the provider's clock may differ.
    pub leeway: Leeway,
}

/// The type of a token that is bound to a key (RFC 9449 §5).
pub(super) const DPOP: &str = "DPoP";

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessTokenError {
    /// Form, algorithm, key or signature.
    Jws(JwsError),
    /// A claim is missing, of the wrong type, or out of its time.
    Claim(ClaimError),
    /// It is a token of another kind: an ID token, a logout token, a refresh token (RFC 8725 §3.11).
    WrongType,
    /// The server says that it is not active (RFC 7662 §2.2).
    Inactive,
    /// It is bound to a key or a certificate that the caller has not shown to have.
    Unproved,
}

impl From<JwsError> for AccessTokenError {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl From<ClaimError> for AccessTokenError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

/// Validates a JWT access token (RFC 9068 §4).
pub async fn verify(
    untrusted: UntrustedJwt,
    expected: &Expected<'_>,
    keys: &JwkSet,
    verifier: &impl Verifier,
) -> Result<Caller, AccessTokenError> {
    let jwt = untrusted.verify(keys, &Alg::ALL, verifier).await?;
    let is_typed = |name: &str| jwt.typ().is_some_and(|typ| typ.eq_ignore_ascii_case(name));
    // RFC 9068 §2.1: `at+jwt` and no other type.
    let by_name = is_typed("at+jwt");
    let is_plain = jwt.typ().is_none() || is_typed("JWT");
    let claims = jwt.into_claims();
    // Keycloak types its access tokens inside: there its ID tokens say `ID`, its others `Refresh` and `Logout`. It may
    // name the type outside as well, and says whose token it is in `azp` all the same.
    let kind = claims.as_object().get("typ").and_then(Value::as_str);
    let is_bound = kind == Some(DPOP);
    let is_keycloaks = is_bound || kind == Some("Bearer");
    if !(by_name || is_plain && is_keycloaks) {
        return Err(AccessTokenError::WrongType);
    }
    claims::check_issuer(&claims, expected.issuers)?;
    claims::check_audience(&claims, expected.audience)?;
    claims::check_expiry(&claims, expected.now, expected.leeway)?;
    claims::check_not_before(&claims, expected.now, expected.leeway)?;
    claims::check_issued_at(&claims, expected.now, expected.leeway, Presence::Optional)?;
    // §2.2: whom it speaks for and who may use it.
    let names_party = is_keycloaks && claims.as_object().contains_key("azp");
    let required: &[&'static str] = if by_name && !names_party { &["sub", "client_id"] } else { &["azp"] };
    for name in required {
        claims.required_string(name)?;
    }
    from_claims(claims, is_bound)
}

/// The caller that these claims describe; who vouches for them has been checked. The token of one that `is_bound` is
/// said to be bound to a key.
pub(super) fn from_claims(claims: Claims, is_bound: bool) -> Result<Caller, AccessTokenError> {
    // RFC 7519 §4.1.2: where it names somebody, by a text; nobody is called nothing.
    if claims.string("sub")?.is_some_and(str::is_empty) {
        return Err(ClaimError::WrongType("sub").into());
    }
    let scopes = scopes(claims.as_object())?;
    let expires_at = claims.timestamp("exp")?;
    let confirmation = confirmation(claims.as_object())?;
    // RFC 9449 §6.2: which key it is has to be said.
    if is_bound && confirmation.key.is_none() {
        return Err(AccessTokenError::Unproved);
    }
    Ok(Caller { scopes, expires_at, confirmation, claims: claims.into_object() })
}

// RFC 8693 §4.2 and RFC 7662 §2.2: one text, separated by spaces. Others call it `scp`, or send a list.
fn scopes(claims: &Object) -> Result<Scopes, ClaimError> {
    let value = ["scope", "scp"].iter().find_map(|name| claims.get(*name).filter(|value| !value.is_null()));
    let parsed = match value {
        None => Some(Scopes::default()),
        Some(Value::String(text)) => Scopes::parse(text.split(' ').filter(|token| !token.is_empty())),
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().and_then(Scopes::parse)
        }
        Some(_) => None,
    };
    parsed.ok_or(ClaimError::WrongType("scope"))
}

// RFC 7800 §3.1: a confirmation that can't be checked is not one to pass over.
fn confirmation(claims: &Object) -> Result<Confirmation, AccessTokenError> {
    let members = match claims.get("cnf") {
        None | Some(Value::Null) => return Ok(Confirmation::default()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(AccessTokenError::Unproved),
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let found = Confirmation { key: text("jkt"), certificate: text("x5t#S256") };
    let understood = usize::from(found.key.is_some()) + usize::from(found.certificate.is_some());
    if understood == 0 || understood != members.len() {
        return Err(AccessTokenError::Unproved);
    }
    Ok(found)
}

/// `auth_time`: when the person behind these claims signed in (OIDC Core §2, RFC 9068 §2.2.1).
pub fn authenticated_at(members: &Object) -> Option<Timestamp> {
    members.get("auth_time").and_then(claims::numeric_date)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(claims: &Value) -> Result<Caller, AccessTokenError> {
        from_claims(Claims::new(claims.as_object().unwrap().clone()), false)
    }

    #[test]
    fn scopes_in_every_form() {
        for (claims, expected) in [
            (json!({"scope": "a b"}), Some("a b")),
            (json!({"scope": " a  b "}), Some("a b")),
            (json!({"scp": ["a", "b"]}), Some("a b")),
            (json!({"scp": "a b"}), Some("a b")),
            (json!({"scope": "a", "scp": "b"}), Some("a")),
            (json!({"scope": ""}), Some("")),
            (json!({"scope": null}), Some("")),
            (json!({}), Some("")),
            (json!({"scope": 7}), None),
            (json!({"scope": ["a", 7]}), None),
            (json!({"scope": ["a b"]}), None),
            (json!({"scope": {"a": true}}), None),
        ] {
            let found = caller(&claims).ok().map(|caller| caller.scopes().to_string());
            assert_eq!(found.as_deref(), expected, "{claims}");
        }
    }

    #[test]
    fn confirmations_are_understood_whole() {
        for (cnf, expected) in [
            (json!(null), Some((None, None))),
            (json!({"jkt": "k"}), Some((Some("k"), None))),
            (json!({"x5t#S256": "c"}), Some((None, Some("c")))),
            (json!({"jkt": "k", "x5t#S256": "c"}), Some((Some("k"), Some("c")))),
            (json!({}), None),
            (json!("k"), None),
            (json!({"jkt": 7}), None),
            (json!({"jwk": {}}), None),
            (json!({"jkt": "k", "kid": "1"}), None),
        ] {
            let found = caller(&json!({"cnf": cnf}));
            let found = found.as_ref().ok().map(Caller::confirmation);
            let found = found.map(|found| (found.key.as_deref(), found.certificate.as_deref()));
            assert_eq!(found, expected, "{cnf}");
        }
    }

    #[test]
    fn who_calls() {
        let found = caller(&json!({"sub": "s", "client_id": "c", "azp": "z", "exp": 7})).unwrap();
        assert_eq!((found.subject(), found.client_id()), (Some("s"), Some("c")));
        assert_eq!(found.expires_at(), Some(Timestamp::from_unix(7)));
        assert_eq!(caller(&json!({"azp": "z"})).unwrap().client_id(), Some("z"));
        assert_eq!(caller(&json!({"exp": "7"})).err(), Some(AccessTokenError::Claim(ClaimError::WrongType("exp"))));
        assert_eq!(format!("{found:?}"), "Caller([4 redacted])");
    }
}
