//! What a table says of a new row, worked out from what the spec says of the table.
//!
//! Whether a condition of the author's holds for a row is asked of Postgres, as an expression over values and not over
//! the table; which constraint that breaks is worked out here.

use crate::rows::{Answer, Asked, Placed, Spelled, question};
use specc_model::formula::{Formula, TypeName};
use specc_model::{Base, Domain, Entity, Field, FieldIx, Model, On, RelationId};
use std::collections::BTreeMap;

/// How the row is called in questions.
const ROW: &str = "specc_row";

/// Something that a table refuses a row for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    NotNull(FieldIx),
    /// By its place among the checks.
    Check(usize),
    /// By its place among [`Entity::unique_sets`].
    Unique(usize),
    Exclude(usize),
    Reference(RelationId),
    /// By the column, and its place among the checks of the column's domain.
    Domain(FieldIx, usize),
}

/// What comes of an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is taken.
    Taken,
    /// It is refused: the SQLSTATE, by one of these, and all that it breaks.
    Refused { state: String, by: Vec<String>, breaks: Vec<Promise> },
    /// That cannot be told.
    Unknown,
}

/// The promises of a table, and what is known of rows.
pub(crate) struct Holder<'m> {
    pub(crate) model: &'m Model,
    pub(crate) entity: &'m Entity,
    uniques: Vec<Unique<'m>>,
    /// Expressions that are asked of each row.
    asked: Vec<String>,
    /// The checks of which nothing is known.
    unknown: Vec<bool>,
    known: BTreeMap<Placed, Answer>,
    pairs: BTreeMap<(Placed, Placed), Option<Vec<bool>>>,
    /// Whether the checks of a column's domain let a value pass.
    values: BTreeMap<(FieldIx, String), Answer>,
}

/// What no two rows share.
pub(crate) struct Unique<'m> {
    pub(crate) name: &'m str,
    /// None where it has expressions.
    pub(crate) fields: Option<Vec<FieldIx>>,
    /// The columns that it reads.
    pub(crate) reads: Vec<FieldIx>,
    pub(crate) filter: Option<&'m Formula>,
    pub(crate) nulls_alike: bool,
    pub(crate) deferrable: bool,
    /// The places of its expressions and of its condition among what is asked.
    expressions: Vec<usize>,
    condition: Option<usize>,
}

