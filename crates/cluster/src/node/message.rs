//! Messages of a worker.

use ostler_wire::node::{Incoming, outgoing};

use super::{Command, Noise, Output, Primary, Received};
use crate::{Millis, WorkerId};

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
        if self.connected(worker).is_none() {
            if let Received::Fd(handle) = received {
                out.push(Command::CloseHandle { handle });
            }
            return;
        }
        match incoming {
            Incoming::HandleAck => self.on_handle_ack(worker, out),
            Incoming::Ack { ack, accepted } => {
                self.on_ack(now, worker, *ack, *accepted != Some(false), out);
            }
            Incoming::Online { .. } => out.push(Command::WorkerOnline { worker }),
            Incoming::QueryServer { seq, query } => self.on_query(worker, *seq, query, out),
            Incoming::Listening { query } => {
                out.push(Command::WorkerListening { worker, query: query.clone() });
            }
            Incoming::Close { key, seq } => self.on_close(now, worker, key, *seq, out),
            Incoming::ExitedAfterDisconnect { seq } => self.on_voluntary(worker, *seq, out),
            Incoming::HandleNack => self.on_handle_nack(now, worker, out),
            Incoming::Handle(handle) => return self.on_handle(worker, handle, received, out),
            Incoming::SocketNotifyClose { key } => self.on_notify_close(worker, key, out),
            Incoming::SocketGetCount { key } => self.on_get_count(worker, key, out),
            Incoming::User(text) => {
                let text = out.copy(text.as_bytes());
                out.push(Command::UserMessage { worker, text });
            }
            Incoming::UnknownInternal(_) => {
                out.push(Command::Noise { worker, noise: Noise::Unknown });
            }
            Incoming::Garbage(nonsense) => {
                out.push(Command::Noise { worker, noise: Noise::Garbage(*nonsense) });
                if received != Received::Nothing {
                    self.reply(worker, out, outgoing::handle_nack);
                }
            }
        }
        if let Received::Fd(handle) = received {
            out.push(Command::CloseHandle { handle });
        }
    }

    /// The worker answered for a connection. (`accepted` absent: it does not say that it gave it
    /// back, so it has it.)
    fn on_ack(&mut self, now: Millis, id: WorkerId, ack: i64, accepted: bool, out: &mut Output) {
        let Ok(seq) = u64::try_from(ack) else { return };
        if self.worker(id).is_some_and(|worker| worker.is_settled_by(seq)) {
            self.settle_inheritance(now, id, seq, out);
        }
        let Some(conn) = self.worker(id).and_then(|worker| worker.take_handed(seq)) else { return };
        self.balance.handle_answered(now, id, conn, accepted);
        self.carry_out(out);
    }
}
