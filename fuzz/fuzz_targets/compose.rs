//! A file of another manager: what is made of it is read again.
#![no_main]

use ostler_export::Foreign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ostler_fuzz::imported(Foreign::Compose, "compose.yaml", data);
});
