//! One stream of one run: a pipe and where its bytes go.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::files::{FileId, Key};
use crate::format::Formatter;
use crate::subscribe::Origin;
use crate::types::{Sink, SourceId, Stream};

/// Largest pipe asked for: what Linux allows everybody.
const LARGEST: usize = 1 << 20;

/// See the module's text.
pub(crate) struct Source {
    pub key: Key,
    pub origin: Origin,
    pub pipe: OwnedFd,
    /// Bytes the pipe can hold.
    pub capacity: usize,
    pub files: Vec<FileId>,
    pub formatter: Formatter,
    /// Nothing is published.
    pub silent: bool,
    /// Bytes at the pipe's front that are known to hold no line end.
    pub known: usize,
    /// No process can write any more.
    pub hung_up: bool,
    /// The process has exited.
    pub ended: bool,
    /// What it had written by its exit is in the files.
    pub drained: bool,
    /// The begun line of a raw stream, for subscribers.
    pub partial: Vec<u8>,
}

impl Source {
    pub(crate) fn new(key: Key, source: SourceId, stream: Stream, pipe: OwnedFd, sink: &Arc<Sink>) -> Self {
        let capacity = rustix::pipe::fcntl_getpipe_size(&pipe).unwrap_or(64 << 10);
        Self {
            key,
            origin: Origin { source, proc_id: sink.proc_id, name: sink.name.as_str().into(), stream },
            pipe,
            capacity,
            files: Vec::new(),
            formatter: Formatter::new(sink, stream),
            silent: sink.disabled,
            known: 0,
            hung_up: false,
            ended: false,
            drained: false,
            partial: Vec::new(),
        }
    }

    /// Whether an unfinished line is to be taken as it stands.
    pub(crate) fn is_final(&self) -> bool {
        self.hung_up || (self.ended && !self.drained)
    }

    /// Makes room for a longer line. `false` when the pipe is as large as it can be.
    pub(crate) fn grow(&mut self) -> bool {
        self.resize(LARGEST)
    }

    /// The size may have been changed from the other end: asks again. Whether it had.
    pub(crate) fn recheck_capacity(&mut self) -> bool {
        let before = self.capacity;
        self.capacity = rustix::pipe::fcntl_getpipe_size(&self.pipe).unwrap_or(before);
        self.capacity != before
    }

    /// Back to this size; `false` when more than that is in it, or it is not allowed.
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        match rustix::pipe::fcntl_setpipe_size(&self.pipe, bytes) {
            Ok(capacity) if capacity != self.capacity => {
                self.capacity = capacity;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}
