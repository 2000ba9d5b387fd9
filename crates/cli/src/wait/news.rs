//! The stream of news, read by a thread of its own while the command looks and sleeps.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver};

use ostler_client::{Client, Home, Silence, Trouble, follow};
use ostler_wire::control::{Event, LogLine, LogStart, Request};

use crate::failed::Failed;

/// What the daemon tells of the processes that are waited for.
#[derive(Debug)]
pub(super) enum News {
    /// From now on everything is told. Where the output of current runs begins.
    Following(Vec<LogStart>),
    /// Something happened to this process.
    Happened(u32),
    /// A line of output.
    Line(LogLine),
    /// One daemon after the other ends.
    DaemonsEnd,
    /// The daemon does not answer.
    Silent(Silence),
    /// Nothing more is told.
    Over(ostler_client::Error),
}

/// Opens the stream for these processes. `lines`: with what they write.
///
/// # Errors
/// No thread is to be had.
pub(super) fn open(
    client: Client,
    home: &Home,
    ids: Vec<u32>,
    lines: bool,
) -> Result<Receiver<News>, Failed> {
    let (sender, news) = mpsc::channel();
    let home = home.clone();
    let request = Request::Logs {
        ids,
        out: lines,
        err: lines,
        events: true,
        own: false,
        confirm: true,
        patient: false,
        places: false,
    };
    let work = move || {
        // Whoever waits may have gone, which ends the stream.
        let tell = |news| {
            if sender.send(news).is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let on_event = |event| match event {
            Event::Following { starts } => tell(News::Following(starts)),
            Event::Process { id, .. } => tell(News::Happened(id)),
            Event::Log(line) => tell(News::Line(line)),
            Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Failed { .. }
            | Event::Acted { .. }
            | Event::Step { .. }
            | Event::Own { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Restored { .. }
            | Event::Warning { .. } => ControlFlow::Continue(()),
        };
        let on_trouble = |trouble| match trouble {
            // It is made good when the next daemon says that it tells everything.
            Trouble::Lost => {}
            Trouble::DaemonsEnd => _ = tell(News::DaemonsEnd),
            Trouble::Silent(silence) => _ = tell(News::Silent(silence)),
        };
        if let Err(error) = follow(client, &home, &request, on_event, on_trouble) {
            _ = tell(News::Over(error)); // Nothing comes after it.
        }
    };
    let thread = std::thread::Builder::new().name("news".to_owned());
    thread.spawn(work).map_err(|error| Failed::new(format!("cannot start a thread: {error}")))?;
    Ok(news)
}
