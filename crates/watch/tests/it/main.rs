//! Changes of real files, as the kernel tells them.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use ostler_watch::{Asked, Rules, Wanted, WatchNews, Watcher};
use tempfile::TempDir;

/// Long enough on a machine that does much else.
const SOON: Duration = Duration::from_secs(120);

/// A folder that is watched as app 1. A file `probe/N` outside shows what was told before it.
struct World {
    folder: TempDir,
    watcher: Option<Watcher>,
    said: mpsc::Receiver<WatchNews>,
    thread: Option<JoinHandle<()>>,
    probes: usize,
    early: RefCell<Vec<WatchNews>>,
}

impl World {
    fn new(files: &[&str], asked: impl FnOnce(Asked) -> Asked) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (watcher, work) = Watcher::new().unwrap();
        let (sender, said) = mpsc::channel();
        let thread =
            std::thread::spawn(move || work.run(|said| sender.send(said).unwrap()).unwrap());
        let thread = Some(thread);
        let world = Self {
            folder,
            watcher: Some(watcher),
            said,
            thread,
            probes: 0,
            early: RefCell::default(),
        };
        fs::create_dir(world.path("probe")).unwrap();
        for file in files {
            world.write(file);
        }
        world.set(1, asked, None);
        world
    }

    fn set(&self, id: u32, asked: impl FnOnce(Asked) -> Asked, since: Option<u64>) {
        let usual = Asked {
            folder: self.folder.path().join("app"),
            usual_ignored: true,
            gitignore: true,
            ..Asked::default()
        };
        let of_app = Wanted { id, rules: Rules::new(asked(usual)), since };
        let folder = self.folder.path().join("probe");
        let probe = Rules::new(Asked { folder, ..Asked::default() });
        let probe = Wanted { id: 0, rules: probe, since: None };
        self.watcher.as_ref().unwrap().set(vec![of_app, probe]);
        // What a walk found is told before.
        let mut early = self.early.borrow_mut();
        loop {
            match self.said.recv_timeout(SOON).unwrap() {
                WatchNews::Watching(_) => return,
                said => early.push(said),
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }

    /// What was told of the app until now.
    #[track_caller]
    fn told(&mut self) -> BTreeSet<String> {
        // What is read together is told in another order.
        let mut told = self.until_probe();
        told.extend(self.until_probe());
        told
    }

    /// Waits until the probe is heard, and gives what was told of the app before it.
    #[track_caller]
    fn until_probe(&mut self) -> BTreeSet<String> {
        self.probes += 1;
        let probe = format!("probe/{}", self.probes);
        self.write(&probe);
        let mut told = BTreeSet::new();
        loop {
            let early = self.early.borrow_mut().pop();
            match early.unwrap_or_else(|| self.said.recv_timeout(SOON).unwrap()) {
                WatchNews::Watching(_) => {}
                WatchNews::Changed { id: 0, path } if path == self.path(&probe) => return told,
                WatchNews::Changed { path, .. } => {
                    let path = path.strip_prefix(self.folder.path()).unwrap_or(&path).to_owned();
                    told.insert(path.display().to_string());
                }
                WatchNews::Limited { .. } => _ = told.insert("limited".to_owned()),
            }
        }
    }

    /// What is told of something that is done.
    #[track_caller]
    fn after(&mut self, act: impl FnOnce(&Self)) -> Vec<String> {
        self.told();
        act(self);
        self.told().into_iter().filter(|path| !path.starts_with("probe/")).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.watcher = None;
        self.thread.take().unwrap().join().unwrap();
    }
}

fn plain(files: &[&str]) -> World {
    World::new(files, |asked| asked)
}

#[test]
fn a_change_of_each_kind_is_told_and_what_is_ignored_is_not() {
    let files = ["app/a.js", "app/src/b.js", "app/.env", "app/node_modules/x/y.js"];
    let mut world = plain(&files);
    assert_eq!(world.after(|world| world.write("app/src/b.js")), ["app/src/b.js"]);
    assert_eq!(world.after(|world| world.write("app/new.js")), ["app/new.js"]);
    let remove = |world: &World| fs::remove_file(world.path("app/new.js")).unwrap();
    assert_eq!(world.after(remove), ["app/new.js"]);
    let rename =
        |world: &World| fs::rename(world.path("app/a.js"), world.path("app/c.js")).unwrap();
    assert_eq!(world.after(rename), ["app/a.js"]);
    let ignored = |world: &World| {
        world.write("app/.env");
        world.write("app/node_modules/x/y.js");
        world.write("app/.cache/deep/file");
    };
    assert!(world.after(ignored).is_empty());
    let touch = |world: &World| _ = fs::read(world.path("app/c.js")).unwrap();
    assert!(world.after(touch).is_empty(), "it was read only");
}

#[test]
fn an_editor_that_saves_by_a_rename_is_noticed() {
    let mut world = World::new(&["app/a.js", "app/b.js"], |asked| Asked {
        paths: vec!["a.js".to_owned()],
        ..asked
    });
    let save = |world: &World| {
        world.write("app/a.js.new");
        fs::rename(world.path("app/a.js.new"), world.path("app/a.js")).unwrap();
    };
    assert_eq!(world.after(save), ["app/a.js"]);
    assert_eq!(world.after(save), ["app/a.js"]);
    assert!(world.after(|world| world.write("app/b.js")).is_empty());
}

#[test]
fn files_of_a_folder_that_comes_are_noticed_however_it_comes() {
    let mut world = World::new(&["app/a.js", "other/deep/b.js"], |asked| Asked {
        endings: vec!["js".to_owned()],
        ..asked
    });
    let made = |world: &World| world.write("app/x/y/z/c.js");
    assert_eq!(world.after(made), ["app/x/y/z/c.js"]);
    assert_eq!(world.after(made), ["app/x/y/z/c.js"]);
    let moved = |world: &World| fs::rename(world.path("other"), world.path("app/moved")).unwrap();
    assert_eq!(world.after(moved), ["app/moved/deep/b.js"]);
    assert_eq!(world.after(|world| world.write("app/moved/deep/b.js")), ["app/moved/deep/b.js"]);
    let gone = |world: &World| fs::rename(world.path("app/moved"), world.path("gone")).unwrap();
    world.after(gone);
    assert!(world.after(|world| world.write("gone/deep/b.js")).is_empty());
}

#[test]
fn a_build_folder_may_be_removed_and_made_again_and_so_may_the_apps_own() {
    let mut world =
        World::new(&["app/dist/a.js"], |asked| Asked { paths: vec!["dist".to_owned()], ..asked });
    let build = |world: &World| {
        fs::remove_dir_all(world.path("app/dist")).unwrap();
        world.write("app/dist/a.js");
    };
    assert!(!world.after(build).is_empty());
    assert_eq!(world.after(|world| world.write("app/dist/a.js")), ["app/dist/a.js"]);
    fs::remove_dir_all(world.path("app")).unwrap();
    world.told();
    world.write("app/dist/a.js");
    let told = world.said.recv_timeout(SOON).unwrap();
    assert_eq!(told, WatchNews::Changed { id: 1, path: world.path("app/dist/a.js") });
    assert_eq!(world.after(|world| world.write("app/dist/a.js")), ["app/dist/a.js"]);
}

#[test]
fn what_git_ignores_does_not_count_until_it_is_ignored_no_more() {
    let files = ["app/a.js", "app/out/a.js", "app/src/x.log"];
    let mut world = plain(&files);
    let ignore = |world: &World| fs::write(world.path("app/.gitignore"), "out/\n*.log\n").unwrap();
    assert!(world.after(ignore).is_empty());
    let write = |world: &World| {
        world.write("app/out/a.js");
        world.write("app/src/x.log");
    };
    assert!(world.after(write).is_empty());
    world.after(|world| fs::write(world.path("app/.gitignore"), "*.log\n").unwrap());
    assert_eq!(world.after(write), ["app/out/a.js"]);
}

#[test]
fn what_is_named_or_has_the_script_counts_whatever_git_ignores() {
    let mut world = World::new(&[], |asked| asked);
    fs::create_dir_all(world.path("app/.git")).unwrap();
    fs::create_dir_all(world.path("app/dist/main")).unwrap();
    fs::write(world.path("app/.gitignore"), "dist/**\ndist\n").unwrap();
    world.set(2, |asked| Asked { paths: vec!["dist".to_owned()], ..asked }, None);
    let write = |world: &World| world.write("app/dist/main/a.js");
    assert_eq!(world.after(write), ["app/dist/main/a.js"]);
    let script = world.path("app/dist/main/a.js");
    world.set(3, |asked| Asked { script, ..asked }, None);
    assert_eq!(world.after(write), ["app/dist/main/a.js"]);
    world.set(4, |asked| Asked { follows: true, ..asked }, None);
    assert!(world.after(write).is_empty());
}

#[test]
fn a_repository_that_ignores_the_whole_app_has_no_say() {
    let mut world = plain(&[]);
    fs::create_dir_all(world.path(".git")).unwrap();
    fs::write(world.path(".gitignore"), "*\n").unwrap();
    world.write("app/a.js");
    world.set(2, |asked| Asked { follows: true, ..asked }, None);
    assert_eq!(world.after(|world| world.write("app/a.js")), ["app/a.js"]);
}

#[test]
fn links_that_lead_in_circles_end_the_walk_nowhere() {
    let mut world = World::new(&["app/src/a.js"], |asked| asked);
    std::os::unix::fs::symlink(world.path("app"), world.path("app/src/up")).unwrap();
    fs::create_dir_all(world.path("shared")).unwrap();
    std::os::unix::fs::symlink(world.path("shared"), world.path("app/link")).unwrap();
    world.set(2, |asked| Asked { follows: true, ..asked }, None);
    assert_eq!(world.after(|world| world.write("shared/b.js")), ["app/link/b.js"]);
}

#[test]
fn what_was_written_before_anybody_looked_is_told() {
    let mut world = plain(&["app/a.js", "app/b.js", "app/node_modules/c.js"]);
    let now = || UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let set_time = |path: &Path, ms: u64| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
    };
    let start = now() - 10_000;
    for file in ["app/a.js", "app/b.js"] {
        set_time(&world.path(file), start - 1000);
    }
    world.told();
    world.set(2, |asked| Asked { follows: true, ..asked }, Some(start));
    assert!(world.told().is_empty());
    set_time(&world.path("app/b.js"), start + 1000);
    world.told();
    world.set(3, |asked| Asked { depth: Some(9), ..asked }, Some(start));
    assert_eq!(world.told().into_iter().collect::<Vec<_>>(), ["app/b.js"]);
    // A file from the future does not restart an app with each daemon.
    set_time(&world.path("app/b.js"), now() + 3_600_000);
    world.told();
    world.set(4, |asked| Asked { depth: Some(8), ..asked }, Some(start));
    assert!(world.told().is_empty());
}

#[test]
fn many_files_at_once_are_told_of_few_times() {
    let mut world = plain(&["app/a.js"]);
    (0..500).for_each(|n| world.write(&format!("aside/{n}.js")));
    // In one step: how fast they can be told does not matter.
    let told = world.after(|world| {
        fs::rename(world.path("aside"), world.path("app/lib")).unwrap();
    });
    assert!(!told.is_empty() && told.len() < 500, "{}", told.len());
}
