//! What the programs have in common: how they talk to the network, and to the person at the terminal.

pub(crate) mod http;
pub(crate) mod secrets_file;
pub(crate) mod terminal;
pub(crate) mod usage;
pub(crate) mod wrangler;
