//! One run of a command: its arguments, its output, and the daemon, connected when it
//! is first needed.

mod ask;

pub(crate) use ask::{heed, hold_back};

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ostler_client::{
    Answer, Client, Home, Manager, Starter, Starting, connect_living_heard, connect_or_start,
};
use ostler_wire::control::{Code, Event, ProcView, Reply, Request};

use crate::args::{CommandId, FlagId, Parsed};
use crate::caller;
use crate::failed::Failed;
use crate::output::Output;
use crate::program::Program;
use crate::select;
use crate::voice::{Act, Notice};

/// Something that a command does.
type Deed = fn(&mut Session) -> Result<(), Failed>;

/// One run of a command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The command line.
    pub(crate) args: Parsed,
    /// The output of the command.
    pub(crate) out: Output,
    /// The name the program was called by.
    pub(crate) program: Program,
    /// The home directory.
    pub(crate) home: Home,
    /// When the command began, ms since 1970.
    pub(crate) since: u64,
    /// Whether this command started the daemon.
    pub(crate) started: bool,
    /// A daemon that it starts ends with it.
    pub(crate) foreground: bool,
    /// The home was made by this process, and nothing was started in it yet.
    pub(crate) new_home: bool,
    /// Processes of which it was told that something was done with them.
    pub(crate) changed: BTreeSet<u32>,
    /// Those of them whose files were asked about.
    pub(crate) looked: BTreeSet<u32>,
    /// When requests that start apps are not waited for any more.
    pub(crate) until: Option<Instant>,
    /// For how long they are waited for, from when the first of them is asked.
    pub(crate) limit: Option<Duration>,
    /// That was over before one of them was answered, which goes on all the same.
    pub(crate) late: bool,
    /// The end of what is begun is told when the apps are ready.
    pub(crate) ends_ready: bool,
    /// What is started is reached by TLS.
    pub(crate) encrypts: bool,
    /// The list is printed then, and not before.
    pub(crate) lists_when_ready: bool,
    /// The list was printed.
    pub(crate) listed: bool,
    /// What was begun and its end is not told yet.
    pub(crate) unfinished: Option<Act>,
    /// The apps that requests of this command start.
    pub(crate) begun: Begun,
    /// What is done as soon as this command has started a daemon.
    pub(crate) when_started: Option<Deed>,
    client: Option<Client>,
    /// A manager has answered.
    met: bool,
}

/// Apps that a command starts.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// Names of apps that are added.
    pub(crate) names: BTreeSet<String>,
    /// Numbers of processes that are there already.
    pub(crate) ids: BTreeSet<u32>,
}

impl Begun {
    /// Whether anything was begun.
    fn is_any(&self) -> bool {
        !self.names.is_empty() || !self.ids.is_empty()
    }
}

impl Session {
    /// Makes a session that is not connected yet.
    pub(crate) fn new(args: Parsed, out: Output, program: Program, home: Home) -> Self {
        Self {
            args,
            out,
            program,
            home,
            since: ostler_show::now(),
            started: false,
            foreground: false,
            new_home: false,
            changed: BTreeSet::new(),
            looked: BTreeSet::new(),
            until: None,
            limit: None,
            late: false,
            ends_ready: false,
            encrypts: false,
            lists_when_ready: false,
            listed: false,
            unfinished: None,
            begun: Begun::default(),
            when_started: None,
            client: None,
            met: false,
        }
    }

    /// Whether the option was given.
    pub(crate) fn has(&self, id: FlagId) -> bool {
        self.args.has(id)
    }

