//! Proof on a scratch Postgres: what migrations make, what they keep, what they lock.
//!
//! [`verify`] takes every migration up, down and up again, with rows in place and others at work. [`Watch`] sees what a
//! transaction locks and rewrites, a [`Ledger`] holds that against what was said before. [`fill`] makes rows for any
//! tables.

mod beside;
mod brought;
mod dump;
mod fill;
mod ground;
mod make;
mod prediction;
mod race;
mod run;
mod scratch;
mod server;
mod spec;
mod stirs;
mod sums;
mod then;
mod traffic;
mod verify;
mod watch;
mod words;

pub use brought::as_brought_back;
pub use dump::statements as dumped;
pub use fill::{Filled, fill, samples};
pub use ground::{Ground, Made, Texts};
pub use make::own;
pub use prediction::Said;
pub use scratch::{Scratch, ScratchError, TIME, missing_role};
pub use server::Server;
pub use specc_postgres::Limits;
pub use traffic::Stall;
pub use verify::{Finding, Input, Proved, Report, verify};
pub use watch::{Ledger, Mismatch, Seen, Watch};
