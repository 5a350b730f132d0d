//! Columns by which a row of a membership says that it is not in force: it has ended, or has not begun.
//!
//! Nothing but words says so: of the column (`suspended_at`, `is_active`), or of its values (`suspended`, `pending`).

use crate::circuit::Lit;
use crate::membership::Membership;
use crate::sorts::{Source, Val, constant};
use crate::world::{Cell, RowId, World, is_truth};
use smol_str::SmolStr;
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Node};
use specc_model::{Base, Entity, FieldIx, Model};

/// It has ended, whatever the membership is of.
const ENDED: [&str; 15] = [
    "suspended",
    "removed",
    "revoked",
    "banned",
    "blocked",
    "disabled",
    "deactivated",
    "inactive",
    "deleted",
    "expired",
    "left",
    "ended",
    "terminated",
    "kicked",
    "archived",
];
/// It has not begun, or did not come to be: where rules ask for the column at all.
const UNMADE: [&str; 12] = [
    "pending",
    "invited",
    "requested",
    "waiting",
    "waitlisted",
    "unconfirmed",
    "rejected",
    "declined",
    "denied",
    "cancelled",
    "canceled",
    "withdrawn",
];
/// What has to be so.
const IN_FORCE: [&str; 5] = ["active", "enabled", "accepted", "approved", "confirmed"];
/// Until when it is in force.
const UNTIL: [&str; 5] = ["expires", "expiry", "expiration", "until", "ends"];

/// When a row is not in force.
#[derive(Clone, Debug, PartialEq)]
enum When {
    /// The column is given.
    Given,
    /// The column is null.
    Missing,
    /// It is past.
    Past,
    /// It is true.
    True,
    /// It is not true.
    NotTrue,
    /// It is one of these.
    OneOf(Vec<SmolStr>),
}

/// A column that says whether a row is in force.
#[derive(Clone, Debug)]
pub struct Lapse {
    /// The column.
    pub field: FieldIx,
    when: When,
}

/// The columns of a membership that say so.
pub fn lapses(model: &Model, membership: &Membership<'_>) -> Vec<Lapse> {
    let entity = model.entity(membership.members);
    let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
    let fields = (0..entity.fields.len()).filter(|field| *field != membership.who && !key.contains(field));
    fields.filter_map(|field| Some(Lapse { field, when: when(model, entity, field, membership)? })).collect()
}

fn when(model: &Model, entity: &Entity, field: FieldIx, membership: &Membership<'_>) -> Option<When> {
    let column = &entity.fields[field];
    let says = |words: &[&str]| column.name.split('_').any(|word| words.contains(&word));
    if is_truth(&column.ty) {
        return match (says(&ENDED), says(&IN_FORCE)) {
            (true, _) => Some(When::True),
            (_, true) => Some(When::NotTrue),
            _ => None,
        };
    }
    if column.ty.dims > 0 {
        return None;
    }
    match &column.ty.base {
        Base::Builtin(name) if family(name) == Family::Moment => match () {
            () if says(&UNTIL) => Some(When::Past),
            () if column.nullable && says(&ENDED) => Some(When::Given),
            () if column.nullable && says(&IN_FORCE) => Some(When::Missing),
            () => None,
        },
        Base::Enum(id) => {
            let labels = model.enums[id.0 as usize].labels.iter().map(|label| label.name.clone());
            of_labels(labels.collect(), field, membership)
        }
        Base::Builtin(name) if family(name) == Family::Text => {
            let mut labels = Vec::new();
            for check in &entity.checks {
                check.expr.formula.visit(|part| match &part.node {
                    Node::InList(list, false) if list.0.own_column() == Some(field) => {
                        labels.extend(list.1.iter().filter_map(label));
                    }
                    _ => {}
                });
            }
            of_labels(labels, field, membership)
        }
        _ => None,
    }
}

fn label(formula: &Formula) -> Option<SmolStr> {
    match constant(formula)? {
        Val::Text(text) => Some(text),
        _ => None,
    }
}

/// The labels that say so, without those that a rule asks for: what opens something is in force.
fn of_labels(labels: Vec<SmolStr>, field: FieldIx, membership: &Membership<'_>) -> Option<When> {
    let mut wanted: Vec<SmolStr> = Vec::new();
    for ask in &membership.asks {
        let own = |formula: &Formula| matches!(&formula.bare().node, Node::Column(row, of) if *row == ask.row && *of == field);
        ask.all.iter().for_each(|part| {
            part.visit(|part| match &part.node {
                Node::InList(list, false) if own(&list.0) => wanted.extend(list.1.iter().filter_map(label)),
                _ => {
                    let Some((a, b)) = part.equality() else { return };
                    wanted.extend([(a, b), (b, a)].into_iter().filter(|(a, _)| own(a)).filter_map(|(_, b)| label(b)));
                }
            });
        });
    }
    let asked = membership.ranks.contains(&field);
    let says = |label: &str| ENDED.contains(&label) || asked && UNMADE.contains(&label);
    let (ended, other): (Vec<SmolStr>, Vec<SmolStr>) =
        labels.into_iter().partition(|label| says(label) && !wanted.contains(label));
    (!ended.is_empty() && !other.is_empty()).then_some(When::OneOf(ended))
}

/// Sources and constants that values of these columns are compared with.
pub fn compared(model: &Model, membership: &Membership<'_>) -> Vec<(Source, Option<Source>, Vec<Val>)> {
    let of = |lapse: Lapse| {
        let field = Source::Field(membership.members, lapse.field);
        match lapse.when {
            When::Past => Some((field, Some(now()), Vec::new())),
            When::OneOf(labels) => Some((field, None, labels.into_iter().map(Val::Text).collect())),
            _ => None,
        }
    };
    lapses(model, membership).into_iter().filter_map(of).collect()
}

fn now() -> Source {
    Source::Session("now".into())
}

impl<'m> World<'m> {
    /// Whether a row says of itself that it is not in force.
    pub fn lapsed(&mut self, row: RowId, lapses: &[Lapse]) -> Lit {
        let mut any = Vec::new();
        for lapse in lapses {
            let lit = match (self.cell(row, lapse.field), &lapse.when) {
                (Cell::Condition(tri), When::True) => tri.yes,
                (Cell::Condition(tri), _) => !tri.yes,
                (Cell::Value(value), When::Given) => self.present(&value),
                (Cell::Value(value), When::Missing) => !self.present(&value),
                (Cell::Value(value), When::OneOf(labels)) => {
                    let is = |value: &Val| matches!(value, Val::Text(text) if labels.contains(text));
                    let lits: Vec<Lit> = value.cases.iter().filter(|(_, v)| is(v)).map(|(lit, _)| *lit).collect();
                    self.circuit.any(lits)
                }
                (Cell::Value(value), _) => {
                    let now = self.session(now());
                    self.less(&value, &now, false).map_or(Lit::FALSE, |past| past.yes)
                }
            };
            any.push(lit);
        }
        self.circuit.any(any)
    }
}
