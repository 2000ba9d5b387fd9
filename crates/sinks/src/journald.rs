//! Entries of the systemd journal, in its own protocol: fields in a datagram, or in a sealed file
//! in memory where they do not fit into one.

use std::io::{self, IoSlice, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use crate::record::Record;
use crate::syslog::severity;

/// Writes the fields of an entry.
pub(crate) fn entry(record: &Record) -> Vec<u8> {
    let mut entry = Vec::new();
    field(&mut entry, "MESSAGE", &record.text);
    field(&mut entry, "PRIORITY", &severity(record.level).to_string());
    field(&mut entry, "SYSLOG_IDENTIFIER", &record.app);
    field(&mut entry, "APP_NAME", &record.app);
    field(&mut entry, "APP_ID", &record.id.to_string());
    field(&mut entry, "APP_STREAM", if record.err { "err" } else { "out" });
    // In microseconds, as the journal's own times.
    field(&mut entry, "APP_TIME", &(record.at * 1000).to_string());
    entry
}

/// A value with a line end has its length before it, in 64 bits with the lowest first.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

/// Sends an entry over a socket that is connected with the journal.
pub(crate) fn send(socket: &UnixDatagram, entry: &[u8]) -> io::Result<()> {
    match socket.send(entry) {
        Ok(_) => Ok(()),
        Err(error) if is_too_long(&error) => Ok(send_file(socket, entry)?),
        Err(error) => Err(error),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::MSGSIZE, Errno::NOBUFS].iter().any(|errno| code == Some(errno.raw_os_error()))
}

fn send_file(socket: &UnixDatagram, entry: &[u8]) -> io::Result<()> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file: OwnedFd = rustix::fs::memfd_create("ostler-journal", flags)?;
    let mut file = std::fs::File::from(file);
    file.write_all(entry)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    let fds = [file.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    rustix::net::sendmsg(socket, &[IoSlice::new(&[])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ostler_logs::Level;

    use super::*;

    fn record(text: &str) -> Record {
        let (app, text) = ("api".to_owned(), text.to_owned());
        Record { app, id: 3, err: false, at: 1_795_388_825_573, level: Level::Info, text }
    }

    #[test]
    fn an_entry_is_as_the_journal_reads_it_byte_for_byte() {
        let rest = "PRIORITY=6\nSYSLOG_IDENTIFIER=api\nAPP_NAME=api\nAPP_ID=3\n\
                    APP_STREAM=out\nAPP_TIME=1795388825573000\n";
        assert_eq!(entry(&record("one")), format!("MESSAGE=one\n{rest}").into_bytes());
        let mut expected = b"MESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\n".to_vec();
        expected.extend_from_slice(rest.as_bytes());
        assert_eq!(entry(&record("one\ntwo")), expected);
    }

    #[test]
    fn an_entry_that_fits_into_no_datagram_is_sent_as_a_file() {
        use std::io::{IoSliceMut, Read as _, Seek as _};
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let long = entry(&record(&"x".repeat(4 << 20)));
        send(&ours, &long).unwrap();
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = rustix::net::RecvAncillaryBuffer::new(&mut space);
        let flags = rustix::net::RecvFlags::CMSG_CLOEXEC;
        let mut bytes = [0; 8];
        let room = &mut [IoSliceMut::new(&mut bytes)];
        let got = rustix::net::recvmsg(&theirs, room, &mut ancillary, flags).unwrap();
        assert_eq!(got.bytes, 0);
        let mut fds = ancillary.drain().flat_map(|message| match message {
            rustix::net::RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        let mut file = std::fs::File::from(fds.next().unwrap());
        let mut read = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, long);
    }
}
