//! Two catalogs that come from one: what both sides did to it, where neither touched what the other did.
//!
//! What is merged here was reached by two migrations that do not know of each other. So the same change on both sides is a
//! clash too: the second migration would find it done.

use crate::{Catalog, Dependency, Entry, Hints, Object, ObjectId, SpecText, Table};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::fmt;

/// What the changes of two sides cannot both be done to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Both change the roles that the platform's default privileges are taken from.
    Grantees,
    /// Both change, make or drop it.
    Both(ObjectId),
    /// Both change, add or drop this column of the table.
    Column(ObjectId, SmolStr),
    /// One drops what the other changes.
    Gone(ObjectId),
    /// One changes the first, or drops it; what the other makes or changes needs it.
    Needed(ObjectId, ObjectId),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clash::Grantees => f.write_str("both change which roles lose what the platform gives them by default"),
            Clash::Both(id) => write!(f, "both change {id}"),
            Clash::Column(table, column) => write!(f, "both change the column `{column}` of {table}"),
            Clash::Gone(id) => write!(f, "one drops {id}, the other changes it"),
            Clash::Needed(on, id) => write!(f, "one changes {on}, the other changes {id}, which needs it"),
        }
    }
}

/// What both sides made of `base` together.
///
/// # Errors
/// Every clash, sorted.
pub fn merge(base: &Catalog, ours: &Catalog, theirs: &Catalog) -> Result<Catalog, Vec<Clash>> {
    let mut clashes = Vec::new();
    let mut merged =
        Catalog { default_grantees: either(base, ours, theirs, |c| &c.default_grantees).clone(), ..Catalog::default() };
    if [ours, theirs].iter().all(|side| side.default_grantees != base.default_grantees) {
        clashes.push(Clash::Grantees);
    }
    merged.said = said(&base.said, &ours.said, &theirs.said);
    merged.spec = spec(&base.spec, &ours.spec, &theirs.spec).unwrap_or_default();
    merged.reserve(ours.len().max(theirs.len()));
    let new = theirs.iter().filter(|(id, _)| !ours.contains(id));
    let gone = base.iter().filter(|(id, _)| !ours.contains(id) && !theirs.contains(id));
    for (id, _) in ours.iter().chain(new).chain(gone) {
        if let Some(entry) = one(id, [base, ours, theirs].map(|side| side.get(id)), &mut clashes) {
            merged.insert(entry);
        }
    }
    needed(base, ours, theirs, &mut clashes);
    needed(base, theirs, ours, &mut clashes);
    clashes.sort();
    clashes.dedup();
    if clashes.is_empty() { Ok(merged) } else { Err(clashes) }
}

/// What both sides say of the way: what either said anew, and what neither left out.
fn said(base: &Hints, ours: &Hints, theirs: &Hints) -> Hints {
    fn both<T: Clone + PartialEq>([base, ours, theirs]: [&Vec<T>; 3]) -> Vec<T> {
        let kept = |one: &&T| !base.contains(one) || ours.contains(one) && theirs.contains(one);
        let new = theirs.iter().filter(|one| !ours.contains(one));
        ours.iter().chain(new).filter(kept).cloned().collect()
    }
    let all = [base, ours, theirs];
    Hints {
        renames: both(all.map(|side| &side.renames)),
        backfills: both(all.map(|side| &side.backfills)),
        usings: both(all.map(|side| &side.usings)),
        froms: both(all.map(|side| &side.froms)),
        kept: both(all.map(|side| &side.kept)),
        former: both(all.map(|side| &side.former)),
    }
}

/// The files of both sides together; none where both change one, or a side does not have its own.
fn spec(base: &[SpecText], ours: &[SpecText], theirs: &[SpecText]) -> Option<Vec<SpecText>> {
    if ours.is_empty() || theirs.is_empty() {
        return None;
    }
    let of = |side: &[SpecText], name: &SmolStr| side.iter().find(|(n, _)| n == name).map(|(_, text)| text.clone());
    let mut names: Vec<&SmolStr> = ours.iter().map(|(name, _)| name).collect();
    names.extend(theirs.iter().map(|(name, _)| name).filter(|name| of(ours, name).is_none()));
    // The settings stay first, and the order is the same whichever side is whose.
    names.get_mut(1..).into_iter().for_each(<[_]>::sort);
    let mut merged = Vec::new();
    for name in names {
        let (was, a, b) = (of(base, name), of(ours, name), of(theirs, name));
        let text = match (a == was, b == was) {
            (true, _) => b,
            (_, true) => a,
            _ if a == b => a,
            _ => return None,
        };
        merged.extend(text.map(|text| (name.clone(), text)));
    }
    Some(merged)
}

/// Of a part of three states, the one that a side changed.
fn either<'a, S: ?Sized, T: PartialEq + ?Sized>(
    base: &'a S,
    ours: &'a S,
    theirs: &'a S,
    of: impl Fn(&'a S) -> &'a T,
) -> &'a T {
    if of(ours) == of(base) { of(theirs) } else { of(ours) }
}

