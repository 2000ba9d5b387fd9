//! Standard input and output, line by line.
//!
//! Problem: `rmcp` passes over a line that is no JSON, and an agent that wrote one waits for ever;
//! of a method that it does not know it says the name and no more. Rule: such a line is answered
//! here, as JSON-RPC has it, and never reaches the server; such an answer becomes a sentence.

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Stdin,
    Stdout, duplex,
};
use tokio::sync::Mutex;

/// The code of JSON-RPC for what is no JSON.
const PARSE_ERROR: i32 = -32700;
/// The same for a method that there is not, as the server writes it.
const NO_METHOD: &str = "\"code\":-32601";
/// Bytes that wait on the way to the server, and back.
const ROOM: usize = 64 << 10;
/// The longest line of an agent, bytes. More than any call has.
const LONGEST: u64 = 16 << 20;

/// Returns what the server reads from and writes to, and what passes that on until both are closed.
pub(super) fn stdio() -> ((DuplexStream, DuplexStream), impl Future<Output = ()>) {
    let (to_server, reads) = duplex(ROOM);
    let (writes, from_server) = duplex(ROOM);
    let passed = async {
        let out = Mutex::new(tokio::io::stdout());
        tokio::join!(pass_in(to_server, &out), pass_out(from_server, &out));
    };
    ((reads, writes), passed)
}

/// Passes on what the agent writes, and answers what is no JSON.
async fn pass_in(mut to: DuplexStream, out: &Mutex<Stdout>) {
    let mut from: BufReader<Stdin> = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    loop {
        line.clear();
        // Whoever cannot be read any more has gone.
        let read = (&mut from).take(LONGEST).read_until(b'\n', &mut line).await;
        if !read.is_ok_and(|count| 0 < count) {
            return;
        }
        let is_blank = line.trim_ascii().is_empty();
        let told = match serde_json::from_slice::<Value>(&line) {
            Err(error) if !is_blank => write(out, refusal(&error).as_bytes()).await,
            Ok(_) | Err(_) => to.write_all(&line).await,
        };
        if told.is_err() {
            return;
        }
    }
}

fn refusal(error: &serde_json::Error) -> String {
    let message = format!("this line is no JSON, from column {} on", error.column());
    let error = json!({ "code": PARSE_ERROR, "message": message });
    format!("{}\n", json!({ "jsonrpc": "2.0", "id": null, "error": error }))
}

/// Passes on what the server says, a message at a time.
async fn pass_out(from: DuplexStream, out: &Mutex<Stdout>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).await.is_ok_and(|count| 0 < count) {
        let said = String::from_utf8_lossy(&line);
        let told = match said.contains(NO_METHOD).then(|| of_no_method(&said)).flatten() {
            Some(told) => write(out, told.as_bytes()).await,
            None => write(out, &line).await,
        };
        if told.is_err() {
            return;
        }
        line.clear();
    }
}

/// The answer about an unknown method, as a sentence; none where it is another answer.
fn of_no_method(said: &str) -> Option<String> {
    let mut answer: Value = serde_json::from_str(said).ok()?;
    let message = answer.pointer_mut("/error/message")?;
    let method = message.as_str().filter(|of| !of.contains(' '))?;
    *message = json!(format!("there is no method `{}` here", ostler_text::shown(method)));
    Some(format!("{answer}\n"))
}

async fn write(out: &Mutex<Stdout>, line: &[u8]) -> std::io::Result<()> {
    let mut out = out.lock().await;
    out.write_all(line).await?;
    out.flush().await
}
