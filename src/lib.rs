//! OpenID Connect at the CDN edge.

pub mod secret;
pub mod time;
pub mod web;
