//! Bringing an app to other machines, over the system's ssh: its configuration, agent and jump
//! hosts are the user's.
//!
//! Problem: several machines, each of which may fail in the middle. Rule: what may fail without
//! harm is done on all of them first (the new version is fetched), then one after the other gets
//! it, the same commit each. What runs there is a script of the shell, made of texts alone.

mod host;
mod script;

pub(crate) use host::{Host, hosts};
pub(crate) use script::{Stop, Told, current, deploys, exec, fetch, release, setup};
