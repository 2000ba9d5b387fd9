//! Stories and random histories of the model, without a process.

mod crash;
mod starting;
mod world;
