//! Looking into a pipe without taking anything out.
//!
//! Problem: a raw stream's bytes go from pipe to file inside the kernel, but subscribers want to
//! see them, and 2000 idle pipes must not cost a buffer each. Rule: one scratch pipe and one buffer
//! for all; `tee` copies references to the pipe's pages into the scratch pipe.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags};

/// Buffers over this are given back when the engine has nothing to do.
const KEPT: usize = 64 << 10;
/// Most that one look shows.
const LOOK: usize = 1 << 20;

/// What a look into a pipe showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    /// Nothing at the moment.
    Empty,
    /// Nothing, and nobody can write any more.
    End,
    /// This many bytes.
    Bytes(usize),
}

/// The shared pipe (read end, write end) and buffer.
#[derive(Default)]
pub(crate) struct Scratch {
    ends: Option<(OwnedFd, OwnedFd)>,
    buffer: Vec<u8>,
}

impl Scratch {
    /// Looks at what is at the front of `pipe`.
    pub(crate) fn peek(&mut self, pipe: &OwnedFd) -> io::Result<Peek> {
        let (read, write) = match self.ends.take() {
            Some(ends) => ends,
            None => rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?,
        };
        // On an error the scratch pipe is dropped with what is in it.
        let peek = match rustix::pipe::tee(pipe, &write, LOOK, SpliceFlags::NONBLOCK) {
            Ok(0) => Peek::End,
            Ok(len) => {
                self.fill(&read, len)?;
                Peek::Bytes(len)
            }
            Err(Errno::AGAIN) => Peek::Empty,
            Err(error) => return Err(error.into()),
        };
        self.ends = Some((read, write));
        Ok(peek)
    }

    fn fill(&mut self, read: &OwnedFd, len: usize) -> io::Result<()> {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        let mut filled = 0;
        while let Some(room) = self.buffer.get_mut(filled..len).filter(|room| !room.is_empty()) {
            match rustix::io::read(read, room)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => filled += more,
            }
        }
        Ok(())
    }

    /// The bytes of the last look.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        self.buffer.get(..len).unwrap_or_default()
    }

    /// Gives memory back that a flood took.
    pub(crate) fn trim(&mut self) {
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
    }
}
