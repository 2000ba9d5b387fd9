//! Commands at moments of an app's life, and what it is given in secret.

use super::access::field;
use super::attribute::{Attribute, Flag, Gives};
use super::row::{object, value};
use crate::hooks;

pub(super) static ROWS: &[Attribute] = &[
    object("hooks", field!(hooks))
        .inside(hooks::HOOKS)
        .flags(FLAGS)
        .advice("write commands by moment, such as `{ \"pre_start\": \"npm run migrate\" }`")
        .example("{ \"pre_start\": \"npm run migrate\", \"timeout\": 60000 }")
        .help(
            "shell commands before and after each start and stop of a process, and each reload of \
             a cluster",
        ),
    object("secrets", field!(secrets))
        .inside(hooks::SECRETS)
        .advice(
            "write where each comes from: `{ \"TOKEN\": { \"file\": \"/run/secrets/token\" } }`",
        )
        .example("{ \"TOKEN\": { \"file\": \"/run/secrets/token\" } }")
        .help(
            "variables whose values are read from files or commands at each start, and are shown \
             and saved nowhere",
        ),
];

const FLAGS: &[Flag] = &[
    command(&["pre-start"], "pre_start", "run this command before each start of a process"),
    command(&["post-start"], "post_start", "run this command when a process is online"),
    command(&["pre-stop"], "pre_stop", "run this command before a process is asked to end"),
    command(&["post-stop"], "post_stop", "run this command when a process has ended"),
    command(&["pre-reload"], "pre_reload", "run this command before a reload of a cluster"),
    command(&["post-reload"], "post_reload", "run this command after a reload of a cluster"),
    value(&["hook-timeout"], "ms")
        .gives(Gives::Part("timeout"))
        .says("time that each of these commands may take"),
];

const fn command(long: &'static [&'static str], key: &'static str, help: &'static str) -> Flag {
    value(long, "command").gives(Gives::Part(key)).says(help)
}
