//! What happens, as it happens: server-sent events.
//!
//! Each has a number. A client that comes again with the last one that it has seen
//! (`Last-Event-ID`, which browsers send by themselves) goes on after it, or is told by `gap` that
//! it missed something.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde_json::json;
use utoipa::ToSchema;

use super::asked::Asked;
use super::target::meant;
use crate::web::answer::{Refused, Wrong};
use crate::web::hub::{Given, Happened, Reader};
use crate::web::state::Shared;

/// Which events a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// Lines of output and errors; `None` for no lines.
    lines: Option<(bool, bool)>,
    /// What happens to processes.
    processes: bool,
    /// Numbers of the processes; none for every one.
    ids: Option<BTreeSet<u32>>,
}

/// One event, as readers of `text/event-stream` give it.
#[derive(Debug, ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "it describes what axum writes")]
pub(super) struct Sent {
    /// What happened: `log`, `process` or `gap`; what is done is told as `step`, `done`, `error`.
    event: String,
    /// An object in JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// Its number, for `Last-Event-ID`. A gap has none.
    id: Option<String>,
}

/// What happens to processes: `online`, `exit`, `restart`, …
#[utoipa::path(get, path = "/api/v1/events",
    params(("Last-Event-ID" = Option<String>, Header, description = "Go on after this one")),
    responses(
        (status = 200, content_type = "text/event-stream", body = Sent,
            description = "`process` events: id, name, what, at_ms. `gap`: something was missed"),
        (status = "4XX", body = Wrong),
    ))]
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let wanted = Wanted { lines: None, processes: true, ids: None };
    follow(&shared, &headers, wanted).await
}

/// Where a process writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Source {
    /// On standard output.
    Out,
    /// On standard error.
    Err,
}

/// Each line that processes write
#[utoipa::path(get, path = "/api/v1/logs",
    params(
        ("word" = Option<String>, Query, description = "Which, as in a path; `all` unless given"),
        ("stream" = Option<Source>, Query, description = "Both unless given"),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this one"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = Sent,
            description = "`log` events: id, name, stream, at_ms, text, dropped; `gap`"),
        (status = "4XX", body = Wrong),
    ))]
pub(super) async fn logs(
    State(shared): State<Arc<Shared>>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    asked.only(&["word", "stream"])?;
    let ids = match asked.text("word") {
        None | Some("all") => None,
        Some(word) => {
            let listed = shared.listing.get(&shared.link).await?;
            Some(meant(word, &listed.views, 0)?.iter().map(|view| view.id).collect())
        }
    };
    let streams = match asked.one_of("stream", [("out", Source::Out), ("err", Source::Err)])? {
        None => (true, true),
        Some(Source::Out) => (true, false),
        Some(Source::Err) => (false, true),
    };
    let wanted = Wanted { lines: Some(streams), processes: false, ids };
    Ok(follow(&shared, &headers, wanted).await)
}

async fn follow(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    wanted: Wanted,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let reader = shared.hub.reader(seen).await;
    let stream = stream::unfold((reader, wanted), |(mut reader, wanted)| async move {
        let event = next(&mut reader, &wanted).await;
        Some((Ok(event), (reader, wanted)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn next(reader: &mut Reader, wanted: &Wanted) -> Event {
    loop {
        if let Some(event) = wanted.event(&reader.next().await) {
            return event;
        }
    }
}

impl Wanted {
    /// Returns what a client is told of something, if it wants that.
    fn event(&self, given: &Given) -> Option<Event> {
        let (name, data, number) = match given {
            Given::Missed(missed) => ("gap", json!({ "missed": missed }), None),
            Given::This(number, happened) => {
                let (name, data) = self.told(happened)?;
                (name, data, Some(number))
            }
        };
        let event = Event::default().event(name).data(data.to_string());
        Some(match number {
            Some(number) => event.id(number.to_string()),
            None => event,
        })
    }

    fn told(&self, happened: &Happened) -> Option<(&'static str, serde_json::Value)> {
        let is_of = |id: &u32| self.ids.as_ref().is_none_or(|ids| ids.contains(id));
        match happened {
            Happened::Line(line) => {
                let (out, err) = self.lines?;
                if !is_of(&line.id) || !(if line.err { err } else { out }) {
                    return None;
                }
                let data = json!({
                    "id": line.id,
                    "name": line.name,
                    "stream": if line.err { "err" } else { "out" },
                    "at_ms": line.at,
                    "text": line.text,
                    "dropped": line.dropped,
                });
                Some(("log", data))
            }
            Happened::Process { id, name, what, at } => (self.processes && is_of(id))
                .then(|| ("process", json!({ "id": id, "name": name, "what": what, "at_ms": at }))),
            Happened::Gap => Some(("gap", json!({ "missed": null }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_wire::control::LogLine;

    use super::*;

    #[test]
    fn a_client_is_told_what_it_wants_and_of_every_gap() {
        let line = |id, err| {
            let (name, text) = ("api".to_owned(), "x".to_owned());
            Happened::Line(LogLine { id, name, err, at: 5, text, dropped: 0, place: None })
        };
        let exit = Happened::Process { id: 1, name: "api".to_owned(), what: "exit", at: 5 };
        let told = |wanted: &Wanted, happened: &Happened| wanted.told(happened).map(|of| of.0);
        let logs = Wanted { lines: Some((true, false)), processes: false, ids: Some([1].into()) };
        assert_eq!(told(&logs, &line(1, false)), Some("log"));
        assert_eq!(told(&logs, &line(1, true)), None);
        assert_eq!(told(&logs, &line(2, false)), None);
        assert_eq!(told(&logs, &exit), None);
        let events = Wanted { lines: None, processes: true, ids: None };
        assert_eq!(told(&events, &line(1, false)), None);
        let data = json!({ "id": 1, "name": "api", "what": "exit", "at_ms": 5 });
        assert_eq!(events.told(&exit), Some(("process", data)));
        assert_eq!(told(&events, &Happened::Gap), Some("gap"));
        assert_eq!(told(&logs, &Happened::Gap), Some("gap"));
    }
}
