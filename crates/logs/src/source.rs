//! One stream of one run: a pipe and where its bytes go.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_poll::Watched;

use crate::buffer::Buffer;
use crate::files::Key;
use crate::format::Formatter;
use crate::inodes::FileId;
use crate::subscribe::Origin;
use crate::types::{OnFull, Sink, SourceId, Stream};

/// See the module's text.
pub(crate) struct Source {
    pub key: Key,
    pub origin: Origin,
    pub pipe: Watched<Arc<OwnedFd>>,
    pub files: Vec<FileId>,
    pub formatter: Formatter,
    /// Nothing is published.
    pub silent: bool,
    /// It waits for a subscriber.
    pub held: bool,
    /// What becomes of its lines while a file cannot be written.
    pub full: OnFull,
    /// Which of the files fail and are not to be tried in this turn.
    pub waiting: [bool; 2],
    /// Bytes at the front of the journal's that subscribers have seen.
    pub shown: usize,
    /// Bytes at the front of the journal's that came before lines were dropped, if that is known.
    pub kept: Option<usize>,
    /// Lines lost while even the journal could not be written.
    pub unrecorded: u64,
    /// The process has exited.
    pub ended: bool,
    /// What it had written by its exit is in the files.
    pub drained: bool,
    /// How long part of a line is held back, ms; `None` until the line ends.
    pub hold: Option<u64>,
    /// When the part that is held back is to be shown.
    pub show_by: Option<u64>,
    /// The begun line of a raw stream, for subscribers.
    pub partial: Vec<u8>,
    /// Its lines wait before they are written.
    pub buffer: Option<Buffer>,
}

impl Source {
    pub(crate) fn new(
        key: Key,
        source: SourceId,
        stream: Stream,
        pipe: Watched<Arc<OwnedFd>>,
        sink: &Arc<Sink>,
    ) -> Self {
        Self {
            key,
            origin: Origin {
                source,
                proc_id: sink.proc_id,
                name: sink.name.as_str().into(),
                stream,
            },
            pipe,
            files: Vec::new(),
            formatter: Formatter::new(sink, stream),
            silent: sink.disabled,
            held: false,
            full: sink.full,
            waiting: [false; 2],
            shown: 0,
            kept: None,
            unrecorded: 0,
            ended: false,
            drained: false,
            hold: sink.hold.filter(|_| sink.combined.is_some()),
            show_by: None,
            partial: Vec::new(),
            buffer: Buffer::of(sink.buffer),
        }
    }

    /// Whether what the pipe holds is all that the process has written.
    pub(crate) fn is_final(&self) -> bool {
        self.ended && !self.drained
    }

    /// What came first of that which waits: where it ends in the journal, and when it came.
    pub(crate) fn first_that_waits(&self) -> Option<(u64, u64)> {
        self.buffer.as_ref()?.first()
    }

    /// So many bytes that waited are in the files. `is_first_done`: with what came first, but for
    /// a line that has not ended.
    pub(crate) fn wrote(&mut self, bytes: usize, is_first_done: bool) {
        let Some(buffer) = &mut self.buffer else { return };
        if is_first_done {
            buffer.marks.pop_front();
        }
        buffer.gone(bytes as u64);
    }

    pub(crate) fn id(&self) -> (SourceId, Stream) {
        (self.origin.source, self.origin.stream)
    }
}
