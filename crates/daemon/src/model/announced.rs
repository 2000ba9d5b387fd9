//! What happened while nobody asked, and whoever asks for the list next is told.

use ostler_wire::control::Event;

use super::Model;
use super::input::{ClientId, Effect};
use super::listed::Listed;

impl Model {
    /// Something is to be told.
    pub fn announce(&mut self, text: String) {
        self.announced = Some(text);
    }

    /// A client asks for the list, or for some of it.
    pub(super) fn on_list(&mut self, client: ClientId, which: Listed, out: &mut Vec<Effect>) {
        if let Some(text) = self.announced.take() {
            out.push(Effect::Event { client, event: Event::Warning { text, unready: None } });
        }
        out.push(Effect::List { client, which });
    }
}
