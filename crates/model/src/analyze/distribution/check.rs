//! What Citus refuses of tables that it distributes. Where each rule comes from is in `specc_facts::citus`.

use super::{column, group};
use crate::types::*;
use specc_diag::{Code, Diagnostic, Span, codes};
use specc_facts::citus::{self, Rule};
use specc_syntax::ast::{RefAction, RefActionKind};

/// A finding with what Citus says of it.
fn found(code: Code, rule: Rule, span: Span, message: String, help: String) -> Diagnostic {
    debug_assert!(!citus::fact(rule).source.is_empty());
    Diagnostic::new(code, span, message).help(help)
}

pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in model.entities.iter().filter(|entity| !entity.external) {
        let Some(placement) = &entity.placement else { continue };
        match placement.home {
            Home::By { field, with } => {
                beside(model, entity, field, with, out);
                kind(model, entity, field, out);
                keys(entity, field, out);
            }
            Home::Reference => {
                if let Some(by) = &entity.partition_by {
                    let message =
                        format!("`{}` is partitioned, and a table of every server cannot be", entity.name.name);
                    let help = "remove `partition by`, or distribute it by a column".into();
                    out.push(found(codes::DISTRIBUTED_TABLE, Rule::PartitionedReference, by.span, message, help));
                }
            }
            Home::Local => {}
        }
        if placement.home != Home::Local {
            identities(model, entity, out);
        }
        for relation in entity.outgoing.iter().map(|id| model.relation(*id)) {
            reference(model, entity, relation, out);
        }
    }
}

/// What it is beside has the same sort of column.
fn beside(model: &Model, entity: &Entity, field: FieldIx, with: Option<EntityId>, out: &mut Vec<Diagnostic>) {
    let Some(placement) = &entity.placement else { return };
    let Some(target) = with.map(|id| model.entity(id)) else { return };
    let name = &target.name.name;
    let Some(theirs) = column(target) else {
        let message = format!("`{name}` is not distributed by a column, so nothing can be beside its rows");
        let help = format!("write `distribute by` in `{name}`, or leave `with {name}` out");
        out.push(found(codes::BAD_DISTRIBUTION, Rule::ColocatedType, placement.span, message, help));
        return;
    };
    let (own, other) = (&entity.fields[field], &target.fields[theirs]);
    if model.under(&own.ty) != model.under(&other.ty) {
        let message = format!("`{}` and `{}` of `{name}` have different types", own.name, other.name);
        let help =
            format!("give `{}` the type of `{}`: equal values have to be on the same server", own.name, other.name);
        out.push(found(codes::BAD_DISTRIBUTION, Rule::ColocatedType, placement.span, message, help));
    }
    let mut at = target;
    for _ in 0..model.entities.len() {
        match at.placement.as_ref().map(|p| p.home) {
            Some(Home::By { with: Some(next), .. }) if next == entity.id => {
                let message = format!("`{}` is beside `{name}`, which is beside it", entity.name.name);
                let help = "leave one `with` out: one of them comes first".into();
                out.push(found(codes::BAD_DISTRIBUTION, Rule::ColocatedType, placement.span, message, help));
                return;
            }
            Some(Home::By { with: Some(next), .. }) => at = model.entity(next),
            _ => return,
        }
    }
}

/// What rows are distributed by.
fn kind(model: &Model, entity: &Entity, field: FieldIx, out: &mut Vec<Diagnostic>) {
    let Some(placement) = &entity.placement else { return };
    let own = &entity.fields[field];
    let mut bad = |rule, message: String, help: &str| {
        out.push(found(codes::DISTRIBUTED_COLUMN, rule, placement.span, message, help.into()));
    };
    if own.generated.is_some() {
        let message = format!("`{}` is computed, and rows cannot be distributed by what is computed", own.name);
        bad(Rule::GeneratedColumn, message, "distribute by a column that is written");
    }
    let ty = model.under(&own.ty);
    if let Base::Builtin(name) = &ty.base
        && ty.dims == 0
    {
        if !specc_facts::has_default_class("hash", name, false, |_| true) {
            let message = format!("values of `{name}` have no hash, by which a server is chosen");
            bad(Rule::HashedType, message, "distribute by a column of type `bigint`, `uuid` or `text`");
        }
        if name == "numeric" && ty.args.get(1).is_some_and(|scale| *scale < 0) {
            let message = format!("`{}` is rounded before the point", own.name);
            bad(Rule::NegativeScale, message, "distribute by a column of type `bigint`, `uuid` or `text`");
        }
    }
}

