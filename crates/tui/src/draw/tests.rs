//! Pictures of the view in windows of three sizes, and what none of them may do.

use expect_test::expect_file;
use ostler_show::{Tree, sample};
use ostler_wire::control::{Details, Lifecycle, ProcView};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::style::Color;

use crate::deed::{Act, Deed};
use crate::input::{Facts, Host, Input, Link, Remark, Tone, Wish};
use crate::keys::KEYS;
use crate::lines::Line;
use crate::monitor::{Mode, Monitor};

/// A view with what it wished for so far.
struct Viewed {
    monitor: Monitor,
    wishes: Vec<Wish>,
}

impl Viewed {
    /// One that knows the sample apps.
    fn new(window: (u16, u16)) -> Self {
        let mut viewed =
            Self { monitor: Monitor::new("~/.ostler".into(), window), wishes: Vec::new() };
        viewed.learn(facts(sample::processes()));
        viewed
    }

    fn learn(&mut self, input: Input) {
        self.monitor.handle(input, &mut self.wishes);
    }

    fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                c => KeyCode::Char(c),
            };
            self.learn(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
    }

    fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        let modifiers = KeyModifiers::NONE;
        self.learn(Input::Mouse(MouseEvent { kind, column, row, modifiers }));
    }

    /// Lines of the app that is selected.
    fn write(&mut self, lines: impl IntoIterator<Item = Line>) {
        let of = self.wishes.iter().rev().find_map(|wish| match wish {
            Wish::Follow(of, _) => Some(*of),
            Wish::Quit | Wish::Look | Wish::Do(_) => None,
        });
        self.learn(Input::Lines(of.unwrap(), lines.into_iter().collect()));
    }

    fn deeds(&self) -> Vec<&Deed> {
        let deeds = self.wishes.iter().filter_map(|wish| match wish {
            Wish::Do(deed) => Some(deed),
            Wish::Quit | Wish::Look | Wish::Follow(..) => None,
        });
        deeds.collect()
    }

    /// The picture, without blanks at the ends of lines.
    fn picture(&self) -> String {
        let buffer = self.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..buffer.area.width {
                if 0 < skip {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = ostler_show::columns(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn buffer(&self) -> ratatui::buffer::Buffer {
        let (width, height) = self.monitor.window();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| super::draw(&self.monitor, frame)).unwrap();
        terminal.backend().buffer().clone()
    }
}

fn facts(processes: Vec<ProcView>) -> Input {
    let details: Vec<Details> = processes.iter().cloned().map(sample::details).collect();
    let running = processes.iter().filter(|process| process.pid != 0);
    let command = || "node /srv/app.js".to_owned();
    let leaf = |pid| Tree { pid, command: command(), children: Vec::new() };
    let trees = running.map(|of| Tree { children: vec![leaf(9000 + of.id)], ..leaf(of.pid) });
    Input::Facts(Box::new(Facts {
        at: sample::NOW,
        trees: trees.collect(),
        details,
        processes,
        reasons: [(5, "port in use")].into(),
        host: Some(Host { cpu: 12.4, used: 3 << 30, memory: 8 << 30 }),
    }))
}

fn requests(count: usize) -> impl Iterator<Item = Line> {
    (0..count).map(|nth| {
        let id = u32::try_from(nth % 4).unwrap();
        Line::of_app("api", id, nth % 5 == 4, &format!("GET /orders/{nth} 200 in {} ms", nth % 17))
    })
}

const SIZES: [(u16, u16); 3] = [(80, 24), (200, 60), (40, 15)];

fn check(name: &str, (width, height): (u16, u16), viewed: &Viewed) {
    let path = format!("snapshots/{name}_{width}x{height}.txt");
    expect_file![path].assert_eq(&viewed.picture());
}

#[test]
fn every_window_shows_apps_and_what_the_selected_one_writes() {
    for size in SIZES {
        let mut viewed = Viewed::new(size);
        viewed.write(requests(70));
        check("apps", size, &viewed);
        viewed.press("\t");
        check("logs", size, &viewed);
        viewed.press("\t");
        check("details", size, &viewed);
        viewed.press("?");
        check("help", size, &viewed);
    }
}

#[test]
fn every_key_is_told_of_in_every_window() {
    for size in SIZES {
        let mut viewed = Viewed::new(size);
        let mut all = String::new();
        viewed.press("?");
        while viewed.monitor.mode != Mode::Keys {
            all.push_str(&viewed.picture());
            viewed.press(" ");
        }
        assert!(KEYS.iter().all(|row| all.contains(row.what)), "{all}");
    }
}

#[test]
fn an_app_that_was_given_up_says_why() {
    for size in SIZES {
        let mut viewed = Viewed::new(size);
        viewed.press("/worker\n\t\t");
        check("worker", size, &viewed);
    }
}

#[test]
fn unfolded_apps_show_their_processes_and_one_can_be_selected() {
    let mut viewed = Viewed::new((80, 24));
    viewed.press(" jj");
    check("unfolded", (80, 24), &viewed);
    viewed.press("R");
    let deed = Deed { act: Act::Restart, app: "api".into(), ids: vec![1], is_whole: false };
    assert_eq!(viewed.deeds(), [&deed]);
}

#[test]
fn the_death_of_the_daemon_is_said_in_a_line_and_nothing_else_goes() {
    let mut viewed = Viewed::new((80, 24));
    viewed.write(requests(9));
    let before = viewed.picture();
    viewed.learn(Input::Link(Link::Lost));
    let lost = viewed.picture();
    assert!(lost.contains("the daemon ended; apps go on"), "{lost}");
    let same =
        |one: &str, other: &str| one.lines().zip(other.lines()).filter(|(a, b)| a == b).count();
    assert_eq!(same(&before, &lost), 23, "{lost}");
    viewed.learn(facts(sample::processes()));
    let back = viewed.picture();
    assert!(back.contains("the daemon answers again"), "{back}");
    assert!(back.contains("GET /orders/8") && back.contains("are in the files"), "{back}");
}

#[test]
fn nothing_is_deleted_without_a_yes() {
    let mut viewed = Viewed::new((80, 24));
    viewed.press("D");
    assert!(viewed.picture().contains("delete api (4 processes)? y = yes"));
    viewed.press("n");
    assert!(viewed.deeds().is_empty());
    viewed.press("Dy");
    assert_eq!(viewed.deeds(), [&deed(Act::Delete)]);
}

fn deed(act: Act) -> Deed {
    Deed { act, app: "api".to_owned(), ids: vec![0, 1, 2, 3], is_whole: true }
}

#[test]
fn each_key_of_an_action_asks_for_that_action() {
    let mut viewed = Viewed::new((80, 24));
    viewed.press("rRs+-");
    let all = [Act::Reload, Act::Restart, Act::Stop, Act::Add, Act::Remove].map(deed);
    assert_eq!(viewed.deeds(), all.iter().collect::<Vec<_>>());
    viewed.press("S");
    assert!(viewed.picture().contains("api runs already"));
    viewed.press("/idle\nsS");
    assert_eq!(viewed.deeds().last().map(|deed| deed.done()).as_deref(), Some("started idle"));
    assert_eq!(viewed.deeds().len(), 6, "what is stopped is not stopped again");
}

#[test]
fn what_happens_by_itself_does_not_take_the_place_of_an_answer() {
    let mut viewed = Viewed::new((80, 24));
    let exit = || Input::Happened { id: 5, name: "worker".into(), what: Lifecycle::Exit };
    viewed.learn(exit());
    assert!(viewed.picture().contains("worker:5 ended"));
    viewed.learn(Input::Remark(Remark { text: "reloaded api".into(), tone: Tone::Answer }));
    viewed.learn(exit());
    assert!(viewed.picture().contains("reloaded api"));
    viewed.press("kk");
    viewed.learn(exit());
    assert!(viewed.picture().contains("worker:5 ended"));
}

#[test]
fn lines_are_filtered_and_scrolled_back_through() {
    let mut viewed = Viewed::new((80, 24));
    viewed.write(requests(200));
    viewed.press("\t/orders/19");
    assert!(viewed.picture().contains("lines with: orders/19"));
    viewed.press("\n");
    let filtered = viewed.picture();
    assert!(filtered.contains("/orders/199") && filtered.contains("/orders/19 "), "{filtered}");
    assert!(!filtered.contains("/orders/180"), "{filtered}");
    viewed.press("\x1bkkk");
    let back = viewed.picture();
    assert!(back.contains("3 lines below"), "{back}");
    viewed.write(requests(1));
    assert!(
        viewed.picture().contains("/orders/196 ") && !viewed.picture().contains("/orders/197 ")
    );
    viewed.press("G");
    assert!(viewed.picture().contains("/orders/0 "));
}

#[test]
fn another_selection_brings_other_lines_and_late_ones_are_not_taken() {
    let mut viewed = Viewed::new((80, 24));
    viewed.write(requests(3));
    viewed.press("j");
    assert!(!viewed.picture().contains("/orders/"));
    viewed.learn(Input::Lines(1, requests(3).collect()));
    assert!(!viewed.picture().contains("/orders/"));
}

#[test]
fn the_mouse_selects_scrolls_and_folds() {
    let mut viewed = Viewed::new((200, 60));
    let click = MouseEventKind::Down(MouseButton::Left);
    viewed.mouse(click, 3, 4);
    assert_eq!(
        viewed.monitor.rows.selected().map(|key| key.app().to_owned()),
        Some("back/db".into())
    );
    viewed.mouse(click, 3, 4);
    assert!(viewed.picture().contains("└ 10"), "{}", viewed.picture());
    viewed.write(requests(99));
    viewed.mouse(MouseEventKind::ScrollUp, 150, 10);
    assert_eq!(viewed.monitor.lines.below(), 3);
    viewed.mouse(click, 3, 59);
    viewed.mouse(click, 3, 40);
    assert_eq!(
        viewed.monitor.rows.selected().map(|key| key.app().to_owned()),
        Some("back/db".into())
    );
}

#[test]
fn quitting_is_q_and_under_the_name_of_pm2_esc_as_well() {
    let mut viewed = Viewed::new((80, 24));
    viewed.press("\x1b");
    assert!(!viewed.wishes.contains(&Wish::Quit));
    viewed.monitor.is_pm2 = true;
    viewed.press("\t\x1b");
    assert!(!viewed.wishes.contains(&Wish::Quit), "a step back first");
    viewed.press("\x1b");
    assert!(viewed.wishes.contains(&Wish::Quit));
}

#[test]
fn without_colours_nothing_has_one() {
    let mut viewed = Viewed::new((200, 60));
    viewed.write(requests(30));
    let coloured = |viewed: &Viewed| {
        let cells = viewed.buffer().content;
        cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(coloured(&viewed));
    viewed.monitor.has_colours = false;
    viewed.learn(Input::Link(Link::Lost));
    assert!(!coloured(&viewed));
}

#[test]
fn no_name_line_or_message_of_an_app_reaches_the_terminal_raw() {
    let evil = "a\x1b[2J\x1b]0;t\x07\u{202e}b\r\n";
    for size in SIZES {
        let mut viewed = Viewed::new(size);
        let mut processes = vec![sample::sample(0, evil)];
        processes[0].version = Some(evil.to_owned());
        processes[0].listens = vec![evil.to_owned()];
        processes[0].namespace = evil.to_owned();
        viewed.learn(facts(processes));
        viewed.write([Line::of_app(evil, 0, false, evil)]);
        viewed.learn(Input::Remark(Remark { text: evil.to_owned(), tone: Tone::Failure }));
        viewed.learn(Input::Happened { id: 0, name: evil.to_owned(), what: Lifecycle::Exit });
        for keys in ["", "\t", "\t", "zw"] {
            viewed.press(keys);
            for cell in viewed.buffer().content {
                assert!(!cell.symbol().chars().any(ostler_text::is_unsafe), "{cell:?}");
            }
        }
    }
}

#[test]
fn no_window_is_too_small_and_none_is_drawn_beyond() {
    for width in [1, 2, 5, 20, 41, 60, 79, 119, 120, 121, 300] {
        for height in [1, 2, 3, 4, 8, 14, 17, 18, 25, 90] {
            let mut viewed = Viewed::new((width, height));
            viewed.write(requests(20));
            for keys in ["", "w", " ", "\t", "\t", "?", "\x1bzD"] {
                viewed.press(keys);
                viewed.picture();
            }
        }
    }
}
