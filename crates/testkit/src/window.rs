//! A full-screen program in a terminal: what a person would see, and the keys they press.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::wait::{poll_in, try_wait};

/// How often the screen is looked at, where nothing new is written.
const LOOK: Duration = Duration::from_millis(10);

/// A program in a terminal.
pub struct Window {
    ours: File,
    theirs: File,
    child: Child,
    screen: vt100::Parser,
    written: Vec<u8>,
}

impl Window {
    /// Starts a command in a terminal of so many columns and rows.
    #[track_caller]
    pub fn open(mut command: Command, columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("a terminal");
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, size(columns, rows)).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap();
        let path = OsStr::from_bytes(path.as_bytes());
        let theirs = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let end = || theirs.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let screen = vt100::Parser::new(some(rows), some(columns), 0);
        Self { ours: File::from(ours), theirs, child, screen, written: Vec::new() }
    }

    /// Types these bytes.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the window another size.
    #[track_caller]
    pub fn resize(&mut self, columns: u16, rows: u16) {
        tcsetwinsize(&self.ours, size(columns, rows)).unwrap();
        self.screen.screen_mut().set_size(some(rows), some(columns));
        // It is not the program's controlling terminal, whose kernel would tell it.
        self.signal(Signal::WINCH);
    }

    /// Sends a signal to the program.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the screen has this text, and returns all of it.
    #[track_caller]
    pub fn wait_shown(&mut self, text: &str, limit: Duration) -> String {
        let shown = try_wait(limit, || {
            self.take();
            let shown = self.screen.screen().contents();
            shown.contains(text).then_some(shown)
        });
        shown.unwrap_or_else(|| {
            panic!("waited {limit:?} in vain for `{text}` on\n{}", self.screen.screen().contents())
        })
    }

    /// Waits until the program has ended, and returns its exit code, or the negative number of the
    /// signal that ended it.
    #[track_caller]
    pub fn wait_end(&mut self, limit: Duration) -> i32 {
        let ended = try_wait(limit, || {
            self.take();
            self.child.try_wait().unwrap()
        });
        let Some(status) = ended else {
            panic!("it does not end within {limit:?}\n{}", self.screen.screen().contents())
        };
        self.take();
        status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
    }

    /// Whether lines are edited and shown by the terminal itself, the cursor is there, and what was
    /// on it before is shown again.
    pub fn is_given_back(&self) -> bool {
        let modes = tcgetattr(&self.theirs).unwrap().local_modes;
        let screen = self.screen.screen();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// Returns the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns everything that was written.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Takes what was written since, if anything was within a moment.
    fn take(&mut self) {
        let mut some = [0; 16 << 10];
        while poll_in(Some(self.ours.as_fd()), LOOK) {
            let Ok(length @ 1..) = self.ours.read(&mut some) else { return };
            self.screen.process(&some[..length]);
            self.written.extend_from_slice(&some[..length]);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // One that has ended is not there any more.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn some(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a window has lines and columns")
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
