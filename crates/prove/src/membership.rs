//! Columns and entities that say who belongs to what, read off the conditions of rules.

use crate::encode::word;
use crate::lapse::{Lapse, lapses};
use crate::sets::matched;
use crate::sorts::{asks, constant, is_viewer, parts, query, session, visit};
use crate::standing::{Ask, Given, Person};
use specc_model::formula::{Exists, Formula, From, Node, Operator, Read, Row, Select, Sql};
use specc_model::{Entity, EntityId, FieldIx, Model, ParamKind, PredicateId, RelationId, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// An entity whose rows say that somebody belongs to a row of another one: rules ask whether one of them is the viewer's.
#[derive(Clone, Debug)]
pub struct Membership<'m> {
    /// The entity of those rows.
    pub members: EntityId,
    /// Its column that says who belongs.
    pub who: FieldIx,
    /// By what it says so.
    pub by: Person,
    /// Its reference to what she belongs to.
    pub to: RelationId,
    /// Its columns that rules ask besides, such as a role.
    pub ranks: Vec<FieldIx>,
    /// What rules ask of a row of it, each at one place.
    pub asks: Vec<Ask<'m>>,
    /// Its columns that say whether a row is in force.
    pub lapses: Vec<Lapse<'m>>,
    /// Rules of entities other than these two ask for it.
    pub wide: bool,
}

impl Membership<'_> {
    /// Whether another one is of the same people and rows.
    fn is_like(&self, other: &Membership<'_>) -> bool {
        (self.members, self.who, &self.by, self.to) == (other.members, other.who, &other.by, other.to)
    }
}

/// All formulas that decide access, wherever they stand.
pub fn deciding(model: &Model) -> impl Iterator<Item = &Formula> {
    let rules = model.entities.iter().flat_map(|entity| &entity.rules);
    let rules = rules.flat_map(|rule| [&rule.when, &rule.check]).flatten().map(|expr| &expr.formula);
    let predicates = model.predicates.iter().map(|predicate| &predicate.body.formula);
    let functions = model.functions.iter().filter_map(|function| function.asks.as_ref()).map(|asks| &asks.formula);
    rules.chain(predicates).chain(functions)
}

/// What a predicate is given, where it is values and all of them are constants.
fn constants<'m>(model: &Model, id: PredicateId, args: &'m [Formula]) -> Option<Given<'m>> {
    let params = &model.predicates[id.0 as usize].params;
    let takes = params.iter().any(|param| matches!(param.kind, ParamKind::Value(_)));
    let given: Given<'m> = args.iter().map(|arg| constant(arg).map(|_| arg)).collect();
    let all =
        params.iter().zip(given.iter()).all(|(param, arg)| matches!(param.kind, ParamKind::Row(_)) || arg.is_some());
    (takes && all).then_some(given)
}

/// All memberships that rules ask for.
pub fn memberships<'m>(model: &'m Model) -> Vec<Membership<'m>> {
    let mut found: Vec<Membership<'m>> = Vec::new();
    for new in deciding(model).flat_map(|formula| asked_by(model, formula)) {
        match found.iter_mut().find(|old| old.is_like(&new)) {
            Some(old) => {
                old.ranks.extend(new.ranks);
                old.asks.extend(new.asks);
            }
            None => found.push(new),
        }
    }
    for membership in &mut found {
        membership.ranks.sort_unstable();
        membership.ranks.dedup();
        membership.lapses = lapses(model, membership);
    }
    widen(model, &mut found);
    found.sort_by_key(|m| (m.members, m.who, m.to));
    found
}

