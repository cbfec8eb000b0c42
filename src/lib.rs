//! OpenID Connect at the CDN edge: a guard that signs visitors in before their requests reach an origin.
//!
//! ```text
//! edge                                        the Workers runtime (feature `runtime`)
//!   embed                                     the gateway called from inside, for code around this library
//!   gateway                                   the order of things
//!     flow          host, error               the only code that awaits; the one door to the platform
//!       config  route  policy  origin         decisions: pure and total
//!         store                               where credentials are kept: one trait, stores behind it
//!         session   visitor                   what is remembered of a visitor
//!           oidc                              OpenID Connect: Core, Discovery, Logout
//!             oauth                           RFC 6749, RFC 7009, RFC 7636, RFC 9207
//!               jose    web                   bytes <-> types: RFC 7515-7519; paths, cookies, forms, pages
//!                 json  claim_path            JSON without repeated names, and a place in it
//!                   time  secret              values
//! ```
//!
//! A request goes down from [`gateway::Gateway::handle`] and comes back as a [`gateway::Outcome`]: an answer of ours, or
//! a request for the origin. On the way it is [routed](route), its visitor [identified](flow::identify), a rule
//! [decided](policy::decide), and only then a [`origin::Forward`] made. A signed-in request opens one cookie and mostly waits
//! for nobody but the origin. Every so often the store is asked whether the session [still stands](flow::standing), and
//! before its tokens end they are [renewed](flow::refresh).
//!
//! What must have happened before is a type: only the judged response of the provider gives an
//! [`AuthorizationCode`](oauth::authorization::AuthorizationCode), only a checked signature a
//! [`VerifiedJwt`](jose::VerifiedJwt), only the checks of OIDC Core §3.1.3.7 an [`IdToken`](oidc::id_token::IdToken), and
//! only policy an [`Admitted`](policy::Admitted), without which nothing is forwarded. Time, chance, the network, the store and
//! the log are reached through [`host::Host`] alone, so that everything else is tested natively, with a clock that tests set.
//!
//! The feature `edge` adds the library for Workers that are written around this crate, in the types of the crate `worker`:
//! `Oidc` and `Guard`, which stand at this root with what they need. `docs/library.md` is their guide. The feature `axum`
//! adds a layer and extractors for routers of axum's. The feature `guard` makes the Worker that `npm run build` builds. All
//! stand on the feature `runtime`, and the programs are behind `tools`; `panics` is for the guard's own tests. They are off by default, so that the core carries
//! neither JavaScript nor an HTTP client.
//!
//! What stands at the root, in [`embed`], in [`store`] with its [`contract`](store::contract) and in `axum` is for others to
//! use: `docs/stability.md` says what is promised of it. The other modules are public for this crate's own programs and
//! tests, and may change at any time.

pub mod claim_path;
pub mod config;
#[cfg(feature = "runtime")]
mod edge;
pub mod embed;
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
pub mod store;
pub mod time;
pub mod visitor;
pub mod web;

#[cfg(feature = "axum")]
pub use edge::library::axum;
#[cfg(feature = "edge")]
pub use edge::library::{AfterRequest, AsRequest, Before, Guard, MemoryCredentials, Misconfigured, Oidc, Visit};
#[cfg(feature = "edge")]
pub use embed::{AccessToken, Answer, BadHeader, Caller, Identity, Passage, RefreshToken};
pub use store::Store as CredentialsStore;

// The test support is shared with the integration tests, so it names the crate as they do.
#[cfg(test)]
extern crate self as edge_oidc;
#[cfg(test)]
#[path = "../tests/support/ring.rs"]
pub(crate) mod ring_support;
