//! What changes a table that stays: columns, and what the table says of itself.

use crate::account::{Note, Warning};
use crate::action_graph::{Role, Slot};
use crate::creation::revoke_identity;
use crate::place::{NewPlace, NodeId, OldPlace, Planned};
use crate::planner::Builder;
use crate::recreation::{computes_anew, is_regenerated};
use crate::schedule::Phase;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{
    Catalog, Column, ColumnSetting, Constraint, DataType, Entry, IdRef, Kind, Object, Privilege, Rls, Rule, Sequence,
    SequenceOptions, SqlExpr, Table, TableName,
};
use specc_facts::Family;
use specc_sql::quote::{ident, literal, qualified};
use specc_sql::{Access, Alter, Named, Privileges, Statement, TypeChange, type_change};

impl<'d> Builder<'d, '_> {
    /// From one state of a table to the other.
    pub(crate) fn table(
        &mut self,
        old: OldPlace,
        new: NewPlace,
        from: &'d Table,
        to: &'d Table,
        object: &'d Object,
    ) -> Planned {
        let slot = Slot::New(new);
        let is_part = |table: &Table| table.partition_of.is_some();
        let moves = is_part(from) != is_part(to) || from.inherits != to.inherits;
        if moves {
            self.change_parents(old, new, from, to)?;
        } else if to.partition_of.is_none() {
            self.columns(old, new, from, to);
        }
        let name = &to.table;
        if from.partition_of != to.partition_of && !moves {
            let detached = from.partition_of.as_ref().map(|_| {
                self.nodes.push(slot, Role::Change, Phase::Main, Statement::Alter(Alter::Detach { partition: from }))
            });
            if to.partition_of.is_some() {
                let node =
                    self.nodes.push(slot, Role::Make, Phase::Main, Statement::Alter(Alter::Attach { partition: to }));
                if let Some(detached) = detached {
                    self.nodes.edge(detached, node);
                }
            }
        }
        if from.unlogged != to.unlogged {
            let change = Alter::SetLogged { table: name, logged: !to.unlogged };
            self.nodes.push(slot, Role::Make, Phase::Main, Statement::Alter(change));
        }
        if from.rls != to.rls {
            let role = if to.rls == Rls::Off { Role::Make } else { Role::After };
            self.nodes.push(slot, role, Phase::Main, Statement::SetRls { table: name, from: from.rls, to: to.rls });
        }
        if from.options != to.options {
            let change = Alter::SetOptions { of: object, from: &from.options, to: &to.options };
            self.nodes.push(slot, Role::After, Phase::Main, Statement::Alter(change));
        }
        if from.replica_identity != to.replica_identity {
            let change = Statement::SetReplicaIdentity { table: name, identity: to.replica_identity.as_deref() };
            self.nodes.push(slot, Role::After, Phase::Main, change);
        }
        Ok(())
    }

    pub(crate) fn columns(&mut self, old: OldPlace, new: NewPlace, from: &'d Table, to: &'d Table) {
        let find = |table: &'d Table, name: &str| table.columns.iter().find(|column| column.name == name);
        for column in &from.columns {
            // A column of a parent goes there.
            let inherited = from.inherits.iter().any(|parent| {
                let parent = self.from.table(parent);
                parent.is_some_and(|parent| parent.columns.iter().any(|other| other.name == column.name))
            });
            if find(to, &column.name).is_none() && !inherited {
                self.drop_column(old, from, column, column.generated.is_some());
            }
        }
        for column in &to.columns {
            match find(from, &column.name) {
                None if self.comes_from_parent(to, column) || self.swaps.makes(&to.table, column) => {}
                None => {
                    let later = to.columns.iter().skip_while(|other| other.name != column.name);
                    if later.into_iter().any(|other| find(from, &other.name).is_some()) {
                        self.moves_to_the_end(to, column);
                    }
                    self.add_column(new, to, column);
                }
                Some(before) if before == column && !computes_anew(from, to, before) => {}
                Some(before) if is_regenerated(before, column) || computes_anew(from, to, before) => {
                    self.make_column_again(old, new, from, to, before, column);
                }
                Some(before) => self.alter_column(new, to, before, column),
            }
        }
    }

    /// Drops a column and adds it.
    pub(crate) fn make_column_again(
        &mut self,
        old: OldPlace,
        new: NewPlace,
        from: &'d Table,
        to: &'d Table,
        before: &'d Column,
        column: &'d Column,
    ) {
        let gone = self.drop_column(old, from, before, before.generated.is_some());
        self.moves_to_the_end(to, column);
        let column = self.computed_of_nulls(to, column);
        let statement = self.adding(to, column);
        let node = self.nodes.push(Slot::New(new), Role::Make, Phase::Main, statement);
        self.nodes.edge(gone, node);
        for setting in column.settings() {
            let set = Statement::SetColumn { table: &to.table, column, setting };
            self.nodes.then(node, Role::After, Phase::Main, set);
        }
        self.comment_column(new, to, column, Some(node));
    }

    /// Whether a parent gets the column in the same change, and with it this table.
    fn comes_from_parent(&self, table: &Table, column: &Column) -> bool {
        let has = |parent: &Table| parent.columns.iter().any(|other| other.name == column.name);
        table
            .inherits
            .iter()
            .any(|parent| self.to.table(parent).is_some_and(has) && !self.from.table(parent).is_some_and(has))
    }

    fn drop_column(&mut self, old: OldPlace, table: &'d Table, column: &'d Column, kept: bool) -> NodeId {
        let moved = self.moving.keeps(&table.table, Some(&column.name))
            || self.from.catalog.said.keeps(&table.table, &column.name);
        let change = Alter::DropColumn { table: &table.table, column, kept: kept || moved, moved };
        let statement = Statement::Alter(change);
        self.nodes.push(Slot::Old(old), Role::Drop, Phase::Main, statement)
    }

    fn moves_to_the_end(&mut self, table: &Table, column: &Column) {
        self.notes.push(Note::LastColumn { table: table.table.clone(), column: column.name.clone() });
    }

    fn comment_column(&mut self, new: NewPlace, table: &'d Table, column: &'d Column, after: Option<NodeId>) {
        let text = column.comment.as_deref();
        let statement = Statement::CommentColumn { table: &table.table, column: &column.name, text };
        match after {
            Some(_) if text.is_none() => {}
            Some(node) => {
                self.nodes.then(node, Role::After, Phase::Main, statement);
            }
            None => {
                self.nodes.push(Slot::New(new), Role::After, Phase::Main, statement);
            }
        }
    }

    /// Adds a column to a table that is there.
    pub(crate) fn adding(&self, table: &'d Table, column: &'d Column) -> Statement<'d> {
        let each_row = is_asked(self.to.catalog, &column.ty) || self.has_volatile_default(column);
        Statement::Alter(Alter::AddColumn { table: &table.table, column, each_row })
    }

    /// A new column. Where Postgres would write every row under a lock that stops everyone, the column comes empty and
    /// is filled in batches.
    fn add_column(&mut self, new: NewPlace, table: &'d Table, column: &'d Column) {
        let name = &table.table;
        let fill = self.backfill(table, column);
        let volatile = column.default.as_ref().filter(|_| self.has_volatile_default(column));
        let numbered = column.identity.is_some();
        let required = !column.nullable && column.generated.is_none();
        let at_once = fill.is_none() && (self.options.offline || (volatile.is_none() && !numbered));
        let mut chain = Chain::new(Slot::New(new));
        // A type that is made anew beside the old one has its name only then.
        let main = if self.swaps.comes_late(&column.ty) { Phase::CutOver } else { Phase::Main };
        if at_once || column.generated.is_some() {
            let coming = self.coming_back(table, column);
            let is_back = coming.is_some();
            let (added, then) = coming.unwrap_or_else(|| (self.computed_of_nulls(table, column), Vec::new()));
            let statement = self.adding(table, added);
            let node = self.add(&mut chain, Role::Make, main, statement);
            let revoke = numbered.then(|| revoke_identity(self.to.catalog, name, &column.name)).flatten();
            if let Some(revoke) = revoke {
                self.add(&mut chain, Role::After, main, revoke);
            }
            then.into_iter().for_each(|statement| {
                self.add(&mut chain, Role::After, main, statement);
            });
            if !is_back && required && column.default.is_none() && !numbered {
                self.warnings.push(Warning::Required { table: name.clone(), column: column.name.clone() });
            }
            for setting in column.settings() {
                self.add(&mut chain, Role::After, main, Statement::SetColumn { table: name, column, setting });
            }
            return self.comment_column(new, table, column, Some(node));
        }
        let bare = Column { nullable: true, default: None, identity: None, ..column.clone() };
        let statement = self.adding(table, self.arena.column(bare));
        let node = self.add(&mut chain, Role::Make, main, statement);
        for setting in column.settings() {
            self.nodes.then(node, Role::After, main, Statement::SetColumn { table: name, column, setting });
        }
        self.comment_column(new, table, column, Some(node));
        let mut counter = None;
        let mut default = column.default.as_ref();
        if numbered {
            // An identity gives numbers to new rows only: a sequence of its own numbers those that are there.
            let sequence = Sequence {
                schema: name.schema.clone(),
                name: temporary_name(&[&name.name, &column.name, "fill"]),
                ty: None,
                options: SequenceOptions::default(),
                owned_by: None,
            };
            let next = format!("nextval({})", literal(&qualified(&sequence.schema, &sequence.name)));
            let sequence = self.arena.object(sequence);
            self.add(&mut chain, Role::After, Phase::Main, Statement::Create(sequence));
            self.withdraw(&mut chain, sequence);
            self.let_use(&mut chain, name, sequence);
            default = Some(self.arena.expr(SqlExpr::new(next)));
            counter = Some(sequence);
        }
        let following = fill.filter(|_| !numbered).and_then(|value| self.follow(&mut chain, table, column, value));
        let set = Statement::SetDefault { table: name, column: &column.name, default };
        let set = default.is_some().then_some(set);
        if let (None, Some(set)) = (following, &set) {
            self.add(&mut chain, Role::After, Phase::Main, set.clone());
        }
        if let Some(value) = fill.or(default.map(|default| default.text.as_str())) {
            self.fill(&mut chain, table, column, value);
        }
        if required {
            self.require(&mut chain, table, &column.name, &column.ty);
        }
        if let Some(following) = following {
            self.end_following(&mut chain, following);
            set.into_iter().for_each(|set| {
                self.add(&mut chain, Role::After, Phase::CutOver, set);
            });
        }
        if let (Some(sequence), Some(identity)) = (counter, column.identity.as_deref()) {
            let set = Statement::SetDefault { table: name, column: &column.name, default: None };
            self.add(&mut chain, Role::After, Phase::CutOver, set);
            self.give_identity(&mut chain, table, &column.name, Phase::CutOver, identity);
            self.add(&mut chain, Role::After, Phase::CutOver, Statement::DropTemporary(sequence));
        }
    }

    /// Who may insert into the table takes numbers from the sequence meanwhile.
    fn let_use(&mut self, chain: &mut Chain, table: &TableName, sequence: &'d Object) {
        let roles = self.to.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Grant(o) if o.on == table.id() && o.privileges.iter().any(|p| p.name == "insert") => {
                Some(o.to.as_str())
            }
            _ => None,
        });
        let mut roles: Vec<&'d str> = roles.collect();
        roles.sort_unstable();
        if !roles.is_empty() {
            let usage = Privilege { name: "usage".into(), columns: Vec::new(), grantable: false };
            let privileges = Privileges::Some(self.arena.privileges(vec![usage]));
            let access = Access { on: Named::Object(sequence), privileges, roles };
            self.add(chain, Role::After, Phase::Main, Statement::Grant(access));
        }
    }

    /// An identity that goes on after the numbers that are there.
    fn give_identity(
        &mut self,
        chain: &mut Chain,
        table: &'d Table,
        column: &'d str,
        phase: Phase,
        identity: &'d (bool, SequenceOptions),
    ) {
        let change = Alter::SetIdentity { table: &table.table, column, from: None, to: Some(identity) };
        self.add(chain, Role::After, phase, Statement::Alter(change));
        if let Some(revoke) = revoke_identity(self.to.catalog, &table.table, column) {
            self.add(chain, Role::After, phase, revoke);
        }
        let advance = Statement::AdvanceSequence { table: &table.table, column };
        self.add(chain, Role::After, phase, advance);
    }

    /// Null is not taken any more: a check for new rows first, then the old ones are validated without blocking writes.
    pub(crate) fn require(&mut self, chain: &mut Chain, table: &'d Table, column: &'d str, ty: &DataType) {
        let name = &table.table;
        if self.options.offline {
            let change = Alter::SetNotNull { table: name, column, proven: false };
            let phase = chain.phase(self).max(Phase::Main);
            let node = self.add(chain, Role::After, phase, Statement::Alter(change));
            self.required.insert((name.clone(), column.into()), node);
            return;
        }
        let is_value = self.is_null(&ident(column), ty, true);
        let check = self.arena.constraint(Constraint {
            table: name.clone(),
            name: required_name(name, column),
            rule: Rule::Check { expr: SqlExpr::new(is_value), no_inherit: false },
            deferrable: false,
            initially_deferred: false,
            not_valid: true,
        });
        let (check, constraint) = check;
        self.add(chain, Role::After, Phase::Main, Statement::Alter(Alter::AddNotValid(constraint)));
        self.add(chain, Role::After, Phase::Validate, Statement::Validate(constraint));
        let change = Alter::SetNotNull { table: name, column, proven: true };
        let node = self.add(chain, Role::After, Phase::CutOver, Statement::Alter(change));
        self.required.insert((name.clone(), column.into()), node);
        self.add(chain, Role::After, Phase::CutOver, Statement::DropTemporary(check));
    }

    fn alter_column(&mut self, new: NewPlace, table: &'d Table, from: &'d Column, to: &'d Column) {
        let name = &table.table;
        let mut chain = Chain::new(Slot::New(new));
        // Postgres keeps a default with a cast to the type that the column had.
        let mut default_is_set = from.default == to.default && (from.ty.name == to.ty.name || to.default.is_none());
        if from.generated.is_some() && to.generated.is_none() {
            let change = Alter::DropExpression { table: name, column: from };
            self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(change));
        }
        if from.identity.is_some() && to.identity.is_none() {
            let change = Alter::SetIdentity { table: name, column: &to.name, from: from.identity.as_deref(), to: None };
            self.add(&mut chain, Role::Make, Phase::Main, Statement::Alter(change));
        }
        if self.swaps.moves(name, &to.name) {
            // With its default, its numbers, whether it is required and how it is stored.
            return self.recomment(new, table, from, to);
        }
        if from.ty != to.ty || from.collation != to.collation {
            if from.ty != to.ty {
                self.ask(&mut chain, table, from, to, &to.ty);
            }
            let cost = type_change(from, to);
            if from.default.is_some() && cost == TypeChange::Rewrite {
                let set = Statement::SetDefault { table: name, column: &to.name, default: None };
                self.add(&mut chain, Role::Change, Phase::Main, set);
                default_is_set = to.default.is_none();
            }
            let way = self.way(table, from, to, &to.ty);
            let using = (from.ty != to.ty && (way.written || !self.is_assigned(from, to))).then_some(way.value);
            let change = Alter::SetType { table: name, from, to, using };
            self.add(&mut chain, Role::Change, Phase::Main, Statement::Alter(change));
            self.stored_as(&mut chain, name, to);
        }
        if !default_is_set {
            let set = Statement::SetDefault { table: name, column: &to.name, default: to.default.as_ref() };
            self.add(&mut chain, Role::Make, Phase::Main, set);
        }
        if from.nullable && !to.nullable {
            let mut following = None;
            let mut kept = None;
            if let Some(value) = self.backfill(table, to) {
                following = self.follow(&mut chain, table, to, value);
                kept = self.keep_nulls(&mut chain, table, to);
                self.fill(&mut chain, table, to, value);
            }
            self.require(&mut chain, table, &to.name, &to.ty);
            following.into_iter().for_each(|following| self.end_following(&mut chain, following));
            if let Some(column) = kept {
                let drop = Alter::DropColumn { table: name, column, kept: true, moved: false };
                self.add(&mut chain, Role::After, Phase::CutOver, Statement::Alter(drop));
            }
        } else if !from.nullable && to.nullable {
            let change = Alter::DropNotNull { table: name, column: &to.name };
            self.add(&mut chain, Role::Make, Phase::Main, Statement::Alter(change));
        }
        match (from.identity.as_deref(), to.identity.as_deref()) {
            (None, Some(identity)) => {
                let phase = chain.phase(self).max(Phase::Main);
                self.give_identity(&mut chain, table, &to.name, phase, identity);
            }
            (Some(a), Some(b)) if a != b => {
                let change = Alter::SetIdentity { table: name, column: &to.name, from: Some(a), to: Some(b) };
                self.add(&mut chain, Role::After, Phase::Main, Statement::Alter(change));
            }
            _ => {}
        }
        self.alter_column_rest(new, table, from, to);
    }

    /// What changes a column without waiting for anything.
    fn alter_column_rest(&mut self, new: NewPlace, table: &'d Table, from: &'d Column, to: &'d Column) {
        let name = &table.table;
        let apart = |builder: &mut Self, statement| {
            builder.nodes.push(Slot::New(new), Role::After, Phase::Main, statement);
        };
        let is_anew = from.ty != to.ty || from.collation != to.collation;
        for setting in ColumnSetting::ALL {
            let (before, after) = (setting.of(from), setting.of(to));
            if before != after && !(is_anew && after.is_some() && setting == ColumnSetting::Storage) {
                apart(self, Statement::SetColumn { table: name, column: to, setting });
            }
        }
        if from.compression != to.compression && !(is_anew && to.compression.is_some()) {
            apart(self, Statement::Alter(Alter::SetCompression { table: name, column: to }));
        }
        self.recomment(new, table, from, to);
    }

    fn recomment(&mut self, new: NewPlace, table: &'d Table, from: &'d Column, to: &'d Column) {
        if from.comment != to.comment {
            self.comment_column(new, table, to, None);
        }
    }

    /// With a type of its own a column is stored as that type is, whatever was said of it before.
    pub(crate) fn stored_as(&mut self, chain: &mut Chain, table: &'d TableName, column: &'d Column) {
        if column.storage.is_some() {
            let setting = ColumnSetting::Storage;
            self.add(chain, Role::Change, Phase::Main, Statement::SetColumn { table, column, setting });
        }
        if column.compression.is_some() {
            let change = Alter::SetCompression { table, column };
            self.add(chain, Role::Change, Phase::Main, Statement::Alter(change));
        }
    }

    /// How a value of the old type becomes one of the new, spelled out.
    pub(crate) fn cast(&self, from: &Column, to: &Column) -> &'d str {
        self.cast_as(from, &to.ty)
    }

    /// The same where the new type goes by another name for now.
    pub(crate) fn cast_as(&self, from: &Column, spelled: &DataType) -> &'d str {
        self.cast_of(&ident(&from.name), &from.ty, spelled)
    }

    /// The same of any expression.
    pub(crate) fn cast_of(&self, value: &str, from: &DataType, to: &DataType) -> &'d str {
        let mut text = value.to_owned();
        // Between types of one's own there is no cast but by way of their text.
        let is_own = |ty: &DataType| !ty.schema.is_empty();
        let is_text = |ty: &DataType| !is_own(ty) && ty.name == "text";
        let is_enum = |catalog: &Catalog, ty: &DataType| {
            is_own(ty) && catalog.find(IdRef::new(Kind::Enum, &ty.schema, &ty.name)).is_some()
        };
        let is_string = |ty: &DataType| !is_own(ty) && specc_facts::family(&ty.name) == Family::Text;
        if from.dims == 0 && to.dims == 1 && !is_string(from) {
            let one = self.cast_of(value, from, &DataType { dims: 0, ..to.clone() });
            let is_value = self.is_null(&text, from, true);
            return self.arena.text(format!("case when {is_value} then array[{one}] end"));
        }
        let merged = match self.merged_labels(from) {
            none if none.is_empty() => self.merged_labels(to),
            some => some,
        };
        if !merged.is_empty() && is_own(from) && is_own(to) && from.dims == to.dims {
            text = format!("({})::", self.merged(value, from.dims, &merged));
            specc_sql::push_type(&mut text, to);
            return self.arena.text(text);
        }
        let no_cast = is_own(from) && is_own(to)
            || is_enum(self.from.catalog, from)
            || is_enum(self.to.catalog, to)
            || crate::strategies::casts::are_none(from, to);
        if from.dims > to.dims || no_cast && !is_text(from) && !is_text(to) {
            text.push_str("::text");
            (0..from.dims.min(to.dims)).for_each(|_| text.push_str("[]"));
        }
        text.push_str("::");
        specc_sql::push_type(&mut text, to);
        self.arena.text(text)
    }

    /// Adds the next statement of a chain.
    pub(crate) fn add(&mut self, chain: &mut Chain, role: Role, phase: Phase, statement: Statement<'d>) -> NodeId {
        let node = match chain.last {
            Some(last) => self.nodes.then(last, role, phase, statement),
            None => self.nodes.push(chain.slot, role, phase, statement),
        };
        chain.last = Some(node);
        node
    }
}

