//! OpenID Connect at the CDN edge.

pub mod jose;
pub mod json;
pub mod secret;
pub mod time;

// The test support is shared with the integration tests, so it names the crate as they do.
#[cfg(test)]
extern crate self as edge_oidc;
#[cfg(test)]
#[path = "../tests/support/ring.rs"]
pub(crate) mod ring_support;
