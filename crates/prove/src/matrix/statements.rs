//! What the statements over a database are, and what should come of them.

use super::frame::{Frame, Outcome, Side};
use super::maker::Maker;
use super::{Expected, Statement, Way};
use crate::case::Case;
use crate::circuit::Lit;
use crate::world::RowId;
use specc_model::RuleAction;

/// What the solution that was found last says of statements.
pub(super) struct Values<'f, 'm> {
    pub(super) frame: &'f Frame<'m>,
    /// Something refers to the row.
    pub(super) kept: Lit,
    /// No other row is reached.
    pub(super) alone: Lit,
}

impl Values<'_, '_> {
    fn expected(&self, outcome: Outcome, rows: u64) -> Expected {
        let holds = |lit: Lit| self.frame.world.circuit.value(lit);
        match (holds(outcome.reached), holds(outcome.passes)) {
            (false, _) => Expected::Rows(0),
            (true, false) => Expected::Denied,
            (true, true) if holds(self.kept) => Expected::Kept,
            (true, true) => Expected::Rows(rows),
        }
    }

    pub(super) fn statements(&self, maker: &Maker<'_>, own: &Side<'_>, case: &Case) -> Vec<Statement> {
        let holds = |lit: Lit| self.frame.world.circuit.value(lit);
        let step = case.steps.first();
        let place = |id: RowId| {
            let row = &self.frame.world.rows[id];
            case.rows
                .iter()
                .enumerate()
                .position(|(at, other)| other.entity == row.entity && other.number == row.number && case.is_there(at))
        };
        let (keyed, has_key) = (own.names_key(maker.entity), maker.entity.key.is_some());
        let mut all = Vec::new();
        let mut add = |way, row, expected| all.push(Statement { way, row, expected });
        match maker.command {
            RuleAction::Insert => {
                let row = step.and_then(|step| step.new);
                add(Way::Values, row, self.expected(self.frame.plain, 1));
                if has_key {
                    add(Way::Returning, row, self.expected(self.frame.reading, 1));
                    add(Way::Conflict, row, self.expected(self.frame.reading, 1));
                }
            }
            RuleAction::Select => {
                let count = self.frame.reached.iter().filter(|(_, reach, _)| holds(*reach)).count() as u64;
                add(Way::All, None, Expected::Rows(count));
                for (id, reach, _) in
                    self.frame.reached.iter().filter(|(id, ..)| has_key && holds(self.frame.world.rows[*id].exists))
                {
                    let expected = if keyed { Expected::Rows(u64::from(holds(*reach))) } else { Expected::Denied };
                    add(Way::Keyed, place(*id), expected);
                }
            }
            RuleAction::Delete => {
                let count = self.frame.reached.iter().filter(|(_, reach, _)| holds(*reach)).count() as u64;
                // Which of several rows something refers to does not matter to one that names its row.
                if count == 0 || !holds(self.kept) && count == 1 || holds(self.kept) && holds(self.frame.plain.reached)
                {
                    let expected = if count > 0 && holds(self.kept) { Expected::Kept } else { Expected::Rows(count) };
                    add(Way::All, None, expected);
                }
                if has_key {
                    add(Way::Keyed, step.and_then(|step| step.old), self.expected(self.frame.reading, 1));
                }
            }
            RuleAction::Update => {
                if holds(self.alone) {
                    add(Way::All, None, self.expected(self.frame.plain, 1));
                }
                if has_key {
                    add(Way::Keyed, step.and_then(|step| step.old), self.expected(self.frame.reading, 1));
                }
            }
        }
        all
    }
}
