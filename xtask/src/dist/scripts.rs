//! Texts that fetch the archive and install it: a script, Homebrew's formula, Arch's PKGBUILD.

use anyhow::{Result, bail};

use super::artifact::Artifact;
use super::hash;
use super::release::Release;
use super::repository::read;

/// Returns the script that installs the archive of any machine.
pub fn install(release: &Release) -> Result<Artifact> {
    Ok(Artifact { name: "install.sh".to_owned(), data: filled("install.sh", release, &[])? })
}

/// Returns what Homebrew and pacman read of this archive.
pub fn recipes(release: &Release, archive: &Artifact) -> Result<Vec<Artifact>> {
    let sum = hash::hex(&archive.data);
    let of_archive = [("SHA256", sum.as_str()), ("MACHINE", release.target.machine())];
    let recipe = |name: &str, word: (&'static str, &'static str)| -> Result<Artifact> {
        let words: Vec<_> = of_archive.into_iter().chain([word]).collect();
        Ok(Artifact { name: name.to_owned(), data: filled(name, release, &words)? })
    };
    let mut made = vec![recipe("PKGBUILD", ("PACMAN", release.target.pacman()))?];
    if let Some(brew) = release.target.brew() {
        made.push(recipe("ostler.rb", ("BREW_ARCH", brew))?);
    }
    Ok(made)
}

/// Returns a text of `packaging` with the version, and with these words in their places.
fn filled(name: &str, release: &Release, words: &[(&str, &str)]) -> Result<Vec<u8>> {
    let path = format!("packaging/{name}");
    let mut text = String::from_utf8(read(&path)?)?;
    for (word, value) in words.iter().chain([&("VERSION", release.version.as_str())]) {
        let place = format!("@{word}@");
        if !text.contains(&place) {
            bail!("`{path}` does not say where its {word} belongs: `{place}`");
        }
        text = text.replace(&place, value);
    }
    Ok(text.into_bytes())
}
