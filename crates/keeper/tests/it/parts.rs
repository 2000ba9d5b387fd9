//! The parts that this executable plays beside the stories: keeper, daemon, foster daemon, program.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use ostler_keeper::proto::ToKeeper;
use ostler_keeper::{Config, link};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Plays the part that the arguments name, if any.
pub fn play(args: &[&str]) -> Option<ExitCode> {
    match args {
        ["keeper", "--resume", fd] => Some(ostler_keeper::resume(fd.parse().unwrap())),
        ["keeper", home] => Some(ostler_keeper::run(config(home))),
        ["keeper", home, "adopt", fd] => {
            let adopt = Some(link::inherited(fd.parse().unwrap()).unwrap());
            Some(ostler_keeper::run(Config { adopt, nofile: Some((1000, 2000)), ..config(home) }))
        }
        ["keeper", home, "ready", fd] => {
            let ready_fd = Some(link::inherited(fd.parse().unwrap()).unwrap());
            Some(ostler_keeper::run(Config { ready_fd, ..config(home) }))
        }
        ["keeper", home, "mute"] => {
            let (program, hello_limit) =
                (Path::new(home).join("mute"), Some(Duration::from_secs(5)));
            Some(ostler_keeper::run(Config { program, hello_limit, ..config(home) }))
        }
        ["keeper", home, "asks"] => {
            let answer_limit = Some(Duration::from_secs(1));
            Some(ostler_keeper::run(Config { answer_limit, ..config(home) }))
        }
        ["daemon", home] => Some(daemon(Path::new(home))),
        ["foster", home] => Some(foster(Path::new(home))),
        ["program", words @ ..] => Some(program(words)),
        _ => None,
    }
}

fn config(home: &str) -> Config {
    Config {
        program: std::env::current_exe().unwrap(),
        daemon_args: vec!["daemon".into(), home.into()],
        home: home.into(),
        daemon_env: vec![("STORY".into(), "told".into())],
        log: Some(Path::new(home).join("log")),
        ..Config::default()
    }
}

/// Hands the link over to the story and lives until the story has enough.
fn daemon(home: &Path) -> ExitCode {
    assert_eq!(std::env::var("STORY").unwrap(), "told");
    let mut end = link::from_env().unwrap().unwrap();
    if let Some(ready) = link::ready_fd_from_env().unwrap() {
        rustix::io::write(ready, b"ready").unwrap();
    }
    match UnixStream::connect(home.join("sock")) {
        Ok(story) => hand_over(story, &end),
        Err(_) => {
            // The story is over (or died): nobody is to be left behind.
            end.send(&ToKeeper::Shutdown, vec![]).unwrap();
            ExitCode::SUCCESS
        }
    }
}

fn hand_over(mut story: UnixStream, end: &impl AsFd) -> ExitCode {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [end.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    let pid = std::process::id().to_le_bytes();
    sendmsg(&story, &[std::io::IoSlice::new(&pid)], &mut control, SendFlags::NOSIGNAL).unwrap();
    let mut nothing = [0];
    let _ = story.read(&mut nothing);
    ExitCode::SUCCESS
}

/// A daemon whose keeper died: starts another keeper that adopts it.
fn foster(home: &Path) -> ExitCode {
    let (theirs, ours) = link::pair().unwrap();
    let mut keeper = start_adopting(home, &theirs);
    std::fs::write(home.join("keeper.pid"), keeper.id().to_string()).unwrap();
    std::thread::spawn(move || keeper.wait());
    hand_over(UnixStream::connect(home.join("sock")).unwrap(), &ours)
}

/// Starts a keeper that adopts this process as its daemon.
pub fn start_adopting(home: &Path, link: &std::os::fd::OwnedFd) -> std::process::Child {
    let path: PathBuf = std::env::current_exe().unwrap();
    rustix::io::fcntl_setfd(link, rustix::io::FdFlags::empty()).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(link).to_string();
    let home = home.to_str().unwrap();
    Command::new(path).args(["keeper", home, "adopt", &number]).spawn().unwrap()
}

/// A supervised program that tells about itself.
fn program(words: &[&str]) -> ExitCode {
    let say = |text: String| std::io::stdout().write_all(text.as_bytes()).unwrap();
    match words {
        ["fds"] => {
            let mut open: Vec<i32> = std::fs::read_dir("/proc/self/fd")
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
                .collect();
            open.sort_unstable();
            // The last one is the directory that is being read.
            open.pop();
            say(format!("{open:?}"));
        }
        ["listen"] => {
            let pid = std::env::var("LISTEN_PID").unwrap();
            assert_eq!(pid, std::process::id().to_string());
            let count: usize = std::env::var("LISTEN_FDS").unwrap().parse().unwrap();
            for fd in 3..3 + count {
                let target = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
                assert!(target.to_str().unwrap().starts_with("socket:"), "{target:?}");
            }
            say(format!("{count} channel {:?}", std::env::var("NODE_CHANNEL_FD")));
        }
        _ => unreachable!("{words:?}"),
    }
    ExitCode::SUCCESS
}
