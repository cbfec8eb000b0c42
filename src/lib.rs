//! OpenID Connect at the CDN edge.

pub mod claim_path;
pub mod config;
#[cfg(feature = "edge")]
mod edge;
pub mod error;
pub mod flow;
pub mod gateway;
pub mod host;
pub mod jose;
pub mod json;
pub mod oauth;
pub mod oidc;
pub mod origin;
pub mod policy;
pub mod route;
pub mod secret;
pub mod session;
pub mod time;
pub mod visitor;
pub mod web;

// The test support is shared with the integration tests, so it names the crate as they do.
#[cfg(test)]
extern crate self as edge_oidc;
#[cfg(test)]
#[path = "../tests/support/ring.rs"]
pub(crate) mod ring_support;
