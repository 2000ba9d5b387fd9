//! `health`: whether all apps are well, for the health check of a container. Starts no daemon.

use std::collections::BTreeMap;

use ostler_wire::control::{Phase, ProcView};
use serde_json::{Value, json};

use super::{each, told};
use crate::caller;
use crate::failed::{FAILED, Failed};
use crate::select::select_own;
use crate::session::Session;
use crate::show::{self, Asked};
use crate::voice::Problem;

/// Runs the command `health`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    if !session.connect_if_running()? {
        return Err(session.no_daemon());
    }
    let mut processes = session.list()?;
    if !session.args.words.is_empty() {
        let (words, cwd) = (session.args.words.clone(), caller::cwd()?);
        let picked =
            each::word(session, &words, |_, word| Ok(select_own(word, &processes, &cwd)?.ids()))?;
        let ids = picked.concat();
        processes.retain(|process| ids.contains(&process.id));
    }
    if processes.is_empty() {
        return Err(Problem::NoProcess { word: "all".to_owned() }.into());
    }
    let reasons = show::reasons(&processes);
    if let Some(asked) = asked {
        return facts(session, &asked, &processes, &reasons);
    }
    let sick: Vec<(&str, String)> = processes
        .iter()
        .filter_map(|of| Some((of.name.as_str(), sick(of, reasons.get(&of.id).copied())?)))
        .collect();
    if sick.is_empty() {
        let plural = if processes.len() == 1 { "process is" } else { "processes are" };
        session.out.message(&format!("{} {plural} well", processes.len()));
        return Ok(());
    }
    let name = sick.first().map_or("", |(name, _)| name);
    let pasted = ostler_shell::operand(name);
    let told: Vec<&str> = sick.iter().map(|(_, told)| told.as_str()).collect();
    Err(Failed::new(told.join("; ")).hint(format!("`ostler describe {pasted}` shows more")))
}

/// Tells a program of each process whether it is well.
fn facts(
    session: &mut Session,
    asked: &Asked,
    processes: &[ProcView],
    reasons: &BTreeMap<u32, &'static str>,
) -> Result<(), Failed> {
    let mut well = true;
    let mut object = |of: &ProcView| {
        let sick = sick(of, reasons.get(&of.id).copied());
        well &= sick.is_none();
        json!({ "id": of.id, "name": of.name, "namespace": of.namespace,
            "status": show::status(of), "well": sick.is_none(), "why": sick })
    };
    let all: Vec<Value> = processes.iter().map(&mut object).collect();
    told::inside(session, asked, &all, |all| json!({ "well": well, "processes": all }));
    if well { Ok(()) } else { Err(Failed::quiet(FAILED)) }
}

/// Why a process is not well, if it is not.
fn sick(process: &ProcView, reason: Option<&str>) -> Option<String> {
    let done = process.ended.as_ref().is_some_and(|ended| !ended.asked && ended.is_clean());
    match process.phase {
        // Whoever comes to one that sleeps is answered.
        Phase::Online | Phase::Sleeping => return None,
        // It did what it was started for.
        Phase::Stopped if done => return None,
        Phase::Stopped
        | Phase::Errored
        | Phase::Starting
        | Phase::Stopping
        | Phase::Waiting
        | Phase::Backoff { .. } => {}
    }
    let last = process.ended.as_ref().filter(|ended| !ended.asked);
    let last = last.map_or_else(String::new, |ended| match reason {
        Some(reason) => format!(" (last end: {}, {reason})", ended.how),
        None => format!(" (last end: {})", ended.how),
    });
    let status = show::status(process);
    Some(format!("process {} (`{}`) is {status}{last}", process.id, process.name))
}

#[cfg(test)]
mod tests {
    use ostler_wire::control::{Ended, Outcome};

    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn who_is_online_or_has_done_its_work_is_well_and_others_are_named() {
        let told = |phase, code: Option<i32>| {
            let ended = code.map(|code| Ended {
                at: 1,
                asked: false,
                oom: false,
                own_at: None,
                how: Outcome::Code(code),
            });
            sick(&ProcView { phase, ended, ..sample(0, "api") }, None)
        };
        assert_eq!((told(Phase::Online, Some(1)), told(Phase::Stopped, Some(0))), (None, None));
        let errored = told(Phase::Errored, Some(3)).unwrap();
        assert!(errored.ends_with("is errored (last end: exit code 3)"), "{errored}");
        let ended = Ended { at: 1, asked: false, oom: false, own_at: None, how: Outcome::Code(1) };
        let missing = ProcView { phase: Phase::Errored, ended: Some(ended), ..sample(0, "api") };
        let missing = sick(&missing, Some("module missing")).unwrap();
        assert!(missing.ends_with("(last end: exit code 1, module missing)"), "{missing}");
        assert!(told(Phase::Stopped, None).is_some_and(|of| of.ends_with("is stopped")));
    }
}
