//! Which of a list of processes listen where, without looking at all of them each time.
//!
//! Problem: who has a socket is only told by the descriptors of processes, and a thousand of them
//! take tens of milliseconds, mostly to find what was found a moment ago. Rule: a socket that
//! listens keeps its number as long as it lives, and is a new one when its number is. So nobody is
//! looked at again as long as every socket was there at the last look, and every process, too; and
//! where a socket is new, nobody who has used no CPU time since. What was found is asked for at its
//! place: its holder may have closed it while another has it still.
//!
//! Not seen until its process or any other socket is new: a socket that one process gave to another
//! while both went on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::Address;
use crate::family::{Family, Held};
use crate::find::Sockets;

/// The first line of what is kept.
const HEAD: &str = "ostler-ports 1";
/// What begins a socket in the line of a process.
const SOCKET: &str = "s";

/// The CPU time of a process that may have opened what is not remembered: it has run since.
const UNKNOWN: u64 = u64::MAX;

/// A process of a list: its number, and since when it runs, which no other of this number has.
pub type Process = (u32, u64);

/// What was found at the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Every socket that there was.
    seen: BTreeSet<u64>,
    /// Each process with those that descend from it, and what they had of them.
    had: BTreeMap<Process, Family>,
}

impl Memory {
    /// Reads what [`text`](Self::text) has written; of anything else nothing is remembered.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::try_parse(text).unwrap_or_default()
    }

    fn try_parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != HEAD {
            return None;
        }
        let numbers = lines.next()?.split_ascii_whitespace();
        let seen = numbers.map(|inode| inode.parse().ok()).collect::<Option<_>>()?;
        let had = lines.map(process).collect::<Option<_>>()?;
        Some(Self { seen, had })
    }

    /// Returns it as lines: the sockets, then one for each process.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for inode in &self.seen {
            _ = write!(text, "{inode} ");
        }
        for ((pid, since), Family { members, held }) in &self.had {
            _ = write!(text, "\n{pid} {since}");
            for (pid, used) in members {
                _ = write!(text, " {pid} {used}");
            }
            for Held { pid, fd, inode } in held {
                _ = write!(text, " {SOCKET} {pid} {fd} {inode}");
            }
        }
        text.push('\n');
        text
    }
}

fn process(line: &str) -> Option<(Process, Family)> {
    let mut words = line.split_ascii_whitespace();
    let process = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let mut family = Family::default();
    while let Some(word) = words.next() {
        if word == SOCKET {
            let (pid, fd) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            family.held.push(Held { pid, fd, inode: words.next()?.parse().ok()? });
        } else {
            family.members.push((word.parse().ok()?, words.next()?.parse().ok()?));
        }
    }
    Some((process, family))
}

/// A look at the processes of a list.
#[derive(Debug)]
pub struct Looks {
    sockets: Sockets,
    before: Memory,
    now: Memory,
    /// There is a socket that was not there before.
    is_fresh: bool,
    is_news: bool,
}

/// How processes are looked at; tests have a way of their own.
trait Eyes {
    fn look(&mut self, pid: u32) -> Option<Family>;
    fn slept(&self, family: &Family) -> bool;
    fn is_there(&self, held: &Held) -> bool;
}

/// What the kernel shows.
struct Kernel;

impl Eyes for Kernel {
    fn look(&mut self, pid: u32) -> Option<Family> {
        Family::look(pid)
    }

    fn slept(&self, family: &Family) -> bool {
        family.slept()
    }

    fn is_there(&self, held: &Held) -> bool {
        held.is_there()
    }
}

impl Looks {
    /// Looks with what was found before.
    #[must_use]
    pub fn new(sockets: Sockets, before: Memory) -> Self {
        let seen: BTreeSet<u64> = sockets.numbers().collect();
        let is_fresh = !seen.is_subset(&before.seen);
        let now = Memory { seen, had: BTreeMap::new() };
        Self { sockets, before, now, is_fresh, is_news: is_fresh }
    }

    /// Returns what a process and those that descend from it listen on, each address once; `None`
    /// when the descriptors of one of them may not be seen.
    pub fn of(&mut self, process: Process) -> Option<Vec<Address>> {
        self.of_by(process, &mut Kernel)
    }

