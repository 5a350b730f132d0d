//! What tables promise of their rows: not null, keys, uniques, checks, exclusions, references and what follows a deletion,
//! defaults. A row that a table takes is changed a little, so that it is refused by one of them alone, or by none.
//!
//! No trigger fires meanwhile, and the owner asks: only constraints speak.

mod edges;
mod gone;
mod held;

pub(crate) use edges::values;
pub(crate) use held::refers;

use crate::rows::{Asked, NULL, Placed, Spelled, base, tables, together};
use crate::{Promised, Race, Run, Skipped, Suite, Try, Wanted};
use held::{Held, Holder, Promise};
use rayon::prelude::*;
use specc_facts::{Family, Volatility};
use specc_model::{Entity, FieldIx, Model, RuleAction};
use specc_prove::{Case, Crowd, Crowds, Fill, Samples, name};
use std::collections::BTreeSet;

/// So many refusals by a check are tried, and so many rows that it takes.
const EACH: usize = 8;

/// No more pairs of values are tried for one check.
const PAIRS: usize = 400;

/// Rows that are inserted one after the other, and what that is about.
struct Candidate {
    rows: Vec<Placed>,
    about: String,
    aim: Aim,
}

/// Why it is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Whatever comes of it.
    Any,
    /// As one of many for this check.
    Check(usize),
}

/// Tests of the constraints of the entities of `only`. `server` says what conditions of the author's are for a row.
pub fn constraints(model: &Model, samples: &Samples, only: &dyn Fn(&Entity) -> bool, server: &mut dyn Asked) -> Suite {
    let fill = Fill::new(model, samples);
    let mut suite = Suite { name: "constraints", ..Suite::default() };
    let own: Vec<&Entity> = model.entities.iter().filter(|entity| !entity.external && only(entity)).collect();
    let crowds = Crowds::new(model);
    let made: Vec<_> = own.par_iter().map(|entity| cases(model, &crowds, entity)).collect();
    for (entity, made) in own.into_iter().zip(made) {
        let mut maker = Maker::new(model, entity, &mut suite);
        for (case, about) in made {
            let placed = case.and_then(|case| Placed::of(&case, &fill, entity.id));
            match placed {
                Ok((rows, places)) if !places.is_empty() => maker.tried(&rows, &places, about, server),
                Ok(_) => maker.skip("it has no row".to_owned(), about),
                Err(why) => maker.skip(why, about),
            }
        }
        maker.end();
    }
    suite
}

/// What rows are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Whatever can be tried with them.
    All,
    /// A unique that only some rows are asked for: two of those.
    Unique(usize),
    /// A check that the row breaks.
    Check(usize),
}

/// Rows of an entity: three, or as many as there can be, and those that are made for one thing.
type Cases = Vec<(Result<Case, String>, About)>;

fn cases(model: &Model, crowds: &Crowds<'_>, entity: &Entity) -> Cases {
    let make = |rows: usize| crowds.make(entity.id, &Crowd { rows, ..Crowd::default() });
    let mut all = vec![(make(3).or_else(|_| make(2)).or_else(|_| make(1)), About::All)];
    for (at, set) in Holder::new(model, entity).uniques().iter().enumerate() {
        if let Some(filter) = set.filter {
            let wanted = Crowd { rows: 2, holds: vec![filter], ..Crowd::default() };
            all.push((crowds.make(entity.id, &wanted), About::Unique(at)));
        }
    }
    // Where no other check reads the same, the edges of one column are enough.
    let reads: Vec<_> = entity.checks.iter().map(|check| check.expr.formula.columns()).collect();
    let several = |at: &usize| {
        let shared = |nth: usize| nth != *at && reads[nth].iter().any(|column| reads[*at].contains(column));
        reads[*at].len() > 1 || (0..reads.len()).any(shared)
    };
    for at in (0..entity.checks.len()).filter(several) {
        let wanted = Crowd { rows: 1, breaks: Some(at), ..Crowd::default() };
        all.push((crowds.make(entity.id, &wanted), About::Check(at)));
    }
    all
}

