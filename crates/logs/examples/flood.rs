//! How fast the engine is: 100-byte lines in writes of 64 KiB into one file, per form; the objects
//! are those of pino.
//!
//! `cargo run --release -p ostler-logs --example flood [MB [no-times]]`; the CPU
//! time is the engine thread's alone. `no-times` shows what keeping times costs.
#![expect(clippy::print_stdout, reason = "it prints a measurement")]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use ostler_logs::{Engine, Event, Filter, Format, Sink, Stream};

/// What pino prints.
const OBJECT: &str = concat!(
    r#"{"level":30,"time":1795388825573,"pid":4711,"hostname":"web-1","#,
    r#""msg":"GET /orders/17 took 3 ms"}"#
);

fn main() -> io::Result<()> {
    let megabytes = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(400);
    let dated = Some("YYYY-MM-DDTHH:mm:ss".to_owned());
    for (name, format, date_format, combined, watched) in [
        ("raw", Format::Raw, None, false, false),
        ("raw, watched", Format::Raw, None, false, true),
        ("raw and combined", Format::Raw, None, true, false),
        ("time", Format::Raw, dated, false, false),
        ("json", Format::Json, None, false, false),
        ("json of objects", Format::Json, None, false, false),
    ] {
        let folder = std::env::temp_dir().join(format!("ostler-flood-{}", std::process::id()));
        let combined = combined.then(|| folder.join("all.log"));
        let out = Some(folder.join("a.log"));
        let sink = Sink {
            name: "flood".to_owned(),
            out,
            combined,
            format,
            date_format,
            ..Sink::default()
        };
        measure(name, megabytes, sink, watched)?;
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn measure(name: &str, megabytes: usize, sink: Sink, watched: bool) -> io::Result<()> {
    let times = if std::env::args().any(|word| word == "no-times") {
        None
    } else {
        sink.out.as_deref().and_then(Path::parent).map(ostler_logs::times::folder)
    };
    let (wake, woken) = mpsc::channel();
    let engine = Engine::start(
        Box::new(move || wake.send(()).unwrap_or(())),
        Vec::new(),
        Arc::new(ostler_logs::Plain),
        times,
    )?;
    engine.resumed();
    if watched {
        engine.subscribe(1, Filter::all());
    }
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    engine.attach(1, Stream::Out, read, &Arc::new(sink));
    let line = if name.ends_with("objects") { OBJECT.to_owned() } else { "x".repeat(99) };
    let line = format!("{line:<99}\n");
    let block: Vec<u8> = line.bytes().cycle().take(64 << 10).collect();
    let (start, cpu) = (Instant::now(), cpu_of_engine()?);
    let writer = std::thread::spawn(move || -> io::Result<()> {
        let mut write = File::from(write);
        for _ in 0..megabytes * 1_000_000 / block.len() {
            write.write_all(&block)?;
        }
        Ok(())
    });
    let (mut at_end, mut lines) = (false, 0);
    while !at_end && woken.recv().is_ok() {
        while let Some(event) = engine.try_recv() {
            at_end |= matches!(event, Event::Eof { .. });
            if let Event::Lines { lines: batch, .. } = event {
                lines += batch.len();
            }
        }
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_of_engine()? - cpu);
    writer.join().map_err(|_| io::Error::other("the writer panicked"))??;
    let megabytes = f64::from(u32::try_from(megabytes).unwrap_or(u32::MAX));
    println!(
        "{name:18} {:6.0} MB/s   {:.3} CPU s per 100 MB   {lines} lines watched",
        megabytes / seconds,
        cpu * 100.0 / megabytes
    );
    Ok(())
}

/// CPU seconds of the thread called `logs`.
fn cpu_of_engine() -> io::Result<f64> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if std::fs::read_to_string(task.join("comm"))?.trim() == "logs" {
            let stat = std::fs::read_to_string(task.join("schedstat"))?;
            let nanoseconds = stat.split(' ').next().and_then(|text| text.parse().ok());
            return Ok(nanoseconds.unwrap_or(0.0) / 1e9);
        }
    }
    Ok(0.0)
}
