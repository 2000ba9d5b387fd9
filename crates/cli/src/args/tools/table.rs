//! The tools: each a row.

use super::super::commands::CommandId;
use super::tool::{Apps, Effect, Gives, Kind, Parameter, Tool, needed, option, or, own};

/// How long a change waits until the app is ready.
const WAIT: Parameter = or("30s", option("wait", Kind::Text));

const FIELDS: &str = "--json=id,name,namespace,status,mode,ports,pid,restarts,cpu,memory,uptime,\
                      end,version,script";
const CHANGED: &str = "--json=id,name,namespace,status,ports,pid,end";
const DESCRIBED: &str = "--json=id,name,namespace,status,why,mode,ports,pid,restarts,cpu,memory,\
                         uptime,since,end,ended_at,version,script,args,cwd,interpreter,\
                         interpreter_args,node_version,health,logs,listeners";

/// Every tool, in the order in which an agent sees them.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "list",
        command: CommandId::List,
        effect: Effect::Read,
        apps: Apps::Any,
        always: &[FIELDS],
        parameters: &[],
        does: "",
        note: "They are an object for each process; `end` is how its last run that is over ended.",
    },
    Tool {
        name: "describe",
        command: CommandId::Describe,
        effect: Effect::Read,
        apps: Apps::Needed,
        always: &[DESCRIBED],
        parameters: &[],
        does: "",
        note: "`why` says in a sentence why it is so. Variables of the app are left out.",
    },
    Tool {
        name: "ports",
        command: CommandId::List,
        effect: Effect::Read,
        apps: Apps::Any,
        always: &["--json=id,name,namespace,status,ports"],
        parameters: &[],
        does: "show on which addresses and ports apps listen",
        note: "",
    },
    Tool {
        name: "logs",
        command: CommandId::Logs,
        effect: Effect::Read,
        apps: Apps::Logs,
        always: &["--nostream", "--json=message,timestamp,type,app_name,process_id"],
        parameters: &[
            or("100", option("lines", Kind::Number)),
            option("grep", Kind::Text),
            option("exclude", Kind::Text),
            option("level", Kind::Text),
            option("since", Kind::Text),
            option("until", Kind::Text),
            option("err", Kind::Truth),
            option("cursor", Kind::Text),
        ],
        does: "show the last lines of logs, or look for lines",
        note: "It answers with what is there, and with a `cursor`, which gives the lines that were \
               written since when it is given back. `lines` are so many of each file.",
    },
    Tool {
        name: "wait",
        command: CommandId::Wait,
        effect: Effect::Read,
        apps: Apps::Needed,
        always: &[CHANGED],
        parameters: &[option("for", Kind::Text), or("60s", option("timeout", Kind::Text))],
        does: "",
        note: "Ends with an error when what is waited for cannot come any more. With \
               `log=REGEXP` it answers with the `line`.",
    },
    Tool {
        name: "start",
        command: CommandId::Start,
        effect: Effect::Write,
        apps: Apps::None,
        always: &[CHANGED],
        parameters: &[
            needed(own(
                "script",
                Gives::Script,
                Kind::Text,
                "a script, a process file, a program in `PATH`, a command line, or the name of a \
                 stopped app",
            )),
            option("name", Kind::Text),
            option("instances", Kind::Text),
            option("interpreter", Kind::Text),
            own("args", Gives::Rest, Kind::Texts, "arguments of the app"),
            own(
                "env",
                Gives::Environment,
                Kind::Variables,
                "variables of the app, such as `PORT`, besides those that this server has",
            ),
            own("cwd", Gives::Folder, Kind::Text, "where it runs; default the project's folder"),
            option("watch", Kind::Truth),
            WAIT,
        ],
        does: "",
        note: "Returns when it is ready, or says why it is not, with its last lines. What runs \
               already from the same script and folder is not started twice.",
    },
    Tool {
        name: "restart",
        command: CommandId::Restart,
        effect: Effect::Write,
        apps: Apps::Needed,
        always: &[CHANGED],
        parameters: &[WAIT],
        does: "",
        note: "Connections end. Returns when they are ready, or says why they are not.",
    },
    Tool {
        name: "reload",
        command: CommandId::Reload,
        effect: Effect::Write,
        apps: Apps::Needed,
        always: &[CHANGED],
        parameters: &[WAIT],
        does: "",
        note: "A new worker takes over when it has passed its checks, else the old ones stay. An \
               app in fork mode is restarted.",
    },
    Tool {
        name: "scale",
        command: CommandId::Scale,
        effect: Effect::Write,
        apps: Apps::Whole,
        always: &[CHANGED],
        parameters: &[needed(own(
            "number",
            Gives::Argument,
            Kind::Text,
            "how many processes, such as `4`; or `+2`",
        ))],
        does: "",
        note: "One that leaves finishes its requests.",
    },
    Tool {
        name: "stop",
        command: CommandId::Stop,
        effect: Effect::Destructive,
        apps: Apps::Needed,
        always: &[CHANGED],
        parameters: &[],
        does: "",
        note: "",
    },
    Tool {
        name: "delete",
        command: CommandId::Delete,
        effect: Effect::Destructive,
        apps: Apps::Needed,
        always: &["--json=id,name,namespace"],
        parameters: &[],
        does: "",
        note: "",
    },
];
