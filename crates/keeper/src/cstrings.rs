//! Arguments and variables as `execve` takes them.
//!
//! A child between its birth and its program may not allocate, so all of its strings are laid out
//! before: one buffer for the bytes and one for the pointers into it.

use std::ffi::c_char;
use std::ptr;

use rustix::io::Errno;

/// The variables whose value the child itself must write, with room for a pid.
pub(crate) const LISTEN_PID: &[u8] = b"LISTEN_PID=0000000000";
pub(crate) const WATCHDOG_PID: &[u8] = b"WATCHDOG_PID=0000000000";
/// Digits of the largest pid.
pub(crate) const PID_DIGITS: usize = 10;
/// How many such variables there are.
pub(crate) const PID_VARIABLES: usize = 2;

/// A list of C strings with the pointers to them, as `execve` takes it.
pub(crate) struct CStrings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    pointers: Vec<*const c_char>,
}

impl CStrings {
    /// Copies the strings.
    ///
    /// # Errors
    /// `INVAL` when one holds a NUL byte, `NOMEM`.
    pub(crate) fn new<'a>(strings: impl Iterator<Item = &'a [u8]> + Clone) -> Result<Self, Errno> {
        let (mut count, mut size) = (0, 0);
        for string in strings.clone() {
            count += 1;
            size += string.len() + 1;
        }
        let mut list = Self { bytes: Vec::new(), starts: Vec::new(), pointers: Vec::new() };
        list.bytes.try_reserve_exact(size).map_err(|_| Errno::NOMEM)?;
        list.starts.try_reserve_exact(count).map_err(|_| Errno::NOMEM)?;
        list.pointers.try_reserve_exact(count + 1).map_err(|_| Errno::NOMEM)?;
        for string in strings {
            if string.contains(&0) {
                return Err(Errno::INVAL);
            }
            list.starts.push(list.bytes.len());
            list.bytes.extend(string);
            list.bytes.push(0);
        }
        list.point();
        Ok(list)
    }

    /// The pointers, the last of them null; good until the list is changed or dropped.
    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    /// Returns how much memory the list takes, about.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.starts.len() * 2 * size_of::<usize>()
    }

    fn point(&mut self) {
        let base: *const u8 = self.bytes.as_mut_ptr();
        self.pointers.clear();
        self.pointers.extend(self.starts.iter().map(|start| base.wrapping_add(*start).cast()));
        self.pointers.push(ptr::null());
    }

    /// The places of the digits in the last `count` strings, which must be [`LISTEN_PID`] or
    /// [`WATCHDOG_PID`]; null for the others.
    pub(crate) fn last_digits(&mut self, count: usize) -> [*mut u8; PID_VARIABLES] {
        let base = self.bytes.as_mut_ptr();
        let mut places = [ptr::null_mut(); PID_VARIABLES];
        let mut end = self.bytes.len();
        let last = self.starts.iter().rev().take(count);
        for (place, start) in places.iter_mut().zip(last) {
            *place = base.wrapping_add(end.saturating_sub(PID_DIGITS + 1));
            end = *start;
        }
        self.point();
        places
    }
}
