//! Which errors apps wrote into their logs, those alike counted.
//!
//! Problem: what is an error, which of them are alike and when a line was written is known to
//! `ostler logs --errors`, which reads rotated and compressed files, too. Rule: that command is
//! executed, and one at a time, as it may have much to read.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ostler_env::OSTLER_HOME;
use ostler_wire::control::Code;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use utoipa::ToSchema;

use super::asked::{Asked, Word};
use super::target::meant;
use crate::failed::Failed;
use crate::web::answer::{Refused, Wrong};
use crate::web::state::Shared;

/// How long the command may read.
const LIMIT: Duration = Duration::from_secs(30);
/// Errors that are told, the most frequent first.
const MOST: usize = 200;
/// How far it looks back unless something else is asked for.
const DAY: &str = "1d";

/// Errors of apps, the most frequent first; at most 200.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Errors {
    errors: Vec<Group>,
}

/// Errors that are alike: they differ in numbers and quoted words only.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Group {
    /// Name of the app.
    #[serde(rename(deserialize = "app_name"))]
    app: String,
    /// How many there are.
    count: u64,
    /// When the first one was written; `null`: that is not known.
    first: Option<String>,
    /// When the last one was written; `null`: that is not known.
    last: Option<String>,
    /// The first one, with its stack.
    message: String,
}

/// Errors that apps wrote, those alike counted, with the first and the last time
#[utoipa::path(get, path = "/api/v1/processes/{word}/errors",
    params(
        ("word" = String, Path, description = "Which"),
        ("since" = Option<String>, Query,
            description = "A time, or a duration such as `2h`; `1d` unless given"),
    ),
    responses(
        (status = 200, body = Errors),
        (status = "4XX", body = Wrong),
        (status = 503, body = Wrong, description = "The daemon does not answer, or the logs are \
            too large to be read in 30 s"),
    ))]
pub(super) async fn errors(
    State(shared): State<Arc<Shared>>,
    Word(word): Word,
    asked: Asked,
) -> Result<Json<Errors>, Refused> {
    asked.only(&["since"])?;
    let since = asked.text("since").unwrap_or(DAY).to_owned();
    if since.contains('\0') {
        let message = "`since` has a NUL in it, which no time has";
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message));
    }
    let listed = shared.listing.get(&shared.link).await?;
    meant(&word, &listed.views, 0)?;
    let _alone = shared.reading.lock().await;
    let program = program();
    let mut command = Command::new(&program);
    command.args(["logs", "--errors", "--json", "--no-color"]).arg(format!("--since={since}"));
    command.args(["--", &word]).env(OSTLER_HOME, &shared.settings.home);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.map_err(|_| {
        let limit = LIMIT.as_secs();
        unavailable(format!("the logs since `{since}` could not be read within {limit} s"))
            .hint("ask for a shorter time: `since=1h`")
    })?;
    let output = output.map_err(|error| {
        unavailable(format!("cannot execute `{}`: {error}", program.display()))
            .hint("put `ostler` beside `ostler-companion`")
    })?;
    read(&output, &since).map(|errors| Json(Errors { errors }))
}

fn unavailable(message: String) -> Refused {
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, Code::Busy, message)
}

/// The command, which is installed beside this program.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("ostler")
}

/// Returns what the command printed, which looked so far back.
fn read(output: &Output, since: &str) -> Result<Vec<Group>, Refused> {
    if !output.status.success() {
        let Failed { message, hint } = Failed::said(&String::from_utf8_lossy(&output.stderr));
        let refused = match output.status.code() {
            // Nothing else of that line is the client's.
            Some(2) => {
                let message =
                    format!("`since` is `{}`, which is no time", ostler_text::shown(since));
                Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message)
            }
            _ => unavailable(message),
        };
        return Err(match hint {
            Some(hint) => refused.hint(hint),
            None => refused,
        });
    }
    let groups = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Group>();
    groups.take(MOST).collect::<Result<_, _>>().map_err(|error| {
        let message = format!("what `ostler logs` printed is not understood: {error}");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Other, message)
    })
}
