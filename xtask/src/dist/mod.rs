//! What is published: static programs, and the packages that carry them.
//!
//! Two builds of one commit give the same bytes, whoever makes them and where: paths are taken
//! out of the programs, times are that of the commit, archives are sorted and written here, not
//! by tools that add what they know of the machine. `--twice` proves it.

mod archive;
mod artifact;
mod build;
mod cargo_lock;
mod contents;
mod deb;
mod hash;
mod image;
mod npm;
mod options;
mod release;
mod repository;
mod rpm;
mod sbom;
mod scripts;
mod tarball;
mod target;
mod try_out;
mod twice;
mod wheel;
mod zip;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use artifact::Artifact;
use contents::Contents;
use options::Options;
use release::Release;

/// Builds the programs, makes every package, and does what else the options say.
pub fn dist(args: &[String]) -> Result<()> {
    let options = Options::of(args)?;
    let out = options.out();
    let release = Release::of_head(options.target)?;
    if options.twice {
        twice::refuse_changes()?;
    }
    make(&release, &out)?;
    if options.twice {
        twice::compare(&release, &out)?;
    }
    if options.tried {
        try_out::try_out(&release, &out)?;
    }
    Ok(())
}

/// Makes the packages in a folder, which holds nothing else afterwards.
fn make(release: &Release, out: &Path) -> Result<()> {
    let contents = Contents::of(release, &build::programs(release)?)?;
    let archive = tarball::make(release, &contents)?;
    let mut made = scripts::recipes(release, &archive)?;
    made.extend([
        archive,
        deb::make(release, &contents)?,
        rpm::make(release, &contents)?,
        image::make(release, &contents)?,
        wheel::make(release, &contents)?,
        scripts::install(release)?,
        Artifact { name: release.file("cdx.json"), data: contents.sbom.clone() },
    ]);
    made.extend(npm::make(release, &contents)?);
    made.sort_by(|a, b| a.name.cmp(&b.name));
    let sums: String =
        made.iter().map(|of| format!("{}  {}\n", hash::hex(&of.data), of.name)).collect();
    made.push(Artifact { name: "SHA256SUMS".to_owned(), data: sums.into_bytes() });
    write(&made, out)?;
    for Artifact { name, data } in &made {
        println!("{:>9}  {name}", data.len());
    }
    println!("in {}", out.display());
    Ok(())
}

fn write(made: &[Artifact], out: &Path) -> Result<()> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("cannot empty `{}`", out.display()))?;
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    for Artifact { name, data } in made {
        let path: PathBuf = out.join(name);
        fs::write(&path, data).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}
