//! The ostler command, which is also the daemon and the keeper.
//!
//! One program has six roles. All but the command are chosen by a hidden first argument, before
//! anything else is looked at, because what these processes must not do (parse arguments, read
//! configuration, print) is as important as what they do.

mod apps;
mod args;
mod boot;
mod caller;
mod cmd;
mod companion;
mod complete;
mod deploy;
mod failed;
mod generate;
mod heard;
mod holder;
mod inspect;
mod machine;
mod modules;
mod of_file;
mod output;
mod paint;
mod plan;
mod process_file;
mod program;
mod reader;
mod role;
mod select;
mod served;
mod session;
mod settings_file;
mod show;
mod sys;
mod view;
mod voice;
mod wait;

use std::process::ExitCode;

fn main() -> ExitCode {
    match role::of(std::env::args_os().nth(1).as_deref()) {
        role::Role::Keeper => role::keeper(),
        role::Role::Daemon => role::daemon(),
        role::Role::Serve => role::serve(),
        role::Role::Generate => generate::main(),
        role::Role::Complete => complete::main(),
        role::Role::Command => cmd::main(),
    }
}
