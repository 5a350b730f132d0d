//! How many rows decide: a condition that fails at all fails in a database with this many rows.
//!
//! Take any database in which a violation shows. Keep the rows that it speaks of, one row for each `exists` that holds,
//! and what those refer to: the violation still shows, since what has to be missing is missing all the more. So a search
//! through databases with that many rows is complete, unless references lead in a circle or what has to be there depends
//! on each row that may be there.

use crate::sorts::Scope;
use rustc_hash::FxHashMap;
use specc_model::formula::{Formula, From, Node, Operator, Part, Read, Row, Select};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx, Model, RelationId, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// No more rows of an entity are looked at.
const MOST: usize = 12;

/// No more parts of conditions are looked at.
const STEPS: usize = 200_000;

/// How many rows of each entity there have to be.
pub struct Demand {
    /// Rows by entity; one where nothing is said.
    pub sizes: FxHashMap<EntityId, usize>,
    /// Whether so many decide.
    pub complete: bool,
    /// How many parts of conditions were looked at.
    pub steps: usize,
    /// Entities whose rows something asks about; those of others are there only because something refers to them.
    pub live: BTreeSet<EntityId>,
}

impl Demand {
    /// Nothing was looked at.
    pub fn none() -> Self {
        Self { sizes: FxHashMap::default(), complete: false, steps: 0, live: BTreeSet::new() }
    }
}

struct Counter<'m> {
    model: &'m Model,
    /// Other rules about the same tables.
    other: Option<&'m Model>,
    rows: BTreeMap<EntityId, usize>,
    followed: BTreeSet<RelationId>,
    read: BTreeSet<(EntityId, FieldIx)>,
    complete: bool,
    depth: usize,
    steps: usize,
    /// Queries around the one at hand whose rows rules decide about.
    nested: usize,
    /// It is asked with the rights of an owner, whom no rule binds.
    owner: bool,
}

/// A condition over a row of an entity, and whether it has to hold.
pub type Asked<'m> = (EntityId, &'m Formula, bool);

/// The rows that these conditions need beside `rows`, of which these columns are read.
pub fn demand<'m>(
    model: &'m Model,
    rows: &[EntityId],
    columns: &[(EntityId, FieldIx)],
    conditions: impl IntoIterator<Item = Asked<'m>>,
) -> Demand {
    demand_of(model, None, rows, columns, conditions)
}

/// The same, where two models decide about the same tables.
pub fn demand_of<'m>(
    model: &'m Model,
    other: Option<&'m Model>,
    rows: &[EntityId],
    columns: &[(EntityId, FieldIx)],
    conditions: impl IntoIterator<Item = Asked<'m>>,
) -> Demand {
    let mut counter = Counter::new(model, rows);
    counter.other = other;
    counter.finish(columns, conditions)
}

/// The rows that a query needs which is asked with these rights, beside these conditions; of what it gives, these columns
/// are read. `function` is the one whose body it is.
pub fn demand_of_query<'m>(
    model: &'m Model,
    selects: &[Select],
    owner: bool,
    function: Option<usize>,
    columns: &[(EntityId, FieldIx)],
    conditions: impl IntoIterator<Item = Asked<'m>>,
) -> Demand {
    let mut counter = Counter::new(model, &[]);
    let scope = function.map_or_else(Scope::default, Scope::of_function);
    selects.iter().for_each(|select| counter.select(select, &scope, true, 1, owner));
    counter.finish(columns, conditions)
}

/// The columns that a condition over a row of an entity reads, of that row and of all that it leads to.
pub fn reads(model: &Model, entity: EntityId, formula: &Formula) -> BTreeSet<(EntityId, FieldIx)> {
    let mut counter = Counter::empty(model);
    counter.count(formula, &Scope::row(entity), true, 1);
    let relations = counter.followed.iter().map(|id| model.relation(*id));
    let keys = relations.flat_map(|relation| relation.fields.iter().map(|field| (relation.from, *field)));
    keys.chain(counter.read.iter().copied()).collect()
}

impl<'m> Counter<'m> {
    fn empty(model: &'m Model) -> Self {
        let (rows, followed, read) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { model, other: None, rows, followed, read, complete: true, depth: 0, steps: 0, nested: 0, owner: false }
    }

