//! Who somebody is, by what rows say of her, and what rules ask of such a row.

use crate::circuit::Lit;
use crate::encode::{Env, Place};
use crate::sorts::{Source, constant, is_viewer, session, wrapped};
use crate::world::{RowId, Sym, World};
use smol_str::SmolStr;
use specc_model::formula::{Formula, Node, Operator, Row, Value, Volatility};
use specc_model::{EntityId, ExprRef, FieldIx, Model};
use std::sync::Arc;

/// Claims that say which person it is, not what she may.
const PERSONAL: [&str; 2] = ["email", "phone"];

/// What a row says who it is about by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// The key of who is asking.
    Viewer,
    /// A claim of her token.
    Claim(Box<[SmolStr]>),
    /// A column of her row that no other row has the same of.
    Field(FieldIx),
}

impl Person {
    /// Whether what a column is compared with says who is asking: also a claim, where the column is made at random or no
    /// other row has the same, so that whoever knows it is meant.
    pub fn of_column(model: &Model, entity: EntityId, field: FieldIx, other: &Formula) -> Option<Self> {
        Self::of(model, other).or_else(|| {
            let Some(Source::Claim(keys)) = session(uncast(other)) else { return None };
            let of = model.entity(entity);
            let random = |default: &ExprRef| default.formula.volatility == Volatility::Volatile;
            let secret = of.fields[field].default.as_ref().is_some_and(random);
            let alone = || of.unique_sets().any(|set| set.fields.is_some_and(|fields| *fields == [field]));
            let refers = of.outgoing.iter().any(|id| model.relation(*id).fields.contains(&field));
            (!refers && (secret || alone())).then_some(Self::Claim(keys))
        })
    }

    /// Whether a value says who is asking.
    pub fn of(model: &Model, formula: &Formula) -> Option<Self> {
        if is_viewer(formula) {
            return Some(Self::Viewer);
        }
        if let Some(Source::Claim(keys)) = session(formula) {
            let personal = matches!(&*keys, [only] if PERSONAL.contains(&only.as_str()));
            return personal.then_some(Self::Claim(keys));
        }
        let Node::ViewerField(field) = formula.bare().node else { return None };
        let viewer = model.entity(model.viewer?);
        let alone = viewer.unique_sets().any(|set| set.fields.is_some_and(|fields| *fields == [field]));
        let personal = PERSONAL.contains(&viewer.fields[field].name.as_str());
        (alone || personal).then_some(Self::Field(field))
    }
}

fn uncast(formula: &Formula) -> &Formula {
    match &formula.bare().node {
        Node::Cast(cast) => uncast(&cast.of),
        _ => formula.bare(),
    }
}

/// What a rule asks of one row, as far as it is of that row and who asks alone.
#[derive(Clone, Debug)]
pub struct Ask<'m> {
    /// How the conditions call the row.
    pub row: Row,
    /// All of them have to hold.
    pub all: Vec<&'m Formula>,
    /// What the predicate is given in whose body they stand.
    pub given: Given<'m>,
    /// What it gives of the row, and the constants of which that is one.
    pub says: Option<(&'m Formula, &'m [Formula])>,
}

/// The arguments of a predicate that are constants.
pub type Given<'m> = Arc<[Option<&'m Formula>]>;

impl<'m> Ask<'m> {
    /// Nothing but that the row is there.
    pub fn of_any(row: Row) -> Self {
        Self { row, all: Vec::new(), given: Given::default(), says: None }
    }

    /// The parts of conditions that are about the row alone.
    pub fn of(row: &Row, conditions: &'m [Formula], given: &Given<'m>) -> Self {
        let mut all = Vec::new();
        let mut rest: Vec<&'m Formula> = conditions.iter().rev().collect();
        while let Some(next) = rest.pop() {
            match &next.bare().node {
                Node::Binary(Operator::And, sides) => rest.extend([&sides.1, &sides.0]),
                _ if is_of(row, next, given) => all.push(next),
                _ => {}
            }
        }
        Self { row: row.clone(), all, given: given.clone(), says: None }
    }

    /// What it asks of one column; none where that is nothing.
    pub fn about(&self, field: FieldIx) -> Option<Self> {
        let reads = |formula: &Formula| {
            let mut reads = false;
            formula.visit(|part| {
                reads |= matches!(&part.node, Node::Column(of, other) if *of == self.row && *other == field)
            });
            reads
        };
        let all: Vec<_> = self.all.iter().copied().filter(|part| reads(part)).collect();
        let says = self.says.filter(|(of, _)| reads(of));
        let asks = !all.is_empty() || says.is_some();
        asks.then(|| Self { row: self.row.clone(), all, given: self.given.clone(), says })
    }
}

/// Whether it reads nothing but this row, and who asks.
fn is_of(row: &Row, formula: &Formula, given: &Given<'_>) -> bool {
    let mut only = true;
    formula.visit(|part| {
        only &= match &part.node {
            Node::Column(of, _) => of == row,
            Node::Sql(_) => wrapped(part).is_some(),
            Node::Path(..) | Node::Whole(..) | Node::Exists(_) | Node::AsIs(_) => false,
            Node::Parameter(at) => given.get(*at).is_some_and(Option::is_some),
            Node::Literal(Value::Placeholder(_)) => {
                crate::sorts::placeholder(part).and_then(|at| given.get(at)).is_some_and(Option::is_some)
            }
            Node::Predicate(..) => false,
            _ => true,
        };
    });
    only
}

impl<'m> World<'m> {
    /// The value that says who is asking.
    pub fn person(&mut self, by: &Person) -> Sym {
        match by {
            Person::Viewer => self.session(Source::Viewer),
            Person::Claim(keys) => self.session(Source::Claim(keys.clone())),
            Person::Field(field) => {
                let place: Place = self.viewer_row(&Env::default());
                self.value_at(&place, *field)
            }
        }
    }

    /// Whether what a rule asks holds of a row.
    pub fn asked(&mut self, ask: &Ask<'m>, row: RowId) -> Lit {
        let env = Env::named(&ask.row, row, &ask.given);
        let mut all: Vec<Lit> = ask.all.iter().map(|condition| self.condition(condition, &env).yes).collect();
        if let Some((of, values)) = ask.says {
            let of = self.evaluate(of, &env);
            let mut any = Vec::new();
            for value in values.iter().filter_map(constant) {
                any.push(self.equal(&of, &Sym::of(value)).yes);
            }
            all.push(self.circuit.any(any));
        }
        self.circuit.all(all)
    }
}
