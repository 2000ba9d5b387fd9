//! The end of who reads standard output.
//!
//! Problem: a command that shows what comes learns from a write that nobody reads any more. Where
//! nothing comes, `ostler logs | head -n 1` would stay until the app says something again.
//! Rule: beside such a command a thread waits for that, and ends it as the write would.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Ends this command as soon as nobody reads its standard output; returns at once.
pub(crate) fn end_with_reader() -> io::Result<()> {
    let wait = || {
        if wait_gone(io::stdout()) {
            // Nobody is there to be told anything, and nothing is held here.
            std::process::exit(0);
        }
    };
    std::thread::Builder::new().name("reader".to_owned()).spawn(wait).map(|_| ())
}

/// Waits until the other end of a descriptor is gone; `false` when that cannot be seen.
fn wait_gone(out: impl AsFd) -> bool {
    loop {
        let mut fds = [PollFd::new(&out, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) => {
                let gone = PollFlags::ERR | PollFlags::HUP;
                return fds.iter().any(|fd| fd.revents().intersects(gone));
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_reader_is_seen_without_a_write() {
        let (reader, writer) = io::pipe().unwrap();
        let waits = std::thread::spawn(move || wait_gone(&writer));
        drop(reader);
        assert!(waits.join().unwrap());
    }
}
