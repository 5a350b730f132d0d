//! A counterexample as a whole database: the rows that decide, and what their tables ask for besides.

use crate::access::{Right, Role};
use crate::case::{Case, CaseRow, Held};
use crate::circuit::Lit;
use crate::files::{is_files, of_buckets};
use crate::sets::Set;
use crate::sorts::{Sorts, Source, Val};
use crate::verdict::{Done, shown};
use crate::whole::room;
use crate::world::{Cell, RowId, Sym, World};
use rustc_hash::FxHashMap;
use specc_model::{EntityId, Model, RuleAction};
use std::collections::BTreeMap;

impl Case {
    /// The same case with all that its tables ask for.
    ///
    /// # Errors
    /// Why there is no such database, in words.
    pub fn complete(&self, model: &Model) -> Result<Case, String> {
        // Files that are there are put there by the storage service.
        if self.rows.iter().enumerate().any(|(at, row)| !row.folders.is_empty() && self.is_there(at)) {
            return Err("it is about a file that is there".to_owned());
        }
        let bucket = self.of_bucket(model);
        let model = bucket.as_ref().unwrap_or(model);
        let sorts = Sorts::of(model);
        let role = Role::new(model, &self.role);
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
        let mut world = World::new(model, &sorts, sizes.clone(), role.clone()).with_steps(self.steps.len());
        let pin = Pin { case: self, sizes: &sizes };
        let Made { written, done, allowed } = self.made(model, &mut world, &role)?;
        let mut wanted = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let id = match (self.is_there(at), row.number) {
                // What the row might have been is not there.
                (true, None) => continue,
                (false, _) => written.get(&at).copied(),
                (_, Some(number)) => {
                    world.in_phase(0, |world| world.table(row.entity).get(usize::from(number)).copied())
                }
            };
            let id = id.ok_or("a row has no place")?;
            wanted.push(world.rows[id].exists);
            pin.row(&mut world, id, row, &mut wanted)?;
        }
        for (source, held) in &self.session {
            if let Source::Argument(function, at) = source
                && let Held::Truth(is) = held
            {
                let argument = world.argument_condition(*function, *at);
                wanted.push(if *is { argument.yes } else { argument.no });
                continue;
            }
            let sym = world.session(source.clone());
            pin.value(&sym, held, &mut wanted).ok_or("what the session says has no place")?;
        }
        world.complete();
        for step in &done {
            let Some(new) = step.new else { continue };
            let in_step = world.in_step(step.command, step.old, new);
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
        let mut whole = shown(&world, &self.role, &done, &sizes);
        for (step, own) in whole.steps.iter_mut().zip(&self.steps) {
            step.through = own.through;
        }
        Ok(whole)
    }

    /// The model in which the rules of the bucket are rules of its files, where it is about a file.
    fn of_bucket(&self, model: &Model) -> Option<Model> {
        let row = self.rows.get(self.written()?)?;
        let files = model.entity(row.entity);
        let bucket_id = files.field("bucket_id").filter(|_| is_files(files))?;
        let (_, held) = row.values.iter().find(|(field, _)| *field == bucket_id)?;
        let Held::Value(name) = held else { return None };
        let ruled = model.buckets.iter().filter(|bucket| !bucket.rules.is_empty());
        let at = ruled.into_iter().position(|bucket| Val::of_text(&bucket.name) == *name)?;
        of_buckets(model).into_iter().nth(at)
    }

    /// What its statements make of rows, one after the other, and that each of them is let through.
    fn made<'m>(&self, model: &'m Model, world: &mut World<'m>, role: &Role) -> Result<Made, String> {
        let (mut written, mut done, mut allowed) = (BTreeMap::new(), Vec::new(), Lit::TRUE);
        for (nth, step) in self.steps.iter().enumerate() {
            let find = |at: Option<usize>| self.rows.get(at?);
            let row = find(step.new).or(find(step.old)).ok_or("it has no row")?;
            let old = match (step.old, find(step.old).and_then(|row| row.number)) {
                (Some(_), Some(number)) => {
                    world.in_phase(0, |world| world.table(row.entity).get(usize::from(number)).copied())
                }
                (Some(at), None) => written.get(&at).copied(),
                _ => None,
            };
            if nth > 0 {
                world.next_phase();
            }
            // What a view or a function gives is no matter of the rules.
            if step.through.is_some() {
                done.push(Done { command: step.command, old, new: None });
                continue;
            }
            let right = Right::of(model, row.entity, role, step.command)
                .ok_or_else(|| format!("`{}` has no right to it", self.role))?;
            let new = find(step.new).map(|row| match (step.command, old) {
                (RuleAction::Update, Some(old)) => {
                    let fields: Vec<_> =
                        row.values.iter().map(|(field, _)| *field).filter(|f| right.writes(*f)).collect();
                    world.updated(old, fields)
                }
                _ => world.inserted(row.entity, |field| right.writes(field)),
            });
            written.extend(step.new.zip(new));
            let lets = right.lets(world, old, new).0;
            allowed = world.circuit.and(allowed, lets);
            done.push(Done { command: step.command, old, new });
        }
        Ok(Made { written, done, allowed })
    }
}

/// What comes of the statements of a case.
struct Made {
    /// The rows that they write, by their places in the case.
    written: BTreeMap<usize, RowId>,
    done: Vec<Done>,
    /// That each is let through.
    allowed: Lit,
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
        for (field, nth, held) in &row.folders {
            let folder = world.folder(id, *field, *nth);
            self.value(&folder, held, wanted).ok_or("a folder has no such name")?;
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
                let number = usize::from(*number);
                Val::Key(*entity, if number < before { number } else { now + number - before } as u16)
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
