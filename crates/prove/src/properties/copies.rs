//! What gets past the rules of a table whole: copies of its rows, and `truncate`.

use super::{Act, Context, Finding, denied, executes};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::reads;
use crate::sorts::Val;
use crate::verdict::Verdict;
use crate::world::Sym;
use specc_diag::codes;
use specc_model::effective::truncating;
use specc_model::{Entity, FieldIx, Object, RuleAction};
use std::collections::BTreeSet;

/// The tables of the library that have copies of rows, and what makes them.
const COPIES: [(&str, &str); 2] = [("audit_log", "audit_row"), ("row_history", "keep_history")];

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for role in &context.roles {
        emptied(context, entity, role, found);
        let Some((_, by)) = COPIES.iter().find(|(log, _)| entity.name.name == *log) else { continue };
        let Some(right) = context.right(entity.id, role, RuleAction::Select) else { continue };
        let copies = |copied: &&Entity| crate::is_guarded(copied) && executes(copied, by);
        for copied in context.model.entities.iter().filter(copies) {
            for at in 0..right.openings().len() {
                found.extend(shown(context, &right, role, at, copied));
            }
        }
    }
}

/// Whether rules bind a role that may take all rows away.
fn emptied(context: &Context<'_>, entity: &Entity, role: &Role, found: &mut Vec<Finding>) {
    let grants = context.model.grants.iter().filter(|grant| grant.object == Object::Entity(entity.id));
    for grant in grants.filter(|grant| truncating(context.model, grant).any(|to| role.acts_as.contains(to))) {
        let (table, name, span) = (context.name(entity.id), &role.name, grant.span);
        let claim = format!("`{name}` takes no rows of `{table}` away past its rules");
        let wrong = format!("`{name}` truncates `{table}`, which asks no rule");
        let verdict = Verdict::Counterexample(None);
        found.push(Finding { code: codes::EMPTIED, entity: table, claim, wrong, verdict, span });
    }
}

/// Whether a copy of a row is read by who does not read the row, or a column of it.
fn shown<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, at: usize, copied: &'m Entity) -> Option<Finding> {
    let (log, rule) = (right.entity, right.openings()[at].rule);
    let (schema, table) = (log.field("table_schema")?, log.field("table_name")?);
    let below = context.right(copied.id, role, RuleAction::Select);
    let closed = |field: FieldIx| below.as_ref().is_none_or(|below| !below.names(field));
    let (copies, of, name) = (context.name(log.id), context.name(copied.id), &role.name);
    let claim = format!("by rule `{}` of `{copies}` `{name}` reads nothing of `{of}` that its rules deny", rule.name);
    let wrong = format!("by rule `{}` of `{copies}` `{name}` reads what the rules of `{of}` deny", rule.name);
    let asked = [&rule.when, &rule.check].into_iter().flatten();
    let asked: BTreeSet<_> = asked.flat_map(|expr| reads(context.model, log.id, &expr.formula)).collect();
    let asks = |field: FieldIx| asked.contains(&(log.id, field));
    let mut act = Act::new(context, right, role, &[(log.id, schema), (log.id, table)], denied(below.as_deref()));
    let (row, opened) = (act.row(), act.opened[at]);
    let mut all = vec![opened];
    for (field, is) in [(schema, &copied.name.schema), (table, &copied.name.name)].into_iter().filter(|of| asks(of.0)) {
        let held = act.world.value(row, field);
        all.push(act.world.equal(&held, &Sym::of(Val::of_text(is))).yes);
    }
    // A column that nobody may read is in the copy of every row.
    if !(0..copied.fields.len()).any(closed) {
        let of_her = context.owns(&mut act.world, row);
        let other = act.world.table(copied.id).first().copied()?;
        let seen = below.as_ref().map_or(Lit::FALSE, |below| below.reaches(&mut act.world, other).0);
        // What is hidden is there for nobody.
        let visible = act.world.visible(other, copied.id);
        all.extend([act.world.rows[other].exists, visible, !seen, !of_her]);
        if log.field("record_id").is_some_and(asks) {
            let verdict = Verdict::OutOfFragment { because: vec![rule.span] };
            return Some(Finding {
                code: codes::SHOWN_BY_COPY,
                entity: copies,
                claim,
                wrong,
                verdict,
                span: rule.span,
            });
        }
    }
    let verdict = act.decide(&all);
    Some(Finding { code: codes::SHOWN_BY_COPY, entity: copies, claim, wrong, verdict, span: rule.span })
}
