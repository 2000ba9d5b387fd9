//! What runs on a machine: scripts of the shell.
//!
//! The layout is PM2's: `source` is the clone, `current` a link to it, `shared` is for files that
//! stay, `.deploys` has the commit of each deployment, a line each.

use ostler_config::DeployTarget;
use ostler_shell::word;

/// Why a script of ours stops, by its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is no clone.
    NotSetUp,
    /// The branch, tag or commit is not in the repository.
    NoSuchVersion,
    /// Somebody deploys to it at this moment.
    Taken,
    /// The clone is of another repository.
    OtherSource,
}

impl Stop {
    const ALL: [Self; 4] = [Self::NotSetUp, Self::NoSuchVersion, Self::Taken, Self::OtherSource];

    fn code(self) -> i32 {
        match self {
            Self::NotSetUp => 90,
            Self::NoSuchVersion => 91,
            Self::Taken => 92,
            Self::OtherSource => 93,
        }
    }

    /// Returns what this exit code means.
    pub(crate) fn of(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|stop| stop.code() == code)
    }
}

/// How a script tells what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// As PM2, on standard output.
    Pm2,
    /// On standard error, behind the name of the host.
    Ours(String),
}

/// Returns the script that makes the folder and the clone.
pub(crate) fn setup(target: &DeployTarget, told: &Told) -> String {
    let mut script = begin(target, told);
    hook(&mut script, target, "pre-setup", target.pre_setup.as_deref(), "$HOME");
    say(&mut script, "running setup");
    script.push_str("mkdir -p \"$root/shared/logs\" \"$root/shared/pids\"\n");
    let repo = word(&target.repo);
    let other = Stop::OtherSource.code();
    script.push_str(&format!(
        "if [ -e \"$root/source/.git\" ]; then\n\
         [ \"$(git -C \"$root/source\" remote get-url origin)\" = {repo} ] || exit {other}\n"
    ));
    say(&mut script, "the source is there already");
    script.push_str("else\n");
    say(&mut script, &format!("cloning {}", target.repo));
    let depth = if target.fast { " --depth=5 --no-single-branch" } else { "" };
    script.push_str(&format!("git clone{depth} -- {repo} \"$root/source\" >&2\nfi\n"));
    script.push_str("ln -sfn \"$root/source\" \"$root/current\"\n");
    hook(&mut script, target, "post-setup", target.post_setup.as_deref(), "$root/current");
    say(&mut script, "setup complete");
    script
}

/// Returns the script that fetches, changes nothing else, and prints the commit that is meant.
pub(crate) fn fetch(target: &DeployTarget, told: &Told, reference: &str) -> String {
    let mut script = begin(target, told);
    let (missing, unknown) = (Stop::NotSetUp.code(), Stop::NoSuchVersion.code());
    script.push_str(&format!(
        "[ -e \"$root/source/.git\" ] || exit {missing}\ncd \"$root/source\"\n"
    ));
    let depth = if target.fast { " --depth=5" } else { "" };
    script.push_str(&format!("git fetch --quiet --force --tags --prune{depth} origin >&2\n"));
    // A branch of the repository comes before one of the clone, which nobody moves.
    script.push_str("for name in");
    for place in ["refs/remotes/", "refs/remotes/origin/", "refs/tags/", ""] {
        script.push_str(&format!(" {}", word(&format!("{place}{reference}"))));
    }
    script.push_str(&format!(
        "; do\n\
         if commit=$(git rev-parse --verify --quiet \"$name^{{commit}}\"); then\n\
         echo \"$commit\"\nexit 0\nfi\ndone\nexit {unknown}\n"
    ));
    script
}

/// Returns the script that makes a commit, which was fetched, the current version.
pub(crate) fn release(target: &DeployTarget, told: &Told, commit: &str, usual: &str) -> String {
    let mut script = begin(target, told);
    let taken = Stop::Taken.code();
    script.push_str(&format!(
        "if command -v flock >/dev/null 2>&1; then\n\
         exec 9>>\"$root/.deploy.lock\"\nflock -n 9 || exit {taken}\nfi\n"
    ));
    hook(&mut script, target, "pre-deploy", target.pre_deploy.as_deref(), "$root/current");
    say(&mut script, &format!("resetting HEAD to {commit}"));
    let quiet = if *told == Told::Pm2 { "" } else { "--quiet " };
    script.push_str(&format!(
        "cd \"$root/source\"\ngit reset {quiet}--hard {}\n\
         if [ -e .gitmodules ]; then git submodule --quiet update --init --recursive >&2; fi\n",
        word(commit)
    ));
    let post = target.post_deploy.as_deref().unwrap_or(usual);
    hook(&mut script, target, "post-deploy", Some(post), "$root/current");
    script.push_str(&format!("echo {} >> \"$root/.deploys\"\n", word(commit)));
    script
}

