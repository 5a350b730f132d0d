//! Expressions that are not looked into: each may have any value, and those that are alike have the same one.

use crate::circuit::Tri;
use crate::encode::{Env, word};
use crate::sorts::{self, constant};
use crate::world::{Cell, Sym, World};
use specc_facts::Volatility;
use specc_model::formula::{Formula, Node, Operator};

/// Whether every part of it is modelled.
pub fn is_plain(formula: &Formula) -> bool {
    let mut plain = true;
    formula.visit(|part| {
        plain &= match &part.node {
            Node::Literal(_) | Node::Column(..) | Node::Not(_) | Node::Nested(_) | Node::InList(..) => true,
            Node::IsNull(..) | Node::Is(..) => true,
            Node::Binary(Operator::And | Operator::Or | Operator::Equal, _) => true,
            Node::Binary(Operator::Other(op), _) => {
                matches!(op.as_str(), "<>" | "!=" | "<" | "<=" | ">" | ">=")
            }
            Node::Cast(cast) => constant(&cast.of).is_some(),
            Node::Unary(..) => constant(part).is_some(),
            Node::Form(form) => {
                matches!(word(form), Some("between" | "not between" | "is distinct from" | "is not distinct from"))
            }
            _ => false,
        }
    });
    plain
}

impl<'m> World<'m> {
    pub(crate) fn unknown_condition(&mut self, formula: &'m Formula, env: &Env<'m>) -> Tri {
        match self.remembered(formula, env, true) {
            Cell::Condition(tri) => tri,
            Cell::Value(_) | Cell::Set(_) => Tri::NULL,
        }
    }

    pub(crate) fn unknown_value(&mut self, formula: &'m Formula, env: &Env<'m>) -> Sym {
        match self.remembered(formula, env, false) {
            Cell::Value(sym) => sym,
            Cell::Condition(_) | Cell::Set(_) => Sym::null(),
        }
    }

    /// The same expression over the same rows has the same value.
    fn remembered(&mut self, formula: &'m Formula, env: &Env<'m>, condition: bool) -> Cell {
        // An argument is what it says in its own place.
        let given: Vec<_> =
            env.values.iter().map(|value| value.as_ref().map(|(f, env)| (sorts::address(f), env))).collect();
        let what = sorts::address(formula);
        // What reads nothing but its operands is the same in every phase, and whatever the rules are.
        let phase = if formula.volatility == Volatility::Immutable { 0 } else { self.phase() };
        let state = self.state_of(formula);
        let key = format!("{state} {phase} {what} {:?} {:?} {:?} {given:?}", env.scope, env.bound, env.queries);
        if let Some(cell) = self.memo.get(&key) {
            return cell.clone();
        }
        let cell = self.unknown(formula, condition);
        self.memo.insert(key, cell.clone());
        cell
    }
}
