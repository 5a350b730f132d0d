//! Boolean circuits, and whether one can be true.

use batsat::{Callbacks, ClauseKind, Solver, SolverInterface, Var, lbool};
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::ops::Not;
use std::rc::Rc;

/// A wire of the circuit, or its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lit(u32);

impl Lit {
    /// Always true.
    pub const TRUE: Lit = Lit(0);
    /// Never true.
    pub const FALSE: Lit = Lit(1);
}

impl Not for Lit {
    type Output = Lit;

    fn not(self) -> Lit {
        Lit(self.0 ^ 1)
    }
}

/// One question to the solver is given up after so many conflicts. They are counted, not timed: a verdict is the same on
/// every machine.
const CONFLICTS: usize = 2_000;

/// After one was given up, the next ones of the same circuit have so many.
const CONFLICTS_LATER: usize = 200;

/// A circuit takes so many steps at most: gates, clauses, conditions that are looked at, and what the solver does.
const STEPS: usize = 4_000_000;

/// So many steps a wire counts that nothing decides.
const WIRE: usize = 4;

/// So many propagations of the solver count as a step, and so many wires that it looks at before the first.
const PROPAGATIONS: u64 = 4;
const LOOKED_AT: usize = 8;

/// What circuits take together that are asked about one thing, one after the other.
#[derive(Clone)]
pub struct Budget(Rc<Cell<usize>>);

impl Default for Budget {
    /// As many as one circuit takes at most.
    fn default() -> Self {
        Self::new(STEPS)
    }
}

impl Budget {
    /// So many steps.
    pub fn new(steps: usize) -> Self {
        Self(Rc::new(Cell::new(steps)))
    }

    /// Takes some of them.
    pub fn spend(&self, steps: usize) {
        self.0.set(self.0.get().saturating_sub(steps));
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.get()
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// From so many wires on, a chain of gates says that no two of them hold; below that, a clause for each two.
const MANY: usize = 24;

/// Counts the conflicts of one question.
#[derive(Default)]
struct Conflicts {
    seen: usize,
    most: usize,
}

impl Callbacks for Conflicts {
    fn on_new_clause(&mut self, _: &[batsat::Lit], kind: ClauseKind) {
        self.seen += usize::from(kind == ClauseKind::Learnt);
    }

    fn stop(&self) -> bool {
        self.seen >= self.most
    }
}

/// Gates, each with the clauses that make it what it is.
pub struct Circuit {
    solver: Solver<Conflicts>,
    /// The solver's variables; the first stands for true.
    vars: Vec<Var>,
    gates: FxHashMap<(Lit, Lit), Lit>,
    steps: usize,
    budget: Budget,
    /// Whether any question was given up, and whether the last one was.
    gave_up: (bool, bool),
}

impl Default for Circuit {
    fn default() -> Self {
        let mut solver = Solver::<Conflicts>::default();
        let always = solver.new_var_default();
        let mut circuit = Self {
            solver,
            vars: vec![always],
            gates: FxHashMap::default(),
            steps: 0,
            budget: Budget::default(),
            gave_up: (false, false),
        };
        circuit.clause(&[Lit::TRUE]);
        circuit
    }
}

impl Circuit {
    /// One that shares its steps with others.
    pub fn within(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// A wire that nothing decides.
    pub fn free(&mut self) -> Lit {
        self.take(WIRE);
        if self.is_full() {
            return Lit::FALSE;
        }
        self.vars.push(self.solver.new_var_default());
        Lit((self.vars.len() as u32 - 1) << 1)
    }

    fn sat(&self, lit: Lit) -> batsat::Lit {
        batsat::Lit::new(self.vars[(lit.0 >> 1) as usize], lit.0 & 1 == 0)
    }

    /// Something is looked at.
    pub fn step(&mut self) {
        self.take(1);
    }

    /// So many things are looked at.
    pub fn take(&mut self, steps: usize) {
        self.steps += steps;
        self.budget.spend(steps);
    }

    /// The same, and whether there is no step left.
    pub fn stops(&mut self) -> bool {
        self.step();
        self.is_full()
    }

    /// Whether it has become too large, so that nothing is added any more and no question is answered.
    pub fn is_full(&self) -> bool {
        self.steps > STEPS || self.budget.is_spent()
    }

    /// One of these has to hold.
    pub fn clause(&mut self, lits: &[Lit]) {
        self.take(1 + lits.len() / 4);
        if self.is_full() {
            return;
        }
        let mut clause: Vec<_> = lits.iter().map(|lit| self.sat(*lit)).collect();
        self.solver.add_clause_reuse(&mut clause);
    }

    /// Both.
    pub fn and(&mut self, a: Lit, b: Lit) -> Lit {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        match (a, b) {
            (Lit::TRUE, other) => return other,
            (Lit::FALSE, _) => return Lit::FALSE,
            _ if a == b => return a,
            _ if a == !b => return Lit::FALSE,
            _ => {}
        }
        self.step();
        if let Some(gate) = self.gates.get(&(a, b)) {
            return *gate;
        }
        if self.is_full() {
            return Lit::FALSE;
        }
        let gate = self.free();
        self.clause(&[!gate, a]);
        self.clause(&[!gate, b]);
        self.clause(&[gate, !a, !b]);
        self.gates.insert((a, b), gate);
        gate
    }

    /// Either.
    pub fn or(&mut self, a: Lit, b: Lit) -> Lit {
        !self.and(!a, !b)
    }

    /// All of them.
    pub fn all(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        lits.into_iter().fold(Lit::TRUE, |all, lit| self.and(all, lit))
    }

    /// One of them at least.
    pub fn any(&mut self, lits: impl IntoIterator<Item = Lit>) -> Lit {
        lits.into_iter().fold(Lit::FALSE, |any, lit| self.or(any, lit))
    }

    /// Exactly one of them.
    pub fn exactly_one(&mut self, lits: &[Lit]) {
        self.clause(lits);
        self.at_most_one(lits);
    }

    /// No two of them.
    pub fn at_most_one(&mut self, lits: &[Lit]) {
        if lits.len() >= MANY {
            let mut before = Lit::FALSE;
            for lit in lits {
                self.clause(&[!before, !*lit]);
                before = self.or(before, *lit);
            }
            return;
        }
        for (at, a) in lits.iter().enumerate() {
            for b in &lits[at + 1..] {
                self.clause(&[!*a, !*b]);
            }
        }
    }

    /// Whether all of `wanted` can hold together: that they can was found. If it was not, [`Circuit::gave_up`] says whether they
    /// cannot.
    pub fn solve(&mut self, wanted: &[Lit]) -> bool {
        if self.is_full() {
            self.gave_up = (true, true);
            return false;
        }
        let wanted: Vec<_> = wanted.iter().map(|lit| self.sat(*lit)).collect();
        let most = if self.gave_up.0 { CONFLICTS_LATER } else { CONFLICTS };
        *self.solver.cb_mut() = Conflicts { seen: 0, most };
        let before = self.solver.num_propagations();
        let found = self.solver.solve_limited(&wanted);
        let propagations = self.solver.num_propagations().saturating_sub(before) / PROPAGATIONS;
        self.take(propagations as usize + self.vars.len() / LOOKED_AT);
        self.gave_up.1 = found == lbool::UNDEF;
        self.gave_up.0 |= self.gave_up.1;
        found == lbool::TRUE
    }

    /// Whether a wire is never true. In a full circuit nothing is known of it.
    pub fn is_never(&self, lit: Lit) -> bool {
        lit == Lit::FALSE && !self.is_full()
    }

    /// Whether the last question was too hard, so that its answer is not known.
    pub fn gave_up(&self) -> bool {
        self.gave_up.1
    }

    /// What the wire is in the solution that was found last.
    pub fn value(&self, lit: Lit) -> bool {
        self.solver.value_lit(self.sat(lit)) == lbool::TRUE
    }
}

/// What a condition can be in SQL: true, false, or with neither null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tri {
    /// It is true.
    pub yes: Lit,
    /// It is false.
    pub no: Lit,
}

impl Tri {
    /// True or false, as the wire says.
    pub fn of(lit: Lit) -> Self {
        Self { yes: lit, no: !lit }
    }

    /// Null.
    pub const NULL: Self = Self { yes: Lit::FALSE, no: Lit::FALSE };
}

impl Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }
}

