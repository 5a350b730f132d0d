//! Two states of a catalog to migration files: ordered statements up and down, with what they do to data, locks and access.
//!
//! A first migration is a change from nothing, and a way down is a change back. What happens, in the order in which it
//! happens: [`change_set`] says what is done to each object, [`recreation`] what has to be dropped and made again around
//! it, [`filled`] what waits until rows are filled, [`strategies`] plan the steps, [`action_graph`] holds them with what
//! has to come before what, `schedule` cuts them into transactions and files, `account` says what they do, `render` writes
//! them. No clock is read and no file is written
//! here.

mod abandon;
mod account;
mod action_graph;
mod arena;
mod change_set;
mod creation;
mod files;
mod filled;
mod first;
mod kept;
mod midway;
mod misfits;
mod moving;
mod order;
mod place;
mod planner;
mod recreation;
mod render;
mod schedule;
mod seeds;
mod stamp;
mod strategies;
mod volatility;
mod way_back;
mod whole;

pub use account::{
    AS_BEFORE, Account, Empty, Held, Lost, Note, Prediction, Record, Renaming, Warning, access_changes, touches_access,
};
pub use arena::Arena;
pub use files::{
    Consent, Decide, Decided, Layout, MigrationError, MigrationInput, OutputFile, Sum, checksums, default_name,
    each_file, last_stamp, migration_files,
};
pub use first::plan_create;
pub use kept::{KeepError, NotKept, keep_old, still_kept};
pub use order::ByOrder;
pub use place::{NewPlace, OldPlace, Place, Side, Unexpected};
pub use planner::{ChangeError, ChangeOptions, NoCast, plan_change};
pub use render::statement_checksum;
pub use schedule::{Part, Phase, Plan, Purpose, Stage, Step};
pub use seeds::seed_file;
pub use stamp::{Stamp, StampError};
pub use strategies::casts::conversion;
pub use way_back::reversed;
pub use whole::schema_file;
