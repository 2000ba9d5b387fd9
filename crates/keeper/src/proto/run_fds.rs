//! The four descriptors that belong to a run, and how they travel: in a fixed order, with a mask of
//! the present ones.

/// One of the descriptors of a run that can be closed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFd {
    /// The read end of the standard output's pipe.
    Out,
    /// The read end of the standard error's pipe.
    Err,
    /// The manager's end of the IPC channel.
    Ipc,
}

/// Which of a run's descriptors ride on a frame, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdMask(pub u8);

impl FdMask {
    /// The process's pidfd.
    pub const PIDFD: u8 = 1;
    /// The read end of the standard output's pipe.
    pub const OUT: u8 = 2;
    /// The read end of the standard error's pipe.
    pub const ERR: u8 = 4;
    /// The manager's end of the IPC channel.
    pub const IPC: u8 = 8;
    /// All bits that have a meaning.
    pub const ALL: u8 = Self::PIDFD | Self::OUT | Self::ERR | Self::IPC;

    /// How many descriptors the mask announces.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether every bit of `bits` is set.
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// The descriptors of one run: owned ones in a daemon, shared ones in the keeper's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFds<T> {
    /// The process's pidfd; a run that ended has none.
    pub pidfd: Option<T>,
    /// The read end of the standard output's pipe, non-blocking.
    pub out: Option<T>,
    /// The read end of the standard error's pipe, non-blocking.
    pub err: Option<T>,
    /// The manager's end of the IPC channel, non-blocking.
    pub ipc: Option<T>,
}

impl<T> Default for RunFds<T> {
    fn default() -> Self {
        Self { pidfd: None, out: None, err: None, ipc: None }
    }
}

impl<T> RunFds<T> {
    /// Sorts received descriptors into their places; `None` when their number is not the one that
    /// the mask announces.
    pub fn from_list(mask: FdMask, list: Vec<T>) -> Option<Self> {
        if list.len() != mask.count() || mask.0 & !FdMask::ALL != 0 {
            return None;
        }
        let mut rest = list.into_iter();
        let mut take = |bit| if mask.has(bit) { rest.next() } else { None };
        Some(Self {
            pidfd: take(FdMask::PIDFD),
            out: take(FdMask::OUT),
            err: take(FdMask::ERR),
            ipc: take(FdMask::IPC),
        })
    }

    /// The descriptors that are there, in the order in which they travel.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.pidfd, &self.out, &self.err, &self.ipc].into_iter().flatten()
    }

    /// The descriptors that are there, in the same order, to be given away.
    pub fn into_list(self) -> Vec<T> {
        [self.pidfd, self.out, self.err, self.ipc].into_iter().flatten().collect()
    }

    /// The mask that announces [`iter`](Self::iter).
    pub fn mask(&self) -> FdMask {
        let bit = |fd: &Option<T>, bit: u8| if fd.is_some() { bit } else { 0 };
        FdMask(
            bit(&self.pidfd, FdMask::PIDFD)
                | bit(&self.out, FdMask::OUT)
                | bit(&self.err, FdMask::ERR)
                | bit(&self.ipc, FdMask::IPC),
        )
    }

    /// The place of one of the closable descriptors.
    pub fn get_mut(&mut self, which: RunFd) -> &mut Option<T> {
        match which {
            RunFd::Out => &mut self.out,
            RunFd::Err => &mut self.err,
            RunFd::Ipc => &mut self.ipc,
        }
    }
}
