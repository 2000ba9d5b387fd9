//! `init`: a process file to begin with.
//!
//! It never writes over a file: the one that is there may be the only copy.

mod starter;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};

use serde_json::Value;

use crate::caller;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Notice;

/// Runs the command `init`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let simple = match session.args.words.first().map(String::as_str) {
        None => false,
        Some("simple") => true,
        Some(other) => {
            let message = format!("there is no process file `{other}` to begin with");
            let hint = "`ostler init` writes one with comments, `ostler init simple` a short one";
            return Err(Failed::misuse(message).hint(hint));
        }
    };
    let folder = caller::cwd()?;
    let package = fs::read_to_string(folder.join("package.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null);
    // Node takes a `.js` for a module there, and a process file is none.
    let is_module = starter::value(&package, "type") == Some("module");
    let path = folder.join(if is_module { "ecosystem.config.cjs" } else { "ecosystem.config.js" });
    let text = starter::text(&folder, &package, simple);
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).open(&path);
    written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let shown = path.display();
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Failed::new(format!("`{shown}` is there already, and stays as it is"))
                .hint("move it away first, or go on with it");
        }
        Failed::new(format!("cannot write `{shown}`: {error}"))
    })?;
    session.out.tell(&Notice::Generated { path: &path });
    Ok(())
}
