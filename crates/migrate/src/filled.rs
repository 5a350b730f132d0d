//! What reads a column that a later file fills: until then it would read nulls and answer what is true of neither state.

use crate::change_set::ChangeSet;
use crate::place::{New, NewPlace, OldPlace, Place, Planned, State};
use crate::planner::Builder;
use crate::recreation::Actions;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Column, Function, IdRef, KeyOn, Kind, Object, Qualified, Rule, Strength, Table, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// Columns that are filled in batches, and what waits for that.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// By table: what is filled, and what is computed from that.
    columns: BTreeMap<TableName, BTreeSet<SmolStr>>,
    /// What reads one of them, and what has to change together with that.
    pub waiting: BTreeSet<NewPlace>,
    /// The same of what goes.
    pub going: BTreeSet<OldPlace>,
    /// Tables whose access changes when the rows are filled.
    pub access: BTreeSet<TableName>,
    /// Columns that triggers keep up from the start.
    written: BTreeSet<(TableName, SmolStr)>,
    /// Tables with columns that something waits for.
    read: BTreeSet<TableName>,
    /// Columns whose values are read from what goes then.
    moving: BTreeSet<(TableName, SmolStr)>,
}

impl Filled {
    /// Whether rows that are written before the switch have to hold the value too.
    pub fn follows(&self, table: &TableName, column: &str) -> bool {
        (self.read.contains(table) || self.moving.contains(&(table.clone(), column.into())))
            && self.columns.get(table).is_some_and(|columns| columns.contains(column))
            && !self.written.contains(&(table.clone(), column.into()))
    }
}

/// Whether a column that changes or comes is filled in batches.
fn is_filled(builder: &Builder<'_, '_>, from: &Table, to: &Table, column: &Column) -> bool {
    let before = from.columns.iter().find(|other| other.name == column.name);
    let said = builder.hints.backfill(&to.table, &column.name).is_some();
    match before {
        None if column.generated.is_some() => false,
        None => said || column.identity.is_some() || builder.has_volatile_default(column),
        Some(before) => said && before.nullable && !column.nullable && !builder.swaps.moves(&to.table, &column.name),
    }
}

/// Finds them. Where nobody uses the database meanwhile, nothing has to wait.
pub(crate) fn find(builder: &Builder<'_, '_>, actions: &Actions) -> Planned<Filled> {
    let mut filled = Filled::default();
    if builder.options.offline {
        return Ok(filled);
    }
    for &(old, new) in &actions.altered {
        let (Some(Object::Table(from)), Some(Object::Table(to))) = (builder.from.object(old), builder.to.object(new))
        else {
            continue;
        };
        let own = to.columns.iter().filter(|column| is_filled(builder, from, to, column));
        let mut own: BTreeSet<SmolStr> = own.map(|column| column.name.clone()).collect();
        let computed = to
            .columns
            .iter()
            .filter(|column| column.generated.as_ref().is_some_and(|expr| own.iter().any(|name| expr.reads(name))));
        let computed: Vec<SmolStr> = computed.map(|column| column.name.clone()).collect();
        own.extend(computed);
        let moving = own.iter().filter(|name| builder.moving.reads(&to.table, name));
        filled.moving.extend(moving.map(|name| (to.table.clone(), name.clone())));
        if !own.is_empty() {
            filled.columns.insert(to.table.clone(), own);
        }
    }
    if filled.columns.is_empty() {
        return Ok(filled);
    }
    let mut search = Search::new(builder, actions, filled);
    search.early();
    search.wait();
    search.together();
    Ok(search.filled)
}

struct Search<'b, 'd, 's> {
    builder: &'b Builder<'d, 's>,
    to: State<'d, New>,
    set: &'b ChangeSet<'d>,
    actions: &'b Actions,
    texts: Known<'d>,
    /// What is new or not as it was.
    changed: Vec<NewPlace>,
    /// What each object needs, but for wishes.
    needs: FxHashMap<NewPlace, Vec<NewPlace>>,
    /// What is needed before rows are filled.
    early: FxHashSet<NewPlace>,
    known: FxHashMap<NewPlace, bool>,
    filled: Filled,
}