/// Whether nothing has to be done in a database to come from one to the other.
fn alike(a: Option<&Entry>, b: Option<&Entry>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.object == b.object
                && a.comment == b.comment
                && a.owner == b.owner
                && a.depends == b.depends
                && a.counts == b.counts
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn one(id: &ObjectId, [base, ours, theirs]: [Option<&Entry>; 3], clashes: &mut Vec<Clash>) -> Option<Entry> {
    if alike(base, ours) {
        return theirs.cloned();
    }
    if alike(base, theirs) {
        return ours.cloned();
    }
    match (base, ours, theirs) {
        (Some(base), Some(ours), Some(theirs)) => match (&base.object, &ours.object, &theirs.object) {
            (Object::Table(b), Object::Table(o), Object::Table(t)) => {
                let table = tables(id, [b, o, t], clashes)?;
                return Some(beside(id, [base, ours, theirs], table, clashes));
            }
            _ => clashes.push(Clash::Both(id.clone())),
        },
        (Some(_), None, Some(_)) | (Some(_), Some(_), None) => clashes.push(Clash::Gone(id.clone())),
        _ => clashes.push(Clash::Both(id.clone())),
    }
    None
}

/// A table whose columns come from both.
fn tables(id: &ObjectId, [base, ours, theirs]: [&Table; 3], clashes: &mut Vec<Clash>) -> Option<Table> {
    let rest = |table: &Table| Table { columns: Vec::new(), ..table.clone() };
    let rests = [base, ours, theirs].map(rest);
    if rests[1] != rests[0] && rests[2] != rests[0] {
        clashes.push(Clash::Both(id.clone()));
        return None;
    }
    let mut table = if rests[1] == rests[0] { rest(theirs) } else { rest(ours) };
    let column = |table: &'_ Table, name: &str| table.columns.iter().find(|column| column.name == name).cloned();
    let new = theirs.columns.iter().filter(|c| column(ours, &c.name).is_none());
    let gone = base.columns.iter().filter(|c| column(ours, &c.name).is_none() && column(theirs, &c.name).is_none());
    for name in ours.columns.iter().chain(new).chain(gone).map(|c| &c.name) {
        let [b, o, t] = [base, ours, theirs].map(|table| column(table, name));
        match (o == b, t == b) {
            (true, _) => table.columns.extend(t),
            (_, true) => table.columns.extend(o),
            _ => clashes.push(Clash::Column(id.clone(), name.clone())),
        }
    }
    Some(table)
}

/// What is said of a table beside what it is.
fn beside(id: &ObjectId, [base, ours, theirs]: [&Entry; 3], table: Table, clashes: &mut Vec<Clash>) -> Entry {
    let mut both = |said: [bool; 2]| {
        if said == [true, true] {
            clashes.push(Clash::Both(id.clone()));
        }
    };
    both([ours, theirs].map(|side| side.comment != base.comment));
    both([ours, theirs].map(|side| side.owner != base.owner));
    both([ours, theirs].map(|side| side.counts != base.counts));
    both([ours, theirs].map(|side| side.classes != base.classes));
    let kept = |on: &&Dependency| {
        let is_new = !base.depends.contains(on);
        is_new || (ours.depends.contains(on) && theirs.depends.contains(on))
    };
    let new = theirs.depends.iter().filter(|on| !ours.depends.contains(on));
    Entry {
        object: table.into(),
        comment: either(base, ours, theirs, |e| &e.comment).clone(),
        owner: either(base, ours, theirs, |e| &e.owner).clone(),
        depends: ours.depends.iter().chain(new).filter(kept).cloned().collect(),
        area: ours.area.clone(),
        counts: either(base, ours, theirs, |e| &e.counts).clone(),
        classes: either(base, ours, theirs, |e| &e.classes).clone(),
    }
}

/// What `other` makes or changes and needs what `side` changes or drops. Columns that are only added are in nobody's way.
fn needed(base: &Catalog, side: &Catalog, other: &Catalog, clashes: &mut Vec<Clash>) {
    let moved = |(id, was): (&'_ ObjectId, &'_ Entry)| match (&was.object, side.get(id)) {
        (Object::Table(was), Some(Entry { object: Object::Table(now), .. })) => {
            !was.columns.iter().all(|column| now.columns.contains(column))
        }
        (_, now) => !alike(Some(was), now),
    };
    let moved: FxHashSet<&ObjectId> = base.iter().filter(|entry| moved(*entry)).map(|(id, _)| id).collect();
    if moved.is_empty() {
        return;
    }
    for (id, now) in other.iter().filter(|(id, now)| !alike(base.get(id), Some(now))) {
        let on = now.dependencies().into_iter().map(|dependency| dependency.on).filter(|on| on != id);
        clashes.extend(on.filter(|on| moved.contains(on)).map(|on| Clash::Needed(on, id.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::spec;

    #[test]
    fn files_of_both_sides_come_together_unless_both_change_one() {
        let files = |texts: [&str; 4]| -> Vec<_> {
            let names = ["specc.toml", "b", "a", "c"].into_iter().zip(texts).filter(|(_, text)| !text.is_empty());
            names.map(|(name, text)| (name.into(), text.into())).collect()
        };
        let base = files(["t", "1", "1", ""]);
        let (ours, theirs) = (files(["t", "2", "1", ""]), files(["t", "1", "", "3"]));
        let merged = spec(&base, &ours, &theirs);
        let names =
            |files: &[crate::SpecText]| files.iter().map(|(name, text)| format!("{name} {text}")).collect::<Vec<_>>();
        assert_eq!(merged.as_deref().map(names), Some(vec!["specc.toml t".into(), "b 2".into(), "c 3".into()]));
        assert_eq!(spec(&base, &theirs, &ours), merged);
        assert_eq!(spec(&base, &ours, &files(["t", "3", "1", ""])), None);
        // A side that an older version wrote has none.
        assert_eq!(spec(&[], &[], &ours), None);
        assert_eq!(spec(&base, &ours, &[]), None);
    }
}
