//! From a fresh process to a daemon that answers: alone in its home, with everything that
//! a predecessor left.

mod inventory;
mod orphans;
mod rebuilt;
mod recover;
mod room;
mod start;

use std::io::Write;
use std::os::fd::OwnedFd;

use ostler_keeper::link::{self, Link};

pub(crate) use inventory::Inventory;
pub(crate) use orphans::OnDisk;
pub(crate) use start::start;

/// Tells who started us how it went: `ok`, or what is wrong.
pub(crate) fn tell_ready(fd: Option<OwnedFd>, result: Result<(), &str>) {
    if let Some(fd) = fd {
        let text = result.err().unwrap_or("ok");
        // Whoever waited may have left.
        _ = std::fs::File::from(fd).write_all(format!("{text}\n").as_bytes());
    }
}

/// The daemon's end of the link that its keeper passed.
///
/// # Errors
/// There is none: the daemon was started by hand.
pub(crate) fn link() -> Result<Link, String> {
    match link::from_env() {
        Ok(Some(link)) => Ok(link),
        Ok(None) => {
            Err("the daemon is started by its keeper, not by hand; run any `ostler` command"
                .to_owned())
        }
        Err(error) => Err(format!("could not use the link to the keeper: {error}")),
    }
}