impl Circuit {
    /// `and` as SQL has it.
    pub fn and3(&mut self, a: Tri, b: Tri) -> Tri {
        Tri { yes: self.and(a.yes, b.yes), no: self.or(a.no, b.no) }
    }

    /// `or` as SQL has it.
    pub fn or3(&mut self, a: Tri, b: Tri) -> Tri {
        !self.and3(!a, !b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More rows than places: no solution, and no short way to see that.
    fn crowded(circuit: &mut Circuit, places: usize) {
        let rows: Vec<Vec<Lit>> = (0..=places).map(|_| (0..places).map(|_| circuit.free()).collect()).collect();
        rows.iter().for_each(|row| circuit.clause(row));
        for place in 0..places {
            let all: Vec<Lit> = rows.iter().map(|row| row[place]).collect();
            circuit.at_most_one(&all);
        }
    }

    #[test]
    fn what_is_too_hard_is_given_up_the_same_way_each_time() {
        let ask = |places: usize| {
            let mut circuit = Circuit::default();
            crowded(&mut circuit, places);
            (circuit.solve(&[]), circuit.gave_up(), circuit.steps)
        };
        let (found, gave_up, _) = ask(4);
        assert!(!found && !gave_up);
        assert!(ask(12).1);
        assert_eq!(ask(12), ask(12));
    }

    #[test]
    fn a_full_circuit_answers_nothing() {
        let budget = Budget::new(1_000);
        let mut circuit = Circuit::within(budget.clone());
        let wires: Vec<Lit> = (0..2_000).map(|_| circuit.free()).collect();
        let all = circuit.all(wires.iter().copied());
        assert!(circuit.is_full() && budget.is_spent());
        assert!(!circuit.solve(&[]) && circuit.gave_up());
        // It is not known to be never true.
        assert!(!circuit.is_never(all) && !circuit.is_never(Lit::FALSE));
        assert!(Circuit::default().is_never(Lit::FALSE));
    }

    #[test]
    fn of_many_wires_one_holds_at_most() {
        for count in [2, MANY - 1, MANY, 3 * MANY] {
            let mut circuit = Circuit::default();
            let wires: Vec<Lit> = (0..count).map(|_| circuit.free()).collect();
            circuit.at_most_one(&wires);
            for (a, b) in [(0, 1), (0, count - 1), (count - 2, count - 1)] {
                assert!(a == b || !circuit.solve(&[wires[a], wires[b]]), "{a} and {b} of {count}");
                assert!(circuit.solve(&[wires[a]]) && circuit.solve(&[!wires[a]]), "{a} of {count}");
            }
            let none: Vec<Lit> = wires.iter().map(|wire| !*wire).collect();
            assert!(circuit.solve(&none));
            circuit.exactly_one(&wires);
            assert!(!circuit.solve(&none));
        }
    }
}
