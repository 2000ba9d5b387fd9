//! The loop: an input comes, the view learns it, what it wants is done, and it is drawn.
//!
//! Nothing runs while nothing happens, but for a look each second. A flood of lines is drawn some
//! fifteen times a second; a key at once.

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ostler_client::Home;
use ratatui::crossterm::terminal::size;

use crate::error::Error;
use crate::feed::{self, Follower};
use crate::input::{Author, Input, Wish};
use crate::monitor::Monitor;
use crate::screen::Screen;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(1_000);
/// The least pause between two pictures, unless a key was pressed.
const PICTURE: Duration = Duration::from_millis(66);
/// How long the first picture waits for something to show.
const FIRST: Duration = Duration::from_millis(25);
/// A selection must stay for so long before its lines are asked for.
const STEADY: Duration = Duration::from_millis(60);
/// Inputs that may wait.
const WAITING: usize = 1_024;

/// How the view is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// It has no colours.
    pub is_plain: bool,
    /// Under the name of PM2: Esc quits.
    pub is_pm2: bool,
}

/// Shows the manager of this home until the user quits or a signal ends it, which is returned.
///
/// # Errors
/// There is no terminal, or it cannot be used.
pub fn run(home: &Home, options: Options) -> Result<Option<i32>, Error> {
    for (what, is_terminal) in
        [("its input", stdin().is_terminal()), ("its output", stdout().is_terminal())]
    {
        if !is_terminal {
            return Err(Error::NoTerminal { what });
        }
    }
    let (tell, told) = sync_channel(WAITING);
    feed::signals(tell.clone())?;
    let look = feed::looks(home.clone(), tell.clone());
    feed::events(home.clone(), tell.clone());
    let mut monitor = Monitor::new(shown(home), size()?);
    (monitor.has_colours, monitor.is_pm2) = (!options.is_plain, options.is_pm2);
    let mut running = Running {
        home: home.clone(),
        tell,
        look,
        due: Instant::now() + LOOK,
        follower: None,
        wanted: None,
        ended: None,
    };
    running.ask(&monitor);
    if let Ok(input) = told.recv_timeout(FIRST) {
        _ = running.learn(&mut monitor, input);
        running.ask(&monitor);
    }
    let mut screen = Screen::take()?;
    feed::keys(running.tell.clone());
    running.until_the_end(&mut monitor, &told, &mut screen)?;
    Ok(running.ended)
}

/// What the loop keeps beside the view.
struct Running {
    home: Home,
    tell: SyncSender<Input>,
    look: Sender<Vec<u32>>,
    /// When the next look is due.
    due: Instant,
    /// Tells the lines of what is selected.
    follower: Option<Follower>,
    /// What is selected and not followed yet, and when it will be.
    wanted: Option<(Instant, u64, Vec<Author>)>,
    /// The signal that asked for the end.
    ended: Option<i32>,
}

impl Running {
    fn until_the_end(
        &mut self,
        monitor: &mut Monitor,
        told: &Receiver<Input>,
        screen: &mut Screen,
    ) -> Result<(), Error> {
        let mut drawn = Instant::now();
        screen.terminal.draw(|frame| crate::draw::draw(monitor, frame))?;
        let (mut is_stale, mut is_urgent) = (false, false);
        loop {
            let picture = if is_urgent { Instant::now() } else { drawn + PICTURE };
            let next = [
                Some(self.due),
                self.wanted.as_ref().map(|wanted| wanted.0),
                is_stale.then_some(picture),
            ];
            let next = next.into_iter().flatten().min().unwrap_or(self.due);
            match told.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(input) => {
                    is_stale = true;
                    is_urgent |=
                        matches!(input, Input::Key(_) | Input::Mouse(_) | Input::Resized(..));
                    if !self.learn(monitor, input) {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // This holds a sender, too.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.do_what_is_due(monitor);
            if is_stale && (is_urgent || PICTURE <= drawn.elapsed()) {
                screen.terminal.draw(|frame| crate::draw::draw(monitor, frame))?;
                (drawn, is_stale, is_urgent) = (Instant::now(), false, false);
            }
        }
    }

    /// Lets the view learn something, and does what it wants; `false` when it wants to end.
    fn learn(&mut self, monitor: &mut Monitor, input: Input) -> bool {
        if let Input::Ended(signal) = input {
            self.ended = signal;
        }
        let mut wishes = Vec::new();
        monitor.handle(input, &mut wishes);
        for wish in wishes {
            match wish {
                Wish::Quit => return false,
                Wish::Look => self.due = self.due.min(Instant::now() + STEADY),
                Wish::Follow(of, authors) => {
                    self.follower = None;
                    self.wanted = Some((Instant::now() + STEADY, of, authors));
                }
                Wish::Do(deed) => feed::act(self.home.clone(), deed, self.tell.clone()),
            }
        }
        true
    }

    fn do_what_is_due(&mut self, monitor: &Monitor) {
        let now = Instant::now();
        if self.due <= now {
            self.ask(monitor);
        }
        if let Some((_, of, authors)) = self.wanted.take_if(|wanted| wanted.0 <= now) {
            let (home, tell) = (self.home.clone(), self.tell.clone());
            self.follower = Some(Follower::new(home, of, authors, tell));
        }
    }

    /// Asks how things are.
    fn ask(&mut self, monitor: &Monitor) {
        self.due = Instant::now() + LOOK;
        // The thread that looks ends with this one.
        _ = self.look.send(monitor.wanted());
    }
}

/// Returns a home as a person would write it.
fn shown(home: &Home) -> String {
    let path = home.path().display().to_string();
    let of_user = std::env::var(ostler_env::HOME).ok().filter(|of| !of.is_empty());
    let below = of_user.and_then(|of| path.strip_prefix(&of).map(|rest| format!("~{rest}")));
    below.unwrap_or(path)
}
