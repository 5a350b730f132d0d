//! What a view asks of who reads it.
//!
//! Rights on columns are asked for all that a query names, before it is planned. Rights on functions are asked only of those that
//! are left when it is planned: one whose value nobody reads is not called. So functions are not among them.

use crate::world::{RelationKind, World};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{IdRef, Kind, Object, TableName, View};

/// What a view asks of who reads it, besides the right to read the view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Through {
    /// Relations that are read with the rights of who asks, with a column of them or none; sorted.
    pub relations: Vec<(TableName, Option<SmolStr>)>,
}

/// How many views over each other are followed.
const DEEP: usize = 32;

/// What a view asks, with the views that it reads.
pub(crate) fn of_view(world: &World<'_>, known: &Known<'_>, view: &TableName) -> Through {
    let mut found = Through::default();
    let (mut open, mut seen) = (vec![(view.clone(), 0)], FxHashSet::default());
    while let Some((name, depth)) = open.pop() {
        let Some(of) = stored(world, &name) else { continue };
        // One that is materialized has its rows already.
        if of.materialized || depth > DEEP || !seen.insert(name) {
            continue;
        }
        for reference in known.of_query(&of.query).references {
            let (name, column) = match reference.target {
                Target::Relation(name) => (name, Some(None)),
                Target::Column(name, column) => (name, Some(Some(column))),
                Target::Columns(name) => (name, None),
                _ => continue,
            };
            let base = TableName::new(name.schema, name.name);
            // What the catalog does not have belongs to the platform, whose grants are not known.
            let Some(relation) = world.relation(&base) else { continue };
            if of.security_invoker {
                let columns = match column {
                    Some(one) => vec![one],
                    None => relation.columns.iter().map(|column| Some(column.name.clone())).collect(),
                };
                found.relations.extend(columns.into_iter().map(|column| (base.clone(), column)));
            }
            // A view within it reads as it says itself.
            if relation.kind == RelationKind::View {
                open.push((base, depth + 1));
            }
        }
    }
    found.relations.sort();
    found.relations.dedup();
    found
}

fn stored<'c>(world: &World<'c>, name: &TableName) -> Option<&'c View> {
    let at = world.catalog.find(IdRef::new(Kind::View, &name.schema, &name.name))?;
    match &world.catalog.at(at)?.1.object {
        Object::View(view) => Some(view),
        _ => None,
    }
}
