//! Support shared by the tests: builds specs with the real command line, loads what comes out into a private Postgres,
//! and asks the database as the people who use it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

pub mod access;
pub mod build;
mod dice;
pub mod forward;
pub mod fuzz;
pub mod load;
pub mod replay;
pub mod stage;

pub use access::{Who, sql};
pub use build::{Built, Layout, findings, project, project_for, root, spec, spec_files, specs};
pub use dice::Dice;
pub use stage::{Rows, database, each_version, one_text, texts};

/// The server versions that everything has to hold on.
pub const VERSIONS: [u32; 2] = [15, 18];