    fn of_by(&mut self, process: Process, eyes: &mut impl Eyes) -> Option<Vec<Address>> {
        // Where there is no socket, nobody is looked at.
        if self.now.seen.is_empty() {
            return Some(Vec::new());
        }
        let lives = |of: &Held| self.now.seen.contains(&of.inode);
        let known = self.before.had.remove(&process).and_then(|mut family| {
            family.held.retain(lives);
            let is_known = !self.is_fresh || eyes.slept(&family);
            (is_known && family.held.iter().all(|held| eyes.is_there(held))).then_some(family)
        });
        let family = match known {
            Some(family) => family,
            None => {
                let mut family = eyes.look(process.0)?;
                let all = family.held.len();
                family.held.retain(lives);
                if family.held.len() < all {
                    // One of them may have begun to listen after sockets were asked for.
                    family.members.iter_mut().for_each(|(_, used)| *used = UNKNOWN);
                }
                self.is_news = true;
                family
            }
        };
        let addresses: BTreeSet<&Address> =
            family.held.iter().filter_map(|of| self.sockets.address(of.inode)).collect();
        let addresses = addresses.into_iter().cloned().collect();
        self.now.had.insert(process, family);
        Some(addresses)
    }

    /// Returns what is to be remembered when every process of the list was asked about; `None`
    /// when that is what was remembered.
    #[must_use]
    pub fn news(self) -> Option<Memory> {
        self.is_news.then_some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(inodes: &[u64]) -> Sockets {
        let at = |inode: &u64| (*inode, Address::parse(&format!("*:{inode}")).unwrap());
        inodes.iter().map(at).collect()
    }

    fn held(pid: u32, inode: u64) -> Held {
        Held { pid, fd: 3, inode }
    }

    /// Eyes on processes of which each has these sockets, has used this CPU time, and
    /// has no children.
    struct Shown<'a> {
        all: &'a [Held],
        used: u64,
        looked: Vec<u32>,
    }

    impl Eyes for Shown<'_> {
        fn look(&mut self, pid: u32) -> Option<Family> {
            self.looked.push(pid);
            let held = self.all.iter().filter(|of| of.pid == pid).cloned().collect();
            (pid != HIDDEN).then(|| Family { members: vec![(pid, self.used)], held })
        }

        fn slept(&self, family: &Family) -> bool {
            family.members.iter().all(|(_, used)| *used == self.used)
        }

