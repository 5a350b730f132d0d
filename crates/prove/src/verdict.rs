//! From a question to its verdict.

use crate::case::{Case, CaseRow, Held, Step, Through};
use crate::circuit::{Lit, Tri};
use crate::demand::Demand;
use crate::sorts::Source;
use crate::world::{Cell, RowId, Sym, World};
use rustc_hash::FxHashMap;
use specc_diag::Span;
use specc_model::{EntityId, Model, RuleAction};

/// What was found out.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It holds in every database: so many rows of each table decide.
    Proven {
        /// The most rows of any table that were looked at.
        rows: usize,
    },
    /// It does not hold, as this database shows; none where it is that no database is as it should be.
    Counterexample(Option<Case>),
    /// It holds in every database with so many rows of each table. Whether in all is not known.
    Checked {
        /// The most rows of any table.
        rows: usize,
    },
    /// Whether it holds depends on what is not modelled.
    OutOfFragment {
        /// Where that stands.
        because: Vec<Span>,
    },
    /// It takes more steps than are taken ([`crate::circuit`]).
    TooLarge,
}

impl Verdict {
    /// How much there is to say of it: most of what does not hold.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Verdict::Proven { .. } => 0,
            Verdict::Checked { .. } => 1,
            Verdict::OutOfFragment { .. } => 2,
            Verdict::TooLarge => 3,
            Verdict::Counterexample(_) => 4,
        }
    }

    /// The same, where the row is read by something else than its table.
    pub(crate) fn through(mut self, through: Through) -> Self {
        if let Verdict::Counterexample(Some(case)) = &mut self {
            case.steps.iter_mut().for_each(|step| step.through = Some(through));
        }
        self
    }
}

/// A statement on a row.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// What is done.
    pub command: RuleAction,
    /// The row as it is.
    pub old: Option<RowId>,
    /// The row as it will be.
    pub new: Option<RowId>,
}

/// Something that must not be.
pub struct Question<'m, 'q> {
    /// The database.
    pub world: World<'m>,
    /// That it is so.
    pub violation: Lit,
    /// How many rows decide.
    pub demand: &'q Demand,
    /// What is done, one after the other.
    pub done: Vec<Done>,
    /// The role.
    pub role: &'q str,
}

impl Question<'_, '_> {
    /// Whether there is such a database.
    pub fn decide(mut self) -> Verdict {
        self.world.close();
        let rows = self.demand.sizes.values().copied().max().unwrap_or(1);
        if !self.least() {
            if self.world.circuit.gave_up() {
                return Verdict::TooLarge;
            }
            return if self.is_complete() { Verdict::Proven { rows } } else { Verdict::Checked { rows } };
        }
        let shown = self.shown();
        let mut same = self.world.chosen();
        same.push(!self.violation);
        if !self.world.unknowns.is_empty() {
            if self.world.circuit.solve(&same) {
                let mut because: Vec<Span> = self.world.unknowns.iter().map(|unknown| unknown.span).collect();
                because.sort();
                because.dedup();
                return Verdict::OutOfFragment { because };
            }
            if self.world.circuit.gave_up() {
                return Verdict::TooLarge;
            }
        }
        Verdict::Counterexample(Some(shown))
    }

    /// The same without looking for a small database to show.
    pub fn verdict(mut self) -> Verdict {
        self.world.close();
        if !self.world.unknowns.is_empty() {
            return self.decide();
        }
        let rows = self.demand.sizes.values().copied().max().unwrap_or(1);
        match (self.world.circuit.solve(&[self.violation]), self.is_complete()) {
            (true, _) => Verdict::Counterexample(None),
            (false, _) if self.world.circuit.gave_up() => Verdict::TooLarge,
            (false, true) => Verdict::Proven { rows },
            (false, false) => Verdict::Checked { rows },
        }
    }

    /// Whether what was looked at decides.
    fn is_complete(&self) -> bool {
        self.demand.complete && !self.world.is_crowded()
    }

