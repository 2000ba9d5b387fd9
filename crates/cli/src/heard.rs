//! What a command has heard of a request, over all daemons that it asked.
//!
//! Each daemon tells who asks it of every end: what the one before told of is no news.

use ostler_wire::control::Event;

/// What has been heard so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Ends that were told.
    ends: Vec<Event>,
    /// Those of them that the daemon that is asked now has still to tell again. Several processes
    /// may have ended alike.
    again: Vec<Event>,
    failure: bool,
    progressed: bool,
}

impl Heard {
    /// The next daemon is asked.
    pub(crate) fn begin(&mut self) {
        self.progressed = false;
        self.again.clone_from(&self.ends);
    }

    /// Returns whether no daemon before told of this.
    pub(crate) fn is_news(&mut self, event: &Event) -> bool {
        self.progressed = true;
        if let Some(failed) = end_of(event) {
            self.failure |= failed;
            if let Some(at) = self.again.iter().position(|told| told == event) {
                self.again.swap_remove(at);
                return false;
            }
            self.ends.push(event.clone());
        }
        true
    }

    /// Whether the daemon that is asked now told anything.
    pub(crate) fn progressed(&self) -> bool {
        self.progressed
    }

    /// Whether any daemon told of something that went wrong.
    pub(crate) fn failure(&self) -> bool {
        self.failure
    }
}

/// Returns the processes of which an event tells that something was done with them.
pub(crate) fn ids_in(event: &Event) -> Vec<u32> {
    match event {
        Event::Started { ids, .. } => ids.clone(),
        Event::Acted { id, .. } | Event::Step { id, .. } | Event::Starting { id, .. } => vec![*id],
        Event::Failed { .. }
        | Event::Doing { .. }
        | Event::Restoring { .. }
        | Event::Restored { .. }
        | Event::Log(_)
        | Event::Following { .. }
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Asked { .. }
        | Event::Answered { .. }
        | Event::Warning { .. } => Vec::new(),
    }
}

/// Whether something went wrong at the end of which an event tells; `None` when it tells of none.
/// Each daemon tells every end to whom asks it.
fn end_of(event: &Event) -> Option<bool> {
    match event {
        Event::Started { .. } => Some(false),
        Event::Failed { .. } => Some(true),
        Event::Acted { error, .. } | Event::Restored { error, .. } => Some(error.is_some()),
        Event::Step { .. }
        | Event::Starting { .. }
        | Event::Doing { .. }
        | Event::Restoring { .. }
        | Event::Log(_)
        | Event::Following { .. }
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Asked { .. }
        | Event::Answered { .. }
        | Event::Warning { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes of an app that were restored counted as one.
    #[test]
    fn what_one_daemon_tells_twice_is_news_twice_and_what_the_next_repeats_is_none() {
        let restored = || Event::Restored {
            name: "api".to_owned(),
            script: "/srv/api.js".to_owned(),
            error: None,
        };
        let mut heard = Heard::default();
        heard.begin();
        let told = [heard.is_news(&restored()), heard.is_news(&restored())];
        assert_eq!(told, [true, true]);
        heard.begin();
        let told = [(); 3].map(|()| heard.is_news(&restored()));
        assert_eq!(told, [false, false, true]);
    }
}
