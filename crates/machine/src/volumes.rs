//! File systems: how large they are, and how full.

use std::collections::BTreeSet;
use std::fs;

use crate::numbers::{float, rounded};

const GIGABYTE: f64 = 1024.0 * 1024.0 * 1024.0;

/// Returns how full each file system on a disk is, and how large.
pub(super) fn figures() -> Vec<(String, f64, &'static str)> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut all = Vec::new();
    for place in places(&mounts) {
        let Ok(volume) = rustix::fs::statvfs(place.as_str()) else { continue };
        let size = volume.f_blocks.saturating_mul(volume.f_frsize);
        let used = volume.f_blocks.saturating_sub(volume.f_bfree);
        let room = used + volume.f_bavail;
        if size == 0 || room == 0 {
            continue;
        }
        all.push((format!("fs:use:{place}"), rounded(float(used) / float(room) * 100.0, 1), "%"));
        all.push((format!("fs:size:{place}"), rounded(float(size) / GIGABYTE, 2), "gb"));
    }
    all
}

/// The places at which disks are, each disk once.
fn places(mounts: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let place = |line: &str| {
        let mut words = line.split(' ');
        let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
        let is_disk = device.starts_with('/') || (kind == "overlay" && place == "/");
        (is_disk && kind != "squashfs" && seen.insert(device.to_owned()))
            .then(|| place.replace("\\040", " "))
    };
    mounts.lines().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn each_disk_is_shown_once_and_what_is_no_disk_is_not() {
        let mounts = "proc /proc proc rw 0 0\n/dev/vda / ext4 rw 0 0\n/dev/vda /work ext4 rw 0 0\n\
            /dev/loop0 /snap/x squashfs ro 0 0\n/dev/sdb /my\\040disk xfs rw 0 0\n";
        assert_eq!(places(mounts), ["/", "/my disk"]);
    }
}
