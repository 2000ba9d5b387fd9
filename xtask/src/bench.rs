//! Runs the benchmark kit on PM2 and on the release build, side by side.

use std::fs::{self, OpenOptions};
use std::io::Write;

use anyhow::{Context, Result, bail};
use ostler_testkit::runtimes::pm2_path;

use crate::run::{cargo, command, output, root, show, target_directory};
use crate::setup::{self, What};

/// `NAME…` picks benchmarks, `--quick` takes tiny sizes, `--rounds N` repeats.
pub fn bench(args: &[String]) -> Result<()> {
    let options = Options::try_from_args(args)?;
    setup::setup(What::Everything)?;
    show(cargo(&["build", "--release", "--package", "ostler"]))?;
    let target = target_directory()?;
    let pm2 = pm2_path();
    let dir = root().join("bench");
    let json = dir.join("out.json");
    let kit = dir.join("kit");
    let mut run = command("python3", ["bench.py"]);
    run.current_dir(&kit)
        .arg("--pm")
        .arg(format!("pm2={}", pm2.display()))
        .arg("--pm")
        .arg(format!("ostler={}", target.join("release/ostler").display()))
        .arg("--json")
        .arg(&json)
        .args(&options.passed_on);
    if !options.names.is_empty() {
        run.arg("--only").arg(options.names.join(","));
    }
    // A benchmark that failed is in the JSON too: the tables are worth having either way.
    let result = show(run);
    if options.quick {
        println!("sizes were tiny: no table is appended to bench/RESULTS.md");
        return result;
    }
    let mut report = command("python3", ["report.py"]);
    report.current_dir(&kit).arg(&json);
    let tables = output(report)?;
    append(&dir.join("RESULTS.md"), &heading(&fs::read_to_string(&json)?)?, &tables)?;
    result
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    names: Vec<String>,
    quick: bool,
    passed_on: Vec<String>,
}

impl Options {
    fn try_from_args(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--quick" => {
                    options.quick = true;
                    options.passed_on.push(arg.clone());
                }
                "--rounds" | "--set" | "--work" => {
                    let value = rest.next().with_context(|| format!("`{arg}` needs a value"))?;
                    options.passed_on.extend([arg.clone(), value.clone()]);
                }
                flag if flag.starts_with('-') => bail!("no option of bench is called `{flag}`"),
                name => options.names.push(name.to_owned()),
            }
        }
        Ok(options)
    }
}

/// A section's title and one line about the machine.
fn heading(json: &str) -> Result<String> {
    let doc: serde_json::Value = serde_json::from_str(json)?;
    let meta = doc.get("meta").context("the benchmark's JSON has no `meta`")?;
    let word = |key: &str| {
        meta.get(key)
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .unwrap_or_default()
    };
    let managers = meta
        .get("managers")
        .and_then(|m| m.as_object())
        .context("no managers in the benchmark's JSON")?;
    let versions: Vec<String> = managers
        .iter()
        .map(|(name, m)| {
            format!("{name} {}", m.get("version").and_then(|v| v.as_str()).unwrap_or("?"))
        })
        .collect();
    Ok(format!(
        "## {}\n\n{}; {} cores, kernel {}, node {}; {} rounds each.\n",
        word("date"),
        versions.join(", "),
        word("cores"),
        word("kernel"),
        word("node"),
        word("rounds")
    ))
}

fn append(path: &std::path::Path, heading: &str, tables: &str) -> Result<()> {
    let open = OpenOptions::new().append(true).open(path);
    let mut file = open.with_context(|| format!("cannot append to `{}`", path.display()))?;
    write!(file, "\n{heading}\n{}\n", tables.trim_end())?;
    println!("tables appended to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Result<Options> {
        Options::try_from_args(&args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_picked_and_options_passed_on() {
        let got = options(&["cli_latency", "--rounds", "3", "scale_many", "--quick"]).unwrap();
        assert_eq!(got.names, ["cli_latency", "scale_many"]);
        assert_eq!(got.passed_on, ["--rounds", "3", "--quick"]);
        assert!(got.quick);
        assert!(options(&["--rounds"]).is_err());
        assert!(options(&["--fast"]).unwrap_err().to_string().contains("--fast"));
    }

    #[test]
    fn the_heading_names_versions_and_machine() {
        let json = r#"{"meta":{"date":"2026-01-02","kernel":"6.1","cores":2,"node":"v20","rounds":3,
            "managers":{"pm2":{"version":"7.0.4"},"ostler":{"version":"0.1.0"}}}}"#;
        let text = heading(json).unwrap();
        assert!(
            text.starts_with(
                "## 2026-01-02\n\n\
                 pm2 7.0.4, ostler 0.1.0; 2 cores, kernel 6.1, node v20; 3 rounds each."
            ),
            "{text}"
        );
    }
}
