//! Makes one system call of a keeper or a daemon fail.
//!
//! Problem: whatever a system call can answer, keeper and daemon must survive; but on a healthy
//! machine most calls never fail. `strace -e inject` fails calls too, but it counts per process and
//! fails the same call of the apps and of the command as well. Rule: the n-th call of one role
//! fails, from the role's first instruction on, in whichever process and thread it is made;
//! everybody else is left alone.
//!
//! ```text
//! ostler-inject ROLE REPORT CALL NTH ERROR -- COMMAND…    COMMAND and all that it starts
//! ostler-inject ROLE REPORT CALL NTH ERROR PID…           processes that are there
//! ```
//! `CALL` may be `none`. The file `REPORT` gets a line `attached`, `exit CODE` for the command,
//! `fired CALL PID FILE ARGUMENT`, and, when standard input ends, `count CALL N` for each call of
//! the role; then the program ends and everybody goes on without it.
#![deny(unsafe_code)]

mod calls;
mod sys;
mod tracer;

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::calls::{Fault, Role};
use crate::tracer::{Report, Tracer};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the caller reads it")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let [role, report, call, nth, error, rest @ ..] = args else {
        bail!("expected ROLE REPORT CALL NTH ERROR and what to attach to");
    };
    let role = Role::of(role).with_context(|| format!("no role is called `{role}`"))?;
    let fault = match call.as_str() {
        "none" => None,
        _ => Some(Fault::of(call, nth, error)?),
    };
    let file = File::create(report).with_context(|| format!("creating `{report}`"))?;
    let report = Arc::new(Mutex::new(Report::new(file)));
    let mut tracer = Tracer::new(role, fault, Arc::clone(&report));
    match rest {
        [dashes, command @ ..] if dashes == "--" => tracer.launch(command)?,
        pids => {
            for pid in pids {
                tracer.attach(pid.parse().with_context(|| format!("`{pid}` is not a pid"))?)?;
            }
        }
    }
    report.lock().unwrap_or_else(PoisonError::into_inner).say("attached")?;
    std::thread::spawn(move || end_with_input(&report));
    tracer.run()
}

/// Ends this process when its standard input does. The kernel lets go of who was traced.
fn end_with_input(report: &Mutex<Report>) {
    // An input that cannot be read has ended too.
    let _ended = std::io::stdin().read_to_end(&mut Vec::new());
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    let code = i32::from(report.say_counts().is_err());
    std::process::exit(code);
}
