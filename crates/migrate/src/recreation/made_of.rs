//! Types that are made of others, and what that keeps from being done to those.

use crate::change_set::ChangeSet;
use crate::place::{Old, OldPlace, State};
use rustc_hash::FxHashSet;
use specc_catalog::{DataType, Domain, Kind, Object};

/// Why a domain cannot ask more of values within other types.
pub(super) const WITHIN: &str = "it is made of a domain that asks more than before, and Postgres looks at no values within other \
                                 types: write another domain and another type that is made of it, and give the columns that one \
                                 with `using (…)`";

/// Why a type cannot become one of another kind.
const ANOTHER_KIND: &str = "a type of another kind takes its name while columns have it: give the new type another name, and the \
                            columns that one with `using (…)`; then the name is free for the next change";

/// Whether a column has a domain or composite type that is made of this one.
pub(super) fn in_other_types(from: State<'_, Old>, ty: OldPlace) -> bool {
    let needs = from.needs();
    let of = |place: OldPlace| {
        let all = from.places().map(|(other, ..)| other);
        all.filter(|&other| needs.of(other).iter().any(|(need, _)| *need == place)).collect::<Vec<_>>()
    };
    let mut work = of(ty);
    let mut seen = FxHashSet::default();
    work.retain(|&user| matches!(from.kind(user), Some(Kind::Composite | Kind::Domain)));
    while let Some(user) = work.pop().filter(|&user| seen.insert(user)) {
        for other in of(user) {
            match from.kind(other) {
                Some(Kind::Table) => return true,
                Some(Kind::Composite | Kind::Domain) => work.push(other),
                _ => {}
            }
        }
    }
    false
}

/// Whether a domain asks more than before of values that Postgres does not look at by itself.
pub(crate) fn asks_unseen(from: State<'_, Old>, domain: OldPlace, a: &Domain, b: &Domain) -> bool {
    let asks_more = a.nullable && !b.nullable || b.checks.iter().any(|check| !a.checks.contains(check));
    asks_more && is_unseen(from, domain)
}

/// Whether columns hold values of a domain in lists, or within other types: Postgres checks no domain anew then.
pub(crate) fn is_unseen(from: State<'_, Old>, domain: OldPlace) -> bool {
    let needs = from.needs();
    let mut work = vec![(domain, false)];
    let mut seen = FxHashSet::default();
    while let Some((ty, within)) = work.pop().filter(|next| seen.insert(*next)) {
        let Ok((id, _)) = from.at(ty) else { continue };
        let is_list = |of: &DataType| of.schema == id.schema && of.name == id.name && of.dims > 0;
        for (user, _, entry) in from.places() {
            if !needs.of(user).iter().any(|(need, _)| *need == ty) {
                continue;
            }
            match &entry.object {
                Object::Table(_) if within => return true,
                Object::Table(table) if table.columns.iter().any(|column| is_list(&column.ty)) => return true,
                Object::Composite(_) => work.push((user, true)),
                Object::Domain(o) => work.push((user, within || is_list(&o.base))),
                _ => {}
            }
        }
    }
    false
}

/// Types that columns have and keep the name of, while another kind of type takes it.
pub(super) fn takes_name(set: &ChangeSet<'_>) -> Vec<(OldPlace, &'static str)> {
    let is_type = |kind| matches!(kind, Some(Kind::Enum | Kind::Domain | Kind::Composite));
    let gone = set.removed.iter().copied().filter(|&old| is_type(set.from.kind(old)));
    let taken = gone.filter(|&old| {
        let Ok((id, _)) = set.from.at(old) else { return false };
        let is_it = |ty: &DataType| ty.schema == id.schema && ty.name == id.name;
        let mut added = set.added.iter().filter(|new| is_type(set.to.kind(**new)));
        added.any(|&new| set.to.at(new).is_ok_and(|(other, _)| other.schema == id.schema && other.name == id.name))
            && set.from.iter().any(|(_, entry)| {
                let Object::Table(was) = &entry.object else { return false };
                let is = set.to.table(&was.table);
                let stays = |name: &str| {
                    is.is_some_and(|is| is.columns.iter().any(|column| column.name == name && is_it(&column.ty)))
                };
                was.columns.iter().any(|column| is_it(&column.ty) && stays(&column.name))
            })
    });
    taken.map(|old| (old, ANOTHER_KIND)).collect()
}
