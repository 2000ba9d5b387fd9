//! A script of a `package.json`: the line of the shell in it; and a `package.json` of any text.
#![no_main]

use ostler_fuzz::{file, write};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let line = String::from_utf8_lossy(data);
    let package = json!({ "name": "x", "scripts": { "s": line, "pres": "node a.sh" } });
    write("package.json", package.to_string().as_bytes());
    for mode in ["fork", "cluster"] {
        let app = json!({ "script": "npm", "args": "run s", "exec_mode": mode });
        file("of-script.json", app.to_string().as_bytes());
    }
    write("package.json", data);
    file("of-script.json", br#"{ "script": "npm", "args": "start", "exec_mode": "cluster" }"#);
    file("package.json", data);
});