struct Maker<'m, 's> {
    model: &'m Model,
    entity: &'m Entity,
    holder: Holder<'m>,
    suite: &'s mut Suite,
    /// The places of the promises in the suite, in the order of [`Holder`].
    promised: Vec<(Promise, usize)>,
    /// Those that a test sees.
    seen: BTreeSet<usize>,
    why: Vec<String>,
}

impl<'m, 's> Maker<'m, 's> {
    fn new(model: &'m Model, entity: &'m Entity, suite: &'s mut Suite) -> Self {
        let holder = Holder::new(model, entity);
        let mut made =
            Self { model, entity, holder, suite, promised: Vec::new(), seen: BTreeSet::new(), why: Vec::new() };
        for (at, field) in entity.fields.iter().enumerate().filter(|(_, field)| is_asked(model, field)) {
            made.promise(Promise::NotNull(at), format!("`{}` is not null", field.name), field.meta.span);
        }
        for (at, check) in entity.checks.iter().enumerate() {
            made.promise(Promise::Check(at), format!("check `{}`", check.name), check.span);
        }
        let spans: Vec<_> = {
            let key = entity.key.iter().map(|key| ("key", key.span));
            let uniques = entity.uniques.iter().map(|unique| ("unique", unique.span));
            let indexes = entity.indexes.iter().filter(|index| index.unique).map(|index| ("unique", index.span));
            key.chain(uniques).chain(indexes).collect()
        };
        for (at, (word, span)) in spans.into_iter().enumerate() {
            // What another says already shows by no row.
            if made.holder.is_implied(at) {
                continue;
            }
            let what = format!("{word} `{}`", made.holder.uniques()[at].name);
            made.promise(Promise::Unique(at), what, span);
        }
        for (at, exclude) in entity.excludes.iter().enumerate() {
            made.promise(Promise::Exclude(at), format!("exclude `{}`", exclude.name), exclude.span);
        }
        let domains: Vec<_> = made.holder.domains().collect();
        for (promise, check) in domains {
            let Promise::Domain(at, _) = promise else { continue };
            let field = &entity.fields[at];
            made.promise(promise, format!("check `{check}` of the domain of `{}`", field.name), field.meta.span);
        }
        for id in &entity.outgoing {
            let relation = model.relation(*id);
            made.promise(Promise::Reference(*id), format!("reference `{}`", relation.constraint), relation.span);
        }
        made
    }

    fn promise(&mut self, promise: Promise, what: String, span: specc_diag::Span) {
        self.promised.push((promise, self.suite.promises.len()));
        self.suite.promises.push(Promised { entity: name(self.model, self.entity.id), what, span });
    }

    fn place(&self, promise: &Promise) -> Option<usize> {
        self.promised.iter().find(|(other, _)| other == promise).map(|(_, at)| *at)
    }

    /// What it is about is listed in the end, unless something else shows it.
    fn skip(&mut self, why: String, about: About) {
        if about == About::All {
            self.why.push(why);
        }
    }

