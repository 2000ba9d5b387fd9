//! What every command says, as a whole: one that is done, or one that is refused where it would
//! change the machine.

use expect_test::expect_file;
use regex_lite::Regex;
use serde_json::json;

use crate::fake::{Fake, process};

/// At least one line for each command.
const LINES: &str = "start api
start nope.js other.js
run
stop api
restart api web
reload api
startOrRestart nope.json
startOrReload good.json
delete web
validate good.json bad.yaml
explain empty
explain emty
plan good.json
apply bad.yaml
scale api 1
promote api
rollback api
list
list --json name,status
list --format {id}-{name}
jlist
describe apii
env apii
logs api --nostream
wait apii
health
sendSignal NOPE api
trigger api
send apii x
attach apii
inspect apii
monit nope
monitor api
unmonitor api
web nope
slist nope
pull apii
forward apii
backward apii
deploy nope
export nope x
import bad.yaml
init simple
examples nope
report nope
flush apii
logrotate nope
reloadLogs
profile:cpu apii
profile:mem apii
pid api --json
id api
reset api
ping
ping --json
save
resurrect
startup nope
unstartup nope
boot nope
cleardump
install
module:update nope
uninstall nope
module:generate
package nope
publish nope extra
set api.LEVEL debug
multiset api.LEVEL
get
get --json
conf api.LEVEL
unset api.NOPE
update nope
migrate nope
serve nope
link-pm2 nope
completion tcsh
prettylist nope
help nope
alert nope
kill";

#[test]
fn every_command_says_what_it_has_always_said() {
    let fake = Fake::with(vec![process(0, "api"), process(1, "web")]);
    fake.file("good.json", r#"[{ "name": "job", "script": "job.sh", "interpreter": "none" }]"#);
    fake.file("job.sh", "exit 0\n");
    fake.file("bad.yaml", "- name: ''\n  script: job.sh\n  instances: many\n");
    let time = Regex::new(r" in \d+(\.\d+)? (ms|s)").unwrap();
    let mut text = String::new();
    for line in LINES.lines() {
        let ran = fake.ostler(line);
        text.push_str(&format!("$ ostler {line}\n"));
        for (stream, said) in [("out", &ran.out), ("err", &ran.err)] {
            for line in time.replace_all(said, " in TIME").lines() {
                text.push_str(format!("{stream}  {line}").trim_end());
                text.push('\n');
            }
        }
        text.push_str(&format!("code {}\n\n", ran.code));
    }
    let cursor = Regex::new(r"cursor: \S+").unwrap();
    let text = cursor.replace_all(&text, "cursor: CURSOR");
    let protocol = format!("\"protocol\":{}", ostler_wire::control::VERSION);
    let text = text.replace(&protocol, "\"protocol\":N");
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect_file!["snapshots/commands.txt"].assert_eq(&text);
    let named = |name: &str| LINES.lines().any(|line| line.split(' ').next() == Some(name));
    let overview = fake.ostler("help").out;
    let commands = overview.lines().filter_map(|line| {
        let word = line.strip_prefix("  ")?.split(' ').next()?;
        (!word.is_empty() && !word.starts_with('-')).then_some(word)
    });
    let missing: Vec<&str> = commands.filter(|word| !named(word) && *word != "ostler").collect();
    assert!(missing.is_empty(), "no line for {missing:?}");
    let pm2s = ["PM2 daemon", "malformated", "[PM2]"];
    let found = pm2s.iter().find(|words| text.contains(**words));
    assert_eq!(found, None, "PM2's words");
    assert!(!text.contains(json!(fake.home()).as_str().unwrap()), "the home is masked");
}
