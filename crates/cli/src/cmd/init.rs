//! `init`: a process file to begin with.
//!
//! It never writes over a file: the one that is there may be the only copy.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::Value;

use crate::caller;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Notice;

/// Files that an app may begin with, the likeliest first.
const SCRIPTS: [&str; 6] =
    ["server.js", "app.js", "index.js", "src/index.js", "dist/index.js", "main.js"];

/// Runs the command `init`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let simple = match session.args.words.first().map(String::as_str) {
        None => false,
        Some("simple") => true,
        Some(other) => {
            return Err(Failed::misuse(format!(
                "there is no process file `{other}` to begin with"
            ))
            .hint("it is `simple`, or nothing"));
        }
    };
    let folder = caller::cwd()?;
    let package = fs::read_to_string(folder.join("package.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null);
    // Node takes a `.js` for a module there, and a process file is none.
    let is_module = value(&package, "type") == Some("module");
    let path = folder.join(if is_module { "ecosystem.config.cjs" } else { "ecosystem.config.js" });
    let text = text(&folder, &package, simple);
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

fn value<'p>(package: &'p Value, key: &str) -> Option<&'p str> {
    package.get(key).and_then(Value::as_str)
}

/// The file for an app in this folder.
fn text(folder: &Path, package: &Value, simple: bool) -> String {
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = value(package, "name").map(|name| name.rsplit('/').next().unwrap_or(name));
    let name = name.map(str::to_owned).or_else(of_folder).unwrap_or_else(|| "app".to_owned());
    let main = value(package, "main").filter(|main| folder.join(main).is_file());
    let found = SCRIPTS.into_iter().find(|script| folder.join(script).is_file());
    let script = main.or(found).unwrap_or("app.js");
    // A text of JSON is one of JavaScript.
    let [name, script] = [name.as_str(), script].map(|text| Value::from(text).to_string());
    if simple {
        return format!(
            "module.exports = {{
  apps: [{{
    name: {name},
    script: {script},
  }}],
}};
"
        );
    }
    format!(
        "// Every key is explained in docs/configuration.md.
module.exports = {{
  apps: [
    {{
      name: {name},
      script: {script},

      // Workers that share the port of the app; `\"max\"` is one per processor.
      // Without this line there is one process, which a reload restarts.
      instances: 2,

      // Variables of the app. `--env production` puts those of `env_production` on top.
      env: {{ NODE_ENV: \"development\" }},
      env_production: {{ NODE_ENV: \"production\" }},

      // A worker that uses more is replaced.
      max_memory_restart: \"500M\",

      // How long a worker may take to end when it is asked to, ms.
      kill_timeout: 5000,
    }},
  ],
}};
"
    )
}
