//! The output of a command: streams, silence, and few writes. Nothing is printed past it.
//!
//! Standard output is collected and written at once when the command ends or is about to wait;
//! whatever goes to standard error is written after what was collected, so that the two keep their
//! order on a terminal.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use ostler_client::Heard;

use crate::args::Typed;
use crate::failed::Failed;
use crate::paint::Paint;
use crate::program::Program;
use crate::voice::{EVERY, Line, Notice, Problem, Progress, Text, Voice, Window};

/// The output of a command.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    silent: bool,
    voice: Voice,
    /// Standard output is for data alone: messages go to standard error.
    pub(crate) data_only: bool,
    /// Which of it is coloured.
    pub(crate) paint: Paint,
    /// Standard output is a terminal.
    pub(crate) terminal: bool,
    /// When the block was drawn last.
    drawn: Option<Instant>,
    /// Why standard output cannot be written to.
    broken: Option<rustix::io::Errno>,
}

impl Output {
    /// The output of the program under this name.
    pub(crate) fn new(program: Program, silent: bool, paint: Paint) -> Self {
        let (voice, buffer) = (Voice::new(program), Vec::new());
        let terminal = std::io::stdout().is_terminal();
        Self { buffer, silent, voice, data_only: false, paint, terminal, drawn: None, broken: None }
    }

    /// Makes hints of this command line.
    pub(crate) fn typed(&mut self, typed: Typed) {
        self.voice.typed = typed;
    }

    /// Shows progress in this way, under our own name.
    pub(crate) fn show_progress(&mut self, progress: Progress) {
        self.voice.show(progress);
    }

