//! `deploy`: brings an app to the hosts of a target, by ssh and git.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use ostler_config::{DEPLOY_FILES, DeployTarget, is_config_file};
use ostler_shell::word;

use crate::apps;
use crate::args::{FlagId, help, pm2_help};
use crate::caller;
use crate::deploy::{self, Host, Stop, Told};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{DeployNotice, Notice};

mod wish;
use wish::Wish;

/// A target, and the hosts that are left to do.
struct Deployment<'s> {
    session: &'s mut Session,
    target: DeployTarget,
    hosts: Vec<Host>,
    file: String,
    /// The host whose turn it is, as was told last.
    at: Option<usize>,
    /// How the last command on a host ended.
    ended: Option<i32>,
}

/// Runs the command `deploy`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut words = session.args.words.clone();
    if words.first().is_some_and(|word| word == "help") {
        let command = session.args.command;
        session.out.data(&match session.program {
            Program::Ostler => help::help(command),
            Program::Pm2 => pm2_help::help(command),
        });
        return Ok(());
    }
    let file = file(&mut words)?;
    if words.is_empty() {
        return Err(Failed::misuse(format!("which target of `{file}` is meant?"))
            .hint("`ostler deploy production` deploys to the one that is called so"));
    }
    let name = words.remove(0);
    let wish = Wish::of(&words)?;
    let target = apps::deploy_target(session, &file, &name)?;
    tell(session, DeployNotice::Begins { target: &name });
    let hosts = deploy::hosts(&target);
    let mut deployment = Deployment { session, target, hosts, file, at: None, ended: None };
    let runs_command = matches!(wish, Wish::Exec(_));
    if let Err(failed) = deployment.fulfil(wish) {
        // PM2 ends with these lines, which scripts look for, and the reason stands above them.
        if let Some(problem) = &failed.problem {
            deployment.session.out.problem(problem);
        }
        let code = deployment.ended.filter(|_| runs_command).unwrap_or(1);
        tell(deployment.session, DeployNotice::Failed { code });
        return Err(Failed { problem: None, ..failed });
    }
    tell(deployment.session, DeployNotice::Success);
    Ok(())
}

fn tell(session: &mut Session, notice: DeployNotice<'_>) {
    session.out.tell(&Notice::Deploy(notice));
}

/// Takes the process file from the words, or finds the usual one.
fn file(words: &mut Vec<String>) -> Result<String, Failed> {
    let is_file = |word: &String| is_config_file(word) || word.ends_with("package.json");
    if words.first().is_some_and(is_file) {
        return Ok(words.remove(0));
    }
    let found = DEPLOY_FILES.into_iter().find(|name| Path::new(name).is_file());
    if let Some(found) = found {
        return Ok(found.to_owned());
    }
    let of = words.first().map_or(String::new(), |target| format!(" that has a target `{target}`"));
    let cwd = caller::cwd()?;
    let place = cwd.display();
    Err(Failed::new(format!("there is no process file in `{place}`{of}")).hint(
        "`ostler init` writes one, whose `deploy` names the targets; `ostler help deploy` shows \
         how another file is named",
    ))
}

