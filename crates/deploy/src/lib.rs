//! A deployment: what is looked at before ([`look`]), the [`Plan`] that is approved by its hash, the [`Record`] that tells how
//! it stands wherever it stops, Supabase's [`management`] API, and the [`report`]. Beside it the questions that a project
//! answers before there is one ([`requirements`]).
//!
//! Nothing here reads a file or writes to the terminal.

mod check;
pub mod envfile;
pub mod look;
pub mod management;
mod plan;
mod record;
pub mod report;
pub mod requirements;
mod step;

pub use check::{Looked, Verdict, worst};
pub use plan::{Creation, Plan, PlannedFile, Seed};
pub use record::{Backup, Created, Ended, Entry, Record, RecordError, State, TakingBack, Way};
pub use step::{Checkpoint, Step};
