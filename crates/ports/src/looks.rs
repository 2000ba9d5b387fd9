//! Which of a list of processes listen where, without looking at all of them each time.
//!
//! Problem: who has a socket is only told by the descriptors of processes, and a thousand of them
//! take tens of milliseconds, mostly to find what was found a moment ago. Rule: a socket that
//! listens keeps its number as long as it lives, and is a new one when its number is. So nobody is
//! looked at again as long as every socket was there at the last look, and every process, too. What
//! was found is asked for at its place: its holder may have closed it while another has it still.
//!
//! Not seen until its process or any other socket is new: a socket that one process gave to another
//! while both went on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::Address;
use crate::find::Sockets;
use crate::proc::{self, Held};

/// The first line of what is kept.
const HEAD: &str = "ostler-ports 1";

/// A process of a list: its number, and since when it runs, which no other of this number has.
pub type Process = (u32, u64);

/// What was found at the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Every socket that there was.
    seen: BTreeSet<u64>,
    /// What each process and those that descend from it had of them.
    had: BTreeMap<Process, Vec<Held>>,
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
        for ((pid, since), had) in &self.had {
            _ = write!(text, "\n{pid} {since}");
            for Held { pid, fd, inode } in had {
                _ = write!(text, " {pid} {fd} {inode}");
            }
        }
        text.push('\n');
        text
    }
}

fn process(line: &str) -> Option<(Process, Vec<Held>)> {
    let mut numbers = line.split_ascii_whitespace();
    let process = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    let mut had = Vec::new();
    while let Some(pid) = numbers.next() {
        let (pid, fd) = (pid.parse().ok()?, numbers.next()?.parse().ok()?);
        had.push(Held { pid, fd, inode: numbers.next()?.parse().ok()? });
    }
    Some((process, had))
}

/// A look at the processes of a list.
#[derive(Debug)]
pub struct Looks {
    sockets: Sockets,
    before: Memory,
    now: Memory,
    is_news: bool,
}

impl Looks {
    /// Looks with what was found before.
    #[must_use]
    pub fn new(sockets: Sockets, before: Memory) -> Self {
        let seen: BTreeSet<u64> = sockets.numbers().collect();
        let before = if seen.is_subset(&before.seen) { before } else { Memory::default() };
        let now = Memory { seen, had: BTreeMap::new() };
        Self { sockets, before, now, is_news: false }
    }

    /// Returns what a process and those that descend from it listen on, each address once; `None`
    /// when the descriptors of one of them may not be seen.
    pub fn of(&mut self, process: Process) -> Option<Vec<Address>> {
        self.of_by(process, Held::is_there, proc::held_by_family)
    }

    fn of_by(
        &mut self,
        process: Process,
        is_there: impl Fn(&Held) -> bool,
        look: impl FnOnce(u32) -> Option<Vec<Held>>,
    ) -> Option<Vec<Address>> {
        // Where there is no socket, nobody is looked at.
        if self.now.seen.is_empty() {
            return Some(Vec::new());
        }
        let lives = |of: &Held| self.now.seen.contains(&of.inode);
        let known = self.before.had.remove(&process).map(|mut had| {
            had.retain(lives);
            had
        });
        let had = match known.filter(|had| had.iter().all(is_there)) {
            Some(had) => had,
            None => {
                let mut had = look(process.0)?;
                had.retain(lives);
                self.is_news = true;
                had
            }
        };
        let addresses: BTreeSet<&Address> =
            had.iter().filter_map(|of| self.sockets.address(of.inode)).collect();
        let addresses = addresses.into_iter().cloned().collect();
        self.now.had.insert(process, had);
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

    /// Looks at these processes; who has what is given, and who is looked at is returned.
    fn look(
        memory: &mut Memory,
        inodes: &[u64],
        processes: &[Process],
        all: &[Held],
    ) -> (Vec<u32>, Vec<String>) {
        let mut looked = Vec::new();
        let mut looks = Looks::new(sockets(inodes), memory.clone());
        let mut told = Vec::new();
        for process in processes {
            let found = looks.of_by(
                *process,
                |of| all.contains(of),
                |pid| {
                    looked.push(pid);
                    Some(all.iter().filter(|of| of.pid == pid).cloned().collect())
                },
            );
            told.extend(found.unwrap().iter().map(|of| format!("{} {of}", process.0)));
        }
        if let Some(news) = looks.news() {
            assert_eq!(Memory::parse(&news.text()), news);
            *memory = news;
        }
        (looked, told)
    }

    #[test]
    fn who_was_looked_at_is_not_looked_at_again_while_nothing_is_new() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        let all = [held(7, 100), held(9, 101)];
        let first = look(&mut memory, &[100, 101], &[one, two], &all);
        assert_eq!(first, (vec![7, 8], vec!["7 *:100".to_owned()]));
        let again = look(&mut memory, &[100, 101], &[one, two], &all);
        assert_eq!(again, (vec![], vec!["7 *:100".to_owned()]));
        // One of them is gone: that makes nobody new.
        assert_eq!(look(&mut memory, &[101], &[one, two], &all), (vec![], vec![]));
    }

