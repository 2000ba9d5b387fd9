//! `alert test`: whether who is to be told is reached, and what they answer.

use ostler_client::Home;
use ostler_core::spec::{AlertKind, Alerts, AppSpec};
use ostler_pm2::settings::Settings;
use ostler_sinks::{Alert, AlertsKept, Delivered, Receiver, Runs};

use super::list::meant;
use crate::caller;
use crate::failed::Failed;
use crate::of_file;
use crate::session::Session;
use crate::settings_file::SettingsFile;

/// Runs the command `alert`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let what = session.args.word().to_owned();
    if what != "test" {
        return Err(Failed::misuse(format!("`alert` takes `test`, but got `{what}`"))
            .hint("`ostler alert test` tries whether alerts arrive"));
    }
    session.home.refuse_unusable()?;
    let settings = SettingsFile::of(&session.home).read()?;
    let of_home = of_home(&settings)?;
    let spec = match session.args.words.get(1).cloned() {
        Some(word) => Some(spec_of(session, &word)?),
        None => None,
    };
    let receivers = receivers(session, &of_home, spec.as_ref());
    if receivers.is_empty() {
        let whom = match &spec {
            Some(spec) => format!("alerts of app `{}`", spec.name),
            None => "alerts of all apps".to_owned(),
        };
        return Err(Failed::new(format!("nobody is told of {whom}"))
            .hint("`ostler set ostler.alerts.mail root` tells root; see docs/alerts.md"));
    }
    let alert = test(spec.as_ref());
    let mut failed = 0;
    for receiver in &receivers {
        let (said, is_taken) = match ostler_sinks::deliver(&alert, receiver) {
            Delivered::Taken(said) => (said, true),
            Delivered::Refused(why) | Delivered::Failed { why, .. } => (why, false),
        };
        failed += usize::from(!is_taken);
        let verdict = if is_taken { "taken" } else { "not taken" };
        session.out.value(&format!("{}: {verdict}: {said}\n", receiver.target));
    }
    match failed {
        0 => Ok(()),
        _ => {
            let all = receivers.len();
            Err(Failed::new(format!("{failed} of {all} receivers did not take the alert")))
        }
    }
}

/// Returns who is told of all apps.
fn of_home(settings: &Settings) -> Result<Alerts, Failed> {
    ostler_pm2::alerts::of(settings).map_err(|refused| {
        Failed::new(format!("`ostler.alerts` {}", refused.why)).hint(refused.hint)
    })
}

fn spec_of(session: &mut Session, word: &str) -> Result<AppSpec, Failed> {
    let all = session.about(word)?;
    let ids = meant(word, &all, &caller::cwd()?)?;
    let view = all.iter().find(|view| ids.contains(&view.id)).cloned();
    let specs = of_file::specs(session);
    let spec = view.and_then(|view| of_file::spec_of(&specs, &view).cloned());
    spec.ok_or_else(|| Failed::new(format!("nothing is known of how `{word}` was started")))
}

fn receivers(session: &Session, of_home: &Alerts, spec: Option<&AppSpec>) -> Vec<Receiver> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = Runs {
        cwd: session.home.path().to_owned(),
        env: caller::environment(),
        uid: None,
        gid: None,
    };
    let of_home = of_home.to.iter().map(|to| (to, own.clone()));
    let of_app =
        spec.into_iter().flat_map(|spec| spec.alerts.to.iter().map(|to| (to, Runs::of(spec))));
    let mut all: Vec<Receiver> = Vec::new();
    for (to, runs) in of_home.chain(of_app) {
        // Once is enough for who is told of all apps.
        if all.iter().all(|other| other.target != to.target) {
            all.push(Receiver { target: to.target.clone(), runs, host: host.clone() });
        }
    }
    all
}

fn test(spec: Option<&AppSpec>) -> Alert {
    let (namespace, app) = match spec {
        Some(spec) => (spec.namespace.clone(), spec.name.clone()),
        None => ("default".to_owned(), "ostler".to_owned()),
    };
    Alert {
        kind: AlertKind::Test.word().to_owned(),
        namespace,
        app,
        process: None,
        at: ostler_logs::now_ms(),
        text: "this is a test, by `ostler alert test`; nothing has happened".to_owned(),
        held_back: 0,
    }
}

/// Returns who is told of alerts about an app, and what became of that.
pub(super) fn told(home: &Home, spec: &AppSpec, settings: &Settings) -> Vec<String> {
    // What cannot be read is not shown; nobody is told less for it.
    let of_home = ostler_pm2::alerts::of(settings).unwrap_or_default();
    let kept = ostler_sinks::alerts_of_home(home.path()).unwrap_or_default();
    let of = Some((spec.namespace.clone(), spec.name.clone()));
    let own = spec.alerts.to.iter().map(|to| (to, of.clone()));
    let all = of_home.to.iter().map(|to| (to, None)).chain(own);
    let line = |(to, of): (&ostler_core::spec::AlertTo, Option<(String, String)>)| {
        let name = to.target.to_string();
        let kept = kept.iter().find(|kept| kept.receiver == name && kept.of == of);
        let mut text = kept.map_or_else(|| format!("{name}: none told yet"), counted);
        if of.is_none() {
            text.push_str(" (told of all apps)");
        }
        text
    };
    all.map(line).collect()
}

fn counted(kept: &AlertsKept) -> String {
    let mut text = format!("{}: {} told", kept.receiver, kept.sent);
    if 0 < kept.refused {
        text.push_str(&format!(", {} refused", kept.refused));
    }
    if 0 < kept.lost {
        text.push_str(&format!(", {} lost", kept.lost));
    }
    match (&kept.trouble, kept.since) {
        (Some(why), Some(since)) => {
            let since = ostler_logs::date(since, "YYYY-MM-DD HH:mm:ss");
            text.push_str(&format!("; waits since {since}: {why}"));
        }
        (Some(why), None) => text.push_str(&format!("; the last was refused: {why}")),
        (None, _) => {}
    }
    text
}
