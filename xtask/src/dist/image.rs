//! The container image: the programs on nothing (`FROM scratch`), in the form of `docker save`,
//! which `docker load`, `podman load` and `skopeo` read. No engine and no registry is needed.

use anyhow::{Context, Result};
use serde_json::json;

use super::archive::{Entry, gzip, tar};
use super::artifact::Artifact;
use super::contents::{Contents, DOC, SUMMARY};
use super::hash;
use super::release::Release;

/// Where the programs are; in the path of most images.
const BIN: &str = "usr/local/bin";

/// Makes the archive that an engine loads.
pub fn make(release: &Release, contents: &Contents) -> Result<Artifact> {
    let layer = tar(&files(contents), "", release.epoch)?;
    let config = config(release, &hash::hex(&layer))?;
    let name = hash::hex(config.as_bytes());
    let manifest = json!([{
        "Config": format!("{name}.json"),
        "RepoTags": [format!("ostler:{}", release.version)],
        "Layers": ["layer.tar"],
    }]);
    let image = [
        Entry::file(format!("{name}.json"), config),
        Entry::file("layer.tar", layer),
        Entry::file("manifest.json", manifest.to_string()),
    ];
    let data = gzip(&tar(&image, "", release.epoch)?)?;
    Ok(Artifact { name: release.file("image.tar.gz"), data })
}

fn files(contents: &Contents) -> Vec<Entry> {
    let programs = contents.programs.iter();
    let mut files: Vec<Entry> = programs
        .map(|(name, data)| Entry::program(format!("{BIN}/{name}"), data.clone()))
        .collect();
    files.push(Entry::file(format!("{DOC}/sbom.cdx.json"), contents.sbom.clone()));
    for (name, text) in &contents.licences {
        files.push(Entry::file(format!("{DOC}/{name}"), text.clone()));
    }
    files
}

/// What the engine reads: what is run, and on which machine.
fn config(release: &Release, layer: &str) -> Result<String> {
    let seconds = i64::try_from(release.epoch)?;
    let created = jiff::Timestamp::from_second(seconds).context("no time of a commit")?;
    let (architecture, variant) = release.target.oci();
    let mut config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": created.to_string(),
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "Entrypoint": [format!("/{BIN}/ostler")],
            "Cmd": ["--help"],
            "Healthcheck": { "Test": ["CMD", format!("/{BIN}/ostler"), "health"] },
            "Labels": {
                "org.opencontainers.image.description": SUMMARY,
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
                "org.opencontainers.image.revision": release.commit,
                "org.opencontainers.image.source": "https://github.com/ostler-pm/ostler",
                "org.opencontainers.image.title": "ostler",
                "org.opencontainers.image.version": release.version,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": created.to_string(), "created_by": "cargo xtask dist" }],
    });
    if let (Some(variant), Some(config)) = (variant, config.as_object_mut()) {
        config.insert("variant".to_owned(), json!(variant));
    }
    Ok(config.to_string())
}
