//! What has to come before what.

use crate::action_graph::{Node, Phase, Role, Slot};
use crate::planner::Builder;
use crate::recreation::Actions;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, Entry, IdRef, Kind, Needs, Object, ObjectId, Rule, Strength, TableName};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// Edges from what both catalogs need.
    pub(crate) fn edges(&mut self, actions: &Actions) {
        let (mut old, mut new) = (FxHashSet::default(), FxHashSet::default());
        for node in &self.nodes.all {
            match node.slot {
                Slot::Old(place) => old.insert(place),
                Slot::New(place) => new.insert(place),
            };
        }
        // What goes with a column is gone when that is.
        for &place in &self.with_columns {
            let table = self.old(place).and_then(|entry| match &entry.object {
                Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
                other => other.table(),
            });
            if let Some(home) = table.and_then(|table| self.from.index_of(&table.id())) {
                let nodes = self.nodes.with(Slot::Old(home as u32), &[Role::Drop]);
                self.nodes.alias(Slot::Old(place), &nodes);
            }
        }
        // What goes or stands with its table has needs of its own.
        old.extend(self.difference.removed.iter().copied());
        old.extend(actions.recreated.iter().map(|pair| pair.0));
        new.extend(self.difference.added.iter().copied());
        new.extend(actions.recreated.iter().map(|pair| pair.1));
        self.forward(&sorted(new));
        self.backward(&sorted(old), actions);
        self.clashes(actions);
        self.around(actions);
        self.required_keys();
        self.inherited();
        self.late_types();
        self.numbered();
        self.parts_in_order();
        self.around_parents();
        self.owners();
        self.moved_off();
        self.schemas();
    }

    /// A sequence that another column owns from now on has left its old owner before that goes.
    fn owners(&mut self) {
        for node in 0..self.nodes.all.len() as u32 {
            let (Statement::OwnSequence(o) | Statement::DisownSequence(o)) = &self.nodes.all[node as usize].statement
            else {
                continue;
            };
            let before = self.from.find(IdRef::new(Kind::Sequence, &o.schema, &o.name));
            let Some((_, Entry { object: Object::Sequence(before), .. })) = before.and_then(|at| self.from.at(at))
            else {
                continue;
            };
            let Some((owner, _)) = before.owned_by.as_ref().filter(|_| before.owned_by != o.owned_by) else { continue };
            if let Some(place) = self.from.find(IdRef::table(owner)) {
                for gone in self.nodes.with(Slot::Old(place as u32), &[Role::Drop]) {
                    self.nodes.soft(node, gone);
                }
            }
        }
    }

    /// The sequence of an identity goes before one of the column's own takes what is most often its name; and the other
    /// way round.
    fn numbered(&mut self) {
        for node in 0..self.nodes.all.len() as u32 {
            let Statement::Alter(Alter::SetIdentity { table, column, to: Some(_), .. }) =
                &self.nodes.all[node as usize].statement
            else {
                continue;
            };
            let (table, column) = (*table, *column);
            for &old in &self.difference.removed {
                let Some(Entry { object: Object::Sequence(o), .. }) = self.old(old) else { continue };
                if o.owned_by.as_ref().is_some_and(|(owner, owned)| owner == table && owned == column) {
                    for gone in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                        self.nodes.soft(gone, node);
                    }
                }
            }
        }
        let taken = |node: &Node<'d>| match &node.statement {
            Statement::Alter(Alter::SetIdentity { table, column, to: None, .. }) => {
                Some(((*table).clone(), SmolStr::from(*column)))
            }
            _ => None,
        };
        let all: Vec<(u32, (TableName, SmolStr))> =
            (0..).zip(&self.nodes.all).filter_map(|(n, node)| Some((n, taken(node)?))).collect();
        if all.is_empty() {
            return;
        }
        for node in 0..self.nodes.all.len() as u32 {
            let Statement::Create(Object::Sequence(o)) = &self.nodes.all[node as usize].statement else { continue };
            let Some(owner) = &o.owned_by else { continue };
            all.iter().filter(|(_, column)| column == owner).for_each(|(gone, _)| self.nodes.edge(*gone, node));
        }
    }

    /// A type goes when the columns that leave it without blocking writes have done so.
    fn moved_off(&mut self) {
        let of_type = |node: &Node<'d>| match &node.statement {
            Statement::Alter(Alter::DropColumn { column, .. }) if node.phase > Phase::Main => Some(column.ty.clone()),
            _ => None,
        };
        let left: Vec<_> = (0..).zip(&self.nodes.all).filter_map(|(n, node)| Some((n, of_type(node)?))).collect();
        for (node, ty) in left {
            for kind in [Kind::Enum, Kind::Domain, Kind::Composite] {
                let Some(place) = self.from.find(IdRef::new(kind, &ty.schema, &ty.name)) else { continue };
                for gone in self.nodes.with(Slot::Old(place as u32), &[Role::Drop]) {
                    self.nodes.edge(node, gone);
                }
            }
        }
    }

    /// A new column of a type that is made anew beside the old one waits until that has its name, and so does a policy
    /// that names it.
    fn late_types(&mut self) {
        let texts = Known::new(self.to);
        for (old, named) in self.types_named.clone() {
            let Some((id, _)) = self.from.at(old as usize) else { continue };
            for node in 0..self.nodes.all.len() as u32 {
                let waits = match &self.nodes.all[node as usize].statement {
                    Statement::Alter(Alter::AddColumn { column, .. }) => {
                        column.ty.schema == id.schema && column.ty.name == id.name
                    }
                    Statement::Create(object @ Object::Policy(_)) => texts.any(object, &|target| match target {
                        Target::Type(name) | Target::Label(name, _) => name.name == id.name && name.schema == id.schema,
                        _ => false,
                    }),
                    _ => false,
                };
                if waits {
                    self.nodes.edge(named, node);
                }
            }
        }
    }

    /// What something needs is made before it.
    fn forward(&mut self, places: &[u32]) {
        let needs = Needs::new(self.to);
        for &place in places {
            // A new name needs nothing that is new, and what is taken from a role was there.
            let is_grant = self.to.at(place as usize).is_some_and(|(id, _)| id.kind == Kind::Grant);
            let is_free = |node: &u32| match self.nodes.all[*node as usize].statement {
                Statement::Revoke(_) => is_grant,
                Statement::Alter(
                    Alter::Rename { .. }
                    | Alter::SetSchema { .. }
                    | Alter::RenamePart { .. }
                    | Alter::SetIdentity { to: None, .. },
                ) => true,
                _ => false,
            };
            let own: Vec<u32> = self.nodes.of(Slot::New(place)).iter().copied().filter(|node| !is_free(node)).collect();
            if own.is_empty() {
                continue;
            }
            for (need, strength) in needs.of(place) {
                // Columns that move to the type do so before it takes its name.
                if strength == Strength::Wish || self.moves_to(place, need) {
                    continue;
                }
                for before in self.nodes.with(Slot::New(need), &[Role::Make, Role::Change]) {
                    for &after in &own {
                        self.link(before, after, strength == Strength::Hard);
                    }
                }
            }
            // A sequence is tied when the column is there.
            if let Some(Object::Sequence(o)) = self.new_entry(place).map(|entry| &entry.object)
                && let Some((table, _)) = &o.owned_by
                && let Some(home) = self.to.index_of(&table.id())
            {
                let ties: Vec<u32> = own
                    .iter()
                    .copied()
                    .filter(|&node| matches!(self.nodes.all[node as usize].statement, Statement::OwnSequence(_)))
                    .collect();
                for before in self.nodes.with(Slot::New(home as u32), &[Role::Make, Role::Change]) {
                    ties.iter().for_each(|&tie| self.nodes.edge(before, tie));
                }
            }
        }
    }

    /// Whether columns of the table move to the type.
    fn moves_to(&self, table: u32, ty: u32) -> bool {
        !self.swaps.types.is_empty()
            && self.to.at(ty as usize).and_then(|(id, _)| self.from.index_of(id)).is_some_and(|old| {
                self.swaps.types.contains(&(old as u32)) && self.swaps.tables.keys().any(|(_, new)| *new == table)
            })
    }

    /// What needed something is gone or changed before that goes.
    fn backward(&mut self, places: &[u32], actions: &Actions) {
        let needs = Needs::new(self.from);
        let again: FxHashSet<u32> = actions.recreated.iter().map(|pair| pair.0).collect();
        let stays: FxHashMap<u32, u32> =
            actions.altered.iter().chain(&actions.swapped).copied().filter(|(old, _)| !again.contains(old)).collect();
        let twin = |builder: &Self, old: u32| {
            let (id, _) = builder.from.at(old as usize)?;
            actions.relabelled.get(&old).copied().or_else(|| builder.to.index_of(id).map(|new| new as u32))
        };
        for &place in places {
            let own = self.nodes.with(Slot::Old(place), &[Role::Drop, Role::After]);
            let with_column = self.with_columns.contains(&place);
            for (need, strength) in needs.of(place) {
                // What goes with a column of its table says nothing of the table.
                if strength == Strength::Wish || with_column && needs.home(place) == Some(need) {
                    continue;
                }
                let hard = strength == Strength::Hard;
                for &before in &own {
                    for after in self.nodes.with(Slot::Old(need), &[Role::Drop]) {
                        self.link(before, after, hard);
                    }
                    // An index that goes without blocking writes can go later too.
                    let waits = self.nodes.all[before as usize].phase != Phase::Cleanup;
                    if let Some(new) = twin(self, need).filter(|_| waits) {
                        for after in self.nodes.with(Slot::New(new), &[Role::Change]) {
                            self.link(before, after, hard);
                        }
                    }
                }
            }
        }
        let mut altered: Vec<(u32, u32)> = stays.into_iter().collect();
        altered.sort_unstable();
        for (old, new) in altered {
            let own = self.nodes.with(Slot::New(new), &[Role::Make, Role::Change, Role::After]);
            // Filling and checking may come later; what defines it anew comes first.
            let first: Vec<u32> =
                own.into_iter().filter(|&node| self.nodes.all[node as usize].phase <= Phase::Main).collect();
            for (need, strength) in needs.of(old) {
                if strength == Strength::Wish {
                    continue;
                }
                let hard = strength >= Strength::Default && !again.contains(&need);
                let kind = self.from.at(need as usize).map(|(id, _)| id.kind);
                let waits = |node: &u32| match (&self.nodes.all[*node as usize].statement, kind) {
                    // A column of its own may wait until the one of its parent is gone.
                    (Statement::Alter(Alter::AddColumn { .. }), Some(Kind::Table)) => true,
                    // So may what is given on a column that is made again.
                    (Statement::Grant(_), Some(Kind::Table)) => true,
                    // An identity wants the name that the column's sequence had.
                    (
                        Statement::Alter(Alter::SetIdentity { to: Some(_), .. }) | Statement::AdvanceSequence { .. },
                        Some(Kind::Sequence),
                    ) => true,
                    _ => false,
                };
                let first: Vec<u32> = first.iter().copied().filter(|node| !waits(node)).collect();
                for after in self.nodes.with(Slot::Old(need), &[Role::Drop]) {
                    first.iter().for_each(|&before| self.link(before, after, hard));
                }
            }
        }
        // What is made again finds what it needs without the parts that go.
        for &(old, new) in &actions.recreated {
            for (need, _) in needs.of(old).into_iter().filter(|(need, _)| !again.contains(need)) {
                for before in self.nodes.with(Slot::Old(need), &[Role::Drop]) {
                    for after in self.nodes.with(Slot::New(new), &[Role::Make]) {
                        self.nodes.soft(before, after);
                    }
                }
            }
        }
        // The old one goes before the new one comes, by its new name where it has one.
        for &(old, new) in &actions.recreated {
            for before in self.nodes.with(Slot::Old(old), &[Role::Drop]) {
                for after in self.nodes.with(Slot::New(new), &[Role::Make]) {
                    if self.nodes.all[after as usize].phase == Phase::Names {
                        self.nodes.edge(after, before);
                    } else {
                        self.nodes.edge(before, after);
                    }
                }
            }
        }
    }

    fn link(&mut self, before: u32, after: u32, hard: bool) {
        // What one object does has an order of its own.
        if self.nodes.all[before as usize].slot == self.nodes.all[after as usize].slot {
            return;
        }
        if hard {
            self.nodes.edge(before, after);
        } else {
            self.nodes.soft(before, after);
        }
    }

    /// A name is free before something else takes it.
    fn clashes(&mut self, _fates: &Actions) {
        let difference = self.difference;
        let mut taken: FxHashMap<Name, Vec<u32>> = FxHashMap::default();
        for &old in &difference.removed {
            let Some((id, entry)) = self.from.at(old as usize) else { continue };
            for name in names(id, &entry.object) {
                taken.entry(name).or_default().extend(self.nodes.with(Slot::Old(old), &[Role::Drop]));
            }
        }
        if taken.is_empty() {
            return;
        }
        for &new in &difference.added {
            let Some((id, entry)) = self.to.at(new as usize) else { continue };
            for name in names(id, &entry.object) {
                for &before in taken.get(&name).into_iter().flatten() {
                    for after in self.nodes.of(Slot::New(new)).to_vec() {
                        self.nodes.soft(before, after);
                    }
                }
            }
        }
    }

    /// What is over a table comes when its columns are gone and have their types, and goes before.
    fn around(&mut self, actions: &Actions) {
        let mut by_table: FxHashMap<TableName, Vec<u32>> = FxHashMap::default();
        for (number, node) in self.nodes.all.iter().enumerate() {
            let Statement::Alter(change) = &node.statement else { continue };
            if let Alter::DropColumn { table, .. } | Alter::SetType { table, .. } = change {
                by_table.entry((*table).clone()).or_default().push(number as u32);
            }
        }
        self.computed();
        if by_table.is_empty() {
            return;
        }
        let name = |catalog: &Catalog, place: u32| match catalog.at(place as usize).map(|(_, entry)| &entry.object) {
            Some(Object::Table(o)) => by_table.get(&o.table),
            _ => None,
        };
        let (before, after) = (Needs::new(self.from), Needs::new(self.to));
        let again = |side: fn(&(u32, u32)) -> u32| actions.recreated.iter().map(side);
        for old in again(|pair| pair.0).chain(self.difference.removed.iter().copied()) {
            let gone = self.nodes.with(Slot::Old(old), &[Role::Drop]);
            for change in before.of(old).iter().filter_map(|(need, _)| name(self.from, *need)).flatten() {
                gone.iter().for_each(|&node| self.nodes.soft(node, *change));
            }
        }
        for new in again(|pair| pair.1).chain(self.difference.added.iter().copied()) {
            let made = self.nodes.of(Slot::New(new)).to_vec();
            for change in after.of(new).iter().filter_map(|(need, _)| name(self.to, *need)).flatten() {
                made.iter().for_each(|&node| self.nodes.soft(*change, node));
            }
        }
    }

    /// A computed column goes before what it is computed from goes or changes its type, and comes after that.
    fn computed(&mut self) {
        let change = |node: &Node<'d>| match &node.statement {
            Statement::Alter(change @ (Alter::DropColumn { .. } | Alter::AddColumn { .. } | Alter::SetType { .. })) => {
                Some(change.clone())
            }
            _ => None,
        };
        let all = self.nodes.all.iter().enumerate();
        let all: Vec<(u32, Alter<'d>)> = all.filter_map(|(n, node)| Some((n as u32, change(node)?))).collect();
        for (number, own) in &all {
            let (home, column, comes) = match own {
                Alter::DropColumn { table, column, .. } => (*table, *column, false),
                Alter::AddColumn { table, column, .. } => (*table, *column, true),
                _ => continue,
            };
            let Some(computed) = &column.generated else { continue };
            for (other, base) in all.iter().filter(|(other, _)| other != number) {
                let waits = match base {
                    Alter::SetType { table, from, .. } => {
                        (*table == home && computed.reads(&from.name)).then_some(comes)
                    }
                    Alter::DropColumn { table, column, .. } if !comes => {
                        (*table == home && computed.reads(&column.name)).then_some(false)
                    }
                    Alter::AddColumn { table, column, .. } if comes => {
                        (*table == home && computed.reads(&column.name)).then_some(true)
                    }
                    _ => None,
                };
                match waits {
                    Some(true) => self.nodes.edge(*other, *number),
                    Some(false) => self.nodes.edge(*number, *other),
                    None => {}
                }
            }
        }
    }

    /// A column of a parent is gone before a child has one of its own under that name, and the other way round.
    fn inherited(&mut self) {
        for node in 0..self.nodes.all.len() as u32 {
            let Statement::Alter(change) = &self.nodes.all[node as usize].statement else { continue };
            let (table, comes) = match change {
                Alter::AddColumn { table, .. } => (*table, true),
                Alter::DropColumn { table, .. } => (*table, false),
                _ => continue,
            };
            let catalog = if comes { self.from } else { self.to };
            let Some(Object::Table(o)) = catalog.get(&table.id()).map(|entry| &entry.object) else { continue };
            for parent in o.inherits.iter().filter_map(|parent| catalog.index_of(&parent.id())) {
                if comes {
                    for before in self.nodes.with(Slot::Old(parent as u32), &[Role::Drop]) {
                        self.nodes.soft(before, node);
                    }
                } else {
                    for after in self.nodes.with(Slot::New(parent as u32), &[Role::Make]) {
                        self.nodes.soft(node, after);
                    }
                }
            }
        }
    }

    /// A key over a column that becomes required waits for that, also where the key was planned first.
    fn required_keys(&mut self) {
        if self.required.is_empty() {
            return;
        }
        for node in 0..self.nodes.all.len() as u32 {
            let constraint = match &self.nodes.all[node as usize].statement {
                Statement::Create(Object::Constraint(constraint)) => constraint,
                Statement::Alter(Alter::AddUsingIndex(constraint, _)) => constraint,
                _ => continue,
            };
            let Rule::PrimaryKey { columns, .. } = &constraint.rule else { continue };
            let waits: Vec<u32> = columns
                .iter()
                .filter_map(|column| self.required.get(&(constraint.table.clone(), column.clone())).copied())
                .collect();
            waits.into_iter().for_each(|required| self.nodes.edge(required, node));
        }
    }
}

