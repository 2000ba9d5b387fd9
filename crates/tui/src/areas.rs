//! Where everything stands in a window, whatever its size.
//!
//! A wide window has the apps beside their logs and details, one of middle size has them above
//! either, and a small one shows one pane at a time.

use ratatui::layout::Rect;

/// A part of the window that the keys may work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Apps,
    Logs,
    Details,
}

impl Pane {
    /// The one after this.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Apps => Self::Logs,
            Self::Logs => Self::Details,
            Self::Details => Self::Apps,
        }
    }

    /// The one before this.
    pub(crate) fn previous(self) -> Self {
        self.next().next()
    }
}

/// From this size on all three panes are beside each other.
const WIDE: (u16, u16) = (120, 16);
/// From this size on apps are above another pane.
const MIDDLE: (u16, u16) = (60, 18);
/// From this height on there is a line for what is said and one for the keys.
const TALL: u16 = 14;

/// The places of everything; a pane that is not shown has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// The line above everything.
    pub(crate) head: Rect,
    pub(crate) apps: Rect,
    pub(crate) logs: Rect,
    pub(crate) details: Rect,
    /// What is said; no line of its own in a low window.
    pub(crate) said: Rect,
    /// The line of the keys.
    pub(crate) keys: Rect,
    /// The column between apps and the rest.
    pub(crate) border: Rect,
}

impl Areas {
    /// Divides a window. `focus`: the pane that the keys work on; `lower`: the one that is below
    /// the apps where there is room for one; `is_alone`: `focus` has all the room.
    pub(crate) fn of(window: (u16, u16), focus: Pane, lower: Pane, is_alone: bool) -> Self {
        let (width, height) = window;
        let mut areas = Self::default();
        let line = |y: u16| Rect::new(0, y, width, 1).intersection(Rect::new(0, 0, width, height));
        areas.head = line(0);
        areas.keys = line(height.saturating_sub(1));
        let foot = if TALL <= height { 2 } else { 1 };
        areas.said = line(height.saturating_sub(foot));
        let body = Rect::new(0, 1.min(height), width, height.saturating_sub(1 + foot));
        let fits = |size: (u16, u16)| !is_alone && size.0 <= width && size.1 <= height;
        if fits(WIDE) {
            let left = (width / 2).min(100);
            areas.apps = Rect { width: left, ..body };
            areas.border = Rect { x: left, width: 1, ..body };
            let right = Rect { x: left + 2, width: width - left - 2, ..body };
            let top = body.height * 3 / 5;
            areas.logs = Rect { height: top, ..right };
            areas.details = Rect { y: right.y + top, height: body.height - top, ..right };
        } else if fits(MIDDLE) {
            let top = body.height * 2 / 5;
            areas.apps = Rect { height: top, ..body };
            let below = Rect { y: body.y + top, height: body.height - top, ..body };
            *areas.pane_mut(lower) = below;
        } else {
            *areas.pane_mut(focus) = body;
        }
        areas
    }

    /// Returns the place of a pane.
    pub(crate) fn pane(&self, pane: Pane) -> Rect {
        match pane {
            Pane::Apps => self.apps,
            Pane::Logs => self.logs,
            Pane::Details => self.details,
        }
    }

    fn pane_mut(&mut self, pane: Pane) -> &mut Rect {
        match pane {
            Pane::Apps => &mut self.apps,
            Pane::Logs => &mut self.logs,
            Pane::Details => &mut self.details,
        }
    }

    /// Returns the pane at a place, and the line of it, the title being line 0.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<(Pane, u16)> {
        let is_there = |pane: &Pane| self.pane(*pane).contains((column, row).into());
        let pane = [Pane::Apps, Pane::Logs, Pane::Details].into_iter().find(is_there)?;
        Some((pane, row - self.pane(pane).y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_reaches_out_of_the_window_or_over_another() {
        for width in 0..210 {
            for height in 0..70 {
                for (focus, lower) in [(Pane::Apps, Pane::Logs), (Pane::Details, Pane::Details)] {
                    let areas = Areas::of((width, height), focus, lower, false);
                    let all = [areas.head, areas.apps, areas.logs, areas.details, areas.border];
                    let window = Rect::new(0, 0, width, height);
                    for (nth, one) in all.iter().enumerate() {
                        assert!(one.is_empty() || window.union(*one) == window, "{areas:?}");
                        for other in &all[nth + 1..] {
                            assert!(!one.intersects(*other), "{width}x{height} {areas:?}");
                        }
                        assert!(height < 4 || !one.intersects(areas.said), "{areas:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn panes_are_where_the_mouse_finds_them() {
        let areas = Areas::of((200, 60), Pane::Apps, Pane::Logs, false);
        assert_eq!(areas.at(0, 1), Some((Pane::Apps, 0)));
        assert_eq!(areas.at(150, 3), Some((Pane::Logs, 2)));
        assert_eq!(areas.at(150, 50).map(|(pane, _)| pane), Some(Pane::Details));
        assert_eq!(areas.at(0, 0), None);
        let small = Areas::of((40, 15), Pane::Details, Pane::Details, false);
        assert_eq!(small.at(3, 2), Some((Pane::Details, 1)));
    }
}
