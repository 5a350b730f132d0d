//! Workflows: every step that is declared can be taken, no other can, a new row begins where it has to, and a condition of
//! a step counts.

use crate::bench::{Bench, Together, refused, tried};
use crate::constraints::values;
use crate::rows::{Asked, Placed, column};
use crate::{Suite, Try, Wanted};
use specc_model::{Entity, Model, RuleAction, Workflow};
use specc_prove::{Crowd, Crowds, Fill, Samples};
use specc_sql::quote;

/// Our triggers that hold workflows.
const ONLY: &str = "^zz_workflow";

/// What a workflow answers with.
const STATE: &str = "23514";

/// Tests of the workflows of the entities of `only`.
pub fn workflows(model: &Model, samples: &Samples, only: &dyn Fn(&Entity) -> bool, server: &mut dyn Asked) -> Suite {
    let fill = Fill::new(model, samples);
    let crowds = Crowds::new(model);
    let mut suite = Suite { name: "workflows", ..Suite::default() };
    for entity in model.entities.iter().filter(|entity| !entity.external && only(entity)) {
        for workflow in &entity.workflows {
            let bench = Bench { model, entity, crowds: &crowds, fill: &fill, suite: &mut suite };
            Maker { bench, workflow }.make(server);
        }
    }
    suite
}

struct Maker<'m, 's> {
    bench: Bench<'m, 's>,
    workflow: &'m Workflow,
}

