//! The other manager: PM2's daemon, asked over its own socket.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ostler_pm2::amp;
use ostler_pm2::rpc::{read_answer, write_call};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value as Json};

use crate::failed::Failed;

/// How long PM2 may take for one answer: it waits for apps that end slowly.
const PATIENCE: Duration = Duration::from_secs(60);
/// After which time without an answer PM2's list is looked at.
const DOUBT: Duration = Duration::from_millis(500);

/// PM2's daemon, as it is spoken to.
#[derive(Debug)]
pub(super) struct Other {
    home: PathBuf,
    /// The process at the other end of the socket.
    pub(super) pid: u32,
    stream: UnixStream,
    buffer: Vec<u8>,
    calls: u64,
}

/// A process that it was asked to stop.
#[derive(Debug)]
pub(super) struct Stopping {
    id: u32,
    call: String,
}

/// A process in PM2's list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Old {
    pub(super) id: u32,
    /// 0 when it does not run.
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) cluster: bool,
    pub(super) status: String,
    /// It is one of PM2's modules.
    pub(super) module: bool,
    /// Its record, as in the saved list.
    pub(super) record: Map<String, Json>,
}

impl Other {
    /// Finds the PM2 of a home; `None` when none runs there.
    pub(super) fn find(home: &Path) -> Result<Option<Self>, Failed> {
        if UnixStream::connect(home.join("ostler.sock")).is_ok() {
            let message = format!("an ostler runs in `{}`, not PM2", home.display());
            return Err(Failed::new(message).hint("`--from DIR` names the home of a PM2"));
        }
        let socket = home.join("rpc.sock");
        let stream = match UnixStream::connect(&socket) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unreachable(&socket, &error)),
        };
        let peer = rustix::net::sockopt::socket_peercred(&stream)
            .map_err(|error| unreachable(&socket, &error.into()))?;
        let pid = u32::try_from(peer.pid.as_raw_pid()).unwrap_or_default();
        let (home, buffer) = (home.to_owned(), Vec::new());
        Ok(Some(Self { home, pid, stream, buffer, calls: 0 }))
    }

    /// Returns the path of a pid file of this name in its home.
    pub(super) fn pid_file(&self, name: &OsStr) -> PathBuf {
        self.home.join("pids").join(name)
    }

    /// Calls a method and waits for the answer.
    pub(super) fn call(&mut self, method: &str, argument: &Json) -> Result<Json, Failed> {
        let call = self.begin(method, argument)?;
        let answer = self.answer(&call, PATIENCE)?.ok_or_else(|| self.silent())?;
        answer.map_err(|why| self.refused(method, &why))
    }

    /// Stops these processes, one after the other. PM2 does not always answer when a process ends
    /// sooner than it thinks: its list says it then.
    pub(super) fn stop(&mut self, ids: &[u32]) -> Result<(), Failed> {
        for id in ids {
            let call = self.begin_stop(*id)?;
            self.finish_stop(call)?;
        }
        Ok(())
    }

    /// Asks it to stop a process. It looks every 100 ms whether that is gone, and answers then.
    pub(super) fn begin_stop(&mut self, id: u32) -> Result<Stopping, Failed> {
        Ok(Stopping { id, call: self.begin("stopProcessId", &id.into())? })
    }

    /// Waits until it says that a process has stopped.
    pub(super) fn finish_stop(&mut self, stopping: Stopping) -> Result<(), Failed> {
        let Stopping { id, call } = stopping;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.answer(&call, DOUBT)? {
                answer.map_err(|why| self.refused("stopProcessId", &why))?;
                return Ok(());
            }
            if !self.list()?.iter().any(|old| old.id == id && old.is_there()) {
                return Ok(());
            }
            if until < Instant::now() {
                return Err(self.silent());
            }
        }
    }

    /// Returns PM2's list.
    pub(super) fn list(&mut self) -> Result<Vec<Old>, Failed> {
        let Json::Array(all) = self.call("getMonitorData", &serde_json::json!({}))? else {
            return Err(self.refused("getMonitorData", "no list"));
        };
        let mut list: Vec<Old> = all.into_iter().filter_map(Old::read).collect();
        list.sort_by_key(|old| old.id);
        Ok(list)
    }

    /// Asks it to end, and waits for that.
    pub(super) fn end(self) -> Result<(), Failed> {
        let manager = ostler_client::Manager::hold(&[self.pid])?;
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let asked = pid.map_or(Ok(()), |pid| kill_process(pid, Signal::TERM));
        match asked {
            // It may have ended by itself.
            Ok(()) | Err(Errno::SRCH) => Ok(manager.wait_end()?),
            Err(error) => Err(Failed::new(format!("cannot end PM2 (pid {}): {error}", self.pid))),
        }
    }

    fn begin(&mut self, method: &str, argument: &Json) -> Result<String, Failed> {
        let id = format!("{}:{}", std::process::id(), self.calls);
        self.calls += 1;
        let mut bytes = Vec::new();
        write_call(method, argument, &id, &mut bytes);
        self.stream.write_all(&bytes).map_err(|error| self.lost(&error))?;
        Ok(id)
    }

    /// Waits for the answer to a call; `None` when none comes in time.
    fn answer(
        &mut self,
        call: &str,
        limit: Duration,
    ) -> Result<Option<Result<Json, String>>, Failed> {
        let until = Instant::now() + limit;
        loop {
            let decoded = amp::decode(&self.buffer).map_err(|error| self.refused("it", &error));
            if let Some(frame) = decoded? {
                let (consumed, answered) = (frame.consumed, read_answer(&frame));
                self.buffer.drain(..consumed);
                match answered {
                    Ok(answered) if answered.id == call => return Ok(Some(answered.result)),
                    // Of a call that nobody waits for.
                    Ok(_) => {}
                    Err(why) => return Err(self.refused("it", &why)),
                }
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left)).map_err(|error| self.lost(&error))?;
            let mut piece = [0; 1 << 16];
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(self.lost(&ErrorKind::UnexpectedEof.into())),
                Ok(read) => self.buffer.extend_from_slice(piece.get(..read).unwrap_or_default()),
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    fn refused(&self, what: &str, why: &(impl std::fmt::Display + ?Sized)) -> Failed {
        Failed::new(format!("the PM2 in `{}` answered `{what}` with: {why}", self.home.display()))
    }

    fn silent(&self) -> Failed {
        let (home, seconds) = (self.home.display(), PATIENCE.as_secs());
        Failed::new(format!("the PM2 in `{home}` has not answered in {seconds} s"))
    }

    fn lost(&self, error: &std::io::Error) -> Failed {
        let home = self.home.display();
        Failed::new(format!("the PM2 in `{home}` does not answer any more: {error}"))
    }
}

