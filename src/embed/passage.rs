//! The stock guard with something of the operator's own before a request goes on.

use core::fmt;

use super::{AfterRequest, Answer, Visit};
use crate::{
    host::Host,
    json::Object,
    origin::{self, Forward, HeaderEdit},
    web::request::IncomingRequest,
};

/// An admitted request before it goes to the origin: what the operator's own code may change.
#[derive(Default)]
pub struct Passage {
    /// The claims that the headers of `OIDC_HEADERS` are made of; of nobody there are none.
    pub claims: Object,
    headers: Vec<HeaderEdit>,
}

/// Without claims and values.
impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The name can't be that of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHeader;

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the name of a header")
    }
}

impl core::error::Error for BadHeader {}

impl Passage {
    /// The origin gets this header, and none of that name from the client. `%`, control and non-ASCII characters of the
    /// value are percent-encoded, as they are in the headers of `OIDC_HEADERS`.
    ///
    /// # Errors
    ///
    /// [`BadHeader`].
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), BadHeader> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        // RFC 9110 §5.6.2; one that begins with a hyphen is none that anybody uses.
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(is_name) {
            return Err(BadHeader);
        }
        self.headers.push(HeaderEdit::set(name, &origin::header_text(value)));
        Ok(())
    }
}

impl<H: Host, R: IncomingRequest> Visit<H, R> {
    /// What may be changed of the request on its way to the origin.
    pub fn passage(&self) -> Passage {
        let claims = self.user().map(|identity| identity.claims().clone()).unwrap_or_default();
        Passage { claims, headers: Vec::new() }
    }
}

impl<H: Host, R: IncomingRequest> AfterRequest<H, R> {
    /// On to the origin instead of an answer of the code's own.
    ///
    /// # Errors
    ///
    /// The answer to return when the request can't go on.
    pub async fn pass_on(self, passage: Passage) -> Result<Forward, Answer> {
        let visit = self.visit();
        let (Passage { claims, headers }, url) = (passage, visit.url()?);
        let admitted = visit.begun().admitted.clone().with_claims(claims);
        let passed = visit.gateway().pass_on(&admitted, visit.host(), visit.request(), &url, Vec::new()).await;
        let mut forward = passed.map_err(|error| visit.refused(&error))?;
        let back = visit.way_back();
        forward.edits.extend(headers);
        forward.cookies = back.cookies;
        forward.answer_is_private |= back.answer_is_private;
        Ok(forward)
    }
}