    /// Rows of these, and of who asks.
    fn new(model: &'m Model, rows: &[EntityId]) -> Self {
        let mut counter = Self::empty(model);
        for entity in rows.iter().chain(&model.viewer) {
            counter.add(*entity, 1);
            if let Some(visible) = &model.entity(*entity).visible {
                counter.count(&visible.formula, &Scope::row(*entity), true, 1);
            }
        }
        counter
    }

    fn finish(mut self, columns: &[(EntityId, FieldIx)], conditions: impl IntoIterator<Item = Asked<'m>>) -> Demand {
        for (entity, formula, holds) in conditions {
            self.count(formula, &Scope::row(entity), holds, 1);
        }
        columns.iter().for_each(|(entity, field)| self.reads(Some(*entity), *field));
        let live = self.live();
        self.refer(&live);
        self.close();
        Demand { complete: self.complete, steps: self.steps, sizes: self.rows.into_iter().collect(), live }
    }

    fn add(&mut self, entity: EntityId, times: usize) {
        let rows = self.rows.entry(entity).or_default();
        *rows = rows.saturating_add(times);
    }

    /// Steps from a row, and whether the row at the end has to be there so many times.
    fn follow(&mut self, steps: &[PathStep], holds: bool, times: usize) {
        for step in steps {
            self.followed.insert(step.relation);
            if step.back && holds {
                self.add(self.model.step_target(*step), times);
            }
        }
    }

    /// A column of a row is read.
    fn reads(&mut self, entity: Option<EntityId>, field: FieldIx) {
        self.read.extend(entity.map(|entity| (entity, field)));
    }

    /// Entities whose rows are asked for, led to, or read.
    fn live(&self) -> BTreeSet<EntityId> {
        let led =
            self.followed.iter().map(|id| self.model.relation(*id)).flat_map(|relation| [relation.from, relation.to]);
        self.rows.keys().copied().chain(led).chain(self.read.iter().map(|(entity, _)| *entity)).collect()
    }

    /// The references of columns that are read: all their columns are, or cannot be null. What a reference leads to is found
    /// by columns, which are read too.
    ///
    /// A row that nothing asks about is there because one refers to it, and refers to others itself. By a column that is
    /// neither read nor part of what it is found by, it may refer to any row: there is one for it, since a row of a table
    /// that nobody looks at can be added to every database, and what it refers to as well. So where keys have a tenant's
    /// column in them, a line of references ends at the first table that is not asked about, and is not as long as the
    /// schema is deep. `specc prove --run` adds these rows, and says so where the tables do not take them.
    fn refer(&mut self, live: &BTreeSet<EntityId>) {
        loop {
            let before = (self.followed.len(), self.read.len());
            for (entity, _) in &self.read {
                for id in &self.model.entity(*entity).outgoing {
                    let fields = &self.model.relation(*id).fields;
                    let read = |field: &FieldIx| self.read.contains(&(*entity, *field));
                    let nullable = |field: &FieldIx| self.model.entity(*entity).fields[*field].nullable;
                    if fields.iter().any(read)
                        && fields.iter().all(|field| read(field) || live.contains(entity) && !nullable(field))
                    {
                        self.followed.insert(*id);
                    }
                }
            }
            for id in &self.followed {
                let relation = self.model.relation(*id);
                // A key of one column says nothing but which row it is.
                if relation.to_fields.len() > 1 {
                    self.read.extend(relation.to_fields.iter().map(|field| (relation.to, *field)));
                    self.read.extend(relation.fields.iter().map(|field| (relation.from, *field)));
                }
            }
            if before == (self.followed.len(), self.read.len()) {
                return;
            }
        }
    }

    fn count(&mut self, formula: &Formula, scope: &Scope, holds: bool, times: usize) {
        self.depth += 1;
        self.steps += 1;
        if self.depth > 200 || self.steps > STEPS {
            self.complete = false;
        } else {
            self.counted(formula, scope, holds, times);
        }
        self.depth -= 1;
    }

