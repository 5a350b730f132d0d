//! A reference without an index
//!
//! Finds foreign keys of tables that these files make, where no index of these files begins with their columns.
//!
//! Why: whoever deletes a row of the table that it refers to, or changes its key, reads all of this table to see that no
//! row refers to it.
//!
//! Instead, where such rows are deleted or joined:
//!
//! ```sql
//! create index concurrently t_owner_idx on t (owner_id);
//! ```

use crate::Options;
use crate::rule::Out;
use crate::state::{State, Table};
use crate::statement::Kind;

pub(crate) fn find(state: &State, _: &Options, out: &mut Out) {
    let known = |table: &&Table| table.made.is_some() && !table.temporary && !table.foreign;
    for table in state.tables.values().filter(known) {
        for bound in table.constraints.values() {
            let Kind::Foreign { columns, target } = &bound.constraint.kind else { continue };
            if !is_indexed(state, table, columns) {
                let message = format!("whoever deletes a row of {} reads all of {}", target.said(), table.name.said());
                out.say(bound.at, message).help(format!("make an index on ({})", columns.join(", ")));
            }
        }
    }
}

fn is_indexed(state: &State, table: &Table, columns: &[String]) -> bool {
    let begins =
        |index: &[String]| index.len() >= columns.len() && columns.iter().all(|c| index[..columns.len()].contains(c));
    let key = table.name.key(state.path());
    let indexes = state.indexes.values().filter(|index| index.table.key(state.path()) == key);
    let keys = table.constraints.values().filter_map(|bound| match &bound.constraint.kind {
        Kind::Unique { columns, .. } | Kind::Primary { columns, .. } => Some(columns),
        _ => None,
    });
    indexes.filter_map(|index| index.columns.as_ref()).chain(keys).any(|index| begins(index))
}
