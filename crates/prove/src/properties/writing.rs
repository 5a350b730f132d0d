//! Who writes without being signed in, and who writes what she does not see.

use super::{Act, Context, Finding, denied, does};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::verdict::Verdict;
use specc_diag::codes;
use specc_model::{Entity, RuleAction};

const WRITES: [RuleAction; 3] = [RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let table = context.name(entity.id);
    for role in context.roles.iter().filter(|role| !role.signed_in) {
        for command in WRITES {
            let right = context.right(entity.id, role, command);
            let (name, does) = (&role.name, does(command));
            // A right is a rule with a place; without one there is nothing to point to.
            let span = right.as_ref().map_or(entity.meta.span, |right| right.openings()[0].rule.span);
            let verdict = match right {
                Some(right) => Act::new(context, &right, role, &[], []).decide(&[]),
                None => Verdict::Proven { rows: 0 },
            };
            let claim = format!("`{name}` {does} no rows of `{table}`");
            let wrong = format!("`{name}`, who is nobody, {does} rows of `{table}`");
            found.push(Finding { code: codes::ANONYMOUS_WRITE, entity: table.clone(), claim, wrong, verdict, span });
        }
    }
    // Who uploads a file asks for nothing back, and the storage service reads what it changes.
    for role in context.signed_in().filter(|_| !crate::files::is_files(entity)) {
        for command in WRITES {
            let Some(right) = context.right(entity.id, role, command) else { continue };
            for (at, opening) in right.openings().iter().enumerate() {
                let verdict = unseen(context, &right, role, at);
                let (name, rule, does) = (&role.name, &opening.rule.name, does(command));
                let claim = format!("`{name}` sees each row of `{table}` that it {does} by rule `{rule}`");
                let wrong = format!("by rule `{rule}` `{name}` {does} rows of `{table}` that it does not see");
                let (code, span) = (codes::UNSEEN_WRITE, opening.rule.span);
                found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
            }
        }
    }
}

/// Whether one of the rules lets somebody write a row that she does not see.
fn unseen<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, rule: usize) -> Verdict {
    let select = context.right(right.entity.id, role, RuleAction::Select);
    let mut act = Act::new(context, right, role, &[], denied(select.as_deref()));
    let row = act.row();
    let seen = select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut act.world, row).0);
    let opened = act.opened[rule];
    act.decide(&[opened, !seen])
}
