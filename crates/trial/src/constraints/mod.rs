//! What tables promise of their rows: not null, keys, uniques, checks, exclusions, references and what follows a deletion,
//! defaults. A row that a table takes is changed a little, so that it is refused by one of them alone, or by none.
//!
//! No trigger fires meanwhile, and the owner asks: only constraints speak.

mod candidates;
mod edges;
mod gone;
mod held;

pub(crate) use edges::values;
pub(crate) use held::refers;

use crate::bench::{Bench, Together};
use crate::rows::{Asked, Placed, Spelled, base};
use crate::{Promised, Suite, Try, Wanted};
use candidates::{Aim, Candidate, divides};
use held::{Held, Holder, Promise};
use rayon::prelude::*;
use specc_facts::{Family, Volatility};
use specc_model::{Entity, FieldIx, Model, RuleAction};
use specc_prove::{Case, Crowd, Crowds, Fill, Samples};
use std::collections::BTreeSet;

/// No trigger has a name that matches.
const NO_TRIGGER: &str = "^$";

/// So many refusals by a check are tried, and so many rows that it takes.
const EACH: usize = 8;

/// Tests of the constraints of the entities of `only`. `server` says what conditions of the author's are for a row.
pub fn constraints(model: &Model, samples: &Samples, only: &dyn Fn(&Entity) -> bool, server: &mut dyn Asked) -> Suite {
    let fill = Fill::new(model, samples);
    let mut suite = Suite { name: "constraints", ..Suite::default() };
    let own: Vec<&Entity> = model.entities.iter().filter(|entity| !entity.external && only(entity)).collect();
    let crowds = Crowds::new(model);
    let made: Vec<_> = own.par_iter().map(|entity| cases(model, &crowds, entity)).collect();
    for (entity, made) in own.into_iter().zip(made) {
        let mut maker = Maker::new(Bench { model, entity, crowds: &crowds, fill: &fill, suite: &mut suite });
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
    bench: Bench<'m, 's>,
    holder: Holder<'m>,
    /// The places of the promises in the suite, in the order of [`Holder`].
    promised: Vec<(Promise, usize)>,
    /// Those that a test sees.
    seen: BTreeSet<usize>,
    why: Vec<String>,
}

impl<'m, 's> Maker<'m, 's> {
    fn new(bench: Bench<'m, 's>) -> Self {
        let (model, entity) = (bench.model, bench.entity);
        let holder = Holder::new(model, entity);
        let mut made = Self { bench, holder, promised: Vec::new(), seen: BTreeSet::new(), why: Vec::new() };
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
        let at = self.bench.promise(what, span);
        self.promised.push((promise, at));
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
        let there: Vec<&Placed> = rows.iter().filter(|row| row.entity != self.bench.entity.id).chain(first).collect();
        let mut candidates = match (about, first) {
            (About::Unique(set), Some(first)) => self.alike(set, first, target, None),
            (About::Unique(_), None) => return,
            (About::Check(at), _) => {
                let about = format!("check `{}`", self.bench.entity.checks[at].name);
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
        if !self.bench.entity.excludes.is_empty() {
            for one in &candidates {
                let mut others: Vec<&Placed> =
                    there.iter().copied().filter(|other| other.entity == self.bench.entity.id).collect();
                for row in &one.rows {
                    compared.extend(others.iter().map(|other| (row.clone(), (*other).clone())));
                    others.push(row);
                }
            }
        }
        self.holder.compare(&compared, server);
        let mut tries = Vec::new();
        let mut counts = vec![(0, 0); self.bench.entity.checks.len()];
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
            let above: Vec<&Placed> = there.iter().copied().filter(|row| row.entity != self.bench.entity.id).collect();
            let alone = Candidate { rows: vec![first.clone()], about: "the first row".to_owned(), aim: Aim::Any };
            // In a circle nothing is there without it.
            let needs = |row: &&Placed| {
                let mut references = self.bench.model.entity(row.entity).outgoing.iter();
                references.any(|id| refers(self.bench.model, row, *id, first))
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
        let promised = &self.bench.suite.promises[place];
        let (what, span) = (format!("{}: two at once", promised.what), promised.span);
        let tried = Together {
            statements: [first.insert(self.bench.model), one.sql.clone()],
            before: Vec::new(),
            most: 1,
            refusals: &["23505"],
            holds: "select true".to_owned(),
        };
        self.bench.race(&above, NO_TRIGGER, what, span, tried);
    }

    fn run(&mut self, there: &[&Placed], tries: Vec<Try>, what: &str) {
        self.bench.run(there, NO_TRIGGER, what, self.bench.entity.meta.span, tries);
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
        let inserts: Vec<String> = one.rows.iter().map(|row| row.insert(self.bench.model)).collect();
        let sql = format!("{}; set constraints all immediate; select", inserts.join("; "));
        Some(Try { command: RuleAction::Insert, sql, expected, about: one.about.clone(), sees })
    }

    /// A row that leaves a column to its default has it.
    fn defaults(&mut self, target: &Placed) -> Vec<Try> {
        let (model, entity) = (self.bench.model, self.bench.entity);
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
            if referred || unique && constant || self.breaks(&row) {
                continue;
            }
            let what = format!("default of `{}`", field.name);
            let place = self.bench.promise(what.clone(), field.meta.span);
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
        let entity = self.bench.entity;
        let left = |field: &FieldIx| !row.values.contains_key(field) && entity.fields[*field].default.is_some();
        let reads = |at: &usize| {
            let read = entity.checks[*at].expr.formula.columns();
            read.len() > 1 && read.iter().any(|(_, field)| left(field))
        };
        (0..entity.checks.len()).any(|at| reads(&at) && self.holder.passes(row, at) != Some(true))
    }

    /// Promises that no test sees are not left out silently.
    fn end(mut self) {
        let unseen: Vec<usize> = self.promised.iter().map(|(_, at)| *at).filter(|at| !self.seen.contains(at)).collect();
        let why = self.why.first().map_or("no row was found that breaks nothing else", String::as_str);
        for at in unseen {
            let Promised { what, span, .. } = self.bench.suite.promises[at].clone();
            self.bench.skip(what, why.to_owned(), span);
        }
    }
}

/// Whether a column asks for a value and somebody may fail to give it.
fn is_asked(model: &Model, field: &specc_model::Field) -> bool {
    // Its type refuses it before the table is asked.
    let by_type = matches!(&field.ty.base, specc_model::Base::Domain(id) if !model.domains[id.0 as usize].nullable);
    !by_type && !field.nullable && field.generated.is_none() && field.identity.is_none()
}
