//! The properties that the targets check, which `tests/corpus.rs` checks too.

#[path = "../../tests/properties/mod.rs"]
pub mod properties;