/// Whether it is a domain that refuses some values.
pub(crate) fn is_asked(catalog: &Catalog, ty: &DataType) -> bool {
    match catalog.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name)).and_then(|place| catalog.at(place)) {
        Some((_, Entry { object: Object::Domain(o), .. })) if ty.dims == 0 && !ty.schema.is_empty() => {
            !o.nullable || !o.checks.is_empty() || is_asked(catalog, &o.base)
        }
        _ => false,
    }
}

/// Statements that follow each other.
pub(crate) struct Chain {
    slot: Slot,
    last: Option<NodeId>,
}

impl Chain {
    /// None so far.
    pub fn new(slot: Slot) -> Self {
        Self { slot, last: None }
    }

    /// Goes on after a node.
    pub fn after(slot: Slot, node: NodeId) -> Self {
        Self { slot, last: Some(node) }
    }

    /// The last one.
    pub fn last(&self) -> Option<NodeId> {
        self.last
    }

    /// The phase of the last one.
    fn phase(&self, builder: &Builder<'_, '_>) -> Phase {
        self.last.map_or(Phase::Main, |node| builder.nodes[node].phase)
    }
}

/// The name of the check that holds until a column is required.
pub(crate) fn required_name(table: &TableName, column: &str) -> SmolStr {
    temporary_name(&[&table.name, column, "not_null"])
}

/// A name that no author gives, within Postgres's 63 bytes.
pub(crate) fn temporary_name(parts: &[&str]) -> SmolStr {
    const MOST: usize = 63;
    let (last, first) = parts.split_last().unwrap_or((&"", &[]));
    let mut name = first.join("_");
    let room = MOST.saturating_sub(last.len() + 2);
    if name.len() > room {
        // Names that begin alike stay apart.
        let sum = specc_catalog::checksum(&name);
        let mut end = room.saturating_sub(7);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push('_');
        name.push_str(&sum[..6]);
    }
    format_smolstr!("{name}__{last}")
}
