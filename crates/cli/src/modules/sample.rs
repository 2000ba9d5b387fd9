//! A module to begin with.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::package::cannot;
use crate::failed::Failed;

const PACKAGE: &str = r#"{
  "name": "NAME",
  "version": "0.1.0",
  "description": "counts what it has seen",
  "main": "index.js",
  "dependencies": {
    "@pm2/io": "^6.0.0"
  },
  "config": {
    "interval": "1000"
  }
}
"#;

const INDEX: &str = r#"// Each setting is a variable of the environment; this changes it:
// ostler set NAME.interval 500
const io = require('@pm2/io');

const seen = io.counter({ name: 'seen' });
const timer = setInterval(() => seen.inc(), Number(process.env.interval));

io.action('reset', (reply) => {
  seen.reset();
  reply({ seen: 0 });
});

process.on('SIGINT', () => {
  clearInterval(timer);
  process.exit(0);
});
"#;

/// Writes a module to begin with into a folder of its name. Returns that folder.
pub(crate) fn generate(name: &str, into: &Path) -> Result<PathBuf, Failed> {
    if !ostler_pm2::module::is_name(name) {
        return Err(Failed::new(format!("`{name}` is no name of a package"))
            .hint("letters, digits, `-` and `_` will do"));
    }
    let folder = into.join(name);
    if folder.exists() {
        let text = format!("`{}` is there already, and stays as it is", folder.display());
        return Err(Failed::new(text).hint("another name makes another folder"));
    }
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    for (file, text) in [("package.json", PACKAGE), ("index.js", INDEX)] {
        let path = folder.join(file);
        let made = fs::OpenOptions::new().write(true).create_new(true).open(&path);
        made.and_then(|mut made| made.write_all(text.replace("NAME", name).as_bytes()))
            .map_err(|error| cannot("make", &path, &error))?;
    }
    Ok(folder)
}
