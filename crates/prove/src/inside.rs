//! Who belongs to a row: its members, its owner, and those who belong to what it belongs to.

use crate::access::Right;
use crate::circuit::Lit;
use crate::membership::Membership;
use crate::properties::Context;
use crate::sorts::{Source, viewer_key};
use crate::standing::Person;
use crate::world::{RowId, World};
use specc_model::{EntityId, FieldIx, Model, Relation, RelationId};

/// Tenants of tenants of tenants.
const DEEPEST: usize = 3;

/// By which memberships, and through how many tenants.
#[derive(Clone, Copy)]
struct Belonging {
    depth: usize,
    in_force: bool,
}

impl Membership<'_> {
    /// The columns that say who belongs to what.
    pub fn columns(&self, model: &Model) -> Vec<(EntityId, FieldIx)> {
        let to = model.relation(self.to).fields.iter().map(|field| (self.members, *field));
        to.chain([(self.members, self.who)]).collect()
    }
}

impl<'m> Context<'m> {
    /// Whether somebody can belong to rows of this entity, and rows of `of` to them.
    pub fn is_tenant(&self, entity: EntityId, of: EntityId) -> bool {
        entity != of && self.memberships_of(entity).next().is_some()
    }

    /// Whether rows of an entity, to which nobody belongs by themselves, are parts of what somebody can belong to.
    pub fn is_part(&self, entity: EntityId) -> bool {
        self.leads(entity, 0)
    }

    fn leads(&self, entity: EntityId, depth: usize) -> bool {
        let whole = |to: EntityId| self.is_tenant(to, entity) || depth < DEEPEST && self.leads(to, depth + 1);
        self.memberships_of(entity).next().is_none() && self.parts_of(entity).any(|relation| whole(relation.to))
    }