    /// Sends a request whose events are of no interest.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, Failed> {
        self.ask_with(request, |_, _| ())
    }

    /// Sends a request; every event is handed over with the output. Warnings are printed here.
    pub(crate) fn ask_with(
        &mut self,
        request: &Request,
        on_event: impl FnMut(&mut Output, Event),
    ) -> Result<Answer, Failed> {
        match self.answer(request, on_event)? {
            Answer::Reply(Reply::Error(failure)) => Err(failure.into()),
            answer => Ok(answer),
        }
    }

    /// Asks for something that is told only if its answer comes within this time.
    pub(crate) fn ask_soon(&mut self, request: &Request, limit: Duration) -> Option<Reply> {
        let mut client = self.client.take()?;
        // After anything but an answer the connection is of no use.
        match client.request_within(request, limit, |_| ()).ok()? {
            Answer::Reply(reply) => {
                self.client = Some(client);
                Some(reply)
            }
            Answer::Raw(_) => None,
        }
    }

    /// Returns every process, but not what it uses: nobody looks at that.
    pub(crate) fn known(&mut self) -> Result<Vec<ProcView>, Failed> {
        self.listed(&Request::Meant { word: None, script: None })
    }

    /// Returns the processes that a word may mean, and perhaps others, but not what they use.
    pub(crate) fn about(&mut self, word: &str) -> Result<Vec<ProcView>, Failed> {
        if word == "all" || select::is_pattern(word) {
            return self.known();
        }
        let script = select::script_of(word, &caller::cwd()?).into_os_string().into_string().ok();
        let meant = self.listed(&Request::Meant { word: Some(word.to_owned()), script })?;
        // Whoever means nobody is told who was probably meant.
        let is_slip = meant.is_empty() && self.program == Program::Ostler;
        if is_slip { self.known() } else { Ok(meant) }
    }

    fn listed(&mut self, request: &Request) -> Result<Vec<ProcView>, Failed> {
        match self.answer(request, |_, _| ())? {
            Answer::Reply(Reply::List { processes }) => Ok(processes),
            // A daemon of before version 6 refuses what it does not know, and cuts us off.
            Answer::Reply(Reply::Error(failure)) if failure.code == Code::Invalid => {
                self.disconnect();
                self.list()
            }
            Answer::Reply(Reply::Error(failure)) => Err(failure.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns every process with what it uses.
    pub(crate) fn list(&mut self) -> Result<Vec<ProcView>, Failed> {
        match self.ask(&Request::List)? {
            Answer::Reply(Reply::List { processes }) => Ok(processes),
            other => Err(unexpected(&other)),
        }
    }

    /// Connects, starting a daemon when there is none, unless the command only reads.
    pub(crate) fn connect(&mut self) -> Result<(), Failed> {
        if self.reach()? { Ok(()) } else { Err(self.no_daemon()) }
    }

    /// Says that no daemon runs, and what to do about it.
    pub(crate) fn no_daemon(&self) -> Failed {
        Failed::new(format!("no daemon runs in `{}`", self.home.path().display()))
            .hint("`ostler resurrect` starts what was saved, `ostler start app.js` a script")
    }

    /// Whether the command found no manager, or lost the one that it had to a `kill`.
    pub(crate) fn is_without_manager(&self) -> bool {
        self.client.is_none() && !self.home.socket().exists()
    }

    /// Connects to the daemon; `false` where there is none, and the command only reads.
    fn reach(&mut self) -> Result<bool, Failed> {
        if self.client.is_some() {
            return Ok(true);
        }
        let only_reads = !self.foreground
            && self.args.command.is_some_and(|command| command.only_reads(self.program));
        // A manager that ends takes its socket away. One that was killed leaves it, and its apps,
        // which the next command takes over; but not one that goes on since before.
        if only_reads && (self.met || !self.home.socket().exists()) {
            let runs = self.connect_if_running()?;
            let socket = self.home.socket();
            if runs || !socket.exists() {
                return Ok(runs);
            }
            if self.met {
                return Err(ostler_client::Error::NotRunning { socket }.into());
            }
            // Another command is just starting it.
        }
        self.connect_or_start()?;
        Ok(true)
    }

    fn connect_or_start(&mut self) -> Result<(), Failed> {
        let exe = caller::program()?;
        let starter = Starter {
            foreground: self.foreground,
            new_home: std::mem::take(&mut self.new_home),
            as_pm2: self.program == Program::Pm2,
            ..Starter::new(exe)
        };
        let (out, home) = (&mut self.out, self.home.path());
        // The manager of a foreground is a part of it.
        let is_discrete = self.program == Program::Pm2
            && std::env::var_os(ostler_env::PM2_DISCRETE_MODE).is_some_and(|of| !of.is_empty());
        let is_apart = self.args.command.is_none_or(|command| command.id != CommandId::Run);
        let is_told = is_apart && !is_discrete;
        let connected = connect_or_start(&self.home, &starter, |told| match told {
            Starting::Begun if is_told => out.tell(&Notice::DaemonStarting { home }),
            Starting::Begun => {}
            Starting::Late(says) => out.warn_aside(&format!("the daemon is not ready yet{says}")),
            Starting::Silent(silence) => out.waits(&silence.meanwhile()),
            Starting::Locked(holder) => out.waits(&format!("{holder}; waiting for it")),
        })?;
        if connected.started && is_told {
            out.tell(&Notice::DaemonStarted { home });
        }
        if connected.started && is_apart && self.home.is_open_to_others() {
            out.tell(&Notice::HomeOpen { home });
        }
        self.started |= connected.started;
        self.client = Some(connected.client);
        let Some(act) = self.when_started.take_if(|_| connected.started) else { return Ok(()) };
        // The limit is for what the user asked for.
        let limit = self.limit.take();
        let done = act(self);
        self.limit = limit;
        done
    }

    /// Connects only if a daemon runs.
    pub(crate) fn connect_if_running(&mut self) -> Result<bool, Failed> {
        let out = &mut self.out;
        self.client = connect_living_heard(&self.home, |of| out.waits(&of.meanwhile()))?;
        if self.client.is_none() {
            // Whoever asks means the one that does run, perhaps a PM2, or one that cannot be seen.
            self.home.refuse_unusable()?;
        }
        Ok(self.client.is_some())
    }

    /// Ends the connection; the next request makes a new one.
    pub(crate) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Returns the protocol that the daemon speaks, which is started when there is none.
    pub(crate) fn protocol(&mut self) -> Result<u32, Failed> {
        self.connect()?;
        let Self { client: Some(client), out, .. } = self else { return Ok(0) };
        match client.protocol(|heard| out.heard(&heard)) {
            // Nothing is known of the next one.
            Err(ostler_client::Error::Broken) => {
                self.disconnect();
                Ok(0)
            }
            protocol => Ok(protocol?),
        }
    }

    /// Holds daemon and keeper, whose end is going to be asked for, and returns what they manage,
    /// and the protocol that they speak; `None` when they end meanwhile.
    pub(crate) fn look_at_manager(
        &mut self,
    ) -> Result<Option<(Vec<ProcView>, Manager, u32)>, Failed> {
        let Self { client: Some(client), out, .. } = self else { return Ok(None) };
        let mut on = |heard| out.heard(&heard);
        let manager = match client.hold_manager(&mut on) {
            Err(ostler_client::Error::Broken) => return Ok(None),
            manager => manager?,
        };
        let protocol = match client.protocol(&mut on) {
            Err(ostler_client::Error::Broken) => {
                manager.wait_end()?;
                return Ok(None);
            }
            protocol => protocol?,
        };
        match client.request_heard(&Request::List, None, None, &mut on) {
            Ok(Answer::Reply(Reply::List { processes })) => {
                Ok(Some((processes, manager, protocol)))
            }
            Err(ostler_client::Error::Broken) => {
                manager.wait_end()?;
                Ok(None)
            }
            other => Err(unexpected(&other?)),
        }
    }

    /// Gives the connection away.
    pub(crate) fn take_client(&mut self) -> Result<Client, Failed> {
        self.connect()?;
        self.client.take().ok_or_else(|| Failed::new("not connected"))
    }
}

/// Returns a word that no other request has: when the daemon dies under the request, its
/// successor is asked again by it.
pub(crate) fn ticket() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), since.as_nanos())
}

/// Returns the failure for an answer of the wrong kind.
pub(crate) fn unexpected(answer: &Answer) -> Failed {
    let kind = match answer {
        Answer::Raw(_) => "text".to_owned(),
        Answer::Reply(reply) => format!("{reply:?}").chars().take(80).collect(),
    };
    Failed::new(format!("the daemon answered with something else than was asked for: {kind}"))
        .hint("run `ostler update` so that daemon and command are the same version")
}
