//! What `--version` prints.

use std::env::consts::{ARCH, OS};
use std::fmt::Write as _;

use ostler_client::Home;

use crate::program::{PM2_VERSION, Program};

/// The C library that the program is built for.
const LIBC: &str = if cfg!(target_env = "musl") { "musl" } else { "gnu" };

/// Whether it needs a C library on the machine.
const LINKED: &str = if cfg!(target_feature = "crt-static") { "static" } else { "dynamic" };

/// How the program was built.
const BUILD: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// Returns the version, alone or with what a report of a fault needs.
pub(super) fn text(program: Program, verbose: bool, home: Option<&Home>) -> String {
    let mut out = match program {
        Program::Ostler => format!("ostler {}\n", env!("CARGO_PKG_VERSION")),
        // Scripts compare it.
        Program::Pm2 => format!("{PM2_VERSION}\n"),
    };
    if verbose {
        let home = home.map_or("none".to_owned(), |home| home.path().display().to_string());
        let commit = ostler_env::COMMIT.unwrap_or("not told");
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "build:  {BUILD}, {LINKED}\ncommit: {commit}\ntarget: {ARCH}-{OS}-{LIBC}\n\
             pm2:    {PM2_VERSION}\nhome:   {home}"
        );
    }
    out
}