    /// Returns how progress is shown; nothing under PM2's name.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.voice.progress().filter(|_| !self.silent)
    }

    /// Draws the block of what goes on now, if there is one to be seen.
    pub(crate) fn tick(&mut self) {
        if self.progress() == Some(Progress::Live) {
            write_aside(&self.voice.draw(Window::of(&std::io::stderr())));
            self.drawn = Some(Instant::now());
        }
    }

    /// Draws the block if it was not drawn for a while: where news come all the time there is no
    /// moment without any.
    pub(crate) fn keep_up(&mut self) {
        if self.drawn.is_none_or(|at| EVERY <= at.elapsed()) {
            self.tick();
        }
    }

    /// Removes the block.
    fn clear(&mut self) {
        write_aside(&self.voice.erase());
    }

    /// Tells a fact, in the words of the name that the program was called by.
    pub(crate) fn tell(&mut self, notice: &Notice<'_>) {
        for line in self.voice.lines(notice, self.paint) {
            self.write(&line);
        }
    }

    fn write(&mut self, line: &Line) {
        match line {
            Line::Out(text) if self.terminal && !self.data_only => {
                let text = self.folded(text.as_str(), Window::of(&std::io::stdout())).into_owned();
                self.screen(&text);
            }
            Line::Out(text) => self.screen(text.as_str()),
            Line::Data(text) => self.data(&format!("{}\n", text.as_str())),
            Line::Err(text) => self.message_aside(&format!("{}\n", text.as_str())),
        }
    }

    /// Prints messages on standard error for the window of who reads them; silence suppresses
    /// all of them.
    pub(crate) fn message_aside(&mut self, text: &str) {
        let text = self.for_window(text).into_owned();
        self.aside(&text);
    }

    /// Returns messages for the window of who reads standard error. To a program or a file a
    /// message is one line.
    pub(crate) fn for_window<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let stderr = std::io::stderr();
        if stderr.is_terminal() { self.folded(text, Window::of(&stderr)) } else { text.into() }
    }

    fn folded<'a>(&self, text: &'a str, window: Window) -> Cow<'a, str> {
        match self.voice.progress() {
            Some(_) => ostler_show::folded(text, window.columns).into(),
            // PM2 leaves it to the terminal.
            None => text.into(),
        }
    }

    /// Tells what is to be the last of what was done.
    pub(crate) fn end(&mut self) {
        if let Some(line) = self.voice.end() {
            self.write(&line);
        }
    }

    /// Tells that something is not as the user may think.
    pub(crate) fn warn(&mut self, text: &str) {
        self.tell(&Notice::Warning { text, hint: None, apart: false });
    }

    /// Warns beside what somebody reads on standard output.
    pub(crate) fn warn_aside(&mut self, text: &str) {
        self.tell(&Notice::Warning { text, hint: None, apart: true });
    }

    /// Tells that the manager takes its time, to a person.
    pub(crate) fn waits(&mut self, text: &str) {
        if !self.data_only {
            self.tell(&Notice::Waits { text });
        }
    }

    /// Tells what is heard of the manager while its answer is awaited.
    pub(crate) fn heard(&mut self, heard: &Heard) {
        match heard {
            Heard::DaemonsEnd => self.tell(&Notice::DaemonsEnd),
            Heard::Silent(silence) => self.waits(&silence.meanwhile()),
            Heard::Event(_) | Heard::Nothing => {}
        }
    }

    /// Tells why something is not done.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        self.tell(&Notice::Problem(problem));
    }

    /// Prints a line without a prefix; silence suppresses it.
    pub(crate) fn message(&mut self, line: &str) {
        self.screen(Text::line(line).as_str());
    }

    /// Prints a table or the like, whose parts were made safe to show; silence suppresses it.
    pub(crate) fn screen(&mut self, lines: &str) {
        if self.data_only {
            self.aside(&format!("{lines}\n"));
        } else if !self.silent {
            self.data(lines);
            self.data("\n");
        }
    }

    /// Prints values that were asked for, with their line ends: to a terminal what can be shown, to
    /// a program as they are.
    pub(crate) fn value(&mut self, text: &str) {
        self.data(&self.readable(text));
    }

    /// Returns values for who reads standard output: a person, or a program.
    pub(crate) fn readable<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.terminal { ostler_text::shown_lines(text) } else { Cow::Borrowed(text) }
    }

    /// Prints JSON that was asked for: what does something on a terminal is escaped for one.
    pub(crate) fn json(&mut self, text: Vec<u8>) {
        if self.terminal {
            let text = String::from_utf8_lossy(&text);
            self.data(Text::json(&text).as_str());
        } else {
            self.take(text);
        }
    }

    /// Prints a value as JSON that was asked for, in one line.
    pub(crate) fn object(&mut self, value: &serde_json::Value) {
        self.json(format!("{value}\n").into_bytes());
    }

    /// Prints text that was asked for, as it is; silence does not suppress it.
    pub(crate) fn data(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Prints bytes that were asked for, as [`data`](Self::data) does.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Prints a large text that was asked for; it is not copied when it is the first.
    fn take(&mut self, bytes: Vec<u8>) {
        if self.buffer.is_empty() { self.buffer = bytes } else { self.bytes(&bytes) }
    }

    /// Prints on standard error, after what was collected for standard output;
    /// silence suppresses it.
    pub(crate) fn aside(&mut self, text: &str) {
        if !self.silent {
            self.data_aside(text);
        }
    }

    /// Prints on standard error what was asked for; silence does not suppress it.
    pub(crate) fn data_aside(&mut self, text: &str) {
        self.clear();
        self.drain();
        write_aside(text);
    }

    /// Writes what was collected.
    ///
    /// # Errors
    /// Nobody reads any more (which ends the command quietly), or the disk is full.
    pub(crate) fn flush(&mut self) -> Result<(), Failed> {
        self.clear();
        self.drain();
        match self.broken {
            None => Ok(()),
            Some(rustix::io::Errno::PIPE) => Err(Failed::quiet(0)),
            Some(error) => Err(Failed::new(format!(
                "cannot write to standard output: {}",
                std::io::Error::from(error)
            ))),
        }
    }

    fn drain(&mut self) {
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() && self.broken.is_none() {
            match rustix::io::write(std::io::stdout(), rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(error) => self.broken = Some(error),
            }
        }
        self.buffer.clear();
    }
}

fn write_aside(text: &str) {
    if !text.is_empty() {
        // A closed standard error can be reported nowhere.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}
