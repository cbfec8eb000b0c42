//! The formats of the web, between bytes and types: cookies, forms, paths, replies, pages.
//!
//! Everything here is pure and total. Nothing here knows what a sign-in is.

pub mod cookie;
pub mod entries;
pub mod form;
pub mod message_signature;
pub mod pages;
pub mod path;
pub(crate) mod percent;
pub mod reply;
pub mod request;
pub mod return_to;
pub mod secure_url;
#[cfg(test)]
pub(crate) mod vectors;
