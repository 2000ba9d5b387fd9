//! Frames: a length, a kind, a payload.

use serde::Serialize;

/// Largest frame either side accepts, bytes. A larger length ends the connection.
pub const MAX_FRAME: usize = 64 << 20;

/// Bytes of a frame before its payload.
pub const HEAD: usize = 5;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A [`Request`] as JSON.
    Request = b'Q',
    /// An [`Event`] as JSON.
    Event = b'E',
    /// [`Reply`], JSON; ends the request.
    Reply = b'R',
    /// Text for the user, as it is; ends the request.
    Raw = b'T',
}

impl FrameKind {
    /// The kind for a byte, if it is one.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Request, Self::Event, Self::Reply, Self::Raw]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is 0 or above [`MAX_FRAME`].
    Length(u32),
    /// The kind byte is unknown.
    Kind(u8),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length(n) => write!(f, "frame length `{n}` is not between 1 and {MAX_FRAME}"),
            Self::Kind(k) => write!(f, "unknown frame kind `{k:#04x}`"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Appends one frame to `out`.
pub fn encode(kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.push(kind as u8);
    out.extend_from_slice(payload);
}

/// The frame with this payload, in the payload's own memory when there is room for
/// [`HEAD`] bytes more.
#[must_use]
pub fn into_frame(kind: FrameKind, mut payload: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_be_bytes();
    payload.splice(..0, [a, b, c, d, kind as u8]);
    payload
}

/// Appends one frame with `value` as JSON.
///
/// # Errors
/// When `value` cannot be expressed as JSON (a map with keys that are not text).
pub fn encode_json<T: Serialize>(
    kind: FrameKind,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    serde_json::to_writer(&mut *out, value)?;
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(head) = out.get_mut(start..start + 4) {
        head.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// A frame found at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is.
    pub kind: FrameKind,
    /// Bytes of the payload.
    pub payload: &'a [u8],
    /// Bytes of the buffer this frame takes, head included.
    pub consumed: usize,
}

/// Reads the frame at the start of `buffer`; `None` when more bytes are needed.
///
/// # Errors
/// [`FrameError`] when the bytes can never become a frame; the connection is then useless.
pub fn decode(buffer: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((head, rest)) = buffer.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if size == 0 || MAX_FRAME < size {
        return Err(FrameError::Length(length));
    }
    let Some(kind) = rest.first() else { return Ok(None) };
    let kind = FrameKind::from_byte(*kind).ok_or(FrameError::Kind(*kind))?;
    Ok(rest.get(1..size).map(|payload| Frame { kind, payload, consumed: size + 4 }))
}
