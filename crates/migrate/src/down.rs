//! What takes a plan back.

use crate::creation::{Plan, Step};
use crate::parts::Part;
use smol_str::SmolStr;
use specc_catalog::{IdRef, Kind, Object};
use specc_sql::{Statement, Undo};

/// A step back, or why there is none.
pub(crate) enum Undone<'a> {
    Step(Step<'a>),
    Says(SmolStr),
}

/// The steps that take back those of `parts`, the last first. What goes with its object is left out where the object
/// goes too.
pub(crate) fn reverse<'a>(up: &Plan<'a>, parts: &[Part]) -> Vec<Undone<'a>> {
    let mut made = vec![false; up.catalog.len()];
    for step in up.steps.iter().filter(|step| parts.contains(&step.part)) {
        made[step.object as usize] |= is_creation(&step.statement);
    }
    let mut back = Vec::new();
    for step in up.steps.iter().rev().filter(|step| parts.contains(&step.part)) {
        let owner_goes = step.owner.is_some_and(|owner| made[owner as usize]);
        if owner_goes && goes_along(&step.statement) {
            continue;
        }
        let (part, object, owner) = (step.part, step.object, step.owner);
        let again = |statement: Statement<'a>| Undone::Step(Step { statement, part, object, owner });
        if let Statement::Create(object @ Object::Extension(o)) = &step.statement {
            // In a schema of our own it is nobody else's.
            if up.catalog.find(IdRef::new(Kind::Schema, "", &o.schema)).is_some() {
                back.push(again(Statement::Drop(object)));
                continue;
            }
        }
        match step.statement.undo() {
            Undo::Do(statements) => back.extend(statements.into_iter().map(again)),
            Undo::Nothing => {}
            Undo::Stays(why) => back.push(Undone::Says(smol_str::format_smolstr!("stays: {why}"))),
            Undo::Impossible(why) => back.push(Undone::Says(smol_str::format_smolstr!("cannot be undone: {why}"))),
        }
    }
    back
}

fn is_creation(statement: &Statement<'_>) -> bool {
    matches!(statement, Statement::Create(_) | Statement::CreateTable { .. })
}

/// Whether it is gone when what it is a part of is gone, and nothing else needs it gone before.
fn goes_along(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Create(object) => matches!(object, Object::Index(_)),
        Statement::Comment { .. }
        | Statement::CommentColumn { .. }
        | Statement::SetRls { .. }
        | Statement::SetStorage { .. }
        | Statement::SetReplicaIdentity { .. }
        | Statement::Grant(_)
        | Statement::Revoke(_) => true,
        _ => false,
    }
}