fn unreachable(socket: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot ask the PM2 at `{}`: {error}", socket.display()))
        .hint("run this as the user whose PM2 it is")
}

impl Old {
    /// Reads an element of PM2's list.
    fn read(mut element: Json) -> Option<Self> {
        let number = |value: &Json| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let pid = element.get("pid").and_then(number).unwrap_or_default();
        let id = element.get("pm_id").and_then(number)?;
        let Some(Json::Object(record)) = element.get_mut("pm2_env").map(Json::take) else {
            return None;
        };
        Self::of_record(id, pid, record)
    }

    /// Reads a record: what `pm2_env` holds, or an element of the saved list.
    pub(super) fn of_record(id: u32, pid: u32, mut record: Map<String, Json>) -> Option<Self> {
        let text = |key: &str| Some(record.get(key)?.as_str()?.to_owned());
        let name = text("name")?;
        let namespace = text("namespace").unwrap_or_else(|| "default".to_owned());
        let cluster = text("exec_mode").is_some_and(|mode| mode.starts_with("cluster"));
        let status = text("status").unwrap_or_default();
        let module = record.get("pmx_module") == Some(&Json::Bool(true));
        record.insert("pm_id".to_owned(), id.into());
        Some(Self { id, pid, name, namespace, cluster, status, module, record })
    }

    /// It ran when a command began to move it, which has stopped it since.
    pub(super) fn count_as_up(&mut self) {
        if !self.is_up() {
            "online".clone_into(&mut self.status);
        }
    }

    /// Whether a process of it is still there.
    fn is_there(&self) -> bool {
        self.is_up() || self.status == "stopping"
    }

    /// Whether it runs, or is about to.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.status.as_str(), "online" | "launching" | "waiting restart")
    }
}
