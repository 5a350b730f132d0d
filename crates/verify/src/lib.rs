//! Proof on a scratch Postgres: what migrations make, what they keep, what they lock.
//!
//! [`Watch`] sees what a transaction locks and writes anew, a [`Ledger`] holds that against what was said before.

mod scratch;
mod watch;

pub use scratch::{Scratch, ScratchError};
pub use watch::{Ledger, Mismatch, Seen, Watch};
