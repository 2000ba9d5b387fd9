//! Keys, the mouse, and signals.

use std::io;
use std::sync::mpsc::SyncSender;

use ratatui::crossterm::event::{Event, read};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::input::Input;

/// Tells of keys and the mouse until the terminal is gone.
pub(crate) fn keys(tell: SyncSender<Input>) {
    std::thread::spawn(move || {
        loop {
            let input = match read() {
                Ok(Event::Key(key)) => Input::Key(key),
                Ok(Event::Mouse(event)) => Input::Mouse(event),
                Ok(Event::Resize(width, height)) => Input::Resized(width, height),
                Ok(Event::FocusGained | Event::FocusLost | Event::Paste(_)) => continue,
                Err(_) => Input::Ended(None),
            };
            let is_end = matches!(input, Input::Ended(_));
            if tell.send(input).is_err() || is_end {
                return;
            }
        }
    });
}

/// Tells of signals that ask for the end.
pub(crate) fn signals(tell: SyncSender<Input>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if tell.send(Input::Ended(Some(signal))).is_err() {
                return;
            }
        }
    });
    Ok(())
}
