//! What the guards of dead daemons sent, taken in by their successor.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::ledger::{Ledger, Note};
use super::watch::{MOST, RECORD, VERSION};
use crate::daemon_log;
use crate::runs::Stat;

/// Names of the keeper's ends begin so.
pub const PREFIX: &str = "guard/";

/// So long a guard may take after the death of its daemon. It takes less than a millisecond.
const LIMIT: Duration = Duration::from_secs(2);

/// A connection that a dead daemon had accepted.
#[derive(Debug)]
pub struct Left {
    /// Descriptor of the connection.
    pub fd: OwnedFd,
    /// What was known about it.
    pub note: Note,
}

/// Takes the guards' ends out of what the keeper held, and reads them to their end. The connections
/// are in our ledger before they are taken out of the socket, so that our own death in between
/// loses none; found twice for that reason, they are taken once. Gives the names of the ends, too,
/// of which the keeper need not hold any more.
pub fn recover(
    items: &mut BTreeMap<String, (Vec<u8>, OwnedFd)>,
    ledger: &Ledger,
) -> (Vec<Left>, Vec<String>) {
    let names: Vec<String> =
        items.keys().filter(|name| name.starts_with(PREFIX)).cloned().collect();
    let mut found = BTreeMap::new();
    for name in &names {
        let Some((meta, end)) = items.remove(name) else { continue };
        let until = Instant::now() + LIMIT;
        let gone = hold(&meta).and_then(|guard| {
            wake(guard.as_ref());
            read(&end, until, ledger, &mut found)?;
            // Nothing is left of a manager when its last daemon has ended: its process goes after
            // its descriptors.
            guard.map_or(Ok(()), |guard| wait(&guard, until))
        });
        if let Err(error) = gone {
            daemon_log::error(format!(
                "could not read what the guard of the last daemon sent: {error}"
            ));
        }
    }
    (found.into_values().collect(), names)
}

/// Reads until the guard has gone.
fn read(
    end: &OwnedFd,
    until: Instant,
    ledger: &Ledger,
    found: &mut BTreeMap<u64, Left>,
) -> io::Result<()> {
    loop {
        wait(end, until)?;
        let Some(records) = receive(end, RecvFlags::PEEK)? else { return Ok(()) };
        for record in records {
            ledger.hold(record.fd.as_raw_fd(), record.note.listener);
            if let Some((run, seq)) = record.note.sent {
                ledger.send(record.fd.as_raw_fd(), run, seq);
            }
            let number = fstat(&record.fd)?.st_ino;
            if let Some(twice) = found.insert(number, record) {
                ledger.clear(twice.fd.as_raw_fd());
            }
        }
        receive(end, RecvFlags::empty())?;
    }
}

/// What the keeper holds with a guard's end: its process, and when that began.
pub(super) fn meta_of(pid: u32) -> Vec<u8> {
    let start_time = Stat::read(pid).map_or(0, |stat| stat.start_time);
    format!("{pid} {start_time}").into_bytes()
}

/// The guard's process; `None` when it is gone, or not known.
fn hold(meta: &[u8]) -> io::Result<Option<OwnedFd>> {
    let pid = meta.split(|byte| *byte == b' ').next().unwrap_or_default();
    let pid = std::str::from_utf8(pid).ok().and_then(|pid| pid.parse::<i32>().ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else { return Ok(None) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // The number may be another's by now.
    Ok((meta_of(pid.as_raw_nonzero().get().unsigned_abs()) == meta).then_some(pidfd))
}

/// One that was told to stand still would keep the connections.
fn wake(guard: Option<&OwnedFd>) {
    if let Some(Err(error)) = guard.map(|guard| pidfd_send_signal(guard, Signal::CONT)) {
        // It may just have gone.
        if error != Errno::SRCH {
            daemon_log::error(format!("could not wake the guard of the last daemon: {error}"));
        }
    }
}

/// Waits until there is something to be read.
fn wait(fd: &OwnedFd, until: Instant) -> io::Result<()> {
    let limit = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
    match retry_on_intr(|| poll(&mut [PollFd::new(fd, PollFlags::IN)], limit.as_ref()))? {
        0 => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not come to its end")),
        _ => Ok(()),
    }
}

/// One message. `None`: there is no more.
fn receive(end: &OwnedFd, flags: RecvFlags) -> io::Result<Option<Vec<Left>>> {
    let mut bytes = [0; MOST * RECORD * 8];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        match recvmsg(
            end,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            flags | RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if message.bytes == 0 {
        return Ok(None);
    }
    let fds = control.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let words = |record: &[u8]| -> [u64; RECORD] {
        let mut words = record
            .chunks_exact(8)
            .map(|word| word.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word)));
        std::array::from_fn(|_| words.next().unwrap_or(0))
    };
    let records =
        bytes.get(..message.bytes).unwrap_or_default().chunks_exact(RECORD * 8).map(words);
    let left = |(fd, [version, listener, run, seq]): (OwnedFd, [u64; RECORD])| {
        // Another version's notes mean nothing to us: then its connection is closed.
        let note = Note { listener, sent: run.checked_sub(1).map(|run| (run, seq)) };
        (version == VERSION).then_some(Left { fd, note })
    };
    Ok(Some(fds.flatten().zip(records).filter_map(left).collect()))
}
