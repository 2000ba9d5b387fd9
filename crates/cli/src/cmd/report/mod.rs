//! `report`: what whoever helps wants to know, as a block to paste into an issue. Nothing is sent,
//! and what looks like a secret is masked.

mod home;
mod mask;

use std::fmt::Write as _;
use std::fs;

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::failed::Failed;
use crate::paint::Paint;
use crate::program::{PM2_VERSION, Program};
use crate::session::{Session, unexpected};
use crate::view;
use mask::mask;

/// Lines of the daemon's log.
const LINES: usize = 20;
/// Columns of the table: more than any terminal has, so that nothing is left out.
const COLUMNS: usize = 300;
/// Columns of a heading.
const WIDTH: usize = 79;

/// Runs the command `report`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let runs = match session.program {
        Program::Pm2 => session.connect().map(|()| true)?,
        Program::Ostler => session.connect_if_running()?,
    };
    let title = match session.program {
        Program::Pm2 => "PM2 report",
        Program::Ostler => "ostler report",
    };
    let mut out = String::from("```\n");
    heading(&mut out, title);
    line(&mut out, "Date", &ostler_logs::iso(view::now()).unwrap_or_default());
    section(&mut out, "Daemon");
    if runs {
        daemon(session, &mut out)?;
    } else {
        out.push_str("no daemon runs\n");
    }
    section(&mut out, "CLI");
    line(&mut out, "version", env!("CARGO_PKG_VERSION"));
    line(&mut out, "PM2's version", PM2_VERSION);
    let path = std::env::current_exe().unwrap_or_default();
    line(&mut out, "program", &path.display().to_string());
    line(&mut out, "node version", &node_version());
    section(&mut out, "System info");
    system(&mut out);
    section(&mut out, "Home");
    home::check(session.home.path(), &mut out);
    section(&mut out, if session.program == Program::Pm2 { "PM2 list" } else { "List" });
    if runs {
        let mut processes = session.list()?;
        view::sort(&mut processes, None);
        out.push_str(&view::list(&processes, COLUMNS, view::now(), Paint::PLAIN));
    }
    section(&mut out, "Daemon logs");
    log(session, &mut out);
    out.push_str("```\n");
    session.out.data(&out);
    session.out.message("Read it before you paste it into an issue: names and paths are in it.");
    Ok(())
}

fn daemon(session: &mut Session, out: &mut String) -> Result<(), Failed> {
    match session.ask(&Request::Hello)? {
        Answer::Reply(Reply::Hello { protocol, version, pid, keeper_pid }) => {
            line(out, "version", &version);
            line(out, "protocol", &protocol.to_string());
            line(out, "pid", &pid.to_string());
            line(out, "keeper", &keeper_pid.to_string());
            for (name, pid) in [("daemon runs", pid), ("keeper runs", keeper_pid)] {
                let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
                line(out, name, &program.display().to_string());
            }
            Ok(())
        }
        other => Err(unexpected(&other)),
    }
}

fn system(out: &mut String) {
    let first = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    };
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line(out, "system", name.unwrap_or("unknown").trim_matches('"'));
    line(out, "kernel", &first("/proc/sys/kernel/osrelease"));
    line(out, "arch", std::env::consts::ARCH);
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    line(out, "cpus", &cpus.to_string());
    for figure in ["MemTotal", "MemAvailable"] {
        let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let found = info.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        line(out, figure, found.unwrap_or_default().trim());
    }
    line(out, "load", &first("/proc/loadavg"));
    line(out, "uid", &rustix::process::geteuid().as_raw().to_string());
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files: Vec<&str> = files.unwrap_or_default().split_ascii_whitespace().take(2).collect();
    line(out, "open files", &files.join(" of "));
    line(out, "control group", &first("/proc/self/cgroup"));
    line(out, "process 1", &first("/proc/1/comm"));
}

/// The version of the Node that apps get.
fn node_version() -> String {
    let ran = std::process::Command::new("node").arg("--version").output();
    let text = ran.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "no node in PATH".to_owned())
}

/// The last lines of the daemon's log.
fn log(session: &Session, out: &mut String) {
    let path = session.home.log();
    match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            let _ = writeln!(out, "{} last {LINES} lines:", path.display());
            for line in lines.iter().skip(lines.len().saturating_sub(LINES)) {
                let _ = writeln!(out, "PM2        | {}", mask(line));
            }
        }
        Err(error) => _ = writeln!(out, "{}: {error}", path.display()),
    }
}

// Writing to a string cannot fail.
fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name:20} : {}", mask(value));
}

fn section(out: &mut String, title: &str) {
    let _ = writeln!(out, "{}", "=".repeat(WIDTH));
    heading(out, title);
}

fn heading(out: &mut String, title: &str) {
    let title = format!("--- {title} ");
    let _ = writeln!(out, "{title:-<WIDTH$}");
}
