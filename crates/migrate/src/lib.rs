//! Two states of a catalog to migration files: ordered statements up and down, with what they do to data, locks and access.
//!
//! A first migration is a change from nothing, and a way down is a change back. What happens, in the order in which it
//! happens: [`change_set`] says what is done to each object, [`recreation`] what has to be dropped and made again around
//! it, [`strategies`] plan the steps, [`action_graph`] holds them with what has to come before what, `schedule` cuts them
//! into transactions and files, `account` says what they do, `render` writes them. No clock is read and no file is written
//! here.

mod account;
mod action_graph;
mod arena;
mod change_set;
mod creation;
mod down;
mod files;
mod header;
mod parts;
mod planner;
mod recreation;
mod render;
mod scripts;
mod seeds;
mod stamp;
mod strategies;
mod volatility;

pub use account::access as access_changes;
pub use action_graph::{Phase, Stage};
pub use arena::Arena;
pub use creation::{Plan, Step, plan_create, plan_drop};
pub use files::{Consent, Layout, MigrationError, MigrationInput, OutputFile, each_file, last_stamp, migration_files};
pub use parts::Part;
pub use planner::{ChangeError, ChangeOptions, ChangePlan, Warning, plan_change};
pub use scripts::{Script, default_name, reversed, scripts};
pub use seeds::seed_file;
pub use stamp::{Stamp, StampError};
