//! What PM2 and its programs know and ostler keeps for them, and what is for the command alone.

use super::access::Access;
use super::attribute::{Attribute, Type};
use super::row::{object, of, switch, text, truth};

pub(super) static ROWS: &[Attribute] = &[
    truth("vizion", Access::Kept)
        .usual("true")
        .flags(&[switch(&["no-vizion"], false).says("accepted for compatibility")])
        .example("false")
        .help("PM2 reads the version control data of the app"),
    truth("pmx", Access::Kept)
        .usual("true")
        .acts()
        .flags(&[switch(&["no-pmx"], false).says("no agent in the app")])
        .example("false")
        .help(
            "an agent is loaded into an app of Node: memory, event loop, requests, profiles, \
             errors",
        ),
    truth("automation", Access::Kept)
        .usual("true")
        .acts()
        .flags(&[switch(&["no-automation"], false).says("the agent offers no actions")])
        .example("false")
        .help("the agent offers actions: heap snapshots and profiles"),
    object("io", Access::Kept).acts().help("settings of PM2's agent, as JSON in the variable `io`"),
    agent("trace").help("PM2's agent traces transactions"),
    truth("disable_trace", Access::Kept).help("PM2's agent does not trace transactions"),
    agent("v8").help("PM2's agent measures V8"),
    agent("event_loop_inspector").help("PM2's agent looks at the event loop"),
    agent("deep_monitoring").help("PM2's agent measures all it can"),
    truth("windowsHide", Access::Kept).usual("true").example("false").help("no window on Windows"),
    of("post_update", &[Type::List], Access::Kept)
        .not_yet("`pull` runs no commands", "leave it out, and put them into your deploy script")
        .advice("write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks")
        .example("[\"npm ci\"]")
        .help("commands after PM2's `pull`"),
    text("name_prefix", Access::Kept).help("set by PM2 for its modules"),
    text("install_url", Access::Kept).help("set by PM2 for its modules"),
    truth("km_link", Access::Kept)
        .record_only()
        .usual("false")
        .help("whether PM2's service is linked"),
    truth("pmx_module", Access::Kept)
        .record_only()
        .in_environment()
        .help("whether it is a module of PM2"),
    object("module_conf", Access::Kept).record_only().help("settings of a module of PM2"),
    object("process_file", Access::Kept)
        .record_only()
        .unseen()
        .help("the process file that the app is from, and how it was read"),
    truth("force", Access::Command)
        .not_yet(
            "an app of a file that is there already is restarted",
            "start the script with `--force`",
        )
        .help("with `start`, an app that is there already is started once more"),
    truth("write", Access::Command)
        .not_yet("no file is written", "leave it out")
        .help("PM2 writes a process file of the app"),
];

/// Something that PM2's agent does inside an app.
const fn agent(name: &'static str) -> Attribute {
    truth(name, Access::Kept).not_yet("the agent in apps does no such thing", "leave it out")
}
