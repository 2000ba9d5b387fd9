//! The version of an app: that of the nearest `package.json` above its script.

use std::path::Path;

/// Larger files are not read: nobody's `package.json` has a megabyte.
const LARGEST: u64 = 1 << 20;

/// The version, if there is one.
pub(crate) fn of(script: &Path) -> Option<String> {
    let file = script
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("package.json"))
        .find(|file| file.is_file())?;
    if std::fs::metadata(&file).ok()?.len() > LARGEST {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    package.get("version")?.as_str().filter(|version| !version.is_empty()).map(str::to_owned)
}
