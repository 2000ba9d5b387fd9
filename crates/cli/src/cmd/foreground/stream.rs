//! The apps' output as that of the foreground, in a thread of its own: whoever reads it may be
//! slow, which must keep nobody from hearing a signal.
//!
//! Nothing is left out: the apps wait for this reader, as they would for the reader of a pipe.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use ostler_client::{Client, Home, follow};
use ostler_wire::control::{Event, Lifecycle, Request};

use super::course::News;
use crate::cmd::dev::Dev;
use crate::cmd::logs::{Form, Writer};
use crate::output::Output;
use crate::program::Program;

/// The date before a line of PM2's own.
const DATE: &str = "YYYY-MM-DDTHH:mm:ss";

/// What is printed, and how.
pub(super) struct Stream {
    pub(super) out: Output,
    pub(super) writer: Writer,
    pub(super) program: Program,
    /// Counted up with each event that was printed.
    pub(super) printed: Arc<AtomicU64>,
    /// Apps are worked on.
    pub(super) dev: Option<Dev>,
}

impl Stream {
    /// Prints what the manager of this home streams, until that is gone. Tells of what happens
    /// to processes, and of the end.
    pub(super) fn run(mut self, client: Client, home: &Home, news: &Sender<News>) {
        let request = Request::Logs {
            ids: Vec::new(),
            out: true,
            err: true,
            events: true,
            own: true,
            confirm: false,
            patient: true,
            places: false,
        };
        let on_event = |event: Event| {
            if let Event::Process { what, .. } = &event
                && may_be_an_end(*what)
            {
                // Who does not listen any more is about to end.
                _ = news.send(News::Changed);
            }
            self.print(event);
            // Nobody reads any more, or the disk is full: apps go on, and the manager is told that
            // their lines were taken.
            _ = self.out.flush();
            self.printed.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        // How it ended is found out by whoever hears of it.
        _ = follow(client, home, &request, on_event, |_| ());
        _ = news.send(News::LogsOver);
    }

    fn print(&mut self, event: Event) {
        let Self { out, writer, program, dev, .. } = self;
        match event {
            Event::Log(line) if line.text.is_empty() && writer.form == Form::Raw => {
                if line.err {
                    out.data_aside("\n");
                } else {
                    out.data("\n");
                }
            }
            Event::Log(line) => writer.line(out, &line, (false, None)),
            Event::Process { name, what, at, .. } => match dev {
                Some(dev) if what == Lifecycle::Restart => dev.restarted(out, &name),
                Some(_) => {}
                None => writer.event(out, &name, what, at),
            },
            Event::Own { .. } if dev.is_some() => {}
            Event::Own { at, text } => own(out, *program, writer.form, at, &text),
            Event::Warning { text, .. } => out.warn_aside(&text),
            _ => {}
        }
    }
}

/// Prints a line of the manager's own as PM2 does. Among objects it would break what reads them.
fn own(out: &mut Output, program: Program, form: Form, at: u64, text: &str) {
    if program == Program::Pm2 {
        let line = format!("{}: PM2 log: {text}\n", ostler_logs::date(at, DATE));
        if form == Form::Json { out.aside(&line) } else { out.data(&line) }
    }
}

/// Returns a line of PM2's own, dated now.
pub(super) fn dated(text: &str) -> String {
    format!("{}: PM2 log: {text}\n", ostler_logs::date(crate::view::now(), DATE))
}

/// Whether less may run now than before.
fn may_be_an_end(what: Lifecycle) -> bool {
    match what {
        Lifecycle::Exit | Lifecycle::Stop | Lifecycle::Delete | Lifecycle::RestartOverlimit => true,
        Lifecycle::Online | Lifecycle::Start | Lifecycle::Restart | Lifecycle::Reload => false,
    }
}
