//! What is in the programs: a bill of materials in the form of CycloneDX 1.5.
//!
//! It has the crates that are compiled into them for this machine: what the tests, the build and
//! the tasks need is not in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::build::Built;
use super::cargo_lock::checksums;
use super::release::Release;
use super::repository::read;

/// Makes the bill.
pub fn make(release: &Release, built: &[Built]) -> Result<Vec<u8>> {
    let packages = release.metadata.pointer("/packages").and_then(Value::as_array);
    let packages = packages.context("no packages in metadata")?;
    let packages: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|of| Some((of["id"].as_str()?, of))).collect();
    let nodes = release.metadata.pointer("/resolve/nodes").and_then(Value::as_array);
    let nodes = nodes.context("no graph in metadata")?;
    let needs: BTreeMap<&str, BTreeSet<&str>> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, linked(node)))).collect();
    let is_built = |id: &&&str| {
        let name = packages.get(*id).and_then(|package| package["name"].as_str());
        built.iter().any(|program| Some(program.name) == name)
    };
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = needs.keys().filter(is_built).copied().collect();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(
                needs.get(id).into_iter().flatten().filter(|id| !is_proc_macro(&packages, id)),
            );
        }
    }
    let sums = checksums(&String::from_utf8(read("Cargo.lock")?)?);
    let reference = |id: &str| packages.get(id).map(|package| purl(package)).unwrap_or_default();
    let components: Vec<Value> = found
        .iter()
        .filter_map(|id| packages.get(id))
        .map(|package| component(package, &sums))
        .collect();
    let graph: Vec<Value> = found
        .iter()
        .map(|id| {
            let on: Vec<String> = needs
                .get(id)
                .into_iter()
                .flatten()
                .filter(|id| found.contains(*id))
                .map(|id| reference(id))
                .collect();
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    let root = format!("pkg:generic/ostler@{}", release.version);
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time(release.epoch),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "ostler",
                "version": release.version,
                "purl": root,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                "properties": [
                    { "name": "ostler:target", "value": release.target.triple },
                    { "name": "ostler:commit", "value": release.commit },
                ],
            },
        },
        "components": components,
        "dependencies": graph,
    });
    Ok((serde_json::to_string_pretty(&bill)? + "\n").into_bytes())
}

/// The packages that are compiled into a package: not those of its tests and of its build.
fn linked(node: &Value) -> BTreeSet<&str> {
    let is_linked = |dep: &&Value| {
        let kinds = dep["dep_kinds"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let deps = node["deps"].as_array().into_iter().flatten();
    deps.filter(is_linked).filter_map(|dep| dep["pkg"].as_str()).collect()
}

/// Whether it runs in the compiler only.
fn is_proc_macro(packages: &BTreeMap<&str, &Value>, id: &str) -> bool {
    let targets = packages.get(id).and_then(|package| package["targets"].as_array());
    let kinds = targets.into_iter().flatten().filter_map(|target| target["kind"].as_array());
    kinds.flatten().any(|kind| kind == "proc-macro")
}

fn component(package: &Value, sums: &std::collections::HashMap<(String, String), String>) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    // Older crates write `MIT/Apache-2.0`, which means either.
    let licence = package["license"].as_str().map(|of| of.replace('/', " OR "));
    let licences: Vec<Value> = licence.iter().map(|of| json!({ "expression": of })).collect();
    let sum = sums.get(&(text("name"), text("version")));
    let hashes: Vec<Value> =
        sum.iter().map(|of| json!({ "alg": "SHA-256", "content": of })).collect();
    json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": text("name"),
        "version": text("version"),
        "purl": purl(package),
        "licenses": licences,
        "hashes": hashes,
    })
}

fn purl(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

/// The time in the form of RFC 3339.
fn time(epoch: u64) -> String {
    let (days, second) = (epoch / 86_400, epoch % 86_400);
    // Counted in eras of 400 years that begin in March, so that the leap day comes last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_those_of_date() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(time(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(time(1_795_789_925), "2026-11-27T14:32:05Z");
    }
}
