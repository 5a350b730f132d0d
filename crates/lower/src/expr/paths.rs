//! Paths of references: joins, scalar subqueries and `exists`.

use super::{Folder, Frame, Place, RowRef, column, qualified};
use smol_str::SmolStr;
use specc_model::formula::extensions::{equality_schema, qualified_operator};
use specc_model::formula::{Exists, Formula, Level, print_open};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx};
use specc_sql::quote;
use std::fmt::Write as _;

/// The tables of a path: `public.events as event join public.venues as venue on …`.
pub(crate) struct Chain {
    /// The `from` list.
    pub from: String,
    /// Alias of the first and of the last table.
    pub first: SmolStr,
    pub last: SmolStr,
    /// The entity of the last table.
    pub target: EntityId,
    /// The entities of all of them.
    pub tables: Vec<EntityId>,
    /// That the rows of its tables exist for others: conditions beside the one that is asked.
    pub visible: Vec<String>,
    /// Each table but the last, and by which of its columns the next one leads to it.
    pub between: Vec<Between>,
}

/// A table of a path whose rows are found by those of the table behind it.
pub(crate) struct Between {
    pub alias: SmolStr,
    pub entity: EntityId,
    pub by: Vec<FieldIx>,
}

impl Chain {
    /// The conditions of a `where`, with these around them.
    pub fn conditions(&self, before: impl IntoIterator<Item = String>, after: &str) -> String {
        let all = before.into_iter().chain(self.visible.iter().cloned()).chain([after.to_owned()]);
        all.filter(|c| !c.is_empty()).collect::<Vec<_>>().join(" and ")
    }
}

/// Where a path starts.
enum Start {
    Row(Place),
    Alias(SmolStr),
}

