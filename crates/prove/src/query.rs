//! Plain queries in conditions: which rows they choose, and what comes of that.

use crate::circuit::{Lit, Tri};
use crate::encode::Env;
use crate::sorts;
use crate::world::{Sym, World};
use specc_model::formula::{Formula, Select};

impl<'m> World<'m> {
    /// `left in (select …)`: null where nothing is equal, and something is null.
    pub(crate) fn in_query(&mut self, left: &'m Formula, list: &'m Formula, env: &Env<'m>) -> Option<Tri> {
        let mut select = sorts::listed(list)?.select.as_deref()?;
        let mut within = env.clone();
        // `in (select my_teams())` is what the function gives.
        if select.tables.is_empty()
            && let [call] = select.output.as_slice()
            && let Some((asked, inner)) = self.called(call, env)
        {
            select = sorts::query(asked.bare())?.select.as_deref()?;
            within = inner;
        }
        let [output] = select.output.as_slice() else { return None };
        let left = self.evaluate(left, env);
        let mut any = Tri::of(Lit::FALSE);
        for (there, inner) in self.selected(select, &within) {
            let value = self.evaluate(output, &inner);
            let equal = self.equal(&left, &value);
            let of_row = Tri { yes: self.circuit.and(there, equal.yes), no: self.circuit.or(!there, equal.no) };
            any = self.circuit.or3(any, of_row);
        }
        Some(any)
    }

    /// The combinations of rows that a query looks at, each with when it is chosen.
    pub(crate) fn selected(&mut self, select: &'m Select, env: &Env<'m>) -> Vec<(Lit, Env<'m>)> {
        let mut found = vec![(Lit::TRUE, env.clone())];
        for (name, entity) in &select.tables {
            let mut next = Vec::new();
            for (lit, env) in found {
                for row in self.table(*entity) {
                    let mut inner = env.clone();
                    inner.queries.push((name.clone(), row));
                    // A query runs with the rights of who asks, but for that of a function with its owner's.
                    let seen = if inner.owner { Lit::TRUE } else { crate::access::sees(self, row) };
                    let exists = self.rows[row].exists;
                    next.push((self.circuit.all([lit, exists, seen]), inner));
                }
            }
            found = next;
        }
        for (lit, env) in &mut found {
            for condition in &select.conditions {
                let holds = self.condition(condition, env);
                *lit = self.circuit.and(*lit, holds.yes);
            }
        }
        found
    }

    /// The value of `(select column from …)`: null where no row is chosen.
    pub(crate) fn scalar(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<Sym> {
        let (output, found) = self.only_row(formula, env)?;
        let (mut sort, mut cases) = (None, Vec::new());
        for (there, inner) in found {
            let value = self.evaluate(output, &inner);
            sort = sort.or(value.sort);
            for (when, value) in value.cases.iter() {
                let when = self.circuit.and(there, *when);
                self.merge(&mut cases, when, value.clone());
            }
        }
        Some(Sym { sort, cases: cases.into() })
    }

    /// The same where it is a truth value.
    pub(crate) fn scalar_condition(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<Tri> {
        let (output, found) = self.only_row(formula, env)?;
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (there, inner) in found {
            let held = self.condition(output, &inner);
            yes.push(self.circuit.and(there, held.yes));
            no.push(self.circuit.and(there, held.no));
        }
        Some(Tri { yes: self.circuit.any(yes), no: self.circuit.any(no) })
    }

    /// The row that a query for one value chooses. Of several Postgres makes an error, so there are no more.
    fn only_row(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<(&'m Formula, Vec<(Lit, Env<'m>)>)> {
        let select = sorts::query(formula.bare())?.select.as_deref()?;
        let [output] = select.output.as_slice() else { return None };
        let found = self.selected(select, env);
        let lits: Vec<Lit> = found.iter().map(|(lit, _)| *lit).collect();
        self.circuit.at_most_one(&lits);
        Some((output, found))
    }
}
