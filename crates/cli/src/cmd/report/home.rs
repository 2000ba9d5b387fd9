//! What is odd about a home.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Files of a home that others may need.
const FILES: [&str; 8] = [
    "ostler.sock",
    "rpc.sock",
    "pub.sock",
    "pm2.pid",
    "pm2.log",
    "dump.pm2",
    "ostler.mark",
    "module_conf.json",
];

/// Free space below which something is said, bytes.
const LITTLE: u64 = 100 << 20;

/// Writes what the home is, and what is odd about it.
// Writing to a string cannot fail.
pub(super) fn check(home: &Path, out: &mut String) {
    let Ok(about) = fs::metadata(home) else {
        let _ = writeln!(out, "{}: not there", home.display());
        return;
    };
    let mode = about.mode() & 0o7777;
    let _ = writeln!(out, "{} mode {mode:o} uid {}", home.display(), about.uid());
    if mode & 0o077 != 0 {
        let _ = writeln!(out, "! others can look into it: chmod go-rwx {}", home.display());
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        let _ = writeln!(out, "! it is another user's");
    }
    if let Ok(volume) = rustix::fs::statvfs(home) {
        let free = volume.f_bavail.saturating_mul(volume.f_frsize);
        let _ = writeln!(out, "free: {} MB", free >> 20);
        if free < LITTLE {
            let _ = writeln!(out, "! the disk is almost full");
        }
    }
    for name in FILES {
        match fs::symlink_metadata(home.join(name)) {
            Ok(file) => {
                let kind = if file.file_type().is_socket() { "socket" } else { "file" };
                let (mode, size) = (file.mode() & 0o7777, file.len());
                let _ = writeln!(out, "{name}: {kind}, mode {mode:o}, {size} bytes");
            }
            Err(_) => _ = writeln!(out, "{name}: not there"),
        }
    }
    let count = |name: &str| fs::read_dir(home.join(name)).map_or(0, Iterator::count);
    let _ = writeln!(out, "logs: {} files, pids: {} files", count("logs"), count("pids"));
}

#[cfg(test)]
mod tests {
    use super::check;
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_home_that_others_can_look_into_is_pointed_out() {
        let folder = std::env::temp_dir().join(format!("ostler-report-{}", std::process::id()));
        create_dir(&folder).unwrap();
        write(folder.join("dump.pm2"), "[]").unwrap();
        let look = |mode| {
            set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let mut out = String::new();
            check(&folder, &mut out);
            out
        };
        let (open, own) = (look(0o755), look(0o700));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(open.contains("! others can look into it"), "{open}");
        assert!(!own.contains('!'), "{own}");
        assert!(own.contains("dump.pm2: file, mode") && own.contains("rpc.sock: not there"));
        let mut out = String::new();
        check(&folder, &mut out);
        assert!(out.ends_with(": not there\n"), "{out}");
    }
}
