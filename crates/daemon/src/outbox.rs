//! Bytes that wait for a client to take them.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// A client that does not read is cut off when so much waits for it, bytes.
const MAX_QUEUED: usize = 64 << 20;

/// What a client is sent, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// Where more is put in, at the end.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Bytes that wait.
    pub fn queued(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Writes what the socket takes. `false`: the connection is over.
    pub fn flush(&mut self, mut stream: &UnixStream) -> bool {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(0) => return false,
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.queued() <= MAX_QUEUED;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        *self = Self::default();
        true
    }
}
