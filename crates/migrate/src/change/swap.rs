//! A type that cannot be changed where it is: a new one takes its name, and its columns move over.

use super::Builder;
use super::nodes::{Phase, Role, Slot};
use super::table::{Chain, made_up};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Column, DataType, Object, Table};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d> {
    /// Labels were taken away or put in another order, or a domain stands on another type.
    pub(super) fn swap_type(&mut self, old: u32, new: u32) {
        let (Some(a), Some(b)) = (self.old(old), self.new_entry(new)) else { return };
        let mut aside = a.object.clone();
        let (schema, name) = match &mut aside {
            Object::Enum(o) => {
                let name = o.name.clone();
                o.name = made_up(&[&name, "old"]);
                (o.schema.clone(), name)
            }
            Object::Domain(o) => {
                let name = o.name.clone();
                o.name = made_up(&[&name, "old"]);
                (o.schema.clone(), name)
            }
            _ => return,
        };
        let slot = Slot::New(new);
        let mut chain = Chain::new(slot);
        let aside = self.shelf.object(aside);
        let aside_name = SmolStr::from(match aside {
            Object::Enum(o) => o.name.as_str(),
            Object::Domain(o) => o.name.as_str(),
            _ => return,
        });
        let rename = Alter::Rename { from: &a.object, to: self.shelf.text(aside_name.clone()) };
        self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(rename));
        self.add(&mut chain, Role::Make, Phase::Main, Statement::Create(&b.object));
        if let Some(text) = &b.comment {
            let comment = Statement::Comment { on: specc_sql::Named::Object(&b.object), text: Some(text) };
            self.add(&mut chain, Role::After, Phase::Main, comment);
        }
        let of_type = |ty: &DataType| ty.schema == schema && ty.name == name;
        let before: FxHashMap<_, &'d Table> = self
            .from
            .iter()
            .filter_map(|(_, entry)| match &entry.object {
                Object::Table(table) => Some((table.table.clone(), table)),
                _ => None,
            })
            .collect();
        for (_, entry) in self.to.iter() {
            let Object::Table(table) = &entry.object else { continue };
            let Some(old_table) = before.get(&table.table) else { continue };
            for column in table.columns.iter().filter(|column| of_type(&column.ty)) {
                let Some(was) =
                    old_table.columns.iter().find(|other| other.name == column.name && other.ty == column.ty)
                else {
                    continue;
                };
                if was.default.is_some() {
                    let set = Statement::SetDefault { table: &table.table, column: &column.name, default: None };
                    self.add(&mut chain, Role::Change, Phase::Main, set);
                }
                // By the name that it has now, its type is another one.
                let from = self
                    .shelf
                    .column(Column { ty: DataType { name: aside_name.clone(), ..was.ty.clone() }, ..was.clone() });
                let using = self.cast(from, column);
                let change = Alter::SetType { table: &table.table, from, to: column, using: Some(using) };
                self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(change));
                if let Some(default) = &column.default {
                    let set =
                        Statement::SetDefault { table: &table.table, column: &column.name, default: Some(default) };
                    self.add(&mut chain, Role::Change, Phase::Main, set);
                }
            }
        }
        let drop = self.add(&mut chain, Role::After, Phase::Main, Statement::Drop(aside));
        // Columns that leave the type or go do so before it goes.
        for (place, (_, entry)) in self.to.iter().enumerate() {
            let Object::Table(table) = &entry.object else { continue };
            let Some(old_table) = before.get(&table.table) else { continue };
            if !old_table.columns.iter().any(|column| of_type(&column.ty)) {
                continue;
            }
            for node in self.nodes.with(Slot::New(place as u32), &[Role::Change]) {
                self.nodes.edge(node, drop);
            }
            if let Some(old) = self.from.index_of(&table.table.id()) {
                for node in self.nodes.with(Slot::Old(old as u32), &[Role::Drop]) {
                    self.nodes.edge(node, drop);
                }
            }
        }
    }
}
