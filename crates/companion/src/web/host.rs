//! Figures of the machine, in the shape in which PM2's page has Node's.

use std::fs;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::sys::{self, Address};

/// Milliseconds of a tick, in which the kernel counts the time of processors for everybody.
const TICK: u64 = 10;

/// Returns name and age of the machine.
pub(crate) fn system() -> Value {
    json!({ "hostname": name(), "uptime": uptime() })
}

/// Returns the name of the machine.
pub(crate) fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns for how many seconds it runs.
pub(crate) fn uptime() -> f64 {
    first(&text("/proc/uptime"))
}

/// Returns its load of the last 1, 5 and 15 minutes.
pub(crate) fn load() -> Vec<f64> {
    loadavg(&text("/proc/loadavg"))
}

/// Returns how busy the machine is, and its network devices.
pub(crate) fn monit() -> Value {
    let memory = text("/proc/meminfo");
    json!({
        "loadavg": load(),
        "total_mem": bytes(&memory, "MemTotal"),
        "free_mem": bytes(&memory, "MemAvailable"),
        "cpu": cpus(&text("/proc/stat"), &text("/proc/cpuinfo"), speed),
        "interfaces": interfaces(&sys::addresses().unwrap_or_default(), mac),
    })
}

/// What cannot be read says nothing.
fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn first(text: &str) -> f64 {
    text.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

fn loadavg(text: &str) -> Vec<f64> {
    let word = |word: &str| word.parse().unwrap_or(0.0);
    text.split_ascii_whitespace().take(3).map(word).collect()
}

fn bytes(meminfo: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?.strip_prefix(':')?;
        rest.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    meminfo.lines().find_map(value).unwrap_or(0) * 1024
}

fn cpus(stat: &str, cpuinfo: &str, speed: impl Fn(usize) -> u64) -> Vec<Value> {
    let models: Vec<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, model)| model.trim())
        .collect();
    let lines = stat.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let number: usize = name.strip_prefix("cpu")?.parse().ok()?;
        Some((number, rest))
    });
    let cpu = |(number, rest): (usize, &str)| {
        let all: Vec<u64> =
            rest.split_ascii_whitespace().map(|word| word.parse().unwrap_or(0) * TICK).collect();
        let at = |place: usize| all.get(place).copied().unwrap_or(0);
        json!({
            "model": models.get(number).copied().unwrap_or("unknown"),
            "speed": speed(number),
            "times": {
                "user": at(0), "nice": at(1), "sys": at(2), "idle": at(3), "irq": at(5),
            },
        })
    };
    lines.map(cpu).collect()
}

/// MHz; 0 where the kernel does not tell.
fn speed(number: usize) -> u64 {
    let path = format!("/sys/devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq");
    text(&path).trim().parse::<u64>().map_or(0, |kilohertz| kilohertz / 1000)
}

fn mac(device: &str) -> String {
    let mac = text(&format!("/sys/class/net/{device}/address"));
    let mac = mac.trim();
    if mac.is_empty() { "00:00:00:00:00:00".to_owned() } else { mac.to_owned() }
}

fn interfaces(all: &[Address], mac: impl Fn(&str) -> String) -> Value {
    let mut map = Map::new();
    for of in all {
        let mut one = json!({
            "address": of.ip.to_string(),
            "netmask": of.mask.to_string(),
            "family": if of.ip.is_ipv4() { "IPv4" } else { "IPv6" },
            "mac": mac(&of.device),
            "internal": of.loopback,
            "cidr": format!("{}/{}", of.ip, prefix(of.mask)),
        });
        if of.ip.is_ipv6()
            && let Some(one) = one.as_object_mut()
        {
            one.insert("scopeid".to_owned(), of.scope.into());
        }
        let list = map.entry(of.device.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(one);
        }
    }
    Value::Object(map)
}

fn prefix(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_become_nodes_shape() {
        assert_eq!(loadavg("0.45 0.79 1.4 2/300 999"), [0.45, 0.79, 1.4]);
        assert!((first("62106.61 100.0") - 62106.61).abs() < 1e-9);
        assert_eq!(bytes("MemTotal:   5 kB\nMemAvailable: 3 kB\n", "MemAvailable"), 3072);
        let cpus = cpus("cpu  9 9\ncpu0 1 2 3 4 5 6\nintr 5\n", "model name\t: X Y\n", |_| 2000);
        let times = json!({ "user": 10, "nice": 20, "sys": 30, "idle": 40, "irq": 60 });
        assert_eq!(cpus, [json!({ "model": "X Y", "speed": 2000, "times": times })]);
        let lo = Address {
            device: "lo".to_owned(),
            ip: "::1".parse().unwrap(),
            mask: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap(),
            loopback: true,
            scope: 0,
        };
        let shown = interfaces(&[lo], |_| "00".to_owned());
        let expected = json!({ "lo": [{
            "address": "::1",
            "netmask": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "family": "IPv6",
            "mac": "00",
            "internal": true,
            "cidr": "::1/128",
            "scopeid": 0,
        }] });
        assert_eq!(shown, expected);
    }

    #[test]
    fn this_machine_has_memory_processors_and_a_loopback_device() {
        let monit = monit();
        assert!(0 < monit["free_mem"].as_u64().unwrap(), "{monit}");
        assert!(!monit["cpu"].as_array().unwrap().is_empty(), "{monit}");
        assert_eq!(monit["interfaces"]["lo"][0]["address"], "127.0.0.1");
    }
}
