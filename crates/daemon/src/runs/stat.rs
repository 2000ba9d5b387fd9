//! The line that the kernel has for each process in `/proc/PID/stat`.

use std::io;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// One letter; `Z` and `X` are dead.
    pub state: char,
    /// Number of its parent.
    pub ppid: u32,
    /// Number of its session.
    pub session: u32,
    /// CPU time, clock ticks.
    pub cpu: u64,
    /// Clock ticks after boot.
    pub start_time: u64,
    /// Resident memory, pages.
    pub rss: u64,
    /// Whether it is a thread of the kernel, which has neither program nor environment.
    pub is_kernel: bool,
}

/// Of the flags in `/proc/PID/stat`: a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;

impl Stat {
    /// Reads it; `None` when there is no such process. One `read`: a list of a thousand processes
    /// asks a thousand times.
    pub fn read(pid: u32) -> Option<Self> {
        Self::try_read(pid).ok().flatten()
    }

    /// The same, telling a process that is gone (`None`) from one that cannot be looked at.
    pub(super) fn try_read(pid: u32) -> io::Result<Option<Self>> {
        Ok(Self::line(pid)?.and_then(|line| Self::parse(&line)))
    }

    /// The length of the environment of a process; `None` while there is none, since another
    /// program is about to take its place.
    pub(super) fn environment(pid: u32) -> Option<usize> {
        let line = Self::line(pid).ok().flatten()?;
        let (_, rest) = line.rsplit_once(") ")?;
        // The state is the third field. The kernel sets the place of the code (26th) when the
        // bounds of the environment (50th, 51st) are final.
        let mut fields = rest.split_ascii_whitespace();
        let mut number = |skipped: usize| fields.nth(skipped)?.parse::<usize>().ok();
        let (code, start, end) = (number(23)?, number(23)?, number(0)?);
        (code != 0).then(|| end.saturating_sub(start))
    }

    fn line(pid: u32) -> io::Result<Option<String>> {
        let path = format!("/proc/{pid}/stat");
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let mut line = [0; 1024];
        let read = rustix::fs::open(path.as_str(), flags, rustix::fs::Mode::empty())
            .and_then(|file| rustix::io::read(&file, &mut line))
            .map_err(io::Error::from);
        match read {
            // A name is whatever bytes a program likes; what is read of it is not used.
            Ok(length) => {
                let line = line.get(..length).unwrap_or_default();
                Ok(Some(String::from_utf8_lossy(line).into_owned()))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Parses the line. The name may hold blanks and parentheses: what counts comes after
    /// the last one.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // What is left out between two of these: process group; terminal to children's faults; and
        // so on.
        let mut skip = |count: usize| fields.nth(count)?.parse::<u64>().ok();
        let ppid = u32::try_from(skip(0)?).ok()?;
        let session = u32::try_from(skip(1)?).unwrap_or(0);
        let is_kernel = skip(2)? & KERNEL_THREAD != 0;
        let cpu = skip(4)? + skip(0)?;
        let (start_time, rss) = (skip(6)?, skip(1)?);
        Some(Self { state, ppid, session, cpu, start_time, rss, is_kernel })
    }

    /// Dead: a zombie counts as gone, whoever forgets to reap it.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Whether the error says that there is no such process or group any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || matches!(error.raw_os_error(), Some(code) if code == libc::ESRCH || code == libc::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b) S 7 42 41 0 -1 4194560 97 0 0 0 3 4 0 0 20 0 1 0 1234 2437120 55 \
                    18446744073709551615 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.ppid, stat.session, stat.cpu), ('S', 7, 41, 7));
        assert_eq!((stat.start_time, stat.rss, stat.is_kernel), (1234, 55, false));
    }

    #[test]
    fn we_find_ourselves_but_not_a_process_that_never_was() {
        assert!(Stat::read(std::process::id()).is_some_and(|stat| !stat.is_dead()));
        assert_eq!(Stat::read(u32::MAX), None);
    }
}
