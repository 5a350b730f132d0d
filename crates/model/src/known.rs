//! What is known of a row before there is one: values that are constants, and what a condition says of them.
//!
//! Only what is the same on every server is known. A text is compared for being equal, never for its order, and what is worked out
//! on the server is not known.

use crate::formula::{Call, Formula, Node, Operator, Part, Row, Value};
use crate::types::{Base, FieldIx, Model, Type};
use smol_str::SmolStr;
use specc_facts::Family;
use std::cmp::Ordering;

/// A value that is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// No value.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A number, and by which power of ten it is divided; no zero at the end that says nothing.
    Number(i128, u32),
    /// A text, or what is compared as one.
    Text(SmolStr),
    /// The place of a label in its enum.
    Label(usize),
    /// A date or a moment, in the common form.
    Moment(SmolStr),
    /// What is equal to itself, whatever it is: a constant that only the server can read, or the key of a row with a label.
    Named(SmolStr),
}

impl Known {
    /// A text as a value of a type; none where it is not known what it stands for there.
    pub fn read(model: &Model, text: &str, ty: &Type) -> Option<Known> {
        let ty = model.under(ty);
        if ty.dims > 0 {
            return None;
        }
        let name = match &ty.base {
            Base::Enum(id) => {
                let labels = &model.enums.get(id.0 as usize)?.labels;
                return labels.iter().position(|label| label.name == text).map(Known::Label);
            }
            Base::Builtin(name) => name.as_str(),
            _ => return None,
        };
        match specc_facts::family(name) {
            Family::Integer => number(text.trim()).filter(|it| matches!(it, Known::Number(_, 0))),
            // What has more digits than the column is rounded.
            Family::Decimal => {
                let most = ty.args.get(1).or(ty.args.first().map(|_| &0));
                number(text.trim()).filter(|it| match (it, most) {
                    (Known::Number(_, scale), Some(most)) => i64::from(*scale) <= *most,
                    _ => true,
                })
            }
            Family::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "t" | "true" => Some(Known::Boolean(true)),
                "f" | "false" => Some(Known::Boolean(false)),
                _ => None,
            },
            Family::Text if matches!(name, "text" | "varchar") => Some(Known::Text(text.into())),
            Family::Uuid => {
                let text = text.trim().to_ascii_lowercase();
                let plain = text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
                plain.then(|| Known::Text(text.into()))
            }
            Family::Moment => moment(text.trim(), name == "date"),
            _ => None,
        }
    }

    /// The constant that SQL is, as a value of a type; none where it is something else, or an escape string.
    pub fn of_sql(model: &Model, sql: &str, ty: &Type) -> Option<Known> {
        if let Some(rest) = sql.strip_prefix('\'') {
            let (inner, after) = rest.rsplit_once('\'')?;
            // A quote that is not doubled ends the constant: more than that stands behind it.
            let plain = (after.is_empty() || after.starts_with("::")) && !inner.replace("''", "").contains('\'');
            return plain.then(|| Known::read(model, &inner.replace("''", "'"), ty))?;
        }
        match sql.split("::").next().unwrap_or(sql).to_ascii_lowercase().as_str() {
            "null" => Some(Known::Null),
            "true" => Some(Known::Boolean(true)),
            "false" => Some(Known::Boolean(false)),
            digits => number(digits),
        }
    }

    /// Which of two comes first; none where only the server can say.
    pub fn order(&self, other: &Known) -> Option<Ordering> {
        match (self, other) {
            (Known::Number(a, x), Known::Number(b, y)) => {
                let scaled = |value: &i128, by: u32| value.checked_mul(10_i128.checked_pow(by)?);
                let most = *x.max(y);
                Some(scaled(a, most - x)?.cmp(&scaled(b, most - y)?))
            }
            (Known::Label(a), Known::Label(b)) => Some(a.cmp(b)),
            (Known::Moment(a), Known::Moment(b)) => Some(a.cmp(b)),
            (Known::Boolean(a), Known::Boolean(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether two are equal; none where only the server can say.
    pub fn equals(&self, other: &Known) -> Option<bool> {
        match (self, other) {
            (Known::Text(a), Known::Text(b)) => Some(a == b),
            // Another name may have the same key.
            (Known::Named(a), Known::Named(b)) => (a == b).then_some(true),
            _ => self.order(other).map(Ordering::is_eq),
        }
    }
}

/// A number that is written without an exponent.
fn number(text: &str) -> Option<Known> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let all = format!("{whole}{part}");
    let plain = !all.is_empty() || digits.contains('0');
    let value: i128 = match all.as_str() {
        "" if plain => 0,
        all if all.len() <= 30 && all.bytes().all(|b| b.is_ascii_digit()) => all.parse().ok()?,
        _ => return None,
    };
    Some(Known::Number(sign * value, part.len() as u32))
}

/// A date or a moment in the common form; a day begins at midnight.
fn moment(text: &str, date: bool) -> Option<Known> {
    let form = "dddd-dd-dd dd:dd:dd";
    let lengths: &[usize] = if date { &[10] } else { &[10, 16, 19] };
    let plain = lengths.contains(&text.len())
        && text.bytes().zip(form.bytes()).all(|(b, f)| if f == b'd' { b.is_ascii_digit() } else { b == f });
    plain.then(|| Known::Moment(format!("{text}{}", &" 00:00:00"[text.len().saturating_sub(10)..]).into()))
}

/// A row of which some values are known.
pub struct KnownRow<'a> {
    /// The spec.
    pub model: &'a Model,
    /// The value of a field.
    pub field: &'a dyn Fn(FieldIx) -> Option<Known>,
    /// What `value` is, in the check of a domain.
    pub value: Option<Known>,
}

/// What is known of a condition: nothing, or that it is null, or whether it holds.
type Truth = Option<Option<bool>>;

impl KnownRow<'_> {
    /// Whether a condition is false: a check with it refuses the row.
    pub fn refuses(&self, condition: &Formula) -> bool {
        self.truth(condition) == Some(Some(false))
    }

    /// Whether a condition holds; none where it is not known. One that is null does not.
    pub fn holds(&self, condition: &Formula) -> Option<bool> {
        self.truth(condition).map(|truth| truth == Some(true))
    }

    fn truth(&self, formula: &Formula) -> Truth {
        match &formula.node {
            Node::Nested(inner) => self.truth(inner),
            Node::Not(inner) => self.truth(inner).map(|truth| truth.map(|is| !is)),
            Node::Binary(Operator::And, sides) => decided(self.truth(&sides.0), self.truth(&sides.1), false),
            Node::Binary(Operator::Or, sides) => decided(self.truth(&sides.0), self.truth(&sides.1), true),
            Node::Binary(op, sides) => {
                let name = match op {
                    Operator::Equal => "=",
                    Operator::Other(name) => name.as_str(),
                    Operator::And | Operator::Or => return None,
                };
                self.compared(&sides.0, name, &sides.1)
            }
            Node::InList(list, negated) => {
                let mut found = Some(Some(false));
                for item in &list.1 {
                    found = decided(found, self.compared(&list.0, "=", item), true);
                }
                found.map(|truth| truth.map(|is| is != *negated))
            }
            Node::IsNull(inner, negated) => {
                let value = self.value(inner, &inner.ty)?;
                Some(Some((value == Known::Null) != *negated))
            }
            Node::Is(inner, what) => {
                let truth = self.truth(inner)?;
                let (wanted, negated) = match what.strip_prefix("not ") {
                    Some(rest) => (rest, true),
                    None => (*what, false),
                };
                let is = match wanted {
                    "true" => truth == Some(true),
                    "false" => truth == Some(false),
                    "unknown" => truth.is_none(),
                    _ => return None,
                };
                Some(Some(is != negated))
            }
            Node::Form(form) => match form.parts.as_slice() {
                [
                    Part::Operand(value, _),
                    Part::Words(word),
                    Part::Operand(low, _),
                    Part::Words(and),
                    Part::Operand(high, _),
                ] if and.trim() == "and" => {
                    let both = decided(self.compared(value, ">=", low), self.compared(value, "<=", high), false);
                    match word.trim() {
                        "between" => both,
                        "not between" => both.map(|truth| truth.map(|is| !is)),
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => match self.value(formula, &formula.ty)? {
                Known::Boolean(is) => Some(Some(is)),
                Known::Null => Some(None),
                _ => None,
            },
        }
    }

    fn compared(&self, left: &Formula, operator: &str, right: &Formula) -> Truth {
        let known = |side: &Formula, other: &Formula| {
            let ty = if side.ty.base == Base::Unknown { &other.ty } else { &side.ty };
            self.value(side, ty)
        };
        let (a, b) = (known(left, right), known(right, left));
        if !matches!(operator, "=" | "<>" | "<" | "<=" | ">" | ">=") {
            return None;
        }
        // Whatever the other side is.
        if a == Some(Known::Null) || b == Some(Known::Null) {
            return Some(None);
        }
        let (a, b) = (a?, b?);
        let is = match operator {
            "=" => a.equals(&b)?,
            "<>" => !a.equals(&b)?,
            "<" => a.order(&b)?.is_lt(),
            "<=" => a.order(&b)?.is_le(),
            ">" => a.order(&b)?.is_gt(),
            _ => a.order(&b)?.is_ge(),
        };
        Some(Some(is))
    }

    /// The value of a formula, as one of a type.
    pub fn value(&self, formula: &Formula, ty: &Type) -> Option<Known> {
        match &formula.node {
            Node::Nested(inner) => self.value(inner, ty),
            Node::Cast(cast) => {
                let same = self.model.under(&formula.ty) == self.model.under(&cast.of.ty);
                let literal = matches!(cast.of.bare().node, Node::Literal(_) | Node::Unary(..));
                (same || literal).then(|| self.value(&cast.of, &formula.ty))?
            }
            Node::Literal(value) => match value {
                Value::Null => Some(Known::Null),
                Value::Boolean(is) => Some(Known::Boolean(*is)),
                Value::Number(digits) => number(digits),
                other => Known::read(self.model, other.text()?, ty),
            },
            Node::Unary(sign, inner) if sign == "-" => match self.value(inner, ty)? {
                Known::Number(value, scale) => Some(Known::Number(-value, scale)),
                Known::Null => Some(Known::Null),
                _ => None,
            },
            Node::Column(Row::Scope(0), field) => (self.field)(*field),
            Node::Name(parts) if parts.len() == 1 && parts[0].eq_ignore_ascii_case("value") => self.value.clone(),
            Node::Call(call) => self.called(call),
            _ => None,
        }
    }

    /// What a few functions of Postgres give, the same on every server.
    fn called(&self, call: &Call) -> Option<Known> {
        let [(None, argument)] = call.args.as_slice() else { return None };
        if call.declared.is_some() || call.qualified {
            return None;
        }
        let text = match self.value(argument, &argument.ty)? {
            Known::Text(text) => text,
            Known::Null => return Some(Known::Null),
            _ => return None,
        };
        let name = call.function.name.as_str();
        if matches!(name, "length" | "char_length") && self.is_text(argument) {
            return Some(Known::Number(text.chars().count() as i128, 0));
        }
        matches!(name, "btrim" | "trim").then(|| Known::Text(text.trim_matches(' ').into()))
    }

    fn is_text(&self, formula: &Formula) -> bool {
        formula.ty.base == Base::Unknown || self.model.is_text(&formula.ty)
    }
}

/// Two conditions of which one that is `wanted` decides.
fn decided(a: Truth, b: Truth, wanted: bool) -> Truth {
    if a == Some(Some(wanted)) || b == Some(Some(wanted)) {
        return Some(Some(wanted));
    }
    match (a?, b?) {
        (Some(_), Some(_)) => Some(Some(!wanted)),
        _ => Some(None),
    }
}
