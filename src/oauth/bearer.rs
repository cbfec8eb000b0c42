//! Bearer tokens in requests, and the challenges that answer them (RFC 6750; for `DPoP` as a scheme, RFC 9449 §7.1).

use std::borrow::Cow;

use super::AccessToken;
use crate::{secret::Secret, web::form};

const PARAMETER: &str = "access_token";

/// A token as it came; nothing is known of it.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The token.
    pub untrusted: AccessToken,
    /// The scheme it came under.
    pub scheme: Scheme,
    /// Where it stood.
    pub location: Location,
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has it may use it.
    Bearer,
    /// With a proof that the caller has the key it is bound to.
    Dpop,
}

/// Where a token may stand (RFC 6750 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The `Authorization` header (§2.1).
    Header,
    /// A form in the body (§2.2).
    Form,
    /// The URL's query (§2.3).
    Query,
}

/// Why a request can't be read: 400 `invalid_request` (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// More than one token, or more than one `Authorization`.
    Several,
    /// What stands where a token belongs is none.
    Malformed,
}

/// What the rule finds wrong with the token that came, or did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// There is none.
    Missing,
    /// It is not good for all that is asked (RFC 6750 §3.1).
    Scope,
    /// It comes of a sign-in of another kind, or of too long ago (RFC 9470 §3).
    StepUp,
}

/// The token of an `Authorization` header; `None` when it is of another scheme. Several headers come joined by commas.
pub fn in_header(value: &str) -> Result<Option<Presented>, BearerError> {
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    // RFC 9110 §11.1: schemes are case-insensitive.
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("Bearer") => Scheme::Bearer,
        scheme if scheme.eq_ignore_ascii_case("DPoP") => Scheme::Dpop,
        _ if has_another(value) => return Err(BearerError::Several),
        _ => return Ok(None),
    };
    let untrusted = token(credentials.trim_matches(' '))?;
    Ok(Some(Presented { untrusted, scheme, location: Location::Header }))
}

/// The token among the parameters of a form or a query.
pub fn in_parameters(encoded: &str, location: Location) -> Result<Option<Presented>, BearerError> {
    let mut values = form::values(encoded, PARAMETER).into_iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BearerError::Several);
    }
    let untrusted = token(&first.map_err(|_| BearerError::Malformed)?)?;
    Ok(Some(Presented { untrusted, scheme: Scheme::Bearer, location }))
}

/// A query without the token in it.
pub fn without_token(query: &str) -> String {
    form::without(query, PARAMETER)
}

/// A challenge (RFC 9110 §11.6.1): the scheme, and parameters of which those without a value are left out.
pub fn challenge(scheme: &str, parameters: &[(&str, Option<Cow<'_, str>>)]) -> String {
    let mut text = scheme.to_owned();
    let mut separator = " ";
    for (name, value) in parameters {
        let Some(value) = value else { continue };
        text.extend([separator, name, "=\""]);
        // RFC 6750 §3: the values have neither quotation marks nor backslashes.
        text.extend(value.chars().filter(|c| !matches!(c, '"' | '\\')));
        text.push('"');
        separator = ", ";
    }
    text
}

// RFC 6750 §2.1: b64token
fn token(text: &str) -> Result<AccessToken, BearerError> {
    let body = text.trim_end_matches('=');
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    if body.is_empty() || !body.bytes().all(good) {
        return Err(BearerError::Malformed);
    }
    Ok(Secret::new(text.to_owned()))
}

// After a comma outside quotes, a scheme begins with a token and a space; a parameter has its `=` first.
fn has_another(value: &str) -> bool {
    let mut quoted = false;
    let pieces = value.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    pieces.skip(1).map(str::trim).any(|piece| match piece.split_once(' ') {
        Some((name, rest)) => !name.contains(['=', '"']) && !rest.trim_start().starts_with('='),
        None => false,
    })
}

#[cfg(test)]
mod tests;
