//! The client against daemons that are not real: how one comes to be, and every way a conversation can end.

mod conversation;
mod fake;
mod starting;
