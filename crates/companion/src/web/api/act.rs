//! What is done with processes. What begins is finished although the client goes away.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ostler_wire::control::{Action, Change, Code, ReloadOptions, Request, ScaleTo};
use utoipa::ToSchema;

use super::asked::{Body, Word};
use super::perform::{Done, perform};
use super::target::meant;
use crate::web::answer::{Refused, Wrong};
use crate::web::clock::since_1970;
use crate::web::state::Shared;

/// Starts processes that do not run
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/start",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn start(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let listed = shared.listing.get(&shared.link).await?;
    let meant = meant(&word, &listed.views, std::process::id())?;
    let ids: Vec<u32> = meant.iter().filter(|of| of.pid == 0).map(|of| of.id).collect();
    if ids.is_empty() {
        let message = format!("`{word}` runs already");
        return Err(Refused::new(StatusCode::CONFLICT, Code::NothingToDo, message));
    }
    Ok(perform(shared, act(Action::Restart, ids), &headers).await)
}

/// Stops processes and keeps them in the list
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/stop",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    on_all(shared, &word, Action::Stop, &headers).await
}

/// Stops processes and starts them again
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/restart",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn restart(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    on_all(shared, &word, Action::Restart, &headers).await
}

/// Sets the restart counters to 0
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/reset",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn reset(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    on_all(shared, &word, Action::Reset, &headers).await
}

/// Stops processes and forgets them
#[utoipa::path(
    delete,
    path = "/api/v1/processes/{word}",
    params(("word" = String, Path, description = "Which")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    on_all(shared, &word, Action::Delete, &headers).await
}

/// How a reload goes.
#[derive(Debug, ToSchema)]
pub(super) struct HowToReload {
    /// Workers replaced at the same time; 1 unless it is given.
    #[schema(minimum = 1)]
    parallel: Option<u32>,
    /// Workers above the number of instances while it runs.
    #[schema(minimum = 1)]
    surge: Option<u32>,
    /// One worker is replaced, and the others when it is promoted.
    canary: Option<bool>,
}

/// Replaces workers one by one, without losing a request
///
/// With `Accept: text/event-stream` each step is told when it is done (`step`), then the end,
/// which is `done` or `error`. Of a client that does not read, steps are counted as `missed`.
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/reload",
    params(("word" = String, Path, description = "Which")),
    request_body = Option<HowToReload>,
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn reload(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    body.only(&["parallel", "surge", "canary"])?;
    let how = HowToReload {
        parallel: body.count("parallel")?,
        surge: body.count("surge")?,
        canary: body.switch("canary")?,
    };
    let HowToReload { parallel, surge, canary } = how;
    let canary = canary.unwrap_or_default();
    let request = Request::Reload {
        ids: ids(&shared, &word).await?,
        change: Change::default(),
        options: ReloadOptions { parallel, surge, canary, ..ReloadOptions::default() },
        ticket: Some(ticket()),
    };
    Ok(perform(shared, request, &headers).await)
}

/// Rolls a canary out to the other workers of its app
///
/// `WORD` is the name of an app. Steps are told as those of a reload are.
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/promote",
    params(("word" = String, Path, description = "The app")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn promote(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Response {
    end_canary(shared, word, true, &headers).await
}

/// Ends a canary: the old version takes its place again
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/rollback",
    params(("word" = String, Path, description = "The app")),
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn rollback(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
) -> Response {
    end_canary(shared, word, false, &headers).await
}

async fn end_canary(
    shared: Arc<Shared>,
    name: String,
    keep: bool,
    headers: &HeaderMap,
) -> Response {
    perform(shared, Request::Promote { name, keep, ticket: Some(ticket()) }, headers).await
}

/// How many processes an app is to have.
#[derive(Debug, ToSchema)]
pub(super) struct HowMany {
    /// `4`, `+2` or `-1`.
    #[schema(pattern = "^[+-]?[0-9]{1,6}$")]
    instances: String,
}

/// Sets the number of processes of an app
#[utoipa::path(
    post,
    path = "/api/v1/processes/{word}/scale",
    params(("word" = String, Path, description = "The app")),
    request_body = HowMany,
    responses(
        (status = 200, body = Done),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong),
    ),
)]
pub(super) async fn scale(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    body.only(&["instances"])?;
    let HowMany { instances } = HowMany { instances: body.text("instances")?.to_owned() };
    let Some(target) = ScaleTo::parse(&instances) else {
        let message = format!("`{instances}` is no number of instances");
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message)
            .hint("write `4`, `+2` or `-1`"));
    };
    let lowest_first = false;
    let request =
        Request::Scale { name: word, target, lowest_first, doing: false, ticket: Some(ticket()) };
    Ok(perform(shared, request, &headers).await)
}

async fn on_all(
    shared: Arc<Shared>,
    word: &str,
    action: Action,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let ids = ids(&shared, word).await?;
    Ok(perform(shared, act(action, ids), headers).await)
}

async fn ids(shared: &Shared, word: &str) -> Result<Vec<u32>, Refused> {
    let listed = shared.listing.get(&shared.link).await?;
    let meant = meant(word, &listed.views, std::process::id())?;
    Ok(meant.iter().map(|of| of.id).collect())
}

fn act(action: Action, ids: Vec<u32>) -> Request {
    Request::Act { action, ids, change: Change::default(), ticket: Some(ticket()) }
}

/// A word that no other request has.
fn ticket() -> String {
    format!("{}-{}", std::process::id(), since_1970().as_nanos())
}
