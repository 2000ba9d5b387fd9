//! The view as a value: what it knows, what is selected, what the keys work on.
//!
//! It sees no terminal, no daemon and no clock. One way in, wishes out; what is drawn is computed
//! from it (`draw`).

mod moving;
mod typing;

use ostler_show::{App, Paint};
use ostler_wire::control::{Lifecycle, Phase, ProcView};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::areas::{Areas, Pane};
use crate::deed::{Act, Deed};
use crate::described::Subject;
use crate::grid::pages;
use crate::history::History;
use crate::input::{Author, Facts, Input, Link, Remark, Tone, Wish};
use crate::keys::{Command, command};
use crate::lines::{Line, Lines};
use crate::rows::{Key, Rows};

/// Lines above the rows of apps in their pane: its title, and those of the columns.
pub(crate) const ABOVE_ROWS: u16 = 2;
/// The most processes of which everything is asked.
const DESCRIBED: usize = 8;
/// What keys mean now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What the table of keys says.
    Keys,
    /// Letters of a filter of this pane, which was another text before.
    Filter(Pane, String),
    /// Yes or no.
    Sure(Deed),
    /// A key shows the next page of the help, or closes it after the last.
    Help(usize),
}

/// The view, with all that it knows.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// The manager's home, as it is shown.
    pub(crate) home: String,
    /// Whether colours are shown.
    pub(crate) has_colours: bool,
    /// Esc quits, as in PM2.
    pub(crate) is_pm2: bool,
    /// What is known; of a time before the first answer, nothing.
    pub(crate) facts: Option<Facts>,
    pub(crate) link: Link,
    pub(crate) rows: Rows,
    pub(crate) lines: Lines,
    pub(crate) history: History,
    pub(crate) focus: Pane,
    pub(crate) mode: Mode,
    pub(crate) said: Option<Remark>,
    /// Long lines go on in the next one.
    pub(crate) is_wrapped: bool,
    /// The first line of the details that is in sight.
    pub(crate) details_from: usize,
    window: (u16, u16),
    lower: Pane,
    is_alone: bool,
    /// The processes whose lines are shown, and the number under which they come.
    followed: (u64, Vec<u32>),
}

impl Monitor {
    /// A view that knows nothing yet.
    pub(crate) fn new(home: String, window: (u16, u16)) -> Self {
        Self {
            home,
            has_colours: true,
            is_pm2: false,
            facts: None,
            link: Link::Up,
            rows: Rows::default(),
            lines: Lines::default(),
            history: History::default(),
            focus: Pane::Apps,
            mode: Mode::Keys,
            said: None,
            is_wrapped: false,
            details_from: 0,
            window,
            lower: Pane::Logs,
            is_alone: false,
            followed: (0, Vec::new()),
        }
    }

