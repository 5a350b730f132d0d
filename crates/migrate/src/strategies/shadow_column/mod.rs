//! Columns that get a new type by way of shadow columns, without a long lock.

pub(crate) mod eligible;
mod keep;
mod proof;

use crate::account::Note;
use crate::action_graph::{Role, Slot};
use crate::creation::set_owner;
use crate::place::{NewPlace, NodeId, OldPlace, Planned, Unexpected};
use crate::planner::Builder;
use crate::recreation::Actions;
use crate::schedule::Phase;
use crate::strategies::enum_swap::aside;
use eligible::ColumnSwap;

use crate::strategies::in_place::backfill::{temporary_trigger, temporary_trigger_function};
use crate::strategies::in_place::table::{Chain, temporary_name};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::{Known, Quotes, rewritten};
use specc_catalog::{
    Column, Constraint, DataType, ForeignKey, Index, IndexKey, KeyOn, Kind, Object, ObjectId, Qualified, Rule,
    Sequence, SequenceOptions, SqlExpr, Table, TableName, sequence_of,
};
use specc_sql::quote::ident;
use specc_sql::{Access, Alter, Named, Privileges, Statement, has_equality, key_index};

impl<'d> Builder<'d, '_> {
    /// The new type comes under another name, and takes the old one's when all columns have moved.
    pub(crate) fn shadow_type(&mut self, old: OldPlace, new: NewPlace) -> Planned {
        let (a, b) = (self.from.entry(old)?, self.to.entry(new)?);
        let (aside, _) = aside(&b.object, "new")?;
        let ObjectId { name, .. } = b.object.id();
        let slot = Slot::New(new);
        let mut chain = Chain::new(slot);
        let aside = self.arena.object(aside);
        let made = self.add(&mut chain, Role::After, Phase::Main, Statement::Create(aside));
        self.types_aside.insert(old, made);
        self.withdraw(&mut chain, aside);
        let drop = self.add(&mut chain, Role::Change, Phase::CutOver, Statement::Drop(&a.object));
        self.types_gone.insert(old, drop);
        let rename = Alter::Rename { from: aside, to: self.arena.text(name) };
        let named = self.add(&mut chain, Role::Make, Phase::CutOver, Statement::Alter(rename));
        self.types_named.insert(old, named);
        if let Some(text) = &b.comment {
            let comment = Statement::Comment { on: specc_sql::Named::Object(&b.object), text: Some(text) };
            self.add(&mut chain, Role::After, Phase::CutOver, comment);
        }
        if let Some(owner) = &b.owner {
            let give = set_owner(self.to.catalog, &b.object, Some(owner));
            self.add(&mut chain, Role::After, Phase::CutOver, give);
        }
        Ok(())
    }

    /// The labels that an enum loses.
    fn labels_lost(&self, ty: &DataType) -> Vec<&'d str> {
        let id = ObjectId::new(Kind::Enum, ty.schema.clone(), ty.name.clone());
        match (self.from.get(&id).map(|entry| &entry.object), self.to.get(&id).map(|entry| &entry.object)) {
            (Some(Object::Enum(from)), Some(Object::Enum(to))) => {
                let merged = self.merged_labels(ty);
                let stays = |label: &SmolStr| to.labels.contains(label) || merged.iter().any(|(was, _)| *was == label);
                from.labels.iter().filter(|label| !stays(label)).map(|label| label.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// All columns of a table that move do so together.
    pub(crate) fn swap_columns(&mut self, actions: &Actions) -> Planned {
        let swaps = self.swaps;
        if swaps.is_empty() {
            return Ok(());
        }
        let (stays, parts) = (self.stays(actions), self.parts_of_moving()?);
        let mut moved = Vec::new();
        let texts = Known::new(self.to.catalog);
        for (&(_, new), columns) in &swaps.tables {
            let to = self.to.table_at(new)?;
            let parts = parts.get(&to.table).map_or(&[][..], Vec::as_slice);
            let table = Move { new, to, columns, parts, stays: &stays, texts: &texts };
            let milestones = table.plan(self)?;
            moved.push((table, milestones));
        }
        self.swap_references(&moved, &stays);
        Ok(())
    }

    /// By table whose columns move: what is a part of it or said of it.
    fn parts_of_moving(&self) -> Planned<FxHashMap<&'d TableName, Vec<NewPlace>>> {
        let mut all: FxHashMap<&'d TableName, Vec<NewPlace>> = FxHashMap::default();
        for &(_, new) in self.swaps.tables.keys() {
            all.insert(&self.to.table_at(new)?.table, Vec::new());
        }
        for (place, _, entry) in self.to.places() {
            let on;
            let table = match &entry.object {
                Object::Sequence(o) => o.owned_by.as_ref().map(|(table, _)| table),
                Object::Grant(o) if o.on.kind == Kind::Table => {
                    on = TableName::new(o.on.schema.clone(), o.on.name.clone());
                    Some(&on)
                }
                other => other.table(),
            };
            if let Some(parts) = table.and_then(|table| all.get_mut(table)) {
                parts.push(place);
            }
        }
        Ok(all)
    }
}

fn is_type(id: &ObjectId, ty: &DataType) -> bool {
    id.schema == ty.schema && id.name == ty.name
}

/// The columns of one table that move.
pub(crate) struct Move<'m, 'd> {
    new: NewPlace,
    pub to: &'d Table,
    columns: &'m [ColumnSwap<'d>],
    /// What is a part of the table or said of it.
    parts: &'m [NewPlace],
    /// What is as it was.
    stays: &'m FxHashSet<NewPlace>,
    /// What texts of the new catalog name.
    texts: &'m Known<'d>,
}

