//! One process in full.

use std::collections::BTreeMap;

use ostler_wire::control::Details;
use unicode_width::UnicodeWidthStr as _;

use super::cells;
use super::table::{Cell, Table};
use crate::paint::{Ink, Paint};
use crate::program::Program;

/// Returns everything about a process; `local` is the caller's environment.
pub(crate) fn describe(
    details: &Details,
    local: &BTreeMap<String, String>,
    program: Program,
    now: u64,
    paint: Paint,
) -> String {
    let view = &details.view;
    let title = |text: &str| paint.ink(&[Ink::Inverse, Ink::Bold], text) + "\n";
    let name = ostler_text::shown(&view.name);
    let mut out = title(&format!(" Describing process with id {} - name {name} ", view.id));
    out.push_str(&pairs(rows(details, now), paint));
    if !details.listeners.is_empty() {
        out.push_str(&title(" Listeners "));
        let rows = details.listeners.iter().map(|listener| {
            let counts = format!(
                "{}, {} handed, {} refused, {} redistributed",
                listener.balance, listener.handed, listener.refused, listener.redistributed
            );
            (listener.address.clone(), Cell::plain(counts))
        });
        out.push_str(&pairs(rows.collect(), paint));
    }
    if !details.actions.is_empty() {
        out.push_str(&title(" Actions available "));
        let width = details.actions.iter().map(|name| name.width()).max().unwrap_or(0) + 2;
        let rows = details.actions.iter().map(|name| vec![Cell::plain(name.as_str())]);
        out.push_str(&Table { widths: vec![width], titles: Vec::new() }.render(rows, paint));
        let trigger = format!(" Trigger via: {} trigger {name} <action_name>", program.name());
        let faint = |text: &str| paint.ink(&[Ink::White, Ink::Italic], text);
        out.push_str(&format!("{}\n{}\n", faint(&trigger), faint("")));
    }
    if !details.metrics.is_empty() {
        out.push_str(&title(" Code metrics value "));
        let rows = details.metrics.iter();
        let rows = rows.map(|(name, value)| (name.clone(), Cell::plain(value.as_str())));
        out.push_str(&pairs(rows.collect(), paint));
    }
    out.push_str(&title(" Divergent env variables from local env "));
    let divergent: Vec<_> = details
        .env
        .iter()
        .filter(|(name, value)| *name != "_" && local.get(*name).is_some_and(|here| here != *value))
        .map(|(name, value)| (name.clone(), Cell::plain(value.as_str())))
        .collect();
    out.push_str(&if divergent.is_empty() { "\n".to_owned() } else { pairs(divergent, paint) });
    out.push('\n');
    hints(&mut out, view.id, &name, program, paint);
    out
}

fn hints(out: &mut String, id: u32, name: &str, program: Program, paint: Paint) {
    let mut hint = |text: &str, rest: &str| {
        out.push_str(&paint.ink(&[Ink::White, Ink::Italic], text));
        out.push_str(rest);
        out.push('\n');
    };
    let command = program.name();
    if program == Program::Pm2 {
        hint(" Add your own code metrics: http://bit.ly/code-metrics", "");
    }
    hint(&format!(" Use `{command} logs {name} [--lines 1000]` to display logs"), "");
    hint(&format!(" Use `{command} env {id}` to display environment variables"), "");
    if program == Program::Pm2 {
        hint(" Use `pm2 monit` to monitor CPU and Memory usage", &format!(" {name}"));
    }
}

fn rows(details: &Details, now: u64) -> Vec<(String, Cell<'_>)> {
    let view = &details.view;
    let or_none =
        |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("N/A").to_owned();
    let [log_out, log_err, log_all] = &view.logs;
    let mut rows: Vec<(&str, Cell<'_>)> = vec![
        ("status", cells::status(view)),
        ("name", Cell::plain(view.name.as_str())),
        ("namespace", Cell::plain(view.namespace.as_str())),
        ("version", Cell::plain(cells::version(view))),
        ("restarts", Cell::plain(view.restarts.to_string())),
    ];
    if let Some(limit) = details.max_memory {
        rows.push(("max memory restart", Cell::plain(limit.to_string())));
    }
    if let Some(pattern) = &details.cron_restart {
        rows.push(("cron restart", Cell::plain(pattern.as_str())));
    }
    rows.push(("uptime", Cell::plain(cells::uptime(view, now))));
    if let Some(path) = log_all {
        rows.push(("entire log path", Cell::plain(path.as_str())));
    }
    rows.extend([
        ("script path", Cell::plain(view.script.as_str())),
        ("script args", Cell::plain(or_none(Some(&details.args.join(" "))))),
        ("error log path", Cell::plain(or_none(log_err.as_deref()))),
        ("out log path", Cell::plain(or_none(log_out.as_deref()))),
        ("pid path", Cell::plain(details.pid_file.as_str())),
        ("interpreter", Cell::plain(details.interpreter.as_str())),
        ("interpreter args", Cell::plain(or_none(Some(&details.interpreter_args.join(" "))))),
        ("script id", Cell::plain(view.id.to_string())),
        ("exec cwd", Cell::plain(details.cwd.as_str())),
        ("exec mode", Cell::plain(if view.cluster { "cluster_mode" } else { "fork_mode" })),
        ("node.js version", Cell::plain(or_none(details.node_version.as_deref()))),
        ("node env", Cell::plain(or_none(details.node_env.as_deref()))),
        ("watch & reload", Cell::plain(if view.watching { "✔" } else { "✘" })),
        ("unstable restarts", Cell::plain(details.unstable.to_string())),
        ("created at", Cell::plain(or_none(ostler_logs::iso(details.created_at).as_deref()))),
    ]);
    rows.extend(our_rows(details));
    rows.into_iter().map(|(key, cell)| (key.to_owned(), cell)).collect()
}