    /// Learns something, and wishes for what follows from it.
    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Wish>) {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.press(key, out),
            Input::Key(_) => {}
            Input::Mouse(event) => self.mouse(event),
            Input::Resized(width, height) => self.window = (width, height),
            Input::Facts(facts) => {
                self.history.add(&facts.processes);
                self.facts = Some(*facts);
                self.linked(Link::Up);
            }
            Input::Link(link) => self.linked(link),
            Input::Happened { id, name, what } => {
                self.happened(id, &name, what);
                out.push(Wish::Look);
            }
            Input::Lines(of, lines) => {
                if of == self.followed.0 {
                    lines.into_iter().for_each(|line| self.lines.push(line));
                }
                // There may be thousands in a second, and nothing else follows from them.
                return;
            }
            Input::Remark(said) => {
                self.said = Some(said);
                out.push(Wish::Look);
            }
            Input::Ended(_) => out.push(Wish::Quit),
        }
        self.settle(out);
    }

    /// Returns the size of the window.
    #[cfg(test)]
    pub(crate) fn window(&self) -> (u16, u16) {
        self.window
    }

    /// Returns the places of everything.
    pub(crate) fn areas(&self) -> Areas {
        Areas::of(self.window, self.focus, self.lower, self.is_alone)
    }

    /// Returns every process that is known.
    pub(crate) fn processes(&self) -> &[ProcView] {
        self.facts.as_ref().map_or(&[], |facts| &facts.processes)
    }

    /// Returns the processes that are selected, all those of an app or one.
    pub(crate) fn selected(&self) -> Vec<&ProcView> {
        let Some(key) = self.rows.selected() else { return Vec::new() };
        let apps = ostler_show::fold(self.processes());
        let of_app = apps.iter().find(|app| app.name == key.app());
        let all = of_app.map_or(&[][..], |app| &app.processes).iter().copied();
        match key {
            Key::App(_) => all.collect(),
            Key::Process(_, id) => all.filter(|process| process.id == *id).collect(),
        }
    }

    /// Returns what is selected, with all that is known about it.
    pub(crate) fn subject(&self) -> Option<Subject<'_>> {
        Some(Subject {
            facts: self.facts.as_ref()?,
            key: self.rows.selected()?,
            processes: self.selected(),
            history: &self.history,
            paint: self.paint(),
        })
    }

    /// Returns how texts of the command are to be coloured.
    pub(crate) fn paint(&self) -> Paint {
        Paint { text: self.has_colours, frame: self.has_colours }
    }

    /// Returns the processes of which everything is wanted, those worth a look first.
    pub(crate) fn wanted(&self) -> Vec<u32> {
        if self.areas().details.is_empty() {
            return Vec::new();
        }
        let mut all = self.selected();
        all.sort_by_key(|process| process.phase == Phase::Online);
        all.iter().take(DESCRIBED).map(|process| process.id).collect()
    }

    fn linked(&mut self, link: Link) {
        if link == Link::Up && self.link != Link::Up {
            self.tell_news("the daemon answers again".to_owned());
            if self.facts.is_some() {
                self.lines.push(Line::of_ours("─ lines of the moments before are in the files ─"));
            }
        }
        self.link = link;
    }

    fn happened(&mut self, id: u32, name: &str, what: Lifecycle) {
        let what = match what {
            Lifecycle::Online => "is online",
            Lifecycle::Exit => "ended",
            Lifecycle::RestartOverlimit => "ended too often at once and is given up",
            Lifecycle::Start
            | Lifecycle::Restart
            | Lifecycle::Reload
            | Lifecycle::Stop
            | Lifecycle::Delete => return,
        };
        self.tell_news(format!("{name}:{id} {what}"));
    }

    fn say(&mut self, text: &str) {
        self.said = Some(Remark { text: text.to_owned(), tone: Tone::Answer });
    }

    fn tell_news(&mut self, text: String) {
        if self.said.as_ref().is_none_or(|said| said.tone == Tone::News) {
            self.said = Some(Remark { text, tone: Tone::News });
        }
    }

    fn press(&mut self, key: KeyEvent, out: &mut Vec<Wish>) {
        let is_interrupt =
            key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        match std::mem::replace(&mut self.mode, Mode::Keys) {
            _ if is_interrupt => out.push(Wish::Quit),
            Mode::Help(page) => {
                let is_over = matches!(key.code, KeyCode::Esc | KeyCode::Char('q' | '?'));
                if !is_over && page + 1 < pages(self.window) {
                    self.mode = Mode::Help(page + 1);
                }
            }
            Mode::Sure(deed) => match key.code {
                KeyCode::Char('y' | 'Y') => self.begin(deed, out),
                _ => self.say("nothing was done"),
            },
            Mode::Filter(pane, before) => self.type_filter(key, pane, before),
            Mode::Keys => {
                if let Some(command) = command(key) {
                    self.said = None;
                    self.obey(command, out);
                }
            }
        }
    }

    fn obey(&mut self, command: Command, out: &mut Vec<Wish>) {
        match command {
            Command::Quit => out.push(Wish::Quit),
            Command::Help => self.mode = Mode::Help(0),
            Command::NextPane => self.look_at(self.focus.next()),
            Command::PreviousPane => self.look_at(self.focus.previous()),
            Command::Move(by) => self.scroll(self.focus, by.into()),
            Command::Page(by) => {
                let page = self.areas().pane(self.focus).height.saturating_sub(ABOVE_ROWS).max(1);
                self.scroll(self.focus, isize::from(by) * isize::try_from(page).unwrap_or(1));
            }
            Command::First => self.go_to_first(),
            Command::Last => self.go_to_last(),
            Command::Open => self.look_at(Pane::Logs),
            Command::Back => self.back(out),
            Command::Fold => self.rows.fold(),
            Command::FoldAll => self.rows.fold_all(),
            Command::Filter if self.focus == Pane::Apps => {
                self.mode = Mode::Filter(Pane::Apps, self.rows.filter_text().to_owned());
            }
            Command::Filter => {
                self.look_at(Pane::Logs);
                self.mode = Mode::Filter(Pane::Logs, self.lines.filter_text().to_owned());
            }
            Command::Order => {
                self.rows.next_order();
                self.say(&format!("ordered by {}", self.rows.order().trim_end_matches(":desc")));
            }
            Command::Alone => self.is_alone = !self.is_alone,
            Command::Wrap => self.is_wrapped = !self.is_wrapped,
            Command::Do(act) => self.plan(act, out),
        }
    }

    fn look_at(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Apps {
            self.lower = pane;
        }
    }

    fn back(&mut self, out: &mut Vec<Wish>) {
        if self.is_alone {
            self.is_alone = false;
        } else if self.focus == Pane::Logs && !self.lines.filter_text().is_empty() {
            self.lines.filter(String::new());
        } else if self.focus != Pane::Apps {
            self.focus = Pane::Apps;
        } else if !self.rows.filter_text().is_empty() {
            self.rows.filter(String::new());
        } else if self.is_pm2 {
            out.push(Wish::Quit);
        }
    }

    /// Asks for something to be done with what is selected, or first whether it is meant.
    fn plan(&mut self, act: Act, out: &mut Vec<Wish>) {
        let selected = self.selected();
        let Some(first) = selected.first() else { return self.say("no app is selected") };
        let is_whole = matches!(self.rows.selected(), Some(Key::App(_)));
        let deed = match Deed::plan(act, &first.name, &selected, is_whole) {
            Ok(deed) => deed,
            Err(why) => return self.say(&why),
        };
        if act == Act::Delete {
            self.mode = Mode::Sure(deed);
        } else {
            self.begin(deed, out);
        }
    }

    fn begin(&mut self, deed: Deed, out: &mut Vec<Wish>) {
        self.say(&deed.begun());
        out.push(Wish::Do(deed));
    }

    fn keys(&self) -> Vec<Key> {
        let apps: Vec<App<'_>> = self.rows.apps(self.processes());
        self.rows.rows(&apps).into_iter().map(|(key, _)| key).collect()
    }

    /// Brings what is selected and in sight in line with what is known now.
    fn settle(&mut self, out: &mut Vec<Wish>) {
        let lines = self.areas().apps.height.saturating_sub(ABOVE_ROWS);
        let keys = self.keys();
        self.rows.settle(&keys, lines.into());
        let authors = self.selected().into_iter().map(|process| Author {
            id: process.id,
            name: process.name.clone(),
            logs: process.logs.clone(),
        });
        let authors: Vec<Author> = authors.collect();
        let ids: Vec<u32> = authors.iter().map(|author| author.id).collect();
        if self.facts.is_some() && ids != self.followed.1 {
            self.followed = (self.followed.0 + 1, ids);
            self.lines.clear();
            self.details_from = 0;
            out.extend([Wish::Follow(self.followed.0, authors), Wish::Look]);
        }
        let details = self.areas().details;
        if !details.is_empty() {
            let room = usize::from(details.height.saturating_sub(1));
            let lines =
                self.subject().map_or(0, |subject| subject.lines(details.width.into()).len());
            let most = lines.saturating_sub(room);
            self.details_from = self.details_from.min(most);
        }
    }
}
