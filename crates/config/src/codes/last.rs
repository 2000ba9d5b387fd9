//! The pages at the end of the alphabet, in its order.

use super::kind::Code;

/// The codes from `syntax` on, each with its page.
pub(super) const CODES: &[Code] = &[
    Code {
        name: "syntax",
        title: "a text that is not of its format",
        text: "The end of the file's name decides how it is read: `.json` and `.json5`, \
               `.yaml` and `.yml`, `.toml`. The place is where it could not be read on; the \
               mistake may stand before it, such as a missing comma or quote.",
        example: Some((
            r#"{ "script": "api.js" "name": "api" }"#,
            r#"{ "script": "api.js", "name": "api" }"#,
        )),
    },
    Code {
        name: "threw",
        title: "a process file that ended with an exception",
        text: "The file is a program, and threw when it was run. What it threw is told with \
               the line of the file, not of Node.",
        example: None,
    },
    Code {
        name: "timeout",
        title: "a process file that does not come to an end",
        text: "A process file that is a program has a few seconds. What waits for a network \
               or a terminal does not belong into it.",
        example: None,
    },
    Code {
        name: "too-large",
        title: "a number that is too large",
        text: "The number is above the largest that means anything for this key.",
        example: Some((
            r#"{ "script": "api.js", "nice": 20 }"#,
            r#"{ "script": "api.js", "nice": 19 }"#,
        )),
    },
    Code {
        name: "too-many",
        title: "more processes than one app may have",
        text: "`instances` above that is a slip of the finger on any machine.",
        example: Some((
            r#"{ "script": "api.js", "instances": 1000000 }"#,
            r#"{ "script": "api.js", "instances": 4 }"#,
        )),
    },
    Code {
        name: "too-small",
        title: "a number below the least that makes sense",
        text: "The complaint says the least number.",
        example: Some((
            r#"{ "script": "api.js", "max_restarts": -1 }"#,
            r#"{ "script": "api.js", "max_restarts": 1 }"#,
        )),
    },
    Code {
        name: "two-ports",
        title: "a `port`, and a variable `PORT` that says another",
        text: "`port` is the value of the variable `PORT`, and counts where `env` or a file of \
               variables has one, too: as in PM2, when it starts an app. It does not count over \
               a variable that is made for each instance, such as `PORT: \"{port+instance}\"`, \
               nor over one of `env_<name>` when that is chosen.",
        example: Some((
            r#"{ "script": "api.js", "port": 3000, "env": { "PORT": 4000 } }"#,
            r#"{ "script": "api.js", "port": 3000, "env": { "PORT": "{port+instance}" } }"#,
        )),
    },
    Code {
        name: "two-probes",
        title: "a health check that asks in two ways",
        text: "`health` asks in one way: `http`, `tcp`, `grpc` or `exec`. Whoever wants both asks \
               by `exec`. The same holds for `ready`, of which `wait_ready` is a form.",
        example: Some((
            r#"{ "script": "api.js", "health": { "tcp": 3000, "exec": "true" } }"#,
            r#"{ "script": "api.js", "health": { "exec": "true" } }"#,
        )),
    },
    Code {
        name: "two-scripts",
        title: "a `script` and a `module`",
        text: "An app runs a script or a module of Python, which is named in place of it: \
               `python -m celery` is `module: celery`.",
        example: Some((
            r#"{ "script": "api.js", "module": "celery" }"#,
            r#"{ "script": "api.js" }"#,
        )),
    },
    Code {
        name: "unknown-dependency",
        title: "a dependency that is not there",
        text: "`depends_on` has names of apps: of the same file, or of the list. An app of that \
               name is in neither, or `--only` leaves it out. `validate` looks at the file alone, \
               and warns.",
        example: Some((
            r#"{ "name": "api", "script": "a.js", "depends_on": ["database"] }"#,
            r#"[{ "name": "api", "script": "a.js", "depends_on": ["db"] },
    { "name": "db", "script": "api.js" }]"#,
        )),
    },
    Code {
        name: "unknown-key",
        title: "a key that nobody knows",
        text: "It is ignored, as in PM2, where a typing error goes unnoticed. The keys are in \
               docs/configuration.md; each may also be written as `killTimeout`.",
        example: Some((
            r#"{ "script": "api.js", "kil_timeout": 500 }"#,
            r#"{ "script": "api.js", "kill_timeout": 500 }"#,
        )),
    },
    Code {
        name: "unreadable",
        title: "a file that cannot be read",
        text: "The system refuses it, or it is no text in UTF-8.",
        example: None,
    },
    Code {
        name: "unset-variable",
        title: "a variable that has no value",
        text: "A file of `env_file` uses `${NAME}`, which is set neither in it nor before it. \
               It is empty. `${NAME:-default}` has a default.",
        example: None,
    },
    Code {
        name: "unsupported",
        title: "a key of a process file that is not supported",
        text: "The hint says how the same is written.",
        example: Some((r#"{ "static": [{ "path": "." }] }"#, r#"{ "script": "serve" }"#)),
    },
    Code {
        name: "wrong-form",
        title: "a value of the right type that says nothing",
        text: "Sizes are bytes, or `300M`, `2G`, `500K`; times are milliseconds, and \
               `min_uptime` may also be `5s`, `10m` or `1h`; some keys have a list of words. \
               The hint says which.",
        example: Some((
            r#"{ "script": "api.js", "max_memory_restart": "1GB" }"#,
            r#"{ "script": "api.js", "max_memory_restart": "1G" }"#,
        )),
    },
    Code {
        name: "wrong-type",
        title: "a value of the wrong type",
        text: "Truth values are `true` and `false` without quotes; PM2 refuses `\"false\"`, \
               too, which would be true to a program. Numbers may be texts. A list of words \
               may be one text, split on blanks.",
        example: Some((
            r#"{ "script": "api.js", "autorestart": "false" }"#,
            r#"{ "script": "api.js", "autorestart": false }"#,
        )),
    },
];
