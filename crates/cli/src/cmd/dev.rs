//! `pm2-dev`: apps in the foreground that are restarted when a file changes.
//!
//! It is `pm2-runtime` with other habits: every app is watched and restarted whatever it says of
//! itself, a line has the process before it, and it stays until it is told to end. Nothing of the
//! user's own manager is touched: it has a home of its own, as any foreground.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::apps::App;
use crate::args::{FlagId, Misuse, Parsed, parse_runtime};
use crate::failed::Failed;
use crate::output::Output;

/// A pause before each restart, ms, where an app has none of its own.
const PAUSE: u32 = 1000;

/// What is never watched.
const IGNORED: &str = "node_modules";

const RULE: &str =
    "===============================================================================";

/// What is asked for besides the options of `pm2-runtime`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dev {
    /// What is not watched.
    ignored: Vec<String>,
    /// A command that runs after each restart.
    pub(super) post: Option<String>,
    /// What that command prints is not shown.
    pub(super) silent: bool,
    /// It ends when no app runs any more.
    pub(super) auto_exit: bool,
}

/// Parses the words after `pm2-dev`.
///
/// # Errors
/// The first thing that is not understood.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<(Parsed, Dev), Misuse> {
    let (mut dev, mut others) = (Dev::default(), Vec::new());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            others.push(word);
            others.extend(words);
            break;
        }
        let (name, joined) =
            match word.to_str().map(|text| text.split_once('=').unwrap_or((text, ""))) {
                Some((name, value)) if word.len() != name.len() => (name, Some(value.to_owned())),
                Some((name, _)) => (name, None),
                None => ("", None),
            };
        let mut value = || match joined.clone() {
            Some(value) => Ok(value),
            None => {
                let missing = || Misuse::Value { option: name.to_owned(), unexpected: false };
                let next = words.next().ok_or_else(missing)?;
                next.into_string().map_err(|word| Misuse::NotText(word.display().to_string()))
            }
        };
        match name {
            "--ignore" => dev.ignored.extend(value()?.split(',').map(|of| of.trim().to_owned())),
            "--post-exec" => dev.post = Some(value()?),
            "--silent-exec" => dev.silent = true,
            "--auto-exit" => dev.auto_exit = true,
            // PM2's own tests give it.
            "--test-mode" => {}
            _ => others.push(word),
        }
    }
    dev.ignored.retain(|of| !of.is_empty());
    dev.ignored.push(IGNORED.to_owned());
    if others.is_empty() {
        others.push("--help".into());
    }
    let mut parsed = parse_runtime(others)?;
    if !parsed.has(FlagId::Raw) {
        parsed.given.push((FlagId::Formatted, None));
    }
    Ok((parsed, dev))
}

impl Dev {
    /// Returns an app as it is run while somebody works on it.
    ///
    /// # Errors
    /// Its record is not one.
    pub(super) fn watched(&self, app: App) -> Result<App, Failed> {
        let unreadable =
            |error: serde_json::Error| Failed::new(format!("the record is no JSON: {error}"));
        let mut record: Map<String, Value> =
            serde_json::from_str(app.record.get()).map_err(unreadable)?;
        let is_named = |watch: &Value| watch.as_array().is_some_and(|paths| !paths.is_empty());
        if !record.get("watch").is_some_and(is_named) {
            record.insert("watch".to_owned(), json!(true));
        }
        let mut ignored = match record.get("ignore_watch") {
            Some(Value::Array(list)) => list.clone(),
            Some(Value::String(words)) => words.split_whitespace().map(Value::from).collect(),
            Some(_) | None => Vec::new(),
        };
        ignored.extend(self.ignored.iter().map(|of| json!(of)));
        record.insert("ignore_watch".to_owned(), Value::Array(ignored));
        record.insert("autorestart".to_owned(), json!(true));
        record.entry("restart_delay").or_insert(json!(PAUSE));
        let text = Value::Object(record).to_string();
        Ok(App { record: RawValue::from_string(text).map_err(unreadable)?, ..app })
    }