    /// The references that every row of an entity has to rows of others that rules guard.
    fn parts_of(&self, entity: EntityId) -> impl Iterator<Item = &'m Relation> {
        let (model, viewer) = (self.model, self.model.viewer);
        let outgoing = model.entity(entity).outgoing.iter().map(move |id| model.relation(*id));
        outgoing.filter(move |r| !r.nullable && r.to != entity && Some(r.to) != viewer && !model.entity(r.to).external)
    }

    /// The references of an entity to what those belong to who belong to its rows.
    fn above(&self, entity: EntityId) -> Vec<&'m Relation> {
        let outgoing = self.model.entity(entity).outgoing.iter().map(|id| self.model.relation(*id));
        let mut above: Vec<&Relation> = outgoing.filter(|relation| self.is_tenant(relation.to, entity)).collect();
        if self.is_part(entity) {
            above.extend(self.parts_of(entity).filter(|relation| self.is_part(relation.to)));
        }
        above
    }

    /// An entity, and what its rows are parts of.
    pub fn tenants_of(&self, entity: EntityId) -> Vec<EntityId> {
        let (mut found, mut at) = (vec![entity], 0);
        while let Some(entity) = found.get(at).copied() {
            at += 1;
            if self.is_part(entity) {
                let above = self.above(entity).into_iter().map(|relation| relation.to);
                let new: Vec<_> = above.filter(|to| !found.contains(to)).collect();
                found.extend(new);
            }
        }
        found
    }

    /// Columns that say who belongs to rows of an entity.
    pub fn columns_of(&self, entity: EntityId) -> Vec<(EntityId, FieldIx)> {
        let mut found = Vec::new();
        let mut rest = vec![(entity, 0)];
        while let Some((entity, depth)) = rest.pop() {
            let members = self.memberships_of(entity);
            found.extend(members.flat_map(|m| m.columns(self.model)));
            found.extend(self.owners(entity).iter().map(|field| (entity, *field)));
            if depth < DEEPEST && self.is_part(entity) {
                for relation in self.above(entity) {
                    found.extend(relation.fields.iter().map(|field| (entity, *field)));
                    rest.push((relation.to, depth + 1));
                }
            }
        }
        found
    }

    /// Whether a row refers to one that is not read by this right.
    pub fn under_closed(
        &self,
        world: &mut World<'m>,
        row: RowId,
        relation: &Relation,
        read: Option<&Right<'m>>,
    ) -> Lit {
        let mut closed = Vec::new();
        for above in world.table(relation.to) {
            let linked = self.linked(world, row, above, relation);
            let seen = read.map_or(Lit::FALSE, |read| read.reaches(world, above).0);
            closed.push(world.circuit.and(linked, !seen));
        }
        world.circuit.any(closed)
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

    /// Whether a row that is there refers to another one.
    pub fn linked_from(&self, world: &mut World<'m>, row: RowId, to: RowId, relation: &Relation) -> Lit {
        let linked = self.linked(world, row, to, relation);
        world.circuit.and(world.rows[row].exists, linked)
    }

    /// Whether a row refers to anything by this reference, and whether the viewer belongs to that.
    pub fn inside(&self, world: &mut World<'m>, row: RowId, relation: RelationId) -> (Lit, Lit) {
        self.within(world, row, relation, Belonging { depth: 0, in_force: false })
    }

    /// The same by memberships that say nothing against it.
    pub fn inside_in_force(&self, world: &mut World<'m>, row: RowId, relation: RelationId) -> Lit {
        self.within(world, row, relation, Belonging { depth: 0, in_force: true }).1
    }

    /// Whether the viewer belongs to a row, and whether by memberships that say nothing against it.
    pub fn belongs_to(&self, world: &mut World<'m>, row: RowId) -> (Lit, Lit) {
        let by = |in_force| Belonging { depth: 0, in_force };
        (self.belongs(world, row, by(false)), self.belongs(world, row, by(true)))
    }

    fn within(&self, world: &mut World<'m>, row: RowId, relation: RelationId, how: Belonging) -> (Lit, Lit) {
        let relation = self.model.relation(relation);
        let (mut any, mut inside) = (Vec::new(), Vec::new());
        for target in world.table(relation.to) {
            let linked = self.linked(world, row, target, relation);
            any.push(linked);
            let belongs = self.belongs(world, target, how);
            inside.push(world.circuit.and(linked, belongs));
        }
        (world.circuit.any(any), world.circuit.any(inside))
    }

    /// Whether the viewer belongs to a row.
    fn belongs(&self, world: &mut World<'m>, row: RowId, how: Belonging) -> Lit {
        if world.circuit.is_full() {
            return Lit::FALSE;
        }
        let entity = world.rows[row].entity;
        let mut by = vec![self.owns(world, row)];
        for membership in self.memberships_of(entity) {
            if world.circuit.is_full() {
                return Lit::FALSE;
            }
            for member in world.table(membership.members) {
                let is = self.is_member(world, member, row, membership);
                let lapsed = if how.in_force { world.lapsed(member, &membership.lapses) } else { Lit::FALSE };
                by.push(world.circuit.and(is, !lapsed));
            }
        }
        if how.depth < DEEPEST {
            let how = Belonging { depth: how.depth + 1, ..how };
            for relation in self.above(entity) {
                by.push(self.within(world, row, relation.id, how).1);
            }
        }
        world.circuit.any(by)
    }

    /// Whether a row of the members is there, is about the viewer, and refers to `row`.
    fn is_member(&self, world: &mut World<'m>, member: RowId, row: RowId, membership: &Membership<'m>) -> Lit {
        let seen = world.visible(member, membership.members);
        let mine = self.is_hers(world, member, membership);
        let linked = self.linked(world, member, row, self.model.relation(membership.to));
        let exists = world.rows[member].exists;
        world.circuit.all([exists, seen, mine, linked])
    }

    /// Whether another row that is about the viewer says the same in these columns of what a row of the members refers to:
    /// an invitation has the rank that whoever accepts it has.
    pub fn given(&self, world: &mut World<'m>, row: RowId, membership: &Membership<'m>, columns: &[FieldIx]) -> Lit {
        let tenant = self.model.relation(membership.to);
        let mut by = Vec::new();
        for other in self.memberships_of(tenant.to) {
            for giver in world.table(other.members) {
                let exists = world.rows[giver].exists;
                let mut all = vec![exists, self.is_hers(world, giver, other)];
                let theirs = self.model.relation(other.to);
                for (a, b) in tenant.fields.iter().zip(&theirs.fields) {
                    let (a, b) = (world.value(row, *a), world.value(giver, *b));
                    all.push(world.equal(&a, &b).yes);
                }
                for field in columns {
                    let ty = &self.model.entity(membership.members).fields[*field].ty.base;
                    let fields = &self.model.entity(other.members).fields;
                    let same = (0..fields.len()).filter(|of| fields[*of].ty.base == *ty && *of != other.who);
                    let mut any = Vec::new();
                    for of in same.filter(|of| !theirs.fields.contains(of)) {
                        let (a, b) = (world.value(row, *field), world.value(giver, of));
                        any.push(world.equal(&a, &b).yes);
                    }
                    all.push(world.circuit.any(any));
                }
                by.push(world.circuit.all(all));
            }
        }
        world.circuit.any(by)
    }

    /// Whether a row of the members is about the viewer.
    pub fn is_hers(&self, world: &mut World<'m>, row: RowId, membership: &Membership<'m>) -> Lit {
        let person = world.person(&membership.by);
        world.says(row, membership.who, &person).yes
    }

    /// Whether a row, or what it is a part of, is the viewer's own or has her among its members.
    pub fn touches(&self, world: &mut World<'m>, row: RowId) -> Lit {
        self.touched(world, row, 0)
    }

    fn touched(&self, world: &mut World<'m>, row: RowId, depth: usize) -> Lit {
        let mut by = vec![self.belongs(world, row, Belonging { depth: DEEPEST, in_force: false })];
        if depth < DEEPEST {
            for id in &self.model.entity(world.rows[row].entity).outgoing {
                let relation = self.model.relation(*id);
                if Some(relation.to) == self.model.viewer || self.model.entity(relation.to).external {
                    continue;
                }
                for target in world.table(relation.to) {
                    let linked = self.linked(world, row, target, relation);
                    let touched = if linked == Lit::FALSE { linked } else { self.touched(world, target, depth + 1) };
                    by.push(world.circuit.and(linked, touched));
                }
            }
        }
        world.circuit.any(by)
    }

    /// Whether a row refers to one that is the viewer's own, or has her among its members.
    pub fn refers_to_hers(&self, world: &mut World<'m>, row: RowId, relation: &Relation) -> Lit {
        let mut by = Vec::new();
        for target in world.table(relation.to) {
            let linked = self.linked(world, row, target, relation);
            let touched = if linked == Lit::FALSE { linked } else { self.touches(world, target) };
            by.push(world.circuit.and(linked, touched));
        }
        world.circuit.any(by)
    }

    /// The same of any of its references to what is no person.
    pub fn is_under_hers(&self, world: &mut World<'m>, row: RowId) -> Lit {
        let outgoing = self.model.entity(world.rows[row].entity).outgoing.iter().map(|id| self.model.relation(*id));
        let of_things = outgoing.filter(|r| Some(r.to) != self.model.viewer && !self.model.entity(r.to).external);
        let by: Vec<Lit> = of_things.map(|relation| self.refers_to_hers(world, row, relation)).collect();
        world.circuit.any(by)
    }

    /// Whether the viewer is a member of what a row of the members refers to already, by a row of it, or by one of a membership
    /// that rules ask for more often: who gives invitations is no guest.
    pub fn is_in(&self, world: &mut World<'m>, row: RowId, membership: &Membership<'m>) -> Lit {
        let relation = self.model.relation(membership.to);
        let invited = membership.by != Person::Viewer;
        let more = |other: &&Membership<'m>| {
            other.members == membership.members || invited || other.asks.len() > membership.asks.len()
        };
        let of = self.memberships_of(relation.to).filter(|m| m.by == Person::Viewer);
        let mut by = Vec::new();
        for other in of.filter(more).collect::<Vec<_>>() {
            for target in world.table(relation.to) {
                let linked = self.linked(world, row, target, relation);
                for member in world.table(other.members).into_iter().filter(|member| *member != row) {
                    let is = self.is_member(world, member, target, other);
                    by.push(world.circuit.and(linked, is));
                }
            }
        }
        world.circuit.any(by)
    }

    /// Whether a row is of a membership of the viewer in it that rules of other entities ask for too: it is a tenant of its
    /// own, whatever it is a part of.
    pub fn is_of_row(&self, world: &mut World<'m>, row: RowId) -> Lit {
        let entity = world.rows[row].entity;
        let mut by = Vec::new();
        let own = self.memberships_of(entity).filter(|m| m.wide);
        for membership in own {
            for member in world.table(membership.members) {
                by.push(self.is_member(world, member, row, membership));
            }
        }
        world.circuit.any(by)
    }

    /// Whether the viewer is the owner of a row, or the row is her own.
    pub fn owns(&self, world: &mut World<'m>, row: RowId) -> Lit {
        let viewer = world.session(Source::Viewer);
        let mut by = Vec::new();
        if let Some((entity, key)) = viewer_key(self.model)
            && world.rows[row].entity == entity
        {
            let value = world.value(row, key);
            by.push(world.equal(&value, &viewer).yes);
        }
        for field in self.owners(world.rows[row].entity) {
            by.push(world.says(row, *field, &viewer).yes);
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
}
