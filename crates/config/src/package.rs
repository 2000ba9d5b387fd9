//! What the nearest `package.json` says: the version of an app, and what runs when a
//! directory is run.

use std::path::{Path, PathBuf};

use crate::remembered;

/// Larger files are not read: nobody's `package.json` has a megabyte.
const LARGEST: u64 = 1 << 20;

/// What Node tries behind a path that is no file.
const ENDINGS: [&str; 3] = [".js", ".json", ".node"];

/// The version of what is at `script`, if there is one.
pub(crate) fn version(script: &Path) -> Option<String> {
    let folder = if remembered::is_folder(script) { script } else { script.parent()? };
    remembered::version(folder, || version_of(folder))
}

fn version_of(folder: &Path) -> Option<String> {
    let folders = folder.ancestors();
    let file = folders.map(|folder| folder.join("package.json")).find(|file| file.is_file())?;
    let package = read(&file)?;
    package.get("version")?.as_str().filter(|version| !version.is_empty()).map(str::to_owned)
}

/// The file that Node runs for `node <directory>`: the `main` of its `package.json`,
/// else its `index`.
pub(crate) fn main(directory: &Path) -> Option<PathBuf> {
    let package = read(&directory.join("package.json"));
    let main = package.as_ref().and_then(|package| package.get("main")?.as_str());
    let by_main = main.filter(|main| !main.is_empty()).and_then(|main| {
        let path = directory.join(main);
        Some(path.clone())
            .filter(|path| path.is_file())
            .or_else(|| with_ending(&path))
            .or_else(|| with_ending(&path.join("index")))
    });
    by_main.or_else(|| with_ending(&directory.join("index")))
}

/// The nearest `package.json` in or above a folder, with its folder.
pub(crate) fn above(folder: &Path) -> Option<(PathBuf, serde_json::Value)> {
    let folder = folder.ancestors().find(|folder| folder.join("package.json").is_file())?;
    Some((folder.to_owned(), read(&folder.join("package.json"))?))
}

fn with_ending(path: &Path) -> Option<PathBuf> {
    let with = |ending: &&str| {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    ENDINGS.iter().map(with).find(|path| path.is_file())
}

fn read(file: &Path) -> Option<serde_json::Value> {
    if std::fs::metadata(file).ok()?.len() > LARGEST {
        return None;
    }
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}
