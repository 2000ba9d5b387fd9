//! What a module says of itself, in its `package.json`.

use std::fs;
use std::io;
use std::path::Path;

use ostler_pm2::module::Module;

use crate::failed::Failed;

/// How one comes to a module.
const BEGIN: &str = "`ostler module:generate` writes a module to begin with";

/// Reads what a module says of itself.
pub(crate) fn read(folder: &Path) -> Result<Module, Failed> {
    let path = folder.join("package.json");
    let text =
        fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error).hint(BEGIN))?;
    let mut module = Module::read(&text).map_err(|why| {
        Failed::new(format!("`{}` is no module: {why}", path.display())).hint(BEGIN)
    })?;
    for app in &mut module.apps {
        if let Some(script) = app.get_mut("script")
            && let Some(found) = script.as_str().and_then(|script| resolve(folder, script))
        {
            *script = found.into();
        }
    }
    Ok(module)
}

/// Finds the file that a package means by a path, as Node does; `None`: the path as it is.
fn resolve(folder: &Path, script: &str) -> Option<String> {
    let endings = ["", ".js", ".cjs", ".mjs", "/index.js"];
    let path = endings.map(|ending| folder.join(format!("{script}{ending}")));
    path.into_iter().find(|path| path.is_file())?.into_os_string().into_string().ok()
}

/// The failure of what was done with a file or folder.
pub(super) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failed {
    Failed::new(format!("cannot {what} `{}`: {error}", path.display()))
}