impl Deployment<'_> {
    fn fulfil(&mut self, wish: Wish) -> Result<(), Failed> {
        match wish {
            Wish::Setup => {
                self.each("setup", |host, target, told| host.run(&deploy::setup(target, told)))?;
                let (target, hosts) = (self.target.name.clone(), self.hosts.len());
                tell(self.session, DeployNotice::SetUp { target: &target, hosts });
                Ok(())
            }
            Wish::Deploy(version) => {
                self.turn(0)?;
                self.refuse_unpushed()?;
                let version = version.unwrap_or_else(|| self.target.reference.clone());
                self.deploy(&version)
            }
            Wish::Revert(count) => {
                let deploys = self.deploys(0)?;
                let before = deploys.len().checked_sub(count + 1).and_then(|at| deploys.get(at));
                let Some(commit) = before.cloned() else {
                    let (there, pasted) = (deploys.len(), word(&self.target.name));
                    return Err(Failed::new(format!(
                        "cannot go back {count} deployments of {there}"
                    ))
                    .hint(format!("`ostler deploy {pasted} list` shows them")));
                };
                let text = format!("reverting {count} deploy(s)");
                tell(self.session, DeployNotice::Step { host: None, text: &text });
                self.deploy(&commit)
            }
            Wish::Current => self.each_answer(|_, target, told| deploy::current(target, told)),
            Wish::Previous => {
                for at in 0..self.hosts.len() {
                    let deploys = self.deploys(at)?;
                    let before = deploys.len().checked_sub(2).and_then(|at| deploys.get(at));
                    let Some(before) = before else {
                        return Err(Failed::new("there was no other deployment before"));
                    };
                    self.answer(at, before);
                }
                Ok(())
            }
            Wish::List => {
                for at in 0..self.hosts.len() {
                    let deploys = self.deploys(at)?;
                    if deploys.is_empty() && self.session.program == Program::Ostler {
                        let text = format!("nothing was deployed to {} yet", self.target.name);
                        self.session.out.tell(&Notice::Note { text: &text });
                    }
                    for (back, commit) in deploys.iter().rev().enumerate() {
                        self.answer(at, &format!("{back}\t{commit}"));
                    }
                }
                Ok(())
            }
            Wish::Exec(command) => self.each("the command", |host, target, told| {
                host.run(&deploy::exec(target, told, &command))
            }),
        }
    }

    /// Fetches a version on all hosts, then makes it the current one, host by host.
    fn deploy(&mut self, version: &str) -> Result<(), Failed> {
        let text = format!("deploying {version}");
        tell(self.session, DeployNotice::Step { host: None, text: &text });
        let mut wanted = version.to_owned();
        for at in 0..self.hosts.len() {
            // Whatever the first one found is what all get.
            let commit = self.fetch(at, &wanted)?;
            wanted = commit;
        }
        if let Some(command) = self.target.pre_deploy_local.clone() {
            self.here(&command)?;
        }
        let (program, name) = (self.session.program, word(&self.target.name).into_owned());
        let act = if program == Program::Pm2 { "startOrRestart" } else { "startOrReload" };
        let usual = format!("{} {act} {} --env {name}", program.name(), word(&self.file));
        let commit = wanted.clone();
        self.each("deploy", move |host, target, told| {
            host.run(&deploy::release(target, told, &commit, &usual))
        })?;
        let (target, hosts) = (self.target.name.clone(), self.hosts.len());
        let commit = wanted.as_str();
        let told = DeployNotice::Deployed { target: &target, version, commit, hosts };
        tell(self.session, told);
        Ok(())
    }

    fn fetch(&mut self, at: usize, version: &str) -> Result<String, Failed> {
        let host = self.turn(at)?;
        let text = "fetching updates";
        tell(self.session, DeployNotice::Step { host: Some(&host.name), text });
        let script = deploy::fetch(&self.target, &self.told(&host), version);
        let commit = self.ask(&host, &script, version)?;
        match commit.trim() {
            commit if commit.len() < 40 => {
                Err(Failed::new(format!("{}: git says `{commit}`, which is no commit", host.name)))
            }
            commit => Ok(commit.to_owned()),
        }
    }

    /// Runs a command on this machine, before anything is changed.
    fn here(&mut self, command: &str) -> Result<(), Failed> {
        let text = "executing pre-deploy-local";
        tell(self.session, DeployNotice::Step { host: None, text });
        self.session.out.flush()?;
        let status = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                Err(Failed::new(format!("pre-deploy-local failed: {}", ostler_text::exit(status)))
                    .hint("nothing was changed on any host"))
            }
            Err(error) => Err(Failed::new(format!("cannot run sh: {error}"))),
        }
    }

    /// The commits of the deployments of a host, the last one at the end.
    fn deploys(&mut self, at: usize) -> Result<Vec<String>, Failed> {
        let host = self.turn(at)?;
        let script = deploy::deploys(&self.target, &self.told(&host));
        let text = self.ask(&host, &script, "")?;
        Ok(text.lines().map(|line| line.trim().to_owned()).filter(|of| !of.is_empty()).collect())
    }

    fn each_answer(
        &mut self,
        script: impl Fn(&Host, &DeployTarget, &Told) -> String,
    ) -> Result<(), Failed> {
        for at in 0..self.hosts.len() {
            let host = self.turn(at)?;
            let script = script(&host, &self.target, &self.told(&host));
            let text = self.ask(&host, &script, "")?;
            self.answer(at, text.trim());
        }
        Ok(())
    }

    /// Tells what a host has said; with several hosts, which one.
    fn answer(&mut self, at: usize, text: &str) {
        let name = self.hosts.get(at).map_or("", |host| host.name.as_str());
        let line = match self.hosts.len() {
            1 => text.to_owned(),
            _ if self.session.program == Program::Pm2 => text.to_owned(),
            _ => format!("{name}\t{text}"),
        };
        self.session.out.value(&format!("{line}\n"));
    }

    /// Returns a host, and tells that it is its turn.
    fn turn(&mut self, at: usize) -> Result<Host, Failed> {
        let host = self.hosts.get(at).cloned();
        let host = host.ok_or_else(|| Failed::new("the target has no such host"))?;
        if self.at.replace(at) != Some(at) {
            tell(self.session, DeployNotice::Host { name: &host.name });
        }
        Ok(host)
    }

    fn told(&self, host: &Host) -> Told {
        match self.session.program {
            Program::Pm2 => Told::Pm2,
            Program::Ostler => Told::Ours(host.name.clone()),
        }
    }

    fn ask(&mut self, host: &Host, script: &str, version: &str) -> Result<String, Failed> {
        self.session.out.flush()?;
        let asked = host.ask(script).map_err(|error| no_program(host, &error))?;
        if !asked.status.success() {
            return Err(self.failure(host, asked.status, "this", version));
        }
        Ok(String::from_utf8_lossy(&asked.stdout).into_owned())
    }

    /// Does something on each host in turn. The first that fails is told with those that are done.
    fn each(
        &mut self,
        what: &str,
        act: impl Fn(&Host, &DeployTarget, &Told) -> std::io::Result<ExitStatus>,
    ) -> Result<(), Failed> {
        for at in 0..self.hosts.len() {
            let host = self.turn(at)?;
            self.session.out.flush()?;
            let told = self.told(&host);
            let status =
                act(&host, &self.target, &told).map_err(|error| no_program(&host, &error))?;
            self.ended = status.code();
            if !status.success() {
                let failed = self.failure(&host, status, what, "");
                let names = |hosts: &[Host]| {
                    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                    names.join(", ")
                };
                let (done, left) = self.hosts.split_at(at);
                let left = left.get(1..).unwrap_or_default();
                let mut more = String::new();
                if !done.is_empty() {
                    more.push_str(&format!("; done on {}", names(done)));
                }
                if !left.is_empty() {
                    more.push_str(&format!("; not begun on {}", names(left)));
                }
                return Err(failed.more(&more));
            }
        }
        Ok(())
    }

    fn failure(&self, host: &Host, status: ExitStatus, what: &str, version: &str) -> Failed {
        let (name, pasted) = (&host.name, word(&self.target.name));
        match status.code().and_then(Stop::of) {
            Some(Stop::NotSetUp) => Failed::new(format!("{name} is not set up"))
                .hint(format!("`ostler deploy {pasted} setup` does that")),
            Some(Stop::NoSuchVersion) => {
                let repo = &self.target.repo;
                Failed::new(format!("{name}: there is no `{version}` in {repo}"))
                    .hint("it is a branch, a tag or a commit that was pushed")
            }
            Some(Stop::Taken) => {
                Failed::new(format!("{name}: somebody deploys to it at this moment"))
                    .hint("try again when that is done")
            }
            Some(Stop::OtherSource) => {
                let path = &self.target.path;
                let text = format!("{name}: {path}/source is a clone of another repository");
                Failed::new(text).hint("move it away, or use another `path`")
            }
            None if host.was_not_reached(status) => {
                Failed::new(format!("{name}: ssh has failed, what it says stands above"))
                    .hint(format!("see whether `ssh {}` connects", word(name)))
            }
            None => Failed::new(format!("{name}: {what} failed: {}", ostler_text::exit(status))),
        }
    }

    /// What is not pushed is not deployed, which is seldom meant.
    fn refuse_unpushed(&mut self) -> Result<(), Failed> {
        if self.session.has(FlagId::Force) {
            return Ok(());
        }
        let git = |args: &[&str]| {
            let ran = Command::new("git").args(args).stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
            ran.status.success().then_some(text)
        };
        let hint = "`--force` deploys what is pushed";
        if git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|of| !of.is_empty())
        {
            return Err(Failed::new("commit or stash your changes before deploying").hint(hint));
        }
        // Without a branch on the other side there is nothing to compare with.
        match git(&["rev-list", "--count", "@{upstream}..HEAD"]).as_deref() {
            None | Some("0") => Ok(()),
            Some(_) => Err(Failed::new("push your changes before deploying").hint(hint)),
        }
    }
}

fn no_program(host: &Host, error: &std::io::Error) -> Failed {
    Failed::new(format!("{}: cannot run ssh: {error}", host.name))
        .hint("install an ssh client, and see that it is in PATH")
}
