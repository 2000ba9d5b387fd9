//! `deploy`: to hosts over ssh, and to this machine. A real sshd is in `tests/labs/deploy.sh`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_testkit::Sandbox;
use serde_json::{Value, json};

use crate::start_e2e::{SOON, sandbox};

/// A repository, a clone of it in which somebody works, and hosts.
struct World {
    s: Sandbox,
    clone: PathBuf,
}

/// Stands for ssh: a host is a home of its own, where the command runs by a shell, as sshd does it.
/// What it was told is written down.
const SSH: &str = "#!/bin/sh
echo \"$@\" >> \"$0.said\"
while [ \"$1\" != -- ]; do shift; done
host=${2#*@}
[ $host != down ] || { echo 'no route to host' >&2; exit 255; }
mkdir -p \"$0.hosts/$host\" && cd \"$0.hosts/$host\" && HOME=$PWD exec sh -c \"$3\"
";

impl World {
    fn new() -> Self {
        let mut s = sandbox();
        s.write_executable("bin/ssh", SSH);
        let bin = s.work().join("bin").display().to_string();
        let path = std::env::var("PATH").unwrap();
        s.set_env("PATH", format!("{bin}:{path}"));
        for role in ["AUTHOR", "COMMITTER"] {
            s.set_env(format!("GIT_{role}_NAME"), "jo");
            s.set_env(format!("GIT_{role}_EMAIL"), "jo@example.com");
        }
        s.set_env("GIT_CONFIG_GLOBAL", "/dev/null");
        let clone = s.work().join("clone");
        let world = Self { s, clone };
        world.git(&world.s.work(), &["init", "-q", "--bare", "-b", "main", "repo.git"]);
        world.git(&world.s.work(), &["clone", "-q", "repo.git", "clone"]);
        world
    }

    fn git(&self, at: &Path, args: &[&str]) -> String {
        let mut git = self.s.command_of("git");
        git.current_dir(at).args(args);
        ostler_testkit::run::finish(git, &[], SOON).success().out.trim().to_owned()
    }

    /// Writes the target, and what is in the app, and pushes it. Returns the commit.
    fn push(&self, version: &str, target: &Value) -> String {
        let file = json!({ "apps": [], "deploy": { "production": target } });
        fs::write(self.clone.join("ecosystem.json"), file.to_string()).unwrap();
        fs::write(self.clone.join("version"), version).unwrap();
        self.git(&self.clone, &["add", "-A"]);
        self.git(&self.clone, &["commit", "-qm", version]);
        self.git(&self.clone, &["push", "-q", "origin", "HEAD:main"]);
        self.git(&self.clone, &["branch", "-q", "--set-upstream-to=origin/main"]);
        self.git(&self.clone, &["rev-parse", "HEAD"])
    }

    fn target(&self, hosts: &[&str]) -> Value {
        let repo = self.s.work().join("repo.git");
        json!({ "host": hosts, "user": "deploy", "repo": repo, "path": "app", "ref": "main",
            "ssh_options": "Compression=yes", "env": { "colour": "it's $blue" },
            "post-deploy": "echo \"post $(cat version) $COLOUR\" >> ../log" })
    }

    fn host(&self, name: &str) -> PathBuf {
        self.s.work().join("bin/ssh.hosts").join(name).join("app")
    }

    fn version(&self, host: &str) -> String {
        fs::read_to_string(self.host(host).join("current/version")).unwrap()
    }

    #[track_caller]
    fn deploy(&self, args: &[&str], code: i32) -> (String, String) {
        let ran = self.s.ostler(["deploy", "production"]).args(args).cwd(&self.clone);
        let ran = ran.code(code).run();
        (ran.out, ran.err)
    }
}

#[test]
fn a_version_is_brought_to_every_host_and_taken_back() {
    let world = World::new();
    let target = world.target(&["web1", "web2"]);
    let first = world.push("one", &target);
    let (_, err) = world.deploy(&[], 1);
    assert!(err.contains("web1 is not set up\nhint: `ostler deploy production setup`"), "{err}");
    assert_eq!(world.deploy(&["setup"], 0).0, "production is set up, 2 hosts\n");
    world.deploy(&["setup"], 0);
    let (out, _) = world.deploy(&[], 0);
    assert_eq!(out, format!("deployed main ({}) to production, 2 hosts\n", &first[..7]));
    let second = world.push("two", &target);
    world.deploy(&["update"], 0);
    for host in ["web1", "web2"] {
        assert_eq!(world.version(host), "two", "{host}");
        let log = fs::read_to_string(world.host(host).join("log")).unwrap();
        assert_eq!(log, "post one it's $blue\npost two it's $blue\n", "{host}");
    }
    let short = &second[..7];
    assert_eq!(world.deploy(&["current"], 0).0, format!("web1\t{short}\nweb2\t{short}\n"));
    assert_eq!(world.deploy(&["previous"], 0).0, format!("web1\t{first}\nweb2\t{first}\n"));
    world.deploy(&["revert"], 0);
    assert_eq!((world.version("web1"), world.version("web2")), ("one".into(), "one".into()));
    world.deploy(&[&second], 0);
    assert_eq!(world.version("web2"), "two", "a commit is what is asked for");
    let (list, _) = world.deploy(&["list"], 0);
    let of_web1: Vec<&str> = list.lines().filter_map(|of| of.strip_prefix("web1\t")).collect();
    let wanted = [&second, &first, &second, &first];
    let wanted: Vec<String> =
        wanted.iter().enumerate().map(|(at, commit)| format!("{at}\t{commit}")).collect();
    assert_eq!(of_web1, wanted);
    let (out, _) = world.deploy(&["exec", "cat version; echo \" in ${PWD##*/}\""], 0);
    assert_eq!(out, "two in current\ntwo in current\n");
    let (_, err) = world.deploy(&["revert", "9"], 1);
    assert!(err.contains("cannot go back 9 deployments of 4"), "{err}");
    let said = fs::read_to_string(world.s.work().join("bin/ssh.said")).unwrap();
    assert!(said.starts_with("-o Compression=yes -- deploy@web1 sh -c "), "{said}");
}

#[test]
fn nothing_changes_anywhere_when_one_host_cannot_have_the_version() {
    let world = World::new();
    let target = world.target(&["web1", "web2"]);
    world.push("one", &target);
    world.deploy(&["setup"], 0);
    world.deploy(&[], 0);
    let target = world.target(&["web1", "web2", "down"]);
    world.push("two", &target);
    let (_, err) = world.deploy(&[], 1);
    assert!(err.contains("no route to host") && err.contains("down: ssh has failed"), "{err}");
    let (_, err) = world.deploy(&["ref", "no-such-branch"], 1);
    assert!(err.contains("web1: there is no `no-such-branch`"), "{err}");
    assert_eq!((world.version("web1"), world.version("web2")), ("one".into(), "one".into()));
    // A hook that fails on the second host: the first has it, and the third is not begun.
    let mut target = world.target(&["web1", "web2", "web3"]);
    target["pre-deploy"] = "case $PWD in *web2*) exit 92 ;; esac".into();
    target["pre-deploy-local"] = "echo local >> local.log".into();
    world.push("three", &target);
    fs::create_dir_all(world.host("web3").parent().unwrap()).unwrap();
    world.deploy(&["setup"], 0);
    let (_, err) = world.deploy(&[], 1);
    let says = "web2: deploy failed: exit code 1; done on web1; not begun on web3";
    assert!(err.contains(says), "{err}");
    assert_eq!((world.version("web1"), world.version("web2")), ("three".into(), "one".into()));
    assert_eq!(fs::read_to_string(world.clone.join("local.log")).unwrap(), "local\n", "once");
}

#[test]
fn what_is_not_pushed_is_not_deployed_unless_it_is_meant() {
    let world = World::new();
    world.push("one", &world.target(&["web"]));
    world.deploy(&["setup"], 0);
    fs::write(world.clone.join("version"), "dirty").unwrap();
    let (_, err) = world.deploy(&[], 1);
    assert!(err.contains("commit or stash your changes"), "{err}");
    world.git(&world.clone, &["commit", "-qam", "local"]);
    let (_, err) = world.deploy(&[], 1);
    assert!(err.contains("push your changes"), "{err}");
    world.deploy(&["--force"], 0);
    assert_eq!(world.version("web"), "one");
}

#[test]
fn a_target_that_is_wrong_is_told_with_its_place() {
    let s = sandbox();
    let file = "{ apps: [], deploy: { production: {\n  hots: 'a',\n  repo: '--upload-pack=x',\n  \
        path: '/srv',\n  port: 'ssh',\n  ref: 'main' } } }";
    s.write("ecosystem.json5", file);
    let deploy = |args: &[&str]| s.ostler(["deploy"]).args(args).cwd(s.work()).code(1).run().err;
    let err = deploy(&["production"]);
    for part in [
        "unknown key `hots`",
        "did you mean `host`?",
        "the target `production` has no `host`",
        "`repo` begins with a dash",
        "`port` is `ssh`, which is no port",
        "ecosystem.json5:3",
    ] {
        assert!(err.contains(part), "{part}: {err}");
    }
    let err = deploy(&["prodution"]);
    assert!(err.contains("no target `prodution`") && err.contains("`production`?"), "{err}");
    assert!(deploy(&["missing.json", "x"]).contains("there is no file `missing.json`"));
}

#[test]
fn under_the_name_pm2_it_says_what_pm2_says_on_this_machine() {
    let world = World::new();
    let mut target = world.target(&["localhost"]);
    target["path"] = world.s.work().join("here").display().to_string().into();
    let commit = world.push("one", &target);
    let pm2 = world.s.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let ran = |args: &[&str]| {
        let mut command: Command = world.s.command_of(&pm2);
        command.args(["deploy", "ecosystem.json", "production"]).args(args);
        command.current_dir(&world.clone);
        ostler_testkit::run::finish(command, &[], SOON)
    };
    let run = |args: &[&str]| ran(args).success().out;
    let out = run(&["setup"]);
    assert!(out.starts_with("--> Deploying to production environment\n--> on host localhost\n"));
    assert!(out.ends_with("  ○ setup complete\n--> Success\n"), "{out}");
    let out = run(&[]);
    assert!(out.contains("  ○ fetching updates\n"), "{out}");
    assert!(out.contains(&format!("HEAD is now at {} one\n", &commit[..7])), "{out}");
    assert!(out.ends_with("  ○ successfully deployed main\n--> Success\n"), "{out}");
    let start = "--> Deploying to production environment\n--> on host localhost\n";
    assert_eq!(run(&["list"]), format!("{start}0\t{commit}\n--> Success\n"));
    assert_eq!(run(&["curr"]), format!("{start}{}\n--> Success\n", &commit[..7]));
    let failed = ran(&["exec", "exit 5"]);
    assert_eq!((failed.code, failed.out.as_str()), (1, start));
    let end = "the command failed: exit code 5\nDeploy failed\nDeploy failed with exit code: 5\n";
    assert!(failed.err.ends_with(end), "{}", failed.err);
    let failed = ran(&["ref", "nope"]);
    let end = "\nDeploy failed\nDeploy failed with exit code: 1\n";
    assert!(failed.code == 1 && failed.err.ends_with(end), "{}", failed.err);
}

/// It was told of, since what is asked has no input: `Pseudo-terminal will not be allocated`.
#[test]
fn only_commands_of_the_user_get_a_terminal() {
    let world = World::new();
    let mut target = world.target(&["web"]);
    target["needs_tty"] = true.into();
    world.push("one", &target);
    world.deploy(&["setup"], 0);
    world.deploy(&[], 0);
    world.deploy(&["current"], 0);
    let said = fs::read_to_string(world.s.work().join("bin/ssh.said")).unwrap();
    let calls: Vec<&str> = said.lines().filter(|line| line.contains(" -- deploy@web")).collect();
    let with: Vec<bool> = calls.iter().map(|line| line.starts_with("-t ")).collect();
    assert_eq!(with, [true, false, true, false], "setup; fetch, release; current: {calls:?}");
}

/// It said `there is no process file here`, and neither where nor for what.
#[test]
fn what_is_not_there_is_said_with_its_place_and_what_to_do() {
    let s = sandbox();
    let said = |words: &[&str]| s.ostler(["deploy"]).args(words).code(1).run().err;
    let expected = "error: there is no process file in `[ROOT]/w` that has a target `nope`\n\
         hint: `ostler init` writes one, whose `deploy` names the targets; `ostler help deploy` \
         shows how another file is named\n";
    assert_eq!(said(&["nope"]), expected);
    let none = said(&["nope.json", "setup"]);
    assert!(none.starts_with("error[no-file]: there is no file `nope.json`\n"), "{none}");
    s.write("ecosystem.json", r#"{ "apps": [], "deploy": { "production": { "host": "h" } } }"#);
    let near = said(&["prodution"]);
    assert!(near.starts_with("error[no-target]: there is no target `prodution` in"), "{near}");
    assert!(near.ends_with("hint: did you mean `production`?\n"), "{near}");
}
