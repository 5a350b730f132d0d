//! A type that cannot be changed where it is: a new one takes its name, and its columns move over.

use crate::account::{Note, Warning};
use crate::action_graph::{Role, Slot};
use crate::creation::set_owner;
use crate::place::{NewPlace, OldPlace, Planned, Unexpected};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::casts;
use crate::strategies::in_place::table::{Chain, temporary_name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Column, Composite, DataType, Object, ObjectId, Table};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Convert, Statement};

impl<'d> Builder<'d, '_> {
    /// Says which labels stay, and which take the rows of others.
    pub(crate) fn note_labels(&mut self, actions: &Actions) -> Planned {
        let name = |schema: &str, name: &str| format_smolstr!("{schema}.{name}");
        for &(old, new) in &actions.kept_labels {
            if let (Object::Enum(x), Object::Enum(y)) = (&self.from.entry(old)?.object, &self.to.entry(new)?.object) {
                let more = x.labels.iter().filter(|label| !y.labels.contains(label)).cloned().collect();
                self.notes.push(Note::StaysLabels(name(&x.schema, &x.name), more));
            }
        }
        for &(_, new) in &actions.swapped {
            let Object::Enum(o) = &self.to.entry(new)?.object else { continue };
            let ty = DataType { schema: o.schema.clone(), ..DataType::builtin(o.name.as_str()) };
            for (was, now) in self.merged_labels(&ty) {
                for (_, _, entry) in self.to.places() {
                    let Object::Table(table) = &entry.object else { continue };
                    let of_type = |column: &&Column| column.ty.schema == ty.schema && column.ty.name == ty.name;
                    let notes = table.columns.iter().filter(of_type).map(|column| Note::Merges {
                        table: table.table.clone(),
                        column: column.name.clone(),
                        was: was.into(),
                        now: now.into(),
                    });
                    self.notes.extend(notes);
                }
            }
        }
        Ok(())
    }

    /// Labels were taken away or put in another order, or a domain stands on another type.
    pub(crate) fn swap_type(&mut self, old: OldPlace, new: NewPlace) -> Planned {
        let (a, b) = (self.from.entry(old)?, self.to.entry(new)?);
        let (aside, aside_name) = aside(&a.object, "old")?;
        let ObjectId { schema, name, .. } = a.object.id();
        let slot = Slot::New(new);
        let mut chain = Chain::new(slot);
        let aside = self.arena.object(aside);
        // What is lost is said.
        if let (Object::Composite(x), Object::Composite(y)) = (&a.object, &b.object) {
            for (name, ..) in x.fields.iter().filter(|field| !y.fields.iter().any(|other| other.0 == field.0)) {
                let drop = Statement::Alter(Alter::DropAttribute(x, name));
                self.add(&mut chain, Role::Change, Phase::Main, drop);
            }
        }
        let rename = Alter::Rename { from: &a.object, to: self.arena.text(aside_name.clone()) };
        self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(rename));
        self.add(&mut chain, Role::Make, Phase::Main, Statement::Create(&b.object));
        self.withdraw(&mut chain, &b.object);
        if let Some(text) = &b.comment {
            let comment = Statement::Comment { on: specc_sql::Named::Object(&b.object), text: Some(text) };
            self.add(&mut chain, Role::After, Phase::Main, comment);
        }
        if let Some(owner) = &b.owner {
            let give = set_owner(self.to.catalog, &b.object, Some(owner));
            self.add(&mut chain, Role::After, Phase::Main, give);
        }
        let of_type = |ty: &DataType| ty.schema == schema && ty.name == name;
        let before: FxHashMap<_, &'d Table> = self
            .from
            .iter()
            .filter_map(|(_, entry)| match &entry.object {
                Object::Table(table) => Some((table.table.clone(), &**table)),
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
                    .arena
                    .column(Column { ty: DataType { name: aside_name.clone(), ..was.ty.clone() }, ..was.clone() });
                self.ask(&mut chain, table, was, column, &column.ty);
                if let (Object::Composite(x), Object::Composite(y)) = (&a.object, &b.object) {
                    self.retyped(&mut chain, table, column, x, y);
                }
                let using = match (&a.object, &b.object) {
                    (Object::Composite(x), Object::Composite(y)) if column.ty.dims == 0 => {
                        Some(self.arena.text(rebuilt(&column.name, x, y)))
                    }
                    // A domain's values are stored as those of what it stands on.
                    (Object::Domain(_), _) if self.is_assigned(was, column) => None,
                    _ => Some(self.cast(from, column)),
                };
                let change = Alter::SetType { table: &table.table, from, to: column, using };
                self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(change));
                self.stored_as(&mut chain, &table.table, column);
                if let Some(default) = &column.default {
                    let set =
                        Statement::SetDefault { table: &table.table, column: &column.name, default: Some(default) };
                    self.add(&mut chain, Role::Change, Phase::Main, set);
                }
            }
        }
        let drop = self.add(&mut chain, Role::After, Phase::Main, Statement::DropTemporary(aside));
        // Columns that leave the type or go do so before it goes.
        for (place, _, entry) in self.to.places() {
            let Object::Table(table) = &entry.object else { continue };
            let Some(old_table) = before.get(&table.table) else { continue };
            if !old_table.columns.iter().any(|column| of_type(&column.ty)) {
                continue;
            }
            for node in self.nodes.with(place, &[Role::Change]) {
                self.nodes.edge(node, drop);
            }
            if let Some(old) = self.from.index_of(&table.table.id()) {
                for node in self.nodes.with(old, &[Role::Drop]) {
                    self.nodes.edge(node, drop);
                }
            }
        }
        Ok(())
    }

    /// Attributes of a column's values that get another type: what does not hold all values is for the author to say, in a type of
    /// its own. The way back takes what there is, and says so.
    fn retyped(
        &mut self,
        chain: &mut Chain,
        table: &'d Table,
        column: &'d Column,
        from: &'d Composite,
        to: &'d Composite,
    ) {
        let names = |of: &'d Composite| of.fields.iter().map(|field| &field.0);
        // Its values go by way of their text, where attributes have their places and no names.
        let is_list = column.ty.dims > 0;
        if is_list && !self.options.one && !names(from).eq(names(to)) {
            let why = format!(
                "attributes cannot come, go or change places along with another change while `{}.{}` is a list of it; {ANOTHER_TYPE}",
                table.table.name, column.name
            );
            self.impossible.push((Object::Composite(to.clone()).id(), why));
        }
        let catalogs = [self.from.catalog, self.to.catalog];
        for (field, ty, _) in &to.fields {
            let Some((_, was, _)) = from.fields.iter().find(|(name, was, _)| name == field && was != ty) else {
                continue;
            };
            let known = casts::cast_in_words(catalogs, was, ty);
            let is_lossy = known.is_none_or(|known| known.lossy);
            let refuses = known.is_some_and(|known| known.failing);
            let mut spelled = String::new();
            specc_sql::push_type(&mut spelled, ty);
            let is_own = !self.options.one
                && (is_lossy || !casts::settings(catalogs, was, ty).is_empty() || is_list && !is_read_alike(was, ty));
            if is_own {
                let why = format!(
                    "attribute `{field}` cannot become `{spelled}` while columns have the type: what each value becomes is yours to \
                     say; {ANOTHER_TYPE}"
                );
                self.impossible.push((Object::Composite(to.clone()).id(), why));
            } else if is_lossy || refuses {
                let own = ident(&column.name);
                let changed = is_lossy.then(|| {
                    let condition = if is_list {
                        format!("{own} is not null")
                    } else {
                        let value = format!("({own}).{}", ident(field));
                        self.changed(&value, was, ty, &format!("{value}::{spelled}"))
                    };
                    self.arena.text(condition)
                });
                let convert = Convert {
                    table: &table.table,
                    column,
                    attribute: Some(field),
                    to: ty,
                    value: None,
                    refuses,
                    required: false,
                    whole: false,
                    changed,
                    key: self.key(&table.table),
                    settings: Vec::new(),
                };
                self.warnings.push(Warning::Converts {
                    table: table.table.clone(),
                    column: convert.path(),
                    to: spelled,
                    refuses,
                    rows: convert.changed_rows(),
                });
                self.asks(chain, ty, convert);
            }
        }
    }
}

