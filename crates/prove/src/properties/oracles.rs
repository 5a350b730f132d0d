//! What a refusal tells of rows that nobody shows: that one of them is like the new one, or is what it refers to.

use super::{Act, Context, Finding, denied};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::verdict::Verdict;
use specc_diag::{Span, codes};
use specc_facts::{Family, family};
use specc_model::formula::Volatility;
use specc_model::{Base, Entity, FieldIx, Relation, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    // Whose rows nobody shares are not asked, nor tables whose rows belong to nobody.
    let of_somebody = entity.outgoing.iter().any(|id| context.is_tenant(context.model.relation(*id).to, entity.id))
        || !context.owners(entity.id).is_empty();
    if entity.external || !of_somebody {
        return;
    }
    for (name, fields, span) in sets(entity) {
        for (role, command) in
            context.signed_in().flat_map(|role| [(role, RuleAction::Insert), (role, RuleAction::Update)])
        {
            let Some(right) = context.right(entity.id, role, command) else { continue };
            // A value that is made at random, or that nobody chooses, is not guessed. What an update leaves is as it is.
            let chosen = |field: &FieldIx| right.writes(*field) && !is_made(entity, *field);
            let all = if command == RuleAction::Insert { fields.iter().all(chosen) } else { fields.iter().any(chosen) };
            if !all {
                continue;
            }
            let (table, role_name) = (context.name(entity.id), &role.name);
            let by = by(command);
            let claim = format!("{by} `{table}` tells `{role_name}` by {name} of no row that it does not read");
            let wrong =
                format!("{by} `{table}` tells `{role_name}` by {name} whether a row is there that it does not read");
            let is_key = entity.key.as_ref().is_some_and(|key| key.fields == fields);
            let verdict = tells(context, &right, role, &fields, is_key);
            found.push(Finding { code: codes::EXISTENCE_ORACLE, entity: table, claim, wrong, verdict, span });
        }
    }
    for relation in entity.outgoing.iter().map(|id| context.model.relation(*id)) {
        let to = context.model.entity(relation.to);
        if !crate::is_guarded(to) || to.external || !relation.to_fields.iter().all(|field| is_guessed(to, *field)) {
            continue;
        }
        for role in context.signed_in() {
            for command in [RuleAction::Insert, RuleAction::Update] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                if !relation.fields.iter().any(|field| right.writes(*field)) {
                    continue;
                }
                let (table, of, name) = (context.name(entity.id), context.name(relation.to), &role.name);
                let does = by(command);
                let claim = format!("{does} `{table}` tells `{name}` of no row of `{of}` that it does not read");
                let wrong =
                    format!("{does} `{table}` tells `{name}` whether a row of `{of}` is there that it does not read");
                let verdict = refers(context, &right, role, relation);
                let (code, span) = (codes::EXISTENCE_ORACLE, relation.span);
                found.push(Finding { code, entity: table, claim, wrong, verdict, span });
            }
        }
    }
}

fn by(command: RuleAction) -> &'static str {
    if command == RuleAction::Insert { "an insert into" } else { "an update of" }
}

/// Whether values of a column are words, which are guessed.
fn is_guessed(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let made = column.default.as_ref().is_some_and(|default| default.formula.volatility == Volatility::Volatile);
    !made && matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Text)
}

/// Whether a reference is let through to a row that is not read.
fn refers<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, relation: &Relation) -> Verdict {
    let select = context.right(relation.to, role, RuleAction::Select);
    let columns: Vec<_> = relation.fields.iter().map(|field| (right.entity.id, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(select.as_deref()));
    let (old, new) = (act.rows().0, act.after_row());
    let closed = context.under_closed(&mut act.world, new, relation, select.as_deref());
    let other: Vec<Lit> = match old {
        Some(old) => relation.fields.iter().map(|field| act.world.differs(old, new, *field)).collect(),
        None => vec![Lit::TRUE],
    };
    let other = act.world.circuit.any(other);
    act.decide(&[closed, other])
}

/// What is unique: its name, its columns, and where it is declared. A key that somebody chooses is one.
fn sets(entity: &Entity) -> Vec<(String, Vec<FieldIx>, Span)> {
    let key = entity.key.iter().map(|key| ("the key".to_owned(), key.fields.clone(), entity.meta.span));
    let uniques = entity.uniques.iter().filter(|unique| unique.filter.is_none());
    let uniques = uniques.map(|unique| (&unique.name, &unique.elements, unique.span));
    let indexes = entity.indexes.iter().filter(|index| index.unique && index.filter.is_none());
    let indexes = indexes.map(|index| (&index.name, &index.elements, index.span));
    let fields = |elements: &[specc_model::Element]| {
        elements.iter().map(specc_model::Element::field).collect::<Option<Vec<_>>>()
    };
    let named = uniques
        .chain(indexes)
        .filter_map(|(name, elements, span)| Some((format!("`{name}`"), fields(elements)?, span)));
    key.chain(named).collect()
}

/// Whether values of a column are made, so that nobody guesses them: a uuid is, whoever makes it.
pub(super) fn is_made(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let random = matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Uuid);
    column.identity.is_some() || random && column.relation.is_none()
}

fn tells<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, fields: &[FieldIx], is_key: bool) -> Verdict {
    let entity = right.entity.id;
    let select = context.right(entity, role, RuleAction::Select);
    let columns: Vec<_> = fields.iter().map(|field| (entity, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(select.as_deref()));
    act.world.clash = true;
    let new = act.after_row();
    let old = act.rows().0;
    let Some(other) = act.world.table(entity).into_iter().find(|row| Some(*row) != old) else {
        return Verdict::Proven { rows: 0 };
    };
    let mut alike = vec![act.world.rows[other].exists];
    for field in fields {
        let (a, b) = (act.world.value(new, *field), act.world.value(other, *field));
        alike.push(act.world.equal(&a, &b).yes);
    }
    let seen = select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut act.world, other).0);
    alike.push(!seen);
    if is_key {
        // What is there beside her own is no news to her.
        alike.push(!context.touches(&mut act.world, other));
    }
    act.decide(&alike)
}
