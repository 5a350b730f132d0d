//! Renames one after the other, each to a name that is free by then: where names change places in a circle, one of them
//! stands under a third name meanwhile.

use crate::place::{Planned, Unexpected};
use crate::strategies::in_place::table::temporary_name;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Kind, Object, ObjectId, Rule, TableName};
use specc_diff::Renamed;
use std::hash::Hash;

/// Whether a rename is done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// It is.
    Whole,
    /// To the third name.
    First,
    /// From there.
    Second,
}

/// A rename, or a half of it.
pub(super) struct Turn {
    /// Which one.
    pub of: usize,
    /// How much of it.
    pub half: Half,
}

impl Turn {
    /// As a rename of its own, by way of a third name.
    pub fn of_it(&self, renamed: &Renamed, third: SmolStr) -> Renamed {
        let mut one = renamed.clone();
        match (self.half, &mut one.part) {
            (Half::Whole, _) => {}
            (Half::First, Some((_, now))) => *now = third,
            (Half::Second, Some((was, _))) => *was = third,
            // It goes to its schema with the second half.
            (Half::First, None) => one.now = ObjectId { name: third, ..renamed.id.clone() },
            (Half::Second, None) => one.id.name = third,
        }
        one
    }
}

/// The third name on the way to a name.
pub(super) fn aside(name: &str) -> SmolStr {
    temporary_name(&[name, "swap"])
}

/// The same where the way leads through two schemas: what goes the other way may be called alike.
pub(super) fn aside_to(schema: &str, name: &str) -> SmolStr {
    temporary_name(&[schema, name, "swap"])
}

/// The order. Each pair is what a name is unique among with the name, before and after.
pub(super) fn in_turn<N: Eq + Hash>(all: &[(N, N)]) -> Vec<Turn> {
    let mut held: FxHashMap<&N, usize> = all.iter().enumerate().map(|(at, (was, _))| (was, at)).collect();
    let mut waits: FxHashMap<&N, usize> = FxHashMap::default();
    let mut turns = Vec::new();
    for (of, (was, now)) in all.iter().enumerate() {
        let is_held = was != now && held.get(now).is_some_and(|other| *other != of);
        turns.push(Turn { of, half: if is_held { Half::First } else { Half::Whole } });
        held.remove(was);
        if is_held {
            waits.insert(now, of);
        }
        // Whoever waits for the name that is free now takes it.
        if let Some(of) = waits.remove(was) {
            turns.push(Turn { of, half: Half::Second });
        }
    }
    turns
}

/// What the name of an object or a part of one is unique among, and the name. Tables, indexes and types of a schema share
/// their names.
pub(super) fn spot(id: &ObjectId, part: &Option<(SmolStr, SmolStr)>) -> (Kind, ObjectId, SmolStr) {
    match part {
        Some((was, _)) => (id.kind, id.clone(), was.clone()),
        None => whole(id),
    }
}

/// The same of the name that it gets.
pub(super) fn goal(renamed: &Renamed) -> (Kind, ObjectId, SmolStr) {
    match &renamed.part {
        Some((_, now)) => (renamed.id.kind, renamed.id.clone(), now.clone()),
        None => whole(&renamed.now),
    }
}

fn whole(id: &ObjectId) -> (Kind, ObjectId, SmolStr) {
    let kind = match id.kind {
        Kind::View | Kind::Sequence | Kind::Index | Kind::Enum | Kind::Domain | Kind::Composite => Kind::Table,
        kind => kind,
    };
    // Functions of one name are told apart by their parameters.
    let part = if kind == Kind::Function { id.part.clone() } else { SmolStr::default() };
    (kind, ObjectId { part, ..ObjectId::new(kind, id.schema.clone(), "") }, id.name.clone())
}

/// A name that an author may have left to a rule: the table that it is unique in, or none where it is unique in the schema.
pub(super) fn label_of(object: &Object) -> Planned<(Option<TableName>, SmolStr, SmolStr)> {
    let name: SmolStr = name_of(object)?.into();
    let id = object.id();
    let in_schema = match object {
        Object::Constraint(o) => {
            matches!(o.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. } | Rule::Exclude { .. })
        }
        Object::Index(_) | Object::Sequence(_) => true,
        _ => false,
    };
    // A trigger and a policy of a table may have one name.
    let of =
        object.table().filter(|_| !in_schema).map(|table| TableName::new(table.schema.clone(), table.name.clone()));
    let space = if in_schema { id.schema } else { SmolStr::new_static(kind_word(object)) };
    Ok((of, space, name))
}

fn kind_word(object: &Object) -> &'static str {
    match object {
        Object::Trigger(_) => "trigger",
        Object::Policy(_) => "policy",
        _ => "constraint",
    }
}

/// The name of what can have another one and be the same.
pub(super) fn name_of(object: &Object) -> Planned<&str> {
    Ok(match object {
        Object::Constraint(o) => &o.name,
        Object::Index(o) => &o.name,
        Object::Trigger(o) => &o.name,
        Object::Policy(o) => &o.name,
        Object::Sequence(o) => &o.name,
        other => return Err(Unexpected::new(&other.id(), "only its name differs, and it cannot be renamed")),
    })
}

/// The object under another name.
pub(super) fn with_name(object: &Object, name: SmolStr) -> Object {
    let mut object = object.clone();
    match &mut object {
        Object::Constraint(o) => o.name = name,
        Object::Index(o) => o.name = name,
        Object::Trigger(o) => o.name = name,
        Object::Policy(o) => o.name = name,
        Object::Sequence(o) => o.name = name,
        _ => {}
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names after the turns; none where a name is taken twice on the way.
    fn run(all: &[(&str, &str)]) -> Option<(Vec<String>, usize)> {
        let mut names: Vec<String> = all.iter().map(|(was, _)| (*was).to_owned()).collect();
        let turns = in_turn(all);
        for turn in &turns {
            let to = match turn.half {
                Half::First => format!("{}?", all[turn.of].1),
                _ => all[turn.of].1.to_owned(),
            };
            if names.contains(&to) {
                return None;
            }
            names[turn.of] = to;
        }
        Some((names, turns.len()))
    }

    #[test]
    fn every_permutation_is_reached_by_free_names() {
        let names = ["a", "b", "c", "d"];
        let mut order: Vec<usize> = (0..4).collect();
        // Heap's algorithm.
        let mut count = [0; 4];
        let mut at = 0;
        loop {
            let all: Vec<(&str, &str)> = order.iter().enumerate().map(|(n, m)| (names[n], names[*m])).collect();
            let moved: Vec<(&str, &str)> = all.into_iter().filter(|(was, now)| was != now).collect();
            let (after, _) = run(&moved).unwrap_or_else(|| panic!("{moved:?}"));
            assert!(moved.iter().zip(&after).all(|((_, now), after)| now == after), "{moved:?} gives {after:?}");
            while at < 4 && count[at] >= at {
                count[at] = 0;
                at += 1;
            }
            if at == 4 {
                break;
            }
            order.swap(if at % 2 == 0 { 0 } else { count[at] }, at);
            count[at] += 1;
            at = 0;
        }
    }

    #[test]
    fn a_circle_takes_one_more_name() {
        assert_eq!(run(&[("b", "a"), ("c", "b"), ("a", "c")]).map(|(_, turns)| turns), Some(4));
        assert_eq!(run(&[("b", "a"), ("c", "b")]).map(|(_, turns)| turns), Some(2));
    }
}
