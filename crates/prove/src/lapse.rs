//! Columns by which a row of a membership says that it is not in force: it has ended, or has not begun.
//!
//! Words say so, of the column (`suspended_at`, `is_active`) or of its values (`suspended`, `pending`); or else what rules ask of
//! it ([`by_rules`]), whatever the language.

use crate::circuit::Lit;
use crate::membership::{Membership, asked_of};
use crate::sorts::{Source, Val, constant, session};
use crate::standing::Ask;
use crate::world::{Cell, RowId, World, is_truth};
use smol_str::SmolStr;
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Node, Value};
use specc_model::{Base, Entity, FieldIx, Model, Rule, RuleAction};

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
const IN_FORCE: [&str; 2] = ["active", "enabled"];
/// What has to be so where rules ask for the column at all: an invitation opens something until it is accepted.
const MADE: [&str; 4] = ["accepted", "approved", "confirmed", "verified"];
/// Until when it is in force.
const UNTIL: [&str; 5] = ["expires", "expiry", "expiration", "until", "ends"];

/// When a row is not in force.
#[derive(Clone, Debug)]
enum When<'m> {
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
    /// It is nothing that a rule asks it to be.
    Unasked(Vec<Ask<'m>>),
}

/// A column that says whether a row is in force.
#[derive(Clone, Debug)]
pub struct Lapse<'m> {
    /// The column.
    pub field: FieldIx,
    when: When<'m>,
}

/// The columns of a membership that say so.
pub fn lapses<'m>(model: &'m Model, membership: &Membership<'m>) -> Vec<Lapse<'m>> {
    let entity = model.entity(membership.members);
    let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
    let fields = (0..entity.fields.len()).filter(|field| *field != membership.who && !key.contains(field));
    let to = &model.relation(membership.to).fields;
    let of = |field| match by_words(model, entity, field, membership) {
        Some(when) => Some(Lapse { field, when }),
        None if to.contains(&field) => None,
        None => Some(Lapse { field, when: by_rules(model, entity, field, membership)? }),
    };
    fields.filter_map(of).collect()
}

/// What rules ask of the column wherever they ask for it, if that is not a rank but whether the row is in force: it is a time
/// that is compared with the present, or has to be missing; or it is asked for by all rules that let members read what they
/// belong to, or is what it is by default.
fn by_rules<'m>(model: &'m Model, entity: &Entity, field: FieldIx, membership: &Membership<'m>) -> Option<When<'m>> {
    let column = &entity.fields[field];
    let asked: Vec<Ask<'m>> = membership.asks.iter().filter_map(|ask| ask.about(field)).collect();
    if asked.is_empty() || column.ty.dims > 0 {
        return None;
    }
    let parts = || asked.iter().flat_map(|ask| &ask.all);
    let is_time = matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Moment);
    let limits = |part: &&&Formula| {
        let mut limits = matches!(&part.bare().node, Node::IsNull(_, false));
        part.visit(|part| limits |= matches!(session(part), Some(Source::Session(_))));
        limits
    };
    let by_default = || {
        let (condition, default) = (is_truth(&column.ty), column.default.as_ref().and_then(|it| constant(&it.formula)));
        let truth = column.default.as_ref().is_some_and(|it| it.formula.node == Node::Literal(Value::Boolean(true)));
        asked.iter().all(|ask| ask.says.is_none())
            && parts().all(|part| match part.equality() {
                Some((a, b)) => [(a, b), (b, a)].iter().any(|(of, by)| {
                    let own = matches!(&of.bare().node, Node::Column(..));
                    let same = default.is_some() && constant(by) == default;
                    own && (same || truth && by.bare().node == Node::Literal(Value::Boolean(true)))
                }),
                None => condition && truth && matches!(&part.bare().node, Node::Column(..)),
            })
    };
    let by_tenant = || {
        let tenant = model.entity(model.relation(membership.to).to);
        let reads = |rule: &&Rule| !rule.forbid && rule.actions.iter().any(|(action, _)| *action == RuleAction::Select);
        let mut asks = tenant.rules.iter().filter(reads).flat_map(|rule| asked_of(model, rule, membership)).peekable();
        asks.peek().is_some() && asks.all(|ask| ask.about(field).is_some())
    };
    let in_force = is_time && parts().any(|part| limits(&part)) || by_default() || by_tenant();
    in_force.then_some(When::Unasked(asked))
}

fn by_words<'m>(model: &Model, entity: &Entity, field: FieldIx, membership: &Membership<'_>) -> Option<When<'m>> {
    let column = &entity.fields[field];
    let says = |words: &[&str]| column.name.split('_').any(|word| words.contains(&word));
    let in_force = says(&IN_FORCE) || says(&MADE) && membership.ranks.contains(&field);
    if is_truth(&column.ty) {
        return match (says(&ENDED), in_force) {
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
            () if column.nullable && in_force => Some(When::Missing),
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
fn of_labels<'m>(labels: Vec<SmolStr>, field: FieldIx, membership: &Membership<'_>) -> Option<When<'m>> {
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
pub fn compared(membership: &Membership<'_>) -> Vec<(Source, Option<Source>, Vec<Val>)> {
    let of = |lapse: &Lapse<'_>| {
        let field = Source::Field(membership.members, lapse.field);
        match &lapse.when {
            When::Past => Some((field, Some(now()), Vec::new())),
            When::OneOf(labels) => Some((field, None, labels.iter().cloned().map(Val::Text).collect())),
            _ => None,
        }
    };
    membership.lapses.iter().filter_map(of).collect()
}

fn now() -> Source {
    Source::Session("now".into())
}

impl<'m> World<'m> {
    /// Whether a row says of itself that it is not in force.
    pub fn lapsed(&mut self, row: RowId, lapses: &[Lapse<'m>]) -> Lit {
        let mut any = Vec::new();
        for lapse in lapses {
            if let When::Unasked(asks) = &lapse.when {
                let asked: Vec<Lit> = asks.iter().map(|ask| self.asked(ask, row)).collect();
                any.push(!self.circuit.any(asked));
                continue;
            }
            let lit = match (self.cell(row, lapse.field), &lapse.when) {
                (Cell::Condition(tri), When::True) => tri.yes,
                (Cell::Condition(tri), _) => !tri.yes,
                (Cell::Set(_), _) => Lit::FALSE,
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
