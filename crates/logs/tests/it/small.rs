//! A file system that is full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small file system of its own, where mounting is allowed, and a file that fills it up.
pub struct Small {
    pub at: PathBuf,
    ballast: PathBuf,
}

impl Small {
    /// Mounts it and fills it up; says so when that is not allowed.
    pub fn mount(folder: &Path, mebibytes: u32) -> Option<Self> {
        let at = folder.join("small");
        std::fs::create_dir(&at).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            let _ =
                writeln!(std::io::stderr(), "skipped: no permission to mount a small file system");
            return None;
        }
        let small = Self { ballast: at.join("ballast"), at };
        small.fill();
        Some(small)
    }

    /// From here on nothing can be written.
    pub fn fill(&self) {
        let mut ballast = File::options().append(true).create(true).open(&self.ballast).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    /// Makes room for so many bytes.
    pub fn make_room(&self, bytes: u64) {
        let ballast = File::options().write(true).open(&self.ballast).unwrap();
        let left = ballast.metadata().unwrap().len().saturating_sub(bytes);
        ballast.set_len(left).unwrap();
    }

    /// All of it is free.
    pub fn empty(&self) {
        std::fs::remove_file(&self.ballast).unwrap();
    }

    pub fn make_read_only(&self) {
        let remounted =
            Command::new("mount").args(["-o", "remount,ro"]).arg(&self.at).status().unwrap();
        assert!(remounted.success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// How many lines this line says are lost.
pub fn lost(line: &str) -> Option<u64> {
    let (_, said) = line.split_once("ostler: ")?;
    assert!(said.contains(" lost here: "), "{line}");
    said.split(' ').next()?.parse().ok()
}
