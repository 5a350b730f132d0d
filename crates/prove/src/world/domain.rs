//! The values that a column or another source may have.

use super::World;
use crate::sorts::{Sort, Source, Val};
use smol_str::SmolStr;
use specc_facts::{Family, family};
use specc_model::{Base, EntityId, Model, Type};
use std::collections::BTreeSet;

/// Whether its values are whole numbers.
fn is_whole(ty: &Type) -> bool {
    let Base::Builtin(name) = &ty.base else { return false };
    ty.dims == 0 && family(name) == Family::Integer
}

/// The values of a sort that has an order: its constants, and as many others as decide before, between and after them.
pub(crate) fn ordered(model: &Model, sort: &Sort) -> Vec<Val> {
    let mut values = Vec::new();
    let mut others = (0..).map(Val::Other);
    let whole = sort.fields.iter().all(|(entity, field)| is_whole(&model.entity(*entity).fields[*field].ty));
    let mut before: Option<f64> = None;
    for constant in &sort.constants {
        let number = constant.as_number().filter(|_| whole);
        // Between two whole numbers there are so many others.
        let room = number.zip(before).map_or(f64::INFINITY, |(number, before)| number - before - 1.0);
        let room = if room < sort.spare.between as f64 { room.max(0.0) as usize } else { sort.spare.between };
        values.extend(others.by_ref().take(room));
        values.push(constant.clone());
        before = number;
    }
    values.extend(others.take(sort.spare.between));
    values
}

/// The tables whose keys tell values apart, and what was made without those of others.
///
/// Where a claim is compared with references to many tables, they all have one sort. The key of a row that no table of this
/// world has is like no row here, and so are the keys of no row, of which there are as many as are compared: the others
/// need not be among the values. A table that comes into being although it was not expected may have been missed by a
/// value that was there before: then it is not known whether the values decide.
#[derive(Default)]
pub(super) struct Keyed {
    tables: BTreeSet<EntityId>,
    /// Sorts of which only some keys were looked at.
    narrowed: BTreeSet<usize>,
}

impl Keyed {
    /// Rows of these have keys, and what they refer to.
    pub(super) fn new(model: &Model, entities: impl Iterator<Item = EntityId>) -> Self {
        let mut tables: BTreeSet<EntityId> = entities.chain(model.viewer).collect();
        let near = tables.iter().flat_map(|entity| &model.entity(*entity).outgoing).map(|id| model.relation(*id).to);
        tables.extend(near.collect::<Vec<_>>());
        Self { tables, narrowed: BTreeSet::new() }
    }
}

