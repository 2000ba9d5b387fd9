//! The process that must not die: forks, reaps, holds descriptors.
#![deny(unsafe_code)]
mod config;
pub mod link;
pub mod proto;
mod sys;
pub use config::{Config, KEEPER_FD_VAR, READY_FD_VAR};
