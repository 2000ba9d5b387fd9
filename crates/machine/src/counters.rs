//! Counters of the kernel, which only say something when they are read twice.

use std::collections::BTreeMap;
use std::fs;

use crate::numbers::{float, rounded};

/// Bytes of a sector, whatever the disk has.
const SECTOR: u64 = 512;
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// What the kernel has counted since it began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Time of all processors, and of it that in which they worked.
    cpu: (u64, u64),
    /// Of each network device: bytes, errors, dropped packets, each received and sent.
    nets: Vec<(String, [u64; 6])>,
    /// Bytes read from disks and written to them.
    disks: (u64, u64),
    memory: BTreeMap<String, u64>,
    temperature: Option<f64>,
}

impl Counters {
    /// Reads them; what cannot be read is 0.
    #[must_use]
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: cpu(&text("/proc/stat")),
            nets: nets(&text("/proc/net/dev")),
            disks: disks(&text("/proc/diskstats"), |name| {
                fs::exists(format!("/sys/block/{name}")).unwrap_or(false)
            }),
            memory: memory(&text("/proc/meminfo")),
            temperature: text("/sys/class/thermal/thermal_zone0/temp")
                .trim()
                .parse::<f64>()
                .ok()
                .map(|thousandths| thousandths / 1000.0),
        }
    }

    /// Returns the share of all processors that worked since `before`, percent.
    #[must_use]
    pub fn cpu_since(&self, before: &Self) -> f64 {
        let time = self.cpu.0.saturating_sub(before.cpu.0).max(1);
        let busy = self.cpu.1.saturating_sub(before.cpu.1);
        rounded(float(busy) / float(time) * 100.0, 1)
    }

    /// Returns the memory that is in use, and all that there is, bytes.
    #[must_use]
    pub fn memory(&self) -> (u64, u64) {
        let memory = |name: &str| self.memory.get(name).copied().unwrap_or(0);
        let (total, available) = (memory("MemTotal"), memory("MemAvailable"));
        (total.saturating_sub(available), total)
    }

    /// Returns what happened since `before`, so many seconds ago, in PM2's order.
    #[must_use]
    pub fn figures(&self, before: &Self, seconds: f64) -> Vec<(String, f64, &'static str)> {
        let mut all = Vec::new();
        let mut put = |name: &str, value: f64, unit| all.push((name.to_owned(), value, unit));
        let per_second =
            |now: u64, then: u64| rounded(float(now.saturating_sub(then)) / MEGABYTE / seconds, 3);
        put("CPU Usage", self.cpu_since(before), "%");
        put("CPU Temperature", self.temperature.map_or(-1.0, |of| rounded(of, 1)), "°C");
        let (used, total) = self.memory();
        put("RAM Usage", rounded(float(used) / float(total.max(1)) * 100.0, 1), "%");
        put("RAM Total", float(total), "b");
        put("RAM Available", float(total.saturating_sub(used)), "b");
        put("RAM Active", float(used), "b");
        for (device, now) in &self.nets {
            let then = before.nets.iter().find(|(name, _)| name == device).map_or(now, |of| &of.1);
            let [rx, tx, ..] = now;
            let [rx_then, tx_then, ..] = then;
            put(&format!("net:rx_5:{device}"), per_second(*rx, *rx_then), "mb/s");
            put(&format!("net:tx_5:{device}"), per_second(*tx, *tx_then), "mb/s");
            let counted = ["rx_errors", "tx_errors", "rx_dropped", "tx_dropped"];
            for ((name, now), then) in counted.iter().zip(&now[2..]).zip(&then[2..]) {
                let per_minute = float(now.saturating_sub(*then)) / seconds * 60.0;
                put(&format!("net:{name}_60:{device}"), rounded(per_minute, 1), "/min");
            }
        }
        put("Disk Reads", per_second(self.disks.0, before.disks.0), "mb/s");
        put("Disk Writes", per_second(self.disks.1, before.disks.1), "mb/s");
        all
    }
}

fn numbers(words: &str) -> Vec<u64> {
    words.split_ascii_whitespace().map(|word| word.parse().unwrap_or(0)).collect()
}

/// All time, and that which was not spent idle or waiting for a disk.
fn cpu(stat: &str) -> (u64, u64) {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let all = numbers(line.unwrap_or_default());
    // What guests use is in that of users already.
    let time: u64 = all.iter().take(8).sum();
    let idle: u64 = all.iter().skip(3).take(2).sum();
    (time, time.saturating_sub(idle))
}

fn nets(dev: &str) -> Vec<(String, [u64; 6])> {
    let device = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let all = numbers(rest);
        let at = |place: usize| all.get(place).copied().unwrap_or(0);
        Some((name.trim().to_owned(), [at(0), at(8), at(2), at(10), at(3), at(11)]))
    };
    dev.lines().skip(2).filter_map(device).collect()
}

/// Bytes read and written by whole disks: what a partition moves, its disk does.
fn disks(stats: &str, is_disk: impl Fn(&str) -> bool) -> (u64, u64) {
    let mut all = (0, 0);
    for line in stats.lines() {
        let mut words = line.split_ascii_whitespace().skip(2);
        let Some(name) = words.next() else { continue };
        let backed = name.starts_with("loop") || name.starts_with("ram") || name.starts_with("dm-");
        if backed || !is_disk(name) {
            continue;
        }
        let rest: Vec<u64> = words.map(|word| word.parse().unwrap_or(0)).collect();
        all.0 += rest.get(2).copied().unwrap_or(0) * SECTOR;
        all.1 += rest.get(6).copied().unwrap_or(0) * SECTOR;
    }
    all
}

fn memory(info: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let kilobytes: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
        Some((name.to_owned(), kilobytes * 1024))
    };
    info.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_make_rates() {
        let stat = |user: u64, idle: u64| format!("cpu  {user} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1\n");
        let dev =
            |rx: u64| format!("Inter-|\n face |\n  eth0: {rx} 1 3 4 0 0 0 0 5 1 6 7 0 0 0 0\n");
        let stats = "   8 0 sda 1 1 2048 1 1 1 4096 1\n   8 1 sda1 1 1 2048 1 1 1 4096 1\n";
        let of = |user, idle, rx, disk: &str| Counters {
            cpu: cpu(&stat(user, idle)),
            nets: nets(&dev(rx)),
            disks: disks(disk, |name| name == "sda"),
            memory: memory("MemTotal:  1000 kB\nMemAvailable:  250 kB\n"),
            temperature: None,
        };
        let before = of(100, 100, 0, "");
        let after = of(150, 250, 3 << 20, stats);
        let figures = after.figures(&before, 2.0);
        let value = |name: &str| figures.iter().find(|(known, ..)| known == name).unwrap().1;
        let check = |name: &str, expected: f64| {
            assert!((value(name) - expected).abs() < 1e-9, "{name}: {}", value(name));
        };
        check("CPU Usage", 25.0);
        check("CPU Temperature", -1.0);
        check("RAM Usage", 75.0);
        check("net:rx_5:eth0", 1.5);
        check("net:rx_errors_60:eth0", 0.0);
        check("Disk Reads", 0.5);
        check("Disk Writes", 1.0);
    }
}
