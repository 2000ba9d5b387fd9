//! Where modules are kept: a folder each below `modules` in the home, as PM2 has it.

mod archive;
mod npm;
mod package;
mod sample;
mod store;

pub(crate) use archive::{is_archive, pack};
pub(crate) use npm::publish;
pub(crate) use package::read;
pub(crate) use sample::generate;
pub(crate) use store::{Origin, Store};
