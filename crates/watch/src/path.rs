//! Paths as they were written, made absolute without a look at the disk.

use std::path::{Component, Path, PathBuf};

/// The path from this folder on, without `.` and `..`.
pub fn absolute(folder: &Path, path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = out.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(component),
        }
    }
    out
}

/// What is below the folder, if the path is.
pub fn below<'a>(folder: &Path, path: &'a Path) -> Option<&'a [u8]> {
    path.strip_prefix(folder).ok().map(|rest| rest.as_os_str().as_encoded_bytes())
}

/// The last part.
pub fn name(path: &Path) -> &[u8] {
    path.file_name().map_or(b"", |name| name.as_encoded_bytes())
}
