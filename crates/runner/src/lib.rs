//! Migrations on a live database: `apply`, `status`, `reset`, `backup` and `restore`.
//!
//! What was run is kept in a journal in the database itself (schema `specc`), so that any crash of the client or the server
//! can be told and resumed: what runs in a transaction is journalled in the same transaction, and of what cannot run in one
//! the database is asked how it ended. One runner works at a time.
//!
//! Nothing here reads a file or writes to the terminal: files come in as texts, what happens goes out as [`Event`]s.

mod abandon;
mod apply;
mod approval;
mod backup;
mod blockers;
mod drill;
mod error;
mod event;
mod examine;
mod failure;
mod fingerprint;
mod guard;
mod history;
mod jobs;
mod journal;
mod load;
mod lock;
mod manifest;
mod masked;
mod meanwhile;
mod migration;
mod reset;
mod restore;
mod rights;
mod rows;
mod run;
mod script;
mod status;
mod table;
mod triggers;
mod wait;
mod watch;

pub use apply::{Applied, Before, Options, Ran, StepId, apply};
pub use backup::{BackupOptions, Scope, backup};
pub use blockers::Blocker;
pub use drill::{Behind, Newer, behind, copy_keys, make_roles, roles};
pub use error::{Error, Failed, Refused, ServerError};
pub use event::Event;
pub use guard::{Production, production};
pub use load::{LoadOptions, Loaded, load};
pub use manifest::{Manifest, SequenceState, TableState};
pub use masked::SpecColumn;
pub use migration::{File, Migration, Migrations};
pub use reset::{ResetOptions, reset, seed};
pub use restore::{RestoreOptions, Restored, restore};
pub use rights::Right;
pub use script::{Script, Step};
pub use specc_split::{Kind, Piece, SplitError, classify, split};
pub use status::{Entry, Report, State, status};
pub use table::{TableOptions, TableRestored, restore_table};

use specc_postgres::Session;

/// Makes another session to the same database.
pub type Connect<'a> = &'a (dyn Fn() -> Result<Session, specc_postgres::Error> + Sync);

/// Takes what happens.
pub type Tell<'a> = &'a (dyn Fn(Event) + Sync);
