//! The list of several machines: what each says to a program, as one table for a person.

use crate::grid::{Cell, Column, render};
use crate::paint::{Ink, Paint};
use crate::{amount, words};

/// Returns the table of these lines: a host, then the values that `list` writes to a pipe.
pub fn of_hosts(lines: &[String], window: usize, paint: Paint) -> String {
    let column = |title, right, least, leave_out| Column { title, right, least, leave_out };
    let columns = [
        column("HOST", false, Some(8), 0),
        column("NAME", false, Some(10), 0),
        column("INST", true, None, 2),
        column("STATUS", false, None, 0),
        column("PORTS", false, Some(12), 4),
        column("RESTARTS", true, None, 5),
        column("CPU", true, None, 7),
        column("MEM", true, None, 6),
        column("UPTIME", true, None, 3),
        column("LAST END", false, Some(8), 1),
    ];
    let rows: Vec<Vec<Cell<'_>>> = lines.iter().map(|line| row(line)).collect();
    render(&columns, &rows, window, paint)
}

fn row(line: &str) -> Vec<Cell<'_>> {
    let values = line.split('\t').enumerate();
    let cells = values.map(|(at, value)| match at {
        0 | 1 => Cell::inked(value, &[Ink::Bold]),
        3 => status(value),
        4 => Cell::plain(value.replace(',', " ")),
        6 => Cell::plain(shown(value, |of| of.parse().ok().map(amount::cpu))),
        7 => Cell::plain(shown(value, |of| of.parse().ok().map(amount::size))),
        8 => Cell::plain(shown(value, |of| {
            of.parse().ok().map(|seconds: u64| amount::duration(seconds.saturating_mul(1000)))
        })),
        9 if !value.is_empty() => Cell::inked(value, &[Ink::Red]),
        _ => Cell::plain(value),
    });
    cells.collect()
}

fn shown(value: &str, amount: impl Fn(&str) -> Option<String>) -> String {
    match value {
        "" => "-".to_owned(),
        value => amount(value).unwrap_or_else(|| value.to_owned()),
    }
}

fn status(word: &str) -> Cell<'_> {
    match words::sign_of(word) {
        Some((sign, inks)) => Cell::inked(format!("{sign} {word}"), inks),
        // A later version may have others.
        None => Cell::plain(word),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_apps_of_all_hosts_are_one_table_that_fits_its_window() {
        let lines = [
            "web1\tapi\t2/2\tonline\t*:3000\t0\t8.1\t90935296\t7200\t",
            "web2\tapi\t1/2\twaiting\t*:3000,127.0.0.1:9\t12\t0.0\t45935296\t20\tSIGSEGV",
            "web2\tjob\t0/1\tparked\t\t0\t0.0\t0\t\t",
        ]
        .map(str::to_owned);
        expect![[r"
            HOST  NAME  INST  STATUS     PORTS               RESTARTS   CPU    MEM  UPTIME  LAST END
            web1  api    2/2  ● online   *:3000                     0  8.1%  86.7M      2h
            web2  api    1/2  ◌ waiting  *:3000 127.0.0.1:9        12    0%  43.8M     20s  SIGSEGV
            web2  job    0/1  parked                                0    0%      0       -
        "]]
        .assert_eq(&of_hosts(&lines, 100, Paint::PLAIN));
        for window in 44..120 {
            let text = of_hosts(&lines, window, Paint::PLAIN);
            let widest = text.lines().map(crate::width::columns).max();
            assert!(widest <= Some(window), "{window}\n{text}");
            assert!(text.contains("SIGSEGV"), "{window}\n{text}");
        }
    }
}
