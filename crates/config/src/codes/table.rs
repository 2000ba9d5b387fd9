//! The pages of the first half of the alphabet, in its order.

use super::kind::Code;

/// The codes before `n`, each with its page.
pub(super) const CODES: &[Code] = &[
    Code {
        name: "bad-cron",
        title: "a pattern of cron that says no time",
        text: "`cron_restart` has five fields (minute, hour, day of the month, month, day of \
               the week), or six with the seconds first. The complaint names the field. Names \
               (`MON`, `JAN`), lists, ranges, steps, `L`, `W`, `#` and `@daily` may be used.",
        example: Some((
            r#"{ "script": "a.js", "cron_restart": "0 25 * * *" }"#,
            r#"{ "script": "api.js", "cron_restart": "0 3 * * *" }"#,
        )),
    },
    Code {
        name: "bad-env-file",
        title: "a file of variables that cannot be read",
        text: "A file of `env_file` is there and cannot be read, or is no text of lines \
               `NAME=value`. An app that starts without the variables it was given would do \
               something else than was meant, so it is not started.",
        example: None,
    },
    Code {
        name: "bad-name",
        title: "a name that means something else to commands",
        text: "`ostler delete all` deletes every app, `-` is a process file on standard input, and \
               `/api/` every app whose name matches. An app of such a name could not be meant \
               alone. Files are called by a name, too, so that it has 200 bytes at most.",
        example: Some((
            r#"{ "name": "all", "script": "api.js" }"#,
            r#"{ "name": "api", "script": "api.js" }"#,
        )),
    },
    Code {
        name: "bad-record",
        title: "a saved app that cannot be understood",
        text: "The list that was saved, or a program that uses PM2's package, describes an \
               app with a value that none can have. The app is left out; the rest is used.",
        example: None,
    },
    Code {
        name: "dependency-cycle",
        title: "apps that wait for each other",
        text: "An app begins when what it `depends_on` has come to what is asked of it. Apps that \
               depend on each other in a cycle would wait for ever, so none of the file is \
               started.",
        example: Some((
            r#"[{ "name": "api", "script": "a.js", "depends_on": ["db"] },
    { "name": "db", "script": "api.js", "depends_on": ["api"] }]"#,
            r#"[{ "name": "api", "script": "a.js", "depends_on": ["db"] },
    { "name": "db", "script": "api.js" }]"#,
        )),
    },
    Code {
        name: "doubled-key",
        title: "two keys that mean the same",
        text: "Many keys have aliases: `exec` is `script`, `cron` is `cron_restart`. Where \
               both are given, the last one counts, as in PM2; the other one is useless.",
        example: Some((r#"{ "script": "a.js", "exec": "api.js" }"#, r#"{ "script": "api.js" }"#)),
    },
    Code {
        name: "empty",
        title: "a text that must not be empty",
        text: "Without a name, a namespace or a script nobody knows what is meant. Leave the \
               key out where the usual value will do.",
        example: None,
    },
    Code {
        name: "env-without-file",
        title: "`--env` where there is no process file",
        text: "`--env production` chooses `env_production` of a process file. A script that \
               is started by itself has no such variables: put them before the command.",
        example: None,
    },
    Code {
        name: "extends-cycle",
        title: "files or apps that extend each other",
        text: "What a file or an app `extends` is read before it, so none can come back to itself. \
               At most 100 files are read for one.",
        example: Some((
            r#"[{ "name": "api", "script": "api.js", "extends": "jobs" },
    { "name": "jobs", "extends": "api" }]"#,
            r#"[{ "name": "api", "script": "api.js" },
    { "name": "jobs", "extends": "api" }]"#,
        )),
    },
    Code {
        name: "ignored-by-serve",
        title: "a key that means nothing to a server of files",
        text: "An app with the script `serve` is ostler's own server, one process of which \
               serves thousands of connections. It has no interpreter, and is not multiplied.",
        example: Some((r#"{ "script": "serve", "instances": 4 }"#, r#"{ "script": "serve" }"#)),
    },
    Code {
        name: "ignored-option",
        title: "an option that changes nothing of what the file says",
        text: "Options of the command line do not go over what a process file says of its \
               apps, as in PM2, except for a few. What has no effect is refused: write it \
               into the file.",
        example: None,
    },
    Code {
        name: "is-directory",
        title: "a script that is a directory",
        text: "A directory can be started where its `package.json` says what to run, in \
               `main`. This one says nothing, and has no `index.js`.",
        example: Some((r#"{ "script": "folder" }"#, r#"{ "script": "api.js" }"#)),
    },
    Code {
        name: "missing",
        title: "a key that a target of `deploy` needs",
        text: "A target of `deploy` needs `host`, `repo`, `path` and `ref`.",
        example: None,
    },
];
