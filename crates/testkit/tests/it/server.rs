//! An HTTP server that behaves as badly as it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt::{set_socket_linger, set_tcp_cork};

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// Answer, and keep the connection when the client wants that.
    Answer,
    /// Answer in chunks.
    Chunks,
    /// Answer, then close without saying so before.
    AnswerAndClose,
    /// Close without a byte.
    Close,
    /// Reset without a byte.
    Reset,
    /// Half an answer, then close.
    Cut,
    /// An answer with another status.
    Status(u16),
    /// No answer at all.
    Hang,
    /// Bytes that are no HTTP.
    Garbage,
}

/// Decides by the number of the connection (from 0) and of the request on it (from 0).
pub type Plan = fn(u64, u64) -> Do;

pub struct Server {
    pub port: u16,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let accepting = std::thread::spawn(move || accept_all(&listener, plan, &stopping));
        Self { port, stop, accepting: Some(accepting) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The connection wakes the accept up; it is closed at once.
        TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        self.accepting.take().unwrap().join().unwrap();
    }
}

fn accept_all(listener: &TcpListener, plan: Plan, stop: &AtomicBool) {
    let number = AtomicU64::new(0);
    let mut open: Vec<JoinHandle<()>> = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let n = number.fetch_add(1, Ordering::SeqCst);
        open.retain(|thread| !thread.is_finished());
        open.push(std::thread::spawn(move || serve(stream, n, plan)));
    }
    // The client has closed its ends by now.
    for thread in open {
        thread.join().unwrap();
    }
}

fn serve(stream: TcpStream, connection: u64, plan: Plan) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    for request in 0.. {
        let mut close = false;
        loop {
            let mut line = String::new();
            if !matches!(reader.read_line(&mut line), Ok(1..)) {
                return;
            }
            close |= line.eq_ignore_ascii_case("connection: close\r\n");
            if line == "\r\n" {
                break;
            }
        }
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nhello from 4711";
        let (text, go_on) = match plan(connection, request) {
            Do::Answer => (whole.to_owned(), !close),
            Do::Chunks => (
                concat!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "9\r\nhello fro\r\n6\r\nm 4711\r\n0\r\n\r\n",
                )
                .to_owned(),
                !close,
            ),
            Do::AnswerAndClose => (whole.to_owned(), false),
            Do::Close => (String::new(), false),
            Do::Reset => {
                set_socket_linger(&out, Some(Duration::ZERO)).unwrap();
                (String::new(), false)
            }
            Do::Cut => (whole[..whole.len() - 4].to_owned(), false),
            Do::Status(code) => {
                (format!("HTTP/1.1 {code} No\r\nContent-Length: 0\r\n\r\n"), !close)
            }
            Do::Garbage => ("220 mail.example ESMTP\r\n".to_owned(), false),
            Do::Hang => (String::new(), true),
        };
        // What ends the connection goes with the last bytes: no client sees one without the other.
        set_tcp_cork(&out, !go_on).unwrap();
        if out.write_all(text.as_bytes()).is_err() || !go_on {
            if !text.is_empty() {
                // Everything written arrives before the end, even with an unread byte in our queue.
                let _already_ended = out.shutdown(Shutdown::Write);
            }
            return;
        }
    }
}
