//! Programs that run scripts of `package.json`, and what their arguments ask for.

/// One of these programs, named as on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    Npm,
    Npx,
    Yarn,
    Pnpm,
    Bun,
    Bunx,
}

/// What it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A script, with arguments for it.
    Script {
        /// Name of the script.
        name: String,
        /// What is added to it.
        args: Vec<String>,
        /// The package that is meant, if one is named.
        place: Option<Place>,
        /// A word that may be a script is a program where there is no such script.
        or_program: bool,
    },
    /// A program of the packages, with its arguments.
    Program(Vec<String>),
    /// Something that is no script.
    Other,
}

/// How a package is named whose script is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By its folder.
    Folder(String),
    /// As one of several in the repository, by its name or folder.
    Workspace(String),
}

impl Runner {
    /// The one that a program's name means.
    pub(super) fn of(program: &str) -> Option<Self> {
        let name = program.rsplit('/').next().unwrap_or(program);
        if program.ends_with("/npm/bin/npm-cli.js") {
            return Some(Self::Npm);
        }
        Some(match name {
            "npm" => Self::Npm,
            "npx" => Self::Npx,
            "yarn" | "yarnpkg" => Self::Yarn,
            "pnpm" => Self::Pnpm,
            "bun" => Self::Bun,
            "bunx" => Self::Bunx,
            _ => return None,
        })
    }

    /// Its name in a sentence and in its own variables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Npm | Self::Npx => "npm",
            Self::Yarn => "yarn",
            Self::Pnpm => "pnpm",
            Self::Bun | Self::Bunx => "bun",
        }
    }

    /// What the value of this option names, if it names a package.
    fn place(self, option: &str) -> Option<fn(String) -> Place> {
        match (self, option) {
            (_, "--prefix" | "-C" | "--dir" | "--cwd") => Some(Place::Folder),
            (Self::Npm, "-w" | "--workspace") | (Self::Pnpm | Self::Bun, "-F" | "--filter") => {
                Some(Place::Workspace)
            }
            (_, _) => None,
        }
    }

    /// What these arguments ask for.
    ///
    /// # Errors
    /// An option that changes what is run and is not understood here.
    pub(super) fn asked(self, args: &[String]) -> Result<Asked, String> {
        let mut reader = Reader { runner: self, place: None, words: Vec::new() };
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            if reader.is_complete() && self != Self::Npm {
                // What is behind the name is for what is run.
                let all = std::iter::once(word).chain(rest).filter(|word| *word != "--");
                reader.words.extend(all.cloned());
                break;
            }
            if word == "--" {
                reader.words.extend(rest.cloned());
                break;
            }
            reader.word(word, &mut rest)?;
        }
        Ok(self.meaning(reader.words, reader.place))
    }

    fn meaning(self, words: Vec<String>, place: Option<Place>) -> Asked {
        let mut words = words.into_iter();
        let Some(first) = words.next() else { return Asked::Other };
        let script = |name: Option<String>, args: Vec<String>, or_program| match name {
            Some(name) => Asked::Script { name, args, place, or_program },
            None => Asked::Other,
        };
        match (self, first.as_str()) {
            (Self::Npx | Self::Bunx, _) => {
                Asked::Program(std::iter::once(first).chain(words).collect())
            }
            (Self::Yarn, "workspace") => {
                let name = words.next().map(Place::Workspace);
                name.map_or(Asked::Other, |name| self.meaning(words.collect(), Some(name)))
            }
            (_, "run" | "run-script") => script(words.next(), words.collect(), false),
            (_, "start" | "test") => script(Some(first), words.collect(), false),
            (Self::Npm | Self::Pnpm | Self::Yarn, "exec") | (Self::Bun | Self::Npm, "x") => {
                Asked::Program(words.collect())
            }
            (Self::Npm, _) => Asked::Other,
            (Self::Yarn, "workspaces") => Asked::Other,
            (Self::Yarn | Self::Pnpm | Self::Bun, "add" | "install" | "i" | "remove" | "dlx") => {
                Asked::Other
            }
            (Self::Yarn | Self::Pnpm, _) => script(Some(first), words.collect(), true),
            // `bun server.ts` runs a file.
            (Self::Bun, _) => Asked::Other,
        }
    }
}