    fn counted(&mut self, formula: &Formula, scope: &Scope, holds: bool, times: usize) {
        if let Some(inner) = crate::sorts::wrapped(formula) {
            return self.count(inner, scope, holds, times);
        }
        match &formula.node {
            Node::Path(_, steps, field) => {
                self.follow(steps, true, times);
                self.reads(steps.last().map(|step| self.model.step_target(*step)), *field);
            }
            Node::Whole(_, steps) => self.follow(steps, true, times),
            Node::Column(row, field) => self.reads(scope.entity(row), *field),
            Node::ViewerField(field) => self.reads(self.model.viewer, *field),
            Node::Exists(exists) => {
                self.follow(&exists.steps, holds, times);
                if holds && matches!(&exists.row, Row::Query(name, _) if name == crate::encode::ANYWHERE) {
                    self.add(exists.target, times);
                }
                // Of each row that may be there, if none has to be.
                let times = if holds { times } else { times.saturating_mul(MOST) };
                self.count(&exists.condition, &scope.looking_at(exists.target), holds, times);
            }
            Node::Predicate(id, args) => {
                args.iter().for_each(|arg| self.count(arg, scope, holds, times));
                let body = &self.model.predicates[id.0 as usize].body.formula;
                self.count(body, &Scope::of(self.model, *id), holds, times);
            }
            Node::Call(call) => {
                call.args.iter().for_each(|(_, arg)| self.count(arg, scope, holds, times));
                if let (Some(at), Some(asked)) = (call.declared, crate::sorts::asks(self.model, formula)) {
                    let around = self.owner;
                    self.owner |= self.model.functions[at].security_definer;
                    self.count(asked, &Scope::of_function(at), holds, times);
                    self.owner = around;
                }
            }
            Node::Not(inner) => self.count(inner, scope, !holds, times),
            Node::Is(inner, what) => {
                let same = matches!(*what, "true" | "not false");
                self.count(inner, scope, if same { holds } else { !holds }, times);
            }
            // One of them has to hold, or not to hold.
            Node::Binary(op @ (Operator::And | Operator::Or), sides) if (*op == Operator::Or) == holds => {
                self.either([&sides.0, &sides.1], |counter, part| counter.count(part, scope, holds, times));
            }
            Node::Binary(Operator::And | Operator::Or, _) | Node::Nested(_) => {
                formula.parts().into_iter().for_each(|part| self.count(part, scope, holds, times));
            }
            Node::Form(form) => {
                let negated = form.parts.iter().any(|p| matches!(p, Part::Words(w) if w.trim().starts_with("not ")));
                let holds = holds != negated;
                for part in formula.parts() {
                    let Node::Sql(sql) = &part.node else {
                        self.count(part, scope, holds, times);
                        continue;
                    };
                    if let Some(select) = sql.select() {
                        self.select(select, scope, holds, times, false);
                    }
                }
            }
            Node::Sql(sql) if sql.select().is_some() => {
                sql.select().iter().for_each(|select| self.select(select, scope, holds, times, false));
            }
            // Truth values that are compared hold or not, as it comes.
            _ => formula.parts().into_iter().for_each(|part| {
                self.count(part, scope, true, times);
                if crate::sorts::is_condition(part) {
                    self.count(part, scope, false, times);
                }
            }),
        }
    }

    /// The rows for any one of these: as many of each entity as one of them needs.
    fn either<T>(&mut self, parts: impl IntoIterator<Item = T>, count: impl Fn(&mut Self, T)) {
        let before = self.rows.clone();
        let mut most = before.clone();
        for part in parts {
            self.rows.clone_from(&before);
            count(self, part);
            for (entity, rows) in &self.rows {
                let known = most.entry(*entity).or_default();
                *known = (*known).max(*rows);
            }
        }
        self.rows = most;
    }

