//! Columns and entities that say who belongs to what, read off the conditions of rules.

use crate::sorts::{asks, is_viewer, query, session};
use specc_model::formula::{Exists, Formula, From, Node, Read, Row, Select, Sql};
use specc_model::{Entity, EntityId, FieldIx, Model, RelationId, Rule};
use std::collections::BTreeSet;

/// An entity whose rows say that somebody belongs to a row of another one: rules ask whether one of them is the viewer's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// The entity of those rows.
    pub members: EntityId,
    /// Its column with the key of who belongs.
    pub who: FieldIx,
    /// Its reference to what she belongs to.
    pub to: RelationId,
    /// Its columns that rules ask besides, such as a role.
    pub ranks: Vec<FieldIx>,
}

/// All memberships that rules ask for.
pub fn memberships(model: &Model) -> Vec<Membership> {
    let mut found: Vec<Membership> = Vec::new();
    let mut look = |formula: &Formula| {
        formula.visit(|part| {
            let new = match &part.node {
                Node::Exists(exists) => membership(model, exists).into_iter().collect(),
                Node::Sql(_) => query(part).and_then(Sql::select).map_or(Vec::new(), |s| selected(model, s)),
                _ => Vec::new(),
            };
            for new in new {
                match found.iter_mut().find(|old| (old.members, old.who, old.to) == (new.members, new.who, new.to)) {
                    Some(old) => old.ranks.extend(new.ranks),
                    None => found.push(new),
                }
            }
        });
    };
    let rules = model.entities.iter().flat_map(|entity| &entity.rules);
    rules.flat_map(|rule| [&rule.when, &rule.check]).flatten().for_each(|expr| look(&expr.formula));
    model.predicates.iter().for_each(|predicate| look(&predicate.body.formula));
    model.functions.iter().filter_map(|function| function.asks.as_ref()).for_each(|asks| look(&asks.formula));
    for membership in &mut found {
        membership.ranks.sort_unstable();
        membership.ranks.dedup();
    }
    found.sort();
    found
}

/// The memberships that a plain query asks for: a row of its one table with a column that is the viewer, and a reference
/// that is compared with something else, or given.
fn selected(model: &Model, select: &Select) -> Vec<Membership> {
    let [From { of: Read::Entity(members), .. }] = select.tables.as_slice() else { return Vec::new() };
    let own = |formula: &Formula| match &formula.bare().node {
        Node::Column(Row::Query(_, entity), field) if entity == members => Some(*field),
        _ => None,
    };
    let (mut who, mut linked, mut ranks) = (None, BTreeSet::new(), BTreeSet::new());
    linked.extend(select.output.iter().filter_map(own));
    for condition in &select.conditions {
        condition.visit(|part| {
            ranks.extend(own(part));
            let Some((a, b)) = part.equality() else { return };
            for (column, other) in [(a, b), (b, a)] {
                let Some(field) = own(column) else { continue };
                if is_viewer(other) {
                    who = who.or(Some(field));
                } else if crate::sorts::constant(other).is_none() {
                    linked.insert(field);
                }
            }
        });
    }
    let Some(who) = who else { return Vec::new() };
    let relations = model.entity(*members).outgoing.iter().map(|id| model.relation(*id));
    let relations = relations.filter(|r| !r.fields.contains(&who) && r.fields.iter().all(|f| linked.contains(f)));
    relations
        .map(|relation| {
            let ranks = ranks.iter().copied().filter(|f| *f != who && !relation.fields.contains(f)).collect();
            Membership { members: *members, who, to: relation.id, ranks }
        })
        .collect()
}

fn membership(model: &Model, exists: &Exists) -> Option<Membership> {
    let step = exists.steps.last().filter(|step| step.back)?;
    let relation = model.relation(step.relation);
    let (mut who, mut ranks) = (None, BTreeSet::new());
    let bound = |formula: &Formula| match formula.bare().node {
        Node::Column(Row::Bound(_), field) => Some(field),
        _ => None,
    };
    exists.condition.visit(|part| {
        if let Some((a, b)) = part.equality() {
            for (column, other) in [(a, b), (b, a)] {
                if is_viewer(other) {
                    who = who.or(bound(column));
                }
            }
        }
        ranks.extend(bound(part));
    });
    let who = who?;
    ranks.retain(|field| *field != who && !relation.fields.contains(field));
    let members = relation.from;
    Some(Membership { members, who, to: relation.id, ranks: ranks.into_iter().collect() })
}

/// Whether a rule lets a row through for who asks alone, whatever the row is.
pub fn is_of_session(model: &Model, rule: &Rule) -> bool {
    let rule = crate::files::written(model, rule);
    let (mut of_row, mut of_session) = (false, false);
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        expr.formula.visit(|part| {
            of_row |= match &part.node {
                Node::Column(row, _) | Node::Path(row, ..) | Node::Whole(row, _) => matches!(row, Row::Scope(_)),
                Node::Exists(exists) => matches!(exists.row, Row::Scope(_)),
                Node::AsIs(_) => true,
                _ => false,
            };
        });
        let mut called = Vec::new();
        expr.formula.visit_all(model, &mut |part| {
            of_session |= matches!(part.node, Node::ViewerField(_)) || session(part).is_some();
            called.extend(asks(model, part));
        });
        // What functions ask that functions call, to some depth.
        for _ in 0..8 {
            let mut next = Vec::new();
            for formula in called {
                formula.visit_all(model, &mut |part| {
                    of_session |= session(part).is_some();
                    next.extend(asks(model, part));
                });
            }
            called = next;
        }
    }
    of_session && !of_row
}

/// The columns of an entity that rules compare with who is asking.
pub fn owners(model: &Model, entity: &Entity) -> Vec<FieldIx> {
    let mut found = BTreeSet::new();
    for rule in entity.rules.iter().filter(|rule| !rule.forbid) {
        for expr in [&rule.when, &rule.check].into_iter().flatten() {
            compared(model, &expr.formula, 0, &mut found);
        }
    }
    let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
    found.into_iter().filter(|field| key != [*field]).collect()
}

/// The columns of the first row of a scope that are compared with who is asking.
fn compared(model: &Model, formula: &Formula, depth: usize, found: &mut BTreeSet<FieldIx>) {
    formula.visit(|part| {
        if let Some((a, b)) = part.equality() {
            for (column, other) in [(a, b), (b, a)] {
                if let Some(field) = column.own_column().filter(|_| is_viewer(other)) {
                    found.insert(field);
                }
            }
        }
        if let Node::Predicate(id, args) = &part.node
            && let [row] = &**args
            && matches!(&row.bare().node, Node::Whole(Row::Scope(0), steps) if steps.is_empty())
            && depth < 8
        {
            compared(model, &model.predicates[id.0 as usize].body.formula, depth + 1, found);
        }
    });
}