impl<'m> Maker<'m, '_> {
    fn make(&mut self, server: &mut dyn Asked) {
        let (entity, field) = (self.bench.entity, self.workflow.field);
        let name = entity.fields[field].name.clone();
        let mut rows = Vec::new();
        for state in &self.workflow.states {
            let wanted = Crowd { rows: 1, is: vec![(field, state.clone())], ..Crowd::default() };
            rows.push(self.bench.rows(&wanted).map(|mut rows| {
                rows.own[0].values.insert(field, quote::text(state));
                rows
            }));
        }
        self.starts(&rows);
        for (at, from) in self.workflow.states.iter().enumerate() {
            let there = match &rows[at] {
                Ok(there) => there,
                Err(why) => {
                    self.bench.skip(format!("workflow `{name}` from {from}"), why.clone(), self.workflow.span);
                    continue;
                }
            };
            let row = there.own[0].clone();
            let Some(found) = row.found(self.bench.model) else {
                let why = "its rows have no key to name them by".to_owned();
                self.bench.skip(format!("workflow `{name}` from {from}"), why, self.workflow.span);
                continue;
            };
            let mut tries = Vec::new();
            let mut taken: Vec<(&str, String)> = Vec::new();
            for (to_at, to) in self.workflow.states.iter().enumerate().filter(|(other, _)| *other != at) {
                let about = format!("workflow `{name}`: {from} -> {to}");
                let steps: Vec<_> = self.workflow.steps.iter().filter(|s| s.from == *from && s.to == *to).collect();
                let like = rows[to_at].as_ref().map_or(&row, |rows| &rows.own[0]);
                if steps.is_empty() {
                    let sees = self.bench.promise(format!("no step {from} -> {to} of `{name}`"), self.workflow.span);
                    let sql = self.update(&found, &row, &row.with([(field, quote::text(to))]));
                    tries.push(tried(RuleAction::Update, sql, refused(STATE, &name), about, vec![sees]));
                    continue;
                }
                let guards: Vec<_> = steps.iter().filter_map(|step| step.when.as_deref()).collect();
                let guard = guards.first().filter(|_| guards.len() == steps.len()).map(|guard| &guard.formula);
                if guards.len() == steps.len() && guards.len() > 1 {
                    self.bench.skip(about, "it has several conditions".to_owned(), self.workflow.span);
                    continue;
                }
                let made = self.step(&found, &row, like, to, guard, &about, server);
                taken.extend(
                    made.iter().find(|one| one.expected == Wanted::Rows(1)).map(|one| (to.as_str(), one.sql.clone())),
                );
                tries.extend(made);
            }
            let mut all: Vec<&Placed> = there.others.iter().collect();
            all.push(&row);
            self.bench.run(&all, ONLY, &format!("{name} is {from}"), self.workflow.span, tries);
            self.race(&all, from, &found, &taken);
        }
    }

    /// Two take different steps from one state at once: one of them comes too late, unless a step leads on.
    fn race(&mut self, there: &[&Placed], from: &str, found: &str, taken: &[(&str, String)]) {
        let leads = |a: &str, b: &str| self.workflow.steps.iter().any(|step| step.from == a && step.to == b);
        let pairs = taken.iter().enumerate().flat_map(|(at, a)| taken[at + 1..].iter().map(move |b| (a, b)));
        let mut pairs = pairs.filter(|((a, _), (b, _))| !leads(a, b) && !leads(b, a));
        let Some(((a, first), (b, second))) = pairs.next() else { return };
        let entity = self.bench.entity;
        let name = column(entity, self.workflow.field);
        let together = Together {
            statements: [first.clone(), second.clone()],
            before: Vec::new(),
            most: 1,
            refusals: &[STATE],
            holds: format!(
                "select {name} in ({}, {}) from {} where {found}",
                quote::text(a),
                quote::text(b),
                self.bench.table()
            ),
        };
        let what =
            format!("workflow `{}`: {from} -> {a} and {from} -> {b} at once", entity.fields[self.workflow.field].name);
        self.bench.race(there, ONLY, what, self.workflow.span, together);
    }

    /// A step that is declared, with and without what it asks.
    #[expect(clippy::too_many_arguments, reason = "all of a step")]
    fn step(
        &mut self,
        found: &str,
        row: &Placed,
        like: &Placed,
        to: &str,
        guard: Option<&'m specc_model::formula::Formula>,
        about: &str,
        server: &mut dyn Asked,
    ) -> Vec<Try> {
        let (model, entity, field) = (self.bench.model, self.bench.entity, self.workflow.field);
        let state = [(field, quote::text(to))];
        // What its checks say of the other state's rows.
        let beside: Vec<usize> = self
            .bench
            .checks()
            .into_iter()
            .chain(guard)
            .flat_map(|check| check.columns())
            .map(|(_, read)| read)
            .filter(|read| self.is_free(*read))
            .collect();
        let mut rows = vec![row.with(state.clone()), row.with(state.clone()).like(model, like, &beside)];
        if let Some(guard) = guard {
            for base in rows.clone() {
                for read in guard.columns().into_iter().map(|(_, read)| read).filter(|read| self.is_free(*read)) {
                    rows.extend(values(model, guard, &base, read).into_iter().map(|value| base.with([(read, value)])));
                }
            }
        }
        let fits = self.bench.fits(&rows, guard, server);
        // The step is refused before the checks are asked.
        let asks: Vec<_> = guard.into_iter().collect();
        let fails = |row: &Option<Vec<Option<bool>>>| row.as_ref().is_some_and(|all| all.first() != Some(&Some(true)));
        let refused_at = self.bench.ask(&rows, &asks, server).iter().position(fails);
        let mut tries = Vec::new();
        let name = &entity.fields[field].name;
        for (wanted, what) in [(true, format!("step {about}")), (false, format!("condition of step {about}"))] {
            if !wanted && guard.is_none() {
                continue;
            }
            let at = if wanted { fits.iter().position(|fit| *fit == Some(true)) } else { refused_at };
            let Some(at) = at else {
                let why = match guard {
                    Some(guard) => format!("no row was found in which `{}` is {wanted}", words(guard, model, entity)),
                    None => "its checks refuse every row that was tried".to_owned(),
                };
                self.bench.skip(what, why, self.workflow.span);
                continue;
            };
            let sees = self.bench.promise(what, self.workflow.span);
            let sql = self.update(found, row, &rows[at]);
            let expected = if wanted { Wanted::Rows(1) } else { refused(STATE, name) };
            tries.push(tried(RuleAction::Update, sql, expected, about.to_owned(), vec![sees]));
        }
        tries
    }

    /// Whether an update may change a column without asking about other rows.
    fn is_free(&self, field: usize) -> bool {
        let entity = self.bench.entity;
        let own = &entity.fields[field];
        let is_key = entity.unique_sets().filter_map(|set| set.fields).flatten().any(|key| key == field);
        let referred = entity.outgoing.iter().any(|id| self.bench.model.relation(*id).fields.contains(&field));
        let made = own.generated.is_some() || own.identity.is_some() || own.maintained.is_some();
        field != self.workflow.field && !is_key && !referred && !made
    }

    fn update(&self, found: &str, old: &Placed, new: &Placed) -> String {
        let (model, entity) = (self.bench.model, self.bench.entity);
        let changed = (0..entity.fields.len()).filter(|field| old.values.get(field) != new.values.get(field));
        let sets = changed.map(|field| format!("{} = {}", column(entity, field), new.value(model, field)));
        let sets: Vec<String> = sets.collect();
        format!("update {} set {} where {found}", self.bench.table(), sets.join(", "))
    }

    /// Where a new row begins.
    fn starts(&mut self, rows: &[Result<crate::bench::Rows, String>]) {
        let name = self.bench.entity.fields[self.workflow.field].name.clone();
        for (state, made) in self.workflow.states.iter().zip(rows) {
            let Ok(made) = made else { continue };
            let row = &made.own[0];
            let begins = self.workflow.initial.is_empty() || self.workflow.initial.contains(state);
            let what = format!("a new row {} as {state} in `{name}`", if begins { "begins" } else { "does not begin" });
            let sees = self.bench.promise(what.clone(), self.workflow.span);
            let expected = if begins { Wanted::Rows(1) } else { refused(STATE, &name) };
            let one = tried(RuleAction::Insert, row.insert(self.bench.model), expected, what, vec![sees]);
            let there: Vec<&Placed> = made.others.iter().collect();
            self.bench.run(&there, ONLY, "no row", self.workflow.span, vec![one]);
        }
    }
}

/// A condition as it stands in SQL.
fn words(formula: &specc_model::formula::Formula, model: &Model, entity: &Entity) -> String {
    crate::rows::Spelled::of(model, entity.id, formula, "").0
}
