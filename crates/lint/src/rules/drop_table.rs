//! A table is dropped with its rows
//!
//! Finds `drop table` of a table that the same file did not create.
//!
//! Why: no down migration brings the rows back, and the tables that it refers to, or that refer to it, are locked
//! against everybody too.
//!
//! Instead, see first that nobody reads it (rename it and wait, or look at `pg_stat_user_tables`), and back it up:
//! `specc backup --table public.t`. Then say so on the line above.

use crate::rule::{Out, Scene};
use crate::statement::{Dropped, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Drop(drop) = &scene.statement.what else { return };
    if drop.kind == Dropped::Database {
        for name in &drop.names {
            out.say(scene.span(name.place), format!("all that is in database {} is lost", name.said()))
                .help("back it up first: `specc backup`");
        }
    }
    for name in drop.names.iter().filter(|name| drop.kind == Dropped::Table && scene.state.is_live(name)) {
        out.say(scene.span(name.place), format!("the rows of {} are lost", name.said()))
            .help("back it up first: `specc backup --table`");
    }
}
