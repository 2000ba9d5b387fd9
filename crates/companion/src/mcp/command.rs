//! Runs commands of `ostler`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::process::Command;

use super::line::Line;
use super::scope::Known;
use super::tools::Tool;
use crate::failed::Failed;
use crate::web::mask::mask;

/// The longest answer that an agent is given, bytes.
const LONGEST: usize = 1 << 20;

/// The program whose commands are run.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// Where the project is.
    pub(super) folder: PathBuf,
}

/// What a command answered.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// It did what was asked for.
    pub(super) is_done: bool,
    /// The objects that it printed.
    pub(super) objects: Vec<Value>,
    /// The line of a log that it printed instead.
    pub(super) line: Option<String>,
    /// What it said.
    pub(super) said: String,
}

impl Program {
    /// The program at this path, for a project.
    pub(super) fn new(path: PathBuf, folder: PathBuf) -> Self {
        Self { path, folder }
    }

    /// Returns its tools.
    pub(super) async fn tools(&self) -> Result<String, Failed> {
        let output = self.output(&mut self.command(&["generate", "tools"])).await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let path = self.path.display();
            return Err(Failed::new(format!("cannot ask `{path}` for its tools: {why}")));
        }
        Ok(text)
    }

    /// Returns every process that there is, but those of modules.
    pub(super) async fn list(&self) -> Result<Vec<Known>, Failed> {
        let described =
            self.asked(&["describe", "all", "--json=id,name,namespace,cwd,script,status"]).await;
        let known = |value| {
            serde_json::from_value::<Known>(value)
                .map_err(|error| Failed::new(format!("cannot read the list: {error}")))
        };
        match described {
            Ok(all) => all.into_iter().map(known).collect(),
            // There is no app, or there are modules alone.
            Err(_) if self.asked(&["list", "--json=id"]).await?.is_empty() => Ok(Vec::new()),
            Err(failed) => Err(failed),
        }
    }

    /// Returns what there is of these processes, with the options that a tool always gives.
    pub(super) async fn shown(&self, tool: &Tool, ids: &[u32]) -> Result<Answer, Failed> {
        let mut unsaid = vec!["--no-color".to_owned()];
        unsaid.extend(tool.always.iter().cloned());
        let mut words = vec!["list".to_owned()];
        words.extend(unsaid.iter().cloned());
        words.extend(ids.iter().map(u32::to_string));
        let folder = self.folder.clone();
        let variables = BTreeMap::new();
        self.run(&Line { words, variables, folder, unsaid, prints_line: false }).await
    }

    async fn asked(&self, words: &[&str]) -> Result<Vec<Value>, Failed> {
        let output = self.output(&mut self.command(words)).await?;
        let answer = Answer::of(&output, false)?;
        if answer.is_done { Ok(answer.objects) } else { Err(Failed::said(&answer.said)) }
    }

    /// Runs a line. It is ended when nobody waits for it any more; what the daemon has begun for
    /// it goes on.
    pub(super) async fn run(&self, line: &Line) -> Result<Answer, Failed> {
        let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        let mut command = self.command(&words);
        command.envs(&line.variables).current_dir(&line.folder);
        let output = self.output(&mut command).await?;
        let mut answer = Answer::of(&output, line.prints_line)?;
        answer.said = without(&answer.said, &line.unsaid);
        // What apps write is theirs; what they were given may be a secret.
        if line.words.first().is_some_and(|word| word != "logs") {
            answer.objects.iter_mut().for_each(mask);
        }
        Ok(answer)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(words).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn output(&self, command: &mut Command) -> Result<Output, Failed> {
        let output = command.output().await;
        output.map_err(|error| {
            Failed::new(format!("cannot execute `{}`: {error}", self.path.display()))
        })
    }
}

impl Answer {
    fn of(output: &Output, prints_line: bool) -> Result<Self, Failed> {
        if LONGEST < output.stdout.len() {
            let length = output.stdout.len();
            return Err(Failed::new(format!("the answer has {length} bytes, more than 1 MiB"))
                .hint("ask for fewer `lines`, or look by `grep`"));
        }
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        let is_done = output.status.success();
        if prints_line {
            let text = String::from_utf8_lossy(&output.stdout);
            let line = is_done.then(|| text.trim_end_matches('\n').to_owned());
            return Ok(Self { is_done, objects: Vec::new(), line, said });
        }
        Ok(Self { is_done, objects: objects(&output.stdout)?, line: None, said })
    }
}

/// The objects in what was printed: one array, or an object a line.
fn objects(text: &[u8]) -> Result<Vec<Value>, Failed> {
    let mut all = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(values)) => all.extend(values),
            Ok(value) => all.push(value),
            Err(error) => {
                return Err(Failed::new(format!("the command printed no JSON: {error}")));
            }
        }
    }
    Ok(all)
}

/// What was said, without options in the hints that nobody wrote.
fn without(said: &str, unsaid: &[String]) -> String {
    let hint = |line: &str| {
        unsaid.iter().fold(line.to_owned(), |line, option| {
            line.replacen(&format!(" {option} "), " ", 1).replacen(&format!(" {option}`"), "`", 1)
        })
    };
    let line = |line: &str| match line.starts_with("hint: ") {
        true => hint(line),
        false => line.to_owned(),
    };
    said.lines().map(line).collect::<Vec<String>>().join("\n")
}
