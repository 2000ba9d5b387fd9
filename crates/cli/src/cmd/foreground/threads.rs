//! What the foreground hears: signals, and how the start went.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

use ostler_client::{Answer, Client, Error, Home};
use ostler_wire::control::{Event, Failure, Reply, Request};
use rustix::event::{PollFd, PollFlags, poll};

use super::course::News;
use crate::heard::Heard;

/// Daemons in a row that may die under the start and tell nothing.
const TRIES: u32 = 5;

/// Bytes of what a signal descriptor tells of one signal.
const INFO: usize = 128;

/// Tells of each signal.
pub(super) fn signals(fd: &OwnedFd, news: &Sender<News>) {
    let mut buffer = [0_u8; INFO * 8];
    loop {
        // A failed poll or read is tried again: nothing else would ever hear a signal.
        _ = poll(&mut [PollFd::new(fd, PollFlags::IN)], None);
        let Ok(count) = rustix::io::read(fd, &mut buffer) else { continue };
        for info in buffer.get(..count).unwrap_or_default().chunks_exact(INFO) {
            let number = info.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
            if news.send(News::Signal(number)).is_err() {
                return;
            }
        }
    }
}

/// Why something was not started.
pub(super) type Missed = Vec<(Option<String>, Failure)>;

/// Sends the request that starts the apps, to the next daemon if one dies over it.
///
/// # Errors
/// There is no manager any more, or it is not understood.
pub(super) fn start(home: &Home, request: &Request) -> Result<Missed, Error> {
    let (mut heard, mut missed, mut tries) = (Heard::default(), Missed::new(), 0);
    loop {
        heard.begin();
        let mut client = Client::connect(home)?;
        let answer = client.request(request, |event| {
            if heard.is_news(&event)
                && let Event::Failed { name, error } = event
            {
                missed.push((Some(name), error));
            }
        });
        match answer {
            Err(Error::Broken) if tries < TRIES => {
                tries = if heard.progressed() { 0 } else { tries + 1 };
            }
            Err(error) => return Err(error),
            Ok(Answer::Reply(Reply::Error(error))) if missed.is_empty() => {
                missed.push((None, error));
                return Ok(missed);
            }
            Ok(_) => return Ok(missed),
        }
    }
}

/// Collects children that have ended, which the first process inherits.
///
/// # Errors
/// What the system says.
pub(super) fn reap() -> io::Result<()> {
    loop {
        match rustix::process::wait(rustix::process::WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
