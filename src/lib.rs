//! OpenID Connect at the CDN edge.

pub mod claim_path;
pub mod config;
pub mod jose;
pub mod json;
pub mod oauth;
pub mod oidc;
pub mod policy;
pub mod secret;
pub mod time;
pub mod visitor;
pub mod web;
