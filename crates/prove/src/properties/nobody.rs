//! What who is not signed in reads because she is nobody: `owner_id is not distinct from viewer`, `viewer is null or …`.

use super::{Act, Context, Finding};
use crate::access::binds;
use crate::encode::Env;
use crate::membership::owners;
use crate::sorts::{Source, session, visit};
use specc_diag::codes;
use specc_model::formula::Node;
use specc_model::{Entity, Model, Rule, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let columns: Vec<_> = owners(context.model, entity).into_iter().map(|field| (entity.id, field)).collect();
    for role in context.roles.iter().filter(|role| !role.signed_in) {
        let Some(right) = context.right(entity.id, role, RuleAction::Select) else { continue };
        for (at, opening) in right.openings().iter().enumerate() {
            let rule = opening.rule;
            let shared = context.signed_in().any(|other| binds(context.model, rule, other));
            let Some(when) = rule.when.as_ref().filter(|_| shared && asks_who(context.model, rule)) else { continue };
            let mut act = Act::new(context, &right, role, &columns, [(entity.id, &when.formula, false)]);
            let (row, opened) = (act.row(), act.opened[at]);
            let world = act.world();
            let somebody = world.any_value(&Source::Viewer, false);
            let also = world.as_viewer(somebody, |world| world.condition(&when.formula, &Env::row(row)).yes);
            let (table, name, rule_name) = (context.name(entity.id), &role.name, &rule.name);
            let claim = format!(
                "by rule `{rule_name}` `{name}` reads no row of `{table}` that somebody who is signed in does not read"
            );
            let wrong = format!(
                "by rule `{rule_name}` `{name}` reads rows of `{table}` that somebody who is signed in does not read"
            );
            let verdict = act.decide(&[opened, !also]);
            let (code, span) = (codes::NOBODY_READS_MORE, rule.span);
            found.push(Finding { code, entity: table, claim, wrong, verdict, span });
        }
    }
}

/// Whether a rule asks who is asking.
fn asks_who(model: &Model, rule: &Rule) -> bool {
    let mut asks = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        visit(model, &expr.formula, &mut |part| {
            asks |= matches!(part.node, Node::ViewerField(_)) || session(part) == Some(Source::Viewer);
        });
    }
    asks
}
