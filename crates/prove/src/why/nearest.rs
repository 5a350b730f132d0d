//! Two databases as near to each other as can be: in one it is allowed, in the other it is denied.

use super::Asked;
use crate::case::{Case, CaseRow};
use crate::circuit::Lit;
use crate::verdict::name;
use crate::world::{Cell, World};
use specc_model::{FieldIx, Model};

/// Two databases, and the way from the second to the first.
pub(super) struct Pair {
    pub allowed: Case,
    pub denied: Case,
    pub steps: Vec<String>,
}

/// The smallest database in which it is allowed, and of those in which it is denied the one that is nearest to it. None
/// where only what is not modelled makes the difference.
pub(super) fn pair(asked: &Asked<'_>) -> Option<Pair> {
    let right = asked.right(asked.asking.command)?;
    let (scene, yes, no) = asked.tried(&right, false);
    let row = scene.row();
    scene.question(yes, |question| {
        if !question.least() || !question.world.unknowns.is_empty() {
            return None;
        }
        let allowed = question.shown();
        if !as_near(&mut question.world, row, no) {
            return None;
        }
        let denied = question.shown();
        // The way back leaves what is only in the second one, where that does no harm.
        if !as_near(&mut question.world, row, yes) {
            return None;
        }
        let steps = differences(asked.stage.model, &denied, &question.shown());
        Some(Pair { allowed, denied, steps })
    })
}

/// Solves for this, and as much as can be stays as it is in the present solution.
fn as_near(world: &mut World<'_>, row: usize, goal: Lit) -> bool {
    let mut wanted = vec![goal];
    for lit in kept(world, row) {
        wanted.push(lit);
        if !world.circuit.solve(&wanted) {
            wanted.pop();
        }
    }
    world.circuit.solve(&wanted)
}

/// What the solution has that is to stay as it is, the dearest first: who asks, the row that is asked about, what rows refer
/// to, that they are there, what else they hold, and that no other rows are there.
fn kept(world: &World<'_>, row: usize) -> Vec<Lit> {
    let now = |lit: Lit| if world.circuit.value(lit) { lit } else { !lit };
    let mut kept: Vec<Lit> =
        world.sessions().into_iter().flat_map(|(_, sym)| sym.cases.iter().map(|(lit, _)| now(*lit))).collect();
    let cells = |id: usize, wanted: fn(bool) -> bool| -> Vec<Lit> {
        let entity = world.model.entity(world.rows[id].entity);
        let key = entity.key.iter().flat_map(|key| &key.fields);
        let refers = entity.outgoing.iter().flat_map(|id| &world.model.relation(*id).fields);
        let names: Vec<FieldIx> = key.chain(refers).copied().collect();
        let cells = world.rows[id].cells().into_iter().filter(|(field, _)| wanted(names.contains(field)));
        cells
            .flat_map(|(_, cell)| match cell {
                Cell::Value(sym) => sym.cases.iter().map(|(lit, _)| now(*lit)).collect(),
                Cell::Condition(tri) => vec![now(tri.yes), now(tri.no)],
                Cell::Set(set) => set.cases.iter().map(|(lit, _)| *lit).chain([set.present]).map(now).collect(),
            })
            .collect()
    };
    kept.push(now(world.rows[row].exists));
    kept.extend(cells(row, |_| true));
    let others: Vec<usize> = (0..world.rows.len()).filter(|id| *id != row).collect();
    let (there, missing): (Vec<usize>, Vec<usize>) =
        others.into_iter().partition(|id| world.circuit.value(world.rows[*id].exists));
    kept.extend(there.iter().flat_map(|id| cells(*id, |names| names)));
    kept.extend(there.iter().map(|id| now(world.rows[*id].exists)));
    kept.extend(there.iter().flat_map(|id| cells(*id, |names| !names)));
    kept.extend(missing.iter().map(|id| now(world.rows[*id].exists)));
    kept.retain(|lit| !matches!(*lit, Lit::TRUE | Lit::FALSE));
    kept
}

fn differences(model: &Model, from: &Case, to: &Case) -> Vec<String> {
    let mut said = Vec::new();
    for (source, held) in &to.session {
        if from.session.iter().any(|(other, before)| other == source && before != held)
            && let Some(what) = Case::said_of(source)
        {
            said.push(format!("ask as somebody else: {what} is {}", to.spoken(model, held)));
        }
    }
    let there = |case: &Case| -> Vec<CaseRow> {
        let rows = case.rows.iter().enumerate().filter(|(at, _)| case.is_there(*at));
        rows.map(|(_, row)| row.clone()).collect()
    };
    // A row that is inserted is the one that is asked about.
    let written = |case: &Case| {
        case.steps
            .iter()
            .filter(|step| step.old.is_none())
            .find_map(|step| step.new)
            .and_then(|at| case.rows.get(at))
            .cloned()
    };
    let same = |a: &CaseRow, b: &CaseRow| a.entity == b.entity && a.number == b.number;
    let (before, after) = (there(from), there(to));
    let mut set = |row: &CaseRow, was: &CaseRow| {
        for (field, held) in &row.values {
            if !was.values.contains(&(*field, held.clone())) {
                let (table, column) = (name(model, row.entity), &model.entity(row.entity).fields[*field].name);
                let which = row.number.map(|number| format!(" {}", number + 1)).unwrap_or_default();
                said.push(format!("set `{column}` of `{table}`{which} to {}", to.spoken(model, held)));
            }
        }
    };
    if let (Some(was), Some(row)) = (written(from), written(to)) {
        set(&row, &was);
    }
    for row in &after {
        if let Some(was) = before.iter().find(|was| same(was, row)) {
            set(row, was);
        }
    }
    for row in after.iter().filter(|row| !before.iter().any(|was| same(was, row))) {
        said.push(format!("insert a row into `{}`: {}", name(model, row.entity), to.row_line(model, row)));
    }
    for row in before.iter().filter(|row| !after.iter().any(|is| same(is, row))) {
        said.push(format!("delete a row of `{}`: {}", name(model, row.entity), from.row_line(model, row)));
    }
    said
}
