//! The manual page, `ostler(1)`, in the macros of man(7), which every reader of manual pages knows.

use std::fmt::Write as _;

use ostler_env::{Audience, VARIABLES};

use super::commands::STATUS;

use crate::args::commands::{COMMANDS, CommandId, Group};
use crate::args::examples::FIRST;
use crate::args::flags::Flag;
use crate::args::{Command, chapters, sentence};

/// The day of the release that the page describes; it changes with the version.
const DATE: &str = "2026-11-26";

/// The longest line of the source, in bytes.
const WIDTH: usize = 79;

/// Files in the home that a person may look at.
const FILES: [(&str, &str); 6] = [
    ("pm2.log", "What daemon and keeper report; above 10 MiB it is rotated."),
    ("logs/", "What apps write, a file for each process and output."),
    ("pids/", "The pid of each process."),
    ("dump.pm2", "The list that `save` writes and `resurrect` starts."),
    ("ostler.state", "What a daemon reads when it takes over from another."),
    ("ostler.sock", "The socket on which the daemon answers."),
];

/// Returns the page.
pub(super) fn page() -> String {
    let mut page = Page { text: String::new() };
    let version = env!("CARGO_PKG_VERSION");
    page.line(".\\\" Made by `ostler generate man`; `cargo xtask docs` writes it anew.");
    page.line(&format!(".TH OSTLER 1 {DATE} \"ostler {version}\" \"User Commands\""));
    page.heading("Name");
    page.line("ostler \\- process manager for applications in any language");
    page.heading("Synopsis");
    page.line(
        ".B ostler\n.I command\n.RI [ options ]\n.RI [ arguments ]\n.RB [ \\-\\- \" arguments\"",
    );
    page.line(".RB \"of the app\" ]");
    page.heading("Description");
    page.paragraph(
        "ostler keeps applications running: it starts them, restarts them, scales them, replaces \
         them by a new version without losing a request, and collects their output. A daemon does \
         this in the background; the first command starts it. Under the name `pm2` the program \
         takes PM2's home and speaks as PM2 does: every command takes every option of PM2.",
    );
    page.heading("Commands");
    for group in Group::ALL {
        page.line(&format!(".SS {}", escape(group.title())));
        for command in group.commands() {
            page.command(command);
        }
    }
    page.options_of_all();
    page.heading("Exit status");
    for [status, means] in STATUS {
        page.item(&bold(status), means);
    }
    page.paragraph("Under the name `pm2` it is 1 where it would be 2.");
    page.heading("Environment");
    for variable in VARIABLES.iter().filter(|variable| variable.audience == Audience::User) {
        let default = match variable.default {
            "" => String::new(),
            default => format!(" Default: {default}."),
        };
        page.item(&bold(variable.name), &format!("{}{default}", variable.meaning));
    }
    page.heading("Files");
    page.paragraph(
        "Names are those in the home, which is `~/.ostler` unless a variable says else.",
    );
    for (name, about) in FILES {
        page.item(&format!("\\fI{}\\fR", escape(name)), about);
    }
    page.heading("Examples");
    for (line, about) in FIRST {
        page.item(&bold(line), &sentence(about));
    }
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        self.line(&format!(".SH {}", title.to_uppercase()));
    }

    fn paragraph(&mut self, text: &str) {
        self.line(&prose(text));
    }

    fn item(&mut self, head: &str, text: &str) {
        self.line(&format!(".TP\n{head}\n{}", prose(text)));
    }

    fn command(&mut self, command: &Command) {
        let names: Vec<String> = command.names.iter().map(|name| bold(name)).collect();
        let head = format!("{}{}", names.join(", "), escape(&command.arguments()));
        let text = [&sentence(command.doc), command.detail].map(str::trim).join(" ");
        self.item(&head, text.trim_end());
        let chapters = chapters::of_command(command.id);
        if let Some((_, own)) = chapters.into_iter().find(|(title, _)| *title == "Options") {
            self.line(".RS");
            self.options(own.into_iter(), Some(command.id));
            self.line(".RE");
        }
    }

    fn options_of_all(&mut self) {
        self.heading("Options");
        self.paragraph("Options stand before or after the command. Every command takes these:");
        self.options(chapters::common(), None);
        let takers = |takes: fn(&Command) -> bool| {
            let names = COMMANDS.iter().filter(|command| takes(command)).map(Command::name);
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        self.paragraph(&format!(
            "Those below set attributes of apps. They are for {}; `ostler help` with the name of a \
             command shows which of them it takes.",
            takers(Command::takes_app_arguments)
        ));
        for (title, flags) in chapters::of_apps() {
            self.line(&format!(".SS {}", escape(title)));
            self.options(flags.into_iter(), None);
        }
    }

    fn options<'f>(&mut self, flags: impl Iterator<Item = &'f Flag>, command: Option<CommandId>) {
        for flag in flags {
            let mut head = String::new();
            // Writing to a string cannot fail.
            if let Some(short) = flag.short {
                let _ = write!(head, "{}, ", bold(&format!("-{short}")));
            }
            let (name, value) = match flag.long_shown().split_once(' ') {
                Some((name, value)) => (name.to_owned(), format!(" {value}")),
                None => (flag.long_shown(), String::new()),
            };
            let _ = write!(head, "{}{}", bold(&name), escape(&value));
            let doc = command.map_or(flag.doc, |command| flag.doc_for(command));
            self.item(&head, &sentence(doc));
        }
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

/// Returns sentences with what stands in backticks made bold, a line for each sentence.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let text: String =
        parts.map(|(at, part)| if at % 2 == 1 { bold(part) } else { escape(part) }).collect();
    text.replace(". ", ".\n").lines().map(wrap).collect::<Vec<_>>().join("\n")
}

/// Breaks a line between words; readers of the source like short ones.
fn wrap(line: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in line.split(' ') {
        if 0 < width && WIDTH <= width + word.len() {
            out.push('\n');
            width = 0;
        } else if 0 < width {
            out.push(' ');
        }
        // A line that begins with a dot would be a macro.
        if width == 0 && word.starts_with('.') {
            out.push_str("\\&");
        }
        out.push_str(word);
        width += word.len() + 1;
    }
    out
}

/// Returns text in which nothing is a command to the formatter, and in which what looks like
/// ASCII stays ASCII.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '~' => out.push_str("\\(ti"),
            '^' => out.push_str("\\(ha"),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_command_to_the_formatter() {
        assert_eq!(prose(".profile's -x\\n ~"), "\\&.profile\\(aqs \\-x\\en \\(ti");
        assert_eq!(prose("Use `a-b`. Or not."), "Use \\fBa\\-b\\fR.\nOr not.");
    }
}
