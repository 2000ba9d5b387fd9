//! The client's side of ostler's control socket, blocking and without a runtime, and the way a
//! daemon comes to be.
//!
//! A command must answer in milliseconds, and it must work on a machine where nothing runs yet. So:
//! connect; when nobody answers, take the lock `start.lock`, look again (someone else may have been
//! faster), start the keeper, and wait until it says that the daemon answers. However many commands
//! begin at once, one daemon is started.
//!
//! - [`Home`]: the directory and the names in it.
//! - [`Client`]: one connection; a request, its events, its answer.
//! - [`Manager`]: the processes behind it, whose end can be waited for.
//! - [`connect_or_start`]: as above.
//! - [`connect_living`]: the same without a start, also where the socket was deleted.
//! - [`follow`]: an endless request (logs) that outlives the daemon.
//! - [`control`]: requests, events and answers.
//!
//! A program that asks the daemon of a home for its processes, and reloads one app:
//!
//! ```no_run
//! use ostler_client::control::{Change, Event, ReloadOptions, Reply, Request};
//! use ostler_client::{Answer, Client, Error, Home};
//!
//! fn main() -> Result<(), Error> {
//!     let home = Home::new("/srv/ostler");
//!     let mut client = Client::connect(&home)?;
//!     let answer = client.request(&Request::List, |_| ())?;
//!     let Answer::Reply(Reply::List { processes }) = answer else {
//!         return Ok(());
//!     };
//!     for process in &processes {
//!         println!("{} {} {:?}", process.id, process.name, process.phase);
//!     }
//!     let of_api = processes.iter().filter(|process| process.name == "api");
//!     let request = Request::Reload {
//!         ids: of_api.map(|process| process.id).collect(),
//!         change: Change::default(),
//!         options: ReloadOptions::default(),
//!         ticket: None,
//!     };
//!     // What happens on the way; the answer comes when all of it is done.
//!     let answer = client.request(&request, |event| {
//!         if let Event::Step { .. } = event {
//!             println!("{event:?}");
//!         }
//!     })?;
//!     match answer {
//!         Answer::Reply(Reply::Error(failure)) => eprintln!("{}", failure.message),
//!         _ => println!("reloaded"),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Where no daemon runs, that is an error of its own:
//!
//! ```
//! use ostler_client::{Client, Error, Home};
//!
//! let nobody = Client::connect(&Home::new("/nobody/lives/here"));
//! assert!(matches!(nobody, Err(Error::NotRunning { .. })));
//! ```

#![deny(unsafe_code)]

mod client;
mod error;
mod follow;
mod holder;
mod home;
mod last_words;
mod living;
mod manager;
mod parts;
mod patience;
mod quiet;
mod silence;
mod start;
mod sys;
mod waits;

pub use client::{Answer, Client, Heard};
pub use error::Error;
pub use follow::{Trouble, follow};
pub use holder::Holder;
pub use home::{Home, SOCKET_PATH_LIMIT};
pub use last_words::last_words;
pub use living::{connect_living, connect_living_heard};
pub use manager::Manager;
pub use ostler_wire::control;
pub use parts::{Managed, home_of_container, managed_by};
pub use silence::Silence;
pub use start::{Connected, START_LIMIT, Starter, Starting, connect_or_start};
pub use waits::waits_for_apps;
