//! Arguments and variables as `execve` takes them.
//!
//! A child between its birth and its program may not allocate, so all of its strings are laid out
//! before: one buffer for the bytes and one for the pointers into it.

use std::ffi::c_char;
use std::ptr;

/// The variable whose value the child itself must write, with room for a pid.
pub(crate) const LISTEN_PID: &[u8] = b"LISTEN_PID=0000000000";
/// Digits of the largest pid.
pub(crate) const LISTEN_PID_DIGITS: usize = 10;

/// A list of C strings with the pointers to them, as `execve` takes it.
pub(crate) struct CStrings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    pointers: Vec<*const c_char>,
}

impl CStrings {
    /// Copies the strings; `None` when one holds a NUL byte.
    pub(crate) fn new<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for string in strings {
            if string.contains(&0) {
                return None;
            }
            starts.push(bytes.len());
            bytes.extend(string);
            bytes.push(0);
        }
        let mut list = Self { bytes, starts, pointers: Vec::new() };
        list.point();
        Some(list)
    }

    /// The pointers, the last of them null; good until the list is changed or dropped.
    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    fn point(&mut self) {
        let base: *const u8 = self.bytes.as_mut_ptr();
        self.pointers = self.starts.iter().map(|start| base.wrapping_add(*start).cast()).collect();
        self.pointers.push(ptr::null());
    }

    /// The place of the digits of [`LISTEN_PID`], which must be the last string.
    pub(crate) fn last_digits(&mut self) -> *mut u8 {
        let from = self.bytes.len().saturating_sub(LISTEN_PID_DIGITS + 1);
        let place = self.bytes.as_mut_ptr().wrapping_add(from);
        self.point();
        place
    }
}