impl<'b, 'd, 's> Search<'b, 'd, 's> {
    fn new(builder: &'b Builder<'d, 's>, actions: &'b Actions, filled: Filled) -> Self {
        let (set, to) = (builder.set, builder.to);
        let again = actions.recreated.iter().map(|pair| pair.1);
        let changed = set.added.iter().copied().chain(set.changed.iter().map(|pair| pair.1)).chain(again);
        let changed: BTreeSet<NewPlace> = changed.collect();
        let all = to.needs();
        let needs = to.places().map(|(place, ..)| {
            let own = all.of(place).into_iter().filter(|(_, strength)| *strength != Strength::Wish);
            (place, own.map(|(need, _)| need).collect())
        });
        Self {
            builder,
            to,
            set,
            actions,
            texts: Known::new(to.catalog),
            changed: changed.into_iter().collect(),
            needs: needs.collect(),
            early: FxHashSet::default(),
            known: FxHashMap::default(),
            filled,
        }
    }

    fn is_filled(&self, target: &Target) -> bool {
        let of = |of: &Qualified| {
            self.filled.columns.iter().find(|(table, _)| table.name == of.name && table.schema == of.schema)
        };
        match target {
            Target::Column(table, name) => of(table).is_some_and(|(_, columns)| columns.contains(name)),
            Target::Columns(table) => of(table).is_some(),
            _ => false,
        }
    }

    /// Whether an object reads a column that is filled, by itself or by what it calls.
    fn reads(&mut self, place: NewPlace) -> bool {
        if let Some(&known) = self.known.get(&place) {
            return known;
        }
        self.known.insert(place, false);
        let Some(object) = self.to.object(place) else { return false };
        let by_name = match object {
            Object::Trigger(o) => {
                let own = self.filled.columns.get(&o.table);
                own.is_some_and(|own| o.events.iter().any(|(_, of)| of.iter().any(|column| own.contains(column))))
            }
            _ => false,
        };
        let mut reads = by_name || self.texts.any(object, &|target| self.is_filled(target));
        for need in self.needs.get(&place).cloned().unwrap_or_default() {
            if reads {
                break;
            }
            reads = matches!(self.to.kind(need), Some(Kind::Function | Kind::View | Kind::Sql)) && self.reads(need);
        }
        self.known.insert(place, reads);
        reads
    }

    /// What a function writes of what is filled, rather than reads.
    fn writes(&self, function: &Function) -> Vec<(TableName, SmolStr)> {
        let text = function.body.text();
        let found = self.texts.of_body(function).map(|found| found.references).unwrap_or_default();
        let written =
            found.iter().filter(|found| self.is_filled(&found.target) && is_target(text, found.start, found.end));
        let column = written.filter_map(|found| match &found.target {
            Target::Column(table, name) => {
                Some((TableName::new(table.schema.clone(), table.name.clone()), name.clone()))
            }
            _ => None,
        });
        column.collect()
    }

    /// Finds what is there before rows are filled: triggers that keep a column up, and what is called meanwhile.
    fn early(&mut self) {
        let mut work: Vec<NewPlace> = Vec::new();
        for (place, _, entry) in self.to.places() {
            match &entry.object {
                Object::Table(_) | Object::Constraint(_) | Object::Index(_) => {
                    work.extend(self.needs.get(&place).into_iter().flatten());
                }
                Object::Trigger(o) => {
                    let id = IdRef::new(Kind::Function, &o.function.schema, &o.function.name);
                    let Some(Object::Function(function)) = self.to.find(id).and_then(|place| self.to.object(place))
                    else {
                        continue;
                    };
                    if self.builder.counts.is_guarded_by(o) {
                        continue;
                    }
                    if self.builder.counts.is_started_by(o) {
                        work.push(place);
                    }
                    let written = self.writes(function);
                    if !written.is_empty() {
                        self.filled.written.extend(written);
                        work.push(place);
                    }
                }
                _ => {}
            }
        }
        for (table, column, value) in &self.builder.hints.backfills {
            if self.filled.columns.get(table).is_some_and(|columns| columns.contains(column)) {
                let found = self.texts.of_table(table, &value.text).references;
                let ids = found.iter().filter_map(|found| self.texts.id(&found.target));
                work.extend(ids.filter_map(|id| self.to.index_of(&id)));
            }
        }
        while let Some(place) = work.pop() {
            // The needs of a table are its own.
            let counts = !matches!(self.to.kind(place), Some(Kind::Table) | None);
            if counts && self.early.insert(place) {
                work.extend(self.needs.get(&place).into_iter().flatten());
            }
        }
    }

