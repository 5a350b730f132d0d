//! How much there will be. For each table of a catalog: rows, and for each column how its values are distributed, kept as
//! data, so that who makes rows and who tells the planner what to expect start from the same.
//!
//! [`Sizes::of`] reads what the spec says and derives the rest; [`Column::frequency`] gives how often the value of a rank
//! comes; [`statistics`] says what `ANALYZE` would find in such rows, in Postgres's own terms; [`space`] says how many pages
//! they take.

mod advised;
mod column;
mod distribution;
mod made;
pub mod space;
pub mod statistics;

pub use advised::advised;
pub use column::{Column, Share, Values};
pub use distribution::{Skew, harmonic};
pub use made::Edge;

use smol_str::SmolStr;
use specc_catalog::{Catalog, Object, Qualified};
use specc_model::{EntityId, Model};
use std::collections::BTreeMap;

/// The sizes of all tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// By name.
    pub tables: BTreeMap<Qualified, Table>,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: Qualified,
    /// Rows.
    pub rows: u64,
    /// The spec says so, and it is not only derived.
    pub said: bool,
    /// In the order of the table.
    pub columns: Vec<Column>,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Sizes {
    /// What the spec says for an environment, and what follows from the catalog where it says nothing. Partitions have no rows of
    /// their own here: the rows are those of the table that is divided.
    pub fn of(model: &Model, catalog: &Catalog, env: Option<&str>) -> Self {
        let mut tables = BTreeMap::new();
        for (_, entry) in catalog.iter() {
            let Object::Table(table) = &entry.object else { continue };
            if table.partition_of.is_some() {
                continue;
            }
            let name = Qualified::new(table.table.schema.clone(), table.table.name.clone());
            let entity = entity(model, &name);
            let rows = entity.map_or(specc_model::UNSAID_ROWS, |id| model.rows_of(env, id));
            let said = entity.is_some_and(|id| model.size_of(env, id).is_some());
            let columns = table.columns.iter().map(|column| column::column(model, env, entity, rows, column)).collect();
            tables.insert(name.clone(), Table { name, rows, said, columns });
        }
        Self { tables }
    }

    /// The table of this name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables.get(&Qualified::new(SmolStr::new(schema), SmolStr::new(name)))
    }
}

/// Whether values of a type of Postgres are spread as numbers.
pub fn is_number(name: &str) -> bool {
    specc_facts::family(name).is_number()
}

fn entity(model: &Model, name: &Qualified) -> Option<EntityId> {
    let wanted = specc_model::Qualified { schema: name.schema.clone(), name: name.name.clone() };
    model.index.entities.get(&wanted).copied()
}