/// Takes the words that are for the runner itself.
struct Reader {
    runner: Runner,
    place: Option<Place>,
    words: Vec<String>,
}

impl Reader {
    /// Whether the words name what is run, so that all others are for it.
    fn is_complete(&self) -> bool {
        let first = self.words.first().map_or("", String::as_str);
        let needs_name = matches!(first, "run" | "run-script" | "exec" | "x");
        self.words.len() >= if needs_name { 2 } else { 1 }
    }

    fn word<'a>(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let (option, value) =
            word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        if is_quiet(word) {
        } else if let Some(place) = self.runner.place(option) {
            let value = value.map(str::to_owned).or_else(|| rest.next().cloned());
            if self.place.is_some() && !matches!(self.place, Some(Place::Folder(_))) {
                return Err(format!("`{word}` names a second package"));
            }
            self.place = value.map(place);
        } else if !word.starts_with('-') {
            self.words.push(word.to_owned());
        } else if self.is_complete() {
            return Err(format!("npm takes the option `{word}` for itself: put `--` before it"));
        } else {
            return Err(format!("the option `{word}` of `{}` is not known", self.runner.name()));
        }
        Ok(())
    }
}

fn is_quiet(word: &str) -> bool {
    matches!(
        word,
        "-s" | "--silent" | "-q" | "--quiet" | "--no-install" | "-y" | "--yes" | "--if-present"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> String {
        let mut words = line.split(' ');
        let runner = Runner::of(words.next().unwrap()).unwrap();
        match runner.asked(&words.map(str::to_owned).collect::<Vec<_>>()) {
            Ok(Asked::Script { name, args, place, or_program }) => {
                let kind = if or_program { "either" } else { "script" };
                let place = match place {
                    None => String::new(),
                    Some(Place::Folder(folder)) => format!(" in {folder}"),
                    Some(Place::Workspace(name)) => format!(" of {name}"),
                };
                format!("{kind} {name}{place}: {}", args.join(" "))
            }
            Ok(Asked::Program(words)) => format!("program {}", words.join(" ")),
            Ok(Asked::Other) => "other".to_owned(),
            Err(why) => why,
        }
    }

    #[test]
    fn arguments_of_each_runner_mean_a_script_or_a_program() {
        for (line, expected) in [
            ("npm start", "script start: "),
            ("/usr/bin/npm run serve", "script serve: "),
            ("npm run-script serve -- --port 3 --", "script serve: --port 3 --"),
            ("npm start --silent a -- -b", "script start: a -b"),
            ("npm --prefix web start", "script start in web: "),
            ("npm run --prefix=web x", "script x in web: "),
            ("npm exec next start", "program next start"),
            ("npm start --prefix web", "script start in web: "),
            ("npm install", "other"),
            ("npm run", "other"),
            ("npm start --port 3", "npm takes the option `--port` for itself: put `--` before it"),
            ("npm -w a start", "script start of a: "),
            ("npm start --workspace=a -- -b", "script start of a: -b"),
            ("npm run x -w a -w b", "`-w` names a second package"),
            ("npm -ws start", "the option `-ws` of `npm` is not known"),
            ("yarn workspace a start --port 3", "script start of a: --port 3"),
            ("yarn workspace a run x", "script x of a: "),
            ("yarn workspace a", "other"),
            ("yarn workspaces run start", "other"),
            ("pnpm --filter a start", "script start of a: "),
            ("pnpm -F a run x", "script x of a: "),
            ("bun run --filter a x", "script x of a: "),
            ("npx next start -p 3", "program next start -p 3"),
            ("npx --yes next start", "program next start"),
            ("npx -p a next", "the option `-p` of `npm` is not known"),
            ("yarn start --port 3", "script start: --port 3"),
            ("yarn next start", "either next: start"),
            ("yarn run serve -- --port 3", "script serve: --port 3"),
            ("yarn", "other"),
            ("pnpm serve -p 3", "either serve: -p 3"),
            ("pnpm exec next start -p 3", "program next start -p 3"),
            ("pnpm -C web run x", "script x in web: "),
            ("bun run serve", "script serve: "),
            ("bun server.ts", "other"),
            ("bunx next start", "program next start"),
        ] {
            assert_eq!(asked(line), expected, "{line}");
        }
    }
}
