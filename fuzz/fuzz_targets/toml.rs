//! A process file in this language.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ostler_fuzz::file("eco.toml", data);
});
