//! `--hosts`: commands on other machines. Real hosts with sshd are in `tests/labs/fleet.sh`.

use std::os::unix::fs::symlink;

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, sandbox};

/// Stands for ssh: a host is a home of its own, where the command runs by a shell, as sshd does it.
const SSH: &str = "#!/bin/sh
while [ \"$1\" != -- ]; do shift; done
[ \"$2\" != down ] || { echo 'no route to host' >&2; exit 255; }
. \"$0.$2\"
exec sh -c \"$3\"
";

struct Fleet {
    here: Sandbox,
    web1: Sandbox,
    web2: Sandbox,
}

impl Fleet {
    fn new() -> Self {
        let (mut here, web1, web2) = (sandbox(), sandbox(), sandbox());
        here.write_executable("bin/ssh", SSH);
        let bin = here.work().join("bin").display().to_string();
        symlink(env!("CARGO_BIN_EXE_ostler"), here.work().join("bin/ostler")).unwrap();
        for (name, of) in [("web1", &web1), ("web2", &web2)] {
            here.write(
                format!("bin/ssh.{name}"),
                format!("export OSTLER_HOME='{}'\n", of.home().display()),
            );
        }
        // An app prints which one it is.
        for (of, names) in [(&web1, ["api", "web"]), (&web2, ["api", "job"])] {
            for name in names {
                of.write("app.sh", "echo \"$1 is here\"; exec sleep 1000");
                of.ostler(["start", "app.sh", "--name", name, "--", name]).run();
                of.wait_status(name, "online", 1, SOON);
            }
        }
        let path = std::env::var("PATH").unwrap();
        here.set_env("PATH", format!("{bin}:{path}"));
        Self { here, web1, web2 }
    }

    fn list(&self) -> Vec<String> {
        let said = self.here.ostler(["-H", "web1,web2", "list"]).run().out;
        let words = said.lines().map(|line| line.split('\t').take(4).collect::<Vec<_>>().join(" "));
        words.collect()
    }
}

#[test]
fn the_list_of_several_hosts_is_one_table() {
    let fleet = Fleet::new();
    let expected = ["web1 api 1/1 online", "web1 web 1/1 online", "web2 api 1/1 online"];
    assert_eq!(fleet.list()[..3], expected);
    let json = fleet.here.ostler(["ls", "api", "-H", "web1,web2", "--json", "name,pid"]).run().out;
    let objects: Vec<Value> = serde_json::from_str(&json).unwrap();
    let pids: Vec<u64> = objects.iter().map(|of| of["pid"].as_u64().unwrap()).collect();
    let own = [&fleet.web1, &fleet.web2].map(|of| u64::from(of.pids_of("api")[0]));
    assert_eq!(pids, own);
    assert_eq!(objects[1]["host"], "web2");
    assert!(json.starts_with("[{\"host\":\"web1\",\"name\":\"api\","), "{json}");
}

#[test]
fn a_host_that_is_not_reached_does_not_hide_the_others() {
    let fleet = Fleet::new();
    let said = fleet.here.ostler(["list", "-H", "down,web2"]).code(1).run();
    assert_eq!(said.out.lines().filter(|line| line.starts_with("web2\t")).count(), 2);
    assert!(said.err.contains("down: no route to host"), "{}", said.err);
    assert!(said.err.contains("no list of down: ssh did not reach it"), "{}", said.err);
}

#[test]
fn what_is_done_on_several_hosts_ends_with_the_first_that_fails() {
    let fleet = Fleet::new();
    let before = fleet.web1.pids_of("api");
    let said = fleet.here.ostler(["restart", "api", "-H", "web1,web2"]).run();
    assert!(said.out.contains("web1: restarted api 1/1"), "{}{}", said.out, said.err);
    assert!(said.out.contains("web2: restarted api 1/1"), "{}{}", said.out, said.err);
    assert_ne!(fleet.web1.pids_of("api"), before);
    let before = [fleet.web1.pids_of("web"), fleet.web2.pids_of("api")];
    let said = fleet.here.ostler(["restart", "job", "--hosts=web2,web1,down"]).code(1).run();
    assert!(
        said.err.contains("`restart` on web1: exit code 1; down was left alone"),
        "{}",
        said.err
    );
    let line = "`ostler -H web1,down restart job` goes on when that is mended";
    assert!(said.err.contains(line), "{}", said.err);
    assert_eq!([fleet.web1.pids_of("web"), fleet.web2.pids_of("api")], before);
}

#[test]
fn the_logs_of_several_hosts_are_merged_and_told_once() {
    let fleet = Fleet::new();
    let whole = ["logs", "--nostream", "-H", "web1,web2", "--out"];
    fleet.here.wait_for("the lines of all apps", SOON, || {
        let said = fleet.here.ostler(whole).run().out;
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(" is here")).collect();
        (lines.len() == 4).then_some(())
    });
    let said = fleet.here.ostler(whole).run().out;
    assert!(said.contains("web1 api:0 | api is here\n"), "{said}");
    assert!(said.contains("web2 job:1 | job is here\n"), "{said}");
    let json = fleet.here.ostler(["logs", "job", "--nostream", "--json", "-H", "web2"]).run().out;
    let line: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&line["host"], &line["message"]), (&"web2".into(), &"job is here".into()));
}

#[test]
fn what_cannot_be_meant_of_several_hosts_is_refused() {
    let s = sandbox();
    for (args, why) in [
        (&["list", "-H", "a,,b"][..], "`--hosts a,,b` names no host at ``"),
        (&["list", "-H", "a,a"], "names `a` twice"),
        (&["list", "-H", "-oProxyCommand=x"], "names no host"),
        (&["list", "-H", "a", "--all"], "`--all` is for the list of one machine"),
        (&["list", "-H", "a", "--format", "{name}"], "`--format` and `--hosts` exclude each other"),
        (&["logs", "-H", "a", "--count"], "`--count` is for the logs of one machine"),
        (&["reload", "x", "-H", "a", "--progress", "json"], "exclude each other"),
        (&["kill", "-H", "a"], "-H"),
    ] {
        let said = s.ostler(args.iter().copied()).code(2).run();
        let text = said.out + &said.err;
        assert!(text.contains(why), "{args:?}: {text}");
    }
}
