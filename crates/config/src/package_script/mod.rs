//! `npm start` and its relatives as a script: the program behind it is run, not they.
//!
//! The problem: `npm start` is a process of npm's that starts a shell that starts the program. Of
//! these three only the last one listens, so that a cluster of npm's can share no port; and signals
//! and exit codes go through all of them. The rule: a script that is one program is read out of
//! `package.json`, and that program is run with the variables that npm would give it. What needs a
//! shell is refused for a cluster, with the reason; in fork mode it runs as it did.

mod environment;
mod launcher;
mod line;
mod program;
mod runner;
mod workspace;

use std::path::{Path, PathBuf};

use ostler_core::Texts;
use serde_json::Value as Json;

use crate::context::Context;
use crate::interpreter::Interpreter;
use crate::package;
use line::Line;
use program::Program;
use runner::{Asked, Place, Runner};

/// Scripts that run scripts, at most.
const DEEPEST: usize = 8;

/// What was asked to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// The script: a program, or a line for the shell.
    pub script: &'a str,
    /// The file it was found to be.
    pub file: &'a Path,
    /// The script's arguments.
    pub args: &'a [String],
    /// Whether it is a line for the shell.
    pub is_line: bool,
    /// Workers of a cluster are wanted.
    pub cluster: bool,
}

/// The program behind it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The file of the program.
    pub path: PathBuf,
    /// What runs it.
    pub interpreter: Interpreter,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The folder that it runs in.
    pub cwd: PathBuf,
    /// Variables that go over those of the app.
    pub env: Vec<(String, String)>,
    /// The line that was found, as it is written.
    pub line: String,
}

/// Where the app runs, and with what.
pub(crate) struct Surroundings<'a> {
    /// The folder of the app.
    pub cwd: &'a Path,
    /// The variables of the app.
    pub env: &'a Texts,
    /// What runs scripts of Node.
    pub node: &'a Interpreter,
    /// The caller's world.
    pub ctx: &'a Context,
}

/// Whether a script is meant for one of these programs, so that the program behind it is looked
/// for also where no cluster was asked for in so many words.
pub(crate) fn is_meant(given: &Given<'_>) -> bool {
    let mut words = given.script.split_whitespace();
    let first = if given.is_line {
        words.find(|word| !line::is_assignment(word))
    } else {
        Some(given.script)
    };
    first.is_some_and(|first| Runner::of(first).is_some())
}

/// Finds the program behind a script; `None` when it is a program itself.
///
/// # Errors
/// It cannot be run without what stands between, as a phrase.
pub(crate) fn find(given: &Given<'_>, at: &Surroundings<'_>) -> Result<Option<Found>, String> {
    let mut search = Search { given, at, root: at.cwd.to_owned(), env: Vec::new() };
    let line = if given.is_line {
        search.read(given.script)?
    } else {
        let words = std::iter::once(given.script.to_owned()).chain(given.args.iter().cloned());
        Line { env: Vec::new(), words: words.collect() }
    };
    let followed = search.follow(line)?;
    let (written, program) = match followed {
        Some((written, line)) => (written, program::find(line, &search.root, at.node, at.ctx)?),
        None => match program::wrapped_by(given.file, given.args, at.node) {
            Some(program) => (given.script.to_owned(), program),
            None => return Ok(None),
        },
    };
    let Program { path, interpreter, args } = program;
    if given.cluster && !interpreter.is_node_like() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(format!("`{name}` is no program of Node"));
    }
    let Search { root, env, .. } = search;
    Ok(Some(Found { path, interpreter, args, cwd: root, env, line: written }))
}

struct Search<'a> {
    given: &'a Given<'a>,
    at: &'a Surroundings<'a>,
    /// The folder of the last `package.json`.
    root: PathBuf,
    /// What was set on the way.
    env: Vec<(String, String)>,
}

