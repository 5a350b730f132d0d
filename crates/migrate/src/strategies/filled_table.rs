//! A table that is filled from the rows of another one: in batches beside those who use both, or at once where nobody does.
//!
//! A row that is there already is passed over, so that a batch never writes what a trigger has written meanwhile, and a run
//! that was killed goes on where it stopped. Where rows of the new table cannot be found again by the key of the source, a
//! table of one row keeps how far it came.

use crate::action_graph::{Role, Slot};
use crate::place::{NodeId, Side, State};
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use smol_str::SmolStr;
use specc_catalog::{Column, Constraint, Kind, Object, Rls, Rule, Table, TableName};
use specc_sql::{Access, Alter, FillTable, Named, Privileges, Statement};

/// The key by which the rows of a table are walked: its primary key, or a unique constraint over columns that take no null
/// and that is not put off.
pub(crate) fn walked_by<'d, S: Side>(state: State<'d, S>, table: &Table) -> Option<&'d [SmolStr]> {
    let required = |name: &SmolStr| table.columns.iter().any(|column| column.name == *name && !column.nullable);
    let keys = state.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Constraint(Constraint { table: of, rule, deferrable: false, .. }) if *of == table.table => match rule {
            Rule::PrimaryKey { columns, .. } => Some((0, columns)),
            Rule::Unique { columns, .. } if columns.iter().all(required) => Some((1, columns)),
            _ => None,
        },
        _ => None,
    });
    keys.min_by_key(|(rank, columns)| (*rank, columns.len())).map(|(_, columns)| columns.as_slice())
}

impl<'d> Builder<'d, '_> {
    /// Adds what fills a table, and drops what kept how far it came. Others wait for the node that is given.
    pub(crate) fn fill_table(&mut self, chain: &mut Chain, slot: Slot, fill: FillTable<'d>) -> NodeId {
        if fill.at_once {
            return self.add(chain, Role::After, Phase::Main, Statement::Alter(Alter::FillTable(fill)));
        }
        if fill.known_by > 0 {
            return self.add(chain, Role::After, Phase::Backfill, Statement::Alter(Alter::FillTable(fill)));
        }
        let table = self.arena.table(reached(fill.table, fill.source, &fill.key));
        let object = self.arena.object(table.clone());
        let make = Statement::CreateTable { table, constraints: Vec::new(), late_defaults: Vec::new() };
        let mut made = self.nodes.push(slot, Role::After, Phase::Main, make);
        let roles: Vec<&'d str> =
            self.to.catalog.default_grantees.of(Kind::Table).iter().map(|role| role.as_str()).collect();
        if !roles.is_empty() {
            let access = Access { on: Named::Object(object), privileges: Privileges::All, roles };
            made = self.nodes.then(made, Role::After, Phase::Main, Statement::Revoke(access));
        }
        let fill = FillTable { done: Some(&table.table), ..fill };
        let filled = self.add(chain, Role::After, Phase::Backfill, Statement::Alter(Alter::FillTable(fill)));
        self.nodes.edge(made, filled);
        self.nodes.then(filled, Role::After, Phase::CutOver, Statement::DropTemporary(object));
        filled
    }
}

/// A table that keeps the key of the last row that was written.
fn reached(table: &TableName, source: &Table, key: &[&str]) -> Table {
    let bare = |column: &Column| Column {
        collation: column.collation.clone(),
        ..Column::new(column.name.clone(), column.ty.clone())
    };
    let columns = key.iter().filter_map(|name| source.columns.iter().find(|column| column.name == *name));
    Table {
        table: TableName::new(table.schema.clone(), temporary_name(&[&table.name, "filled"])),
        columns: columns.map(bare).collect(),
        unlogged: false,
        partition_by: None,
        partition_of: None,
        inherits: Vec::new(),
        rls: Rls::Off,
        options: Default::default(),
        replica_identity: None,
    }
}
