//! Where a string is a value of a type: cast to it, or beside a column of it.

use crate::cursor::{Atom, Cursor, Place};
use crate::name::Name;
use crate::rule::Scene;
use crate::statement::What;
use std::collections::BTreeSet;

/// A type, and the columns of it that a statement may mean.
pub(super) struct OfType<'a> {
    ty: &'a Name,
    columns: BTreeSet<&'a str>,
    /// No table of the statement is known, so that any column may be of the type.
    any: bool,
}

/// What may stand between a column and a value of it.
const BETWEEN: [&str; 13] =
    ["in", "any", "all", "some", "array", "not", "null", "default", "set", "coalesce", "nullif", "like", "ilike"];

impl<'a> OfType<'a> {
    pub(super) fn new(scene: &Scene<'a>, ty: &'a Name) -> Self {
        let (start, end) = scene.statement.place;
        let named: BTreeSet<String> = Cursor::new(scene.text, start, end).idents().into_iter().collect();
        let made = |table: &&crate::state::Table| table.made.is_some() && named.contains(&table.name.name);
        let known = scene.state.tables.values().any(|table| made(&table));
        let of = scene.state.columns_of(ty).filter(|(table, _)| named.contains(&table.name));
        let any = !known && !matches!(scene.statement.what, What::CreateTable(_) | What::Harmless);
        Self { ty, columns: of.map(|(_, column)| column.as_str()).collect(), any }
    }

    /// Where the value stands as one of the type.
    pub(super) fn places(&self, words: &Cursor<'_>, value: &str) -> Vec<Place> {
        let atoms = words.atoms();
        let inserted = self.inserted(words.clone(), value);
        let mut all = Vec::new();
        for (at, (atom, place)) in atoms.iter().enumerate() {
            let found = matches!(atom, Atom::Text(text) if text == value);
            if found && self.cast(&atoms, at).unwrap_or_else(|| inserted.contains(place) || self.beside(&atoms, at)) {
                all.push(*place);
            }
        }
        all
    }

    fn is_column(&self, name: &str) -> bool {
        self.any || name == self.ty.name || self.columns.contains(name)
    }

    /// Whether the cast of a string, or of brackets around it, is to the type; absent where there is none.
    fn cast(&self, atoms: &[(Atom, Place)], at: usize) -> Option<bool> {
        let is = |n: usize, word: &str| matches!(atoms.get(n), Some((Atom::Name(name), _)) if name == word);
        if at > 0 && is(at - 1, &self.ty.name) {
            return Some(true);
        }
        let mut end = at + 1;
        loop {
            if symbol(atoms, end, b':') && symbol(atoms, end + 1, b':') {
                return Some(self.is_type(atoms, end + 2));
            }
            if is(end, "as") && at > 1 && is(at - 2, "cast") {
                return Some(self.is_type(atoms, end + 1));
            }
            // out of the brackets around it
            let mut depth = 0_usize;
            loop {
                match atoms.get(end).map(|(atom, _)| atom)? {
                    Atom::Symbol(b'(' | b'[') => depth += 1,
                    Atom::Symbol(b')' | b']') if depth == 0 => break,
                    Atom::Symbol(b')' | b']') => depth -= 1,
                    Atom::Symbol(b',') | Atom::Text(_) => {}
                    _ if depth == 0 => return None,
                    _ => {}
                }
                end += 1;
            }
            end += 1;
        }
    }

    fn is_type(&self, atoms: &[(Atom, Place)], at: usize) -> bool {
        let at = if symbol(atoms, at + 1, b'.') { at + 2 } else { at };
        matches!(atoms.get(at), Some((Atom::Name(name), _)) if *name == self.ty.name)
    }

    /// Whether a column of the type stands before a string or behind it, with nothing but a comparison between them.
    fn beside(&self, atoms: &[(Atom, Place)], at: usize) -> bool {
        let mut behind = at + 1;
        while b"=<>!".iter().any(|operator| symbol(atoms, behind, *operator)) {
            behind += 1;
        }
        if symbol(atoms, behind + 1, b'.') {
            behind += 2;
        }
        if behind > at + 1 && matches!(atoms.get(behind), Some((Atom::Name(name), _)) if self.is_column(name)) {
            return true;
        }
        let mut before = at;
        while let Some(n) = before.checked_sub(1) {
            before = n;
            match &atoms[n].0 {
                Atom::Text(_) | Atom::Symbol(b',' | b'(' | b'[' | b'=' | b'<' | b'>' | b'!') => {}
                Atom::Name(name) if BETWEEN.contains(&name.as_str()) => {}
                Atom::Name(name) if name == "then" || name == "else" => match case_of(atoms, n) {
                    Some(case) => before = case,
                    None => return false,
                },
                Atom::Name(name) => return before + 1 < at && self.is_column(name),
                Atom::Symbol(_) => return false,
            }
        }
        false
    }

    /// Where the value stands in the place of a column of the type in `insert`.
    fn inserted(&self, mut words: Cursor<'_>, value: &str) -> Vec<Place> {
        words.skip_to(&["insert"]);
        if !words.take("insert into") || words.name().is_none() {
            return Vec::new();
        }
        if words.take("as") {
            words.skip();
        }
        let listed =
            words.sees_symbol(0, b'(') && !words.clone().group().is_some_and(|group| group.is_any(&["select"]));
        let columns = if listed { words.ident_list() } else { Vec::new() };
        let fits = |n: usize| match columns.get(n) {
            Some(column) => self.is_column(column),
            None => !listed && (self.any || !self.columns.is_empty()),
        };
        words.skip_to(&["values", "select"]);
        let rows: Vec<Cursor<'_>> = if words.take("values") {
            words.items().into_iter().filter_map(|mut row| row.group()).collect()
        } else {
            words.skip();
            let from = words.mark();
            words.skip_to(&["from"]);
            vec![words.since(from)]
        };
        let items = rows.into_iter().flat_map(|row| row.items().into_iter().enumerate().collect::<Vec<_>>());
        let strings = items.filter(|(n, _)| fits(*n)).flat_map(|(_, item)| item.strings());
        strings.filter(|(text, _)| text == value).map(|(_, place)| place).collect()
    }
}

fn symbol(atoms: &[(Atom, Place)], at: usize, wanted: u8) -> bool {
    matches!(atoms.get(at), Some((Atom::Symbol(found), _)) if *found == wanted)
}

/// The `case` of a `then` or an `else`.
fn case_of(atoms: &[(Atom, Place)], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for n in (0..at).rev() {
        match &atoms[n].0 {
            Atom::Name(name) if name == "end" => depth += 1,
            Atom::Name(name) if name == "case" && depth == 0 => return Some(n),
            Atom::Name(name) if name == "case" => depth -= 1,
            _ => {}
        }
    }
    None
}
