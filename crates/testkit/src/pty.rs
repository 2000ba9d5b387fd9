//! A command in a terminal of a given width: what a person would see.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::run::Output;

/// Runs a command to its end in a terminal of so many columns. What it writes to standard error
/// comes with the rest, and line ends are `\n`.
#[track_caller]
pub fn in_window(command: Command, columns: u16) -> Output {
    in_window_while(command, columns, |_, _| ())
}

/// As [`in_window`]; `watch` is shown the process and all that it has written, whenever
/// that was more.
#[track_caller]
pub fn in_window_while(
    mut command: Command,
    columns: u16,
    mut watch: impl FnMut(u32, &str),
) -> Output {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap();
    let path = OsStr::from_bytes(path.as_bytes());
    let theirs = || Stdio::from(OpenOptions::new().read(true).write(true).open(path).unwrap());
    command.stdin(Stdio::null()).stdout(theirs()).stderr(theirs());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    // Its ends of the terminal are closed here: what is read ends when nobody has one any more.
    drop(command);
    let mut file = File::from(ours);
    let (mut seen, mut some) = (Vec::new(), [0; 4096]);
    // A terminal whose other end is closed is said to be broken.
    while let Ok(length @ 1..) = file.read(&mut some) {
        seen.extend_from_slice(&some[..length]);
        watch(child.id(), &String::from_utf8_lossy(&seen));
    }
    let status = child.wait().unwrap();
    Output {
        code: status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)),
        out: String::from_utf8(seen).unwrap().replace("\r\n", "\n"),
        err: String::new(),
        held_open: false,
    }
}