    /// What a query reads; `owner`: whom no rule binds.
    fn select(&mut self, select: &Select, scope: &Scope, holds: bool, times: usize, owner: bool) {
        for from in &select.tables {
            match &from.of {
                &Read::Entity(entity) => {
                    if holds {
                        self.add(entity, times);
                    }
                    if !owner && !self.owner {
                        self.ruled(entity, holds, times);
                    }
                }
                &Read::View(view) => self.view(view, holds, times, owner),
                Read::Query(selects) => selects.iter().for_each(|inner| self.select(inner, scope, holds, times, owner)),
                Read::Call(..) | Read::Other(_) => {}
            }
        }
        // Of each row that may be there, if none has to be.
        let times = if holds || is_of_one_row(self.model, select) { times } else { times.saturating_mul(MOST) };
        let outer = select.tables.iter().flat_map(|from| from.outer.iter().flatten());
        let output = select.output.iter().filter(|_| !select.star);
        outer.chain(&select.conditions).chain(output).for_each(|part| self.count(part, scope, holds, times));
    }

    /// The rows of a query are those that the rules of the table let who asks read.
    fn ruled(&mut self, entity: EntityId, holds: bool, times: usize) {
        if self.nested >= 4 {
            self.complete = false;
            return;
        }
        self.nested += 1;
        let models = std::iter::once(self.model).chain(self.other);
        let (closing, opening): (Vec<_>, Vec<_>) =
            models.flat_map(|model| &model.entity(entity).rules).partition(|rule| rule.forbid);
        let when = |counter: &mut Self, rule: &Rule, holds: bool| {
            let exprs = [&rule.when, &rule.check].into_iter().flatten();
            exprs.for_each(|expr| counter.count(&expr.formula, &Scope::row(entity), holds, times));
        };
        closing.into_iter().for_each(|rule| when(self, rule, !holds));
        match holds {
            true => self.either(opening, |counter, rule| when(counter, rule, true)),
            false => opening.into_iter().for_each(|rule| when(self, rule, false)),
        }
        self.nested -= 1;
    }

    /// What a view reads. A row of it is made by one of its queries, whichever that is.
    fn view(&mut self, view: usize, holds: bool, times: usize, owner: bool) {
        if self.nested >= 16 {
            self.complete = false;
            return;
        }
        self.nested += 1;
        let model = self.model;
        let declared = &model.views[view];
        let owner = owner || declared.security_definer || declared.materialized;
        for select in crate::queries::selects(model, view) {
            self.select(select, &Scope::default(), holds, times, owner);
        }
        self.nested -= 1;
    }

    /// What rows refer to is there too.
    fn close(&mut self) {
        let own = self.rows.clone();
        for _ in 0..self.model.entities.len().min(64) + 1 {
            let before = self.rows.clone();
            let mut next = own.clone();
            for id in &self.followed {
                let relation = self.model.relation(*id);
                let from = before.get(&relation.from).copied().unwrap_or(1);
                *next.entry(relation.to).or_default() += from;
            }
            // A key that is a reference leads on by itself.
            for entity in before.keys() {
                let Some(key) = &self.model.entity(*entity).key else { continue };
                for id in &self.model.entity(*entity).outgoing {
                    let relation = self.model.relation(*id);
                    if !self.followed.contains(id) && relation.fields == key.fields {
                        *next.entry(relation.to).or_default() += before[entity];
                    }
                }
            }
            for rows in next.values_mut() {
                if *rows > MOST {
                    *rows = MOST;
                    self.complete = false;
                }
            }
            self.rows = next;
            if self.rows == before {
                return;
            }
        }
        self.complete = false;
    }
}

/// Whether a query asks for the row of one table that has some key, so that it looks at one row at most.
fn is_of_one_row(model: &Model, select: &Select) -> bool {
    let [From { of: Read::Entity(entity), name, outer: None }] = select.tables.as_slice() else { return false };
    let Some([key]) = model.entity(*entity).key.as_ref().map(|key| key.fields.as_slice()) else { return false };
    let is_key = |formula: &Formula| matches!(&formula.bare().node, Node::Column(Row::Query(of, _), field) if of == name && field == key);
    let reads = |formula: &Formula| {
        let mut own = false;
        formula.visit(|part| own |= matches!(&part.node, Node::Column(Row::Query(of, _), _) if of == name));
        own
    };
    let all = select.conditions.iter().flat_map(|condition| condition.bare().chain(&Operator::And));
    let mut sides = all.filter_map(|part| part.bare().equality());
    sides.any(|(a, b)| is_key(a) && !reads(b) || is_key(b) && !reads(a))
}
