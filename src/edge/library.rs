//! The library in the types of the crate `worker`: what Workers that are written around it use.

mod asked;
#[cfg(feature = "axum")]
pub mod axum;
mod convert;
mod guard;
mod inside;
mod oidc;
mod store;

pub use convert::AsRequest;
pub use guard::Guard;
pub use inside::{Misconfigured, Visit};
pub use oidc::{AfterRequest, Before, Oidc};
pub use store::MemoryCredentials;
