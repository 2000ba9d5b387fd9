//! The command against a daemon of a few lines: what is printed, with which code it ends, and how it fails.

mod cluster;
mod reload;
mod reload_load;
mod acting;
mod commands;
mod commands_policy;
mod failing;
mod fake;
mod fork;
mod listing;
mod logging;
mod logs;
mod start;
mod start_e2e;
mod starting;
mod stop;
