//! How each message's fields lie in a frame. Requests have types from 1, answers and reports from
//! 65; a new field goes to the end of its message and is read only when the body has it.

use super::codec::{DecodeError, Message, Reader, Writer};
use super::limits::{MAX_META, MAX_NAME};
use super::messages::{
    ExitStatus, FromKeeper, Limits, Preparation, SpawnSpec, SpawnStage, ToKeeper,
};
use super::run_fds::{FdMask, RunFd};

/// The type of a request to spawn; its body begins with the run's number.
pub(crate) const SPAWN: u8 = 2;

impl ExitStatus {
    pub(crate) fn write(self, w: &mut Writer<'_>) {
        let (kind, value, core) = match self {
            Self::Code(code) => (0, code, false),
            Self::Signal(signal, core) => (1, signal, core),
            Self::Unknown => (2, 0, false),
        };
        w.u8(kind);
        w.i32(value);
        w.bool(core);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, value, core) = (r.u8("status")?, r.i32("status")?, r.bool("status")?);
        match kind {
            0 => Ok(Self::Code(value)),
            1 => Ok(Self::Signal(value, core)),
            2 => Ok(Self::Unknown),
            _ => Err(DecodeError::Invalid("status")),
        }
    }
}

fn read_meta(r: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    r.bytes_within("meta", MAX_META)
}

fn read_name(r: &mut Reader<'_>) -> Result<String, DecodeError> {
    let name = r.string("name")?;
    if name.is_empty() || name.len() > MAX_NAME {
        Err(DecodeError::Invalid("name"))
    } else {
        Ok(name)
    }
}

fn read_mask(r: &mut Reader<'_>) -> Result<FdMask, DecodeError> {
    let bits = r.u8("mask")?;
    if bits & !FdMask::ALL == 0 { Ok(FdMask(bits)) } else { Err(DecodeError::Invalid("mask")) }
}

fn read_which(r: &mut Reader<'_>) -> Result<RunFd, DecodeError> {
    match r.u8("which")? {
        FdMask::OUT => Ok(RunFd::Out),
        FdMask::ERR => Ok(RunFd::Err),
        FdMask::IPC => Ok(RunFd::Ipc),
        _ => Err(DecodeError::Invalid("which")),
    }
}

impl SpawnSpec {
    fn weight(&self) -> usize {
        let cgroup = self.cgroup.as_ref().map_or(0, Vec::len);
        let single = self.program.len() + self.cwd.len() + cgroup + self.meta.len();
        single + weight_of(&self.argv) + weight_of(&self.envp)
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u64(self.run);
        w.bytes(&self.program);
        w.list(&self.argv);
        w.list(&self.envp);
        w.bytes(&self.cwd);
        w.option(self.uid, Writer::u32);
        w.option(self.gid, Writer::u32);
        w.bool(self.want_out);
        w.bool(self.want_err);
        w.bool(self.want_ipc);
        w.option(self.cgroup.as_deref(), Writer::bytes);
        w.bytes(&self.meta);
        self.limits.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            run: r.u64("run")?,
            program: r.bytes("program")?,
            argv: r.list("argv")?,
            envp: r.list("envp")?,
            cwd: r.bytes("cwd")?,
            uid: r.option("uid", |r| r.u32("uid"))?,
            gid: r.option("gid", |r| r.u32("gid"))?,
            want_out: r.bool("want_out")?,
            want_err: r.bool("want_err")?,
            want_ipc: r.bool("want_ipc")?,
            cgroup: r.option("cgroup", |r| r.bytes("cgroup"))?,
            meta: read_meta(r)?,
            limits: Limits::read(r)?,
        })
    }
}

impl Limits {
    fn write(self, w: &mut Writer<'_>) {
        w.option(self.nofile, Writer::u64);
        w.option(self.nice, Writer::i32);
        w.option(self.oom_score, Writer::i32);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.version() < 4 {
            return Ok(Self::default());
        }
        Ok(Self {
            nofile: r.option("nofile", |r| r.u64("nofile"))?,
            nice: r.option("nice", |r| r.i32("nice"))?,
            oom_score: r.option("oom_score", |r| r.i32("oom_score"))?,
        })
    }
}

/// Reads a field that frames of version 1 do not have.
fn read_next(r: &mut Reader<'_>) -> Result<Option<u64>, DecodeError> {
    if r.version() < 2 { Ok(None) } else { r.option("next", |r| r.u64("next")) }
}

