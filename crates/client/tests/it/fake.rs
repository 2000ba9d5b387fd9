//! A daemon of a few lines.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use ostler_wire::control::{FrameKind, Request, decode, encode_json};
use serde_json::Value;

/// Listens in the home and gives each connection to `serve`, with its number.
pub fn listen(home: &Path, mut serve: impl FnMut(usize, UnixStream) + Send + 'static) {
    let listener = UnixListener::bind(home.join("ostler.sock")).unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serve(number, stream.unwrap());
        }
    });
}

/// The next request, or `None` at the end.
pub fn next(stream: &mut UnixStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        if let Some(frame) = decode(&bytes).unwrap() {
            return Some(serde_json::from_slice(frame.payload).unwrap());
        }
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
}

/// Sends a frame of this kind.
pub fn send(stream: &mut UnixStream, kind: FrameKind, value: &Value) {
    let mut bytes = Vec::new();
    encode_json(kind, value, &mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
}
