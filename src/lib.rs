//! OpenID Connect at the CDN edge.

pub mod jose;
pub mod json;
pub mod secret;
pub mod time;