impl Folder<'_> {
    /// The tables that `steps` lead through; `steps` is not empty. `all`: also rows that do not exist for others.
    ///
    /// A table behind the first that the way leads to and straight back from is left out: what refers to a row of it and
    /// what that row is referred to by have the same value.
    pub fn chain(&mut self, steps: &[PathStep], all: bool) -> Chain {
        let mut visible = Vec::new();
        let mut tables = Vec::new();
        let mut from = String::new();
        let mut first = SmolStr::default();
        let mut last = SmolStr::default();
        let mut target = EntityId(0);
        let mut left_out = None;
        let mut between: Vec<Between> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            if at > 0 && left_out.is_none() && steps.get(at + 1).is_some_and(|next| self.turns(*step, *next, all)) {
                left_out = Some(*step);
                continue;
            }
            let relation = self.model.relation(step.relation);
            let wish = if step.back { &relation.inverse } else { &relation.path };
            let alias = self.alias(wish);
            target = self.model.step_target(*step);
            let table = format!("{} as {}", qualified(&self.model.entity(target).name), quote::ident(&alias));
            if at == 0 {
                from = table;
                first = alias.clone();
            } else {
                let mut links = self.link_fields(*step);
                if let Some(before) = left_out.take() {
                    let outer = self.link_fields(before).into_iter().map(|(outer, _)| outer);
                    links = outer.zip(links.into_iter().map(|(_, inner)| inner)).collect();
                }
                self.aliased
                    .extend(links.iter().flat_map(|((_, a), (_, b))| [(last.clone(), *a), (alias.clone(), *b)]));
                if let Some(((entity, _), _)) = links.first() {
                    let by = links.iter().map(|((_, outer), _)| *outer).collect();
                    between.push(Between { alias: last.clone(), entity: *entity, by });
                }
                let on = links.into_iter().map(|((from, a), (to, b))| {
                    let (outer, inner) = (column(self.model, from, a), column(self.model, to, b));
                    let equals = self.equals(to, b);
                    format!("{}.{inner} {equals} {}.{outer}", quote::ident(&alias), quote::ident(&last))
                });
                let _ = write!(from, "\n    join {table} on {}", on.collect::<Vec<_>>().join(" and "));
            }
            if !all {
                visible.extend(self.visible(target, &alias));
            }
            tables.push(target);
            last = alias;
        }
        Chain { from, first, last, target, tables, visible, between }
    }

    /// Whether two steps lead to a table and straight back from it by the same columns, whatever row of it they meet.
    pub fn turns(&self, to: PathStep, back: PathStep, all: bool) -> bool {
        let (a, b) = (self.model.relation(to.relation), self.model.relation(back.relation));
        let hides = self.model.entity(a.to).visible.is_some() && !all;
        !to.back && back.back && a.to == b.to && a.to_fields == b.to_fields && !hides
    }

    /// That a row of `entity`, which is called `alias`, exists for others; none where all do.
    pub fn visible(&mut self, entity: EntityId, alias: &SmolStr) -> Option<String> {
        let model = self.model;
        let seen = model.entity(entity).visible.as_ref()?;
        let outer = std::mem::replace(&mut self.frame, Frame::row(Place::named(entity, alias.clone())));
        let written = self.written.take();
        let text = self.operand(&seen.formula);
        self.frame = outer;
        self.written = written;
        Some(text)
    }

    /// The operator by which values of a column are equal.
    pub fn equals(&self, entity: EntityId, field: FieldIx) -> String {
        let ty = &self.model.entity(entity).fields[field].ty;
        match equality_schema(self.model, ty).filter(|_| self.fixed) {
            Some(schema) => qualified_operator(&schema, "="),
            None => "=".to_owned(),
        }
    }

    /// Pairs of columns that a step compares: of the side it starts from, and of the side it leads to.
    pub fn link_fields(&self, step: PathStep) -> Vec<((EntityId, FieldIx), (EntityId, FieldIx))> {
        let relation = self.model.relation(step.relation);
        let pairs = relation.fields.iter().zip(&relation.to_fields);
        pairs
            .map(|(from, to)| {
                let (from, to) = ((relation.from, *from), (relation.to, *to));
                if step.back { (to, from) } else { (from, to) }
            })
            .collect()
    }

    /// `where` condition that ties the first table of a chain to the row it starts from.
    fn tie(&mut self, start: &Start, step: PathStep, first: &str) -> String {
        let links = self.link_fields(step);
        let parts: Vec<_> = links
            .into_iter()
            .map(|((from, outer), (to, inner))| {
                let equals = self.equals(to, inner);
                let inner = column(self.model, to, inner);
                let outer = match start {
                    Start::Row(row) => self.field(row, outer),
                    Start::Alias(alias) => {
                        self.named(alias, Some(0));
                        self.aliased.push((alias.clone(), outer));
                        format!("{}.{}", quote::ident(alias), column(self.model, from, outer))
                    }
                };
                format!("{}.{inner} {equals} {outer}", quote::ident(first))
            })
            .collect();
        parts.join(" and ")
    }

    /// Where a path really starts: behind the step that a [`RowRef::Behind`] row has taken already.
    fn start<'s>(&mut self, place: &'s Place) -> (Start, &'s [PathStep]) {
        self.followed.extend(&place.steps);
        if place.scoped {
            self.paths.push(place.steps.clone());
        }
        match (&place.how, place.steps.split_first()) {
            (RowRef::Behind(step, alias), Some((first, rest))) if step == first => (Start::Alias(alias.clone()), rest),
            _ => (Start::Row(Place { steps: Vec::new(), ..place.clone() }), &place.steps),
        }
    }

    /// A path that ends in a field, as a scalar subquery.
    pub(super) fn scalar(&mut self, place: &Place, field: FieldIx) -> String {
        let (start, steps) = self.start(place);
        let (Some(first), Some(last)) = (steps.first(), place.steps.last()) else {
            let Start::Alias(alias) = &start else { return "null".into() };
            let entity = place.steps.last().map_or(place.entity, |s| self.model.step_target(*s));
            self.named(alias, Some(0));
            let name = format!("{}.{}", quote::ident(alias), column(self.model, entity, field));
            self.aliased.push((alias.clone(), field));
            return name;
        };
        let chain = self.chain(steps, false);
        self.inside += 1;
        let tie = self.tie(&start, *first, &chain.first);
        self.inside -= 1;
        let name = column(self.model, self.model.step_target(*last), field);
        format!(
            "(select {}.{name} from {} where {})",
            quote::ident(&chain.last),
            chain.from,
            chain.conditions([tie], "")
        )
    }

    /// `exists path (condition)` as SQL that reads the tables itself.
    pub(super) fn exists(&mut self, place: &Place, exists: &Exists) -> (String, Level) {
        let (target, condition) = (exists.target, &exists.condition);
        if place.steps.is_empty() {
            // The row itself is asked.
            return self.asked(place.clone(), condition);
        }
        let (start, steps) = self.start(place);
        let Some(first) = steps.first() else {
            // The row that the step leads to is at hand: what is asked of it is asked directly.
            let Start::Alias(alias) = start else { return ("true".into(), Level::ATOM) };
            return self.asked(Place::named(target, alias), condition);
        };
        let chain = self.chain(steps, exists.including_deleted);
        self.inside += 1;
        let tie = self.tie(&start, *first, &chain.first);
        let condition = self.inside(&chain, condition);
        self.inside -= 1;
        (format!("exists (select 1 from {} where {})", chain.from, chain.conditions([tie], &condition)), Level::ATOM)
    }

    /// A condition over the row at `place`.
    fn asked(&mut self, mut place: Place, condition: &Formula) -> (String, Level) {
        place.queries.get_or_insert(self.queries.len());
        let frame = self.frame.looking_at(place);
        let outer = std::mem::replace(&mut self.frame, frame);
        let made = print_open(condition, self);
        self.frame = outer;
        made
    }

    /// A condition over the last table of a chain, as an operand of `and`.
    pub fn inside(&mut self, chain: &Chain, condition: &Formula) -> String {
        self.inside += 1;
        let (text, level) = self.asked(Place::named(chain.target, chain.last.clone()), condition);
        self.inside -= 1;
        if level < Level::AND { format!("({text})") } else { text }
    }
}