impl World<'_> {
    /// Whether values were looked at of which there are too few to decide.
    pub fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// Rows of a table have keys that values may be.
    pub(super) fn expect(&mut self, entity: EntityId) {
        if self.keyed.tables.insert(entity)
            && let Some([key]) = self.model.entity(entity).key.as_ref().map(|key| key.fields.as_slice())
            && let Some((id, _)) = self.sorts.get(&Source::Field(entity, *key))
        {
            self.crowded |= self.keyed.narrowed.contains(&id);
        }
    }

    /// The values of a sort, in their order where it has one.
    pub(crate) fn domain(&mut self, source: &Source) -> (Option<usize>, Vec<Val>) {
        let Some((id, sort)) = self.sorts.get(source) else { return (None, self.any_two(source)) };
        let labels = sort.labels.map(|id| &self.model.enums[id.0 as usize].labels);
        if let Some(labels) = labels {
            let known = |name: &SmolStr| sort.constants.contains(&Val::of_text(name));
            // Labels that no rule names are alike; where labels have an order, all of them count.
            let mut spare = 0..sort.spare.others;
            let kept = labels.iter().filter(|label| sort.ordered || known(&label.name) || spare.next().is_some());
            return (Some(id), kept.map(|label| Val::of_text(&label.name)).collect());
        }
        if sort.ordered {
            self.crowded |= sort.spare.crowded;
            return (Some(id), ordered(self.model, sort));
        }
        let mut values = Vec::new();
        if sort.constants.is_empty() {
            if let Source::Field(entity, field) = source {
                let referred = self.relations(*entity).map(|id| self.model.relation(id));
                let referred: Vec<_> = referred.filter(|to| to.fields.contains(field)).map(|to| to.to).collect();
                referred.into_iter().for_each(|to| self.expect(to));
            }
            let expected = self.keyed.tables.iter().filter(|entity| sort.is_key_of(**entity));
            let first = sort.keys.first().map(|(entity, _)| *entity);
            let keyed: BTreeSet<EntityId> = expected.copied().chain(first).collect();
            for entity in &keyed {
                // Where columns have such values without a reference, there are keys of no row.
                let none = if values.is_empty() { sort.spare.keys } else { 0 };
                let most = self.size(*entity) + self.steps + none;
                values.extend((0..most as u16).map(|number| Val::Key(*entity, number)));
            }
            if keyed.len() < sort.keys.len() {
                self.keyed.narrowed.insert(id);
            }
        }
        let numbered = !values.is_empty();
        let crowded = if numbered { sort.spare.crowded_keys } else { sort.spare.crowded };
        self.crowded |= crowded;
        values.extend(sort.constants.iter().cloned());
        if !numbered {
            let rows = self.sizes.values().copied().max().unwrap_or(1) + 1;
            values.extend((0..rows.max(sort.spare.others) as u16).map(Val::Other));
        }
        (Some(id), values)
    }

    pub(super) fn is_uuid(&self, source: &Source) -> bool {
        let column = match source {
            Source::Field(entity, field) => Some((*entity, *field)),
            Source::Viewer => crate::sorts::viewer_key(self.model),
            _ => None,
        };
        column.is_some_and(|(entity, field)| {
            let ty = &self.model.entity(entity).fields[field].ty;
            ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Uuid)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::sorts::Sorts;
    use specc_diag::Sources;
    use specc_model::Options;

    /// Tables in a line, each with a reference that a claim is compared with.
    fn line(tables: usize) -> Model {
        let one = |i: usize| {
            let rule = "r: allow select  to authenticated  when up_id = claims.up::uuid";
            format!("entity t{i} {{\n  id: uuid key\n  up_id -> t{}\n  policy {{ {rule} }}\n}}\n", i.saturating_sub(1))
        };
        let text: String = (0..tables).map(one).collect();
        let mut sources = Sources::new();
        let file = sources.add("a.dbspec", text.clone());
        let (tree, _) = specc_syntax::parse(file, &text);
        specc_model::analyze(vec![tree], &mut sources, Options::default()).0
    }

    #[test]
    fn values_are_keys_of_what_is_asked_about_and_a_table_that_is_missed_is_noticed() {
        let model = line(60);
        let sorts = Sorts::of(&model);
        let named = |name: &str| model.entities.iter().find(|entity| entity.name.name == name).unwrap().id;
        let claim = Source::Claim(["up".into()].into());
        // To the last one nothing refers.
        assert_eq!(sorts.get(&claim).unwrap().1.keys.len(), 59);
        let sizes = [(named("t30"), 1)].into_iter().collect();
        let mut world = World::new(&model, &sorts, sizes, Role::new(&model, "authenticated"));
        let keyed = |world: &mut World<'_>| -> BTreeSet<EntityId> {
            let values = world.domain(&claim).1.into_iter();
            values.filter_map(|value| if let Val::Key(entity, _) = value { Some(entity) } else { None }).collect()
        };
        assert_eq!(keyed(&mut world), ["t0", "t29", "t30"].map(named).into());
        world.table(named("t29"));
        assert!(!world.is_crowded());
        world.table(named("t50"));
        assert!(world.is_crowded());
        assert!(keyed(&mut world).contains(&named("t50")));
    }
}
