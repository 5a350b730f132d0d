//! What exists: the rows of an entity that its standing rules let anyone see. Wherever the spec follows a path to the
//! entity, or counts its rows, only these are met, unless it says `including deleted`.

use crate::formula::{Formula, Node, Row, Volatility};
use crate::types::*;
use std::sync::Arc;

/// Notes for each entity which of its rows exist, and holds counts, sums and limits to them.
pub(super) fn visibility(model: &mut Model) {
    for at in 0..model.entities.len() {
        model.entities[at].visible = visible(model, &model.entities[at]);
    }
    for at in 0..model.entities.len() {
        for field in 0..model.entities[at].fields.len() {
            let Some(maintained) = &model.entities[at].fields[field].maintained else { continue };
            let child = model.relations[maintained.relation.0 as usize].from;
            let seen = model.entity(child).visible.clone().filter(|_| !maintained.including_deleted);
            let Some(seen) = seen else { continue };
            let filter = both(maintained.filter.as_ref(), &seen);
            if let Some(maintained) = &mut model.entities[at].fields[field].maintained {
                maintained.filter = Some(filter);
            }
        }
        let entity = &mut model.entities[at];
        if let Some(seen) = &entity.visible {
            for limit in &mut entity.limits {
                limit.condition = both(Some(&limit.condition), seen);
            }
        }
    }
}

/// A condition, and that the row exists.
fn both(condition: Option<&ExprRef>, seen: &ExprRef) -> ExprRef {
    let Some(condition) = condition else { return seen.clone() };
    let parts = [&condition.formula, &seen.formula];
    let formula = Formula::all(&parts).unwrap_or_else(|| seen.formula.clone());
    Arc::new(Expr { formula, text: condition.text.clone(), span: condition.span })
}

/// What the rules ask that hide rows from everyone: those that read nothing but the row itself.
fn visible(model: &Model, entity: &Entity) -> Option<ExprRef> {
    let standing = entity.rules.iter().filter(|rule| {
        let selects = rule.actions.iter().any(|(action, _)| *action == RuleAction::Select);
        rule.forbid && !rule.exact && selects && rule.roles.is_empty()
    });
    let mut parts = Vec::new();
    let mut first: Option<&ExprRef> = None;
    for rule in standing {
        let Some(when) = rule.when.as_ref().filter(|when| reads_only_its_row(model, &when.formula)) else { continue };
        first = first.or(Some(when));
        parts.push(if rule.unless { when.formula.clone() } else { Formula::is_not_true(when.formula.clone()) });
    }
    let formula = Formula::all(&parts.iter().collect::<Vec<_>>())?;
    let first = first?;
    Some(Arc::new(Expr { formula, text: first.text.clone(), span: first.span }))
}

/// Whether it says the same of a row to everyone, at every time, also in the predicates that are given the row.
fn reads_only_its_row(model: &Model, formula: &Formula) -> bool {
    let mut only = true;
    // A whole row may only be given to a predicate.
    let (mut rows, mut given) = (0, 0);
    formula.visit_all(model, &mut |part| {
        only &= match &part.node {
            Node::Column(Row::Scope(_), _) => true,
            Node::Whole(Row::Scope(_), steps) => {
                rows += 1;
                steps.is_empty()
            }
            Node::Predicate(_, args) => {
                given += args.iter().filter(|arg| matches!(arg.bare().node, Node::Whole(..))).count();
                true
            }
            Node::Path(..) | Node::Whole(..) | Node::Exists(_) | Node::Sql(_) => false,
            Node::Viewer | Node::ViewerField(_) | Node::Claim(_) | Node::AsIs(..) | Node::Column(..) => false,
            // A predicate counts as stable; what stands in it is looked at for itself.
            _ => part.volatility == Volatility::Immutable || !part.predicates().is_empty(),
        };
    });
    only && rows == given
}