    /// Looks for the smallest such database; false where there is none, or none was found in the steps that are taken.
    pub fn least(&mut self) -> bool {
        let mut wanted = vec![self.violation];
        if !self.world.circuit.solve(&wanted) {
            return false;
        }
        // As few rows as can be, and nothing of what is not modelled.
        let unknown: Vec<Lit> =
            self.world.unknowns.iter().flat_map(|unknown| unknown.wires.iter().map(|w| !*w)).collect();
        let optional = self.world.rows.iter().filter(|row| row.number.is_some()).map(|row| !row.exists);
        for wish in unknown.into_iter().chain(optional).collect::<Vec<_>>() {
            wanted.push(wish);
            if !self.world.circuit.solve(&wanted) {
                wanted.pop();
            }
        }
        self.world.circuit.solve(&wanted)
    }

    /// The solution that was found last.
    pub fn shown(&self) -> Case {
        shown(&self.world, self.role, &self.done, &self.demand.sizes)
    }
}

/// The solution that was found last, as a case.
pub fn shown(world: &World<'_>, role: &str, done: &[Done], sizes: &FxHashMap<EntityId, usize>) -> Case {
    let holds = |lit: Lit| world.circuit.value(lit);
    let of = |sym: &Sym| {
        let found = sym.cases.iter().find(|(lit, _)| holds(*lit));
        found.map_or(Held::Null, |(_, value)| Held::Value(value.clone()))
    };
    let kind = |source: &Source| world.sorts.get(source).and_then(|(_, sort)| sort.fields.first().copied());
    let kinds = world.sessions().into_iter().filter_map(|(source, _)| Some((source.clone(), kind(source)?))).collect();
    let truth = |tri: Tri| match (holds(tri.yes), holds(tri.no)) {
        (true, _) => Held::Truth(true),
        (_, true) => Held::Truth(false),
        _ => Held::Null,
    };
    let mut session: Vec<_> = world.sessions().into_iter().map(|(source, sym)| (source.clone(), of(sym))).collect();
    let arguments = world.arguments.iter();
    session.extend(arguments.map(|((function, at), tri)| (Source::Argument(*function, *at), truth(*tri))));
    let (mut rows, mut places) = (Vec::new(), FxHashMap::default());
    let written: Vec<RowId> = done.iter().flat_map(|done| [done.old, done.new]).flatten().collect();
    for (id, row) in world.rows.iter().enumerate().filter(|(_, row)| holds(row.exists)) {
        let values: Vec<_> = row
            .cells()
            .into_iter()
            .map(|(field, cell)| {
                let held = match cell {
                    Cell::Value(sym) => of(sym),
                    Cell::Condition(tri) => truth(*tri),
                    Cell::Set(set) if !holds(set.present) => Held::Null,
                    Cell::Set(set) => {
                        let held = set.cases.iter().filter(|(lit, _)| holds(*lit));
                        Held::List(held.map(|(_, value)| value.clone()).collect())
                    }
                };
                (field, held)
            })
            .collect();
        let folders = world.folders.iter().filter(|((of, ..), _)| *of == id);
        let folders: Vec<_> = folders.map(|((_, field, nth), sym)| (*field, *nth, of(sym))).collect();
        if !values.is_empty() || written.contains(&id) {
            let (entity, number, left) = (row.entity, row.number, row.left.clone());
            places.insert(id, rows.len());
            rows.push(CaseRow { entity, number, left, folders, values });
        }
    }
    let place = |row: Option<RowId>| row.and_then(|row| places.get(&row).copied());
    let steps = done.iter().map(|done| {
        let was = done.new.and_then(|new| world.rows[new].was.as_ref());
        let open = was.map(|(_, columns)| columns.clone()).unwrap_or_default();
        Step { command: done.command, through: None, old: place(done.old), new: place(done.new), open }
    });
    Case { role: role.into(), steps: steps.collect(), session, kinds, rows, by: None, sizes: sizes.clone() }
}

/// Schema and name of an entity.
pub fn name(model: &Model, entity: EntityId) -> String {
    let name = &model.entity(entity).name;
    if name.schema == model.options.default_schema {
        return name.name.to_string();
    }
    format!("{}.{}", name.schema, name.name)
}
