//! PM2's words for what ostler holds: its record of an app, `pm2_env`, the elements of `jlist` and
//! of the dump, names of files and states.
//!
//! PM2 has one flat object for everything it knows of a process: configuration, variables and
//! run-time data side by side. Its clients, its dump, the environment of every app and many a
//! script rely on that object. ostler keeps these apart, in types of its own, and makes PM2's
//! object here, where it is shown, and nowhere else.
//!
//! - [`record`]: the configuration of an app, to and fro;
//! - [`element`]: a process in `jlist`, from a struct of [`Facts`];
//! - [`dump`]: a process in `dump.pm2`, to and fro;
//! - [`environment`]: what of the record an app sees in its environment;
//! - [`files`]: where its output and pid go;
//! - [`words`]: states and signals;
//! - [`amp`], [`rpc`], [`bus`]: what goes over PM2's sockets: frames, calls, events;
//! - [`in_app`]: what apps say over their channel;
//! - [`module`]: what a package that is a module says of itself;
//! - [`settings`], in `module_conf.json`: those of apps and modules;
//! - [`rotation`], [`alerts`]: what they say of the rotation of log files and of alerts.
//!
//! Nothing here does I/O or reads the process's own environment.

#![forbid(unsafe_code)]

pub mod alerts;
pub mod amp;
pub mod bus;
pub mod dump;
pub mod element;
pub mod environment;
pub mod files;
pub mod in_app;
mod json_text;
pub mod module;
mod not_json;
pub mod process_file;
pub mod record;
pub mod rotation;
pub mod rpc;
pub mod settings;
pub mod words;

pub use element::{Facts, List, SharedText};
pub use not_json::not_json;
