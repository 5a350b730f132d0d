//! What has to come before what.

use crate::action_graph::{Node, Role, Slot};
use crate::place::{NewPlace, NodeId, OldPlace, Place, Planned, Side};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{IdRef, Kind, Object, ObjectId, Rule, Strength, TableName};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// Edges from what both catalogs need.
    pub(crate) fn edges(&mut self, actions: &Actions) -> Planned {
        let (mut old, mut new) = (FxHashSet::default(), FxHashSet::default());
        for (_, node) in self.nodes.iter() {
            match node.slot {
                Slot::Old(place) => old.insert(place),
                Slot::New(place) => new.insert(place),
                Slot::None => false,
            };
        }
        // What goes with a column is gone when that is.
        for place in sorted(self.with_columns.clone()) {
            let table = match &self.from.entry(place)?.object {
                Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
                other => other.table(),
            };
            if let Some(home) = table.and_then(|table| self.from.index_of(&table.id())) {
                let nodes = self.nodes.with(home, &[Role::Drop]);
                self.nodes.alias(Slot::Old(place), &nodes);
            }
        }
        // What goes or stands with its table has needs of its own.
        old.extend(self.set.removed.iter().copied());
        old.extend(actions.recreated.iter().map(|pair| pair.0));
        new.extend(self.set.added.iter().copied());
        new.extend(actions.recreated.iter().map(|pair| pair.1));
        self.forward(&sorted(new));
        self.backward(&sorted(old), actions);
        self.clashes()?;
        self.under_old_names();
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
        self.extensions();
        self.null_after_key();
        self.fills_in_order();
        self.read_first()?;
        self.after_filling();
        self.after_bodies(actions);
        self.covered();
        self.around_counts();
        self.rows_before_keys();
        self.before_blocks();
        Ok(())
    }

    /// A sequence that another column owns from now on has left its old owner before that goes.
    fn owners(&mut self) {
        for node in self.nodes.ids() {
            let (Statement::OwnSequence(o) | Statement::DisownSequence(o)) = &self.nodes[node].statement else {
                continue;
            };
            let before = self.from.find(IdRef::new(Kind::Sequence, &o.schema, &o.name));
            let Some(Object::Sequence(before)) = before.and_then(|at| self.from.object(at)) else { continue };
            let Some((owner, _)) = before.owned_by.as_ref().filter(|_| before.owned_by != o.owned_by) else { continue };
            if let Some(place) = self.from.find(IdRef::table(owner)) {
                for gone in self.nodes.with(place, &[Role::Drop]) {
                    self.nodes.soft(node, gone);
                }
            }
        }
    }

    /// The sequence of an identity goes before one of the column's own takes what is most often its name; and the other
    /// way round.
    fn numbered(&mut self) {
        for node in self.nodes.ids() {
            let Statement::Alter(Alter::SetIdentity { table, column, to: Some(_), .. }) = &self.nodes[node].statement
            else {
                continue;
            };
            let (table, column) = (*table, *column);
            for &old in &self.set.removed {
                let Some(Object::Sequence(o)) = self.from.object(old) else { continue };
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
        let all: Vec<(NodeId, (TableName, SmolStr))> =
            self.nodes.iter().filter_map(|(n, node)| Some((n, taken(node)?))).collect();
        if all.is_empty() {
            return;
        }
        for node in self.nodes.ids() {
            let Statement::Create(Object::Sequence(o)) = &self.nodes[node].statement else { continue };
            let Some(owner) = &o.owned_by else { continue };
            all.iter().filter(|(_, column)| column == owner).for_each(|(gone, _)| self.nodes.edge(*gone, node));
        }
    }

    /// A new column of a type that is made anew beside the old one waits until that has its name, and so does a policy
    /// that names it.
    fn late_types(&mut self) {
        let texts = Known::new(self.to.catalog);
        for (old, named) in self.types_named.clone() {
            let Ok((id, _)) = self.from.at(old) else { continue };
            for node in self.nodes.ids() {
                let waits = match &self.nodes[node].statement {
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
    fn forward(&mut self, places: &[NewPlace]) {
        let needs = self.to.needs();
        for &place in places {
            // A new name needs nothing that is new, and what is taken from a role was there.
            let is_grant = self.to.kind(place) == Some(Kind::Grant);
            let is_free = |node: &NodeId| match self.nodes[*node].statement {
                Statement::Revoke(_) => is_grant,
                Statement::Alter(
                    Alter::Rename { .. }
                    | Alter::SetSchema { .. }
                    | Alter::RenamePart { .. }
                    | Alter::SetIdentity { to: None, .. },
                ) => true,
                _ => false,
            };
            let own: Vec<NodeId> = self.nodes.of(place).iter().copied().filter(|node| !is_free(node)).collect();
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
            if let Some(Object::Sequence(o)) = self.to.object(place)
                && let Some((table, _)) = &o.owned_by
                && let Some(home) = self.to.index_of(&table.id())
            {
                let ties: Vec<NodeId> = own
                    .iter()
                    .copied()
                    .filter(|&node| matches!(self.nodes[node].statement, Statement::OwnSequence(_)))
                    .collect();
                for before in self.nodes.with(home, &[Role::Make, Role::Change]) {
                    ties.iter().for_each(|&tie| self.nodes.edge(before, tie));
                }
            }
        }
    }

    /// Whether columns of the table move to the type.
    fn moves_to(&self, table: NewPlace, ty: NewPlace) -> bool {
        !self.swaps.types.is_empty()
            && self.to.at(ty).ok().and_then(|(id, _)| self.from.index_of(id)).is_some_and(|old| {
                self.swaps.types.contains(&old) && self.swaps.tables.keys().any(|(_, new)| *new == table)
            })
    }

    /// What needed something is gone or changed before that goes.
    fn backward(&mut self, places: &[OldPlace], actions: &Actions) {
        let needs = self.from.needs();
        let again: FxHashSet<OldPlace> = actions.recreated.iter().map(|pair| pair.0).collect();
        let stays: FxHashMap<OldPlace, NewPlace> =
            actions.altered.iter().chain(&actions.swapped).copied().filter(|(old, _)| !again.contains(old)).collect();
        let twin = |builder: &Self, old: OldPlace| {
            let (id, _) = builder.from.at(old).ok()?;
            actions.relabelled.get(&old).copied().or_else(|| builder.to.index_of(id))
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
                    // An index that is dropped concurrently can go later too.
                    let waits = self.nodes[before].phase != Phase::Cleanup;
                    if let Some(new) = twin(self, need).filter(|_| waits) {
                        for after in self.nodes.with(Slot::New(new), &[Role::Change]) {
                            self.link(before, after, hard);
                        }
                    }
                }
            }
        }
        let (texts, later) = (Known::new(self.from.catalog), Known::new(self.to.catalog));
        let mut altered: Vec<(OldPlace, NewPlace)> = stays.into_iter().collect();
        altered.sort_unstable();
        for (old, new) in altered {
            let own = self.nodes.with(Slot::New(new), &[Role::Make, Role::Change, Role::After]);
            // Filling and checking may come later; what defines it anew comes first.
            let first: Vec<NodeId> = own.into_iter().filter(|&node| self.nodes[node].phase <= Phase::Main).collect();
            for (need, strength) in needs.of(old) {
                if strength == Strength::Wish {
                    continue;
                }
                let hard = strength >= Strength::Default && !again.contains(&need);
                let kind = self.from.kind(need);
                let waits = |node: &NodeId| match (&self.nodes[*node].statement, kind) {
                    // A column of its own may wait until the one of its parent is gone.
                    (Statement::Alter(Alter::AddColumn { .. }), Some(Kind::Table)) => true,
                    // A default that called it is gone by then.
                    (Statement::SetDefault { column, default: Some(_), .. }, _) => {
                        self.away.contains(&(old, SmolStr::from(*column)))
                    }
                    // So may what is given on a column that is made again.
                    (Statement::Grant(_), Some(Kind::Table)) => true,
                    // An identity wants the name that the column's sequence had.
                    (
                        Statement::Alter(Alter::SetIdentity { to: Some(_), .. }) | Statement::AdvanceSequence { .. },
                        Some(Kind::Sequence),
                    ) => true,
                    _ => false,
                };
                let first: Vec<NodeId> = first.iter().copied().filter(|node| !waits(node)).collect();
                for after in self.nodes.with(Slot::Old(need), &[Role::Drop]) {
                    // What does not read a column is given its new text without it: a name in that may be one of two meanwhile.
                    let is_unread =
                        self.goes_unread(old, after, &texts) || self.fits_without(old, new, after, [&texts, &later]);
                    for &node in &first {
                        if is_unread && matches!(self.nodes[node].role, Role::Make | Role::Change) {
                            self.nodes.soft(after, node);
                        } else {
                            self.link(node, after, hard);
                        }
                    }
                }
            }
        }
        // What is made again finds what it needs without the parts that go.
        for &(old, new) in &actions.recreated {
            for (need, _) in needs.of(old).into_iter().filter(|(need, _)| !again.contains(need)) {
                for before in self.nodes.with(Slot::Old(need), &[Role::Drop]) {
                    if self.is_there_meanwhile(actions, new, before) {
                        continue;
                    }
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
                    if self.nodes[after].phase == Phase::Names {
                        self.nodes.edge(after, before);
                    } else {
                        self.nodes.edge(before, after);
                    }
                }
            }
        }
    }

    /// Whether a statement drops a column that an object with a text does not read.
    fn goes_unread(&self, object: OldPlace, node: NodeId, texts: &Known<'_>) -> bool {
        let Statement::Alter(Alter::DropColumn { table, column, .. }) = &self.nodes[node].statement else {
            return false;
        };
        matches!(self.from.object(object), Some(own @ (Object::Function(_) | Object::View(_) | Object::Policy(_)))
            if !texts.reads_column(own, table, &column.name))
    }

    fn link(&mut self, before: NodeId, after: NodeId, hard: bool) {
        // What one object does has an order of its own.
        if self.nodes[before].slot == self.nodes[after].slot {
            return;
        }
        if hard {
            self.nodes.edge(before, after);
        } else {
            self.nodes.soft(before, after);
        }
    }

    /// A name is free before something else takes it.
    fn clashes(&mut self) -> Planned {
        let set = self.set;
        let mut taken: FxHashMap<Name, Vec<NodeId>> = FxHashMap::default();
        for &old in &set.removed {
            let (id, entry) = self.from.at(old)?;
            for name in names(id, &entry.object) {
                taken.entry(name).or_default().extend(self.nodes.with(Slot::Old(old), &[Role::Drop]));
            }
        }
        for &new in &set.added {
            if taken.is_empty() {
                break;
            }
            let (id, entry) = self.to.at(new)?;
            for name in names(id, &entry.object) {
                for &before in taken.get(&name).into_iter().flatten() {
                    for after in self.nodes.of(Slot::New(new)).to_vec() {
                        self.nodes.soft(before, after);
                    }
                }
            }
        }
        Ok(())
    }

    /// What is over a table comes when its columns are gone and have their types, and goes before.
    fn around(&mut self, actions: &Actions) {
        let mut by_table: FxHashMap<TableName, Vec<NodeId>> = FxHashMap::default();
        for (number, node) in self.nodes.iter() {
            let Statement::Alter(change) = &node.statement else { continue };
            // What is read first goes late, and what is new is there before that.
            if let Alter::DropColumn { table, column, .. } = change
                && self.moving.is_read(table, &column.name)
            {
                continue;
            }
            if let Alter::DropColumn { table, .. } | Alter::SetType { table, .. } = change {
                by_table.entry((*table).clone()).or_default().push(number);
            }
        }
        self.computed();
        if by_table.is_empty() {
            return;
        }
        let changes = |object: Option<&Object>| match object {
            Some(Object::Table(o)) => by_table.get(&o.table),
            _ => None,
        };
        let (before, after) = (self.from.needs(), self.to.needs());
        for old in actions.recreated.iter().map(|pair| pair.0).chain(self.set.removed.iter().copied()) {
            let gone = self.nodes.with(Slot::Old(old), &[Role::Drop]);
            for change in before.of(old).iter().filter_map(|(need, _)| changes(self.from.object(*need))).flatten() {
                gone.iter().for_each(|&node| self.nodes.soft(node, *change));
            }
        }
        for new in actions.recreated.iter().map(|pair| pair.1).chain(self.set.added.iter().copied()) {
            let made = self.nodes.of(Slot::New(new)).to_vec();
            for change in after.of(new).iter().filter_map(|(need, _)| changes(self.to.object(*need))).flatten() {
                if !self.is_there_meanwhile(actions, new, *change) {
                    made.iter().for_each(|&node| self.nodes.soft(*change, node));
                }
            }
        }
    }

    /// Whether a view is filled while a column is there that goes: the view of before reads it.
    fn is_there_meanwhile(&self, actions: &Actions, new: NewPlace, goes: NodeId) -> bool {
        actions.filled.contains(&new)
            && matches!(self.nodes[goes].statement, Statement::Alter(Alter::DropColumn { .. }))
    }

    /// A computed column goes, or becomes an ordinary one, before what it is computed from goes or changes its type, and
    /// comes after that.
    fn computed(&mut self) {
        let change = |node: &Node<'d>| match &node.statement {
            Statement::Alter(
                change @ (Alter::DropColumn { .. }
                | Alter::DropExpression { .. }
                | Alter::AddColumn { .. }
                | Alter::SetType { .. }),
            ) => Some(change.clone()),
            _ => None,
        };
        let all: Vec<(NodeId, Alter<'d>)> =
            self.nodes.iter().filter_map(|(n, node)| Some((n, change(node)?))).collect();
        for (number, own) in &all {
            let (home, column, comes) = match own {
                Alter::DropColumn { table, column, .. } | Alter::DropExpression { table, column } => {
                    (*table, *column, false)
                }
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
        for node in self.nodes.ids() {
            let Statement::Alter(change) = &self.nodes[node].statement else { continue };
            let (table, comes) = match change {
                Alter::AddColumn { table, .. } => (*table, true),
                Alter::DropColumn { table, .. } => (*table, false),
                _ => continue,
            };
            let own = if comes { self.from.table(table) } else { self.to.table(table) };
            for parent in own.map_or(&[][..], |own| &own.inherits) {
                if comes {
                    for before in
                        self.from.index_of(&parent.id()).map_or(Vec::new(), |at| self.nodes.with(at, &[Role::Drop]))
                    {
                        self.nodes.soft(before, node);
                    }
                } else {
                    for after in
                        self.to.index_of(&parent.id()).map_or(Vec::new(), |at| self.nodes.with(at, &[Role::Make]))
                    {
                        self.nodes.soft(node, after);
                    }
                }
            }
        }
    }

    /// An extension goes when all that may use it has gone: which functions and operators are its own, no catalog says.
    fn extensions(&mut self) {
        let is_extension = |node: &Node<'d>| matches!(node.statement, Statement::Drop(Object::Extension(_)));
        let gone: Vec<NodeId> = self.nodes.iter().filter(|(_, node)| is_extension(node)).map(|(id, _)| id).collect();
        for extension in gone {
            for node in self.nodes.ids() {
                let lets_go = match &self.nodes[node].statement {
                    Statement::Drop(Object::Extension(_) | Object::Schema(_) | Object::Role(_)) => false,
                    Statement::DropIndexConcurrently(index) => {
                        let of_columns =
                            index.keys.iter().all(|key| key.column_name().is_some() && key.opclass.is_none());
                        !of_columns || index.filter.is_some()
                    }
                    Statement::Drop(_)
                    | Statement::DropTable(_)
                    | Statement::Replace(_)
                    | Statement::RunDown(_)
                    | Statement::SetDefault { .. } => true,
                    Statement::Alter(change) => !matches!(change, Alter::AddColumn { .. }),
                    _ => false,
                };
                if lets_go {
                    self.nodes.soft(node, extension);
                }
            }
        }
    }

    /// A column takes nulls when the primary key over it is gone.
    fn null_after_key(&mut self) {
        let takes_null = |node: &Node<'d>| match &node.statement {
            Statement::Alter(Alter::DropNotNull { table, column }) => Some((*table, *column)),
            _ => None,
        };
        let all: Vec<(NodeId, (&TableName, &str))> =
            self.nodes.iter().filter_map(|(id, node)| Some((id, takes_null(node)?))).collect();
        for (node, (table, column)) in all {
            for key in self.nodes.ids() {
                let Statement::Drop(Object::Constraint(o)) = &self.nodes[key].statement else { continue };
                let over = matches!(&o.rule, Rule::PrimaryKey { columns, .. } if columns.iter().any(|c| c == column));
                if over && o.table == *table {
                    self.nodes[node].phase = self.nodes[node].phase.max(self.nodes[key].phase);
                    self.nodes.edge(key, node);
                }
            }
        }
    }

    /// A key over a column that becomes required waits for that, also where the key was planned first.
    fn required_keys(&mut self) {
        if self.required.is_empty() {
            return;
        }
        for node in self.nodes.ids() {
            let constraint = match &self.nodes[node].statement {
                Statement::Create(Object::Constraint(constraint)) => constraint,
                Statement::Alter(Alter::AddUsingIndex(constraint, _)) => constraint,
                _ => continue,
            };
            let Rule::PrimaryKey { columns, .. } = &constraint.rule else { continue };
            let waits: Vec<NodeId> = columns
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

fn sorted<S: Side>(set: FxHashSet<Place<S>>) -> Vec<Place<S>> {
    let mut all: Vec<Place<S>> = set.into_iter().collect();
    all.sort_unstable();
    all
}
