//! One step of the journal: the same bytes to the end of one file or several, or of none.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::fileio::append_all;
use crate::files::{LogFile, Open};
use crate::inodes::FileId;
use crate::laid::Laid;
use crate::note::{Target, Which};
use crate::reactor::Reactor;
use crate::source::Source;
use crate::step::Step;

/// How long a device may take to make room before what does not fit waits.
const DEVICE_PATIENCE: rustix::event::Timespec =
    rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl Reactor {
    /// The journal's steps from the note on. Returns where the bytes are in the stream's own file,
    /// if they went there and somebody wants to know it.
    pub(crate) fn commit(
        &mut self,
        source: &Source,
        step: Step,
        output: &[u8],
    ) -> Result<Option<Laid>, (FileId, io::Error)> {
        let order = self.order(source, step.which);
        let first = order.first().copied().unwrap_or_default();
        let mut ends = Vec::with_capacity(order.len());
        for id in &order {
            self.cut_others(source, *id).map_err(|error| (*id, error))?;
            // What tells of a loss is a line of its own.
            let goes_on = step.goes_on || (step.taken > 0 && self.has_begun(source, *id));
            let Some(file) = self.files.get_mut(*id) else { continue };
            let end = file.end().map_err(|error| (*id, error))?;
            let lead = !goes_on && end.is_some_and(|end| !file.ends_with_line(end));
            ends.push((*id, end, lead));
        }
        let targets: Vec<Target<'_>> = ends
            .iter()
            .filter_map(|(id, offset, lead)| {
                let file = self.files.get(*id)?;
                let inode = file.open.as_ref()?.inode;
                Some(Target { path: &file.path, inode, offset: *offset, lead: *lead })
            })
            .collect();
        let owner = source.id();
        self.journal.note(owner, step, &targets, output).map_err(|error| (first, error))?;
        for (id, end, lead) in &ends {
            let Some(file) = self.files.get_mut(*id) else { continue };
            if let Err(error) = append(file, *end, *lead, output) {
                for (id, end, _) in &ends {
                    undo(self.files.get(*id), *end);
                }
                self.journal.rest(owner).map_err(|error| (first, error))?;
                return Err((*id, error));
            }
        }
        self.journal.done(owner, step).map_err(|error| (first, error))?;
        let bytes = (output.len() * ends.len()) as u64;
        self.written.add(source.origin.proc_id, bytes, ostler_poll::now());
        Ok(self.committed(source, ends, output))
    }

    /// What was written stands in these files, from these ends on. Returns where it is in the
    /// stream's own file, if somebody wants to know it.
    fn committed(
        &mut self,
        source: &Source,
        ends: Vec<(FileId, Option<u64>, bool)>,
        output: &[u8],
    ) -> Option<Laid> {
        let own = source.files.first().copied().filter(|_| self.wants_places(source));
        let mut laid = None;
        for (id, end, lead) in ends {
            if own == Some(id) {
                let file = self.files.get(id);
                laid = file.zip(end).and_then(|(file, end)| file.laid(end + u64::from(lead)));
            }
            if let (Some(file), Some(end)) = (self.files.get_mut(id), end)
                && output.ends_with(b"\n")
            {
                file.clean_end = end + output.len() as u64 + u64::from(lead);
            }
            self.succeed(id);
            self.await_rest(id);
            if output.ends_with(b"\n") {
                self.grown(id, output.len() as u64, None);
            }
        }
        laid
    }

    /// Whether the stream has begun a line in this file that has not been cut.
    fn has_begun(&self, source: &Source, id: FileId) -> bool {
        let begun = self.journal.begun(source.id());
        source.files.iter().zip(begun).any(|(file, begun)| *file == id && begun)
    }

    /// Other streams have begun a line in this file: it is cut, and they know it before it is. A
    /// successor that finds a begun line at the end of a file knows whose it is.
    fn cut_others(&mut self, source: &Source, id: FileId) -> io::Result<()> {
        for owner in self.journal.beginners() {
            if owner == source.id() {
                continue;
            }
            let place =
                self.find(owner).and_then(|other| other.files.iter().position(|file| *file == id));
            if let Some(index) = place {
                self.journal.cut(owner, index)?;
            }
        }
        Ok(())
    }

    /// These files of a stream in the order in which they are written: one that failed is tried
    /// first, and a device last, since what it has taken cannot be taken back.
    fn order(&self, source: &Source, which: Which) -> Vec<FileId> {
        let files = source.files.iter().enumerate();
        let mut order: Vec<FileId> =
            files.filter(|(index, _)| which.has(*index)).map(|(_, id)| *id).collect();
        order.sort_by_key(|id| {
            let file = self.files.get(*id);
            let is_device =
                file.and_then(|file| file.open.as_ref()).is_some_and(|open| !open.regular);
            (is_device, file.is_none_or(|file| file.failing.is_none()))
        });
        order
    }
}

