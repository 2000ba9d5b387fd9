//! The companion: the program beside this one, for the web API and the full-screen view.

use std::path::{Path, PathBuf};

use crate::failed::Failed;

/// Its file name.
const COMPANION: &str = "ostler-companion";

/// Returns its path, or says that `what` needs it and how it comes to be there.
pub(crate) fn find(what: &str) -> Result<PathBuf, Failed> {
    let program = std::env::current_exe()
        .map_err(|error| Failed::new(format!("cannot find this program's own file: {error}")))?;
    let companion = program.with_file_name(COMPANION);
    if companion.is_file() {
        return Ok(companion);
    }
    let shown = companion.display();
    let message = format!("{what} is a program of its own, which is not there: `{shown}`");
    Err(Failed::new(message).hint(how_to_get_it(&program)))
}

/// Returns the failure for a companion that cannot be executed.
pub(crate) fn not_executed(companion: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot execute `{}`: {error}", companion.display()))
}

/// Returns the command that puts the companion beside a program, wherever it is typed.
fn how_to_get_it(program: &Path) -> String {
    if let Some(command) = built_in(program).or_else(|| installed_from(program)) {
        return format!("`{command}` makes it");
    }
    let root = program.parent().filter(|folder| folder.ends_with("bin"));
    match root.and_then(Path::parent) {
        Some(root) => format!("`{}` makes it", of_repository(root)),
        None => format!(
            "in the folder of the archive that `ostler` is from, `cp {COMPANION} {pasted}/` puts \
             it there",
            pasted = quoted(program.parent().unwrap_or(Path::new(".")))
        ),
    }
}

/// In the folder of a source that it was built in.
fn built_in(program: &Path) -> Option<String> {
    let folder = program.parent()?;
    let profile = match folder.file_name()?.to_str()? {
        "debug" => "",
        "release" => " --release",
        _ => return None,
    };
    let manifest = folder.parent()?.parent()?.join("Cargo.toml");
    let is_ours = manifest.with_file_name("crates").join("companion").is_dir();
    let pasted = quoted(&manifest);
    is_ours.then(|| format!("cargo build{profile} -p {COMPANION} --manifest-path {pasted}"))
}

/// Where `cargo install` put it: it notes from which folder.
fn installed_from(program: &Path) -> Option<String> {
    let root = program.parent()?.parent()?;
    let noted = std::fs::read_to_string(root.join(".crates.toml")).ok()?;
    let line = noted.lines().find(|line| line.starts_with("\"ostler "))?;
    let (source, _) = line.split_once("(path+file://")?.1.split_once(')')?;
    let companion = Path::new(source).with_file_name("companion");
    let (path, root) = (quoted(&companion), quoted(root));
    companion.is_dir().then(|| format!("cargo install --path {path} --root {root}"))
}

/// From the repository.
fn of_repository(root: &Path) -> String {
    let repository = env!("CARGO_PKG_REPOSITORY");
    format!("cargo install --git {repository} --root {} {COMPANION}", quoted(root))
}

fn quoted(path: &Path) -> String {
    ostler_shell::word(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It was `cargo build --release -p ostler-companion`, which works in the source alone.
    #[test]
    fn the_companion_comes_from_where_the_program_comes_from_whatever_the_folder() {
        let base = std::env::temp_dir().join(format!("ostler companion {}", std::process::id()));
        let source = base.join("source");
        std::fs::create_dir_all(source.join("crates/companion")).unwrap();
        let at = |path: &Path| quoted(path);
        let check = |program: &Path, expected: String| {
            assert_eq!(how_to_get_it(program), format!("`{expected}` makes it"));
        };
        let manifest = at(&source.join("Cargo.toml"));
        let build = |profile: &str| {
            format!("cargo build{profile} -p ostler-companion --manifest-path {manifest}")
        };
        check(&source.join("target/release/ostler"), build(" --release"));
        check(&source.join("target/debug/ostler"), build(""));
        let root = base.join("root");
        std::fs::create_dir(&root).unwrap();
        let noted = source.join("crates/cli");
        let noted =
            format!("[v1]\n\"ostler 1.0.0 (path+file://{})\" = [\"ostler\"]\n", noted.display());
        std::fs::write(root.join(".crates.toml"), noted).unwrap();
        let path = at(&source.join("crates/companion"));
        let install = format!("cargo install --path {path} --root {}", at(&root));
        check(&root.join("bin/ostler"), install);
        let repository = env!("CARGO_PKG_REPOSITORY");
        let install = format!("cargo install --git {repository} --root /usr ostler-companion");
        check(Path::new("/usr/bin/ostler"), install);
        let copy = how_to_get_it(Path::new("/opt/ostler"));
        assert!(copy.ends_with("`cp ostler-companion /opt/` puts it there"), "{copy}");
        std::fs::remove_dir_all(base).unwrap();
    }
}
