//! PM2's page: the machine and its processes as one JSON text.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ostler_client::{Answer, Error};
use ostler_wire::control::{Reply, Request};
use serde_json::{Value, json};

use super::answer::Refused;
use super::host;
use super::mask::mask;
use super::state::Shared;
use super::tokens::Role;

/// Answers `GET /`.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    Extension(role): Extension<Role>,
) -> Result<Json<Value>, Refused> {
    let text = match shared.link.ask(&Request::Jlist, |_| ()).await? {
        Answer::Raw(text) => text,
        Answer::Reply(Reply::Error(failure)) => return Err(failure.into()),
        Answer::Reply(_) => return Err(malformed("no list").into()),
    };
    let list = serde_json::from_slice(&text).map_err(|error| Error::not_understood(&error))?;
    Ok(Json(json!({
        "system_info": host::system(),
        "monit": host::monit(),
        "processes": processes(list, shared.settings.strip, role == Role::Admin),
    })))
}

/// Returns the processes as everybody may see them who may look at the page.
fn processes(mut list: Value, strip: bool, secrets: bool) -> Value {
    if !secrets {
        mask(&mut list);
    }
    let all = list.as_array_mut().into_iter().flatten();
    for env in all.filter_map(|process| process.get_mut("pm2_env")?.as_object_mut()) {
        if strip {
            // The order of the others is PM2's.
            env.shift_remove("env");
        }
    }
    list
}

fn malformed(why: &str) -> Error {
    Error::Malformed(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_environment_is_left_out_where_that_is_asked_for() {
        let list =
            || json!([{ "pm2_env": { "env": { "TOKEN": "x" }, "TOKEN": "x", "name": "a" } }]);
        let masked =
            json!([{ "pm2_env": { "env": { "TOKEN": "***" }, "TOKEN": "***", "name": "a" } }]);
        assert_eq!(processes(list(), false, false), masked);
        assert_eq!(processes(list(), false, true), list());
        let stripped = json!([{ "pm2_env": { "TOKEN": "***", "name": "a" } }]);
        assert_eq!(processes(list(), true, false), stripped);
    }
}