/// The memberships that a formula asks for, each at one place: not those of predicates and functions that it calls, unless
/// they are given constants.
fn asked_by<'m>(model: &'m Model, formula: &'m Formula) -> Vec<Membership<'m>> {
    let mut found: Vec<Membership<'m>> = Vec::new();
    // What an `exists path (…)` inside of others looks at has the number of those around it.
    let mut rest = vec![(formula, 0, Given::default(), false)];
    let mut called = BTreeSet::new();
    while let Some((part, depth, given, negated)) = rest.pop() {
        match &part.node {
            // Whoever is blocked, or has left, is no member by that.
            _ if negated => {}
            Node::Exists(exists) => found.extend(membership(model, exists, depth, &given)),
            Node::Sql(_) => {
                found.extend(query(part).and_then(Sql::select).map_or(Vec::new(), |s| selected(model, s, &given)));
            }
            Node::Binary(Operator::Equal, sides) => {
                let said = |one, other| said(model, one, std::slice::from_ref(other), &given);
                let both = said(&sides.0, &sides.1).into_iter().chain(said(&sides.1, &sides.0));
                found.extend(both.chain(of_viewer(model, part)));
            }
            Node::InList(list, false) => found.extend(said(model, &list.0, &list.1, &given)),
            _ => {}
        }
        let depth = depth + usize::from(matches!(part.node, Node::Exists(_)));
        let negated = negated
            != match &part.node {
                Node::Not(_) => true,
                Node::Form(form) => word(form).is_some_and(|word| word.starts_with("not ")),
                _ => false,
            };
        if let Node::Predicate(id, args) = &part.node
            && let Some(given) = constants(model, *id, args)
        {
            rest.push((&model.predicates[id.0 as usize].body.formula, 0, given, negated));
        }
        // `has_role(team_id, 'admin')` asks what its body asks, with that role.
        if let (Node::Call(call), Some(asked)) = (&part.node, asks(model, part)) {
            let given: Given<'m> = call.args.iter().map(|(_, arg)| constant(arg).map(|_| arg)).collect();
            if given.iter().any(Option::is_some) && called.insert(crate::sorts::address(part)) {
                rest.push((asked, 0, given, negated));
            }
        }
        rest.extend(parts(part).into_iter().rev().map(|part| (part, depth, given.clone(), negated)));
    }
    found
}

/// What a rule asks of the rows of a membership, itself or by what it calls.
pub(crate) fn asked_of<'m>(model: &'m Model, rule: &'m Rule, membership: &Membership<'_>) -> Vec<Ask<'m>> {
    let mut formulas: Vec<&Formula> =
        [&rule.when, &rule.check].into_iter().flatten().map(|expr| &expr.formula).collect();
    let mut at = 0;
    while let Some(formula) = formulas.get(at).copied() {
        let mut called = Vec::new();
        visit(model, formula, &mut |part| {
            if let Node::Predicate(id, _) = &part.node {
                called.push(&model.predicates[id.0 as usize].body.formula);
            }
            called.extend(asks(model, part));
        });
        called.retain(|body| !formulas.iter().any(|known| std::ptr::eq(*known, *body)));
        formulas.extend(called);
        at += 1;
    }
    let found = formulas.into_iter().flat_map(|formula| asked_by(model, formula));
    found.filter(|other| membership.is_like(other)).flat_map(|other| other.asks).collect()
}

/// Says of each membership whether rules of other entities than the members and what they are members of ask for it.
fn widen(model: &Model, found: &mut [Membership<'_>]) {
    let mut by_relation: BTreeMap<RelationId, Vec<usize>> = BTreeMap::new();
    let mut by_members: BTreeMap<EntityId, Vec<usize>> = BTreeMap::new();
    for (at, membership) in found.iter().enumerate() {
        by_relation.entry(membership.to).or_default().push(at);
        by_members.entry(membership.members).or_default().push(at);
    }
    for entity in &model.entities {
        let mut asked: BTreeSet<usize> = BTreeSet::new();
        for expr in entity.rules.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten() {
            visit(model, &expr.formula, &mut |part| match &part.node {
                Node::Exists(exists) => {
                    let last = exists.steps.last().filter(|step| step.back);
                    asked.extend(last.and_then(|step| by_relation.get(&step.relation)).into_iter().flatten());
                }
                Node::Sql(sql) => {
                    asked.extend(sql.tables().filter_map(|table| by_members.get(&table)).flatten());
                }
                _ => {}
            });
        }
        for at in asked {
            let membership = &mut found[at];
            membership.wide |= entity.id != membership.members && entity.id != model.relation(membership.to).to;
        }
    }
}

/// A column of the viewer's row that is a reference and is compared with something else: the viewer belongs to that.
fn of_viewer<'m>(model: &'m Model, part: &Formula) -> Vec<Membership<'m>> {
    let (Some((a, b)), Some((viewer, who))) = (part.equality(), crate::sorts::viewer_key(model)) else {
        return Vec::new();
    };
    let ((Node::ViewerField(field), other) | (other, Node::ViewerField(field))) = (&a.bare().node, &b.bare().node)
    else {
        return Vec::new();
    };
    if !matches!(other, Node::Column(..) | Node::Path(..)) {
        return Vec::new();
    }
    let relations = model.entity(viewer).outgoing.iter().map(|id| model.relation(*id));
    relations
        .filter(|relation| relation.fields == [*field] && relation.to != viewer)
        .map(|relation| {
            let (ranks, asks) = (Vec::new(), vec![Ask::of_any(Row::Scope(0))]);
            Membership {
                members: viewer,
                who,
                by: Person::Viewer,
                to: relation.id,
                ranks,
                asks,
                lapses: Vec::new(),
                wide: false,
            }
        })
        .collect()
}

