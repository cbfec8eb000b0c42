//! The access token of a request, wherever the settings let it stand.

use crate::{
    error::Error,
    flow::{MAX_FORM_BYTES, Site},
    oauth::bearer::{BearerError, Location, Presented, in_header, in_parameters},
    web::{
        path::RequestUrl,
        request::{BodyError, IncomingRequest, text},
    },
};

/// The one token that the request brings. A form that is looked at goes on to the origin whole.
///
/// # Errors
///
/// [`Error::Bearer`]: there are several (RFC 6750 §2), or what is there is none.
pub async fn find(
    site: &Site,
    request: &impl IncomingRequest,
    url: &RequestUrl<'_>,
) -> Result<Option<Presented>, Error> {
    let allowed = |location| site.config.tokens.locations.contains(&location);
    // Two `Authorization` headers are bad wherever tokens are taken from.
    let header = request.header("authorization").map(|value| in_header(&value)).transpose()?.flatten();
    let mut found = header.filter(|_| allowed(Location::Header));
    if allowed(Location::Query)
        && let Some(query) = url.query()
    {
        found = only(found, in_parameters(query, Location::Query)?)?;
    }
    if allowed(Location::Form) && is_form(request) {
        let form = match request.peek(MAX_FORM_BYTES).await.and_then(text) {
            Ok(form) => form,
            // Too long to be looked through; a token has been found without.
            Err(BodyError::TooLarge) if found.is_some() => return Ok(found),
            Err(error) => return Err(error.into()),
        };
        found = only(found, in_parameters(&form, Location::Form)?)?;
    }
    Ok(found)
}

fn only(found: Option<Presented>, more: Option<Presented>) -> Result<Option<Presented>, BearerError> {
    match (found, more) {
        (Some(_), Some(_)) => Err(BearerError::Several),
        (found, more) => Ok(found.or(more)),
    }
}

// RFC 6750 §2.2: in the body of a method that gives it a meaning, as a form.
fn is_form(request: &impl IncomingRequest) -> bool {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    !matches!(request.method(), "GET" | "HEAD") && media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
