//! Paths of references: joins, scalar subqueries and `exists`.

use super::{Folder, RowRef, column, is_loose, qualified};
use smol_str::SmolStr;
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx};
use specc_sql::quote;
use sqlparser::ast;

/// The tables of a path: `public.events as event join public.venues as venue on …`.
pub(crate) struct Chain {
    /// The `from` list.
    pub from: String,
    /// Alias of the first and of the last table.
    pub first: SmolStr,
    pub last: SmolStr,
    /// The entity of the last table.
    pub target: EntityId,
}

/// Where a path starts.
enum Start {
    Row(usize),
    Alias(SmolStr),
}

impl Folder<'_> {
    /// A row of the scope, with the way to it made explicit: what is reached [`RowRef::Via`] another row is that row and
    /// more steps.
    pub fn origin(&self, row: usize, steps: Vec<PathStep>) -> (usize, Vec<PathStep>) {
        match &self.rows[row] {
            RowRef::Via(from_end, before) => {
                let mut all = before.clone();
                all.extend(steps);
                self.origin(self.rows.len() - from_end, all)
            }
            _ => (row, steps),
        }
    }

    /// `status`, `new.status`, `$1`.
    pub fn field(&mut self, row: usize, field: FieldIx) -> String {
        if row + 1 == self.rows.len() {
            self.own.push(field);
        }
        let name = column(self.model, self.scope.rows[row].1, field);
        match &self.rows[row] {
            RowRef::Bare => name,
            RowRef::Prefixed(alias) => format!("{}.{name}", quote::ident(alias)),
            RowRef::Params => {
                let at = self.params.iter().position(|p| *p == field).unwrap_or_else(|| {
                    self.params.push(field);
                    self.params.len() - 1
                });
                format!("${}", at + 1)
            }
            RowRef::Via(..) | RowRef::Behind(..) => name,
        }
    }

    /// The tables that `steps` lead through; `steps` is not empty.
    pub fn chain(&mut self, steps: &[PathStep]) -> Chain {
        let mut from = String::new();
        let mut first = SmolStr::default();
        let mut last = SmolStr::default();
        let mut target = EntityId(0);
        for (at, step) in steps.iter().enumerate() {
            let relation = self.model.relation(step.relation);
            let wish = if step.back { &relation.inverse } else { &relation.path };
            let alias = self.alias(wish);
            target = self.model.step_target(*step);
            let table = format!("{} as {}", qualified(&self.model.entity(target).name), quote::ident(&alias));
            if at == 0 {
                from = table;
                first = alias.clone();
            } else {
                let on = self.links(*step).into_iter().map(|(outer, inner)| {
                    format!("{}.{inner} = {}.{outer}", quote::ident(&alias), quote::ident(&last))
                });
                from = format!("{from}\n    join {table} on {}", on.collect::<Vec<_>>().join(" and "));
            }
            last = alias;
        }
        Chain { from, first, last, target }
    }

    /// Pairs of column names that a step compares: of the side it starts from, and of the side it leads to.
    pub fn links(&self, step: PathStep) -> Vec<(String, String)> {
        self.link_fields(step)
            .into_iter()
            .map(|((from, a), (to, b))| (column(self.model, from, a), column(self.model, to, b)))
            .collect()
    }

    /// The same as fields.
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
                let inner = column(self.model, to, inner);
                let outer = match start {
                    Start::Row(row) => self.field(*row, outer),
                    Start::Alias(alias) => format!("{}.{}", quote::ident(alias), column(self.model, from, outer)),
                };
                format!("{}.{inner} = {outer}", quote::ident(first))
            })
            .collect();
        parts.join(" and ")
    }

    /// Where a path really starts: behind the step that a [`RowRef::Behind`] row has taken already.
    fn start<'s>(&mut self, row: usize, steps: &'s [PathStep]) -> (Start, &'s [PathStep]) {
        self.paths.push((row, steps.to_vec()));
        match (&self.rows[row], steps.split_first()) {
            (RowRef::Behind(step, alias), Some((first, rest))) if step == first => (Start::Alias(alias.clone()), rest),
            _ => (Start::Row(row), steps),
        }
    }

    /// A path that ends in a field, as a scalar subquery.
    pub(super) fn scalar(&mut self, row: usize, steps: &[PathStep], field: FieldIx) -> String {
        let entity = self.model.step_target(steps[steps.len() - 1]);
        let (start, steps) = self.start(row, steps);
        if let (Start::Alias(alias), []) = (&start, steps) {
            return format!("{}.{}", quote::ident(alias), column(self.model, entity, field));
        }
        let chain = self.chain(steps);
        let tie = self.tie(&start, steps[0], &chain.first);
        let name = column(self.model, chain.target, field);
        format!("(select {}.{name} from {} where {tie})", quote::ident(&chain.last), chain.from)
    }

    /// `exists path (condition)` as SQL that reads the tables itself.
    pub(super) fn exists(&mut self, row: usize, steps: &[PathStep], condition: &ast::Expr) -> String {
        let (start, steps) = self.start(row, steps);
        if steps.is_empty() {
            // The row that the step leads to is at hand: what is asked of it is asked directly.
            let Start::Alias(last) = start else { return "true".into() };
            let target = match &self.rows[row] {
                RowRef::Behind(step, _) => self.model.step_target(*step),
                _ => return "true".into(),
            };
            let chain = Chain { from: String::new(), first: last.clone(), last, target };
            return self.inside(&chain, condition);
        }
        let chain = self.chain(steps);
        let tie = self.tie(&start, steps[0], &chain.first);
        let condition = self.inside(&chain, condition);
        format!("exists (select 1 from {} where {tie} and {condition})", chain.from)
    }

    /// A condition over the last table of a chain, parenthesized where it has to be.
    pub fn inside(&mut self, chain: &Chain, condition: &ast::Expr) -> String {
        let scope = self.scope.inside("", chain.target);
        let mut rows = vec![RowRef::Prefixed(chain.last.clone())];
        rows.extend(self.rows.iter().cloned());
        let outer = (std::mem::replace(&mut self.scope, scope), std::mem::replace(&mut self.rows, rows));
        let text = self.text(condition);
        (self.scope, self.rows) = outer;
        if is_loose(condition) { format!("({text})") } else { text }
    }
}
