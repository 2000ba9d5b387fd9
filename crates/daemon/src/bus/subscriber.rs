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

    /// Writes what the socket takes. `false`: the connection is over.
    pub fn flush(&mut self) -> bool {
        while !self.queue.is_empty() {
            let first = self.queue.front().and_then(|frame| frame.get(self.sent..));
            let rest = self.queue.iter().skip(1).map(|frame| &**frame);
            let slices = first.into_iter().chain(rest).take(AT_ONCE).map(IoSlice::new);
            let slices: Vec<IoSlice<'_>> = slices.collect();
            match (&*self.stream).write_vectored(&slices) {
                Ok(0) => return false,
                Ok(count) => self.take_out(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.queue = VecDeque::new();
        true
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
