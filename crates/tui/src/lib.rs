//! `ostler monit`: processes, their logs and details, full-screen and live.
//!
//! The view is a value (`monitor`) that learns inputs and has wishes; it is drawn by functions that
//! only look at it (`draw`). Around it are threads that wait for the daemon, for keys and for
//! signals (`feed`), the terminal (`screen`) and the loop (`run`). The daemon is asked as any other
//! client asks it, and may die: the view goes on, and says so.

#![forbid(unsafe_code)]

mod areas;
mod deed;
mod described;
mod draw;
mod error;
mod feed;
mod grid;
mod history;
mod input;
mod keys;
mod lines;
mod monitor;
mod rows;
mod run;
mod screen;

pub use error::Error;
pub use run::{Options, run};
