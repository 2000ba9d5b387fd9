//! What processes used in the last hour, or day.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ostler_history::{DAY, HOUR, Ring, Sample};
use ostler_wire::control::Code;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{Asked, Word};
use super::target::meant;
use crate::web::answer::{Refused, Wrong};
use crate::web::recorder::{now, owner};
use crate::web::state::Shared;

/// How far a history goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Range {
    /// A figure for every 10 seconds of the last hour.
    #[default]
    Hour,
    /// A figure for every 2 minutes of the last day.
    Day,
}

/// What processes used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Histories {
    /// Seconds that a figure stands for. Where one is missing, nobody looked.
    step_seconds: u32,
    processes: Vec<History>,
}

/// What a process used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// The number by which commands name it.
    id: u32,
    /// Name of the app.
    name: String,
    /// Namespace of the app.
    namespace: String,
    /// The oldest comes first.
    samples: Vec<Figure>,
}

/// A figure of a history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Figure {
    /// When its step began, ms since 1970.
    at_ms: u64,
    /// CPU use, percent of one processor; the mean of the step.
    cpu_percent: f64,
    /// The most resident memory in the step, bytes.
    memory_bytes: u64,
    /// Restarts until then.
    restarts: u32,
    /// Requests of HTTP that it answered a minute, where it measures that; the mean of the step.
    http_requests_per_minute: Option<f64>,
    /// In this time it answered 95 of 100 of them, ms; the longest of the step.
    http_p95_ms: Option<f64>,
}

/// What processes used in the last hour, or day
#[utoipa::path(get, path = "/api/v1/processes/{word}/history",
    params(
        ("word" = String, Path, description = "Which"),
        ("range" = Option<Range>, Query, description = "The last hour unless given"),
    ),
    responses(
        (status = 200, body = Histories),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong, description = "The daemon does not answer"),
    ))]
pub(super) async fn history(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    asked: Asked,
) -> Result<Json<Histories>, Refused> {
    asked.only(&["range"])?;
    let range = asked.one_of("range", [("hour", Range::Hour), ("day", Range::Day)])?;
    let ring = match range.unwrap_or_default() {
        Range::Hour => HOUR,
        Range::Day => DAY,
    };
    let listed = shared.listing.get(&shared.link).await?;
    let ids = meant(&word, &listed.views, 0)?.iter().map(|view| view.id).collect::<Vec<_>>();
    let reading = {
        let (shared, listed) = (Arc::clone(&shared), Arc::clone(&listed));
        tokio::task::spawn_blocking(move || {
            let views = listed.views.iter().filter(|view| ids.contains(&view.id));
            let read = |view: &ostler_wire::control::ProcView| {
                let (name, namespace) = (view.name.clone(), view.namespace.clone());
                let samples = figures(&shared, view.id, &owner(&namespace, &name), ring)?;
                Ok(History { id: view.id, name, namespace, samples })
            };
            views.map(read).collect::<std::io::Result<Vec<_>>>()
        })
    };
    let failed = |why: String| {
        let message = format!("the history cannot be read: {why}");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Code::System, message)
    };
    let processes = reading.await.map_err(|error| failed(error.to_string()))?;
    let processes = processes.map_err(|error| failed(error.to_string()))?;
    Ok(Json(Histories { step_seconds: ring.step, processes }))
}

fn figures(shared: &Shared, id: u32, owner: &str, ring: Ring) -> std::io::Result<Vec<Figure>> {
    let samples = ostler_history::read(&shared.settings.home, id, owner, ring, now())?;
    Ok(samples.into_iter().map(figure).collect())
}

fn figure(sample: Sample) -> Figure {
    Figure {
        at_ms: sample.at * 1000,
        cpu_percent: f64::from(sample.usage.cpu) / 10.0,
        memory_bytes: u64::from(sample.usage.memory) << 10,
        restarts: sample.usage.restarts,
        http_requests_per_minute: sample.usage.http.map(|http| f64::from(http.rate) / 10.0),
        http_p95_ms: sample.usage.http.map(|http| f64::from(http.latency) / 1000.0),
    }
}
