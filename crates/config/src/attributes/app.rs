//! What is run, and how many of it.

use super::access::{Access, field};
use super::attribute::{Applies, Attribute, Rule, Type};
use super::forms::{Program, Version};
use super::row::{of, path, switch, text, truth, value, words};

pub(super) static ROWS: &[Attribute] = &[
    text("name", field!(name))
        .rule(Rule::NotEmpty)
        .resolved()
        .always_recorded()
        .applies(Applies::AtOnce)
        .flags(&[value(&["name"], "name").short('n')])
        .usually("the script's file name without its last extension")
        .example("\"api\"")
        .help("name of the app"),
    text("namespace", field!(namespace))
        .rule(Rule::NotEmpty)
        .always_recorded()
        .in_environment()
        .applies(Applies::AtOnce)
        .flags(&[value(&["namespace"], "name")])
        .over_file()
        .example("\"shop\"")
        .help("namespace of the app"),
    words("args", field!(args))
        .rule(Rule::PlainItems)
        .always_recorded()
        .over_file()
        .help("arguments of the script"),
    words("node_args", field!(interpreter_args))
        .aliases(&["interpreter_args", "interpreterArgs"])
        .rule(Rule::PlainItems)
        .always_recorded()
        .flags(&[value(&["node-args", "interpreter-args"], "args")])
        .example("[\"--enable-source-maps\"]")
        .help("arguments of the interpreter, split on blanks"),
    path("script", field!(script))
        .aliases(&["exec", "cmd", "command"])
        .rule(Rule::NotEmpty)
        .recorded_as("pm_exec_path")
        .always_recorded()
        .in_environment()
        .usually("must be given")
        .advice("write the path of the script, or a command")
        .example("\"app.js\"")
        .help("path of the script, a program in `PATH`, or a line for the shell"),
    text("module", Access::Command)
        .rule(Rule::NotEmpty)
        .resolved()
        .flags(&[value(&["module"], "module").short('m')])
        .advice("write its name as in `import`, such as `\"celery\"`")
        .example("\"celery\"")
        .help("module of Python that is run in place of a script, by the Python of the folder"),
    path("cwd", field!(cwd))
        .rule(Rule::NotEmpty)
        .recorded_as("pm_cwd")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["cwd"], "path")])
        .over_file()
        .usually("the directory that the command was given in")
        .help("directory the app runs in; the script is looked for from here"),
    text("interpreter", field!(interpreter as Program))
        .rule(Rule::NotEmpty)
        .aliases(&["exec_interpreter"])
        .resolved()
        .recorded_as("exec_interpreter")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["interpreter"], "program")])
        .usually("by the script's extension or first bytes")
        .example("\"python3\"")
        .help(
            "program that runs the script; `none` executes it directly, `auto` takes the Python of \
             the app's folder (`.venv`, `uv`, `poetry`)",
        ),
    text("exec_mode", field!(exec_mode))
        .rule(Rule::Words(&["fork", "cluster", "fork_mode", "cluster_mode"]))
        .resolved()
        .always_recorded()
        .in_environment()
        .applies(Applies::Added)
        .usually("`cluster` when `instances` is given and Node or Bun runs the script, else `fork`")
        .advice("write `\"fork\"` or `\"cluster\"`")
        .example("\"cluster\"")
        .help("one process that binds its own ports, or workers that share them"),
    truth("execute_command", Access::Command)
        .resolved()
        .applies(Applies::Added)
        .flags(&[switch(&["execute-command"], true).short('x')])
        .help("fork mode in any case"),
    of("instances", &[Type::Number, Type::Text], field!(instances))
        .rule(Rule::Count)
        .resolved()
        .always_recorded()
        .in_environment()
        .applies(Applies::Added)
        .flags(&[value(&["instances"], "n").short('i')])
        .advice("write a number, or `\"max\"` for one per CPU")
        .example("4")
        .help("how many processes: a number, `max`, or `-1` for one less than CPUs"),
    words("profiles", Access::Command)
        .resolved()
        .rule(Rule::PlainItems)
        .advice("write a list of names, such as `[\"debug\"]`, or one text split on blanks")
        .example("[\"debug\"]")
        .help("the app is left out where none of these is named with `--profile`"),
    path("pid_file", field!(pid_file))
        .rule(Rule::NotEmpty)
        .aliases(&["pid"])
        .recorded_as("pm_pid_path")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["pid"], "path").short('p')])
        .usually("`pids/<name>.pid` in ostler's home")
        .help("pid file; the number of the process is put before its extension"),
    text("version", field!(version as Version))
        .record_only()
        .usually("that of the nearest `package.json`")
        .example("\"1.2.3\"")
        .help("version of the app"),
];
