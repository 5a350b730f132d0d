//! Every test of the command line in one program: two at a time, on clusters that they share, and linked once.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod abandon;
mod accepting;
mod audit;
mod book;
mod changes;
mod codes;
mod docs;
mod drill;
mod dumps;
mod exhaustion;
mod files;
mod flows;
mod hostile;
mod keeping;
mod linting;
mod live;
mod monitoring;
mod odd;
mod pages;
mod program;
mod promises;
mod proving;
mod rebase;
mod recipes;
mod running;
mod saying;
mod smoke;
mod tap;
mod testing;
mod tried;
mod types;
mod untrusted;
mod why;
mod widening;