/// Returns the script that prints the commit of each deployment, the last one at the end.
pub(crate) fn deploys(target: &DeployTarget, told: &Told) -> String {
    let missing = Stop::NotSetUp.code();
    let script = begin(target, told);
    format!(
        "{script}[ -e \"$root/source/.git\" ] || exit {missing}\n\
         if [ -e \"$root/.deploys\" ]; then cat \"$root/.deploys\"; fi\n"
    )
}

/// Returns the script that prints the commit that is there.
pub(crate) fn current(target: &DeployTarget, told: &Told) -> String {
    let missing = Stop::NotSetUp.code();
    let script = begin(target, told);
    format!(
        "{script}[ -e \"$root/source/.git\" ] || exit {missing}\n\
         git -C \"$root/source\" rev-parse --short HEAD\n"
    )
}

/// Returns the script that runs a command in the current version.
pub(crate) fn exec(target: &DeployTarget, told: &Told, command: &str) -> String {
    let missing = Stop::NotSetUp.code();
    let script = begin(target, told);
    format!(
        "{script}[ -d \"$root/current/\" ] || exit {missing}\nrun \"$root/current\" {}\n",
        text(command)
    )
}

/// Folder, and how something is said and run.
fn begin(target: &DeployTarget, told: &Told) -> String {
    let root = match target.path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", word(rest)),
        None => text(&target.path),
    };
    let say = match told {
        Told::Pm2 => "say() { printf '  ○ %s\\n' \"$1\"; }".to_owned(),
        Told::Ours(host) => {
            format!("say() {{ printf '%s: %s\\n' {} \"$1\" >&2; }}", word(host))
        }
    };
    // Commands of users are written for bash; what they leave running does not hold the lock, and
    // their exit codes are not taken for one of ours.
    format!(
        "set -e\nroot={root}\ncase $root in /*) ;; *) root=$PWD/$root ;; esac\n{say}\n\
         shell=$(command -v bash || command -v sh)\n\
         run() {{ (cd \"$1\" && exec \"$shell\" -c \"$2\" 9>&-) && return\n\
         code=$?\nif [ $code -ge 90 ]; then code=1; fi\nexit $code; }}\n"
    )
}

fn say(script: &mut String, said: &str) {
    script.push_str(&format!("say {}\n", text(said)));
}

fn hook(
    script: &mut String,
    target: &DeployTarget,
    name: &str,
    command: Option<&str>,
    folder: &str,
) {
    let Some(command) = command.filter(|command| !command.trim().is_empty()) else { return };
    let exports: Vec<String> = target
        .env
        .iter()
        .map(|(name, value)| format!("export {name}={} && ", text(value)))
        .collect();
    let whole = format!("{}{command}", exports.concat());
    say(script, &format!("executing {name} `{command}`"));
    script.push_str(&format!("run \"{folder}\" {}\n", text(&whole)));
}

/// Any text as one word of any shell, also with line ends in it.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn no_text_of_a_target_is_read_as_a_command() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it's $(touch bad) `touch bad`\n; touch bad");
        let evil = "'; touch bad; '$(touch bad)`touch bad`".to_owned();
        let target = DeployTarget {
            path: path.display().to_string(),
            repo: evil.clone(),
            env: vec![("A".to_owned(), evil.clone())],
            pre_setup: Some("printf %s \"$A\" > env".to_owned()),
            ..DeployTarget::default()
        };
        let told = Told::Ours(evil.clone());
        let scripts = [
            setup(&target, &told),
            fetch(&target, &told, &evil),
            release(&target, &told, &evil, "true"),
            deploys(&target, &told),
            current(&target, &told),
            exec(&target, &told, "true"),
        ];
        for script in scripts {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).env("HOME", dir.path()).current_dir(dir.path());
            assert!(!shell.output().unwrap().status.success(), "{script}");
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("env")).unwrap(), evil);
        assert!(path.join("shared/logs").is_dir());
        let found = std::fs::read_dir(dir.path()).unwrap();
        let found = found.map(|entry| entry.unwrap().file_name());
        assert!(!found.into_iter().any(|name| name == "bad"));
    }

    #[test]
    fn each_reason_has_a_code_of_its_own() {
        for stop in Stop::ALL {
            assert_eq!(Stop::of(stop.code()), Some(stop));
        }
        assert_eq!(Stop::of(1), None);
    }
}
