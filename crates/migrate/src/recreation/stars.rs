//! What asks for whatever columns there are, when there are others.

use super::{Cause, Recreation};
use crate::place::OldPlace;
use crate::planner::Builder;
use specc_analysis::catalog::Known;
use specc_analysis::{Reference, Target};
use specc_catalog::{Body, Object, TableName, View};
use specc_sql::Statement;
use specc_sql::quote::ident;

impl Builder<'_, '_> {
    /// A table that has changed may have its columns in another order than the spec: a view that is made over it and reads `*`
    /// is given them in the order of the spec, as it has them in a database that is made anew.
    pub(crate) fn spell_out_stars(&mut self) {
        let texts = Known::new(self.to.catalog);
        for node in self.nodes.ids() {
            let (Statement::Create(Object::View(view)) | Statement::Replace(Object::View(view))) =
                &self.nodes[node].statement
            else {
                continue;
            };
            if !view.query.contains('*') {
                continue;
            }
            let found = texts.of_query(&view.query).references;
            if let Some(query) = self.spelled_out(&view.query, &found) {
                let view = self.arena.object(View { query: query.into(), ..view.clone() });
                self.nodes[node].statement = match self.nodes[node].statement {
                    Statement::Replace(_) => Statement::Replace(view),
                    _ => Statement::Create(view),
                };
            }
        }
    }

    /// A query with the columns of tables in the place of `*`, where each `*` is of one table.
    fn spelled_out(&self, query: &str, references: &[Reference]) -> Option<String> {
        let mut stars: Vec<(usize, &specc_catalog::Qualified)> = Vec::new();
        for reference in references {
            if let Target::Columns(of) = &reference.target
                && query.get(reference.start..reference.end) == Some("*")
            {
                stars.push((reference.start, of));
            }
        }
        stars.sort_unstable();
        let is_alone = |at: usize| stars.iter().filter(|(other, _)| *other == at).count() == 1;
        let (mut out, mut copied) = (String::new(), 0);
        for &(at, of) in stars.iter().filter(|(at, _)| is_alone(*at)) {
            let name = TableName::new(of.schema.clone(), of.name.clone());
            // A new one has them in the order of the spec.
            let Some(table) = self.to.table(&name).filter(|_| self.from.table(&name).is_some()) else { continue };
            let before = &query[copied..at];
            // What it is called by, as it is written.
            let row = match before.strip_suffix('.') {
                Some(before) => {
                    let start =
                        before.rfind(|c: char| c.is_whitespace() || matches!(c, ',' | '(')).map_or(0, |at| at + 1);
                    &before[start..]
                }
                None => "",
            };
            if row.contains('"') {
                return None;
            }
            let dot = if row.is_empty() { "" } else { "." };
            out.push_str(&before[..before.len() - row.len() - dot.len()]);
            let columns: Vec<String> =
                table.columns.iter().map(|column| format!("{row}{dot}{}", ident(&column.name))).collect();
            out.push_str(&columns.join(", "));
            copied = at + 1;
        }
        out.push_str(&query[copied..]);
        (copied > 0).then_some(out)
    }
}

impl Recreation<'_, '_> {
    /// Views that read `*` are made again, and functions whose bodies Postgres has read are read again. A view that is not
    /// materialized is given the new name of a column like one that spells it out.
    pub(super) fn grown(&mut self, table: OldPlace, renamed: bool, work: &mut Vec<Cause>) {
        for (other, _) in self.dependents.get(&table).cloned().unwrap_or_default() {
            if self.apart.contains(&other) {
                continue;
            }
            match self.from.object(other) {
                Some(view @ Object::View(o)) if (o.materialized || !renamed) && self.texts.has_star(view) => {
                    self.recreate(other, work);
                }
                Some(function @ Object::Function(o))
                    if matches!(o.body, Body::Atomic(_))
                        && !self.changed.contains(&other)
                        && self.texts.has_star(function) =>
                {
                    let pair = self.twin(other).map(|new| (other, new));
                    self.actions.reread.extend(pair.filter(|pair| !self.actions.reread.contains(pair)));
                }
                _ => {}
            }
        }
    }

    /// The materialized views that are made again because of what they read with `*`, or of names that Postgres would keep, by
    /// old places.
    pub fn grown_views(&self, work: &[Cause]) -> Vec<OldPlace> {
        let all = work.iter().flat_map(|cause| {
            let (table, is_star) = match cause {
                Cause::Grown(table, _) => (table, true),
                Cause::Called(object) => (object, false),
                _ => return Vec::new(),
            };
            let is_one = |other: OldPlace| match self.from.object(other) {
                Some(view @ Object::View(o)) if o.materialized && is_star => self.texts.has_star(view),
                Some(Object::View(o)) => o.materialized && !is_star && self.carries(other),
                _ => false,
            };
            let dependents = self.dependents.get(table).into_iter().flatten();
            dependents.map(|(other, _)| *other).filter(|&other| is_one(other)).collect()
        });
        all.collect()
    }

    /// Looks at the causes as if these views read nothing with `*`.
    pub fn leave_apart(&mut self, views: impl Iterator<Item = OldPlace>) {
        self.apart = views.collect();
    }
}
