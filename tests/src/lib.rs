//! Support shared by the tests: builds specs with the real command line, loads what comes out into a private Postgres,
//! and asks the database as the people who use it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

pub mod access;
pub mod build;
mod dice;
pub mod forward;
pub mod fuzz;
pub mod load;
pub mod management;
pub mod replay;
pub mod stage;
pub mod standin;

pub use access::{Who, sql};
pub use build::{Built, Layout, findings, project, project_for, root, spec, spec_files, specs};
pub use dice::Dice;
pub use stage::{Rows, database, each_version, one_text, texts};

/// The server versions that everything has to hold on.
pub const VERSIONS: [u32; 2] = [15, 18];

/// Whether everything is tried: `IN_FULL=1`. Else some tests take a part of what they could.
#[allow(clippy::disallowed_methods)]
pub fn in_full() -> bool {
    std::env::var_os("IN_FULL").is_some()
}

/// The servers for one of many that are alike: this one, the other for the next, and both [in full](in_full).
pub fn versions_for(nth: usize) -> &'static [u32] {
    if in_full() { &VERSIONS } else { std::slice::from_ref(&VERSIONS[nth % VERSIONS.len()]) }
}
