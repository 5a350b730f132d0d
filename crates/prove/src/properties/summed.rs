//! Sums that are kept of rows which nobody shows: of one row, the sum is its value.

use super::{Act, Context, Finding, denied};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::encode::Env;
use crate::verdict::Verdict;
use specc_diag::codes;
use specc_model::{Entity, FieldIx, Maintained, MaintainedFunction, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    for (at, column) in entity.fields.iter().enumerate() {
        let Some(kept) = column.maintained.as_deref().filter(|kept| kept.function == MaintainedFunction::Sum) else {
            continue;
        };
        let of = context.model.entity(context.model.relation(kept.relation).from);
        let Some(summed) = kept.field.filter(|_| crate::is_guarded(of)) else { continue };
        for role in &context.roles {
            let Some(right) = context.right(entity.id, role, RuleAction::Select) else { continue };
            if !right.names(at) {
                continue;
            }
            let (table, rows, name) = (context.name(entity.id), context.name(of.id), &role.name);
            let value = &of.fields[summed].name;
            let claim = format!(
                "`{}` of `{table}` tells `{name}` no `{value}` of a row of `{rows}` that it does not read",
                column.name
            );
            let wrong = format!(
                "`{}` of `{table}` tells `{name}` `{value}` of a row of `{rows}` that it does not read",
                column.name
            );
            let verdict = tells(context, &right, role, kept, summed);
            let span = column.meta.span;
            found.push(Finding { code: codes::SUM_OF_HIDDEN, entity: table, claim, wrong, verdict, span });
        }
    }
}

/// Whether somebody who has nothing to do with a row reads a sum over one that she does not read.
fn tells<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, kept: &'m Maintained, summed: FieldIx) -> Verdict {
    let relation = context.model.relation(kept.relation);
    let (of, to) = (relation.from, relation.to);
    let below = context.right(of, role, RuleAction::Select);
    let columns = relation.fields.iter().map(|field| (of, *field));
    let columns: Vec<_> = columns.chain(relation.to_fields.iter().map(|field| (to, *field))).collect();
    let filter = kept.filter.as_ref().map(|filter| &filter.formula);
    let others = denied(below.as_deref()).into_iter().chain(filter.map(|filter| (of, filter, true)));
    let mut act = Act::beside(context, of, right, role, &columns, others);
    let row = act.row();
    let Some(other) = act.world.table(of).into_iter().find(|other| *other != row) else {
        return Verdict::Proven { rows: 0 };
    };
    let linked = context.linked_from(&mut act.world, other, row, relation);
    let counted = filter.map_or(Lit::TRUE, |filter| act.world.condition(filter, &Env::row(other)).yes);
    let read = below.as_deref().filter(|below| below.names(summed));
    let seen = read.map_or(Lit::FALSE, |below| below.reaches(&mut act.world, other).0);
    // Whose row it is may know what there is of it.
    let hers = context.touches(&mut act.world, row);
    act.decide(&[linked, counted, !seen, !hers])
}
