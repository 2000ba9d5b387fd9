//! How the runs of a story behave.

use ostler_core::Exit;

/// How the runs of a script behave; the script's name says which.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// Ends like this as soon as it is spawned.
    pub exits: Option<Exit>,
    /// Cannot be spawned at all.
    pub missing: bool,
    /// Listens on this port, if it is a worker.
    pub port: Option<u16>,
    /// It sends `ready` as soon as it is spawned.
    pub says_ready: bool,
    /// Does not end when it is asked to disconnect: it has connections to finish.
    pub busy: bool,
    /// Takes the signal to end, and exits with 0.
    pub polite: bool,
    /// Ignores every request to end but SIGKILL.
    pub stubborn: bool,
    /// Its health check fails.
    pub sick: bool,
    /// Its health check does not end.
    pub stuck: bool,
    /// Hangs in the kernel: SIGKILL has no effect.
    pub hangs: bool,
    /// Became another user's: it may not be signalled.
    pub foreign: bool,
    /// Leaves a descendant behind that only SIGKILL ends.
    pub litters: bool,
}

impl Nature {
    pub fn of(script: &str) -> Self {
        let good = Self { port: Some(3000), says_ready: true, ..Self::default() };
        match script {
            "good" | "better" | "newest" => good,
            "exits" => Self { exits: Some(Exit::Code(1)), ..good },
            "ends" => Self { exits: Some(Exit::Code(0)), ..good },
            "crashes" => Self { exits: Some(signal(11)), ..good },
            "missing" => Self { missing: true, ..good },
            "mute" => Self { port: None, says_ready: false, ..good },
            "unready" => Self { says_ready: false, ..good },
            "elsewhere" => Self { port: Some(4000), ..good },
            "busy" => Self { busy: true, ..good },
            "stubborn" => Self { busy: true, stubborn: true, ..good },
            "polite" => Self { busy: true, polite: true, ..good },
            "sick" => Self { sick: true, ..good },
            "stuck" => Self { stuck: true, ..good },
            "hangs" => Self { busy: true, stubborn: true, hangs: true, ..good },
            "foreign" => Self { busy: true, stubborn: true, foreign: true, ..good },
            "litters" => Self { litters: true, ..good },
            other => panic!("no nature is called `{other}`"),
        }
    }
}

/// The end by a signal, without a core dump.
pub fn signal(number: i32) -> Exit {
    Exit::Signal { number, core: false }
}
