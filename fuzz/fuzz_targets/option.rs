//! The value of an option of an app: sizes, durations, counts, signals, addresses, patterns. The
//! first byte chooses the option.
#![no_main]

use ostler_config::{Options, attributes, from_script, options_patch};
use ostler_fuzz::{WORLD, shown};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((which, value)) = data.split_first() else { return };
    let Ok(value) = std::str::from_utf8(value) else { return };
    let names: Vec<&str> =
        attributes().flat_map(|of| of.flags).flat_map(|of| of.long).copied().collect();
    let mut options = Options::default();
    options.give(names[usize::from(*which) % names.len()], Some(value));
    match from_script("a.sh", &options, &WORLD) {
        Ok((_, report)) => shown(&report),
        Err(report) => shown(&report),
    }
    if let Err(report) = options_patch(&options, &WORLD) {
        shown(&report);
    }
});