/// What PM2 does not know: that an attribute is not done yet, and that a canary waits for a word.
fn our_rows(details: &Details) -> Vec<(&'static str, Cell<'_>)> {
    let view = &details.view;
    let mut rows = Vec::new();
    if !view.not_yet.is_empty() {
        rows.push(("not yet", Cell::plain(view.not_yet.join(", "))));
    }
    if let Some(rollout) = &view.rollout {
        rows.push(("rollout", Cell::plain(rollout.as_str())));
    }
    for file in &details.unwritten {
        let text = format!("{}: {}", file.path, file.error);
        rows.push(("cannot be written", Cell::plain(text)));
    }
    if 0 < view.dropped_lines {
        rows.push(("log lines dropped", Cell::plain(view.dropped_lines.to_string())));
    }
    rows
}

fn pairs(rows: Vec<(String, Cell<'_>)>, paint: Paint) -> String {
    let key = rows.iter().map(|(key, _)| key.width()).max().unwrap_or(0) + 2;
    let value = rows.iter().map(|(_, cell)| cell.width()).max().unwrap_or(0) + 2;
    let rows = rows.into_iter().map(|(key, cell)| vec![Cell::plain(key), cell]);
    Table { widths: vec![key, value], titles: Vec::new() }.render(rows, paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;
    use ostler_wire::control::{ListenerView, Outcome};

    fn details() -> Details {
        let listener = ListenerView {
            address: "tcp 0.0.0.0:3000".into(),
            balance: "round-robin".into(),
            handed: 7,
            refused: 0,
            redistributed: 1,
        };
        let env = BTreeMap::from([
            ("A".to_owned(), "1".to_owned()),
            ("B".to_owned(), "2".to_owned()),
            ("_".to_owned(), "x".to_owned()),
        ]);
        let mut view = sample(0, "app");
        view.logs[2] = Some("/h/logs/app.log".to_owned());
        Details {
            view,
            args: vec!["--port".into(), "80".into()],
            pid_file: "/h/pids/app-0.pid".into(),
            interpreter: "node".into(),
            interpreter_args: Vec::new(),
            cwd: "/srv".into(),
            unstable: 0,
            max_unstable: 16,
            due_in: None,
            late: false,
            health: None,
            created_at: 1_795_388_825_573,
            last: Some(Outcome::Code(1)),
            max_memory: Some(209_715_200),
            settings: Vec::new(),
            cron_restart: Some("0 4 * * *".into()),
            next_restart: None,
            node_env: None,
            env,
            listeners: vec![listener],
            node_version: Some("20.20.2".into()),
            unwatched: None,
            rejections: 0,
            unwritten: Vec::new(),
            readiness: ostler_wire::control::Readiness::default(),
            metrics: vec![("Heap Usage".into(), "76.97 %".into())],
            notified: None,
            actions: vec!["km:heapdump".into()],
            restarted: None,
            failed_reload: None,
        }
    }

    #[test]
    fn a_process_in_full() {
        let local =
            BTreeMap::from([("A".to_owned(), "0".to_owned()), ("_".to_owned(), "y".to_owned())]);
        expect_test::expect![[r#"
             Describing process with id 0 - name app 
            ┌────────────────────┬──────────────────────────┐
            │ status             │ online                   │
            │ name               │ app                      │
            │ namespace          │ default                  │
            │ version            │ N/A                      │
            │ restarts           │ 0                        │
            │ max memory restart │ 209715200                │
            │ cron restart       │ 0 4 * * *                │
            │ uptime             │ 9s                       │
            │ entire log path    │ /h/logs/app.log          │
            │ script path        │ /srv/app.js              │
            │ script args        │ --port 80                │
            │ error log path     │ /h/logs/app-error.log    │
            │ out log path       │ /h/logs/app-out.log      │
            │ pid path           │ /h/pids/app-0.pid        │
            │ interpreter        │ node                     │
            │ interpreter args   │ N/A                      │
            │ script id          │ 0                        │
            │ exec cwd           │ /srv                     │
            │ exec mode          │ fork_mode                │
            │ node.js version    │ 20.20.2                  │
            │ node env           │ N/A                      │
            │ watch & reload     │ ✘                        │
            │ unstable restarts  │ 0                        │
            │ created at         │ 2026-11-22T23:07:05.573Z │
            └────────────────────┴──────────────────────────┘
             Listeners 
            ┌──────────────────┬───────────────────────────────────────────────────┐
            │ tcp 0.0.0.0:3000 │ round-robin, 7 handed, 0 refused, 1 redistributed │
            └──────────────────┴───────────────────────────────────────────────────┘
             Actions available 
            ┌─────────────┐
            │ km:heapdump │
            └─────────────┘
             Trigger via: ostler trigger app <action_name>

             Code metrics value 
            ┌────────────┬─────────┐
            │ Heap Usage │ 76.97 % │
            └────────────┴─────────┘
             Divergent env variables from local env 
            ┌───┬───┐
            │ A │ 1 │
            └───┴───┘

             Use `ostler logs app [--lines 1000]` to display logs
             Use `ostler env 0` to display environment variables
        "#]]
        .assert_eq(&describe(&details(), &local, Program::Ostler, 10_000, Paint::PLAIN));
    }
}
