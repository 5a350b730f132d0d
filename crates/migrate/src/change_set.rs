//! What differs between two states, as what is done to each object.

use crate::place::{New, NewPlace, Old, OldPlace, Place, State};
use crate::strategies::partition_move::key_changes;
use specc_catalog::{Body, Entry, Function, Object, Param, Policy, Returns, View};
use specc_diff::{Difference, Renamed, RowChange};

/// What differs, by places in the two states.
pub(crate) struct ChangeSet<'d> {
    /// What was there, under the names of now.
    pub from: State<'d, Old>,
    /// What is to be.
    pub to: State<'d, New>,
    /// Renames that the author asked for, in an order in which they can be done.
    pub renamed: &'d [Renamed],
    /// The same under another name.
    pub relabelled: Vec<(OldPlace, NewPlace)>,
    /// What is new.
    pub added: Vec<NewPlace>,
    /// What is gone.
    pub removed: Vec<OldPlace>,
    /// What is not as it was.
    pub changed: Vec<(OldPlace, NewPlace)>,
    /// Seed rows that are new, gone or changed.
    pub rows: &'d [RowChange],
    /// How many objects are not as they were.
    pub len: usize,
}

impl<'d> ChangeSet<'d> {
    pub fn new(difference: &'d Difference<'d>) -> Self {
        let pairs = |all: &[(u32, u32)]| all.iter().map(|&(old, new)| (Place::new(old), Place::new(new))).collect();
        Self {
            from: State::new(&difference.from),
            to: State::new(difference.to),
            renamed: &difference.renamed,
            relabelled: pairs(&difference.relabelled),
            added: difference.added.iter().map(|&new| Place::new(new)).collect(),
            removed: difference.removed.iter().map(|&old| Place::new(old)).collect(),
            changed: pairs(&difference.changed),
            rows: &difference.rows,
            len: difference.len(),
        }
    }
}

/// How a changed object gets from one state to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Statements change it where it is.
    InPlace,
    /// It is dropped and made again; nothing is lost by that.
    Recreate,
    /// An enum, domain or composite type: its columns move to a new type.
    TypeSwap,
}

/// Decides.
pub(crate) fn strategy(from: &Entry, to: &Entry) -> Strategy {
    if from.object == to.object {
        return Strategy::InPlace;
    }
    match (&from.object, &to.object) {
        (Object::Enum(a), Object::Enum(b)) => {
            // All that was there is there, in the same order.
            let mut old = a.labels.iter();
            let mut next = old.next();
            for label in &b.labels {
                if next == Some(label) {
                    next = old.next();
                }
            }
            if next.is_none() { Strategy::InPlace } else { Strategy::TypeSwap }
        }
        (Object::Domain(a), Object::Domain(b)) => {
            if a.base == b.base && a.collation == b.collation {
                Strategy::InPlace
            } else {
                Strategy::TypeSwap
            }
        }
        (Object::Table(a), Object::Table(b)) => {
            if a.partition_by != b.partition_by || key_changes(a, b) {
                Strategy::Recreate
            } else {
                Strategy::InPlace
            }
        }
        (Object::Function(a), Object::Function(b)) => {
            if replaceable(a, b) {
                Strategy::InPlace
            } else {
                Strategy::Recreate
            }
        }
        (Object::View(a), Object::View(b)) => {
            if (View { security_invoker: b.security_invoker, security_barrier: b.security_barrier, ..a.clone() }) == *b
                && !a.materialized
            {
                Strategy::InPlace
            } else {
                Strategy::Recreate
            }
        }
        (Object::Policy(a), Object::Policy(b)) => {
            if alterable(a, b) {
                Strategy::InPlace
            } else {
                Strategy::Recreate
            }
        }
        (Object::Index(a), Object::Index(b)) => {
            let mut same = a.clone();
            same.options.clone_from(&b.options);
            // Other methods read their options when they build.
            if same == *b && a.method == "btree" { Strategy::InPlace } else { Strategy::Recreate }
        }
        (Object::Constraint(a), Object::Constraint(b)) => {
            let mut same = a.clone();
            same.not_valid = b.not_valid;
            if same == *b && a.not_valid { Strategy::InPlace } else { Strategy::Recreate }
        }
        (Object::Trigger(a), Object::Trigger(b)) => {
            let mut same = a.clone();
            same.enabled.clone_from(&b.enabled);
            if same == *b { Strategy::InPlace } else { Strategy::Recreate }
        }
        (Object::PublicationTable(_), _) | (Object::Sql(_), _) | (Object::Publication(_), _) => Strategy::Recreate,
        _ => Strategy::InPlace,
    }
}

/// Whether `create or replace` does it: Postgres wants the same result, the same names of parameters, and all defaults
/// that there were.
fn replaceable(a: &Function, b: &Function) -> bool {
    let input = |o: &Function| o.params.iter().filter(|p| p.mode != "out").cloned().collect::<Vec<Param>>();
    let output = |o: &Function| {
        let all = o.params.iter().filter(|p| matches!(p.mode.as_str(), "out" | "inout"));
        all.map(|p| (p.name.clone(), p.ty.clone())).collect::<Vec<_>>()
    };
    let (x, y) = (input(a), input(b));
    let table = |o: &Function| match &o.returns {
        Some(Returns::Table(fields)) => fields.clone(),
        _ => Vec::new(),
    };
    a.procedure == b.procedure
        && a.returns == b.returns
        && table(a) == table(b)
        && output(a) == output(b)
        && x.len() == y.len()
        && x.iter().zip(&y).all(|(p, q)| {
            p.ty == q.ty
                && p.mode == q.mode
                && (p.name == q.name || p.name.is_empty())
                && (p.default.is_none() || q.default.is_some())
        })
        // What Postgres tracked of a body must be what it tracks of the next.
        && matches!(a.body, Body::Atomic(_)) == matches!(b.body, Body::Atomic(_))
}

/// Whether `alter policy` does it: a clause can be changed, not taken.
fn alterable(a: &Policy, b: &Policy) -> bool {
    a.command == b.command
        && a.permissive == b.permissive
        && (a.using.is_none() || b.using.is_some())
        && (a.check.is_none() || b.check.is_some())
}
