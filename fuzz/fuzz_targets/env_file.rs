//! A file of variables.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ostler_fuzz::write("my.env", data);
    ostler_fuzz::file("of-env.json", br#"{ "script": "a.sh", "env_file": "my.env" }"#);
});
