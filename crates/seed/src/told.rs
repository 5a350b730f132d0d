//! The rows of a scenario: which keys its labels have, and what its values are.

use crate::plan::Plan;
use crate::{BASE, blocks};
use smol_str::SmolStr;
use specc_catalog::Seed;
use specc_model::{EntityId, FieldIx, Model, Scenario, ScenarioPart, SeedRow, SeedValue};

/// What is told of the rows of a scenario: those of `base`, of its environment, and its own.
pub struct Told<'m> {
    plan: Plan<'m>,
    /// The entities of each set of its own, and where the set begins among all rows.
    own: Vec<(usize, Vec<EntityId>)>,
}

impl<'m> Told<'m> {
    /// Reads them.
    pub fn of(model: &'m Model, scenario: &'m Scenario) -> Self {
        let mut plan = Plan::new(model);
        let envs = [BASE, &scenario.env];
        let sets = model.seeds.iter().filter(|set| envs.contains(&set.env.as_str()));
        for set in sets {
            plan.add(set);
        }
        let mut own = Vec::new();
        for part in &scenario.parts {
            let ScenarioPart::Given(set) = part else { continue };
            let first = plan.rows.len();
            let entities = plan.add(set);
            own.push((first, entities));
        }
        Self { plan, own }
    }

    /// The rows of the set of its own at this place among such, in insertion order.
    pub fn given(&self, at: usize) -> Vec<Seed> {
        let Some((first, entities)) = self.own.get(at) else { return Vec::new() };
        let until = self.own.get(at + 1).map_or(self.plan.rows.len(), |(next, _)| *next);
        blocks(&self.plan, *first..until, entities, false)
    }

    /// The key of a labelled row: each column, and SQL that gives its value.
    pub fn key(&self, entity: EntityId, label: &SmolStr) -> Vec<(FieldIx, SmolStr)> {
        let Some(key) = &self.plan.model.entity(entity).key else { return Vec::new() };
        let Some(row) = self.plan.labelled(entity, label) else { return Vec::new() };
        key.fields.iter().map(|field| (*field, self.plan.value_of(row, *field, 0))).collect()
    }

    /// The labels of an entity, in the order of their rows.
    pub fn labels(&self, entity: EntityId) -> Vec<SmolStr> {
        let rows = self.plan.rows.iter().filter(|row| row.entity == entity);
        rows.filter_map(|row| row.source.label.clone()).collect()
    }

    /// The values that a row gives, as SQL; nothing is made up for what it leaves out.
    pub fn values(&mut self, row: &'m SeedRow) -> Vec<(FieldIx, SmolStr)> {
        self.plan.alone(row)
    }

    /// An argument as SQL.
    pub fn argument(&self, value: &SeedValue) -> SmolStr {
        match value {
            SeedValue::Expr(expr) => crate::sql(expr),
            SeedValue::Label { entity, label } => {
                let key = self.key(*entity, label);
                key.into_iter().next().map_or_else(|| "null".into(), |(_, value)| value)
            }
            // No argument is drawn.
            SeedValue::Any(_) | SeedValue::Fake(_) | SeedValue::Between(..) | SeedValue::OneOf(_) => "null".into(),
        }
    }
}
