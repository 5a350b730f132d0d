//! The requests that an API of PostgREST's kind makes of a database: reads with what rows refer to, by the page and counted;
//! new rows, changes and deletions, with and without what comes of them; calls. Each as each role, in the transaction that
//! PostgREST opens for it, held against effective access.
//!
//! No PostgREST is started. What a request becomes is made here ([`shape`], [`send`]) as PostgREST's documentation and its
//! public logs show it; `docs/smoke.md` says which parts. [`matrix`] takes the databases of `specc test`, [`live`] the rows that
//! are there; `stories` sends real requests to a real address.

mod calls;
mod columns;
mod exchange;
mod live;
mod matrix;
mod play;
mod received;
mod report;
mod request;
mod send;
mod shape;
mod staged;
mod stories;
mod surface;

pub use exchange::{Exchange, Kind, Wish, came};
pub use live::{Asker, Budget, live};
pub use play::{Door, Playbill, Played, Signed, play, reads};
pub use received::Received;
pub use report::{Report, Spread, Tried};
pub use request::{Gives, Method, Page, Param, Prepared, Request};
pub use send::{Courier, Reply, Within, refused};
pub use staged::{Act, Asking, Stage, staged};
pub use stories::{Kept, Stories, Story, read as read_stories};
pub use surface::{IsWanted, Surface};