/// Nodes of a table whose columns move that others wait for.
pub(crate) struct Milestones {
    /// The new columns are filled and have their indexes.
    pub built: Vec<NodeId>,
    /// They begin to take the place of the old ones.
    pub start: NodeId,
}

impl<'d> Move<'_, 'd> {
    fn aside(column: &str) -> SmolStr {
        temporary_name(&[column, "new"])
    }

    /// Columns by the names that they have meanwhile.
    pub fn columns(&self, all: &[SmolStr]) -> Vec<SmolStr> {
        let name = |name: &SmolStr| self.meanwhile(name).unwrap_or_else(|| name.clone());
        all.iter().map(name).collect()
    }

    fn text(&self, expr: &SqlExpr) -> SqlExpr {
        let found = self.texts.of_table(&self.to.table, &expr.text);
        let is_own = |of: &Qualified| of.name == self.to.table.name && of.schema == self.to.table.schema;
        let aside = |of: &Qualified| {
            let mut types =
                self.columns.iter().filter(|swap| swap.to.ty.name == of.name && swap.to.ty.schema == of.schema);
            types.find_map(|swap| swap.type_aside.clone())
        };
        let new = |target: &Target| match target {
            Target::Column(of, name) if is_own(of) => self.meanwhile(name).map(|new| (SmolStr::default(), new)),
            Target::Type(of) => aside(of).map(|new| (of.schema.clone(), new)),
            _ => None,
        };
        let text = rewritten(&expr.text, &found.references, Quotes::Needed, &new)
            .map_or_else(|| expr.text.clone(), SmolStr::from);
        SqlExpr { text, columns: self.columns(&expr.columns) }
    }

    /// The name that a column has meanwhile, where it is another.
    fn meanwhile(&self, column: &str) -> Option<SmolStr> {
        self.columns.iter().any(|swap| swap.to.name == column).then(|| Self::aside(column))
    }

    fn keys(&self, all: &[IndexKey]) -> Vec<IndexKey> {
        let key = |key: &IndexKey| IndexKey {
            on: match &key.on {
                KeyOn::Column(name) => KeyOn::Column(self.columns(std::slice::from_ref(name)).remove(0)),
                KeyOn::Expr(expr) => KeyOn::Expr(self.text(expr)),
            },
            ..key.clone()
        };
        all.iter().map(key).collect()
    }

    /// A check or a reference over the new columns.
    pub fn renamed(&self, rule: &Rule) -> Option<Rule> {
        match rule {
            Rule::Check { expr, no_inherit } => Some(Rule::Check { expr: self.text(expr), no_inherit: *no_inherit }),
            Rule::ForeignKey(key) => Some(Rule::ForeignKey(ForeignKey {
                columns: self.columns(&key.columns),
                on_delete_columns: self.columns(&key.on_delete_columns),
                ..key.clone()
            })),
            _ => None,
        }
    }

    fn plan(&self, builder: &mut Builder<'d, '_>) -> Planned<Milestones> {
        let slot = Slot::New(self.new);
        let table = &self.to.table;
        let mut chain = Chain::new(slot);
        let (mut set, mut lines, mut pending) = (Vec::new(), String::new(), Vec::new());
        let mut settings: Vec<(&str, &str)> = Vec::new();
        // Before anything is there that would refuse to write such a row.
        for swap in self.columns {
            let is_enum = (&swap.from.ty.schema, &swap.from.ty.name) == (&swap.to.ty.schema, &swap.to.ty.name);
            let labels = if is_enum { builder.labels_lost(&swap.to.ty) } else { Vec::new() };
            if !labels.is_empty() {
                let refuse = Alter::RefuseLabels { table, column: swap.from, labels };
                builder.add(&mut chain, Role::After, Phase::Main, Statement::Alter(refuse));
            }
        }
        for swap in self.columns {
            let spelled = builder.arena.column(Column { ty: swap.spelled(), ..swap.to.clone() });
            let before = chain.last();
            builder.ask(&mut chain, self.to, swap.from, swap.to, &spelled.ty);
            if let Some(asked) = chain.last().filter(|_| chain.last() != before) {
                for (ty, made) in &builder.types_aside {
                    if is_type(builder.from.at(*ty)?.0, &swap.to.ty) {
                        builder.nodes.edge(*made, asked);
                    }
                }
            }
        }
        for swap in self.columns {
            let aside = builder.arena.text(Self::aside(&swap.to.name));
            let bare = Column {
                name: aside.into(),
                ty: swap.spelled(),
                nullable: true,
                default: None,
                identity: None,
                comment: None,
                ..swap.to.clone()
            };
            let bare = builder.arena.column(bare);
            let add = builder.adding(self.to, bare);
            let node = builder.add(&mut chain, Role::After, Phase::Main, add);
            for setting in bare.settings() {
                let set = Statement::SetColumn { table: &self.to.table, column: bare, setting };
                builder.add(&mut chain, Role::After, Phase::Main, set);
            }
            for (ty, made) in &builder.types_aside {
                if is_type(builder.from.at(*ty)?.0, &swap.to.ty) {
                    builder.nodes.edge(*made, node);
                }
            }
            let way = builder.way(self.to, swap.from, swap.to, &bare.ty);
            lines.push_str(&format!("  new.{} := {};\n", ident(aside), way.of_new));
            let text = if has_equality(&bare.ty) { "" } else { "::text" };
            pending.push(format!("{}{text} is distinct from {}{text}", ident(aside), way.same));
            set.push((aside, way.value));
            settings.extend(builder.settings_of(&way, swap.from, swap.to));
        }
        settings.sort_unstable();
        settings.dedup();
        let (function, trigger) = self.keep_equal(builder, &lines, &settings);
        builder.keep_up(&mut chain, (function, trigger));
        let pending = if pending.len() == 1 { pending.remove(0) } else { format!("({})", pending.join(" or ")) };
        let pending = builder.arena.text(pending);
        let fill = Alter::Backfill {
            table,
            set,
            was_null: None,
            pending,
            gives_up: false,
            refuse: None,
            settings: settings.clone(),
            divided: false,
            counted: false,
            at_once: false,
            joins: false,
        };
        let filled = builder.add(&mut chain, Role::After, Phase::Backfill, Statement::Alter(fill.clone()));
        let (proof, proven) = self.prove(builder, filled, fill, &settings);
        let mut ready = vec![filled, proven];
        for swap in self.columns.iter().filter(|swap| !swap.to.nullable) {
            let aside = builder.arena.text(Self::aside(&swap.to.name));
            let mut chain = Chain::after(slot, filled);
            builder.require(&mut chain, self.to, aside, &swap.to.ty);
            ready.extend(chain.last());
        }
        let (before, after) = self.parts(builder, filled, &mut ready)?;
        let mut chain = Chain::new(slot);
        let start = builder.add(&mut chain, Role::Change, Phase::CutOver, Statement::DropTemporary(trigger));
        ready.iter().for_each(|&node| builder.nodes.edge(node, start));
        builder.add(&mut chain, Role::Change, Phase::CutOver, Statement::DropTemporary(function));
        for statement in before {
            builder.add(&mut chain, Role::Change, Phase::CutOver, statement);
        }
        for object in proof {
            builder.add(&mut chain, Role::Change, Phase::CutOver, Statement::DropTemporary(object));
        }
        self.cut_over(builder, &mut chain)?;
        for statement in after {
            builder.add(&mut chain, Role::Make, Phase::CutOver, statement);
        }
        builder.notes.push(Note::LastColumns {
            table: table.clone(),
            columns: self.columns.iter().map(|swap| swap.to.name.clone()).collect(),
        });
        for swap in self.columns {
            builder.notes.extend(swap.kept.map(|kept| Note::Keeps {
                table: table.clone(),
                column: swap.to.name.clone(),
                old: kept.name.clone(),
            }));
        }
        let is_built = |node: &NodeId| matches!(builder.nodes[*node].phase, Phase::Backfill | Phase::Build);
        Ok(Milestones { built: ready.iter().copied().filter(is_built).collect(), start })
    }

    /// What writes the new columns whenever the old ones are written.
    fn keep_equal(
        &self,
        builder: &Builder<'d, '_>,
        lines: &str,
        settings: &[(&str, &str)],
    ) -> (&'d Object, &'d Object) {
        let table = &self.to.table;
        let name = temporary_name(&[&table.name, &self.columns[0].to.name, "sync"]);
        let body = format!("\nbegin\n{lines}  return new;\nend\n");
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let function = temporary_trigger_function(&table.schema, &name, body, settings);
        let fires = builder.fires_last(table, &self.columns[0].to.name, "sync");
        let trigger = temporary_trigger(table, fires, Qualified::new(table.schema.clone(), name));
        (builder.arena.object(function), builder.arena.object(trigger))
    }

    /// Builds the indexes and checks the constraints of the columns; gives what is done before the old columns go, and what
    /// names the new ones in the end.
    fn parts(
        &self,
        builder: &mut Builder<'d, '_>,
        filled: NodeId,
        ready: &mut Vec<NodeId>,
    ) -> Planned<(Vec<Statement<'d>>, Vec<Statement<'d>>)> {
        let slot = Slot::New(self.new);
        let table = &self.to.table;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for &part in self.parts.iter().filter(|new| self.stays.contains(new)) {
            let entry = builder.to.entry(part)?;
            if !builder.swaps.reads(Some(table), &entry.object) {
                continue;
            }
            let comment = entry
                .comment
                .as_deref()
                .map(|comment| Statement::Comment { on: specc_sql::Named::Object(&entry.object), text: Some(comment) });
            let stands = self.columns.iter().any(|swap| swap.kept.is_some());
            // Else it goes with the old column.
            let drop = stands.then_some(Statement::Drop(&entry.object));
            match &entry.object {
                Object::Index(o) => {
                    let index = builder.arena.index(Index {
                        name: temporary_name(&[&o.name, "new"]),
                        keys: self.keys(&o.keys),
                        include: self.columns(&o.include),
                        filter: o.filter.as_ref().map(|filter| self.text(filter)),
                        ..o.clone()
                    });
                    let mut chain = Chain::after(slot, filled);
                    ready.push(builder.add(
                        &mut chain,
                        Role::After,
                        Phase::Build,
                        Statement::CreateIndexConcurrently(index),
                    ));
                    self.hand_over(builder, &mut before, &o.name, &index.name);
                    before.extend(drop);
                    let from = builder.arena.object(index.clone());
                    after.push(Statement::Alter(Alter::Rename { from, to: &o.name }));
                }
                Object::Constraint(o) => match &o.rule {
                    Rule::PrimaryKey { .. } | Rule::Unique { .. } => {
                        let Some(mut index) = key_index(o, &temporary_name(&[&o.name, "new"])) else {
                            return Err(Unexpected::new(&entry.object.id(), "a key without an index"));
                        };
                        index.keys = self.keys(&index.keys);
                        index.include = self.columns(&index.include);
                        let index = builder.arena.index(index);
                        self.hand_over(builder, &mut before, &o.name, &index.name);
                        before.extend(drop);
                        let mut chain = Chain::after(slot, filled);
                        let build = Statement::CreateIndexConcurrently(index);
                        ready.push(builder.add(&mut chain, Role::After, Phase::Build, build));
                        after.push(Statement::Alter(Alter::AddUsingIndex(o, &index.name)));
                    }
                    // That comes when the key that it leads to has moved too.
                    Rule::ForeignKey(key) if builder.key_moves(key) => continue,
                    rule => {
                        let Some(rule) = self.renamed(rule) else {
                            return Err(Unexpected::new(&entry.object.id(), "a shadow column cannot carry it"));
                        };
                        let aside = Constraint { name: temporary_name(&[&o.name, "new"]), rule, ..o.clone() };
                        let (aside, constraint) = builder.arena.constraint(aside);
                        let mut chain = Chain::after(slot, filled);
                        let add = Statement::Alter(Alter::AddNotValid(constraint));
                        builder.add(&mut chain, Role::After, Phase::Main, add);
                        if !o.not_valid {
                            let validate = Statement::Validate(constraint);
                            ready.push(builder.add(&mut chain, Role::After, Phase::Validate, validate));
                        }
                        before.extend(drop);
                        after.push(Statement::Alter(Alter::Rename { from: aside, to: &o.name }));
                    }
                },
                _ => continue,
            }
            after.extend(comment);
        }
        Ok((before, after))
    }

    fn hand_over(&self, builder: &Builder<'d, '_>, before: &mut Vec<Statement<'d>>, from: &'d str, to: &'d str) {
        if builder.may_rest_on(&self.to.table) {
            before.push(Statement::Alter(Alter::HandOver { table: &self.to.table, from, to }));
        }
    }

    /// The new columns take the place of the old ones.
    fn cut_over(&self, builder: &mut Builder<'d, '_>, chain: &mut Chain) -> Planned {
        let table = &self.to.table;
        let id = builder.arena.id(table.id());
        let mut defaults = Vec::new();
        for swap in self.columns {
            let name: &'d str = &swap.to.name;
            let aside = builder.arena.text(Self::aside(name));
            let mut add = |builder: &mut Builder<'d, '_>, statement| {
                builder.add(chain, Role::Change, Phase::CutOver, statement);
            };
            if let Some(identity) = swap.to.identity.as_deref() {
                let change = Alter::SetIdentity { table, column: aside, from: None, to: Some(identity) };
                add(builder, Statement::Alter(change));
                if swap.from.identity.is_some() {
                    add(builder, Statement::Alter(Alter::CopySequence { table, source: table, from: name, to: aside }));
                } else {
                    add(builder, Statement::AdvanceSequence { table, column: aside });
                }
            }
            for &part in self.parts {
                let entry = builder.to.entry(part)?;
                if let Object::Sequence(o) = &entry.object
                    && o.owned_by.as_ref().is_some_and(|(_, column)| column == name)
                    && builder.from.contains(&entry.object.id())
                {
                    // It would go with the old column.
                    let owned = Sequence { owned_by: Some((table.clone(), aside.into())), ..Sequence::clone(o) };
                    add(builder, Statement::OwnSequence(builder.arena.sequence(owned)));
                }
            }
            match swap.kept {
                Some(kept) => self.keep(builder, chain, swap, kept)?,
                None => add(
                    builder,
                    Statement::Alter(Alter::DropColumn { table, column: swap.from, kept: true, moved: false }),
                ),
            }
            let mut add = |builder: &mut Builder<'d, '_>, statement| {
                builder.add(chain, Role::Change, Phase::CutOver, statement);
            };
            add(builder, Statement::Alter(Alter::RenamePart { of: id, table: Some(table), from: aside, to: name }));
            if swap.to.identity.is_some() {
                let ObjectId { schema, name: made, .. } = sequence_of(table, aside);
                let options = SequenceOptions::default();
                let from = builder.arena.object(Sequence { schema, name: made, ty: None, options, owned_by: None });
                let to = builder.arena.text(sequence_of(table, name).name);
                add(builder, Statement::Alter(Alter::Rename { from, to }));
            }
            let default = swap.to.default.as_ref();
            let set = Statement::SetDefault { table, column: name, default };
            match (default, &swap.type_aside) {
                (None, _) => {}
                (Some(_), None) => add(builder, set),
                // Its text names the type.
                (Some(_), Some(_)) => defaults.push((swap, set)),
            }
            if let Some(text) = &swap.to.comment {
                add(builder, Statement::CommentColumn { table, column: name, text: Some(text) });
            }
        }
        let required = self.columns.iter().filter(|swap| !swap.to.nullable).map(|swap| swap.to.name.as_str());
        let required: Vec<&'d str> = required.collect();
        if !required.is_empty() {
            let name = Statement::Alter(Alter::NameRequired { table, columns: required });
            builder.add(chain, Role::Change, Phase::CutOver, name);
        }
        self.grants(builder, chain)?;
        for ty in builder.swaps.types.iter().copied().collect::<Vec<_>>() {
            if let (Some(&gone), Some(last)) = (builder.types_gone.get(&ty), chain.last()) {
                builder.nodes.edge(last, gone);
            }
        }
        for (swap, set) in defaults {
            let node = builder.nodes.push(Slot::New(self.new), Role::Make, Phase::CutOver, set);
            for (ty, &named) in &builder.types_named {
                if is_type(builder.from.at(*ty)?.0, &swap.to.ty) {
                    builder.nodes.edge(named, node);
                }
            }
        }
        Ok(())
    }

    /// What was granted on the columns by name.
    fn grants(&self, builder: &mut Builder<'d, '_>, chain: &mut Chain) -> Planned {
        for &part in self.parts {
            let (id, entry) = builder.to.at(part)?;
            let Object::Grant(o) = &entry.object else { continue };
            if !builder.from.contains(id) {
                continue;
            }
            let lost: Vec<_> = o
                .privileges
                .iter()
                .filter(|privilege| self.columns.iter().any(|swap| privilege.columns.contains(&swap.to.name)))
                .cloned()
                .collect();
            if lost.is_empty() {
                continue;
            }
            let access = Access {
                on: Named::Id(&o.on),
                privileges: Privileges::Some(builder.arena.privileges(lost)),
                roles: vec![o.to.as_str()],
            };
            builder.add(chain, Role::Make, Phase::CutOver, Statement::Grant(access));
        }
        Ok(())
    }
}
