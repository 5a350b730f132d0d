//! Enums, domains, composite types and sequences that stay.

use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, OldPlace, Planned};
use crate::planner::Builder;
use crate::recreation::is_reordered;
use crate::schedule::Phase;
use crate::strategies::enum_swap::ANOTHER_TYPE;
use crate::strategies::in_place::table::Chain;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{Composite, Domain, Enum, Kind, Object, Sequence, SqlExpr, TableName};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// New labels, each before the one that follows it.
    pub(crate) fn labels(&mut self, new: NewPlace, from: &'d Enum, to: &'d Enum) {
        let slot = Slot::New(new);
        let mut chain = Chain::new(slot);
        // From the end, so that the label that follows is there.
        for (n, label) in to.labels.iter().enumerate().rev() {
            if !from.labels.contains(label) {
                let before = to.labels.get(n + 1).map(|next| next.as_str());
                let change = Alter::AddLabel { ty: to, label, before };
                self.add(&mut chain, Role::Make, Phase::Labels, Statement::Alter(change));
            }
        }
    }

    pub(crate) fn domain(&mut self, new: NewPlace, from: &'d Domain, to: &'d Domain) {
        let slot = Slot::New(new);
        let tables = self.tables_of(&to.schema, &to.name);
        if from.default != to.default {
            self.nodes.push(slot, Role::Make, Phase::Main, Statement::Alter(Alter::DomainDefault(to)));
        }
        let is_kept = |checks: &[(SmolStr, SqlExpr)], name: &str| checks.iter().any(|(other, _)| other == name);
        // What says the same under a name that is free has another name.
        let renamed: Vec<(&str, &str)> = from
            .checks
            .iter()
            .filter(|(name, _)| !is_kept(&to.checks, name))
            .filter_map(|(name, check)| {
                let new = to.checks.iter().find(|(new, same)| same == check && !is_kept(&from.checks, new))?;
                Some((name.as_str(), new.0.as_str()))
            })
            .collect();
        for (from, to_name) in &renamed {
            let rename = Alter::RenameDomainCheck { domain: to, from, to: to_name };
            self.nodes.push(slot, Role::Change, Phase::Main, Statement::Alter(rename));
        }
        for (name, check) in &from.checks {
            if renamed.iter().any(|(old, _)| old == name) {
                continue;
            }
            if !to.checks.iter().any(|(other, same)| other == name && same == check) {
                self.nodes.push(slot, Role::Change, Phase::Main, Statement::Alter(Alter::DropDomainCheck(to, name)));
            }
        }
        for check in &to.checks {
            if !from.checks.contains(check) && !renamed.iter().any(|(_, new)| *new == check.0) {
                let at_once = self.options.offline.then(|| tables.clone());
                let whole = at_once.is_some();
                let add = Statement::Alter(Alter::AddDomainCheck(to, check, at_once));
                let node = self.nodes.push(slot, Role::Make, Phase::Main, add);
                if whole {
                    continue;
                }
                let validate = Statement::Alter(Alter::ValidateDomainCheck(to, &check.0, tables.clone()));
                self.nodes.then(node, Role::After, Phase::Validate, validate);
            }
        }
        if from.nullable != to.nullable {
            self.nodes.push(slot, Role::After, Phase::Main, Statement::Alter(Alter::DomainNull(to, tables)));
        }
    }

    pub(crate) fn composite(&mut self, old: OldPlace, new: NewPlace, from: &'d Composite, to: &'d Composite) {
        let used = self.columns_of(old);
        if used && !self.options.one && is_reordered(from, to) {
            let why = format!(
                "attributes cannot change places while columns have the type within another one; {ANOTHER_TYPE}"
            );
            self.impossible.push((Object::Composite(to.clone()).id(), why));
        }
        let mut chain = Chain::new(Slot::New(new));
        for field in &from.fields {
            if !to.fields.iter().any(|other| other.0 == field.0) {
                let drop = Statement::Alter(Alter::DropAttribute(to, &field.0));
                self.nodes.push(Slot::Old(old), Role::Drop, Phase::Main, drop);
            }
        }
        for field in &to.fields {
            match from.fields.iter().find(|other| other.0 == field.0) {
                None => {
                    self.add(&mut chain, Role::Make, Phase::Main, Statement::Alter(Alter::AddAttribute(to, field)));
                }
                Some(before) if before != field => {
                    if used {
                        let why = format!(
                            "attribute `{}` cannot change its type while columns have the type, itself or within another one; \
                             {ANOTHER_TYPE}",
                            field.0
                        );
                        self.impossible.push((Object::Composite(to.clone()).id(), why));
                    }
                    self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(Alter::SetAttribute(to, field)));
                }
                Some(_) => {}
            }
        }
    }

    /// The tables that have columns of this type.
    fn tables_of(&self, schema: &str, name: &str) -> Vec<&'d TableName> {
        let tables = self.to.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Table(o) if o.columns.iter().any(|column| column.ty.schema == schema && column.ty.name == name) => {
                Some(&o.table)
            }
            _ => None,
        });
        tables.collect()
    }

    /// Whether a table has a column of this type, or of one that is made of it.
    fn columns_of(&self, ty: OldPlace) -> bool {
        let needs = self.from.needs();
        let (mut of, mut next) = (FxHashSet::from_iter([ty]), vec![ty]);
        while let Some(ty) = next.pop() {
            for (place, id, _) in self.from.places() {
                if !needs.of(place).iter().any(|(need, _)| *need == ty) {
                    continue;
                }
                match id.kind {
                    Kind::Table => return true,
                    Kind::Composite | Kind::Domain if of.insert(place) => next.push(place),
                    _ => {}
                }
            }
        }
        false
    }

    /// Values that a function let pass which says otherwise now are checked again.
    pub(crate) fn checked_again(&mut self, old: OldPlace, new: NewPlace) -> Planned {
        let (Object::Domain(from), Object::Domain(to)) = (&self.from.entry(old)?.object, &self.to.entry(new)?.object)
        else {
            return Ok(());
        };
        let tables = self.tables_of(&to.schema, &to.name);
        // What is in no column has been checked where it was made.
        if tables.is_empty() {
            return Ok(());
        }
        let phase = if self.options.offline { Phase::Main } else { Phase::Validate };
        for check in to.checks.iter().filter(|check| from.checks.contains(check)) {
            let validate = Statement::Alter(Alter::ValidateDomainCheck(to, &check.0, tables.clone()));
            self.nodes.push(Slot::New(new), Role::After, phase, validate);
        }
        Ok(())
    }

    pub(crate) fn sequence(&mut self, new: NewPlace, from: &'d Sequence, to: &'d Sequence) {
        let slot = Slot::New(new);
        if from.ty != to.ty || from.options != to.options {
            self.nodes.push(slot, Role::Make, Phase::Main, Statement::Alter(Alter::SetSequence { from, to }));
        }
        if from.owned_by != to.owned_by {
            let statement =
                if to.owned_by.is_some() { Statement::OwnSequence(to) } else { Statement::DisownSequence(to) };
            self.nodes.push(slot, Role::After, Phase::Main, statement);
        }
    }
}
