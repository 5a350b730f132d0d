//! Boolean circuits, and whether one can be true.

use batsat::{BasicSolver, SolverInterface, Var, lbool};
use rustc_hash::FxHashMap;
use std::ops::Not;

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

/// Gates, each with the clauses that make it what it is.
pub struct Circuit {
    solver: BasicSolver,
    /// The solver's variables; the first stands for true.
    vars: Vec<Var>,
    gates: FxHashMap<(Lit, Lit), Lit>,
}

impl Default for Circuit {
    fn default() -> Self {
        let mut solver = BasicSolver::default();
        let always = solver.new_var_default();
        let mut circuit = Self { solver, vars: vec![always], gates: FxHashMap::default() };
        circuit.clause(&[Lit::TRUE]);
        circuit
    }
}

impl Circuit {
    /// A wire that nothing decides.
    pub fn free(&mut self) -> Lit {
        self.vars.push(self.solver.new_var_default());
        Lit((self.vars.len() as u32 - 1) << 1)
    }

    fn sat(&self, lit: Lit) -> batsat::Lit {
        batsat::Lit::new(self.vars[(lit.0 >> 1) as usize], lit.0 & 1 == 0)
    }

    /// One of these has to hold.
    pub fn clause(&mut self, lits: &[Lit]) {
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
        if let Some(gate) = self.gates.get(&(a, b)) {
            return *gate;
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
        for (at, a) in lits.iter().enumerate() {
            for b in &lits[at + 1..] {
                self.clause(&[!*a, !*b]);
            }
        }
    }

    /// Whether all of `wanted` can hold together.
    pub fn solve(&mut self, wanted: &[Lit]) -> bool {
        let wanted: Vec<_> = wanted.iter().map(|lit| self.sat(*lit)).collect();
        self.solver.solve_limited(&wanted) == lbool::TRUE
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
