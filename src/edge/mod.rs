//! The Workers runtime: from its requests to the gateway and back.
//!
//! Two stand on it: `guard`, a Worker of its own, and `library` for Workers that are written around it.

mod forward;
mod glue;
#[cfg(feature = "guard")]
mod guard;
mod host;
#[cfg(feature = "edge")]
pub(crate) mod library;
#[cfg(feature = "panics")]
mod panics;
mod request;
mod respond;
mod settings;
#[cfg(feature = "axum")]
mod shared_body;
mod store;
mod vault;
