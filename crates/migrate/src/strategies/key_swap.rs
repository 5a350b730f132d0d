//! References to keys that get a new type by way of shadow columns.

use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, OldPlace};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use crate::strategies::shadow_column::{Milestones, Move};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Constraint, ForeignKey, Object, Rule, TableName};
use specc_sql::{Alter, Named, Statement};

impl<'d> Builder<'d, '_> {
    /// New places of what is as it was, but for its name perhaps.
    pub(crate) fn stays(&self, actions: &Actions) -> FxHashSet<NewPlace> {
        let again: FxHashSet<OldPlace> = actions.recreated.iter().map(|pair| pair.0).collect();
        let relabelled = self.set.relabelled.iter().copied();
        let same = self.to.places().filter_map(|(new, id, entry)| {
            let old = self.from.index_of(id)?;
            (*self.from.object(old)? == entry.object).then_some((old, new))
        });
        same.chain(relabelled).filter(|(old, _)| !again.contains(old)).map(|(_, new)| new).collect()
    }

    /// References whose key moves: a second one is there, and checked, before the first one goes.
    pub(crate) fn swap_references(&mut self, moved: &[(Move<'_, 'd>, Milestones)], stays: &FxHashSet<NewPlace>) {
        let places: FxHashMap<&TableName, usize> =
            moved.iter().enumerate().map(|(n, (table, _))| (&table.to.table, n)).collect();
        let of = |table: &TableName| places.get(table).and_then(|&n| moved.get(n));
        for (place, _, entry) in self.to.places() {
            let Object::Constraint(o) = &entry.object else { continue };
            let Rule::ForeignKey(key) = &o.rule else { continue };
            let Some(parent) = of(&key.target).filter(|_| self.key_moves(key)) else { continue };
            let Some(home) = self.to.index_of(&o.table.id()).filter(|_| stays.contains(&place)) else {
                continue;
            };
            let child = of(&o.table);
            let rule = match child {
                Some((table, _)) => table.renamed(&o.rule),
                None => Some(o.rule.clone()),
            };
            let Some(Rule::ForeignKey(rule)) = rule else { continue };
            let rule = ForeignKey { target_columns: parent.0.columns(&key.target_columns), ..rule };
            let aside =
                Constraint { name: temporary_name(&[&o.name, "new"]), rule: Rule::ForeignKey(rule), ..o.clone() };
            let (aside, constraint) = self.arena.constraint(aside);
            let mut chain = Chain::new(Slot::New(home));
            let first =
                self.add(&mut chain, Role::After, Phase::Main, Statement::Alter(Alter::AddNotValid(constraint)));
            if !o.not_valid {
                self.add(&mut chain, Role::After, Phase::Validate, Statement::Validate(constraint));
            }
            let drop = self.add(&mut chain, Role::After, Phase::CutOver, Statement::Drop(&entry.object));
            let rename = Alter::Rename { from: aside, to: &o.name };
            self.add(&mut chain, Role::After, Phase::CutOver, Statement::Alter(rename));
            if let Some(text) = &entry.comment {
                let comment = Statement::Comment { on: Named::Object(&entry.object), text: Some(text) };
                self.add(&mut chain, Role::After, Phase::CutOver, comment);
            }
            for (_, Milestones { built, start }) in [Some(parent), child].into_iter().flatten() {
                built.iter().for_each(|&node| self.nodes.edge(node, first));
                self.nodes.edge(drop, *start);
            }
        }
    }

    /// Whether a reference leads to a column that moves.
    pub(crate) fn key_moves(&self, key: &ForeignKey) -> bool {
        key.target_columns.iter().any(|column| self.swaps.moves(&key.target, column))
    }
}