/// All that has to be unique has the column: each server sees its own rows.
fn keys(entity: &Entity, field: FieldIx, out: &mut Vec<Diagnostic>) {
    let column = &entity.fields[field].name;
    let has = |elements: &[Element]| elements.iter().any(|e| e.field() == Some(field));
    let mut bad = |rule, span, what: &str, help: String| {
        let message =
            format!("the {what} of `{}` lacks `{column}`, by which its rows are distributed", entity.name.name);
        out.push(found(codes::DISTRIBUTED_KEY, rule, span, message, help));
    };
    let names =
        |fields: &[FieldIx]| fields.iter().map(|f| entity.fields[*f].name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(key) = entity.key.as_ref().filter(|key| !key.fields.contains(&field)) {
        bad(Rule::UniqueHasColumn, key.span, "key", format!("write `key ({column}, {})`", names(&key.fields)));
    }
    for unique in entity.uniques.iter().filter(|u| !has(&u.elements)) {
        let others: Vec<FieldIx> = unique.elements.iter().filter_map(Element::field).collect();
        let help = format!("write `unique ({column}, {})`, or `distribute as reference`", names(&others));
        bad(Rule::UniqueHasColumn, unique.span, "unique constraint", help);
    }
    for index in entity.indexes.iter().filter(|i| i.unique && !has(&i.elements)) {
        let help = format!("add `{column}` to the index, or `distribute as reference`");
        bad(Rule::UniqueIndexHasColumn, index.span, "unique index", help);
    }
    for exclude in &entity.excludes {
        if !exclude.elements.iter().any(|(e, op)| e.field() == Some(field) && op == "=") {
            let help = format!("add `{column} with =` to it");
            bad(Rule::ExclusionHasColumn, exclude.span, "exclusion", help);
        }
    }
}

/// Each server has its own numbers in the upper bits of a `bigint`.
fn identities(model: &Model, entity: &Entity, out: &mut Vec<Diagnostic>) {
    for field in entity.fields.iter().filter(|field| field.identity.is_some()) {
        let ty = model.under(&field.ty);
        if !matches!(&ty.base, Base::Builtin(name) if name == "bigint") {
            let message =
                format!("`{}` counts in numbers that are too small to be shared out between servers", field.name);
            let help = format!("write `{}: bigint`", field.name);
            out.push(found(codes::DISTRIBUTED_COLUMN, Rule::BigIdentity, field.meta.span, message, help));
        }
    }
}

fn reference(model: &Model, entity: &Entity, relation: &Relation, out: &mut Vec<Diagnostic>) {
    let target = model.entity(relation.to);
    let home = |entity: &Entity| entity.placement.as_ref().map_or(Home::Local, |p| p.home);
    let (own, other) = (&entity.name.name, &target.name.name);
    let span = relation.span;
    let mut bad = |code, rule, span, message: String, help: String| out.push(found(code, rule, span, message, help));
    match (home(entity), home(target)) {
        (Home::Local, Home::By { .. }) => {
            let message = format!("`{own}` is local, and `{other}`, which it refers to, is on several servers");
            let help = format!(
                "distribute `{own}` beside it: `distribute by … with {other}`, with that column in the reference"
            );
            bad(codes::DISTRIBUTED_REFERENCE, Rule::LocalToDistributed, span, message, help);
        }
        (Home::Reference, Home::By { .. }) => {
            let message = format!("`{own}` is on every server, and `{other}`, which it refers to, is not");
            let help = format!("distribute `{own}` by a column too, or `{other}` as reference");
            bad(codes::DISTRIBUTED_REFERENCE, Rule::ReferenceToDistributed, span, message, help);
        }
        (Home::By { .. }, Home::Local) => {
            let message = format!("`{own}` is on several servers, and `{other}`, which it refers to, is on one");
            let help = format!("write `distribute as reference` in `{other}`");
            bad(codes::DISTRIBUTED_REFERENCE, Rule::DistributedToLocal, span, message, help);
        }
        (Home::Reference, Home::Local) => {
            if let Some(action) =
                acts(relation, &[RefActionKind::SetNull, RefActionKind::SetDefault, RefActionKind::Cascade])
            {
                let message =
                    format!("`{own}` is on every server and `{other}` is not, so nothing can follow from `{other}`");
                let help = format!("write `on delete restrict`, or `distribute as reference` in `{other}`");
                bad(codes::DISTRIBUTED_ACTION, Rule::ReferenceToLocalAction, action.at.0, message, help);
            }
        }
        (Home::By { field, .. }, at) => {
            if let Home::By { field: theirs, .. } = at {
                if group(model, entity.id) != group(model, target.id) {
                    let message =
                        format!("`{own}` and `{other}`, which it refers to, are distributed apart from each other");
                    let help = format!("write `distribute by {} with {other}`", entity.fields[field].name);
                    bad(codes::DISTRIBUTED_REFERENCE, Rule::Colocated, span, message, help);
                    return;
                }
                let mut pairs = relation.fields.iter().zip(&relation.to_fields);
                if !pairs.any(|(own, far)| *own == field && *far == theirs) {
                    let (a, b) = (&entity.fields[field].name, &target.fields[theirs].name);
                    let message = format!(
                        "the reference from `{own}` to `{other}` lacks the columns by which both are distributed"
                    );
                    let help =
                        format!("write `reference ({a}, …) -> {other} ({b}, …)`: the row is then on the same server");
                    bad(codes::DISTRIBUTED_REFERENCE, Rule::ReferenceHasColumn, span, message, help);
                    return;
                }
            }
            if relation.fields.contains(&field) {
                let column = &entity.fields[field].name;
                let options = &relation.options;
                let deletes = options
                    .on_delete
                    .as_ref()
                    .filter(|a| matches!(a.kind, RefActionKind::SetNull | RefActionKind::SetDefault));
                let updates = options.on_update.as_ref().filter(|a| {
                    matches!(a.kind, RefActionKind::SetNull | RefActionKind::SetDefault | RefActionKind::Cascade)
                });
                for action in deletes.into_iter().chain(updates) {
                    let message = format!(
                        "the reference has `{column}`, by which rows of `{own}` are distributed, and it may not change"
                    );
                    let help = "write `on delete cascade` or `restrict`, and nothing for `on update`".into();
                    bad(codes::DISTRIBUTED_ACTION, Rule::NoSetOnColumn, action.at.0, message, help);
                }
            }
        }
        (Home::Local, Home::Local | Home::Reference) | (Home::Reference, Home::Reference) => {}
    }
}

/// One of these actions, if the reference has it.
fn acts<'r>(relation: &'r Relation, kinds: &[RefActionKind]) -> Option<&'r RefAction> {
    let all = [&relation.options.on_delete, &relation.options.on_update];
    all.into_iter().flatten().find(|action| kinds.contains(&action.kind))
}
