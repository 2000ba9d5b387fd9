//! Connections of HTTP.
//!
//! Problem: a client may send its head a byte a minute, or open thousands of connections. Rule:
//! a head has its time, and there is room for [`MOST`] connections; whoever comes later waits
//! in the kernel's queue.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::guard::Peer;
use super::pusher::push;
use super::recorder::record;
use super::router::router;
use super::settings::Settings;
use super::state::Shared;
use super::tls::Certificate;
use crate::failed::Failed;
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
pub(super) async fn run(settings: Settings) -> Result<(), Failed> {
    let refused = |error: io::Error| {
        let taken = error.kind() == io::ErrorKind::AddrInUse;
        let refusal = Failed::new(format!("cannot listen on `{}`: {error}", settings.address));
        if taken { refusal.hint("take another port: `ostler web PORT`") } else { refusal }
    };
    let certificate = settings.tls.clone().map(Certificate::new).transpose()?.map(Arc::new);
    let listener = TcpListener::bind(settings.address).await.map_err(refused)?;
    let signals =
        |kind| signal(kind).map_err(|error| Failed::new(format!("cannot take signals: {error}")));
    let mut term = signals(SignalKind::terminate())?;
    let mut int = signals(SignalKind::interrupt())?;
    say(&format!("serving the web API on {}\n", settings.url()))?;
    let room = Arc::new(Semaphore::new(MOST));
    let shared = Arc::new(Shared::new(settings));
    tokio::spawn(record(Arc::clone(&shared)));
    if let Some(to) = shared.settings.otlp.clone() {
        tokio::spawn(push(Arc::clone(&shared), to));
    }
    tokio::select! {
        () = accept(listener, certificate, Arc::clone(&room), router(&shared), shared) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    let all = u32::try_from(MOST).unwrap_or(u32::MAX);
    // Whoever streams is cut off: a client comes again by itself.
    let _cut_off = tokio::time::timeout(END_LIMIT, room.acquire_many(all)).await;
    Ok(())
}

async fn accept(
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    room: Arc<Semaphore>,
    router: Router,
    shared: Arc<Shared>,
) {
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, far)) => {
                // Where a token is asked for, it says who this is.
                let asks = !shared.settings.tokens.is_empty();
                let peer = if asks { Peer::Other } else { peer(&stream, far) };
                let router = router.clone().layer(Extension(peer));
                let acceptor = certificate.as_ref().map(|certificate| certificate.acceptor());
                tokio::spawn(async move {
                    // What is small goes out at once; where the system does not do that, later.
                    let _ = stream.set_nodelay(true);
                    match acceptor {
                        None => connection(stream, router).await,
                        Some(acceptor) => encrypted(stream, acceptor, router).await,
                    }
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Who has the other end of a connection.
fn peer(stream: &TcpStream, far: SocketAddr) -> Peer {
    let user = stream.local_addr().ok().and_then(|near| ostler_ports::owner(far, near));
    let own = rustix::process::geteuid().as_raw();
    if user.is_some_and(|user| user == own || user == 0) { Peer::Own } else { Peer::Other }
}

async fn encrypted(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    // Whoever speaks something else, or takes too long to begin, is let go.
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_LIMIT, acceptor.accept(stream)).await {
        connection(stream, router).await;
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that goes away or speaks nonsense is its own affair.
    let _ = served.await;
}
