//! Several states of the rules about the tables of one world, what was chosen in it, and values of what no rule compares.

use super::World;
use crate::access::Role;
use crate::circuit::Lit;
use crate::sorts::{Source, Val};
use specc_model::formula::Formula;
use specc_model::{Base, Model, Type};

/// Rules that decide about the same tables.
pub struct State<'m> {
    /// The rules.
    pub model: &'m Model,
    /// Who asks, with the rights that she has by them.
    pub role: Role,
    /// Which of the states it is; 0 is that of the world itself.
    pub number: usize,
}

impl<'m> World<'m> {
    /// Lets another state of the same tables decide, for the same session, and gives the one that decided.
    pub fn swap(&mut self, state: State<'m>) -> State<'m> {
        let State { model, role, number } = state;
        State {
            model: std::mem::replace(&mut self.model, model),
            role: std::mem::replace(&mut self.role, role),
            number: std::mem::replace(&mut self.state, number),
        }
    }

    /// The state that decides, where an expression that is not modelled may depend on it.
    pub(crate) fn state_of(&self, formula: &Formula) -> usize {
        if crate::encode::is_steady(self.model, formula) { 0 } else { self.state }
    }

    /// Two values of what nothing compares: it stays the same, or becomes another.
    pub(super) fn any_two(&self, source: &Source) -> Vec<Val> {
        if let Source::Field(entity, field) = source
            && let Type { base: Base::Enum(id), dims: 0, .. } = &self.model.entity(*entity).fields[*field].ty
        {
            let labels = self.model.enums[id.0 as usize].labels.iter().take(2);
            return labels.map(|label| Val::of_text(&label.name)).collect();
        }
        vec![Val::Other(0), Val::Other(1)]
    }

    /// Wires that nothing but a choice decides.
    pub fn choices(&self) -> Vec<Lit> {
        self.choices.clone()
    }

    /// The choices of the solution that was found last, as what to ask for to get it again.
    pub fn chosen(&self) -> Vec<Lit> {
        self.choices.iter().map(|lit| if self.circuit.value(*lit) { *lit } else { !*lit }).collect()
    }

    /// Whether the solution that was found last says the same of these, whatever is not modelled is; it stays.
    pub fn is_sure(&mut self, lits: &[Lit]) -> bool {
        if self.unknowns.is_empty() {
            return true;
        }
        let held: Vec<Lit> = lits.iter().map(|lit| if self.circuit.value(*lit) { !*lit } else { *lit }).collect();
        let same = self.chosen();
        let open = held.into_iter().any(|other| {
            let wanted: Vec<Lit> = same.iter().copied().chain([other]).collect();
            self.circuit.solve(&wanted) || self.circuit.gave_up()
        });
        self.circuit.solve(&same) && !open
    }
}