    /// What is tried with these rows: the first is there, others are inserted.
    fn tried(&mut self, rows: &[Placed], places: &[usize], about: About, server: &mut dyn Asked) {
        let own: Vec<&Placed> = places.iter().map(|at| &rows[*at]).collect();
        // Where there is one row at most, it is the one that is tried.
        let (first, target) = match own.as_slice() {
            [only] => (None, *only),
            [first, second, ..] => (Some(*first), *second),
            [] => return,
        };
        let there: Vec<&Placed> = rows.iter().filter(|row| row.entity != self.entity.id).chain(first).collect();
        let mut candidates = match (about, first) {
            (About::Unique(set), Some(first)) => self.alike(set, first, target, None),
            (About::Unique(_), None) => return,
            (About::Check(at), _) => {
                let about = format!("check `{}`", self.entity.checks[at].name);
                vec![Candidate { rows: vec![target.clone()], about, aim: Aim::Check(at) }]
            }
            (About::All, _) => self.candidates(first, target, own.get(2).copied()),
        };
        self.holder.learn(there.iter().copied().chain(candidates.iter().flat_map(|one| &one.rows)), server);
        if about == About::All {
            let pairs = self.pairs(target, &candidates, &there);
            self.holder.learn(pairs.iter().flat_map(|one| &one.rows), server);
            candidates.extend(pairs);
        }
        let mut compared: Vec<(Placed, Placed)> = Vec::new();
        if !self.entity.excludes.is_empty() {
            for one in &candidates {
                let mut others: Vec<&Placed> =
                    there.iter().copied().filter(|other| other.entity == self.entity.id).collect();
                for row in &one.rows {
                    compared.extend(others.iter().map(|other| (row.clone(), (*other).clone())));
                    others.push(row);
                }
            }
        }
        self.holder.compare(&compared, server);
        let mut tries = Vec::new();
        let mut counts = vec![(0, 0); self.entity.checks.len()];
        for one in candidates {
            if let Some(made) = self.one(&there, &one, &mut counts) {
                tries.push(made);
            }
        }
        if about == About::All {
            tries.extend(self.defaults(target));
        }
        if let (About::Unique(set), Some(first)) = (about, first) {
            self.race(&there, first, set, &tries);
        }
        self.run(&there, tries, "rows");
        if about == About::All
            && let Some(first) = first
        {
            // The row that is there is not loaded for all tests in vain.
            let above: Vec<&Placed> = there.iter().copied().filter(|row| row.entity != self.entity.id).collect();
            let alone = Candidate { rows: vec![first.clone()], about: "the first row".to_owned(), aim: Aim::Any };
            // In a circle nothing is there without it.
            let needs = |row: &&Placed| {
                let mut references = self.model.entity(row.entity).outgoing.iter();
                references.any(|id| refers(self.model, row, *id, first))
            };
            let alone = if above.iter().any(needs) { None } else { self.one(&above, &alone, &mut counts) };
            self.run(&above, alone.into_iter().collect(), "no row");
        }
        if about == About::All
            && let Some(first) = first
        {
            let tries = self.gone(&there, first, server);
            self.run(&there, tries, "rows that go");
        }
    }

    /// Two insert at once what only one of them may.
    fn race(&mut self, there: &[&Placed], first: &Placed, set: usize, tries: &[Try]) {
        let Some(place) = self.place(&Promise::Unique(set)) else { return };
        let Some(one) = tries.iter().find(|one| one.sees == [place]) else { return };
        let above: Vec<&Placed> = there.iter().copied().filter(|row| *row != first).collect();
        let promised = &self.suite.promises[place];
        let (what, span) = (format!("{}: two at once", promised.what), promised.span);
        let table = specc_prove::table(self.model, self.entity.id);
        let mut tables = tables(self.model, above.iter().copied());
        tables.push(table);
        self.suite.races.push(Race {
            entity: name(self.model, self.entity.id),
            what,
            load: above.iter().map(|row| row.insert(self.model)).collect(),
            before: Vec::new(),
            tables,
            only: "^$".to_owned(),
            statements: [first.insert(self.model), one.sql.clone()],
            most: 1,
            refusals: vec!["23505".to_owned()],
            holds: "select true".to_owned(),
            span,
        });
    }

    fn run(&mut self, there: &[&Placed], tries: Vec<Try>, what: &str) {
        if tries.is_empty() {
            return;
        }
        let load: Vec<String> = there.iter().map(|row| row.insert(self.model)).collect();
        let table = specc_prove::table(self.model, self.entity.id);
        let mut tables = tables(self.model, there.iter().copied());
        if !tables.contains(&table) {
            tables.push(table.clone());
        }
        self.suite.runs.push(Run {
            entity: name(self.model, self.entity.id),
            tables,
            load: together(&load),
            table,
            only: Some("^$".to_owned()),
            lines: vec![what.to_owned()],
            rules: vec![self.entity.meta.span],
            tries,
            ..Run::default()
        });
    }

