//! One subscriber: frames in, bytes out. Never blocks.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use ostler_pm2::bus;
use ostler_poll::Watched;

/// A subscriber misses events while so much waits for it, bytes.
const MOST_QUEUED: usize = 1 << 20;
/// Frames that are written by one call, at most.
const AT_ONCE: usize = 64;

/// What became of what was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// All of it is written, or the socket takes no more for now.
    Rest,
    /// It takes more than was to be written at once.
    More,
    /// The connection is over.
    Over,
}

/// The connection of one subscriber.
#[derive(Debug)]
pub struct Subscriber {
    stream: Watched<UnixStream>,
    queue: VecDeque<Rc<[u8]>>,
    /// Bytes of the first one that are sent.
    sent: usize,
    queued: usize,
    missed: u64,
}

impl Subscriber {
    /// Takes a stream that does not block.
    pub fn new(stream: Watched<UnixStream>) -> Self {
        Self { stream, queue: VecDeque::new(), sent: 0, queued: 0, missed: 0 }
    }

    /// Whether it is still there. What it says is of no interest.
    pub fn is_there(&mut self) -> bool {
        let mut chunk = [0; 4096];
        loop {
            match (&*self.stream).read(&mut chunk) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Queues a frame, or counts it where too much waits. One that is longer than may wait is taken
    /// when nothing else does.
    pub fn push(&mut self, frame: &Rc<[u8]>) {
        if 0 < self.missed || (!self.queue.is_empty() && MOST_QUEUED < self.queued + frame.len()) {
            self.missed += 1;
            return;
        }
        self.queued += frame.len();
        self.queue.push_back(Rc::clone(frame));
    }

    /// Bytes that wait for it.
    #[cfg(test)]
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// It misses so many.
    pub fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    /// Tells it what it missed, once half of what waited is read.
    pub fn tell_missed(&mut self, now: u64) {
        if 0 < self.missed && self.queued <= MOST_QUEUED / 2 {
            let count = std::mem::take(&mut self.missed);
            self.push(&bus::frame("log:PM2", &bus::lost(now, count)).into());
        }
    }

    /// Writes what the socket takes, and about so many bytes at most.
    pub fn flush(&mut self, most: usize) -> Flushed {
        let mut written = 0;
        while !self.queue.is_empty() {
            if most <= written {
                return Flushed::More;
            }
            match (&*self.stream).write_vectored(&self.slices(most - written)) {
                Ok(0) => return Flushed::Over,
                Ok(count) => {
                    written += count;
                    self.take_out(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Rest,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Flushed::Over,
            }
        }
        self.queue = VecDeque::new();
        Flushed::Rest
    }

    /// What is written by one call, of so many bytes at most.
    fn slices(&self, most: usize) -> Vec<IoSlice<'_>> {
        let mut slices = Vec::new();
        let (mut left, mut from) = (most, self.sent);
        for frame in self.queue.iter().take(AT_ONCE) {
            let rest = frame.get(std::mem::take(&mut from)..).unwrap_or_default();
            let part = rest.get(..left).unwrap_or(rest);
            slices.push(IoSlice::new(part));
            left -= part.len();
            if left == 0 {
                break;
            }
        }
        slices
    }

    fn take_out(&mut self, count: usize) {
        self.queued -= count;
        self.sent += count;
        while let Some(first) = self.queue.front().filter(|first| first.len() <= self.sent) {
            self.sent -= first.len();
            self.queue.pop_front();
        }
    }
}
