//! Who listens where on this machine.
//!
//! Problem: a program that finds its port taken is told so, but not by whom. Rule: the kernel's
//! tables (`/proc/net`) say which sockets there are and of which user, and the descriptors of
//! processes (`/proc/PID/fd`) who has them. An ordinary user sees the descriptors of their own
//! processes only; what cannot be known is said to be so, and never guessed.
//!
//! A look takes milliseconds, tens of them where there are thousands of processes: it belongs into
//! a helper thread or into a command, and is taken only when something is to be told. How many
//! connections a process has ([`open`]) is asked before a signal ends it, and must not wait: what
//! would take long is given up there.

#![deny(unsafe_code)]

mod address;
mod complaint;
mod connections;
mod diag;
mod family;
mod find;
mod held_port;
mod looks;
mod owner;
mod proc;
mod rest;
mod sockets;
mod sys;
mod table;

pub use address::Address;
pub use complaint::{Complaint, complaint};
pub use connections::{Idle, Open, idle, open};
pub use family::{Family, Held};
pub use find::{Found, Holder, Sockets, find, listened_on, taken_ports};
pub use held_port::given_to_connections;
pub use looks::{Looks, Memory, Process};
pub use owner::owner;
pub use proc::{ancestors, children, command, family, with_descendants};
pub use rest::Rest;
pub use sockets::sockets;
pub use table::{Socket, inet, unix};
