//! Connections of HTTP.
//!
//! Problem: a client may send its head a byte a minute, or open thousands of connections. Rule:
//! a head has its time, and there is room for [`MOST`] connections; whoever comes later waits
//! in the kernel's queue.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ostler_wire::control::Code;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use super::answer::Refused;
use super::settings::Settings;
use super::state::Shared;
use super::{guard, page};
use crate::refusal::Refusal;
use crate::say::say;

/// Connections at the same time.
const MOST: usize = 1024;
/// How long the head of a request may take.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long the answers that are under way have when it is asked to end.
const END_LIMIT: Duration = Duration::from_millis(500);
/// Pause after a connection that could not be accepted, for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is asked to end.
pub(super) async fn run(settings: Settings) -> Result<(), Refusal> {
    let refused = |error: io::Error| {
        let taken = error.kind() == io::ErrorKind::AddrInUse;
        let refusal = Refusal::new(format!("cannot listen on `{}`: {error}", settings.address));
        if taken { refusal.hint("take another port: `ostler web PORT`") } else { refusal }
    };
    let listener = TcpListener::bind(settings.address).await.map_err(refused)?;
    let signals =
        |kind| signal(kind).map_err(|error| Refusal::new(format!("cannot take signals: {error}")));
    let mut term = signals(SignalKind::terminate())?;
    let mut int = signals(SignalKind::interrupt())?;
    say(&format!("serving the web API on {}\n", settings.url()))?;
    let room = Arc::new(Semaphore::new(MOST));
    let shared = Arc::new(Shared::new(settings));
    tokio::select! {
        () = accept(listener, Arc::clone(&room), router(shared)) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    let all = u32::try_from(MOST).unwrap_or(u32::MAX);
    // Whoever streams is cut off: a client comes again by itself.
    let _cut_off = tokio::time::timeout(END_LIMIT, room.acquire_many(all)).await;
    Ok(())
}

/// Every path that is answered.
fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::page))
        .fallback(no_page)
        .layer(middleware::from_fn(guarded))
        .with_state(shared)
}

async fn no_page() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such page")
}

/// Asks the guard, and adds what every answer has.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = match guard::host(text(request.headers(), &header::HOST)) {
        Ok(()) => next.run(request).await,
        Err(guard::Refusal::Host) => Refused::new(
            StatusCode::FORBIDDEN,
            Code::Invalid,
            "the request names a host that others could have pointed to this machine",
        )
        .hint("ask `127.0.0.1` or `localhost`")
        .into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn accept(listener: TcpListener, room: Arc<Semaphore>, router: Router) {
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    connection(stream, router).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    // What is small goes out at once; where the system does not do that, it goes out later.
    let _ = stream.set_nodelay(true);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that goes away or speaks nonsense is its own affair.
    let _ = served.await;
}
