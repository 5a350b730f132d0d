//! Who belongs to a row: its members, its owner, and those who belong to what it belongs to.

use crate::circuit::Lit;
use crate::membership::{Membership, owners};
use crate::properties::Context;
use crate::sorts::Source;
use crate::world::{RowId, World};
use specc_model::formula::{Formula, Node, Row};
use specc_model::{EntityId, FieldIx, Model, Relation, RelationId};

/// Tenants of tenants of tenants.
const DEEPEST: usize = 3;

impl Membership {
    /// The columns that say who belongs to what.
    pub fn columns(&self, model: &Model) -> Vec<(EntityId, FieldIx)> {
        let to = model.relation(self.to).fields.iter().map(|field| (self.members, *field));
        to.chain([(self.members, self.who)]).collect()
    }
}

impl<'m> Context<'m> {
    /// Whether somebody can belong to rows of this entity, and rows of `of` to them.
    pub fn is_tenant(&self, entity: EntityId, of: EntityId) -> bool {
        entity != of && self.memberships.iter().any(|m| self.model.relation(m.to).to == entity)
    }

    /// Columns that say who belongs to rows of an entity.
    pub fn columns_of(&self, entity: EntityId) -> Vec<(EntityId, FieldIx)> {
        let members = self.memberships.iter().filter(|m| self.model.relation(m.to).to == entity);
        let own = owners(self.model, self.model.entity(entity)).into_iter().map(|field| (entity, field));
        members.flat_map(|m| m.columns(self.model)).chain(own).collect()
    }

    /// Whether a row refers to another one, which is there.
    pub fn linked(&self, world: &mut World<'m>, row: RowId, to: RowId, relation: &Relation) -> Lit {
        let mut linked = world.rows[to].exists;
        for (from, theirs) in relation.fields.iter().zip(&relation.to_fields) {
            let (a, b) = (world.value(row, *from), world.value(to, *theirs));
            let equal = world.equal(&a, &b).yes;
            linked = world.circuit.and(linked, equal);
        }
        linked
    }

    /// Whether a row refers to anything by this reference, and whether the viewer belongs to that.
    pub fn inside(&self, world: &mut World<'m>, row: RowId, relation: RelationId) -> (Lit, Lit) {
        self.within(world, row, relation, 0)
    }

    fn within(&self, world: &mut World<'m>, row: RowId, relation: RelationId, depth: usize) -> (Lit, Lit) {
        let relation = self.model.relation(relation);
        let (mut any, mut inside) = (Vec::new(), Vec::new());
        for target in world.table(relation.to) {
            let linked = self.linked(world, row, target, relation);
            any.push(linked);
            let belongs = self.belongs(world, target, depth);
            inside.push(world.circuit.and(linked, belongs));
        }
        (world.circuit.any(any), world.circuit.any(inside))
    }

    /// Whether the viewer belongs to a row.
    fn belongs(&self, world: &mut World<'m>, row: RowId, depth: usize) -> Lit {
        let entity = world.rows[row].entity;
        let mut by = vec![self.owns(world, row)];
        let viewer = world.session(Source::Viewer);
        for membership in self.memberships.iter().filter(|m| self.model.relation(m.to).to == entity) {
            for member in world.table(membership.members) {
                let seen = world.visible(member, membership.members);
                let who = world.value(member, membership.who);
                let mine = world.equal(&who, &viewer).yes;
                let linked = self.linked(world, member, row, self.model.relation(membership.to));
                let exists = world.rows[member].exists;
                by.push(world.circuit.all([exists, seen, mine, linked]));
            }
        }
        if depth < DEEPEST {
            for id in &self.model.entity(entity).outgoing {
                if self.is_tenant(self.model.relation(*id).to, entity) {
                    by.push(self.within(world, row, *id, depth + 1).1);
                }
            }
        }
        world.circuit.any(by)
    }

    /// Whether the viewer is the owner of a row.
    pub fn owns(&self, world: &mut World<'m>, row: RowId) -> Lit {
        let viewer = world.session(Source::Viewer);
        let mut by = Vec::new();
        for field in owners(self.model, self.model.entity(world.rows[row].entity)) {
            let value = world.value(row, field);
            by.push(world.equal(&value, &viewer).yes);
        }
        world.circuit.any(by)
    }

    /// Whether the viewer owns what a row refers to.
    pub fn owned(&self, world: &mut World<'m>, row: RowId, relation: RelationId) -> Lit {
        let relation = self.model.relation(relation);
        let mut by = Vec::new();
        for target in world.table(relation.to) {
            let (linked, owns) = (self.linked(world, row, target, relation), self.owns(world, target));
            by.push(world.circuit.and(linked, owns));
        }
        world.circuit.any(by)
    }

    /// Conditions that rules ask of a row of the members, each of that row and who asks alone.
    pub fn asked_of(&self, membership: &Membership) -> Vec<&'m Formula> {
        let mut found: Vec<&'m Formula> = Vec::new();
        let mut look = |formula: &'m Formula| {
            formula.visit(|part| {
                if let Node::Exists(exists) = &part.node
                    && exists.target == membership.members
                    && exists.steps.last().is_some_and(|step| step.relation == membership.to)
                    && is_of_one_row(&exists.condition)
                    && !found.contains(&&exists.condition)
                {
                    found.push(&exists.condition);
                }
            });
        };
        let rules = self.model.entities.iter().flat_map(|entity| &entity.rules);
        rules.flat_map(|rule| [&rule.when, &rule.check]).flatten().for_each(|expr| look(&expr.formula));
        self.model.predicates.iter().for_each(|predicate| look(&predicate.body.formula));
        found
    }
}

/// Whether it reads nothing but the row that an outermost `exists` looks at, and who asks.
fn is_of_one_row(formula: &Formula) -> bool {
    let mut one = true;
    formula.visit(|part| {
        one &= match &part.node {
            Node::Column(row, _) => *row == Row::Bound(0),
            Node::Path(..) | Node::Whole(..) | Node::Exists(_) | Node::Sql(_) | Node::AsIs(_) => false,
            Node::Parameter(_) | Node::Predicate(..) => false,
            _ => true,
        };
    });
    one
}
