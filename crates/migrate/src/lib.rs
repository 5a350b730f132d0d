//! Catalog to migration files: ordered statements up and down, grouped as a reviewer would like.
//!
//! [`plan_create`] and [`plan_drop`] give the statements; [`migration_files`] writes them as files: the schema, who may
//! see what, indexes and rows, each with its down script, and beside them the catalog and the checksums. No clock is
//! read and no file is written here.

pub mod change;
mod down;
mod files;
mod header;
mod parts;
mod plan;
mod render;
mod seeds;
mod stamp;

pub use files::{Consent, Layout, MigrationError, MigrationInput, OutputFile, each_file, last_stamp, migration_files};
pub use parts::Part;
pub use plan::{Plan, Step, plan_create, plan_drop};
pub use seeds::seed_file;
pub use stamp::{Stamp, StampError};
