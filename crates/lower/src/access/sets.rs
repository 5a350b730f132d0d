//! Conditions on other tables as sets of keys: `column = any (array(select helper()))`.
//!
//! A set becomes a helper when all is known that goes into it: conditions of which one has to hold and that find rows by
//! the same column are one set, and who may see everything gets all keys of the table that the column refers to.

use super::condition::{Asked, Found, Shaped, Shaper};
use crate::expr::{Chain, Frame, RowRef, column, qualified};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog::Returns;
use specc_model::formula::{Exists, Formula, Level};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx, Relation};
use specc_sql::quote;

/// A column of an entity.
type Column = (EntityId, FieldIx);

/// Keys that the owner looks up.
pub(super) struct Set {
    /// Columns of the guarded row, and what is compared with each.
    links: Vec<(Column, Column)>,
    /// Queries that give keys.
    queries: Vec<String>,
    asked: Asked,
}

impl Set {
    /// The column of the guarded row, where it is one.
    fn column(&self) -> Option<Column> {
        match self.links[..] {
            [(ours, _)] => Some(ours),
            _ => None,
        }
    }
}

impl Shaper<'_> {
    /// The keys of the rows for which conditions hold: `asked` over the last table of `steps`, `behind` over what lies
    /// behind the first of them. None where the answer depends on the guarded row.
    pub(super) fn set(
        &mut self,
        steps: &[PathStep],
        asked: Option<(&Exists, &Frame)>,
        behind: &[&(&Formula, Frame)],
        columns: &mut Vec<SmolStr>,
    ) -> Option<Shaped> {
        let model = self.model;
        let first = *steps.first()?;
        let all = asked.is_some_and(|(exists, _)| exists.including_deleted);
        let mut folder =
            self.folder(asked.map(|(_, frame)| frame).or(behind.first().map(|part| &part.1))?, &RowRef::Params);
        // Where the way leads to a table and straight back from it, the table in the middle says nothing new.
        let shortcut = steps.get(1).filter(|second| {
            let (a, b) = (model.relation(first.relation), model.relation(second.relation));
            let hides = model.entity(a.to).visible.is_some() && !all;
            !first.back && second.back && a.to_fields == b.to_fields && !hides && behind.is_empty()
        });
        let (links, walk) = match shortcut {
            Some(second) => {
                let (a, b) = (model.relation(first.relation), model.relation(second.relation));
                let ours = a.fields.iter().map(|f| (a.from, *f));
                let theirs = b.fields.iter().map(|f| (b.from, *f));
                (ours.zip(theirs).collect(), &steps[1..])
            }
            None => (folder.link_fields(first), steps),
        };
        let chain = folder.chain(walk, all);
        let mut conditions = Vec::new();
        if let Some((exists, _)) = asked {
            conditions.push(folder.inside(&chain, &exists.condition));
        }
        for (formula, frame) in behind {
            folder.frame = frame.rebased(&RowRef::Behind(first, chain.first.clone()));
            conditions.push(folder.operand(formula));
        }
        if !folder.params.is_empty() {
            return None;
        }
        let keys: Vec<_> = links
            .iter()
            .map(|(_, (entity, field))| format!("{}.{}", quote::ident(&chain.first), column(model, *entity, *field)))
            .collect();
        let query = select(&keys.join(", "), &chain, &conditions.join(" and "));
        let mut met = Asked::of(folder);
        met.reads = walk.iter().map(|s| model.step_target(*s)).chain(met.reads).collect();
        columns.extend(links.iter().map(|((e, f), _)| model.entity(*e).fields[*f].name.clone()));
        self.indexes.push(links.first()?.0);
        if let Some((exists, _)) = asked {
            self.index_in(chain.target, &exists.condition);
        }
        let set = Set { links, queries: vec![query], asked: met };
        Some(Shaped { sql: String::new(), level: Level::COMPARE, found: Found::Set(Box::new(set)) })
    }

    /// A condition as it stands in the policy: the helper of a set is made, what asks for the session is noted.
    pub(super) fn settle(&mut self, shaped: Shaped) -> Shaped {
        let model = self.model;
        let set = match shaped.found {
            Found::Set(set) => *set,
            Found::Session(asked) => {
                self.note(*asked);
                return Shaped { found: Found::Scan, ..shaped };
            }
            _ => return shaped,
        };
        let key = |(_, (entity, field)): &(Column, Column)| &model.entity(*entity).fields[*field];
        let returns = match set.links.as_slice() {
            [one] => Returns::SetOf(data_type(model, &key(one).ty)),
            many => Returns::Table(
                many.iter()
                    .map(|link| (format!("key_{}", key(link).name).into(), data_type(model, &key(link).ty)))
                    .collect(),
            ),
        };
        let call = self.helper(Vec::new(), Some(returns), set.queries.join("\n  union\n  "), set.asked);
        let ours: Vec<_> = set.links.iter().map(|((entity, field), _)| column(model, *entity, *field)).collect();
        let (sql, found) = match (ours.as_slice(), &set.links[..]) {
            ([one], [((_, field), _)]) => (format!("{one} = any (array(select {call}()))"), Found::Column(*field)),
            (many, links) => {
                let outs: Vec<_> = links
                    .iter()
                    .map(|link| format!("h.{}", quote::ident(&format!("key_{}", key(link).name))))
                    .collect();
                (format!("({}) in (select {} from {call}() as h)", many.join(", "), outs.join(", ")), Found::Scan)
            }
        };
        Shaped { sql, level: Level::COMPARE, found }
    }

    /// Conditions of which one has to hold, with as few sets as will do. One that asks who is asking and nothing of the row
    /// would have every row looked at, although the others find theirs by an index; so it becomes all keys that a column of
    /// them can have, or none.
    pub(super) fn united(&mut self, shaped: Vec<Shaped>) -> Vec<Shaped> {
        let by_index = shaped.iter().all(|part| !matches!(part.found, Found::Scan));
        let parent = shaped.iter().filter_map(|part| self.refers(part)).max_by_key(|relation| {
            let team = Some(relation.to) != self.model.viewer;
            (team, std::cmp::Reverse(relation.id))
        });
        let mut united: Vec<Shaped> = Vec::new();
        for part in shaped {
            let part = match (part.found, parent) {
                (Found::Session(asked), Some(parent)) if by_index => self.all_or_none(parent, *asked, &part.sql),
                (found, _) => Shaped { found, ..part },
            };
            let Found::Set(set) = &part.found else {
                united.push(part);
                continue;
            };
            let same = united.iter_mut().find_map(|other| match &mut other.found {
                Found::Set(other) if other.column().is_some() && other.column() == set.column() => Some(other),
                _ => None,
            });
            match (same, part.found) {
                (Some(same), Found::Set(set)) => {
                    let more: Vec<_> = set.queries.into_iter().filter(|q| !same.queries.contains(q)).collect();
                    same.queries.extend(more);
                    same.asked.add(set.asked);
                }
                (_, found) => united.push(Shaped { found, ..part }),
            }
        }
        united
    }

    /// The reference by which every row that satisfies a condition is found, and that no row lacks.
    fn refers(&self, shaped: &Shaped) -> Option<&Relation> {
        let model = self.model;
        let field = match &shaped.found {
            Found::Column(field) => *field,
            Found::Set(set) => set.column().filter(|(entity, _)| *entity == self.entity)?.1,
            _ => return None,
        };
        let field = &model.entity(self.entity).fields[field];
        let relation = model.relation(field.relation?);
        let sure = !field.nullable && !model.entity(relation.to).external && relation.fields.len() == 1;
        sure.then_some(relation)
    }

    /// All keys of the table that `parent` leads to, where `condition` holds, which asks only who is asking.
    fn all_or_none(&self, parent: &Relation, mut asked: Asked, condition: &str) -> Shaped {
        let (ours, theirs) = ((parent.from, parent.fields[0]), (parent.to, parent.to_fields[0]));
        let alias = quote::ident(&parent.path);
        let key = column(self.model, theirs.0, theirs.1);
        let table = qualified(&self.model.entity(parent.to).name);
        let query = format!("select {alias}.{key}\n  from {table} as {alias}\n  where {condition}");
        asked.reads.push(parent.to);
        let set = Set { links: vec![(ours, theirs)], queries: vec![query], asked };
        Shaped { sql: String::new(), level: Level::COMPARE, found: Found::Set(Box::new(set)) }
    }

    /// Conditions on one related row. Where who is asking matters, the related rows that satisfy them are few: a set of
    /// keys. Where it does not, they may be most of the table, and the one row is looked up by its key.
    pub(super) fn related(
        &mut self,
        parts: &[&Formula],
        step: PathStep,
        frame: &Frame,
        columns: &mut Vec<SmolStr>,
    ) -> Shaped {
        let Some(whole) = Formula::all(parts) else { return Shaped::scan("true".into(), Level::ATOM) };
        let mut survey = self.folder(frame, &RowRef::Bare);
        survey.text(&whole);
        let asks_who = survey.session.any();
        drop(survey);
        if self.exact {
            return self.per_row(&whole, frame, columns);
        }
        let behind = (&whole, frame.clone());
        if asks_who && let Some(set) = self.set(&[step], None, &[&behind], columns) {
            return set;
        }
        let mut folder = self.folder(frame, &RowRef::Params);
        let chain = folder.chain(&[step], false);
        folder.frame = folder.frame.rebased(&RowRef::Behind(step, chain.last.clone()));
        let condition = folder.operand(&whole);
        let links = folder.link_fields(step);
        let met = Asked::of(folder);
        // A link that is asked about is a column of the guarded row: the answer is its own.
        if !met.params.is_empty() {
            return self.per_row(&whole, frame, columns);
        }
        let own = &self.model.entity(self.entity).name.name;
        let first = chain.first.clone();
        let keys = links.iter().map(|(_, (e, f))| format!("{}.{}", quote::ident(&first), column(self.model, *e, *f)));
        let keys: Vec<_> = keys.collect();
        let view = self.helper(Vec::new(), None, select(&keys.join(", "), &chain, &condition), met);
        // The policy's own table is named beside it.
        let first = if first == *own { SmolStr::from(format!("{first}_2")) } else { first };
        let (alias, own) = (quote::ident(&first), quote::ident(own));
        let tie: Vec<_> = links
            .iter()
            .map(|((e, ours), (to, theirs))| {
                let (ours, theirs) = (column(self.model, *e, *ours), column(self.model, *to, *theirs));
                format!("{alias}.{theirs} = {own}.{ours}")
            })
            .collect();
        columns.extend(links.iter().map(|((e, f), _)| self.model.entity(*e).fields[*f].name.clone()));
        Shaped::scan(format!("exists (select from {view} as {alias} where {})", tie.join(" and ")), Level::ATOM)
    }
}

fn select(keys: &str, chain: &Chain, condition: &str) -> String {
    format!("select {keys}\n  from {}\n  where {}", chain.from, chain.conditions([], condition))
}
