//! Stories and random histories of the model, without a process.

mod canary;
mod changing;
mod closing;
mod crash;
mod failing;
mod listening;
mod memory;
mod oracle;
mod reloading;
mod saving;
mod scaling;
mod showing;
mod sim;
mod starting;
mod state;
mod stopping;
mod telling;
mod tickets;
mod words;
mod world;
