//! Looking into a pipe without taking anything out.
//!
//! Problem: lines must be seen before they are consumed, and 2000 idle pipes must not cost a buffer each.
//! Rule: one scratch pipe and one buffer for all; `tee` copies references to the pipe's pages into the scratch pipe, which
//! is as large as the source's, so that it is full exactly when the source is.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags};

/// Buffers over this are given back when the engine has nothing to do.
const KEPT: usize = 64 << 10;

/// What a look into a pipe showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    /// Nothing at the moment.
    Empty,
    /// Nothing, and nobody can write any more.
    End,
    /// These bytes after the skipped ones, all that there are; `full` when the writer cannot write more.
    Bytes { len: usize, full: bool },
}

struct Ends {
    read: OwnedFd,
    write: OwnedFd,
    capacity: usize,
}

/// The shared pipe and buffer.
#[derive(Default)]
pub(crate) struct Scratch {
    ends: Option<Ends>,
    buffer: Vec<u8>,
}

impl Scratch {
    /// Looks at what is in `pipe`, whose capacity is given, behind the first `skip` bytes.
    pub(crate) fn peek(&mut self, pipe: &OwnedFd, capacity: usize, skip: usize) -> io::Result<Peek> {
        let ends = match self.ends.take() {
            Some(ends) if ends.capacity == capacity => ends,
            Some(Ends { read, write, .. }) => resized(read, write, capacity)?,
            None => {
                let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
                resized(read, write, capacity)?
            }
        };
        let len = match rustix::pipe::tee(pipe, &ends.write, ends.capacity.max(capacity), SpliceFlags::NONBLOCK) {
            Ok(len) => len,
            Err(Errno::AGAIN | Errno::INTR) => {
                self.ends = Some(ends);
                return Ok(Peek::Empty);
            }
            Err(error) => return Err(error.into()),
        };
        if len == 0 {
            self.ends = Some(ends);
            return Ok(Peek::End);
        }
        let full = is_full(&ends.write)?;
        // On an error from here on the scratch pipe is dropped with what is in it.
        let skip = skip.min(len);
        if skip > 0 {
            drop_bytes(&ends.read, skip)?;
        }
        let len = len - skip;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        let mut filled = 0;
        while let Some(room) = self.buffer.get_mut(filled..len).filter(|room| !room.is_empty()) {
            match rustix::io::read(&ends.read, room)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        self.ends = Some(ends);
        Ok(Peek::Bytes { len, full })
    }

    /// The bytes of the last look.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        self.buffer.get(..len).unwrap_or_default()
    }

    /// Gives memory back that a flood took.
    pub(crate) fn trim(&mut self) {
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
            self.ends = None;
        }
    }
}

fn resized(read: OwnedFd, write: OwnedFd, capacity: usize) -> io::Result<Ends> {
    let capacity = rustix::pipe::fcntl_setpipe_size(&write, capacity).or_else(|_| {
        // Not allowed to be that large: looks show less at a time, and seem full earlier.
        rustix::pipe::fcntl_getpipe_size(&write)
    })?;
    Ok(Ends { read, write, capacity })
}

fn is_full(write: &OwnedFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(write, PollFlags::OUT)];
    let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(rustix::event::poll(&mut polled, Some(&zero))? == 0)
}

fn drop_bytes(read: &OwnedFd, mut len: usize) -> io::Result<()> {
    let mut sink = [0u8; 4096];
    while len > 0 {
        let room = sink.get_mut(..len.min(4096)).unwrap_or_default();
        len = len.saturating_sub(rustix::io::read(read, room)?.max(1));
    }
    Ok(())
}