    /// A candidate as a try, if it is known what comes of it and that says something new.
    fn one(&mut self, there: &[&Placed], one: &Candidate, counts: &mut [(usize, usize)]) -> Option<Try> {
        let mut present: Vec<&Placed> = there.to_vec();
        let mut comes = Held::Taken;
        for (at, row) in one.rows.iter().enumerate() {
            comes = self.holder.insert(&present, row);
            // Only the last may be refused.
            if comes != Held::Taken && at + 1 < one.rows.len() {
                return None;
            }
            present.push(row);
        }
        let mut sees = Vec::new();
        let expected = match comes {
            Held::Unknown => return None,
            Held::Taken => {
                if let Aim::Check(at) = one.aim {
                    counts[at].1 += 1;
                    if counts[at].1 > EACH {
                        return None;
                    }
                }
                Wanted::Rows(1)
            }
            Held::Refused { state, by, breaks } => {
                if let Aim::Check(at) = one.aim {
                    if breaks != [Promise::Check(at)] || counts[at].0 >= EACH {
                        return None;
                    }
                    counts[at].0 += 1;
                }
                if let [only] = breaks.as_slice() {
                    sees.extend(self.place(only));
                }
                Wanted::Refused { states: vec![state], by }
            }
        };
        self.seen.extend(&sees);
        let inserts: Vec<String> = one.rows.iter().map(|row| row.insert(self.model)).collect();
        let sql = format!("{}; set constraints all immediate; select", inserts.join("; "));
        Some(Try { command: RuleAction::Insert, sql, expected, about: one.about.clone(), sees })
    }

    fn candidates(&self, first: Option<&Placed>, target: &Placed, third: Option<&Placed>) -> Vec<Candidate> {
        let (model, entity) = (self.model, self.entity);
        let mut all = vec![Candidate { rows: vec![target.clone()], about: "a row".to_owned(), aim: Aim::Any }];
        let mut add = |row: Placed, about: String, aim: Aim| all.push(Candidate { rows: vec![row], about, aim });
        let divides = divides(entity);
        for (at, field) in entity.fields.iter().enumerate() {
            let free = field.generated.is_none() && field.identity.is_none();
            if !free || divides.contains(&at) || field.nullable && target.is_null(model, at) {
                continue;
            }
            add(target.with([(at, NULL.to_owned())]), format!("`{}` is null", field.name), Aim::Any);
        }
        for (at, check) in entity.checks.iter().enumerate() {
            for field in self.columns(at) {
                for value in edges::values(model, &check.expr.formula, target, field) {
                    let about = format!("check `{}`: `{}`", check.name, entity.fields[field].name);
                    add(target.with([(field, value)]), about, Aim::Check(at));
                }
            }
        }
        for (at, field) in entity.fields.iter().enumerate() {
            let specc_model::Base::Domain(id) = &field.ty.base else { continue };
            for check in &model.domains[id.0 as usize].checks {
                for value in edges::values(model, &check.expr.formula, target, at) {
                    add(target.with([(at, value)]), format!("domain of `{}`", field.name), Aim::Any);
                }
            }
        }
        for id in &entity.outgoing {
            let relation = model.relation(*id);
            let about = format!("reference `{}` to no row", relation.constraint);
            for field in &relation.fields {
                if let Some(value) = nobody(model, entity, *field) {
                    add(target.with([(*field, value)]), about.clone(), Aim::Any);
                }
            }
            let nobody = |field: &FieldIx| Some((*field, nobody(model, entity, *field)?));
            let all: Option<Vec<_>> = relation.fields.iter().map(nobody).collect();
            if let Some(all) = all {
                // Other references that share a column with it lead nowhere.
                let others = entity.outgoing.iter().filter(|other| *other != id).map(|other| model.relation(*other));
                let beside = others.filter(|other| other.fields.iter().any(|field| relation.fields.contains(field)));
                let beside = beside.flat_map(|other| other.fields.iter().copied());
                let empty = beside.filter(|field| !relation.fields.contains(field) && entity.fields[*field].nullable);
                let empty: Vec<_> = empty.map(|field| (field, NULL.to_owned())).collect();
                if all.len() > 1 || !empty.is_empty() {
                    add(target.with(all).with(empty), about, Aim::Any);
                }
            }
        }
        if let Some(first) = first {
            for set in 0..self.holder.uniques().len() {
                all.extend(self.alike(set, first, target, third));
            }
            for exclude in &entity.excludes {
                let fields: Vec<FieldIx> = exclude.elements.iter().filter_map(|(element, _)| element.field()).collect();
                let row = target.like(model, first, &fields);
                let about = format!("exclude `{}`", exclude.name);
                all.push(Candidate { rows: vec![row.clone()], about: about.clone(), aim: Aim::Any });
                for field in &fields {
                    let other = row.with([(*field, target.value(model, *field))]);
                    all.push(Candidate { rows: vec![other], about: about.clone(), aim: Aim::Any });
                }
            }
        }
        all
    }