        fn is_there(&self, held: &Held) -> bool {
            self.all.contains(held)
        }
    }

    /// A process that may not be looked at.
    const HIDDEN: u32 = 99;

    /// Looks at these processes, of which each has used this CPU time and has what is given; who is
    /// looked at is returned, and what is found.
    fn look(
        memory: &mut Memory,
        inodes: &[u64],
        processes: &[Process],
        (used, all): (u64, &[Held]),
    ) -> (Vec<u32>, Vec<String>) {
        let mut eyes = Shown { all, used, looked: Vec::new() };
        let mut looks = Looks::new(sockets(inodes), memory.clone());
        let mut told = Vec::new();
        for process in processes {
            match looks.of_by(*process, &mut eyes) {
                Some(found) => told.extend(found.iter().map(|of| format!("{} {of}", process.0))),
                None => told.push(format!("{} ?", process.0)),
            }
        }
        if let Some(news) = looks.news() {
            assert_eq!(Memory::parse(&news.text()), news);
            *memory = news;
        }
        (eyes.looked, told)
    }

    #[test]
    fn who_was_looked_at_is_not_looked_at_again_while_nothing_is_new() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        let all = [held(7, 100), held(9, 101)];
        let first = look(&mut memory, &[100, 101], &[one, two], (1, &all));
        assert_eq!(first, (vec![7, 8], vec!["7 *:100".to_owned()]));
        let again = look(&mut memory, &[100, 101], &[one, two], (2, &all));
        assert_eq!(again, (vec![], vec!["7 *:100".to_owned()]));
        // One of them is gone: that makes nobody new.
        assert_eq!(look(&mut memory, &[101], &[one, two], (3, &all)), (vec![], vec![]));
    }

    #[test]
    fn a_port_that_was_opened_since_the_last_look_is_shown() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        look(&mut memory, &[100], &[one, two], (1, &[held(7, 100)]));
        let all = [held(7, 100), held(8, 101)];
        let (looked, told) = look(&mut memory, &[100, 101], &[one, two], (2, &all));
        assert_eq!((looked, told), (vec![7, 8], vec!["7 *:100".into(), "8 *:101".into()]));
    }

    #[test]
    fn a_socket_of_somebody_elses_is_not_looked_for_at_those_that_did_not_run() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        let all = [held(7, 100)];
        look(&mut memory, &[100], &[one, two], (1, &all));
        let told = vec!["7 *:100".to_owned()];
        let strangers = look(&mut memory, &[100, 200], &[one, two], (1, &all));
        assert_eq!(strangers, (vec![], told.clone()));
        // Its number is remembered, so that those that ran meanwhile are not looked at for it.
        assert_eq!(look(&mut memory, &[100, 200], &[one, two], (2, &all)), (vec![], told));
    }

    /// It was not shown by any later list: it was new, and its process had not run since.
    #[test]
    fn a_port_that_is_opened_in_the_middle_of_a_look_is_shown_by_the_next() {
        let mut memory = Memory::default();
        let one = (7, 70);
        let all = [held(7, 100), held(7, 101)];
        let (_, told) = look(&mut memory, &[100], &[one], (1, &all));
        assert_eq!(told, ["7 *:100"]);
        let (looked, told) = look(&mut memory, &[100, 101], &[one], (1, &all));
        assert_eq!((looked, told), (vec![7], vec!["7 *:100".to_owned(), "7 *:101".to_owned()]));
    }

    #[test]
    fn a_new_process_is_looked_at_for_every_socket_also_under_an_old_number() {
        let mut memory = Memory::default();
        let all = [held(7, 100), held(8, 100)];
        look(&mut memory, &[100], &[(7, 70)], (1, &all));
        let (looked, told) = look(&mut memory, &[100], &[(7, 70), (8, 80)], (1, &all));
        assert_eq!((looked, told), (vec![8], vec!["7 *:100".into(), "8 *:100".into()]));
        let (looked, told) = look(&mut memory, &[100], &[(7, 71)], (1, &[]));
        assert_eq!((looked, told), (vec![7], vec![]));
    }

    #[test]
    fn a_socket_that_its_process_closed_while_another_has_it_is_not_shown() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        look(&mut memory, &[100], &[one, two], (1, &[held(7, 100)]));
        let (looked, told) = look(&mut memory, &[100], &[one, two], (1, &[held(9, 100)]));
        assert_eq!((looked, told), (vec![7], vec![]));
    }

    #[test]
    fn what_may_not_be_seen_is_unknown_and_asked_for_each_time() {
        let mut memory = Memory::default();
        for _ in 0..2 {
            let (looked, told) = look(&mut memory, &[100], &[(HIDDEN, 1)], (1, &[]));
            assert_eq!((looked, told), (vec![HIDDEN], vec!["99 ?".to_owned()]));
        }
        // Where nobody listens there is nothing to be seen.
        assert_eq!(look(&mut memory, &[], &[(HIDDEN, 1)], (1, &[])), (vec![], vec![]));
    }

    #[test]
    fn of_a_memory_that_is_not_understood_nothing_is_remembered() {
        let family = Family { members: vec![(7, 5), (8, 6)], held: vec![held(8, 2)] };
        let memory = Memory {
            seen: BTreeSet::from([1, 2]),
            had: BTreeMap::from([((7, 70), family), ((9, 90), Family::default())]),
        };
        let text = memory.text();
        assert_eq!(text, "ostler-ports 1\n1 2 \n7 70 7 5 8 6 s 8 3 2\n9 90\n");
        assert_eq!(Memory::parse(&text), memory);
        for bad in ["", "ostler-ports 2\n1 2 \n", "ostler-ports 1\nx\n", &text.replace(" 3", "")] {
            assert_eq!(Memory::parse(bad), Memory::default(), "{bad}");
        }
    }
}
