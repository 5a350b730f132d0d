//! Tables that cannot become what they are to be where they are: a divided one that is to be whole, a whole one that is to
//! be divided, one that is divided otherwise or by a column of another type. The new table is made in a schema of its own
//! under the names that all of it will have, the rows are copied and compared, and it takes the place of the old one.
//!
//! Where others use the table, a trigger keeps the new one up, rows are copied in batches, and what refers to the table does
//! so a second time, checked, before the old one goes (`keep.rs`).

pub(crate) mod eligible;
mod keep;
pub(crate) mod misfit;

use crate::account::{Note, Warning};
use crate::action_graph::{Role, Slot};
use crate::creation::Made;
use crate::place::{NewPlace, NodeId, OldPlace, Planned};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use eligible::{Moves, TableMove};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{
    Column, Constraint, DataType, ForeignKey, Index, Kind, Object, Rls, Rule, Schema, Table, TableName,
};
use specc_sql::quote::ident;
use specc_sql::{Alter, Assign, FillTable, Statement};
use std::collections::BTreeMap;

/// Steps of moves, as far as they are planned.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// What is made in the schema aside, and for which object.
    made: Vec<(NewPlace, NodeId)>,
    /// By whole table.
    of: BTreeMap<NewPlace, Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    /// Tables, and what has to be there before rows come.
    before: Vec<NodeId>,
    /// What comes when the rows are there.
    after: Vec<NodeId>,
    /// What names the tables as they are called in the end.
    homes: Vec<NodeId>,
    /// What gives references of other tables their names.
    named: Vec<NodeId>,
}