    /// Rows that are like another in what is unique, and almost.
    fn alike(&self, set: usize, first: &Placed, target: &Placed, third: Option<&Placed>) -> Vec<Candidate> {
        let (model, entity) = (self.model, self.entity);
        let unique = &self.holder.uniques()[set];
        let divides = divides(entity);
        let about = format!("unique `{}`", unique.name);
        let row = target.like(model, first, &unique.reads);
        let mut all = Vec::new();
        let mut add = |rows: Vec<Placed>, what: &str| {
            all.push(Candidate { rows, about: format!("{about}: {what}"), aim: Aim::Any });
        };
        add(vec![row.clone()], "the same");
        // With all of the references that have a column in it.
        let relations = entity.outgoing.iter().map(|id| model.relation(*id));
        let shared = relations.filter(|relation| relation.fields.iter().any(|field| unique.reads.contains(field)));
        let shared: Vec<FieldIx> = shared.flat_map(|relation| relation.fields.iter().copied()).collect();
        if shared.iter().any(|field| !unique.reads.contains(field)) {
            add(vec![row.like(model, first, &shared)], "the same, with its parents");
        }
        for field in &unique.reads {
            let own = &entity.fields[*field];
            if unique.reads.len() > 1 {
                let what = format!("another `{}`", own.name);
                add(vec![row.with([(*field, target.value(model, *field))])], &what);
            }
            let text = base(model, &own.ty) == Some(Family::Text);
            if unique.fields.is_none() && text && !row.is_null(model, *field) {
                let value = format!("upper(({})::text)", row.value(model, *field));
                add(vec![row.with([(*field, value)])], "in capitals");
            }
            if let Some(third) = third.filter(|_| own.nullable && !divides.contains(field)) {
                let second = target.with([(*field, NULL.to_owned())]);
                let third = third.like(model, &second, &unique.reads);
                add(vec![second, third], &format!("`{}` is null in both", own.name));
            }
        }
        all
    }

