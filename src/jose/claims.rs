//! The claims of a token, read by type, and the checks that every token shares (RFC 7519 §4.1).
//!
//! The checks are pure: `now` and the leeway are arguments.

use core::fmt;

use serde_json::{Number, Value};

use crate::{
    json::Object,
    time::{Leeway, Timestamp},
};

/// The name of a claim.
pub type Claim = &'static str;

/// The largest magnitude of a `NumericDate` taken: beyond it a JSON number is not exact everywhere (RFC 8259 §6).
const MAX_NUMERIC_DATE: i64 = 1 << 53;

/// The claims of a token (RFC 7519 §4). What is absent reads as `None`; what has another type than asked for, `null`
/// included, is an error and never taken for absent.
#[derive(Clone, PartialEq)]
pub struct Claims(Object);

impl Claims {
    /// Claims as read from JSON. That they are true is for the caller to know: see
    /// [`VerifiedJwt`](super::VerifiedJwt) for those of a token.
    pub fn new(object: Object) -> Self {
        Self(object)
    }

    /// A string.
    ///
    /// # Errors
    ///
    /// [`ClaimError::WrongType`].
    pub fn string(&self, name: Claim) -> Result<Option<&str>, ClaimError> {
        self.read(name, Value::as_str)
    }

    /// A string that has to be there; it may be empty.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Missing`], [`ClaimError::WrongType`].
    pub fn required_string(&self, name: Claim) -> Result<&str, ClaimError> {
        self.string(name)?.ok_or(ClaimError::Missing(name))
    }

    /// A boolean: JSON `true` or `false`, not a string that spells it.
    ///
    /// # Errors
    ///
    /// [`ClaimError::WrongType`].
    pub fn boolean(&self, name: Claim) -> Result<Option<bool>, ClaimError> {
        self.read(name, Value::as_bool)
    }

    /// A `NumericDate` (RFC 7519 §2): a JSON number of seconds, a fraction of one cut off toward zero.
    ///
    /// # Errors
    ///
    /// [`ClaimError::WrongType`] for anything but a number, [`ClaimError::OutOfRange`] beyond 2^53 either way.
    pub fn timestamp(&self, name: Claim) -> Result<Option<Timestamp>, ClaimError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value @ Value::Number(_)) => numeric_date(value).map(Some).ok_or(ClaimError::OutOfRange(name)),
            Some(_) => Err(ClaimError::WrongType(name)),
        }
    }

    /// The audiences (RFC 7519 §4.1.3): a string, or an array of strings that is not empty.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Missing`], [`ClaimError::WrongType`].
    pub fn audience(&self) -> Result<Vec<&str>, ClaimError> {
        const AUD: Claim = "aud";
        match self.0.get(AUD) {
            None => Err(ClaimError::Missing(AUD)),
            Some(Value::String(only)) => Ok(vec![only]),
            Some(list) => strings(list).filter(|list| !list.is_empty()).ok_or(ClaimError::WrongType(AUD)),
        }
    }

    /// An array of strings, perhaps empty.
    ///
    /// # Errors
    ///
    /// [`ClaimError::WrongType`].
    pub fn string_list(&self, name: Claim) -> Result<Option<Vec<&str>>, ClaimError> {
        self.read(name, strings)
    }

    /// All of them, as JSON.
    pub fn as_object(&self) -> &Object {
        &self.0
    }

    /// All of them, as JSON.
    pub fn into_object(self) -> Object {
        self.0
    }

    fn read<'a, T>(&'a self, name: Claim, typed: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, ClaimError> {
        self.0.get(name).map(|value| typed(value).ok_or(ClaimError::WrongType(name))).transpose()
    }
}

/// Claims are about a person: only their number is shown.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims([{} redacted])", self.0.len())
    }
}

/// A `NumericDate` (RFC 7519 §2), written with a fraction or an exponent or without; `None` for what is none, or is
/// beyond 2^53 either way.
pub fn numeric_date(value: &Value) -> Option<Timestamp> {
    let Value::Number(number) = value else { return None };
    whole_seconds(number).map(Timestamp::from_unix)
}

/// Whether a claim has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Its absence is an error.
    Required,
    /// It is checked when it is there.
    Optional,
}

/// Checks `exp`, which has to be there: on or after it, plus the leeway, the token is no longer accepted. Answers it.
///
/// # Errors
///
/// [`ClaimError::Expired`], and those of [`Claims::timestamp`].
pub fn check_expiry(claims: &Claims, now: Timestamp, leeway: Leeway) -> Result<Timestamp, ClaimError> {
    // RFC 7519 §4.1.4
    let expiry = claims.timestamp("exp")?.ok_or(ClaimError::Missing("exp"))?;
    if now >= expiry.plus(leeway.as_duration()) {
        return Err(ClaimError::Expired);
    }
    Ok(expiry)
}

