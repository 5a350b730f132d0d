//! Which file each object goes into.

use specc_catalog::{Catalog, Kind, Object, Order, Strength};

/// The files of a migration from nothing, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What there is: types, tables, constraints, functions, views, triggers; closed to everyone but the owner.
    Schema,
    /// Who may see and do what: policies, the helpers that only they need, grants, publications.
    Access,
    /// What makes it fast.
    Indexes,
    /// Rows that belong to the schema, and what the platform keeps as rows.
    Rows,
}

impl Part {
    /// All, in order.
    pub const ALL: [Part; 4] = [Part::Schema, Part::Access, Part::Indexes, Part::Rows];

    /// The end of its file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Part::Schema => "schema",
            Part::Access => "rls",
            Part::Indexes => "indexes",
            Part::Rows => "seed",
        }
    }
}

/// Where objects of a kind belong if nothing speaks against it.
fn usual(kind: Kind) -> Part {
    match kind {
        Kind::Policy | Kind::Grant | Kind::Publication | Kind::PublicationTable => Part::Access,
        Kind::Index => Part::Indexes,
        Kind::Bucket | Kind::Job | Kind::Seed => Part::Rows,
        _ => Part::Schema,
    }
}

/// The part of each object of the catalog. What something needs is never in a later part.
pub(crate) fn parts(catalog: &Catalog, order: &Order) -> Vec<Part> {
    let mut parts: Vec<Part> = (0..catalog.len()).map(|object| usual(order.kind(object as u32))).collect();
    for (place, (_, entry)) in catalog.iter().enumerate() {
        if matches!(&entry.object, Object::Sql(o) if o.last) {
            parts[place] = Part::Rows;
        }
    }
    // Backwards: who needs it decides for helpers of policies and for indexes that carry references.
    let mut for_policies = vec![false; catalog.len()];
    let mut for_others = vec![false; catalog.len()];
    let mut for_structure = vec![false; catalog.len()];
    for &object in order.sequence().iter().rev() {
        let at = object as usize;
        let kind = order.kind(object);
        match kind {
            Kind::Function if for_policies[at] && !for_others[at] => parts[at] = Part::Access,
            Kind::Index if for_structure[at] => parts[at] = Part::Schema,
            _ => {}
        }
        let policy = kind == Kind::Policy || kind == Kind::Function && parts[at] == Part::Access;
        for (need, strength) in order.needs(object) {
            let need = need as usize;
            if strength == Strength::Wish {
                continue;
            }
            for_policies[need] |= policy;
            for_others[need] |= !policy && kind != Kind::Grant;
            for_structure[need] |= parts[at] == Part::Schema;
        }
    }
    // Forwards: nothing comes before what it needs.
    let mut made = vec![false; catalog.len()];
    for &object in order.sequence() {
        let needs = order.needs(object).filter(|&(need, strength)| strength != Strength::Wish && made[need as usize]);
        let latest = needs.map(|(need, _)| parts[need as usize]).max();
        let at = object as usize;
        parts[at] = parts[at].max(latest.unwrap_or(Part::Schema));
        made[at] = true;
    }
    parts
}
