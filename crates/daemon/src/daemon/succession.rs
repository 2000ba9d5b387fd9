//! Making room for a daemon of another program: everything is held until that one has it.

use std::io;

use ostler_keeper::failpoint::hit;
use ostler_wire::control::{Code, Failure, Reply};

use super::Daemon;
use crate::keeper::Waited;
use crate::{clock, daemon_log};

/// How long the client that asked for the change waits for a successor, ms.
const LIMIT: u64 = 60_000;

impl Daemon {
    /// The keeper runs another program: the daemon goes, for one of that program.
    pub(super) fn make_room(&mut self, client: usize) {
        hit("update.welcomed");
        // What was decided and cut into slices is done by who decided it.
        while let Some(effect) = self.model.next_effect() {
            self.carry_out(effect);
        }
        if let Err(why) = self.state.write(self.model.snapshot()) {
            daemon_log::error(why); // The keeper holds it all the same.
        }
        self.keeper.send_released();
        let mut in_time = true;
        if self.keeper.knows_succession() {
            match self.stand_by(client) {
                Ok(was_in_time) => in_time = was_in_time,
                Err(error) => daemon_log::error(format!("going without a successor: {error}")),
            }
        }
        if in_time {
            self.reply(client, &Reply::Done);
        }
        self.flush_clients();
        self.model.go();
    }

    /// Decides nothing more, and holds everything until a successor has it. Gives whether that was
    /// in time; if not, the client was told.
    fn stand_by(&mut self, client: usize) -> io::Result<bool> {
        self.logs.stop();
        self.on_log_events();
        while self.logs.begin_turn() {
            self.on_log_events();
        }
        self.node.release_guard();
        daemon_log::flush();
        hit("succession.quiet");
        let mut until = Some(clock::monotonic() + LIMIT);
        let mut claim = self.keeper.succeed()?;
        hit("succession.asked");
        loop {
            match self.keeper.await_successor(&claim, until) {
                Waited::Over => return Ok(until.is_some()),
                Waited::TakenBack => {
                    // The keeper died before the successor had everything: another one gets it.
                    let died = io::Error::other("it died while the daemon made room for another");
                    self.keeper.lose(&died, &mut self.reports);
                    while self.keeper.is_lost() {
                        self.keeper.await_due();
                        self.start_due_keeper(clock::monotonic());
                        daemon_log::flush();
                    }
                    claim = self.keeper.succeed()?;
                }
                Waited::Late => {
                    until = None;
                    self.reply(client, &Reply::Error(late()));
                    self.flush_clients();
                }
            }
        }
    }
}

fn late() -> Failure {
    Failure {
        code: Code::System,
        message: format!("no daemon of the new program came up within {} s", LIMIT / 1000),
        hint: Some("apps go on; the keeper goes on trying, see pm2.log in the home".to_owned()),
    }
}
