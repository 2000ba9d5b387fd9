//! Stories and random histories of the model, without a process.

mod bulk;
mod canary;
mod changing;
mod closing;
mod crash;
mod failing;
mod histories;
mod kept;
mod listening;
mod memory;
mod moves;
mod oracle;
mod reloading;
mod reports;
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
