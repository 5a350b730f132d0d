//! What somebody may do to a project.

use super::project::{Column, Group, Project, TYPES};
use specc_tests::Dice;

/// One edit, by the number that decides everything about it.
#[derive(Clone, Copy)]
pub struct Edit(pub u64);

impl Edit {
    /// Does it, as far as there is something to do it to.
    pub fn apply(self, project: &mut Project) {
        let dice = &mut Dice::new(self.0);
        if project.tables.is_empty() {
            return project.add_table(dice);
        }
        // New things are called after numbers that no other edit uses, whichever other edits are left away.
        project.next = 1000 + (self.0 % 1_000_000) as u32 * 100;
        let at = dice.below(project.tables.len());
        match dice.below(22) {
            0 => project.add_table(dice),
            1 => drop_table(project, at),
            2 => {
                let name = project.name("t");
                project.tables[at].named.rename(somewhere(name, dice));
            }
            3 | 4 => project.add_column(dice, at),
            5 => drop_column(project, dice, at),
            6 => {
                let name = project.name("c");
                if let Some(column) = column(project, dice, at) {
                    column.named.rename(name);
                }
            }
            7 | 8 => change_type(project, dice, at),
            9 => {
                if let Some(column) = column(project, dice, at).filter(|c| c.from.is_none()) {
                    column.nullable = !column.nullable;
                }
            }
            10 => {
                if let Some(column) = column(project, dice, at) {
                    column.default = !column.default;
                }
            }
            11 => {
                let number = project.number();
                if let Some(column) = column(project, dice, at) {
                    column.comment = if column.comment.is_some() { None } else { Some(number) };
                }
            }
            12 | 13 => project.add_part(dice, at),
            14 => {
                let parts = &mut project.tables[at].parts;
                if !parts.is_empty() {
                    parts.remove(dice.below(parts.len()));
                }
            }
            15 => {
                let parts = &mut project.tables[at].parts;
                let n = dice.below(parts.len());
                if let Some(part) = parts.get_mut(n) {
                    part.form = (part.form + 1) % 4;
                }
            }
            16 => project.add_reference(dice, at),
            17 => {
                let references = &mut project.tables[at].references;
                if !references.is_empty() {
                    references.remove(dice.below(references.len()));
                }
            }
            18 => change_enum(project, dice),
            19 | 20 => project.tables[at].is_big = !project.tables[at].is_big,
            _ => {
                let n = dice.below(project.functions.len());
                match project.functions.get_mut(n) {
                    Some((_, form)) => *form = (*form + 1 + dice.below(4)) % 5,
                    None => project.tables[at].rls = !project.tables[at].rls,
                }
            }
        }
    }
}

fn column<'p>(project: &'p mut Project, dice: &mut Dice, at: usize) -> Option<&'p mut Column> {
    let columns = &mut project.tables[at].columns;
    let n = dice.below(columns.len());
    columns.get_mut(n)
}

fn drop_table(project: &mut Project, at: usize) {
    if project.tables.len() > 1 {
        let gone = project.tables.remove(at).id;
        project.tables.iter_mut().for_each(|table| table.references.retain(|r| r.1 != gone));
    }
}

/// With what is over it.
fn drop_column(project: &mut Project, dice: &mut Dice, at: usize) {
    let Some(id) = column(project, dice, at).map(|c| c.id) else { return };
    let table = &mut project.tables[at];
    let gone: Vec<u32> = table.columns.iter().filter(|c| c.id == id || c.from == Some(id)).map(|c| c.id).collect();
    table.columns.retain(|c| !gone.contains(&c.id));
    table.parts.retain(|part| !part.columns.iter().any(|c| gone.contains(c)));
}

/// To a type that a value of the old one can become.
fn change_type(project: &mut Project, dice: &mut Dice, at: usize) {
    let columns = &project.tables[at].columns;
    let n = dice.below(columns.len());
    let Some(Column { id, ty, from: None, .. }) = columns.get(n) else { return };
    let (id, ty) = (*id, *ty);
    // What is computed from it, or is only right for its kind, stays right within the kind.
    let bound =
        columns.iter().any(|c| c.from == Some(id)) || project.tables[at].parts.iter().any(|p| p.columns.contains(&id));
    let all = TYPES.len() + project.enums.len();
    let group = project.group(ty);
    let fits: Vec<usize> = (0..all)
        .filter(|&other| {
            let to = project.group(other);
            other != ty && to != Group::Other && group != Group::Other && (to == group || !bound)
        })
        .collect();
    if let Some(other) = dice.pick(&fits) {
        project.tables[at].columns[n].ty = *other;
    }
}

fn change_enum(project: &mut Project, dice: &mut Dice) {
    let label = project.name("l");
    let n = dice.below(project.enums.len());
    let Some((named, labels)) = project.enums.get_mut(n) else { return };
    match dice.below(5) {
        0 => labels.push(label),
        1 => labels.insert(dice.below(labels.len()), label),
        2 if labels.len() > 2 => {
            labels.remove(dice.below(labels.len()));
        }
        3 => labels.rotate_left(1),
        _ => named.rename(somewhere(label.replace('l', "e"), dice)),
    }
}

/// Now and then what gets another name goes to another schema too.
fn somewhere(name: String, dice: &mut Dice) -> String {
    if dice.below(3) == 0 { format!("aside.{name}") } else { name }
}
