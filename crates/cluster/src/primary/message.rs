//! What a worker says.

use ostler_wire::node::{Incoming, outgoing};

use super::Primary;
use crate::worker::{Phase, Received};
use crate::{Action, Millis, Noise, Output, WorkerId};

impl Primary {
    /// One message of a worker's channel. `received` is the descriptor with it;
    /// [`Received::Missing`] when the framer's message wants an acknowledgement and has none.
    pub fn handle_message(
        &mut self,
        now: Millis,
        worker: WorkerId,
        incoming: &Incoming<'_>,
        received: Received,
        out: &mut Output,
    ) {
        if self.worker(worker).is_none_or(|worker| worker.phase == Phase::Closed) {
            if let Received::Fd(handle) = received {
                out.push(Action::CloseHandle { handle });
            }
            return;
        }
        match incoming {
            Incoming::HandleAck => self.on_handle_ack(worker, out),
            Incoming::Ack { ack, accepted } => {
                self.on_ack(now, worker, *ack, *accepted != Some(false), out);
            }
            Incoming::Online { .. } => out.push(Action::WorkerOnline { worker }),
            Incoming::QueryServer { seq, query } => self.on_query(worker, *seq, query, out),
            Incoming::Listening { query } => {
                out.push(Action::WorkerListening { worker, query: query.clone() });
            }
            Incoming::Close { key } => self.on_close(worker, key, out),
            Incoming::ExitedAfterDisconnect { seq } => self.on_voluntary(worker, *seq, out),
            Incoming::HandleNack => self.on_handle_nack(now, worker, out),
            Incoming::Handle(handle) => return self.on_handle(worker, handle, received, out),
            Incoming::SocketNotifyClose { key } => self.on_notify_close(worker, key, out),
            Incoming::SocketGetCount { key } => self.on_get_count(worker, key, out),
            Incoming::User(text) => {
                let text = out.copy(text.as_bytes());
                out.push(Action::UserMessage { worker, text });
            }
            Incoming::UnknownInternal(_) => {
                out.push(Action::Noise { worker, noise: Noise::Unknown });
            }
            Incoming::Garbage(nonsense) => {
                out.push(Action::Noise { worker, noise: Noise::Garbage(*nonsense) });
                if received != Received::Nothing {
                    self.reply(worker, out, outgoing::handle_nack);
                }
            }
        }
        if let Received::Fd(handle) = received {
            out.push(Action::CloseHandle { handle });
        }
    }
}
