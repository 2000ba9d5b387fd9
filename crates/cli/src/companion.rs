//! The companion: the program beside this one, for the web API and the full-screen view.

use std::path::{Path, PathBuf};

use crate::caller;
use crate::failed::Failed;

/// Its file name.
const COMPANION: &str = "ostler-companion";

/// Returns its path, or says that `what` needs it and how it comes to be there.
pub(crate) fn find(what: &str) -> Result<PathBuf, Failed> {
    let program = caller::program()?;
    let companion = program.with_file_name(COMPANION);
    if companion.is_file() {
        return Ok(companion);
    }
    let shown = companion.display();
    let message = format!("{what} is a program of its own, which is not there: `{shown}`");
    Err(Failed::new(message).hint(how_to_get_it(&program, SOURCE)))
}

/// Returns the failure for a companion that cannot be executed.
pub(crate) fn not_executed(companion: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot execute `{}`: {error}", companion.display()))
}

/// The folder of this crate's source, where the program was built from a clone. A package knows no
/// folder: it has the companion in it.
const SOURCE: Option<&str> = match ostler_env::COMMIT {
    Some(_) => None,
    None => Some(env!("CARGO_MANIFEST_DIR")),
};

/// Returns the command that puts the companion beside a program, wherever it is typed.
fn how_to_get_it(program: &Path, source: Option<&str>) -> String {
    let from_clone = || {
        let companion = Path::new(source?).with_file_name("companion");
        companion.is_dir().then(|| of_source(program, &companion)).flatten()
    };
    let found = built_in(program).or_else(|| installed_from(program)).or_else(from_clone);
    if let Some(command) = found {
        return format!("`{command}` makes it");
    }
    format!(
        "every package of `ostler` has it: install the package again, or, in the folder of the \
         archive, `cp {COMPANION} {pasted}/`",
        pasted = quoted(program.parent().unwrap_or(Path::new(".")))
    )
}

/// From the source of the companion that is on this machine.
fn of_source(program: &Path, companion: &Path) -> Option<String> {
    let folder = program.parent()?;
    if folder.ends_with("bin") {
        return installed(companion, folder.parent()?);
    }
    let clone = companion.parent()?.parent()?;
    let (manifest, built) = (clone.join("Cargo.toml"), clone.join("target/release"));
    let (manifest, built) = (quoted(&manifest), quoted(&built.join(COMPANION)));
    let copies = format!("cp {built} {}/", quoted(folder));
    Some(format!("cargo build --release -p {COMPANION} --manifest-path {manifest} && {copies}"))
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
    installed(&Path::new(source).with_file_name("companion"), root)
}

fn installed(companion: &Path, root: &Path) -> Option<String> {
    let (path, root) = (quoted(companion), quoted(root));
    companion.is_dir().then(|| format!("cargo install --path {path} --root {root}"))
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
            assert_eq!(how_to_get_it(program, None), format!("`{expected}` makes it"));
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
        // A copy that cargo knows nothing of, as in an image of a container.
        let crate_of = source.join("crates/cli");
        let clone = crate_of.to_str();
        let of_clone = |program: &str| how_to_get_it(Path::new(program), clone);
        let install = format!("`cargo install --path {path} --root /opt/x` makes it");
        assert_eq!(of_clone("/opt/x/bin/ostler"), install);
        let built = at(&source.join("target/release/ostler-companion"));
        let copies = format!("{} && cp {built} /opt/", build(" --release"));
        assert_eq!(of_clone("/opt/ostler"), format!("`{copies}` makes it"));
        // No look-up knew of the repository that it named.
        let copy = how_to_get_it(Path::new("/usr/bin/ostler"), None);
        assert!(copy.ends_with("`cp ostler-companion /usr/bin/`"), "{copy}");
        let gone = how_to_get_it(Path::new("/opt/ostler"), Some("/no-such-clone/crates/cli"));
        assert!(gone.ends_with("`cp ostler-companion /opt/`"), "{gone}");
        std::fs::remove_dir_all(base).unwrap();
    }
}
