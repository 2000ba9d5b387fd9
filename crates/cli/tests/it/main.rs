//! The command against a daemon of a few lines: what is printed, with which code it ends, and how it fails.

mod acting;
mod failing;
mod fake;
mod listing;
mod logging;
mod reload;
mod reload_load;
mod starting;
