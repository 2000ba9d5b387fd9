//! Which files of an app have changed, as the kernel tells it by inotify.
//!
//! Problem: a folder is told of and not what is below it; folders come and go while they are looked
//! at; a file system may hang; and most of what lies below an app's folder is not its business.
//!
//! Rule: one thread for all apps, which waits for the kernel and does nothing else. A folder is
//! watched first and read then, so that nothing falls between. Folders that do not count are not
//! entered. What counts is a pure question, [`Rules`]; what a change means is for others to decide.

#![forbid(unsafe_code)]

mod folders;
mod git;
mod path;
mod pattern;
mod rules;
mod scan;
mod thread;

pub use rules::{Asked, Rules};
pub use thread::{Wanted, WatchNews, Watcher};
