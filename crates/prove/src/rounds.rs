//! What a spec may cost together, and who gets how much of it.

use crate::circuit::Budget;
use rayon::prelude::*;
use specc_model::Model;

/// Steps that any spec has, and more of them for each entity, and for each rule and column. They grow as the spec does, so
/// that a spec of questions that are all too large ends as soon as one of its length that is decided.
const STEPS: usize = 4_000_000;
const STEPS_OF_ENTITY: usize = 150_000;
const STEPS_OF_LINE: usize = 5_000;

/// Each time round, what was not decided has so many times the steps of before, or at least so many times.
const GROWTH: usize = 4;
const LEAST_GROWTH: usize = 3;

/// The steps of a whole spec.
pub struct Pool(usize);

impl Pool {
    /// For questions over databases with `more` rows of each table than decide.
    pub fn of(model: &Model, more: usize) -> Self {
        let lines: usize = model.entities.iter().map(|entity| entity.rules.len() + entity.fields.len()).sum();
        let steps = STEPS + STEPS_OF_ENTITY * model.entities.len() + STEPS_OF_LINE * lines;
        // Rows are compared with each other.
        Self(steps.saturating_mul((1 + more).pow(2)))
    }

    /// Asks about each thing, with `first` steps. What takes more is asked again with more, as long as there is enough for all
    /// of it, so the order in which they are asked does not matter.
    pub fn ask<T: Sync, R: Send>(
        &mut self,
        first: usize,
        things: &[T],
        ask: impl Fn(&T, Budget) -> R + Sync,
    ) -> Vec<R> {
        let mut found: Vec<Option<R>> = things.iter().map(|_| None).collect();
        let (mut open, mut steps) = ((0..things.len()).collect::<Vec<_>>(), first.min(self.share(things.len())));
        while !open.is_empty() {
            let asked = |at: &usize| {
                let budget = Budget::new(steps);
                let answer = ask(&things[*at], budget.clone());
                (*at, answer, budget.left())
            };
            let round: Vec<(usize, R, usize)> = open.par_iter().map(asked).collect();
            open.clear();
            for (at, answer, left) in round {
                self.0 = self.0.saturating_sub(steps - left);
                found[at] = Some(answer);
                open.extend((left == 0).then_some(at));
            }
            let next = (steps * GROWTH).min(self.share(open.len()));
            if next < (steps * LEAST_GROWTH).max(1) {
                break;
            }
            steps = next;
        }
        found.into_iter().flatten().collect()
    }

    fn share(&self, of: usize) -> usize {
        self.0 / of.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each takes of a pool of so many steps, and which are decided.
    fn asked(steps: usize, needed: &[usize]) -> (usize, Vec<bool>) {
        let mut pool = Pool(steps);
        let found = pool.ask(10, needed, |needed, budget| {
            budget.spend(*needed);
            !budget.is_spent()
        });
        (steps - pool.0, found)
    }

    #[test]
    fn what_takes_little_is_decided_whatever_the_rest_takes() {
        let (spent, found) = asked(1_000, &[1_000_000, 5, 1_000_000, 9, 1_000_000]);
        assert_eq!(found, [false, true, false, true, false]);
        assert!(spent <= 1_000, "{spent}");
    }

    #[test]
    fn what_takes_more_is_asked_again_while_there_is_enough() {
        assert_eq!(asked(1_000, &[30, 5, 100]).1, [true, true, true]);
        assert_eq!(asked(100, &[30, 5, 100]).1, [true, true, false]);
        assert_eq!(asked(1_000, &[]), (0, Vec::new()));
        assert_eq!(asked(0, &[1, 0]).1, [false, false]);
    }

    #[test]
    fn the_order_decides_nothing() {
        let needed: Vec<usize> = (0..40).map(|at| at * at).collect();
        let (spent, found) = asked(9_000, &needed);
        let back: Vec<usize> = needed.iter().rev().copied().collect();
        let (spent_back, mut found_back) = asked(9_000, &back);
        found_back.reverse();
        assert_eq!((spent, &found), (spent_back, &found_back));
        assert!(found.contains(&true) && found.contains(&false));
    }
}
