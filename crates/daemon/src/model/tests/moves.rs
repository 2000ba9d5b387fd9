//! One step of a random history, made of one number.

/// What may happen next.
#[derive(Clone, Debug)]
pub enum Move {
    /// An app is started: name, script, instances, more keys.
    Start(u8, u8, u32, u16),
    /// A command to the processes of these bits.
    Act(u8, u8),
    /// A restart with a change to the processes of these bits.
    Change(u8, u8),
    /// An app gets so many more or fewer instances.
    Scale(u8, i8),
    /// The processes of these bits are reloaded to a script, with the options of these bits.
    Reload(u8, u8, u8),
    /// A canary ends.
    Promote(u8, bool),
    /// What a process listens on is asked for.
    Listens(u32),
    /// Somebody connects to an app: for a moment, or until the next such move.
    Call(u8, bool),
    Save,
    Resurrect,
    Kill,
    Shutdown,
    /// The client that asked so long ago leaves.
    Leave(u8),
    /// The client of so long ago asks the same again.
    Again(u8),
    /// The current run of a slot crashes.
    Crash(u32),
    /// The current run of a slot uses much memory.
    Memory(u32),
    /// So many reports are delivered.
    Deliver(u8),
    /// So many reports are delivered in one turn.
    Together(u8),
    Wait(u64),
    /// Time goes by and what is due is told first, before reports that are on their way.
    Late(u64),
    /// The next report comes twice.
    Double,
    /// A later report comes first.
    Delay(u8),
    /// A report of a run that is not there.
    Stale(u8, u64),
    /// The daemon dies now.
    Forget,
    /// The daemon dies before one of the next saves and effects.
    ForgetAt(usize),
    /// The same, and all runs end while there is no daemon.
    ForgetAndEnd(usize),
    /// The disk is full, or is not.
    Full(bool),
    /// The disk takes its time, or does not.
    Slow(bool),
}

/// Takes a number apart.
struct Digits(u64);

impl Digits {
    fn below(&mut self, limit: u64) -> u64 {
        let digit = self.0 % limit;
        self.0 /= limit;
        digit
    }

    fn small(&mut self, limit: u8) -> u8 {
        u8::try_from(self.below(u64::from(limit))).unwrap()
    }

    fn id(&mut self) -> u32 {
        u32::try_from(self.below(5)).unwrap()
    }

    fn chance(&mut self, one_of: u64) -> bool {
        self.below(one_of) == 0
    }

    fn time(&mut self) -> u64 {
        match self.below(8) {
            0..4 => self.below(80),
            4 | 5 => self.below(600),
            6 => self.below(9000),
            _ => self.below(40_000),
        }
    }
}

impl Move {
    /// The move that a number means; `deaths`: the daemon may die, and the disk be full.
    pub fn of(number: u64, deaths: bool) -> Self {
        let mut of = Digits(number);
        match of.below(64) {
            0..6 => Self::Start(
                of.small(3),
                of.small(16),
                u32::from(of.small(4)),
                u16::try_from(of.below(2048)).unwrap(),
            ),
            6..12 => Self::Act(of.small(4), of.small(32)),
            12..15 => Self::Change(of.small(8), of.small(32)),
            15..18 => Self::Scale(of.small(3), i8::try_from(of.below(5)).unwrap() - 2),
            18..24 => Self::Reload(of.small(32), of.small(16), of.small(64)),
            24..26 => Self::Promote(of.small(3), of.chance(2)),
            26 => Self::Listens(of.id()),
            27 => Self::Save,
            28 => Self::Resurrect,
            29 if of.chance(4) => Self::Kill,
            30 if of.chance(4) => Self::Shutdown,
            29..32 => Self::Leave(of.small(4)),
            32 => Self::Again(of.small(3)),
            33..36 => Self::Crash(of.id()),
            36 => Self::Memory(of.id()),
            37..40 => Self::Deliver(of.small(8)),
            40..43 => Self::Call(of.small(3), of.chance(3)),
            43..46 => Self::Together(2 + of.small(8)),
            46..50 => Self::Wait(of.time()),
            50..52 => Self::Late(of.time()),
            52 => Self::Double,
            53 | 54 => Self::Delay(of.small(6)),
            55 => Self::Stale(of.small(11), of.below(30)),
            56 => Self::Slow(of.chance(2)),
            57 if deaths => Self::Full(of.chance(2)),
            58 if deaths => Self::Forget,
            59 if deaths => Self::ForgetAndEnd(usize::from(of.small(8))),
            60..64 if deaths => Self::ForgetAt(usize::from(of.small(8))),
            _ => Self::Deliver(of.small(16)),
        }
    }
}
