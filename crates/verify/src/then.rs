//! What the spec says in the end, under the names of an earlier moment: rows that are made then have to fit it.

use smol_str::SmolStr;
use specc_catalog::{Catalog, Hints, Object, Rename};
use specc_migrate::Record;
use std::borrow::Cow;

/// The catalog of the end, with the names that its tables and columns have at a moment from which these migrations lead there.
pub(crate) fn under_names_of<'c>(end: &'c Catalog, moment: &Catalog, later: &[&Record]) -> Cow<'c, Catalog> {
    let mut hints = Hints::default();
    for (id, entry) in moment.iter() {
        let Object::Table(table) = &entry.object else { continue };
        let mut name = table.table.clone();
        let mut columns: Vec<SmolStr> = table.columns.iter().map(|column| column.name.clone()).collect();
        for record in later {
            let Some(renaming) = record.renames.iter().find(|renaming| renaming.was == name) else { continue };
            for column in &mut columns {
                if let Some((now, _)) = renaming.columns.iter().find(|(_, was)| *was == column) {
                    column.clone_from(now);
                }
            }
            name.clone_from(&renaming.now);
        }
        if name != table.table {
            let was_in = Some(name.schema).filter(|schema| *schema != id.schema);
            hints.renames.push(Rename { id: id.clone(), part: None, was: name.name, was_in });
        }
        for (column, was) in table.columns.iter().zip(columns).filter(|(column, was)| column.name != *was) {
            hints.renames.push(Rename { id: id.clone(), part: Some(column.name.clone()), was, was_in: None });
        }
    }
    match hints.renames.is_empty() {
        true => Cow::Borrowed(end),
        false => {
            let mut then = specc_diff::diff(end, moment, &hints).from.into_owned();
            then.said.clone_from(&end.said);
            Cow::Owned(then)
        }
    }
}