impl<'d> Builder<'d, '_> {
    fn aside(&self, table: &TableName) -> TableName {
        match self.moves.of(table) {
            Some(_) => TableName::new(Moves::aside(&table.schema), table.name.clone()),
            None => table.clone(),
        }
    }

    /// Plans what a step makes that belongs to a table which is made beside the old one. What is said of it otherwise is
    /// said when it has taken its place.
    pub(crate) fn beside(&mut self, step: &Made<'d>, actions: &Actions) -> Planned<bool> {
        match &step.statement {
            Statement::CreateTable { table, constraints, late_defaults } => {
                let Some(one) = self.moves.of(&table.table) else { return Ok(false) };
                let (whole, online) = (one.new, one.online);
                let (later, own): (Vec<&'d Constraint>, Vec<&'d Constraint>) =
                    constraints.iter().copied().partition(|o| matches!(o.rule, Rule::ForeignKey(_)));
                let own = own.into_iter().map(|o| self.constraint_aside(o).1).collect();
                let made = self.table_aside(table);
                let object = self.arena.object(made.clone());
                let make =
                    Statement::CreateTable { table: made, constraints: own, late_defaults: late_defaults.clone() };
                let make = self.nodes.push(Slot::None, Role::After, Phase::Main, make);
                let home = Alter::SetSchema { from: object, to: &table.table.schema };
                let phase = if online { Phase::CutOver } else { Phase::Main };
                let home = self.nodes.push(Slot::New(step.place()), Role::Make, phase, Statement::Alter(home));
                self.beside.made.push((step.place(), make));
                let steps = self.beside.of.entry(whole).or_default();
                // A part after its whole, and home after it.
                if let (Some(&first), Some(&last)) = (steps.before.first(), steps.homes.last()) {
                    self.nodes.edge(first, make);
                    self.nodes.edge(last, home);
                }
                steps.before.push(make);
                steps.homes.push(home);
                for reference in later {
                    let own = self.to.index_of(&Object::from(reference.clone()).id());
                    self.part_beside(&table.table, own.unwrap_or(step.place()), reference, true);
                }
                Ok(true)
            }
            Statement::SetColumn { table, column, setting } => {
                let Some(one) = self.moves.of(table) else { return Ok(false) };
                let whole = one.new;
                let table = self.arena.table_name(self.aside(table));
                let set = Statement::SetColumn { table, column, setting: *setting };
                let node = self.nodes.push(Slot::None, Role::After, Phase::Main, set);
                self.before(whole, step.place(), node);
                Ok(true)
            }
            Statement::Create(Object::Index(index)) => {
                let (Some(one), Some(place)) = (self.moves.of(&index.table), self.moves.place(&index.table)) else {
                    return Ok(false);
                };
                let (whole, online) = (one.new, one.online);
                let object = self.arena.object(Index { table: self.aside(&index.table), ..index.clone() });
                let node = self.nodes.push(Slot::None, Role::After, Phase::Main, Statement::Create(object));
                if online {
                    self.before(whole, step.place(), node);
                } else {
                    self.after(whole, step.place(), node);
                }
                self.stands_at(step.place(), place);
                Ok(true)
            }
            Statement::Create(Object::Constraint(constraint)) => {
                if self.moves.of(&constraint.table).is_some() {
                    self.part_beside(&constraint.table, step.place(), constraint, false);
                    return Ok(true);
                }
                Ok(self.second_reference(step, constraint, actions))
            }
            _ => Ok(false),
        }
    }

    /// An index or constraint is there under its name when its table is.
    fn stands_at(&mut self, part: NewPlace, table: NewPlace) {
        let home = self.nodes.with(table, &[Role::Make]);
        self.nodes.alias(Slot::New(part), &home);
    }

    fn before(&mut self, whole: NewPlace, of: NewPlace, node: NodeId) {
        self.beside.made.push((of, node));
        let steps = self.beside.of.entry(whole).or_default();
        steps.before.iter().for_each(|&earlier| self.nodes.edge(earlier, node));
        steps.before.push(node);
    }

    fn after(&mut self, whole: NewPlace, of: NewPlace, node: NodeId) {
        self.beside.made.push((of, node));
        self.beside.of.entry(whole).or_default().after.push(node);
    }

    /// A constraint of a table that is made beside.
    fn part_beside(&mut self, table: &TableName, of: NewPlace, constraint: &'d Constraint, inline: bool) {
        let (Some(one), Some(place)) = (self.moves.of(table), self.moves.place(table)) else { return };
        let (whole, online) = (one.new, one.online);
        let (object, kept) = self.constraint_aside(constraint);
        let to_moved = matches!(&constraint.rule, Rule::ForeignKey(key) if self.moves.of(&key.target).is_some());
        if to_moved && online && !constraint.not_valid {
            // Rows come in the order of their key, not of what they refer to.
            let add = self.nodes.push(Slot::None, Role::After, Phase::Main, Statement::Alter(Alter::AddNotValid(kept)));
            self.after(whole, of, add);
            let valid = self.nodes.push(Slot::None, Role::After, Phase::Validate, Statement::Validate(kept));
            self.nodes.edge(add, valid);
            self.after(whole, of, valid);
        } else {
            let is_reference = matches!(constraint.rule, Rule::ForeignKey(_));
            let node = self.nodes.push(Slot::None, Role::After, Phase::Main, Statement::Create(object));
            // Rows that come one by one are checked as they come, those that come at once all together.
            if is_reference && !online {
                self.after(whole, of, node);
            } else {
                self.before(whole, of, node);
            }
        }
        if !inline {
            self.stands_at(of, place);
        }
    }

    fn table_aside(&self, o: &Table) -> &'d Table {
        let columns = o.columns.iter().map(|column| Column { comment: None, ..column.clone() }).collect();
        self.arena.table(Table {
            table: self.aside(&o.table),
            columns,
            partition_of: o.partition_of.as_ref().map(|(whole, bounds)| (self.aside(whole), bounds.clone())),
            rls: Rls::Off,
            replica_identity: None,
            ..o.clone()
        })
    }

    fn constraint_aside(&self, o: &Constraint) -> (&'d Object, &'d Constraint) {
        let rule = match &o.rule {
            Rule::ForeignKey(key) => Rule::ForeignKey(ForeignKey { target: self.aside(&key.target), ..key.clone() }),
            rule => rule.clone(),
        };
        self.arena.constraint(Constraint { table: self.aside(&o.table), rule, ..o.clone() })
    }

    /// A reference of another table leads to the new table too, and is checked, before the old table goes.
    fn second_reference(&mut self, step: &Made<'d>, constraint: &'d Constraint, actions: &Actions) -> bool {
        let Rule::ForeignKey(key) = &constraint.rule else { return false };
        let Some(one) = self.moves.of(&key.target).filter(|one| one.online) else { return false };
        let whole = one.new;
        let same = |pair: &&(OldPlace, NewPlace)| {
            pair.1 == step.place()
                && matches!(self.from.object(pair.0), Some(Object::Constraint(o)) if o.rule == constraint.rule)
        };
        let Some(&(old, _)) = actions.recreated.iter().find(same) else { return false };
        let (_, aside) = self.constraint_aside(constraint);
        // Postgres calls what it makes for each part by the usual name, if that is free.
        let is_taken = self.from.contains(&constraint.table.part(Kind::Constraint, constraint.name.clone()));
        let name = if is_taken { temporary_name(&[&constraint.name, "new"]) } else { constraint.name.clone() };
        let (object, aside) = self.arena.constraint(Constraint { name, ..aside.clone() });
        let mut chain = Chain::new(Slot::None);
        let add = self.add(&mut chain, Role::After, Phase::Main, Statement::Alter(Alter::AddNotValid(aside)));
        self.beside.made.push((step.place(), add));
        self.beside.of.entry(whole).or_default().after.push(add);
        if !constraint.not_valid {
            let valid = self.add(&mut chain, Role::After, Phase::Validate, Statement::Validate(aside));
            self.beside.of.entry(whole).or_default().after.push(valid);
        }
        let gone = self.nodes.with(Slot::Old(old), &[Role::Drop]);
        for &gone in &gone {
            chain.last().into_iter().for_each(|checked| self.nodes.edge(checked, gone));
        }
        if is_taken {
            let rename = Statement::Alter(Alter::Rename { from: object, to: &constraint.name });
            let named = self.nodes.push(Slot::New(step.place()), Role::Make, Phase::CutOver, rename);
            gone.into_iter().for_each(|gone| self.nodes.edge(gone, named));
            chain.last().into_iter().for_each(|checked| self.nodes.edge(checked, named));
            self.beside.of.entry(whole).or_default().named.push(named);
        }
        true
    }

    /// Plans all moves. What is made beside is planned by now, and so is what goes.
    pub(crate) fn move_rows(&mut self) -> Planned {
        let moves = self.moves;
        if moves.all.is_empty() {
            return Ok(());
        }
        let mut schemas: BTreeMap<SmolStr, (Vec<NodeId>, Vec<NodeId>)> = BTreeMap::new();
        for one in &moves.all {
            let homes = self.move_table(one)?;
            let steps = self.beside.of.entry(one.new).or_default();
            for (_, table) in &one.new_tables {
                let (first, last) = schemas.entry(Moves::aside(&table.table.schema)).or_default();
                first.extend(&steps.before);
                last.extend(&homes);
            }
        }
        for (name, (first, last)) in schemas {
            let object = self.arena.object(Schema { name });
            let make = self.nodes.push(Slot::None, Role::After, Phase::Main, Statement::Create(object));
            first.into_iter().for_each(|node| self.nodes.edge(make, node));
            let phase = last.iter().map(|&node| self.nodes[node].phase).max().unwrap_or(Phase::Main);
            let gone = self.nodes.push(Slot::None, Role::After, phase, Statement::DropTemporary(object));
            last.into_iter().for_each(|node| self.nodes.edge(node, gone));
        }
        self.beside_finds_its_needs();
        Ok(())
    }

    /// What is made beside waits for what it needs; what is made beside too is there in order.
    fn beside_finds_its_needs(&mut self) {
        let needs = self.to.needs();
        let mut made: FxHashMap<NewPlace, Vec<NodeId>> = FxHashMap::default();
        for &(place, node) in &self.beside.made {
            made.entry(place).or_default().push(node);
        }
        for (place, node) in std::mem::take(&mut self.beside.made) {
            for (need, _) in needs.of(place) {
                match made.get(&need) {
                    Some(all) => {
                        all.iter().filter(|&&other| other < node).for_each(|&other| self.nodes.edge(other, node))
                    }
                    None => {
                        for before in self.nodes.with(Slot::New(need), &[Role::Make, Role::Change]) {
                            self.nodes.soft(before, node);
                        }
                    }
                }
            }
        }
    }

    /// One table; gives what comes last.
    fn move_table(&mut self, one: &TableMove<'d>) -> Planned<Vec<NodeId>> {
        self.fits_somewhere(one);
        let phase = if one.online { Phase::CutOver } else { Phase::Main };
        let fill = self.filling(one);
        let steps = self.beside.of.entry(one.new).or_default();
        let (before, after, homes) = (steps.before.clone(), steps.after.clone(), steps.homes.clone());
        let named = steps.named.clone();
        let mut chain = Chain::new(Slot::None);
        let kept = if one.online { Some(self.keep_up_table(one, &fill, &before)) } else { None };
        let filled = self.fill_table(&mut chain, Slot::None, fill);
        let ready = kept.as_ref().map_or(&before, |kept| &kept.made);
        ready.iter().for_each(|&node| self.nodes.edge(node, filled));
        after.iter().for_each(|&node| self.nodes.edge(filled, node));
        // From here on nobody writes the old table.
        let mut last = Vec::new();
        let mut chain = Chain::after(Slot::None, filled);
        let start = self.nodes.len();
        for statement in kept.into_iter().flat_map(|kept| kept.ends) {
            let node = self.add(&mut chain, Role::After, phase, statement);
            after.iter().for_each(|&earlier| self.nodes.edge(earlier, node));
        }
        if let Some(first) = self.nodes.ids().nth(start).filter(|_| one.online) {
            self.locks_in_order(first, filled, &after);
        }
        for statement in self.numbers_go_on(one) {
            self.add(&mut chain, Role::After, phase, statement);
        }
        let ready: Vec<NodeId> = chain.last().into_iter().chain(after).collect();
        for &old in &one.old_tables {
            for gone in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                ready.iter().for_each(|&node| self.nodes.edge(node, gone));
                homes.iter().for_each(|&home| self.nodes.edge(gone, home));
            }
        }
        last.extend(homes);
        last.extend(named);
        Ok(last)
    }

    /// What is over the table is locked before it, as by those who use it: who writes a row that refers to it, or reads it
    /// by a view, has the lock on that first.
    fn locks_in_order(&mut self, first: NodeId, filled: NodeId, after: &[NodeId]) {
        for &old in &self.moves.over {
            for gone in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                let table = self.nodes[gone].statement.table();
                if table.is_some_and(|table| self.moves.of(table).is_some() || self.moves.took(table)) {
                    self.nodes.edge(first, gone);
                    continue;
                }
                self.nodes.edge(gone, first);
                self.nodes.edge(filled, gone);
                after.iter().for_each(|&earlier| self.nodes.edge(earlier, gone));
            }
        }
    }

    /// Identities go on where the old ones stood.
    fn numbers_go_on(&self, one: &TableMove<'d>) -> Vec<Statement<'d>> {
        let aside = self.arena.table_name(self.aside(&one.to.table));
        let owns = |column: &str| {
            self.from.iter().any(|(_, entry)| {
                matches!(&entry.object, Object::Sequence(o) if o.owned_by.as_ref().is_some_and(|(table, own)| {
                    *table == one.from.table && own == column
                }))
            })
        };
        let numbered = one.to.columns.iter().filter(|column| column.identity.is_some());
        numbered
            .filter_map(|column| {
                let before = one.from.columns.iter().find(|other| other.name == column.name)?;
                Some(Statement::Alter(if before.identity.is_some() || owns(&before.name) {
                    Alter::CopySequence { table: aside, source: &one.from.table, from: &before.name, to: &column.name }
                } else {
                    return Some(Statement::AdvanceSequence { table: aside, column: &column.name });
                }))
            })
            .collect()
    }

    /// What is written of each row. The columns of the key come first.
    fn filling(&mut self, one: &TableMove<'d>) -> FillTable<'d> {
        let mut set: Vec<Assign<'d>> = Vec::new();
        let mut settings: Vec<(&'d str, &'d str)> = Vec::new();
        for column in one.to.columns.iter().filter(|column| column.generated.is_none()) {
            let before = one.from.columns.iter().find(|other| other.name == column.name);
            let value = match before {
                Some(before) => self.carried(one.to, before, column, &mut settings),
                None => self.arriving(one.to, column),
            };
            set.extend(value.map(|value| Assign { column, value }));
        }
        settings.sort_unstable();
        settings.dedup();
        let key = one.key.unwrap_or_default();
        set.sort_by_key(|assign| key.iter().position(|own| *own == assign.column.name).unwrap_or(key.len()));
        let found = key.iter().all(|own| set.iter().any(|assign| assign.column.name == *own));
        FillTable {
            table: self.arena.table_name(self.aside(&one.to.table)),
            set,
            source: one.from,
            alias: None,
            key: key.iter().map(SmolStr::as_str).collect(),
            only: None,
            known_by: if found { key.len() } else { 0 },
            done: None,
            settings,
            quiet: false,
            shared: false,
            at_once: !one.online,
        }
    }

    /// Drops a table when its rows have moved.
    pub(crate) fn drop_moved(&self, old: OldPlace, object: &'d Object) -> Statement<'d> {
        let Some(one) = self.moves.all.iter().find(|one| one.old == old) else {
            // A part of one that moves: its rows are rows of the whole.
            return match object {
                Object::Table(table) => {
                    Statement::Alter(Alter::DropMoved { table, leaves: Vec::new(), filled: Vec::new() })
                }
                _ => Statement::DropTemporary(object),
            };
        };
        let after = |column: &Column| one.to.columns.iter().find(|other| other.name == column.name);
        let columns = one.from.columns.iter().filter(|column| column.generated.is_none());
        let (mut leaves, mut filled) = (Vec::new(), Vec::new());
        for column in columns {
            match after(column) {
                None if self.from.catalog.said.keeps(&one.from.table, &column.name) => {}
                None => leaves.push(column.name.as_str()),
                Some(then) if column.nullable && !then.nullable && self.backfill(one.to, then).is_some() => {
                    filled.push(column.name.as_str());
                }
                Some(_) => {}
            }
        }
        Statement::Alter(Alter::DropMoved { table: one.from, leaves, filled })
    }

    /// What a column that stays holds.
    fn carried(
        &mut self,
        table: &'d Table,
        before: &'d Column,
        column: &'d Column,
        settings: &mut Vec<(&'d str, &'d str)>,
    ) -> Option<&'d str> {
        let mut value = self.arena.text(ident(&before.name).into_owned());
        if before.ty != column.ty {
            let mut chain = Chain::new(Slot::None);
            self.ask(&mut chain, table, before, column, &column.ty);
            let way = self.way(table, before, column, &column.ty);
            settings.extend(self.settings_of(&way, before, column));
            value = way.value;
        }
        if before.nullable
            && !column.nullable
            && let Some(filled) = self.backfill(table, column)
        {
            value = self.arena.text(format!("coalesce({value}, {filled})"));
        }
        Some(value)
    }

    /// What a new column holds; none where that is its default.
    fn arriving(&mut self, table: &'d Table, column: &'d Column) -> Option<&'d str> {
        if let Some(value) = self.backfill(table, column) {
            return Some(value);
        }
        if column.nullable || column.default.is_some() || column.identity.is_some() {
            return None;
        }
        let Some(value) = self.says_nothing(table, column).filter(|_| self.options.one) else {
            self.warnings.push(Warning::Required { table: table.table.clone(), column: column.name.clone() });
            return None;
        };
        let mut typed = value.clone();
        // A literal by itself is text.
        if column.ty != DataType::builtin("text") {
            typed.push_str("::");
            specc_sql::push_type(&mut typed, &column.ty);
        }
        self.notes.push(Note::Neutral { table: table.table.clone(), column: column.name.clone(), value });
        Some(self.arena.text(typed))
    }
}