/// Appends to a file that nobody's journal speaks of: all of it or nothing.
pub(crate) fn append_whole(file: &mut LogFile, output: &[u8]) -> io::Result<()> {
    let end = file.end()?;
    let lead = end.is_some_and(|end| !file.ends_with_line(end));
    append(file, end, lead, output).inspect_err(|_| undo(Some(file), end))
}

fn append(file: &mut LogFile, end: Option<u64>, lead: bool, output: &[u8]) -> io::Result<()> {
    let Some(open) = file.open.as_mut() else { return Err(Errno::BADF.into()) };
    match end {
        Some(end) => {
            if lead {
                append_all(&open.fd, b"\n", end)?;
            }
            append_all(&open.fd, output, end + u64::from(lead))
        }
        None => write_device(open, output),
    }
}

/// Writes to a FIFO or a terminal: all of it, or what its reader makes room for in time and the
/// rest later, before anything else; an error only when nothing of it went. So no line is cut, but
/// for a reader that is gone.
fn write_device(open: &mut Open, output: &[u8]) -> io::Result<()> {
    finish_begun(open)?;
    let (written, result) = write_some(&open.fd, output);
    match result {
        Err(error) if written == 0 => return Err(error.into()),
        Err(Errno::AGAIN) => open.rest = output.get(written..).unwrap_or_default().to_vec(),
        Ok(()) | Err(_) => {}
    }
    Ok(())
}

/// Writes what a device has not taken yet of what was begun. Where the reader is gone, so is that.
pub(crate) fn finish_begun(open: &mut Open) -> io::Result<()> {
    let rest = std::mem::take(&mut open.rest);
    let (written, result) = write_some(&open.fd, &rest);
    if result == Err(Errno::AGAIN) {
        open.rest = rest.get(written..).unwrap_or_default().to_vec();
    }
    Ok(result?)
}

/// Returns how much was written, and why not more.
fn write_some(fd: impl AsFd, output: &[u8]) -> (usize, rustix::io::Result<()>) {
    let mut left = output;
    let result = loop {
        if left.is_empty() {
            break Ok(());
        }
        match rustix::io::write(&fd, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if left.len() < output.len() && is_ready_soon(&fd) => {}
            Err(error) => break Err(error),
        }
    };
    (output.len() - left.len(), result)
}

/// Whether a device makes room in time.
fn is_ready_soon(fd: impl AsFd) -> bool {
    let mut polled = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::OUT)];
    rustix::event::poll(&mut polled, Some(&DEVICE_PATIENCE)).is_ok_and(|ready| 0 < ready)
}

/// Cuts a file back to its length before a step that failed.
fn undo(file: Option<&LogFile>, end: Option<u64>) {
    if let (Some(open), Some(end)) = (file.and_then(|file| file.open.as_ref()), end)
        && rustix::fs::fstat(&open.fd)
            .is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size > end))
    {
        // When even that fails, part of a line stays and is written again: there is nothing better
        // to do.
        let _ = rustix::fs::ftruncate(&open.fd, end);
    }
}