impl<'m> Holder<'m> {
    pub(crate) fn new(model: &'m Model, entity: &'m Entity) -> Self {
        let mut asked = Vec::new();
        let mut unknown = Vec::new();
        let computed =
            |formula: &Formula| formula.columns().iter().any(|(_, field)| entity.fields[*field].generated.is_some());
        let mut ask = |formula: &Formula| {
            let (sql, plain) = Spelled::of(model, entity.id, formula, ROW);
            asked.push(sql);
            (asked.len() - 1, plain && !computed(formula))
        };
        for check in &entity.checks {
            unknown.push(!ask(&check.expr.formula).1);
        }
        // What cannot be computed refuses the row before anything else does.
        for generated in entity.fields.iter().filter_map(|field| field.generated.as_ref()) {
            ask(&generated.formula);
        }
        let parts = entity.uniques.iter().map(|unique| (&unique.elements, unique.nulls_not_distinct));
        let indexes = entity.indexes.iter().filter(|index| index.unique);
        let parts: Vec<_> = parts.chain(indexes.map(|index| (&index.elements, index.nulls_not_distinct))).collect();
        let skipped = usize::from(entity.key.is_some());
        let mut uniques = Vec::new();
        for (at, set) in entity.unique_sets().enumerate() {
            let of = at.checked_sub(skipped).and_then(|at| parts.get(at));
            let (mut expressions, mut reads) = (Vec::new(), Vec::new());
            if set.fields.is_none() {
                for element in of.iter().flat_map(|(elements, _)| elements.iter()) {
                    match &element.on {
                        On::Field(field) => {
                            reads.push(*field);
                            asked.push(format!("{ROW}.{}", crate::rows::column(entity, *field)));
                            expressions.push(asked.len() - 1);
                        }
                        On::Expr(expr) => {
                            reads.extend(expr.formula.columns().into_iter().map(|(_, field)| field));
                            asked.push(Spelled::of(model, entity.id, &expr.formula, ROW).0);
                            expressions.push(asked.len() - 1);
                        }
                    }
                }
            }
            reads.extend(set.fields.iter().flatten());
            let condition = set.filter.map(|filter| {
                asked.push(Spelled::of(model, entity.id, &filter.formula, ROW).0);
                asked.len() - 1
            });
            uniques.push(Unique {
                name: set.name,
                reads,
                fields: set.fields,
                filter: set.filter.map(|filter| &filter.formula),
                nulls_alike: of.is_some_and(|(_, alike)| *alike),
                deferrable: set.deferrable,
                expressions,
                condition,
            });
        }
        Self {
            model,
            entity,
            uniques,
            asked,
            unknown,
            known: BTreeMap::new(),
            pairs: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    pub(crate) fn uniques(&self) -> &[Unique<'m>] {
        &self.uniques
    }

    /// Whether rows that are alike in a unique set are alike in another one too, so that it shows by no row.
    pub(crate) fn is_implied(&self, at: usize) -> bool {
        let own = &self.uniques[at];
        let Some(fields) = &own.fields else { return false };
        self.uniques.iter().enumerate().any(|(nth, other)| {
            let Some(of) = other.fields.as_ref().filter(|_| nth != at && other.filter.is_none()) else { return false };
            let asked = |field: &FieldIx| !self.entity.fields[*field].nullable || other.nulls_alike || !own.nulls_alike;
            let less = of.len() < fields.len() || own.filter.is_some() || nth < at;
            less && of.iter().all(|field| fields.contains(field) && asked(field))
        })
    }

    /// Asks what is not known yet of these rows.
    pub(crate) fn learn<'r>(&mut self, rows: impl IntoIterator<Item = &'r Placed>, server: &mut dyn Asked) {
        let own = self.entity.id;
        let mut new: Vec<&Placed> =
            rows.into_iter().filter(|row| row.entity == own && !self.known.contains_key(*row)).collect();
        new.sort();
        new.dedup();
        let mut questions: Vec<String> =
            new.iter().map(|row| question(&row.as_record(self.model, ROW), &self.asked)).collect();
        let mut values: Vec<(FieldIx, String)> = Vec::new();
        for (at, field) in self.entity.fields.iter().enumerate() {
            let Some(domain) = domain(self.model, field).filter(|domain| !domain.checks.is_empty()) else { continue };
            let checks = domain.checks.iter();
            let checks: Vec<String> =
                checks.map(|check| Spelled::of(self.model, own, &check.expr.formula, ROW).0).collect();
            let base = TypeName::of(self.model, &domain.base).sql;
            for row in &new {
                let value = (at, row.value(self.model, at));
                if !self.values.contains_key(&value) && !values.contains(&value) {
                    // By the type under the domain, which refuses nothing.
                    questions.push(question(&format!("(select ({})::{base} as value) as {ROW}", value.1), &checks));
                    values.push(value);
                }
            }
        }
        let mut answers = if questions.is_empty() { Vec::new() } else { server.ask(&questions) };
        let of_values = answers.split_off(new.len().min(answers.len()));
        self.known.extend(new.into_iter().cloned().zip(answers));
        self.values.extend(values.into_iter().zip(of_values));
    }

    /// Whether the operators of each exclusion hold between two rows.
    pub(crate) fn compare(&mut self, pairs: &[(Placed, Placed)], server: &mut dyn Asked) {
        if self.entity.excludes.is_empty() {
            return;
        }
        let (model, entity) = (self.model, self.entity);
        let side = |on: &On, alias: &str| match on {
            On::Field(field) => format!("{alias}.{}", crate::rows::column(entity, *field)),
            On::Expr(expr) => Spelled::of(model, entity.id, &expr.formula, alias).0,
        };
        let expressions: Vec<String> = entity
            .excludes
            .iter()
            .map(|exclude| {
                let mut all: Vec<String> = exclude
                    .elements
                    .iter()
                    .map(|(element, op)| format!("({}) {op} ({})", side(&element.on, "a"), side(&element.on, "b")))
                    .collect();
                for alias in exclude.filter.iter().flat_map(|_| ["a", "b"]) {
                    let filter = exclude.filter.iter();
                    all.extend(
                        filter.map(|filter| format!("({})", Spelled::of(model, entity.id, &filter.formula, alias).0)),
                    );
                }
                format!("({}) is true", all.join(" and "))
            })
            .collect();
        let from = |(a, b): &(Placed, Placed)| format!("{}, {}", a.as_record(model, "a"), b.as_record(model, "b"));
        let questions: Vec<String> = pairs.iter().map(|pair| question(&from(pair), &expressions)).collect();
        for (pair, answer) in pairs.iter().zip(server.ask(&questions)) {
            let known = answer.ok().map(|all| all.iter().map(|one| one.as_deref() == Some("true")).collect());
            self.pairs.insert(pair.clone(), known);
        }
    }

    /// The checks of the columns' domains, with their names.
    pub(crate) fn domains(&self) -> impl Iterator<Item = (Promise, &'m str)> {
        let (model, fields) = (self.model, &self.entity.fields);
        fields.iter().enumerate().flat_map(move |(at, field)| {
            let checks = domain(model, field).into_iter().flat_map(|domain| domain.checks.iter().enumerate());
            checks.map(move |(nth, check)| (Promise::Domain(at, nth), check.name.as_str()))
        })
    }

    fn said(&self, row: &Placed, at: usize) -> Option<&str> {
        self.known.get(row)?.as_ref().ok()?.get(at)?.as_deref()
    }

    /// Whether a check lets a row pass; none where that is not known.
    pub(crate) fn passes(&self, row: &Placed, check: usize) -> Option<bool> {
        self.known.get(row)?.as_ref().ok()?;
        (!self.unknown[check]).then(|| self.said(row, check) != Some("false"))
    }

    /// Whether two rows are alike in what is unique.
    fn clash(&self, set: &Unique<'_>, a: &Placed, b: &Placed) -> bool {
        let counts = |row: &Placed| set.condition.is_none_or(|at| self.said(row, at) == Some("true"));
        if a.entity != b.entity || !counts(a) || !counts(b) {
            return false;
        }
        let alike = |left: Option<&str>, right: Option<&str>| match (left, right) {
            (None, None) => set.nulls_alike,
            (left, right) => left == right,
        };
        match &set.fields {
            Some(fields) => fields.iter().all(|field| {
                let made = |row: &Placed| {
                    let own = &self.entity.fields[*field];
                    let constant = own.default.as_ref().is_some_and(|default| default.formula.is_constant());
                    !row.values.contains_key(field) && !constant && (own.default.is_some() || own.identity.is_some())
                };
                let value =
                    |row: &Placed| Some(row.value(self.model, *field)).filter(|value| value != crate::rows::NULL);
                !made(a) && !made(b) && alike(value(a).as_deref(), value(b).as_deref())
            }),
            None => set.expressions.iter().all(|at| alike(self.said(a, *at), self.said(b, *at))),
        }
    }

    /// What comes of the insert of a row where these are there.
    pub(crate) fn insert(&self, there: &[&Placed], row: &Placed) -> Held {
        let Some(answer) = self.known.get(row) else { return Held::Unknown };
        let broken = self.domains().filter(|(promise, _)| match promise {
            Promise::Domain(at, nth) => {
                let said = self.values.get(&(*at, row.value(self.model, *at)));
                said.and_then(|said| said.as_ref().ok()?.get(*nth)?.as_deref()) == Some("false")
            }
            _ => false,
        });
        let broken: Vec<_> = broken.collect();
        if !broken.is_empty() {
            let (breaks, by): (Vec<_>, Vec<_>) = broken.into_iter().map(|(one, name)| (one, name.to_owned())).unzip();
            return Held::Refused { state: "23514".into(), by, breaks };
        }
        if let Err((state, by)) = answer {
            return match state.starts_with("23") {
                true => Held::Refused { state: state.clone(), by: vec![by.clone()], breaks: Vec::new() },
                false => Held::Unknown,
            };
        }
        let (model, entity) = (self.model, self.entity);
        let mut found: Vec<(&str, Vec<(String, Promise)>)> = Vec::new();
        let empty = |field: &FieldIx| {
            let own = &entity.fields[*field];
            let made = own.identity.is_some() || own.generated.is_some() || own.maintained.is_some();
            !own.nullable && (!made || row.values.contains_key(field)) && row.is_null(model, *field)
        };
        let nulls = (0..entity.fields.len()).filter(empty);
        let nulls: Vec<_> =
            nulls.map(|field| (entity.fields[field].name.to_string(), Promise::NotNull(field))).collect();
        if let [first, ..] = nulls.as_slice() {
            let breaks = nulls.iter().map(|(_, promise)| promise.clone()).collect();
            return Held::Refused { state: "23502".into(), by: vec![first.0.clone()], breaks };
        }
        let mut checks = Vec::new();
        for (at, check) in entity.checks.iter().enumerate() {
            match self.passes(row, at) {
                Some(false) => checks.push((check.name.to_string(), Promise::Check(at))),
                Some(true) => {}
                None => return Held::Unknown,
            }
        }
        found.push(("23514", checks));
        let uniques = self.uniques.iter().enumerate().filter(|(_, set)| there.iter().any(|b| self.clash(set, row, b)));
        let (late, now): (Vec<_>, Vec<_>) = uniques.partition(|(_, set)| set.deferrable);
        let named = |(at, set): (usize, &Unique<'_>)| (set.name.to_owned(), Promise::Unique(at));
        found.push(("23505", now.into_iter().map(named).collect()));
        let mut excluded = Vec::new();
        for (at, exclude) in entity.excludes.iter().enumerate() {
            for other in there.iter().filter(|other| other.entity == entity.id) {
                match self.pairs.get(&(row.clone(), (*other).clone())) {
                    Some(Some(all)) if all.get(at) == Some(&true) => {
                        excluded.push((exclude.name.to_string(), Promise::Exclude(at)));
                        break;
                    }
                    Some(Some(_)) => {}
                    _ => return Held::Unknown,
                }
            }
        }
        found.push(("23P01", excluded));
        found.push(("23505", late.into_iter().map(named).collect()));
        let dangling = entity.outgoing.iter().filter(|id| !self.leads(there, row, **id));
        let dangling = dangling.map(|id| (model.relation(*id).constraint.to_string(), Promise::Reference(*id)));
        found.push(("23503", dangling.collect()));
        let breaks: Vec<Promise> = found.iter().flat_map(|(_, all)| all).map(|(_, promise)| promise.clone()).collect();
        match found.into_iter().find(|(_, all)| !all.is_empty()) {
            Some((state, all)) => {
                // The indexes of a part of a table have names of their own.
                let is_index = entity.partition_by.is_some() && ["23505", "23P01"].contains(&state);
                let by = all.into_iter().map(|(name, _)| name).filter(|_| !is_index).collect();
                Held::Refused { state: state.into(), by, breaks }
            }
            None => Held::Taken,
        }
    }

    /// Whether a reference leads to a row that is there, or to nothing where it may.
    fn leads(&self, there: &[&Placed], row: &Placed, id: RelationId) -> bool {
        let relation = self.model.relation(id);
        let nulls = relation.fields.iter().filter(|field| row.is_null(self.model, **field)).count();
        if nulls > 0 {
            return !relation.options.match_full || nulls == relation.fields.len();
        }
        there.iter().copied().chain([row]).any(|other| refers(self.model, row, id, other))
    }
}

/// The domain that a column has for its type.
fn domain<'m>(model: &'m Model, field: &Field) -> Option<&'m Domain> {
    match &field.ty.base {
        Base::Domain(id) if field.ty.dims == 0 => model.domains.get(id.0 as usize),
        _ => None,
    }
}

/// Whether a row refers to another.
pub(crate) fn refers(model: &Model, row: &Placed, id: RelationId, other: &Placed) -> bool {
    let relation = model.relation(id);
    let alike = |(from, to): (&FieldIx, &FieldIx)| {
        let value = row.value(model, *from);
        value != crate::rows::NULL && value == other.value(model, *to)
    };
    relation.from == row.entity
        && other.entity == relation.to
        && relation.fields.iter().zip(&relation.to_fields).all(alike)
}