    #[test]
    fn a_port_that_was_opened_since_the_last_look_is_shown() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        look(&mut memory, &[100], &[one, two], &[held(7, 100)]);
        let all = [held(7, 100), held(8, 101)];
        let (looked, told) = look(&mut memory, &[100, 101], &[one, two], &all);
        assert_eq!((looked, told), (vec![7, 8], vec!["7 *:100".into(), "8 *:101".into()]));
    }

    #[test]
    fn a_new_process_is_looked_at_for_every_socket_also_under_an_old_number() {
        let mut memory = Memory::default();
        let all = [held(7, 100), held(8, 100)];
        look(&mut memory, &[100], &[(7, 70)], &all);
        let (looked, told) = look(&mut memory, &[100], &[(7, 70), (8, 80)], &all);
        assert_eq!((looked, told), (vec![8], vec!["7 *:100".into(), "8 *:100".into()]));
        let (looked, told) = look(&mut memory, &[100], &[(7, 71)], &[]);
        assert_eq!((looked, told), (vec![7], vec![]));
    }

    #[test]
    fn a_socket_that_its_process_closed_while_another_has_it_is_not_shown() {
        let mut memory = Memory::default();
        let (one, two) = ((7, 70), (8, 80));
        look(&mut memory, &[100], &[one, two], &[held(7, 100)]);
        let (looked, told) = look(&mut memory, &[100], &[one, two], &[held(9, 100)]);
        assert_eq!((looked, told), (vec![7], vec![]));
    }

    #[test]
    fn what_may_not_be_seen_is_unknown_and_asked_for_each_time() {
        let mut looks = Looks::new(sockets(&[100]), Memory::default());
        assert_eq!(looks.of_by((7, 70), |_| true, |_| None), None);
        assert_eq!(looks.news(), None);
        let mut none = Looks::new(sockets(&[]), Memory::default());
        let nobody = none.of_by((7, 70), |_| true, |_| panic!("nobody is looked at"));
        assert_eq!((nobody, none.news()), (Some(vec![]), None));
    }

    #[test]
    fn of_a_memory_that_is_not_understood_nothing_is_remembered() {
        let memory = Memory {
            seen: BTreeSet::from([1, 2]),
            had: BTreeMap::from([((7, 70), vec![held(8, 2)]), ((9, 90), vec![])]),
        };
        let text = memory.text();
        assert_eq!(text, "ostler-ports 1\n1 2 \n7 70 8 3 2\n9 90\n");
        assert_eq!(Memory::parse(&text), memory);
        for bad in ["", "ostler-ports 2\n1 2 \n", "ostler-ports 1\nx\n", &text.replace(" 3", "")] {
            assert_eq!(Memory::parse(bad), Memory::default(), "{bad}");
        }
    }
}
