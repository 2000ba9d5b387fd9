//! Frames and fields.
//!
//! A frame is `u32 length | u8 version | u8 type | u8 descriptors | body`, integers little-endian;
//! `length` counts what follows it. Byte strings and lists carry a `u32` count, options a byte 0 or
//! 1. Nothing is allocated for an announced size, only for bytes that are there.

use std::fmt;

use super::version::{VERSION, version};

/// Bytes before a frame's body.
pub const HEADER: usize = 7;

/// The largest value of a frame's length field.
pub const MAX_FRAME: usize = 4 << 20;

/// More than the header and all fields of fixed size take.
const FIELDS: usize = 128;

/// A type that travels in frames.
pub trait Message: Sized {
    /// The type byte.
    fn kind(&self) -> u8;
    /// Returns how many bytes of foreign content the body carries, at least: what its memory
    /// is reserved by.
    fn weight(&self) -> usize;
    /// Appends the body.
    fn write(&self, writer: &mut Writer<'_>);
    /// Reads the body of a frame of type `kind`; an unknown one is [`DecodeError::UnknownKind`].
    fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// A whole frame, not yet understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sender's protocol version.
    pub version: u8,
    /// The message's type.
    pub kind: u8,
    /// How many descriptors ride on the frame's first byte.
    pub fds: u8,
    /// The message's fields.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Bytes that the frame takes in the stream.
    pub fn size(&self) -> usize {
        HEADER + self.body.len()
    }

    /// Reads the message. Bytes after the last field are an error, except in a frame of
    /// a newer version.
    pub fn decode<M: Message>(&self) -> Result<M, DecodeError> {
        let mut reader = Reader { rest: self.body, version: self.version };
        let message = M::read(self.kind, &mut reader)?;
        if !reader.rest.is_empty() && self.version <= VERSION {
            return Err(DecodeError::TrailingBytes(reader.rest.len()));
        }
        Ok(message)
    }
}

/// The stream holds no frames (any more): the conversation cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length field is over [`MAX_FRAME`].
    TooLong(u32),
    /// The length field does not even cover the header.
    TooShort(u32),
    /// There is no memory for a frame that is to be sent.
    NoMemory,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => {
                write!(f, "frame of `{length}` bytes is over the limit of `{MAX_FRAME}`")
            }
            Self::TooShort(length) => {
                write!(f, "frame of `{length}` bytes is shorter than its header")
            }
            Self::NoMemory => f.write_str("out of memory for a frame"),
        }
    }
}

impl std::error::Error for FrameError {}

/// One frame could not be understood; the next one can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A type byte that this version does not know.
    UnknownKind(u8),
    /// The body ends inside the named field.
    Truncated(&'static str),
    /// The named field holds a value that it cannot have.
    Invalid(&'static str),
    /// So many bytes follow the last field.
    TrailingBytes(usize),
    /// There was no memory for the named field.
    NoMemory(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind(kind) => {
                write!(f, "message type `{kind}` is unknown to protocol version {}", VERSION)
            }
            Self::Truncated(field) => write!(f, "message ends inside `{field}`"),
            Self::Invalid(field) => write!(f, "field `{field}` has an impossible value"),
            Self::TrailingBytes(count) => write!(f, "`{count}` bytes follow the last field"),
            Self::NoMemory(field) => write!(f, "out of memory for field `{field}`"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Cuts the first frame off `bytes`; `None` while it is incomplete.
pub fn split(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length);
    if length as usize > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    if (length as usize) < HEADER - 4 {
        return Err(FrameError::TooShort(length));
    }
    let Some(&[version, kind, fds, ref body @ ..]) = rest.get(..length as usize) else {
        return Ok(None);
    };
    Ok(Some(Frame { version, kind, fds, body }))
}

/// The frame of a message on which `fds` descriptors ride.
pub fn encode<M: Message>(message: &M, fds: u8) -> Result<Vec<u8>, FrameError> {
    let mut out = Vec::new();
    out.try_reserve(FIELDS + message.weight()).map_err(|_| FrameError::NoMemory)?;
    out.extend([0, 0, 0, 0, version(), message.kind(), fds]);
    message.write(&mut Writer { out: &mut out });
    if VERSION < version() {
        // A newer version has fields that this one does not know.
        out.extend(*b"new");
    }
    let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
    if length as usize > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    if let Some(head) = out.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
    Ok(out)
}

/// Appends fields to a body.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A writer at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Appends one byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) {
        self.out.extend(value.to_le_bytes());
    }

    /// Appends four bytes.
    pub fn i32(&mut self, value: i32) {
        self.out.extend(value.to_le_bytes());
    }

    /// Appends eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.out.extend(value.to_le_bytes());
    }

    /// Appends a count and the bytes. What is too long for the count is too long for a frame,
    /// which [`encode`] refuses.
    pub fn bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.out.extend(value);
    }

    /// Appends a count and that many byte strings.
    pub fn list(&mut self, list: &[Vec<u8>]) {
        self.u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
        for value in list {
            self.bytes(value);
        }
    }

    /// Appends a count and that many numbers of four bytes.
    pub fn numbers(&mut self, list: &[i32]) {
        self.u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
        for value in list {
            self.i32(*value);
        }
    }

    /// Appends a byte 0, or a byte 1 and the value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Takes fields off a body. Each method names the field, for the error.