/// The memberships that `(select role from members where …) = 'admin'` asks for, where `values` are constants; or a function
/// that is such a query.
fn said<'m>(model: &'m Model, of: &'m Formula, values: &'m [Formula], given: &Given<'m>) -> Vec<Membership<'m>> {
    if values.iter().any(|value| constant(value).is_none()) {
        return Vec::new();
    }
    let asked = asks(model, of).unwrap_or(of);
    let Some(select) = query(asked.bare()).and_then(Sql::select) else { return Vec::new() };
    let [output] = select.output.as_slice() else { return Vec::new() };
    let Node::Column(row @ Row::Query(..), field) = &output.bare().node else { return Vec::new() };
    let mut found = selected(model, select, given);
    found.retain(|membership| !model.relation(membership.to).fields.contains(field) && membership.who != *field);
    for membership in &mut found {
        membership.ranks.push(*field);
        let asks = membership.asks.iter_mut().filter(|ask| ask.row == *row);
        asks.for_each(|ask| ask.says = Some((output, values)));
    }
    found
}

/// The memberships that a plain query asks for: a row of one of its tables with a column that is the viewer, and a reference
/// that is compared with something else, or given.
fn selected<'m>(model: &'m Model, select: &'m Select, given: &Given<'m>) -> Vec<Membership<'m>> {
    select.tables.iter().flat_map(|from| of_table(model, select, from, given)).collect()
}

fn of_table<'m>(model: &'m Model, select: &'m Select, from: &From, given: &Given<'m>) -> Vec<Membership<'m>> {
    let From { name, of: Read::Entity(members), .. } = from else { return Vec::new() };
    let row = Row::Query(name.clone(), *members);
    let own = |formula: &Formula| match &formula.bare().node {
        Node::Column(of, field) if *of == row => Some(*field),
        _ => None,
    };
    let (mut people, mut linked, mut ranks) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut joined = BTreeSet::new();
    linked.extend(select.output.iter().filter_map(own));
    for condition in &select.conditions {
        condition.visit(|part| {
            ranks.extend(own(part));
            let Some((a, b)) = matched(part) else { return };
            for (column, other) in [(a, b), (b, a)] {
                let Some(field) = own(column) else { continue };
                if let Some(by) = Person::of_column(model, *members, field, other) {
                    people.push((field, by));
                } else if constant(other).is_none() {
                    linked.insert(field);
                    if matches!(&other.bare().node, Node::Column(Row::Query(..), _)) {
                        joined.insert(field);
                    }
                }
            }
        });
    }
    let Some(first) = people.first().map(|(field, _)| *field) else { return Vec::new() };
    // Where either of two columns may be who asks, and the other one is whom she belongs to, it is so both ways.
    people.retain(|(field, _)| *field == first || linked.contains(&first) && linked.contains(field));
    people.dedup_by_key(|(field, _)| *field);
    let mut found = Vec::new();
    for (who, by) in people {
        let relations = model.entity(*members).outgoing.iter().map(|id| model.relation(*id));
        let relations = relations.filter(|r| !r.fields.contains(&who) && r.fields.iter().all(|f| linked.contains(f)));
        // A person whom another table of the query is about belongs to nobody by that.
        let relations =
            relations.filter(|r| Some(r.to) != model.viewer || !r.fields.iter().any(|f| joined.contains(f)));
        found.extend(relations.map(|relation| {
            let ranks = ranks.iter().copied().filter(|f| *f != who && !relation.fields.contains(f)).collect();
            let asks = vec![Ask::of(&row, &select.conditions, given)];
            let (members, by) = (*members, by.clone());
            Membership { members, who, by, to: relation.id, ranks, asks, lapses: Vec::new(), wide: false }
        }));
    }
    found
}

