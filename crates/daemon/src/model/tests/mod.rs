//! Stories and random histories of the model, without a process.

mod crash;
mod oracle;
mod sim;
mod starting;
mod words;
mod world;