impl Search<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let set = self.env.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| value.clone()).or_else(|| self.at.env.get(name).map(str::to_owned))
    }

    fn read(&self, text: &str) -> Result<Line, String> {
        line::read(text, &|name| self.variable(name))
            .map_err(|why| format!("`{text}` needs a shell: {why}"))
    }

    /// Follows scripts that run scripts. Returns the last line, as it is written and as it is
    /// run; `None` when nothing but a program was there from the beginning.
    fn follow(&mut self, mut line: Line) -> Result<Option<(String, Line)>, String> {
        let mut written = line.words.join(" ");
        for depth in 0..DEEPEST {
            launcher::unwrap(&mut line);
            self.env.append(&mut line.env);
            let name = line.words.first().map_or("", String::as_str);
            let next = match Runner::of(name) {
                Some(runner) => self.behind(runner, &line, depth)?,
                None => None,
            };
            match next {
                Some((text, next)) => (written, line) = (text, next),
                None if depth == 0 && !self.given.is_line => return Ok(None),
                None => {
                    if self.given.cluster {
                        launcher::behind(&mut line, &self.root)?;
                    }
                    return Ok(Some((written, line)));
                }
            }
        }
        Err(format!("`{}` leads to more than {DEEPEST} other scripts", self.given.script))
    }

    /// The line that a runner runs; `None` when it runs a file itself.
    fn behind(
        &mut self,
        runner: Runner,
        line: &Line,
        depth: usize,
    ) -> Result<Option<(String, Line)>, String> {
        let args = line.words.get(1..).unwrap_or_default();
        let (name, args, or_program) = match runner.asked(args)? {
            Asked::Script { name, args, place, or_program } => {
                self.root = match place {
                    None => std::mem::take(&mut self.root),
                    Some(Place::Folder(folder)) => self.at.ctx.absolute(&self.root, &folder),
                    Some(Place::Workspace(name)) => workspace::folder(&self.root, &name)?,
                };
                (name, args, or_program)
            }
            Asked::Program(words) => return self.in_package(runner, words).map(Some),
            Asked::Other if runner == Runner::Bun => return Ok(None),
            Asked::Other => {
                let said = line.words.join(" ");
                return Err(format!("`{said}` runs no script of `package.json`"));
            }
        };
        let (root, package) = package::above(&self.root)
            .ok_or_else(|| format!("there is no `package.json` in `{}`", self.root.display()))?;
        self.root = root;
        if runner == Runner::Yarn && self.root.join(".pnp.cjs").is_file() {
            return Err("yarn runs this project without `node_modules` (`.pnp.cjs`)".to_owned());
        }
        let text = script(&package, &name)
            .or_else(|| self.usual_start(runner, &name))
            .map_or_else(|| missing(&name, &package, or_program), |text| Ok(Some(text)))?;
        let Some(text) = text else {
            let words = std::iter::once(name).chain(args).collect();
            return self.in_package(runner, words).map(Some);
        };
        self.refuse_around(&package, &name)?;
        self.set_variables(runner, &package, Some((&name, &text)), depth);
        let mut line = self.read(&text)?;
        line.words.extend(args);
        let written = line.words.join(" ");
        Ok(Some((written, line)))
    }

    /// A program of the packages, run by a runner.
    fn in_package(&mut self, runner: Runner, words: Vec<String>) -> Result<(String, Line), String> {
        if words.is_empty() {
            return Err(format!("`{}` is given no program", self.given.script));
        }
        let (root, package) = package::above(&self.root)
            .unwrap_or_else(|| (self.root.clone(), Json::Object(serde_json::Map::new())));
        // It runs where it was called, with the programs of the package.
        let cwd = std::mem::replace(&mut self.root, root);
        self.set_variables(runner, &package, None, 0);
        self.root = cwd;
        let written = words.join(" ");
        Ok((written, Line { env: Vec::new(), words }))
    }

    /// npm's own `start` of a package that has none.
    fn usual_start(&self, runner: Runner, name: &str) -> Option<String> {
        let is_usual = runner == Runner::Npm && name == "start";
        (is_usual && self.root.join("server.js").is_file()).then(|| "node server.js".to_owned())
    }

    /// Refuses a script that others run before and after.
    fn refuse_around(&self, package: &Json, name: &str) -> Result<(), String> {
        let around = ["pre", "post"].map(|when| format!("{when}{name}"));
        match around.into_iter().find(|around| script(package, around).is_some()) {
            Some(around) => Err(format!("the script `{around}` runs with `{name}`")),
            None => Ok(()),
        }
    }

    fn set_variables(
        &mut self,
        runner: Runner,
        package: &Json,
        script: Option<(&str, &str)>,
        depth: usize,
    ) {
        let found = if depth == 0 && !self.given.is_line {
            Some(self.given.file.to_owned())
        } else {
            self.at.ctx.find_program(runner.name())
        };
        let file = found.unwrap_or_else(|| PathBuf::from(runner.name()));
        let run = environment::Run {
            runner,
            runner_file: &file,
            root: &self.root,
            package,
            script,
            node: self.at.node,
        };
        // Of scripts that run scripts each adds its folder to `PATH`; once is enough.
        let env = self.at.env;
        let given = |name: &str| env.get(name).map(str::to_owned);
        let variables = environment::variables(&run, &given, self.at.ctx);
        self.env.extend(variables);
    }
}

fn script(package: &Json, name: &str) -> Option<String> {
    let text = package.get("scripts")?.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What there is where there is no such script: a program, or an error.
fn missing(name: &str, package: &Json, or_program: bool) -> Result<Option<String>, String> {
    if or_program {
        return Ok(None);
    }
    let scripts = package.get("scripts").and_then(Json::as_object);
    let names: Vec<String> =
        scripts.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
    let known = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
    Err(format!("`package.json` has no script `{name}`, but {known}"))
}
