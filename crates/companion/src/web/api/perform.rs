//! What a request to the daemon comes to: told at its end, or step by step.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ostler_client::Answer;
use ostler_wire::control::{Code, Event, Failure, Reply, Request};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, channel};
use utoipa::ToSchema;

use crate::web::answer::{Refused, Why};
use crate::web::state::Shared;

/// One step on the way.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Progress {
    /// Number of the process, where it is about one.
    id: Option<u32>,
    /// Name of the app, where it is about one.
    name: Option<String>,
    /// What was done, in words.
    text: String,
    /// Why it was not done.
    error: Option<Why>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// What was done with each process.
    steps: Vec<Progress>,
    /// Why it was not done, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Why>,
}

/// What is said on the way.
enum Told {
    Step(Progress),
    /// The end, and how many steps were not told because the client did not read.
    End(Result<(), Refused>, u64),
}

/// So many steps wait for a client that does not read. What is done waits for nobody: further
/// steps are counted and not told.
const AHEAD: usize = 256;

/// Asks the daemon, and tells what comes of it: at the end, or step by step. Both go on by
/// themselves: a client that goes away does not leave it half done.
pub(super) async fn perform(
    shared: Arc<Shared>,
    request: Request,
    headers: &HeaderMap,
) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|kinds| kinds.contains("text/event-stream")) {
        return streamed(begin(shared, request));
    }
    let task = tokio::spawn(async move {
        let mut steps = Vec::new();
        let end = ask(&shared, &request, |step| steps.push(step)).await;
        shared.listing.forget().await;
        (steps, end)
    });
    match task.await {
        Ok((steps, Ok(()))) => Json(Done { steps, error: None }).into_response(),
        Ok((steps, Err(refused))) => {
            let error = Some(refused.failure.into());
            (refused.status, Json(Done { steps, error })).into_response()
        }
        Err(_) => lost().into_response(),
    }
}

/// Begins it, and lets somebody hear of each step.
fn begin(shared: Arc<Shared>, request: Request) -> Receiver<Told> {
    let (told, hears) = channel(AHEAD);
    tokio::spawn(async move {
        let mut missed = 0;
        let tell = |step| missed += u64::from(told.try_send(Told::Step(step)).is_err());
        let end = ask(&shared, &request, tell).await;
        shared.listing.forget().await;
        // This waits until there is room for it, or nobody who could be told.
        let _ = told.send(Told::End(end, missed)).await;
    });
    hears
}

fn lost() -> Refused {
    let message = "how it ended is not known";
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown, message)
}

fn streamed(hears: Receiver<Told>) -> Response {
    let stream = stream::unfold(Some(hears), |hears| async move {
        let mut hears = hears?;
        let (name, data, rest) = match hears.recv().await? {
            Told::Step(step) => ("step", json!(step), Some(hears)),
            Told::End(Ok(()), 0) => ("done", json!({}), None),
            Told::End(Ok(()), missed) => ("done", json!({ "missed": missed }), None),
            Told::End(Err(refused), _) => ("error", json!(Why::from(refused.failure)), None),
        };
        let event = sse::Event::default().event(name).data(data.to_string());
        Some((Ok::<_, Infallible>(event), rest))
    });
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

async fn ask(
    shared: &Shared,
    request: &Request,
    mut tell: impl FnMut(Progress) + Send,
) -> Result<(), Refused> {
    let mut failed = None;
    let answer = shared.link.ask(request, |event| {
        if let Some((step, failure)) = step(event) {
            failed = failed.take().or(failure);
            tell(step);
        }
    });
    match answer.await? {
        Answer::Reply(Reply::Done) => failed.map_or(Ok(()), |failure: Failure| Err(failure.into())),
        Answer::Reply(Reply::Error(failure)) => Err(failure.into()),
        Answer::Reply(_) | Answer::Raw(_) => Err(lost()),
    }
}

/// What a client is told of an event, and the failure in it.
fn step(event: Event) -> Option<(Progress, Option<Failure>)> {
    let (id, name, text, failure) = match event {
        Event::Acted { id, name, error, .. } => {
            let text = if error.is_some() { "failed" } else { "done" };
            (Some(id), Some(name), text.to_owned(), error)
        }
        Event::Step { name, id, step } => {
            let text = step.sentence(id, &name);
            (Some(id), Some(name), text, None)
        }
        Event::Failed { name, error } => (None, Some(name), "failed".to_owned(), Some(error)),
        Event::Warning { text, .. } => (None, None, text, None),
        Event::Started { .. }
        | Event::Starting { .. }
        | Event::Doing { .. }
        | Event::Restoring { .. }
        | Event::Log(_)
        | Event::Following { .. }
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Restored { .. }
        | Event::Asked { .. }
        | Event::Answered { .. } => return None,
    };
    let error = failure.clone().map(Why::from);
    Some((Progress { id, name, text, error }, failure))
}
