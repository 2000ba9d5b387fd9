//! The pages from `n` to `s`, in the order of the alphabet.

use super::kind::Code;

/// The codes from `n` to `same-name`, each with its page.
pub(super) const CODES: &[Code] = &[
    Code {
        name: "never-met",
        title: "a condition that a dependency can never meet",
        text: "An app without `health` is never `healthy`, and one that is started again \
               whenever it ends is never `completed`: whoever waits for that waits for ever.",
        example: Some((
            r#"[{ "name": "api", "script": "a.js", "depends_on": { "job": "completed" } },
    { "name": "job", "script": "api.js" }]"#,
            r#"[{ "name": "api", "script": "a.js", "depends_on": { "job": "completed" } },
    { "name": "job", "script": "api.js", "oneshot": true }]"#,
        )),
    },
    Code {
        name: "no-app",
        title: "something that is no app",
        text: "An app is an object with at least a `script`. With `--only`, each name must be \
               that of an app in the file.",
        example: Some((r#"["api.js"]"#, r#"[{ "script": "api.js" }]"#)),
    },
    Code {
        name: "no-apps",
        title: "a file without apps",
        text: "A process file is an object with the key `apps`, a list of apps, or one app. A \
               program must export it: `module.exports = { apps: […] }`.",
        example: Some((r#"{ "aps": [] }"#, r#"{ "apps": [{ "script": "api.js" }] }"#)),
    },
    Code {
        name: "no-base",
        title: "something to extend that is not there",
        text: "`extends` beside the apps names other process files, each seen from the folder of \
               the file that names it. `extends` of an app in a list names another app, of the \
               same file or of one that it extends. Without it nobody knows what the apps lack, \
               so none is started.",
        example: Some((
            r#"[{ "name": "api", "script": "api.js" }, { "name": "jobs", "extends": "apy" }]"#,
            r#"[{ "name": "api", "script": "api.js" }, { "name": "jobs", "extends": "api" }]"#,
        )),
    },
    Code {
        name: "no-cluster",
        title: "cluster mode for a program that is no Node",
        text: "Workers of a cluster share their port through Node's own module, which Bun and Deno \
               have as well. A program of another language does not know it: it is started in \
               fork mode, in which each instance needs a port of its own.",
        example: Some((
            r#"{ "script": "p.py", "instances": 2, "exec_mode": "cluster" }"#,
            r#"{ "script": "p.py", "instances": 2, "exec_mode": "fork" }"#,
        )),
    },
    Code {
        name: "no-effect",
        title: "a key that is kept, and does nothing yet",
        text: "The key is one of PM2's. It is shown in `jlist` and saved, but nothing acts on \
               it. The hint says what to use instead.",
        example: Some((r#"{ "script": "api.js", "trace": true }"#, r#"{ "script": "api.js" }"#)),
    },
    Code {
        name: "no-env-file",
        title: "a file of variables that is not there",
        text: "A file of `env_file` is looked for from the app's `cwd` on. That it is missing \
               is told and no more, since such files are often left out where the variables \
               come from elsewhere.",
        example: Some((
            r#"{ "script": "api.js", "env_file": ".env.none" }"#,
            r#"{ "script": "api.js" }"#,
        )),
    },
    Code {
        name: "no-environment",
        title: "an environment that the app does not have",
        text: "`--env NAME` adds the variables of `env_NAME`. This app has none of that name, \
               and is started with `env` alone, as in PM2.",
        example: None,
    },
    Code {
        name: "no-file",
        title: "a process file that is not there",
        text: "The path starts at the working directory of the command. Nothing is started, \
               and nothing that runs is touched.",
        example: None,
    },
    Code {
        name: "no-group",
        title: "a group that this machine does not have",
        text: "`gid` is a number or a name of `/etc/group`.",
        example: None,
    },
    Code {
        name: "no-idle-stop",
        title: "an app that cannot sleep until somebody comes",
        text: "With `idle_stop`, workers that nobody has a connection to end, and the next \
               connection starts them. For that their socket must be held while none of them \
               runs, and their connections counted: that is so for Node in cluster mode, with \
               connections handed out one by one. A health check that is itself a connection to \
               the port would keep the app awake.",
        example: Some((
            r#"{ "script": "api.js", "exec_mode": "fork", "idle_stop": "10m" }"#,
            r#"{ "script": "api.js", "exec_mode": "cluster", "idle_stop": "10m" }"#,
        )),
    },
    Code {
        name: "no-interpreter",
        title: "a program that should run the script and is not there",
        text: "The interpreter follows from the end of the script's name (`.py`: python), \
               from its first line, or from `interpreter`. It is looked for in the `PATH` of \
               the app. `none` runs the script itself.",
        example: Some((
            r#"{ "script": "api.js", "interpreter": "nodee" }"#,
            r#"{ "script": "api.js" }"#,
        )),
    },
    Code {
        name: "no-node",
        title: "a process file that is a program, and no Node to run it",
        text: "`*.config.js` and its relatives are programs: they are run by `node`, where there \
               is none by `bun` or `deno`. Of TypeScript (`*.config.ts`, `.mts`, `.cts`) the types \
               are stripped, which Node does from 22.6 on. YAML, TOML and JSON need none.",
        example: None,
    },
    Code {
        name: "no-path",
        title: "a path that is missing",
        text: "The option needs a path here.",
        example: None,
    },
    Code {
        name: "no-port",
        title: "a place for a port, and no port",
        text: "`{port}` and `{port+instance}` in arguments and variables stand for the `port` of \
               the app, and that plus the number of the instance.",
        example: Some((
            r#"{ "script": "api.js", "args": "--port {port+instance}" }"#,
            r#"{ "script": "api.js", "args": "--port {port+instance}", "port": 3000 }"#,
        )),
    },
    Code {
        name: "no-probe",
        title: "a health check that asks nothing",
        text: "`health` needs one of `http`, `tcp`, `grpc` or `exec`: what is asked whether the \
               app is well. `ready` needs one of `port`, `http`, `log`, `exec` and `message`: what \
               makes it count as up.",
        example: Some((
            r#"{ "script": "api.js", "health": { "interval": 1000 } }"#,
            r#"{ "script": "api.js", "health": { "tcp": "127.0.0.1:3000" } }"#,
        )),
    },
    Code {
        name: "no-profile",
        title: "a profile that no app has, or none where each app needs one",
        text: "An app with `profiles` is left out unless `--profile` names one of them, or \
               `--only` the app. Each name after `--profile` must be one that an app of the file \
               has; `*` means all of them. A file whose apps all have `profiles` starts nothing \
               without.",
        example: Some((
            r#"{ "script": "api.js", "profiles": ["debug"] }"#,
            r#"[{ "script": "api.js" }, { "script": "a.js", "profiles": ["debug"] }]"#,
        )),
    },
    Code {
        name: "no-program-behind",
        title: "a package's command that cannot be multiplied",
        text: "`npm start` and its like run a shell that runs a program. Several of them \
               would be several shells, of which one gets the port. So the program behind \
               them is started; here it could not be found out. Name it as `script`.",
        example: None,
    },
    Code {
        name: "no-result",
        title: "a process file that exports nothing that can be read",
        text: "The program ended, or was ended, before it had exported anything, or what it \
               exports is not plain data. It must end by itself, without `process.exit`.",
        example: None,
    },
    Code {
        name: "no-script",
        title: "an app without a script, or whose script is not there",
        text: "`script` is a path from `cwd` on, else a program in `PATH`, else a line with \
               blanks for the shell.",
        example: Some((r#"{ "script": "apii.js" }"#, r#"{ "script": "api.js" }"#)),
    },
    Code {
        name: "no-signal",
        title: "a signal that does not exist",
        text: "Signals are given by name, with or without `SIG`, or by number: `SIGTERM`, \
               `INT`, `15`.",
        example: Some((
            r#"{ "script": "api.js", "kill_signal": "SIGNOPE" }"#,
            r#"{ "script": "api.js", "kill_signal": "SIGTERM" }"#,
        )),
    },
    Code {
        name: "no-target",
        title: "a target that `deploy` does not have",
        text: "The targets are the keys of `deploy` in the process file.",
        example: None,
    },
    Code {
        name: "no-user",
        title: "a user that this machine does not have",
        text: "`uid` is a number or a name of `/etc/passwd`. A number without a name needs a \
               `gid` as well.",
        example: None,
    },
    Code {
        name: "no-variables",
        title: "an `env_…` that holds no variables",
        text: "`env_NAME` is an object of variables for `--env NAME`. PM2 takes anything, and \
               says nothing.",
        example: Some((
            r#"{ "script": "api.js", "env_prod": 3 }"#,
            r#"{ "script": "api.js", "env_prod": { "PORT": 3000 } }"#,
        )),
    },
    Code {
        name: "no-watched-path",
        title: "a path to watch that is not there",
        text: "`watch` names a file or a folder that does not exist, from `cwd` on, so nothing is \
               watched there. In YAML 1.2 `yes` and `no` are texts, and here that is a path: write \
               `true` or `false`. Patterns such as `src/*.js` may match nothing yet.",
        example: Some((
            r#"{ "script": "a.js", "watch": "./nopath" }"#,
            r#"{ "script": "api.js", "watch": "lib/*.js" }"#,
        )),
    },
    Code {
        name: "not-executable",
        title: "a script that nothing can run",
        text: "With `interpreter: none`, or for a program, the file itself is executed: it \
               must be executable (`chmod +x`).",
        example: Some((
            r#"{ "script": "api.js", "interpreter": "none" }"#,
            r#"{ "script": "api.js" }"#,
        )),
    },
    Code {
        name: "not-root",
        title: "a key that only root may use",
        text: "Only root can start a process as somebody else. The daemon of an ordinary user \
               starts processes of that user.",
        example: Some((r#"{ "script": "api.js", "uid": "www" }"#, r#"{ "script": "api.js" }"#)),
    },
    Code {
        name: "one-port",
        title: "one port for several processes that cannot share it",
        text: "With `port: \"auto\"`, or a range, an app gets one port. Workers of a cluster share \
               it; processes in fork mode would each want it for themselves.",
        example: Some((
            r#"{ "script": "api.js", "port": "auto", "instances": 2, "exec_mode": "fork" }"#,
            r#"{ "script": "api.js", "port": "auto" }"#,
        )),
    },
    Code {
        name: "program-behind",
        title: "another program is started than was written",
        text: "Of `npm start` and its like the program behind is started, without npm and a \
               shell in between: signals, exit codes and memory are its own, and workers can \
               share a port.",
        example: None,
    },
    Code {
        name: "runtime",
        title: "a way to share connections that this runtime cannot do",
        text: "`balance` needs the workers' runtime to take connections that it is handed. \
               The hint says which ways it can do.",
        example: None,
    },
    Code {
        name: "same-name",
        title: "two apps of one name",
        text: "Two apps of a file have the same name in the same namespace. To every command they \
               are one app: `restart`, `reload` and `logs` mean both, and what the file says of \
               the second is taken for the first when it is brought in again.",
        example: Some((
            r#"[{ "name": "api", "script": "a.js" }, { "name": "api", "script": "api.js" }]"#,
            r#"[{ "name": "api", "script": "a.js" }, { "name": "jobs", "script": "api.js" }]"#,
        )),
    },
];