    /// Says what is started.
    pub(super) fn head(&self, out: &mut Output, apps: &[App]) {
        let mut names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        names.dedup();
        let count: u32 = apps.iter().map(|app| app.instances.max(1)).sum();
        out.message(
            "--- PM2 development mode ------------------------------------------------------",
        );
        let mut row = |name: &str, value: &str| out.message(&format!("{name:21}: {value}"));
        row("Apps started", &ostler_text::shown(&names.join(",")));
        row("Processes started", &count.to_string());
        row("Watch and Restart", "Enabled");
        row("Ignored folder", &self.ignored.join(","));
        if let Some(command) = &self.post {
            row("Post restart cmd", command);
        }
        out.message(RULE);
    }

    /// Says that a process was restarted, and begins the command that is to follow.
    pub(super) fn restarted(&self, out: &mut Output, name: &str) {
        out.message(&format!("[rundev] App {} restarted", ostler_text::shown(name)));
        let Some(post) = &self.post else { return };
        // What was printed so far comes before what the command prints.
        _ = out.flush();
        let output = || if self.silent { Stdio::null() } else { Stdio::inherit() };
        let mut command = Command::new("sh");
        command.args(["-c", post]).stdin(Stdio::null()).stdout(output()).stderr(output());
        // The foreground collects it with all others.
        if let Err(error) = command.spawn() {
            out.warn_aside(&format!("`{post}` cannot be run: {error}"));
        }
    }

    /// Says that it ends.
    pub(super) fn ends(out: &mut Output) {
        out.message(">>>>> [PM2 DEV] Stopping current development session");
    }
}

/// Returns the help of the name `pm2-dev`.
pub(super) fn help() -> String {
    "\n  Usage: pm2-dev [options] [start] <app.js|json_file>\n\n  \
     restarts apps when a file changes; the options of pm2-runtime, and:\n\n    \
     --ignore <files>      files and folders that are not watched, with commas between\n    \
     --post-exec <cmd>     command that runs after each restart\n    \
     --silent-exec         what that command prints is not shown\n    \
     --auto-exit           end when no app runs any more\n    \
     --raw                 lines without the process before them\n    \
     --timestamp           lines with their date\n    \
     --env <name>          variables `env_<name>` of the process file\n    \
     --interpreter <bin>   what runs the script\n    \
     --node-args <args>    arguments of node\n\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> (Parsed, Dev) {
        parse(line.split(' ').map(OsString::from)).unwrap()
    }

    #[test]
    fn what_is_its_own_is_taken_off_and_the_rest_is_the_foregrounds() {
        let (parsed_line, dev) = parsed(
            "start app.js --ignore lib,tmp --post-exec=ls --silent-exec --env x -- --ignore y",
        );
        assert_eq!((parsed_line.word(), parsed_line.value(FlagId::Env)), ("app.js", Some("x")));
        assert_eq!(parsed_line.rest.as_deref(), Some(&["--ignore".to_owned(), "y".to_owned()][..]));
        let ignored = ["lib", "tmp", "node_modules"].map(str::to_owned).to_vec();
        let expected = Dev { ignored, post: Some("ls".to_owned()), silent: true, auto_exit: false };
        assert_eq!(dev, expected);
        assert!(
            parsed_line.has(FlagId::Formatted) && !parsed("a.js --raw").0.has(FlagId::Formatted)
        );
        assert!(matches!(
            parse(["a.js", "--post-exec"].map(OsString::from)),
            Err(Misuse::Value { .. })
        ));
    }

    #[test]
    fn an_app_is_watched_whatever_it_says_and_keeps_the_paths_that_it_names() {
        let of = |record: Value| {
            let app = App {
                name: "a".to_owned(),
                namespace: "default".to_owned(),
                script: "/a.js".to_owned(),
                line: None,
                cluster: false,
                instances: 1,
                starts: true,
                depends_on: Vec::new(),
                record: RawValue::from_string(record.to_string()).unwrap(),
            };
            let dev = parsed("a.js --ignore lib").1;
            serde_json::from_str::<Value>(dev.watched(app).unwrap().record.get()).unwrap()
        };
        assert_eq!(
            of(json!({"watch": false, "autorestart": false})),
            json!({"watch": true, "autorestart": true, "restart_delay": 1000,
                "ignore_watch": ["lib", "node_modules"]})
        );
        assert_eq!(
            of(json!({"watch": ["src"], "restart_delay": 5, "ignore_watch": "a b"})),
            json!({"watch": ["src"], "autorestart": true, "restart_delay": 5,
                "ignore_watch": ["a", "b", "lib", "node_modules"]})
        );
    }
}
