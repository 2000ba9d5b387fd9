//! Project tasks: `cargo xtask TASK`. Run without a task for the list.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the person at the terminal"
)]

mod bench;
mod check;
mod dist;
mod docs;
mod endurance;
mod fuzz;
mod lab;
mod labs;
mod machine;
mod measure;
mod run;
mod setup;
mod shells;
mod soak;
mod source;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const TASKS: &str = "\
cargo xtask check            formatting, clippy without warnings, tidy
cargo xtask test             check, cargo deny if installed, every test; installs their runtimes
cargo xtask setup            installs Node 18–26, bun, deno, PM2, Express into .cache/; zsh, fish,
                             mandoc, wrk by apt
cargo xtask docs             writes the pages of docs/ that are made from the program's tables
cargo xtask dist [--target TRIPLE] [--out DIR] [--twice] [--try]
                             static programs and their packages (tar.gz, npm, wheel, deb, rpm), in
                             target/packages; --twice: a second build must give the same bytes;
                             --try: each package is installed on something fresh and used
cargo xtask labs             the service under a real systemd in namespaces, and lab container, as
                             root; part of test where it can be done
cargo xtask lab api          the web API against its own document, by schemathesis (PyPI)
cargo xtask lab browser      the dashboard in a real Chromium: by mouse, by keyboard, with axe-core;
                             installs chromium by apt
cargo xtask lab container    the images of examples/docker, and pm2-runtime, run by a real Docker
                             engine, as root; installs docker.io by apt
cargo xtask lab deploy       `deploy` to hosts in namespaces with a real sshd each, as root, and the
                             same commands with PM2; installs openssh-server by apt
cargo xtask lab export       what `ostler export` writes, read by validators from PyPI and, as root,
                             by systemd
cargo xtask lab shapes [NAME…]
                             process files of Next, Nest, Nuxt, FastAPI and others with small
                             projects of them: installed from npm and PyPI into /tmp, started,
                             reloaded under requests, stopped; installs php-cli by apt
cargo xtask lab sinks        lines passed on to a real rsyslog, over TLS too, to OpenTelemetry's own
                             decoder and, as root, to the journal of a real systemd; installs
                             rsyslog by apt
cargo xtask torture [--minutes N]
                             apps and clients at work while daemon and keeper are killed at
                             random; 10 minutes by default
cargo xtask inject [--minutes N]
                             single system calls of keeper and daemon fail, in ten scenarios;
                             10 minutes by default
cargo xtask fuzz [--time S] [TARGET…]
                             texts that nobody would write to whatever reads process files, with
                             libFuzzer; each target for 60 s by default; needs a C++ compiler
cargo xtask histories [--rounds N]
                             random histories of core and daemon, others in each run; 10 rounds,
                             each as many as a full test plays, by default
cargo xtask tidy             dependency direction, no circles of files, sizes, no sleeping tests,
                             no stubs, invariants have tests
cargo xtask measure [--list] sizes, circles of files and open structs, beside what is wanted;
                             --list gives the places
cargo xtask soak-reload [--reloads N] [--nodes node-22,…] [--client keep-alive|close] [--plain]
                             reloads under load, 200 a case by default; prints a table, fails when
                             a request failed
cargo xtask bench [NAME…] [--quick] [--rounds N]
                             side by side with PM2; writes bench/out.json, appends tables to
                             bench/RESULTS.md";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match task(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn task(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        println!("{TASKS}");
        return Ok(());
    };
    let with_arguments = [
        "bench",
        "dist",
        "fuzz",
        "histories",
        "inject",
        "lab",
        "measure",
        "soak-reload",
        "torture",
    ];
    if !with_arguments.contains(&name.as_str()) && !rest.is_empty() {
        bail!("`{name}` takes no argument, but got `{}`", rest.join(" "));
    }
    match name.as_str() {
        "check" => check::check(),
        "test" => check::test(),
        "setup" => setup::setup(setup::What::Everything),
        "labs" => labs::labs(labs::Want::All),
        "lab" => lab::lab(rest),
        "dist" => dist::dist(rest),
        "docs" => docs::docs(),
        "histories" => endurance::histories(rest),
        "inject" => endurance::inject(rest),
        "fuzz" => fuzz::run(rest),
        "torture" => endurance::torture(rest),
        "tidy" => tidy::tidy(),
        "measure" => measure::measure(rest),
        "soak-reload" => soak::reload(rest),
        "bench" => bench::bench(rest),
        other => bail!("no task is called `{other}`\n{TASKS}"),
    }
}
