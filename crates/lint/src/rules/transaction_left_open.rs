//! A transaction is begun and not ended, or ended and not begun
//!
//! Finds `begin` without a `commit` or `rollback` behind it in the file, and a `commit` or `rollback` that no `begin` stands
//! before.
//!
//! Why: what is not committed is undone when the session ends, or it holds its locks for as long as the session lives; a
//! `commit` of its own ends the transaction of the tool that runs the file, and an error after it leaves half of the file.
//!
//! Instead, write both or neither:
//!
//! ```sql
//! begin;
//! alter table t add column note text;
//! commit;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let statement = scene.statement;
    if statement.inner {
        return;
    }
    let at = scene.span(statement.place);
    match statement.what {
        What::Begin if scene.state.open.is_none() && !scene.later.iter().any(ends) => {
            out.say(at, "nothing ends this transaction").help("write `commit` behind its last statement");
        }
        What::Commit | What::Rollback if !statement.own => {
            out.say(at, "this file begins no transaction: this ends that of whoever runs it")
                .help("write `begin` before its first statement, or leave this out");
        }
        _ => {}
    }
}

fn ends(statement: &crate::script::Statement) -> bool {
    matches!(statement.what, What::Commit | What::Rollback)
}
