//! An app on its way from another manager into a process file.

use serde_json::{Map, Value, json};

use super::words;
use crate::made::Note;

/// An app on its way into a process file.
#[derive(Debug)]
pub(super) struct Made {
    pub name: String,
    pub keys: Map<String, Value>,
    notes: Vec<String>,
}

impl Made {
    pub(super) fn new(name: &str) -> Self {
        let keys = Map::from_iter([("name".to_owned(), json!(name))]);
        Self { name: name.to_owned(), keys, notes: Vec::new() }
    }

    pub(super) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.keys.insert(key.to_owned(), value.into());
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Says that something has no word here.
    pub(super) fn left_out(&mut self, key: &str) {
        self.note(format!("`{key}` has no counterpart here"));
    }

    /// Puts the command that a shell would run.
    pub(super) fn run_line(&mut self, line: &str) {
        match words::plain(line) {
            Some((variables, words)) => {
                self.run(words);
                if !variables.is_empty() {
                    let env = variables.into_iter().map(|(name, value)| (name, json!(value)));
                    self.put("env", env.collect::<Map<_, _>>());
                }
            }
            None => {
                // What begins with a variable is no program that the shell could become.
                let first = line.split_whitespace().next().unwrap_or_default();
                let is_program = !first.contains(['=', '(', '{', '$']);
                let line = if is_program && !line.contains(['|', '&', ';']) {
                    format!("exec {line}")
                } else {
                    line.to_owned()
                };
                self.put("script", "bash");
                self.put("args", json!(["-c", line]));
                self.put("interpreter", "none");
            }
        }
    }

    /// Puts a program and its arguments.
    pub(super) fn run(&mut self, words: Vec<String>) {
        let mut words = words.into_iter().peekable();
        let Some(mut first) = words.next() else { return };
        // `/usr/bin/env node` looks for `node`, as is done here anyhow.
        let is_program = |word: &String| !word.starts_with('-') && !word.contains('=');
        if first == "/usr/bin/env"
            && let Some(program) = words.next_if(is_program)
        {
            first = program;
        }
        let mut rest: Vec<String> = words.collect();
        let program = first.rsplit('/').next().unwrap_or(&first);
        // `node server.js` is the script `server.js`, which can be a cluster.
        let is_script = rest.first().is_some_and(|word| !word.starts_with('-'));
        let by_node = is_script && program == "node";
        if by_node || is_script && program.starts_with("python") {
            self.put("script", rest.remove(0));
            if !by_node || first != "node" {
                self.put("interpreter", first);
            }
        } else {
            if program.starts_with("python") || program == "node" {
                self.put("interpreter", "none");
            }
            self.put("script", first);
        }
        if !rest.is_empty() {
            self.put("args", rest);
        }
    }

    /// Whether it is known what it runs.
    pub(super) fn runs(&self) -> bool {
        self.keys.contains_key("script")
    }

    /// Waits for these apps alone: the others are not in the process file.
    pub(super) fn depend_on(&mut self, there: &[String]) {
        let on = self.keys.get_mut("depends_on").and_then(Value::as_object_mut);
        let Some(on) = on else { return };
        let left: Vec<String> = on.keys().filter(|name| !there.contains(name)).cloned().collect();
        on.retain(|name, _| there.contains(name));
        if on.is_empty() {
            self.keys.shift_remove("depends_on");
        }
        for name in left {
            self.note(format!("`depends_on`: `{name}` is no app of this file"));
        }
    }

    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        let name = self.name.clone();
        let of = |text| Note { app: name.clone(), text };
        self.notes.drain(..).map(of).collect()
    }

    /// Returns the app, if it is known what it runs.
    pub(super) fn into_app(self) -> Option<Value> {
        self.runs().then_some(Value::Object(self.keys))
    }
}