fn membership<'m>(model: &'m Model, exists: &'m Exists, depth: usize, given: &Given<'m>) -> Option<Membership<'m>> {
    let step = exists.steps.last().filter(|step| step.back)?;
    let relation = model.relation(step.relation);
    let (mut person, mut ranks) = (None, BTreeSet::new());
    let row = Row::Bound(depth);
    let bound = |formula: &Formula| match &formula.bare().node {
        Node::Column(of, field) if *of == row => Some(*field),
        _ => None,
    };
    exists.condition.visit(|part| {
        if let Some((a, b)) = matched(part) {
            for (column, other) in [(a, b), (b, a)] {
                if let Some(field) = bound(column)
                    && let Some(by) = Person::of_column(model, relation.from, field, other)
                {
                    person = person.take().or(Some((field, by)));
                }
            }
        }
        ranks.extend(bound(part));
    });
    let (who, by) = person?;
    ranks.retain(|field| *field != who && !relation.fields.contains(field));
    let asks = vec![Ask::of(&row, std::slice::from_ref(&exists.condition), given)];
    let (members, to, ranks) = (relation.from, relation.id, ranks.into_iter().collect());
    Some(Membership { members, who, by, to, ranks, asks, lapses: Vec::new(), wide: false })
}

/// Whether a rule lets a row through for who asks alone, whatever the row is.
pub fn is_of_session(model: &Model, rule: &Rule) -> bool {
    let rule = crate::files::written(model, rule);
    let asked = [&rule.when, &rule.check].into_iter().flatten().map(|expr| about(model, &expr.formula));
    let (of_row, of_session) = asked.fold((false, false), |all, one| (all.0 | one.0, all.1 | one.1));
    of_session && !of_row
}

/// Whether a condition is of who asks alone, whatever the row is.
pub fn is_of_who_asks(model: &Model, formula: &Formula) -> bool {
    let (of_row, of_session) = about(model, formula);
    of_session && !of_row
}

/// Whether a condition asks of the row, and whether of who is asking.
fn about(model: &Model, formula: &Formula) -> (bool, bool) {
    let (mut of_row, mut of_session) = (false, false);
    formula.visit(|part| {
        of_row |= match &part.node {
            Node::Column(row, _) | Node::Path(row, ..) | Node::Whole(row, _) => matches!(row, Row::Scope(_)),
            Node::Exists(exists) => matches!(exists.row, Row::Scope(_)),
            Node::AsIs(_) => true,
            _ => false,
        };
    });
    let mut called = Vec::new();
    visit(model, formula, &mut |part| {
        of_session |= matches!(part.node, Node::ViewerField(_)) || session(part).is_some();
        called.extend(asks(model, part));
    });
    // What functions ask that functions call, to some depth.
    for _ in 0..8 {
        let mut next = Vec::new();
        for formula in called {
            visit(model, formula, &mut |part| {
                of_session |= session(part).is_some();
                next.extend(asks(model, part));
            });
        }
        called = next;
    }
    (of_row, of_session)
}

/// The columns of an entity that rules compare with who is asking.
pub fn owners(model: &Model, entity: &Entity) -> Vec<FieldIx> {
    owners_of(model, entity, |_| true)
}

/// Those that some of its rules compare with who is asking.
pub fn owners_of(model: &Model, entity: &Entity, which: impl Fn(&Rule) -> bool) -> Vec<FieldIx> {
    let mut found = BTreeSet::new();
    for rule in entity.rules.iter().filter(|rule| !rule.forbid && which(rule)) {
        for expr in [&rule.when, &rule.check].into_iter().flatten() {
            compared(model, &expr.formula, 0, &mut found);
        }
    }
    let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
    found.into_iter().filter(|field| key != [*field]).collect()
}

/// The columns of each entity that any rule compares with who is asking, its own or one that reaches the row by a path.
pub fn owners_by_path(model: &Model) -> Vec<Vec<FieldIx>> {
    let own = model.entities.iter().map(|entity| owners(model, entity).into_iter().collect::<BTreeSet<_>>());
    let mut found: Vec<BTreeSet<FieldIx>> = own.collect();
    for formula in deciding(model) {
        visit(model, formula, &mut |part| {
            let Some((a, b)) = matched(part) else { return };
            for (column, other) in [(a, b), (b, a)] {
                if let Node::Path(_, steps, field) = &column.bare().node
                    && let Some(step) = steps.last().filter(|step| !step.back)
                    && is_viewer(other)
                    && let Some(columns) = found.get_mut(model.step_target(*step).0 as usize)
                {
                    columns.insert(*field);
                }
            }
        });
    }
    let of = |(entity, found): (&Entity, BTreeSet<FieldIx>)| {
        let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
        found.into_iter().filter(|field| key != [*field]).collect()
    };
    model.entities.iter().zip(found).map(of).collect()
}

/// The columns of the first row of a scope that are compared with who is asking.
fn compared(model: &Model, formula: &Formula, depth: usize, found: &mut BTreeSet<FieldIx>) {
    formula.visit(|part| {
        if let Some((a, b)) = matched(part) {
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
