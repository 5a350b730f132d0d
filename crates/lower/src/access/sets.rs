//! Conditions on other tables as sets of keys: `column = any ((select helper())::uuid[])`.
//!
//! A set becomes a helper when all is known that goes into it: conditions of which one has to hold and that find rows by
//! the same column are one set, and who may see everything gets all keys of the table that the column refers to.

use super::condition::{Asked, Found, Shaped, Shaper};
use super::helpers::Answer;
use super::lookups::Lookup;
use crate::expr::{Between, Chain, Frame, RowRef, column, qualified};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_model::formula::{Exists, Formula, Level, Operator};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx, Relation};
use specc_sql::{push_type, quote};

/// A column of an entity.
type Column = (EntityId, FieldIx);

/// Keys that the owner looks up.
pub(super) struct Set {
    /// Columns of the guarded row, and what is compared with each.
    links: Vec<(Column, Column)>,
    queries: Vec<Query>,
}

/// A query that gives keys.
struct Query {
    /// Up to its `from` list.
    select: String,
    /// What has to hold, each by itself.
    conditions: Vec<String>,
    asked: Asked,
}

impl Query {
    /// Whether it gives all keys that `other` gives.
    fn covers(&self, other: &Query) -> bool {
        self.select == other.select && self.conditions.iter().all(|c| other.conditions.contains(c))
    }

    fn sql(&self) -> String {
        format!("{}\n  where {}", self.select, self.conditions.join(" and "))
    }
}

impl Set {
    /// The column of the guarded row, where it is one.
    fn column(&self) -> Option<Column> {
        match self.links[..] {
            [(ours, _)] => Some(ours),
            _ => None,
        }
    }

    /// Takes a query in, unless another gives its keys already.
    fn add(&mut self, query: Query) {
        if !self.queries.iter().any(|other| other.covers(&query)) {
            self.queries.retain(|other| !query.covers(other));
            self.queries.push(query);
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
        let shortcut = steps.get(1).filter(|second| behind.is_empty() && folder.turns(first, **second, all));
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
            let parts = exists.condition.bare().chain(&Operator::And);
            conditions.extend(parts.into_iter().map(|part| folder.inside(&chain, part)));
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
        // With a null among the keys `not column = any (keys)` is true of no row.
        let may_be_null = |(entity, field): &Column| model.entity(*entity).fields[*field].nullable;
        let null = links.iter().zip(&keys).filter(|((_, theirs), _)| self.exact && may_be_null(theirs));
        conditions.extend(null.map(|(_, key)| format!("{key} is not null")));
        let select = select(&keys.join(", "), &chain);
        let conditions = chain.visible.iter().cloned().chain(conditions).collect();
        folder.aliased.extend(links.iter().map(|(_, (_, key))| (chain.first.clone(), *key)));
        let through = chain.between.iter().filter_map(|Between { alias, entity, by }| {
            let reads = folder.aliased.iter().filter(|(of, _)| of == alias).map(|(_, field)| *field);
            matches!(by[..], [_]).then(|| Lookup { entity: *entity, field: by[0], reads: reads.collect() })
        });
        let through: Vec<Lookup> = through.collect();
        let mut met = Asked::of(folder);
        met.reads = chain.tables.iter().copied().chain(met.reads).collect();
        columns.extend(links.iter().map(|((e, f), _)| model.entity(*e).fields[*f].name.clone()));
        self.lookups.extend(through);
        let (entity, field) = links.first()?.0;
        self.lookups.push(Lookup::by(entity, field));
        if let Some((exists, _)) = asked {
            self.index_in(chain.target, &exists.condition);
        }
        let set = Set { links, queries: vec![Query { select, conditions, asked: met }] };
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
        let types: Vec<DataType> = set.links.iter().map(|link| data_type(model, &key(link).ty)).collect();
        let body = set.queries.iter().map(Query::sql).collect::<Vec<_>>().join("\n  union all\n  ");
        let Some(asked) = set.queries.into_iter().map(|query| query.asked).reduce(|mut all, asked| {
            all.add(asked);
            all
        }) else {
            return Shaped::scan("false".into(), Level::ATOM);
        };
        let ours: Vec<_> = set.links.iter().map(|((entity, field), _)| column(model, *entity, *field)).collect();
        let (sql, found) = match (ours.as_slice(), &set.links[..], types.as_slice()) {
            ([one], [((entity, field), _)], [ty]) if ty.dims == 0 => {
                let equals = self.folder(&Frame::default(), &RowRef::Bare).equals(*entity, *field);
                let keys = DataType { args: Vec::new(), dims: 1, ..ty.clone() };
                let call = self.helper(Vec::new(), Answer::Keys(keys.clone()), body, asked);
                let mut sql = format!("{one} {equals} any ((select {call}())::");
                push_type(&mut sql, &keys);
                sql.push(')');
                (sql, Found::Column(*field))
            }
            (many, links, _) => {
                let names: Vec<SmolStr> = links.iter().map(|link| format!("key_{}", key(link).name).into()).collect();
                let outs: Vec<_> = names.iter().map(|name| format!("h.{}", quote::ident(name))).collect();
                let columns = names.iter().cloned().zip(types).collect();
                let call = self.helper(Vec::new(), Answer::Rows(columns), body, asked);
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
                (Some(same), Found::Set(set)) => set.queries.into_iter().for_each(|query| same.add(query)),
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
        let select = format!("select {alias}.{key}\n  from {table} as {alias}");
        asked.reads.push(parent.to);
        let query = Query { select, conditions: vec![condition.to_owned()], asked };
        let set = Set { links: vec![(ours, theirs)], queries: vec![query] };
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
        let query = format!("{}\n  where {}", select(&keys.join(", "), &chain), chain.conditions([], &condition));
        let view = self.helper(Vec::new(), Answer::View, query, met);
        // The policy's own table is named beside it.
        let first = if first == *own { SmolStr::from(format!("{first}_2")) } else { first };
        let (alias, own) = (quote::ident(&first), quote::ident(own));
        let tie: Vec<_> = links
            .iter()
            .map(|((e, ours), (to, theirs))| {
                let equals = self.folder(frame, &RowRef::Bare).equals(*to, *theirs);
                let (ours, theirs) = (column(self.model, *e, *ours), column(self.model, *to, *theirs));
                format!("{alias}.{theirs} {equals} {own}.{ours}")
            })
            .collect();
        columns.extend(links.iter().map(|((e, f), _)| self.model.entity(*e).fields[*f].name.clone()));
        Shaped::scan(format!("exists (select from {view} as {alias} where {})", tie.join(" and ")), Level::ATOM)
    }
}

fn select(keys: &str, chain: &Chain) -> String {
    format!("select {keys}\n  from {}", chain.from)
}
