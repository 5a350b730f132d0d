//! What somebody says of herself when she signs up, and a function with its owner's rights believes.

use super::{Finding, Shared};
use crate::aside::{Fired, fired};
use crate::sorts::{address, asks, query};
use crate::standing::Person;
use crate::verdict::Verdict;
use specc_diag::codes;
use specc_model::formula::{Formula, From, Node, Read, Row, Select, Sql};
use specc_model::{EntityId, FieldIx, Model, Target};
use std::collections::BTreeSet;

/// The column of the platform's accounts that everybody fills as she likes.
const OWN_WORDS: &str = "raw_user_meta_data";

pub(super) fn ask(shared: &Shared<'_>, found: &mut Vec<Finding>) {
    let model = shared.model;
    if model.options.target != Target::Supabase {
        return;
    }
    let mut asked = None;
    for fired in fired(model) {
        let Some(words) = own_words(&fired) else { continue };
        let asked = asked.get_or_insert_with(|| of_who_asks(shared));
        let mut columns = fired.function.deeds.stored.clone();
        columns.sort();
        columns.dedup_by_key(|(column, _)| *column);
        for (of, field) in columns.iter().map(|(column, _)| *column).filter(|column| asked.contains(column)) {
            let believes =
                |(column, from): &((EntityId, FieldIx), Vec<_>)| *column == (of, field) && from.contains(&words);
            let believed = fired.function.deeds.stored.iter().any(believes);
            let (table, column) = (shared.name(of), &model.entity(of).fields[field].name);
            let function = &fired.function.name.name;
            let claim = format!(
                "function `{function}` sets `{column}` of `{table}`, which rules ask for, to nothing that the account says of itself"
            );
            let wrong = format!(
                "function `{function}` sets `{column}` of `{table}`, which rules ask for, to what the account says of itself"
            );
            let verdict = if believed { Verdict::Counterexample(None) } else { Verdict::Proven { rows: 0 } };
            let span = fired.function.meta.span;
            found.push(Finding { code: codes::BELIEVED_AT_SIGN_UP, entity: table, claim, wrong, verdict, span });
        }
    }
}

fn own_words(fired: &Fired<'_>) -> Option<(EntityId, FieldIx)> {
    let accounts = fired.entity.external && fired.entity.name.schema == "auth" && fired.entity.name.name == "users";
    let field = fired.entity.field(OWN_WORDS).filter(|_| accounts)?;
    Some((fired.entity.id, field))
}

/// The columns of rows about who asks that rules ask for, but for those that say whom a row is about.
fn of_who_asks(shared: &Shared<'_>) -> BTreeSet<(EntityId, FieldIx)> {
    let model = shared.model;
    let mut found = BTreeSet::new();
    for membership in &shared.memberships {
        let to = &model.relation(membership.to).fields;
        let columns = membership.ranks.iter().chain(to).filter(|field| **field != membership.who);
        found.extend(columns.map(|field| (membership.members, *field)));
    }
    let rules = model.entities.iter().flat_map(|entity| &entity.rules);
    let rules = rules.chain(model.buckets.iter().flat_map(|bucket| &bucket.rules));
    let mut open: Vec<&Formula> =
        rules.flat_map(|rule| [&rule.when, &rule.check]).flatten().map(|expr| &expr.formula).collect();
    let mut known = BTreeSet::new();
    while let Some(formula) = open.pop() {
        if !known.insert(address(formula)) {
            continue;
        }
        formula.visit_all(model, &mut |part| {
            if let (Node::ViewerField(field), Some(viewer)) = (&part.node, model.viewer) {
                found.insert((viewer, *field));
            }
            if let Some(select) = query(part).and_then(Sql::select) {
                found.extend(of_own_row(model, select));
            }
            open.extend(asks(model, part));
        });
    }
    found
}

/// The columns that a query reads of a row that says whom it is about.
fn of_own_row(model: &Model, select: &Select) -> Vec<(EntityId, FieldIx)> {
    let mut found = Vec::new();
    for From { name, of, .. } in &select.tables {
        let Read::Entity(entity) = of else { continue };
        let row = Row::Query(name.clone(), *entity);
        let column = |formula: &Formula| match &formula.bare().node {
            Node::Column(of, field) if *of == row => Some(*field),
            _ => None,
        };
        let (mut who, mut read) = (BTreeSet::new(), BTreeSet::new());
        for part in select.conditions.iter().chain(&select.output) {
            part.visit(|part| {
                read.extend(column(part));
                for (a, b) in part.equality().into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
                    who.extend(column(a).filter(|field| Person::of_column(model, *entity, *field, b).is_some()));
                }
            });
        }
        if !who.is_empty() {
            found.extend(read.difference(&who).map(|field| (*entity, *field)));
        }
    }
    found
}
