//! How a changed object gets from one state to the other.

use super::parents::key_changes;
use specc_catalog::{Body, Entry, Function, Object, Param, Policy, Returns, View};

/// The way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Statements change it where it is.
    Alter,
    /// It is dropped and made again; nothing is lost by that.
    Again,
    /// An enum, domain or composite type: its columns move to a new type.
    Swap,
}

/// Decides.
pub(crate) fn how(from: &Entry, to: &Entry) -> How {
    if from.object == to.object {
        return How::Alter;
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
            if next.is_none() { How::Alter } else { How::Swap }
        }
        (Object::Domain(a), Object::Domain(b)) => {
            if a.base == b.base && a.collation == b.collation {
                How::Alter
            } else {
                How::Swap
            }
        }
        (Object::Table(a), Object::Table(b)) => {
            if a.partition_by != b.partition_by || key_changes(a, b) {
                How::Again
            } else {
                How::Alter
            }
        }
        (Object::Function(a), Object::Function(b)) => {
            if replaceable(a, b) {
                How::Alter
            } else {
                How::Again
            }
        }
        (Object::View(a), Object::View(b)) => {
            if (View { security_invoker: b.security_invoker, security_barrier: b.security_barrier, ..a.clone() }) == *b
                && !a.materialized
            {
                How::Alter
            } else {
                How::Again
            }
        }
        (Object::Policy(a), Object::Policy(b)) => {
            if alterable(a, b) {
                How::Alter
            } else {
                How::Again
            }
        }
        (Object::Index(a), Object::Index(b)) => {
            let mut same = a.clone();
            same.options.clone_from(&b.options);
            // Other methods read their options when they build.
            if same == *b && a.method == "btree" { How::Alter } else { How::Again }
        }
        (Object::Constraint(a), Object::Constraint(b)) => {
            let mut same = a.clone();
            same.not_valid = b.not_valid;
            if same == *b && a.not_valid { How::Alter } else { How::Again }
        }
        (Object::Trigger(a), Object::Trigger(b)) => {
            let mut same = a.clone();
            same.enabled.clone_from(&b.enabled);
            if same == *b { How::Alter } else { How::Again }
        }
        (Object::PublicationTable(_), _) | (Object::Sql(_), _) | (Object::Publication(_), _) => How::Again,
        _ => How::Alter,
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
