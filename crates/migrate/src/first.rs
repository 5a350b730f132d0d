//! A first migration: a change from nothing.
//!
//! Nothing has to be kept and nobody waits, so the order of creation is the schedule, and the way back is that order in
//! reverse.

use crate::account::Note;
use crate::creation::{Creator, Made};
use crate::place::NewPlace;
use crate::schedule::{Part, Plan, Purpose, Stage, Step, parts};
use specc_catalog::{Catalog, Cycle, IdRef, Kind, Object, Order, Strength, order};
use specc_sql::{Statement, Transaction};

/// The statements that make everything of `catalog` in a database that has nothing of it.
///
/// # Errors
/// Objects that need each other.
pub fn plan_create(catalog: &Catalog) -> Result<Plan<'_>, Cycle> {
    let order = order(catalog)?;
    let parts = parts(catalog, &order);
    let [schema, mut access, indexes, rows] = Creator::new(catalog, &order, &parts, None).run();
    group_access(&order, &mut access);
    let mut stages = Vec::with_capacity(Part::ALL.len());
    for (part, made) in Part::ALL.into_iter().zip([schema, access, indexes, rows]).filter(|(_, made)| !made.is_empty())
    {
        let steps = made.into_iter().map(|made| Step {
            home: home(&order, made.object).map(NewPlace::new),
            object: Some(NewPlace::new(made.object)),
            statement: made.statement,
        });
        stages.push(Stage { purpose: Purpose::Part(part), transaction: Transaction::Shared, steps: steps.collect() });
    }
    Ok(Plan::from_nothing(stages))
}

/// All in one file.
pub(crate) fn unite(plan: &mut Plan<'_>) {
    let steps = plan.stages.drain(..).flat_map(|stage| stage.steps).collect();
    plan.stages.push(Stage { purpose: Purpose::All, transaction: Transaction::Shared, steps });
}

/// What takes one file back.
pub(crate) fn back<'d>(catalog: &'d Catalog, stage: &Stage<'d>) -> Plan<'d> {
    let mut made = vec![false; catalog.len()];
    for step in stage.steps.iter().filter(|step| is_creation(&step.statement)) {
        step.object.into_iter().for_each(|place| made[place.index()] = true);
    }
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    for step in stage.steps.iter().rev() {
        let with_home = step.home != step.object && step.home.is_some_and(|home| made[home.index()]);
        let statement = match &step.statement {
            // In a schema of our own it is nobody else's.
            Statement::Create(Object::Extension(o))
                if catalog.find(IdRef::new(Kind::Schema, "", &o.schema)).is_none() =>
            {
                notes.push(Note::StaysExtension(o.name.clone()));
                continue;
            }
            Statement::Create(Object::Role(o)) => {
                notes.push(Note::StaysRole(o.name.clone()));
                continue;
            }
            Statement::Create(Object::Index(_)) | Statement::Grant(_) if with_home => continue,
            Statement::Create(object) => Statement::Drop(object),
            Statement::CreateTable { table, .. } => Statement::DropTable(table),
            Statement::Grant(access) => {
                // What everyone may do with a new object of such a kind was so before the file.
                let mut access = access.clone();
                access.roles.retain(|role| *role != "public" || !is_open_at_first(access.on.id().kind));
                if access.roles.is_empty() {
                    continue;
                }
                Statement::Revoke(access)
            }
            Statement::InsertSeed { seed, .. } => Statement::DeleteSeed(seed),
            Statement::RunSql(block) if block.down.is_none() => {
                notes.push(Note::StaysBlock(block.name.clone()));
                continue;
            }
            Statement::RunSql(block) => Statement::RunDown(block),
            Statement::OwnSequence(sequence) => Statement::DisownSequence(sequence),
            // It had to wait for a function, which goes before the table.
            Statement::SetDefault { table, column, default: Some(_) } => {
                Statement::SetDefault { table, column, default: None }
            }
            // What is said of an object goes with it.
            _ => continue,
        };
        steps.push(Step { statement, ..step.clone() });
    }
    let stage = Stage { purpose: Purpose::Back, transaction: Transaction::Shared, steps };
    Plan::new(None, vec![stage], notes, Vec::new())
}

fn is_creation(statement: &Statement<'_>) -> bool {
    matches!(statement, Statement::Create(_) | Statement::CreateTable { .. })
}

/// Whether Postgres lets everyone use a new object of the kind; where the spec says so too, nothing is withdrawn when it is
/// made.
fn is_open_at_first(kind: Kind) -> bool {
    matches!(kind, Kind::Function | Kind::Enum | Kind::Domain | Kind::Composite)
}

/// The table or view (of a grant: what it is on) that a reader would look for `object` under.
fn home(order: &Order, object: u32) -> Option<u32> {
    match order.kind(object) {
        Kind::Table | Kind::View => Some(object),
        _ => order.home(object),
    }
}

/// Brings the grants and policies of each table together, where nothing but they themselves stands between them.
fn group_access(order: &Order, steps: &mut [Made<'_>]) {
    let kind = |object: u32| order.kind(object);
    let grouped = |object: u32| matches!(kind(object), Kind::Policy | Kind::Grant);
    // Whatever needs a grant or policy must stay after them.
    let mut behind = vec![false; order.sequence().len()];
    for &object in order.sequence() {
        let needs = || order.needs(object).filter(|&(_, strength)| strength != Strength::Wish);
        if grouped(object) {
            if needs().any(|(need, _)| behind[need as usize]) {
                return;
            }
        } else {
            behind[object as usize] = needs().any(|(need, _)| grouped(need) || behind[need as usize]);
        }
    }
    let mut places = vec![u32::MAX; order.sequence().len()];
    for (place, &object) in order.sequence().iter().enumerate() {
        places[object as usize] = place as u32;
    }
    // Schemas come before tables, and functions last: as they stand in the order of creation.
    steps.sort_by_cached_key(|step| {
        if grouped(step.object) {
            let (rank, place) = match home(order, step.object) {
                Some(owner) => (if kind(owner) == Kind::Schema { 0 } else { 1 }, places[owner as usize]),
                None => (0, 0),
            };
            return (2, rank, place);
        }
        (if behind[step.object as usize] || kind(step.object) == Kind::PublicationTable { 3 } else { 1 }, 0, 0)
    });
}
