//! How far the source is from the figures that we want of it: printed, and never a failure.
//!
//! A figure that is a gate is refused by `tidy` or clippy. Those here are looked at over time: what
//! grows without anybody's decision shows in the table before it hurts.

mod attributes;
mod circles;
mod functions;
mod lines;
mod owner;
mod parsed;
mod row;
mod structs;
mod words;

use anyhow::{Result, bail};

use crate::run::root;
use crate::source::Source;
use parsed::Parsed;
use row::Row;

/// `cargo xtask measure [--list]`
pub fn measure(args: &[String]) -> Result<()> {
    let list = match args {
        [] => false,
        [only] if only == "--list" => true,
        other => bail!("expected nothing or `--list`, but got `{}`", other.join(" ")),
    };
    let rows = rows(&Source::all(&root())?)?;
    print_table(&rows);
    if list {
        print_places(&rows);
    }
    Ok(())
}

/// What was brought to none and stays there, with its places.
pub fn held(sources: &[Source]) -> Result<Vec<String>> {
    let files = Parsed::all(sources)?;
    let [_, long_lines, _, short_docs] = lines::rows(sources);
    let held = [long_lines, short_docs, circles::row(&files)].into_iter();
    let places = |row: Row| {
        let what = row.what;
        row.places.into_iter().map(move |place| format!("{what}: {}", place.trim()))
    };
    Ok(held.flat_map(places).collect())
}

fn rows(sources: &[Source]) -> Result<Vec<Row>> {
    let files = Parsed::all(sources)?;
    let mut rows = owner::rows(&files);
    rows.push(circles::row(&files));
    rows.extend(attributes::rows(&files));
    rows.extend(functions::rows(&files));
    rows.extend(lines::rows(sources));
    rows.push(structs::row(&files));
    rows.push(structs::methods(&files));
    Ok(rows)
}

fn print_table(rows: &[Row]) {
    let width = |of: fn(&Row) -> &str, head: &str| {
        let cells = rows.iter().map(|row| of(row).chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let (what, now) = (width(|row| &row.what, "figure"), width(|row| &row.now, "now"));
    println!("{:what$}  {:now$}  wanted", "figure", "now");
    for row in rows {
        println!("{}", format!("{:what$}  {:now$}  {}", row.what, row.now, row.wanted).trim_end());
    }
}

fn print_places(rows: &[Row]) {
    for row in rows.iter().filter(|row| !row.places.is_empty()) {
        println!("\n{}: {}", row.what, row.now);
        for place in &row.places {
            println!("  {place}");
        }
    }
}
