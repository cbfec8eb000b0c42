//! OpenID Connect: Core, Discovery, Registration, Logout. As in `oauth`, each step is a request and a judged response.

pub mod discovery;
pub mod id_token;
pub mod logout;
pub mod registration;
pub mod userinfo;

use core::fmt;

use crate::web::secure_url::{SecureUrl, SecureUrlError};

/// An issuer identifier (OIDC Core §1.2): a URL without query or fragment, compared as a string, to the letter.
#[derive(Clone, Debug)]
pub struct IssuerUrl(SecureUrl);

/// Why a text is not an [`IssuerUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerUrlError {
    /// Not a URL that can be trusted.
    Url(SecureUrlError),
    /// OIDC Core §1.2 allows no query.
    Query,
}

impl IssuerUrl {
    /// Parses an issuer identifier.
    pub fn parse(text: &str) -> Result<Self, IssuerUrlError> {
        let url = SecureUrl::parse(text).map_err(IssuerUrlError::Url)?;
        if url.query().is_some() { Err(IssuerUrlError::Query) } else { Ok(Self(url)) }
    }

    /// The identifier as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The identifier as a URL.
    pub fn as_url(&self) -> &SecureUrl {
        &self.0
    }
}

impl fmt::Display for IssuerUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Query => f.write_str("expected an issuer without a ?query"),
        }
    }
}
