//! What a refusal tells of rows that nobody shows: that one of them is like the new one.

use super::{Act, Context, Finding, denied};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::verdict::Verdict;
use specc_diag::{Span, codes};
use specc_facts::{Family, family};
use specc_model::{Base, Entity, FieldIx, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    // Whose rows nobody shares are not asked, nor tables whose rows belong to nobody.
    let of_somebody = entity.outgoing.iter().any(|id| context.is_tenant(context.model.relation(*id).to, entity.id))
        || !context.owners(entity.id).is_empty();
    if entity.external || !of_somebody {
        return;
    }
    for (name, fields, span) in sets(entity) {
        for role in context.signed_in() {
            let Some(right) = Right::of(context.model, entity.id, role, RuleAction::Insert) else { continue };
            // A value that is made at random, or that nobody chooses, is not guessed.
            let chosen = |field: &FieldIx| right.writes(*field) && !is_made(entity, *field);
            if !fields.iter().all(chosen) {
                continue;
            }
            let (table, role_name) = (context.name(entity.id), &role.name);
            let claim =
                format!("an insert into `{table}` tells `{role_name}` by `{name}` of no row that it does not read");
            let wrong = format!(
                "an insert into `{table}` tells `{role_name}` by `{name}` whether a row is there that it does not read"
            );
            let verdict = tells(context, &right, role, &fields);
            found.push(Finding { code: codes::EXISTENCE_ORACLE, entity: table, claim, wrong, verdict, span });
        }
    }
}

/// What is unique beside the key: its name, its columns, and where it is declared.
fn sets(entity: &Entity) -> Vec<(String, Vec<FieldIx>, Span)> {
    let uniques = entity.uniques.iter().filter(|unique| unique.filter.is_none());
    let uniques = uniques.map(|unique| (&unique.name, &unique.elements, unique.span));
    let indexes = entity.indexes.iter().filter(|index| index.unique && index.filter.is_none());
    let indexes = indexes.map(|index| (&index.name, &index.elements, index.span));
    let fields = |elements: &[specc_model::Element]| {
        elements.iter().map(specc_model::Element::field).collect::<Option<Vec<_>>>()
    };
    uniques
        .chain(indexes)
        .filter_map(|(name, elements, span)| Some((name.to_string(), fields(elements)?, span)))
        .collect()
}

fn is_made(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let random =
        matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Uuid) && column.default.is_some();
    column.identity.is_some() || random && column.relation.is_none()
}

fn tells<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, fields: &[FieldIx]) -> Verdict {
    let entity = right.entity.id;
    let select = Right::of(context.model, entity, role, RuleAction::Select);
    let columns: Vec<_> = fields.iter().map(|field| (entity, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(select.as_ref()));
    act.world.clash = true;
    let new = act.after_row();
    let other = act.world.table(entity)[0];
    let mut alike = vec![act.world.rows[other].exists];
    for field in fields {
        let (a, b) = (act.world.value(new, *field), act.world.value(other, *field));
        alike.push(act.world.equal(&a, &b).yes);
    }
    let seen = select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut act.world, other).0);
    alike.push(!seen);
    act.decide(&alike)
}
