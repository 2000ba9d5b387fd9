//! A pattern of cron: what is accepted has times, and they are after each other.
#![no_main]

use jiff::tz::{Offset, TimeZone};
use ostler_config::cron::Schedule;
use serde_json::json;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(pattern) = std::str::from_utf8(data) else { return };
    let file = json!({ "script": "a.sh", "cron_restart": pattern }).to_string();
    for app in ostler_fuzz::file("of-cron.json", file.as_bytes()) {
        let zone = |_: Option<&str>| TimeZone::fixed(Offset::UTC);
        let Some(cron) = Schedule::of(&app, zone) else { continue };
        let start = 1_800_000_000_000;
        if let Some(first) = cron.next_after(start) {
            assert!(start < first, "{pattern}");
            assert!(cron.next_after(first).is_none_or(|second| first < second), "{pattern}");
        }
    }
});