    /// For checks that nothing breaks when one column changes: two columns at once.
    fn pairs(&self, target: &Placed, tried: &[Candidate], there: &[&Placed]) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (at, check) in self.entity.checks.iter().enumerate() {
            let broken = tried.iter().filter(|one| one.aim == Aim::Check(at)).any(|one| {
                let comes = one.rows.last().map(|row| self.holder.insert(there, row));
                matches!(comes, Some(Held::Refused { breaks, .. }) if breaks == [Promise::Check(at)])
            });
            let columns = self.columns(at);
            if broken || columns.len() < 2 {
                continue;
            }
            let formula = &check.expr.formula;
            let mut count = 0;
            for (nth, a) in columns.iter().enumerate() {
                for value in edges::values(self.model, formula, target, *a) {
                    let row = target.with([(*a, value)]);
                    for b in &columns[nth + 1..] {
                        for value in edges::values(self.model, formula, &row, *b) {
                            count += 1;
                            if count <= PAIRS {
                                let about = format!("check `{}`", check.name);
                                let rows = vec![row.with([(*b, value)])];
                                all.push(Candidate { rows, about, aim: Aim::Check(at) });
                            }
                        }
                    }
                }
            }
        }
        all
    }

    /// The columns of a check that somebody may give a value.
    fn columns(&self, check: usize) -> Vec<FieldIx> {
        let read = self.entity.checks[check].expr.formula.columns().into_iter().map(|(_, field)| field);
        let divides = divides(self.entity);
        read.filter(|field| self.entity.fields[*field].generated.is_none() && !divides.contains(field)).collect()
    }

    /// A row that leaves a column to its default has it.
    fn defaults(&mut self, target: &Placed) -> Vec<Try> {
        let (model, entity) = (self.model, self.entity);
        let mut tries = Vec::new();
        let divides = divides(entity);
        for (at, field) in entity.fields.iter().enumerate() {
            let Some(default) = field.default.as_ref().filter(|_| !divides.contains(&at)) else { continue };
            let (sql, plain) = Spelled::of(model, entity.id, &default.formula, "");
            let mut row = target.clone();
            row.values.remove(&at);
            let is_key = entity.key.as_ref().is_some_and(|key| key.fields.contains(&at));
            if field.maintained.is_some() || !plain {
                continue;
            }
            // Whether a table takes its own defaults is not for the default to say.
            let fits = row.values.len() < target.values.len() || !target.values.contains_key(&at);
            let constant = default.formula.volatility != Volatility::Volatile;
            let own = crate::rows::column(entity, at);
            let question = match row.found(model) {
                Some(found) if constant && !is_key => {
                    let json = base(model, &field.ty) == Some(Family::Json);
                    let is = match json {
                        true => format!("({own})::jsonb is not distinct from ({sql})::jsonb"),
                        false => format!("{own} is not distinct from ({sql})"),
                    };
                    format!("select from {} where {found} and {is}", specc_prove::table(model, entity.id))
                }
                Some(found) if !is_key => {
                    format!("select from {} where {found} and {own} is not null", specc_prove::table(model, entity.id))
                }
                _ => "select".to_owned(),
            };
            let unique = self.holder.uniques().iter().any(|set| set.reads.contains(&at));
            let referred = entity.outgoing.iter().any(|id| model.relation(*id).fields.contains(&at));
            if !fits || referred || unique && constant || self.breaks(&row) {
                continue;
            }
            let place = self.suite.promises.len();
            let what = format!("default of `{}`", field.name);
            self.suite.promises.push(Promised {
                entity: name(model, entity.id),
                what: what.clone(),
                span: field.meta.span,
            });
            self.seen.insert(place);
            tries.push(Try {
                command: RuleAction::Insert,
                sql: format!("{}; {question}", row.insert(model)),
                expected: Wanted::Rows(1),
                about: what,
                sees: vec![place],
            });
        }
        tries
    }

    /// Whether a check that is plain reads a column that the row leaves out.
    fn breaks(&self, row: &Placed) -> bool {
        let entity = self.entity;
        let left = |field: &FieldIx| !row.values.contains_key(field) && entity.fields[*field].default.is_some();
        let reads = |at: &usize| {
            let read = entity.checks[*at].expr.formula.columns();
            read.len() > 1 && read.iter().any(|(_, field)| left(field))
        };
        (0..entity.checks.len()).any(|at| reads(&at) && self.holder.passes(row, at) != Some(true))
    }

    /// Promises that no test sees are not left out silently.
    fn end(mut self) {
        let why = self.why.first().cloned();
        let unseen: Vec<usize> = self.promised.iter().map(|(_, at)| *at).filter(|at| !self.seen.contains(at)).collect();
        for at in unseen {
            let what = self.suite.promises[at].what.clone();
            let why = why.clone().unwrap_or_else(|| "no row was found that breaks nothing else".to_owned());
            let span = Some(self.suite.promises[at].span);
            self.suite.skipped.push(Skipped { entity: name(self.model, self.entity.id), what, why, span });
        }
        self.why.clear();
    }
}

/// Whether a column asks for a value and somebody may fail to give it.
fn is_asked(model: &Model, field: &specc_model::Field) -> bool {
    // Its type refuses it before the table is asked.
    let by_type = matches!(&field.ty.base, specc_model::Base::Domain(id) if !model.domains[id.0 as usize].nullable);
    !by_type && !field.nullable && field.generated.is_none() && field.identity.is_none()
}

/// Columns that say in which part of a table a row is.
fn divides(entity: &Entity) -> BTreeSet<FieldIx> {
    let by = entity.partition_by.iter().flat_map(|by| &by.elements);
    by.flat_map(|element| match &element.on {
        specc_model::On::Field(field) => vec![*field],
        specc_model::On::Expr(expr) => expr.formula.columns().into_iter().map(|(_, field)| field).collect(),
    })
    .collect()
}

/// A key that no row has.
fn nobody(model: &Model, entity: &Entity, field: FieldIx) -> Option<String> {
    Some(match base(model, &entity.fields[field].ty)? {
        Family::Uuid => "'ffffffff-ffff-4fff-bfff-fffffffffff0'".to_owned(),
        family if family.is_number() => "'30999'".to_owned(),
        Family::Text => "'nobody-0'".to_owned(),
        _ => return None,
    })
}