impl Preparation {
    fn weight(&self) -> usize {
        self.except_codes.len() * 4 + self.spec.weight()
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u64(self.after);
        w.u64(self.not_before);
        w.u64(self.not_after);
        w.numbers(&self.except_codes);
        self.spec.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            after: r.u64("after")?,
            not_before: r.u64("not_before")?,
            not_after: r.u64("not_after")?,
            except_codes: r.numbers("except_codes")?,
            spec: SpawnSpec::read(r)?,
        })
    }
}

fn weight_of(list: &[Vec<u8>]) -> usize {
    list.iter().map(|value| value.len() + 4).sum()
}

impl Message for ToKeeper {
    fn weight(&self) -> usize {
        match self {
            Self::Spawn(spec) => spec.weight(),
            Self::Prepare(preparation) => preparation.weight(),
            Self::SetRunMeta { meta, .. } | Self::Adopt { meta, .. } => meta.len(),
            Self::Put { name, meta } | Self::SetMeta { name, meta } => name.len() + meta.len(),
            Self::Del { name } => name.len(),
            Self::Upgrade { exe } => exe.len(),
            Self::Hello { .. }
            | Self::Release { .. }
            | Self::CloseRunFd { .. }
            | Self::Revoke { .. }
            | Self::Sync { .. }
            | Self::Shutdown
            | Self::Succeed
            | Self::Pong => 0,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Hello { .. } => 1,
            Self::Spawn(_) => SPAWN,
            Self::SetRunMeta { .. } => 3,
            Self::Release { .. } => 4,
            Self::CloseRunFd { .. } => 5,
            Self::Put { .. } => 6,
            Self::SetMeta { .. } => 7,
            Self::Del { .. } => 8,
            Self::Adopt { .. } => 9,
            Self::Shutdown => 10,
            Self::Upgrade { .. } => 11,
            Self::Prepare(_) => 12,
            Self::Revoke { .. } => 13,
            Self::Succeed => 14,
            Self::Sync { .. } => 15,
            Self::Pong => 16,
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Hello { version } => w.u8(*version),
            Self::Spawn(spec) => spec.write(w),
            Self::SetRunMeta { run, meta } => {
                w.u64(*run);
                w.bytes(meta);
            }
            Self::Release { run } => w.u64(*run),
            Self::CloseRunFd { run, which } => {
                w.u64(*run);
                w.u8(match which {
                    RunFd::Out => FdMask::OUT,
                    RunFd::Err => FdMask::ERR,
                    RunFd::Ipc => FdMask::IPC,
                });
            }
            Self::Put { name, meta } | Self::SetMeta { name, meta } => {
                w.bytes(name.as_bytes());
                w.bytes(meta);
            }
            Self::Del { name } => w.bytes(name.as_bytes()),
            Self::Adopt { run, pid, start_time, meta, mask, status } => {
                w.u64(*run);
                w.u32(*pid);
                w.u64(*start_time);
                w.bytes(meta);
                w.u8(mask.0);
                w.option(*status, |w, status| status.write(w));
            }
            Self::Shutdown | Self::Succeed | Self::Pong => {}
            Self::Upgrade { exe } => w.bytes(exe),
            Self::Prepare(preparation) => preparation.write(w),
            Self::Revoke { after } => w.u64(*after),
            Self::Sync { number } => w.u64(*number),
        }
    }

    fn read(kind: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            1 => Self::Hello { version: r.u8("version")? },
            SPAWN => Self::Spawn(SpawnSpec::read(r)?),
            3 => Self::SetRunMeta { run: r.u64("run")?, meta: read_meta(r)? },
            4 => Self::Release { run: r.u64("run")? },
            5 => Self::CloseRunFd { run: r.u64("run")?, which: read_which(r)? },
            6 => Self::Put { name: read_name(r)?, meta: read_meta(r)? },
            7 => Self::SetMeta { name: read_name(r)?, meta: read_meta(r)? },
            8 => Self::Del { name: read_name(r)? },
            9 => Self::Adopt {
                run: r.u64("run")?,
                pid: r.u32("pid")?,
                start_time: r.u64("start_time")?,
                meta: read_meta(r)?,
                mask: read_mask(r)?,
                status: r.option("status", ExitStatus::read)?,
            },
            10 => Self::Shutdown,
            11 => Self::Upgrade { exe: r.bytes("exe")? },
            12 => Self::Prepare(Preparation::read(r)?),
            13 => Self::Revoke { after: r.u64("after")? },
            14 => Self::Succeed,
            15 => Self::Sync { number: r.u64("number")? },
            16 => Self::Pong,
            unknown => return Err(DecodeError::UnknownKind(unknown)),
        })
    }
}

