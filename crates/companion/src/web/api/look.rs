//! What is there: the list, one process, the machine.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ostler_client::{Answer, Error};
use ostler_machine::Counters;
use ostler_wire::control::{Reply, Request};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use utoipa::ToSchema;

use super::asked::Word;
use super::target::meant;
use super::view::{AllDescribed, Described, Process, Processes};
use crate::web::answer::{Refused, Wrong};
use crate::web::host;
use crate::web::state::Shared;
use crate::web::tokens::Role;

/// Every process, at most a quarter of a second old
#[utoipa::path(get, path = "/api/v1/processes", responses(
    (status = 200, body = Processes),
    (status = "4XX", body = Wrong),
    (status = 503, body = Wrong, description = "The daemon does not answer"),
))]
pub(super) async fn processes(State(shared): State<Arc<Shared>>) -> Result<Response, Refused> {
    let listed = shared.listing.get(&shared.link).await?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, Body::from(listed.json.clone())).into_response())
}

/// Everything about the processes that a word means
#[utoipa::path(get, path = "/api/v1/processes/{word}",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = AllDescribed),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong, description = "The daemon does not answer"),
    ))]
pub(super) async fn describe(
    State(shared): State<Arc<Shared>>,
    Extension(role): Extension<Role>,
    Word(word): Word,
) -> Result<Json<AllDescribed>, Refused> {
    let listed = shared.listing.get(&shared.link).await?;
    let mut processes = Vec::new();
    for view in meant(&word, &listed.views, 0)? {
        let siblings = listed.views.iter().take_while(|other| other.id != view.id);
        let before =
            siblings.filter(|of| (&of.namespace, &of.name) == (&view.namespace, &view.name));
        let instance = u32::try_from(before.count()).unwrap_or(u32::MAX);
        match shared.link.ask(&Request::Describe { id: view.id }, |_| ()).await? {
            Answer::Reply(Reply::Describe(details)) => {
                processes.push(Described::of(*details, instance, role == Role::Admin));
            }
            // It was deleted meanwhile.
            Answer::Reply(Reply::Error(_)) => {}
            Answer::Reply(_) | Answer::Raw(_) => {
                return Err(Error::Malformed("no details".to_owned()).into());
            }
        }
    }
    Ok(Json(AllDescribed { processes }))
}

/// The other machines that are known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Others {
    /// Each, in the order of the file that names them.
    hosts: Vec<OneOther>,
}

/// What is known of another machine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneOther {
    name: String,
    /// Where its web API is.
    url: String,
    /// Its processes, as it tells them; none where that is not known.
    #[schema(value_type = Option<Vec<Process>>)]
    processes: Option<Vec<Value>>,
    /// Why its processes are not known.
    error: Option<String>,
}

/// What runs on the other machines that `ostler web --hosts-file` names
#[utoipa::path(get, path = "/api/v1/hosts", responses(
    (status = 200, body = Others), (status = "4XX", body = Wrong),
))]
pub(super) async fn others(State(shared): State<Arc<Shared>>) -> Json<Others> {
    let mut asked = JoinSet::new();
    for (at, other) in shared.settings.others.iter().cloned().enumerate() {
        asked.spawn(async move {
            let (processes, error) = match other.processes().await {
                Ok(processes) => (Some(processes), None),
                Err(why) => (None, Some(why)),
            };
            (at, OneOther { name: other.name, url: other.url, processes, error })
        });
    }
    let mut all = asked.join_all().await;
    all.sort_by_key(|(at, _)| *at);
    Json(Others { hosts: all.into_iter().map(|(_, other)| other).collect() })
}

/// Figures of the machine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Host {
    hostname: String,
    uptime_seconds: f64,
    /// Load of the last 1, 5 and 15 minutes.
    load: Vec<f64>,
    processors: usize,
    /// Share of all processors that works, percent, over a fifth of a second.
    cpu_percent: f64,
    memory_used_bytes: u64,
    memory_total_bytes: u64,
}

/// How long the processors are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Figures of the machine
#[utoipa::path(get, path = "/api/v1/host", responses(
    (status = 200, body = Host), (status = "4XX", body = Wrong),
))]
pub(super) async fn host() -> Json<Host> {
    let before = Counters::read();
    tokio::time::sleep(LOOK).await;
    let counters = Counters::read();
    let (memory_used_bytes, memory_total_bytes) = counters.memory();
    Json(Host {
        hostname: host::name(),
        uptime_seconds: host::uptime(),
        load: host::load(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        cpu_percent: counters.cpu_since(&before),
        memory_used_bytes,
        memory_total_bytes,
    })
}