/// Whether the text of a value is one of both types.
fn is_read_alike(was: &DataType, ty: &DataType) -> bool {
    let kind = |of: &DataType| specc_facts::family(&of.name);
    was.dims == ty.dims && was.schema.is_empty() && ty.schema.is_empty() && kind(was) == kind(ty)
}

/// What to do where an attribute's type does not just change.
pub(crate) const ANOTHER_TYPE: &str =
    "write another composite type, give the columns that one with `using (…)`, and drop this one";

/// The type under a temporary name, and that name.
///
/// # Errors
/// An object that is no type.
pub(crate) fn aside(object: &Object, end: &str) -> Planned<(Object, SmolStr)> {
    let mut aside = object.clone();
    let name = match &mut aside {
        Object::Enum(o) => &mut o.name,
        Object::Domain(o) => &mut o.name,
        Object::Composite(o) => &mut o.name,
        other => return Err(Unexpected::new(&other.id(), "only a type can be swapped")),
    };
    *name = temporary_name(&[&*name, end]);
    let name = name.clone();
    Ok((aside, name))
}

/// A value of a composite type, made anew from its attributes.
fn rebuilt(column: &str, from: &Composite, to: &Composite) -> String {
    let name = ident(column);
    // A row of nulls `is null`, and is a value.
    let mut text = format!("case when {name} is distinct from null then row(");
    for (n, (field, ty, _)) in to.fields.iter().enumerate() {
        text.push_str(if n > 0 { ", " } else { "" });
        match from.fields.iter().find(|other| other.0 == *field) {
            Some(_) => text.push_str(&format!("({name}).{}", ident(field))),
            None => text.push_str("null"),
        }
        text.push_str("::");
        specc_sql::push_type(&mut text, ty);
    }
    text.push_str(&format!(")::{} end", qualified(&to.schema, &to.name)));
    text
}
