//! A counterexample as a whole database: the rows that decide, and what their tables ask for besides.

use crate::access::{Right, Role};
use crate::case::{Case, CaseRow, Held};
use crate::circuit::Lit;
use crate::sets::Set;
use crate::sorts::{Sorts, Val};
use crate::verdict::{Done, shown};
use crate::whole::room;
use crate::world::{Cell, RowId, Sym, World};
use rustc_hash::FxHashMap;
use specc_model::{EntityId, Model, RuleAction};

impl Case {
    /// The same case with all that its tables ask for.
    ///
    /// # Errors
    /// Why there is no such database, in words.
    pub fn complete(&self, model: &Model) -> Result<Case, String> {
        let sorts = Sorts::of(model);
        let [step] = self.steps.as_slice() else { return Err("it takes several statements".to_owned()) };
        if step.through.is_some() {
            return Err("it reads through a view or a function".to_owned());
        }
        if self.rows.iter().any(|row| !row.folders.is_empty()) {
            return Err("it is about folders of a path".to_owned());
        }
        let command = step.command;
        let written = self.written().and_then(|at| self.rows.get(at)).ok_or("it has no row")?;
        let role = Role::new(model, &self.role);
        let right = Right::of(model, written.entity, &role, command)
            .ok_or_else(|| format!("`{}` has no right to it", self.role))?;
        let mut sizes = self.sizes.clone();
        let most = self.rows.iter().filter_map(|row| Some((row.entity, usize::from(row.number?) + 1)));
        for (entity, rows) in most {
            let there = sizes.entry(entity).or_insert(1);
            *there = rows.max(*there);
        }
        // A row more of each, for what has to be there and is not shown.
        let own: Vec<EntityId> = model.entities.iter().map(|entity| entity.id).collect();
        own.into_iter().for_each(|entity| *sizes.entry(entity).or_insert(1) += 1);
        room(model, &mut sizes);
        let mut world = World::new(model, &sorts, sizes.clone(), role);
        let pin = Pin { case: self, sizes: &sizes };
        let mut wanted = Vec::new();
        let find = |at: Option<usize>| self.rows.get(at?);
        let old = find(step.old).and_then(|row| world.table(row.entity).get(usize::from(row.number?)).copied());
        let new = find(step.new).map(|row| match (command, old) {
            (RuleAction::Update, Some(old)) => {
                let fields: Vec<_> = row.values.iter().map(|(field, _)| *field).filter(|f| right.writes(*f)).collect();
                world.updated(old, fields)
            }
            _ => world.inserted(row.entity, |field| right.writes(field)),
        });
        for (at, row) in self.rows.iter().enumerate() {
            let id = match (self.is_there(at), row.number) {
                (false, _) => new,
                (_, Some(number)) => world.table(row.entity).get(usize::from(number)).copied(),
                _ => None,
            };
            let id = id.ok_or("a row has no place")?;
            wanted.push(world.rows[id].exists);
            pin.row(&mut world, id, row, &mut wanted)?;
        }
        for (source, held) in &self.session {
            let sym = world.session(source.clone());
            pin.value(&sym, held, &mut wanted).ok_or("what the session says has no place")?;
        }
        let allowed = right.lets(&mut world, old, new).0;
        world.complete();
        if let Some(new) = new {
            let in_step = world.in_step(command, old, new);
            if !solves(&mut world, &wanted, in_step) {
                return Err("a workflow of its table refuses it".to_owned());
            }
        }
        if !solves(&mut world, &wanted, Lit::TRUE) {
            if world.circuit.gave_up() {
                return Err(crate::TOO_LARGE.to_owned());
            }
            return Err("its tables do not take such rows: a reference, a unique or a check is in the way".to_owned());
        }
        if !solves(&mut world, &wanted, allowed) {
            if world.circuit.gave_up() {
                return Err(crate::TOO_LARGE.to_owned());
            }
            return Err("with what its tables ask for besides, the rules let it no more".to_owned());
        }
        wanted.push(allowed);
        for row in (0..world.rows.len()).filter(|row| world.rows[*row].number.is_some()) {
            wanted.push(!world.rows[row].exists);
            if !world.circuit.solve(&wanted) {
                wanted.pop();
            }
        }
        if !world.circuit.solve(&wanted) {
            return Err(crate::TOO_LARGE.to_owned());
        }
        Ok(shown(&world, &self.role, &[Done { command, old, new }], &sizes))
    }
}

fn solves(world: &mut World<'_>, wanted: &[Lit], also: Lit) -> bool {
    let wanted: Vec<Lit> = wanted.iter().copied().chain([also]).collect();
    world.circuit.solve(&wanted)
}

/// The values of a case in a larger database.
struct Pin<'c> {
    case: &'c Case,
    sizes: &'c FxHashMap<EntityId, usize>,
}

impl Pin<'_> {
    fn row(&self, world: &mut World<'_>, id: RowId, row: &CaseRow, wanted: &mut Vec<Lit>) -> Result<(), String> {
        for (field, held) in &row.values {
            // What is left to the table is not said.
            if row.left.contains(field) {
                continue;
            }
            let known = match world.cell(id, *field) {
                Cell::Value(sym) => self.value(&sym, held, wanted),
                Cell::Set(set) => self.set(&set, held, wanted),
                Cell::Condition(held_by) => {
                    let lits = match held {
                        Held::Truth(true) => vec![held_by.yes],
                        Held::Truth(false) => vec![held_by.no],
                        _ => vec![!held_by.yes, !held_by.no],
                    };
                    wanted.extend(lits);
                    Some(())
                }
            };
            known.ok_or_else(|| {
                let entity = world.model.entity(row.entity);
                format!("`{}.{}` has no such value", entity.name.name, entity.fields[*field].name)
            })?;
        }
        Ok(())
    }

    fn set(&self, set: &Set, held: &Held, wanted: &mut Vec<Lit>) -> Option<()> {
        let values = match held {
            Held::Null => {
                wanted.push(!set.present);
                return Some(());
            }
            Held::List(values) => values.iter().map(|value| self.now(value)).collect::<Vec<_>>(),
            _ => return None,
        };
        wanted.push(set.present);
        wanted.extend(set.cases.iter().map(|(lit, value)| if values.contains(value) { *lit } else { !*lit }));
        values.iter().all(|value| set.cases.iter().any(|(_, other)| other == value)).then_some(())
    }

    /// What a value is among more rows: the key of no row stays one.
    fn now(&self, value: &Val) -> Val {
        match value {
            Val::Key(entity, number) => {
                let before = self.case.sizes.get(entity).copied().unwrap_or(1);
                let now = self.sizes.get(entity).copied().unwrap_or(1);
                Val::Key(*entity, if usize::from(*number) < before { *number } else { now as u16 })
            }
            other => other.clone(),
        }
    }

    fn value(&self, sym: &Sym, held: &Held, wanted: &mut Vec<Lit>) -> Option<()> {
        match held {
            Held::Null => wanted.extend(sym.cases.iter().map(|(lit, _)| !*lit)),
            Held::Truth(_) | Held::List(_) => return None,
            Held::Value(value) => {
                let value = self.now(value);
                wanted.push(sym.cases.iter().find(|(_, other)| *other == value)?.0);
            }
        }
        Some(())
    }
}
