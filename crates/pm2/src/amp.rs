//! Frames of PM2's sockets (wire protocol §2).
//!
//! A frame is one byte, whose upper half is the version of the format and whose lower half says how
//! many arguments follow; each argument is its length, four bytes, and its payload, which begins
//! with its kind. What a peer sends is bounded: an argument that would make the frame too long is
//! refused by its length, before any of it is awaited.

use std::fmt;

/// What one frame may hold, bytes: the longest calls carry an environment and a record.
pub const MAX_FRAME: usize = 16 << 20;
/// The version of the format.
const VERSION: u8 = 1;
/// Bytes of a length.
const LENGTH: usize = 4;

/// One argument of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// A text as it is.
    Text(&'a str),
    /// One JSON value.
    Json(&'a str),
    /// Bytes of no kind, or of one that is not UTF-8. PM2 sends none.
    Bytes(&'a [u8]),
}

impl<'a> Argument<'a> {
    fn read(payload: &'a [u8]) -> Self {
        let of = |kind: &[u8]| {
            let rest = payload.strip_prefix(kind)?;
            std::str::from_utf8(rest).ok()
        };
        let text = || of(b"s:").map(Self::Text);
        of(b"j:").map(Self::Json).or_else(text).unwrap_or(Self::Bytes(payload))
    }

    fn parts(&self) -> (&'static [u8], &'a [u8]) {
        match self {
            Self::Text(text) => (b"s:", text.as_bytes()),
            Self::Json(text) => (b"j:", text.as_bytes()),
            Self::Bytes(bytes) => (b"", bytes),
        }
    }
}

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its arguments; at most 15.
    pub arguments: Vec<Argument<'a>>,
    /// Bytes that it takes.
    pub consumed: usize,
}

/// Bytes that are no frame: where the next one would begin is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Another version of the format, or another protocol.
    Version(u8),
    /// It would be longer than a frame may be.
    TooLong(usize),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "a frame of version {version}, and only {VERSION} is known: is it PM2's protocol?"
            ),
            Self::TooLong(length) => {
                write!(f, "a frame of {length} bytes, above the limit of {MAX_FRAME}")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// Finds the first frame; `None` when it is not whole yet.
///
/// # Errors
/// [`FrameError`]; the connection is of no more use then.
pub fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((meta, _)) = bytes.split_first() else { return Ok(None) };
    let (version, count) = (meta >> 4, meta & 15);
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    let mut arguments = Vec::new();
    let mut at = 1;
    for _ in 0..count {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(head) = rest.first_chunk::<LENGTH>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        let end = (at + LENGTH).saturating_add(length);
        if MAX_FRAME < end {
            return Err(FrameError::TooLong(end));
        }
        let Some(payload) = bytes.get(at + LENGTH..end) else { return Ok(None) };
        arguments.push(Argument::read(payload));
        at = end;
    }
    Ok(Some(Frame { arguments, consumed: at }))
}

/// Adds a frame of these arguments; of more than 15 the first ones.
pub fn encode(arguments: &[Argument<'_>], out: &mut Vec<u8>) {
    let arguments = arguments.get(..15).unwrap_or(arguments);
    let count = u8::try_from(arguments.len()).unwrap_or(15);
    let room = |argument: &Argument<'_>| {
        let (kind, payload) = argument.parts();
        LENGTH + kind.len() + payload.len()
    };
    out.reserve(1 + arguments.iter().map(room).sum::<usize>());
    out.push(VERSION << 4 | count);
    for argument in arguments {
        push(argument, out);
    }
}

/// Returns a frame of a JSON value and another argument. The value is this text between two others,
/// and is not copied when it has room for them.
#[must_use]
pub fn encode_around(before: &str, text: String, after: &str, last: Argument<'_>) -> Vec<u8> {
    let (kind, _) = Argument::Json("").parts();
    let length = kind.len() + before.len() + text.len() + after.len();
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let head = [&[VERSION << 4 | 2], length.as_slice(), kind, before.as_bytes()].concat();
    let mut out = text.into_bytes();
    out.splice(..0, head);
    out.extend_from_slice(after.as_bytes());
    push(&last, &mut out);
    out
}

fn push(argument: &Argument<'_>, out: &mut Vec<u8>) {
    let (kind, payload) = argument.parts();
    // Nothing that we say is longer than a length can tell.
    let length = u32::try_from(kind.len() + payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(kind);
    out.extend_from_slice(payload);
}