impl Message for FromKeeper {
    fn weight(&self) -> usize {
        match self {
            Self::Run { meta, .. } => meta.len(),
            Self::Item { name, meta } => name.len() + meta.len(),
            Self::Refused { what, why } => what.len() + why.len(),
            Self::Welcome { .. }
            | Self::InventoryEnd
            | Self::Ping
            | Self::Spawned { .. }
            | Self::SpawnFailed { .. }
            | Self::Exited { .. }
            | Self::UpgradeFailed { .. }
            | Self::Synced { .. } => 0,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Welcome { .. } => 65,
            Self::Run { .. } => 66,
            Self::Item { .. } => 67,
            Self::InventoryEnd => 68,
            Self::Spawned { .. } => 69,
            Self::SpawnFailed { .. } => 70,
            Self::Exited { .. } => 71,
            Self::Refused { .. } => 72,
            Self::UpgradeFailed { .. } => 73,
            Self::Synced { .. } => 74,
            Self::Ping => 75,
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Welcome { version, pid, daemons, nofile } => {
                w.u8(*version);
                w.u32(*pid);
                w.u32(*daemons);
                w.u64(nofile.0);
                w.u64(nofile.1);
            }
            Self::Run { run, pid, start_time, status, meta, mask, next } => {
                w.u64(*run);
                w.u32(*pid);
                w.u64(*start_time);
                w.option(*status, |w, status| status.write(w));
                w.bytes(meta);
                w.u8(mask.0);
                w.option(*next, Writer::u64);
            }
            Self::Item { name, meta } => {
                w.bytes(name.as_bytes());
                w.bytes(meta);
            }
            Self::InventoryEnd | Self::Ping => {}
            Self::Spawned { run, pid, start_time, mask } => {
                w.u64(*run);
                w.u32(*pid);
                w.u64(*start_time);
                w.u8(mask.0);
            }
            Self::SpawnFailed { run, stage, errno } => {
                w.u64(*run);
                w.u8(*stage as u8);
                w.i32(*errno);
            }
            Self::Exited { run, status, next } => {
                w.u64(*run);
                status.write(w);
                w.option(*next, Writer::u64);
            }
            Self::Refused { what, why } => {
                w.bytes(what.as_bytes());
                w.bytes(why.as_bytes());
            }
            Self::UpgradeFailed { errno } => w.i32(*errno),
            Self::Synced { number } => w.u64(*number),
        }
    }

    fn read(kind: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            65 => Self::Welcome {
                version: r.u8("version")?,
                pid: r.u32("pid")?,
                daemons: r.u32("daemons")?,
                nofile: (r.u64("nofile")?, r.u64("nofile")?),
            },
            66 => Self::Run {
                run: r.u64("run")?,
                pid: r.u32("pid")?,
                start_time: r.u64("start_time")?,
                status: r.option("status", ExitStatus::read)?,
                meta: read_meta(r)?,
                mask: read_mask(r)?,
                next: read_next(r)?,
            },
            67 => Self::Item { name: read_name(r)?, meta: read_meta(r)? },
            68 => Self::InventoryEnd,
            69 => Self::Spawned {
                run: r.u64("run")?,
                pid: r.u32("pid")?,
                start_time: r.u64("start_time")?,
                mask: read_mask(r)?,
            },
            70 => Self::SpawnFailed {
                run: r.u64("run")?,
                stage: SpawnStage::from_u8(r.u8("stage")?).ok_or(DecodeError::Invalid("stage"))?,
                errno: r.i32("errno")?,
            },
            71 => Self::Exited {
                run: r.u64("run")?,
                status: ExitStatus::read(r)?,
                next: read_next(r)?,
            },
            72 => Self::Refused { what: r.string("what")?, why: r.string("why")? },
            73 => Self::UpgradeFailed { errno: r.i32("errno")? },
            74 => Self::Synced { number: r.u64("number")? },
            75 => Self::Ping,
            unknown => return Err(DecodeError::UnknownKind(unknown)),
        })
    }
}
