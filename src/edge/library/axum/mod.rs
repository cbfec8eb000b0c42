//! axum: a layer that knows the visitors of a router, and extractors that say who they are.
//!
//! ```no_run
//! use axum::{Router, body::Body, routing::get};
//! use edge_oidc::{
//!     Answer, Oidc,
//!     axum::{AccessToken, Scopes, User, Visit},
//! };
//! use tower_service::Service as _;
//! use worker::{Context, Env, HttpRequest, Result, event};
//!
//! struct Read;
//!
//! impl Scopes for Read {
//!     const SCOPES: &'static [&'static str] = &["read"];
//! }
//!
//! async fn index(user: Option<User>) -> String {
//!     user.map_or("Not logged in".to_owned(), |user| format!("Welcome {}", user.subject()))
//! }
//!
//! async fn private(user: User) -> String {
//!     format!("Hello, {}", user.subject())
//! }
//!
//! async fn api(caller: AccessToken<Read>) -> String {
//!     caller.subject().unwrap_or_default().to_owned()
//! }
//!
//! #[worker::send]
//! async fn logout(visit: Visit) -> Answer {
//!     visit.logout(Some("/")).await
//! }
//!
//! #[event(fetch)]
//! async fn fetch(request: HttpRequest, env: Env, _context: Context) -> Result<axum::http::Response<Body>> {
//!     let mut router = Router::new()
//!         .route("/", get(index))
//!         .route("/private", get(private))
//!         .route("/api", get(api))
//!         .route("/logout", get(logout))
//!         .layer(Oidc::from_env(&env)?.layer());
//!     Ok(router.call(request).await?)
//! }
//! # fn main() {}
//! ```
//!
//! What waits for the platform is not `Send`, as axum wants it: `#[worker::send]` before a handler makes it so.

mod answer;
mod extract;
mod layer;

pub use extract::{AccessToken, Scopes, User, Visit};
pub use layer::{OidcLayer, OidcService};
