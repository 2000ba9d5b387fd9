//! Calls of PM2's clients: each is planned, and what is planned is done here.

use ostler_keeper::failpoint::hit;
use ostler_pm2::rpc::{Answer, Asked, Call, Method};
use ostler_wire::control::{Request, Watch};
use serde_json::json;

use super::Daemon;
use crate::clock;
use crate::decisions::Decisions;
use crate::model::{ClientId, Input, closing};
use crate::rpc::{Deed, Plan, Then, plan, report};

impl Daemon {
    /// Works on the calls of PM2's clients, one after the other.
    pub(super) fn serve_calls(&mut self) {
        while let Some((client, call)) = self.rpc.next_call() {
            hit("request.before");
            self.on_call(client, *call);
            hit("request.after");
            self.take_reports();
        }
    }

    fn on_call(&mut self, client: usize, call: Call) {
        let Call { id, asked } = call;
        if self.model.model().known().is_closing() && asked.as_ref().is_ok_and(changes_something) {
            return self.rpc.answer(client, &id, Answer::Error(closing().message));
        }
        match plan(asked, self.model.model()) {
            Plan::Answer(answer) => self.rpc.answer(client, &id, answer),
            Plan::Silence => {}
            Plan::Ask(request, then) => {
                let ClientId(number) = self.rpc.begin(client, id, then);
                self.on_request(number, request);
            }
            Plan::Do(Deed::Kill(pid)) => {
                self.rpc.tell_end(client, pid);
                let ClientId(number) = self.rpc.begin(client, id, Then::silence());
                self.on_request(number, Request::Kill);
            }
            Plan::Do(deed) => {
                let answer = self.do_deed(client, deed);
                self.rpc.answer(client, &id, answer);
            }
        }
    }

    fn do_deed(&mut self, client: usize, deed: Deed) -> Answer {
        match deed {
            Deed::List => {
                self.runs.look_at_all(clock::monotonic(), &mut self.reports);
                self.take_reports();
                list(&mut self.model)
            }
            Deed::Report => {
                let apps = self.model.registry().procs().len();
                report(self.config.version, apps, self.since)
            }
            Deed::Send(runs, bytes, answer) => {
                self.runs.send_all(&runs, &bytes);
                answer
            }
            Deed::SendLater(parts, answer) => {
                for (runs, bytes) in parts {
                    self.rpc.send_later(clock::monotonic(), client, runs, bytes);
                }
                answer
            }
            Deed::Signal(runs, signal) => {
                match runs.iter().try_for_each(|run| self.runs.signal(*run, signal)) {
                    Ok(()) => list(&mut self.model),
                    Err(error) => Answer::Error(format!("Error when sending signal: {error}")),
                }
            }
            Deed::Input { slot, run, packet } => {
                let line = packet.get("line").and_then(|line| line.as_str()).unwrap_or_default();
                match self.runs.write_input(run, line.as_bytes()) {
                    Ok(()) => Answer::of(&packet.into()),
                    Err(error) => Answer::Error(error.pm2_words(&slot.to_string())),
                }
            }
            Deed::Notify { id, event, manually } => {
                self.bus.event(self.model.model(), (id, ""), &event, manually);
                Answer::Void
            }
            Deed::Monitor(id, on) => {
                self.model.push(Input::Monitored { id, on });
                Answer::of(&json!({ "success": true, "pm_id": id.0 }))
            }
            Deed::Watch(ids, how) => {
                for id in ids {
                    self.model.push(Input::Watch { id, how });
                }
                Answer::of(&json!({ "success": true }))
            }
            Deed::ReloadLogs => {
                self.logs.engine().reopen();
                Answer::of(&json!({}))
            }
            // It is done where the call is.
            Deed::Kill(_) => Answer::Void,
        }
    }
}

/// Every process, as it is now.
fn list(model: &mut Decisions) -> Answer {
    model.decide();
    Answer::Value(model.model().known().jlist())
}

/// Whether a call would begin something, which is refused while everything is being ended.
fn changes_something(asked: &Asked) -> bool {
    !matches!(
        asked,
        Asked::Methods
            | Asked::Method(
                Method::Ping
                    | Method::GetVersion
                    | Method::GetReport
                    | Method::GetMonitorData
                    | Method::GetSystemData
                    | Method::Watch(_, Watch::Off)
                    | Method::NotifyKill
                    | Method::Notify(_)
                    | Method::Kill(_)
            )
    )
}