/// Kinds that share their names.
const RELATIONS: [Kind; 7] =
    [Kind::Table, Kind::View, Kind::Sequence, Kind::Index, Kind::Enum, Kind::Domain, Kind::Composite];

/// What must be one of a kind: relations and types share names, and so do functions of one schema as far as specc cares.
type Name = (u8, SmolStr, SmolStr, SmolStr);

fn names(id: &ObjectId, object: &Object) -> Vec<Name> {
    let plain = |space: u8| vec![(space, id.schema.clone(), id.name.clone(), SmolStr::default())];
    match id.kind {
        kind if RELATIONS.contains(&kind) => plain(0),
        Kind::Function => plain(1),
        Kind::Trigger => vec![(2, id.schema.clone(), id.name.clone(), id.part.clone())],
        Kind::Policy => vec![(3, id.schema.clone(), id.name.clone(), id.part.clone())],
        Kind::Constraint => {
            let mut all = vec![(4, id.schema.clone(), id.name.clone(), id.part.clone())];
            if let Object::Constraint(o) = object
                && matches!(o.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. } | Rule::Exclude { .. })
            {
                all.push((0, id.schema.clone(), o.name.clone(), SmolStr::default()));
            }
            all
        }
        Kind::Sql => match object {
            Object::Sql(o) => {
                let made = o.provides.iter().filter(|id| RELATIONS.contains(&id.kind));
                made.map(|id| (0, id.schema.clone(), id.name.clone(), SmolStr::default())).collect()
            }
            _ => Vec::new(),
        },
        Kind::Grant => vec![(5, id.schema.clone(), id.name.clone(), id.part.clone())],
        _ => Vec::new(),
    }
}

fn sorted(set: FxHashSet<u32>) -> Vec<u32> {
    let mut all: Vec<u32> = set.into_iter().filter(|&place| place != u32::MAX).collect();
    all.sort_unstable();
    all
}
