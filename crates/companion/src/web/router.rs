//! Every path that is answered, and what surrounds all answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use ostler_wire::control::Code;

use super::answer::Refused;
use super::guard::{self, Asked, Peer};
use super::settings::Settings;
use super::state::Shared;
use super::{api, dashboard, page};

/// Bytes that a request may have beside its head.
const MOST_BYTES: usize = 64 << 10;

/// Returns every path. What is no secret is behind no token.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let (api, document) = api::router();
    // Only maps with keys that are no text cannot be written, and it has none.
    let document = serde_json::to_string(&document).unwrap_or_default();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let open = Router::new().route(api::DOCUMENT, get(async move || (json, document.clone())));
    let guarded = Router::new().route("/", get(page::page)).merge(api).fallback(no_page);
    let guarded = guarded.method_not_allowed_fallback(no_method);
    let guarded = guarded.layer(middleware::from_fn_with_state(Arc::clone(shared), guarded_by));
    open.merge(dashboard::router())
        .merge(guarded)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), outermost))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Arc::clone(shared))
}

async fn no_page() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such page")
}

async fn no_method(request: Request) -> Refused {
    let message = format!("this path takes no `{}`", request.method());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, Code::Invalid, message)
        .hint("`GET /api/v1/openapi.json` says what each path takes")
}

/// Refuses whom no answer may reach, and adds what every answer has.
async fn outermost(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let decided = guard::origin(&asked(&request), &shared.settings.hosts);
    let mut response = match decided {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Asks the guard who this is.
async fn guarded_by(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Settings { tokens, hosts, .. } = &shared.settings;
    let decided = guard::decide(&asked(&request), tokens, hosts);
    match decided {
        Ok(role) => {
            request.extensions_mut().insert(role);
            next.run(request).await
        }
        Err(refusal) => refused(refusal).into_response(),
    }
}

/// What the guard has to know of a request.
fn asked(request: &Request) -> Asked<'_> {
    let headers = request.headers();
    let text = |name: &str| headers.get(name)?.to_str().ok();
    // What cannot be read is as bad as what is wrong.
    let given = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    Asked {
        changes: !request.method().is_safe(),
        host: text("host"),
        origin: given("origin"),
        site: given("sec-fetch-site"),
        mode: text("sec-fetch-mode"),
        authorization: text("authorization"),
        content_type: given("content-type"),
        peer: request.extensions().get().copied().unwrap_or(Peer::Other),
    }
}

/// What somebody is told who is refused.
fn refused(refusal: guard::Denied) -> Refused {
    let of = |status, why| Refused::new(status, Code::Invalid, why);
    match refusal {
        guard::Denied::Host => of(
            StatusCode::FORBIDDEN,
            "the request names a host that others could have pointed to this machine",
        )
        .hint("ask `127.0.0.1` or `localhost`, or name the host in OSTLER_WEB_HOSTS"),
        guard::Denied::Origin => of(StatusCode::FORBIDDEN, "a page of another origin asks"),
        guard::Denied::Form => of(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "what is sent is of a kind that a form of another page can send",
        )
        .hint("say `Content-Type: application/json`"),
        guard::Denied::Peer => of(
            StatusCode::FORBIDDEN,
            "another user of the machine asks than the one whose apps these are",
        )
        .hint("let that user give out a token: `ostler web --token-file FILE`"),
        guard::Denied::Token => {
            of(StatusCode::UNAUTHORIZED, "no token was given, or one that is not known")
                .hint("say `Authorization: Bearer TOKEN`")
        }
        guard::Denied::Role => of(StatusCode::FORBIDDEN, "this token permits to look, no more"),
    }
}
