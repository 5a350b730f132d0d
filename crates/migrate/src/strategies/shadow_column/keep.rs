//! The old column stays beside the new one that takes its place.

use super::{ColumnSwap, Move};
use crate::action_graph::Role;
use crate::place::Planned;
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::in_place::table::Chain;
use specc_catalog::{Column, Kind, Object, Privilege};
use specc_sql::{Access, Alter, Named, Privileges, Statement};

impl<'d> Move<'_, 'd> {
    /// Takes from the old column what only the new one has from now on, and gives it its other name.
    pub(super) fn keep(
        &self,
        builder: &mut Builder<'d, '_>,
        chain: &mut Chain,
        swap: &ColumnSwap<'d>,
        kept: &'d Column,
    ) -> Planned {
        let table = &self.to.table;
        let name: &'d str = &swap.to.name;
        let mut all = Vec::new();
        if swap.from.default.is_some() {
            all.push(Statement::SetDefault { table, column: name, default: None });
        }
        if let Some(identity) = swap.from.identity.as_deref() {
            all.push(Statement::Alter(Alter::SetIdentity { table, column: name, from: Some(identity), to: None }));
        }
        if !swap.from.nullable {
            all.push(Statement::Alter(Alter::DropNotNull { table, column: name }));
        }
        // What is granted on a column goes with it under its other name.
        for (_, entry) in builder.from.iter() {
            let Object::Grant(o) = &entry.object else { continue };
            if o.on.kind != Kind::Table || o.on != table.id() {
                continue;
            }
            let own = o.privileges.iter().filter(|privilege| privilege.columns.iter().any(|column| column == name));
            let own: Vec<Privilege> =
                own.map(|privilege| Privilege { columns: vec![name.into()], ..privilege.clone() }).collect();
            if own.is_empty() {
                continue;
            }
            let privileges = Privileges::Some(builder.arena.privileges(own));
            all.push(Statement::Revoke(Access { on: Named::Id(&o.on), privileges, roles: vec![o.to.as_str()] }));
        }
        let of = builder.arena.id(table.id());
        all.push(Statement::Alter(Alter::RenamePart { of, table: Some(table), from: name, to: &kept.name }));
        let text = kept.comment.as_deref();
        all.push(Statement::CommentColumn { table, column: &kept.name, text });
        for statement in all {
            builder.add(chain, Role::Change, Phase::CutOver, statement);
        }
        Ok(())
    }
}