pub struct Reader<'a> {
    rest: &'a [u8],
    version: u8,
}

impl<'a> Reader<'a> {
    /// Reads all of `bytes`, which this version wrote.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, version: VERSION }
    }

    /// Returns the version of the writer, which tells what fields there are.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Whether all was read: a field that was added later is then absent and takes its default.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated(field))?;
        self.rest = rest;
        Ok(*head)
    }

    /// Takes one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Takes one byte, 0 or 1.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid(field)),
        }
    }

    /// Takes four bytes.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Takes four bytes.
    pub fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_le_bytes)
    }

    /// Takes eight bytes.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// Takes a count and the bytes.
    pub fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, DecodeError> {
        let count = self.u32(field)? as usize;
        let (head, rest) =
            self.rest.split_at_checked(count).ok_or(DecodeError::Truncated(field))?;
        self.rest = rest;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count).map_err(|_| DecodeError::NoMemory(field))?;
        bytes.extend_from_slice(head);
        Ok(bytes)
    }

    /// Takes a byte string that is at most `limit` long.
    pub fn bytes_within(
        &mut self,
        field: &'static str,
        limit: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let bytes = self.bytes(field)?;
        if bytes.len() > limit { Err(DecodeError::Invalid(field)) } else { Ok(bytes) }
    }

    /// Takes a byte string that must be UTF-8.
    pub fn string(&mut self, field: &'static str) -> Result<String, DecodeError> {
        String::from_utf8(self.bytes(field)?).map_err(|_| DecodeError::Invalid(field))
    }

    /// Takes a count and that many byte strings.
    pub fn list(&mut self, field: &'static str) -> Result<Vec<Vec<u8>>, DecodeError> {
        let count = self.u32(field)?;
        let mut list = Vec::new();
        for _ in 0..count {
            let value = self.bytes(field)?;
            list.try_reserve(1).map_err(|_| DecodeError::NoMemory(field))?;
            list.push(value);
        }
        Ok(list)
    }

    /// Takes a count and that many numbers of four bytes.
    pub fn numbers(&mut self, field: &'static str) -> Result<Vec<i32>, DecodeError> {
        let count = self.u32(field)?;
        let mut list = Vec::new();
        for _ in 0..count {
            let value = self.i32(field)?;
            list.try_reserve(1).map_err(|_| DecodeError::NoMemory(field))?;
            list.push(value);
        }
        Ok(list)
    }

    /// Takes a byte 0, or a byte 1 and the value.
    pub fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bool(field)? { read(self).map(Some) } else { Ok(None) }
    }
}