    fn wait(&mut self) {
        for place in self.changed.clone() {
            let of_kind = match self.to.object(place) {
                // It has its place among what counts.
                Some(Object::Trigger(o)) if self.builder.counts.is_guarded_by(o) => false,
                Some(
                    Object::Policy(_)
                    | Object::Function(_)
                    | Object::View(_)
                    | Object::Trigger(_)
                    | Object::PublicationTable(_)
                    | Object::Sql(_),
                ) => true,
                Some(Object::Constraint(o)) => matches!(o.rule, Rule::Check { .. } | Rule::Exclude { .. }),
                Some(Object::Index(o)) => o.filter.is_some() || o.keys.iter().any(|k| matches!(k.on, KeyOn::Expr(_))),
                _ => false,
            };
            if of_kind && !self.early.contains(&place) && self.reads(place) {
                self.filled.waiting.insert(place);
                if let Some(Object::Policy(_) | Object::Trigger(_)) = self.to.object(place)
                    && let Some(table) = self.to.object(place).and_then(Object::table)
                {
                    self.filled.access.insert(table.clone());
                }
            }
        }
        if !self.filled.waiting.is_empty() {
            self.filled.read.extend(self.filled.columns.keys().cloned());
        }
    }

    /// The access to a table changes at once: with what waits goes all that decides with it.
    fn together(&mut self) {
        let decides = |object: &Object| match object {
            Object::Policy(_) | Object::Trigger(_) => {
                object.table().is_some_and(|table| self.filled.access.contains(table))
            }
            Object::Grant(o) => self.filled.access.iter().any(|table| o.on == table.id()),
            _ => false,
        };
        let mut work: Vec<NewPlace> = Vec::new();
        let mut waiting: Vec<NewPlace> = Vec::new();
        for (place, _, entry) in self.to.places().filter(|(.., entry)| decides(&entry.object)) {
            let early = matches!(entry.object, Object::Trigger(_)) && self.early.contains(&place);
            if !early {
                waiting.push(place);
                work.extend(self.needs.get(&place).into_iter().flatten());
            }
        }
        // A function that is not as it was gives the new answer to who asks it.
        let replaced: FxHashSet<NewPlace> = self.set.changed.iter().map(|pair| pair.1).collect();
        let mut seen: FxHashSet<NewPlace> = FxHashSet::default();
        while let Some(place) = work.pop() {
            let is_function = self.to.kind(place) == Some(Kind::Function);
            if is_function && !self.early.contains(&place) && seen.insert(place) {
                if replaced.contains(&place) {
                    waiting.push(place);
                }
                work.extend(self.needs.get(&place).into_iter().flatten());
            }
        }
        let from = self.builder.from;
        let gone = self.set.removed.iter().copied();
        self.filled.going.extend(gone.filter(|&old| from.object(old).is_some_and(&decides)));
        let changed: FxHashSet<NewPlace> = self.changed.iter().copied().collect();
        self.filled.waiting.extend(waiting.into_iter().filter(|place| changed.contains(place)));
        let again = self.actions.recreated.iter().filter(|pair| self.filled.waiting.contains(&pair.1));
        let again: Vec<Place<_>> = again.map(|pair| pair.0).collect();
        self.filled.going.extend(again);
    }
}

/// Whether a name in a body is what is assigned to: `new.total :=`, `set total =`.
fn is_target(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (text[..start].trim_end().to_ascii_lowercase(), text[end..].trim_start());
    let before = before.strip_suffix("new.").unwrap_or(&before).trim_end();
    let mut words = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_first = before.ends_with(';') || matches!(words.next(), Some("set" | "then" | "begin" | "else" | "loop"));
    let statement = before.rsplit(';').next().unwrap_or_default();
    let is_next = before.ends_with(',') && statement.split_whitespace().any(|word| word == "set");
    after.starts_with(":=") || after.starts_with('=') && (is_first || is_next)
}