/// Checks `nbf` when it is there: before it, less the leeway, the token is not yet accepted.
///
/// # Errors
///
/// [`ClaimError::NotYetValid`], and those of [`Claims::timestamp`].
pub fn check_not_before(claims: &Claims, now: Timestamp, leeway: Leeway) -> Result<(), ClaimError> {
    // RFC 7519 §4.1.5
    match claims.timestamp("nbf")? {
        Some(not_before) if now.plus(leeway.as_duration()) < not_before => Err(ClaimError::NotYetValid),
        _ => Ok(()),
    }
}

/// Checks `iat`: a token can't come from the future, leeway allowed. Answers it.
///
/// # Errors
///
/// [`ClaimError::IssuedInFuture`], [`ClaimError::Missing`] when required, and those of [`Claims::timestamp`].
pub fn check_issued_at(
    claims: &Claims,
    now: Timestamp,
    leeway: Leeway,
    presence: Presence,
) -> Result<Option<Timestamp>, ClaimError> {
    // RFC 7519 §4.1.6
    match claims.timestamp("iat")? {
        None if presence == Presence::Required => Err(ClaimError::Missing("iat")),
        Some(issued) if issued > now.plus(leeway.as_duration()) => Err(ClaimError::IssuedInFuture),
        issued => Ok(issued),
    }
}

/// Checks that `iss` is one of `accepted`, byte for byte (RFC 7519 §4.1.1, RFC 8725 §3.8). Answers it.
///
/// # Errors
///
/// [`ClaimError::OtherIssuer`], and those of [`Claims::required_string`].
pub fn check_issuer<'a>(claims: &'a Claims, accepted: &[impl AsRef<str>]) -> Result<&'a str, ClaimError> {
    let issuer = claims.required_string("iss")?;
    if accepted.iter().any(|known| known.as_ref() == issuer) { Ok(issuer) } else { Err(ClaimError::OtherIssuer) }
}

/// Checks that `aud` names one of `accepted`, byte for byte (RFC 7519 §4.1.3, RFC 8725 §3.9).
///
/// # Errors
///
/// [`ClaimError::OtherAudience`], and those of [`Claims::audience`].
pub fn check_audience(claims: &Claims, accepted: &[impl AsRef<str>]) -> Result<(), ClaimError> {
    let audience = claims.audience()?;
    let named = accepted.iter().any(|known| audience.contains(&known.as_ref()));
    if named { Ok(()) } else { Err(ClaimError::OtherAudience) }
}

/// Why the claims of a token are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// The claim is not there.
    Missing(Claim),
    /// The claim has another JSON type than its definition says.
    WrongType(Claim),
    /// The moment is farther away than 2^53 seconds.
    OutOfRange(Claim),
    /// `exp` is over.
    Expired,
    /// `nbf` is still to come.
    NotYetValid,
    /// `iat` is still to come.
    IssuedInFuture,
    /// `iss` is another than those accepted.
    OtherIssuer,
    /// `aud` names none of those accepted.
    OtherAudience,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(claim) => write!(f, "expected the claim {claim}, got none"),
            Self::WrongType(claim) => write!(f, "expected the claim {claim} as defined, got another type"),
            Self::OutOfRange(claim) => write!(f, "expected the claim {claim} within 2^53 seconds, got more"),
            Self::Expired => f.write_str("expected a token that lasts, got an expired one"),
            Self::NotYetValid => f.write_str("expected a token that is valid now, got one for later"),
            Self::IssuedInFuture => f.write_str("expected a token from the past, got one from the future"),
            Self::OtherIssuer => f.write_str("expected an accepted issuer, got another"),
            Self::OtherAudience => f.write_str("expected an accepted audience, got others"),
        }
    }
}

impl core::error::Error for ClaimError {}

fn strings(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

fn whole_seconds(number: &Number) -> Option<i64> {
    if number.is_f64() {
        return number.as_f64().and_then(truncate);
    }
    // Above i64::MAX it is above the limit too.
    number.as_i64().filter(|seconds| (-MAX_NUMERIC_DATE..=MAX_NUMERIC_DATE).contains(seconds))
}

/// Toward zero, within the limit; NaN and the infinities are beyond it.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "exact up to 2^53, the limit checked")]
fn truncate(seconds: f64) -> Option<i64> {
    (seconds.abs() <= MAX_NUMERIC_DATE as f64).then_some(seconds as i64)
}

#[cfg(test)]
mod tests;
