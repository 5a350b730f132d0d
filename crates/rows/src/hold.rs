//! Checks over a row that is being made: whether they hold, and what makes them hold.

use crate::draw::stir;
use crate::pattern::Pattern;
use crate::table::{Maker, Row};
use crate::value::{DAY, Value, clock, moment};
use smol_str::SmolStr;
use specc_analysis::checks::{Comparison, Formula, Sort, Value as Operand};
use std::cmp::Ordering;
use std::fmt::Write;

/// A value that can be compared.
#[derive(Clone, Debug, PartialEq)]
enum Scalar {
    Number(f64),
    Text(String),
    Boolean(bool),
    /// Nothing is known of it but that it is there.
    Other,
}

impl Scalar {
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Number(a), Scalar::Number(b)) => a.partial_cmp(b),
            (Scalar::Text(a), Scalar::Text(b)) => Some(a.cmp(b)),
            (Scalar::Boolean(a), Scalar::Boolean(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// A text as a value of a sort.
fn read(text: &str, sort: Sort, labels: &[SmolStr]) -> Scalar {
    let number = |found: Option<f64>| found.map_or(Scalar::Other, Scalar::Number);
    match sort {
        Sort::Integer | Sort::Decimal | Sort::Float => number(text.parse().ok()),
        Sort::Date | Sort::Timestamp | Sort::Timestamptz => number(moment(text).map(|micros| micros as f64)),
        Sort::Time => number(clock(text).map(|micros| micros as f64)),
        Sort::Enum => number(labels.iter().position(|label| label == text).map(|at| at as f64)),
        Sort::Boolean => Scalar::Boolean(matches!(text, "t" | "true")),
        _ => Scalar::Text(text.to_owned()),
    }
}

fn scalar(value: &Value, sort: Sort, labels: &[SmolStr]) -> Option<Scalar> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(number) => Scalar::Number(*number as f64),
        Value::Decimal(number, scale) => Scalar::Number(*number as f64 / 10_f64.powi(*scale as i32)),
        Value::Float(number) => Scalar::Number(*number),
        Value::Boolean(is) => Scalar::Boolean(*is),
        Value::Text(text) => read(text, sort, labels),
        Value::Date(days) => Scalar::Number((days * DAY) as f64),
        Value::Timestamp(micros) | Value::Timestamptz(micros) | Value::Time(micros) => Scalar::Number(*micros as f64),
        Value::Label(at) => Scalar::Number(*at as f64),
        Value::Uuid(_) => {
            let mut out = Vec::new();
            value.push(&mut out, labels);
            Scalar::Text(String::from_utf8_lossy(&out).into_owned())
        }
    })
}

impl Maker<'_> {
    /// Whether a formula holds of a row; none: it is null, or nothing is known of it.
    pub(crate) fn holds(&self, formula: &Formula, row: &Row) -> Option<bool> {
        match formula {
            Formula::Constant(is) => Some(*is),
            Formula::All(list) => self.many(list, row, false),
            Formula::Any(list) => self.many(list, row, true),
            Formula::Not(inner) => self.holds(inner, row).map(|is| !is),
            Formula::IsTrue(inner) => Some(self.holds(inner, row) == Some(true)),
            Formula::IsNull(column) => Some(self.column(column).is_none_or(|at| row.values[at] == Value::Null)),
            Formula::Holds(column) => match self.operand(&Operand::Column(column.clone()), Sort::Boolean, row)? {
                Scalar::Boolean(is) => Some(is),
                _ => None,
            },
            Formula::Compare(sort, left, comparison, right) => {
                let labels = self.labels_of(&[left, right]);
                let (left, right) = (self.sided(left, *sort, row, labels)?, self.sided(right, *sort, row, labels)?);
                let order = left.order(&right)?;
                Some(match comparison {
                    Comparison::Eq => order.is_eq(),
                    Comparison::NotEq => order.is_ne(),
                    Comparison::Lt => order.is_lt(),
                    Comparison::LtEq => order.is_le(),
                    Comparison::Gt => order.is_gt(),
                    Comparison::GtEq => order.is_ge(),
                })
            }
            Formula::OneOf(sort, value, list) => {
                let labels = self.labels_of(&[value]);
                let value = self.sided(value, *sort, row, labels)?;
                let mut unknown = false;
                for one in list {
                    match self.sided(one, *sort, row, labels) {
                        Some(one) if one == value => return Some(true),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(false)
            }
            Formula::Matches { value, pattern, .. } | Formula::Like(value, pattern) => {
                match (self.operand(value, Sort::Text, row)?, self.patterns.get(pattern)) {
                    (Scalar::Text(text), Some(pattern)) => Some(pattern.is_match(&text)),
                    _ => None,
                }
            }
        }
    }

    /// Whether one of several is so.
    fn many(&self, list: &[Formula], row: &Row, wanted: bool) -> Option<bool> {
        let mut unknown = false;
        for one in list {
            match self.holds(one, row) {
                Some(is) if is == wanted => return Some(wanted),
                Some(_) => {}
                None => unknown = true,
            }
        }
        (!unknown).then_some(!wanted)
    }

    fn labels_of(&self, values: &[&Operand]) -> &[SmolStr] {
        let of = |value: &&Operand| match value {
            Operand::Column(name) => self.column(name).map(|at| self.columns[at].domain.labels()),
            _ => None,
        };
        values.iter().find_map(of).unwrap_or_default()
    }

    fn sided(&self, value: &Operand, sort: Sort, row: &Row, labels: &[SmolStr]) -> Option<Scalar> {
        match value {
            Operand::Text(text) => Some(read(text, sort, labels)),
            other => self.operand(other, sort, row),
        }
    }

    fn operand(&self, value: &Operand, sort: Sort, row: &Row) -> Option<Scalar> {
        let text = |inner: &Operand| match self.operand(inner, Sort::Text, row)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        };
        Some(match value {
            Operand::Column(name) => {
                let Some(at) = self.column(name) else { return Some(Scalar::Other) };
                scalar(&row.values[at], sort, self.columns[at].domain.labels())?
            }
            Operand::Text(text) => read(text, sort, &[]),
            Operand::Number(number) => read(number, Sort::Decimal, &[]),
            Operand::Length(inner) => Scalar::Number(text(inner)?.chars().count() as f64),
            Operand::Octets(inner) => Scalar::Number(text(inner)?.len() as f64),
            Operand::Trimmed(inner, start, end) => {
                let mut text = text(inner)?.as_str().to_owned();
                if *start {
                    text = text.trim_start_matches(' ').to_owned();
                }
                if *end {
                    text = text.trim_end_matches(' ').to_owned();
                }
                Scalar::Text(text)
            }
            Operand::Items(name) | Operand::JsonType(name) => {
                let at = self.column(name)?;
                match (&row.values[at], value) {
                    (Value::Null, _) => return None,
                    (Value::Text(text), Operand::Items(_)) => {
                        let inner = text.trim_matches(['{', '}']);
                        Scalar::Number(if inner.is_empty() { 0.0 } else { inner.split(',').count() as f64 })
                    }
                    (Value::Text(text), _) => Scalar::Text(json_type(text).to_owned()),
                    _ => Scalar::Other,
                }
            }
        })
    }

    /// Changes a row such that a formula becomes true, or false, as far as one can.
    pub(crate) fn enforce(&self, formula: &Formula, wanted: bool, row: &mut Row, salt: u64) {
        match formula {
            Formula::Constant(_) => {}
            Formula::Not(inner) => self.enforce(inner, !wanted, row, salt),
            Formula::IsTrue(inner) => self.enforce(inner, wanted, row, salt),
            Formula::All(list) | Formula::Any(list) => {
                if matches!(formula, Formula::All(_)) == wanted {
                    let is = |one: &Formula, row: &Row| self.holds(one, row) == Some(wanted);
                    for one in list {
                        if !is(one, row) {
                            self.enforce(one, wanted, row, salt);
                        }
                    }
                    return;
                }
                // "Unless it is so" asks for what follows, not for another case.
                let is_case =
                    matches!(list.first(), Some(Formula::Compare(_, _, Comparison::NotEq, _) | Formula::Not(_)));
                let first = match wanted && is_case {
                    true => 1,
                    false => (stir(&[salt, row.number, 21]) % list.len().max(1) as u64) as usize,
                };
                let before = row.values.clone();
                for at in 0..list.len() {
                    let one = &list[(first + at) % list.len()];
                    self.enforce(one, wanted, row, salt);
                    if self.holds(one, row) == Some(wanted) {
                        return;
                    }
                    row.values.clone_from(&before);
                }
            }
            Formula::IsNull(column) => {
                let Some(at) = self.column(column) else { return };
                match wanted {
                    true => self.empty(at, row),
                    false if row.values[at] == Value::Null => self.redraw(at, row, salt),
                    false => {}
                }
            }
            Formula::Holds(column) => {
                if let Some(at) = self.free(column) {
                    row.values[at] = Value::Boolean(wanted);
                }
            }
            Formula::Compare(_, left, comparison, right) => {
                let comparison = if wanted { *comparison } else { contrary(*comparison) };
                self.compare((left, comparison, right), row, salt);
            }
            Formula::OneOf(_, Operand::Column(column), list) => {
                let Some(at) = self.free(column) else { return };
                for attempt in 0..8 {
                    let seed = stir(&[salt, row.number, at as u64, attempt]);
                    match wanted {
                        true => {
                            let one = &list[(seed % list.len().max(1) as u64) as usize];
                            if let Some(value) = self.written(one, at) {
                                row.values[at] = value;
                            }
                        }
                        false => self.redraw(at, row, seed),
                    }
                    if self.holds(formula, row) == Some(wanted) {
                        return;
                    }
                }
            }
            Formula::Matches { value: Operand::Column(column), pattern, .. } if wanted => {
                if let (Some(at), Some(pattern)) = (self.free(column), Pattern::read(pattern)) {
                    row.values[at] =
                        Value::Text(pattern.text(stir(&[salt, row.number, at as u64]) % pattern.texts().max(1)));
                }
            }
            Formula::Like(Operand::Column(column), pattern) if wanted => {
                if let Some(at) = self.free(column) {
                    row.values[at] = Value::Text(example(pattern, row.number));
                }
            }
            Formula::OneOf(..) | Formula::Matches { .. } | Formula::Like(..) => {
                for column in formula.columns() {
                    if let Some(at) = self.free(&column) {
                        self.redraw(at, row, stir(&[salt, 31]));
                    }
                }
            }
        }
    }

    fn compare(&self, (left, comparison, right): (&Operand, Comparison, &Operand), row: &mut Row, salt: u64) {
        let seed = stir(&[salt, row.number, 41]);
        match (left, right) {
            (Operand::Column(a), Operand::Column(b)) => {
                for name in [a, b] {
                    if let Some(at) = self.column(name).filter(|at| row.values[*at] == Value::Null) {
                        self.redraw(at, row, seed);
                    }
                }
                // What comes later in a table follows what comes first, unless that was tried.
                let (Some(first), Some(second)) = (self.column(a), self.column(b)) else { return };
                let is_other = seed.is_multiple_of(4);
                let (kept, moved, comparison) = match (self.free(a), self.free(b)) {
                    (own, Some(at)) if (second > first) != is_other || own.is_none() => {
                        (first, at, mirrored(comparison))
                    }
                    (Some(at), _) => (second, at, comparison),
                    (None, _) => {
                        // References: another row is chosen.
                        self.redraw(second, row, seed);
                        return;
                    }
                };
                if let Some(value) = beside(&row.values[kept], comparison, seed) {
                    row.values[moved] = value;
                } else {
                    self.redraw(moved, row, seed);
                }
            }
            (Operand::Column(name), constant) | (constant, Operand::Column(name)) => {
                let comparison = if matches!(left, Operand::Column(_)) { comparison } else { mirrored(comparison) };
                let Some(at) = self.free(name) else { return };
                let Some(bound) = self.written(constant, at) else { return };
                let is_label = matches!(bound, Value::Label(_)) && comparison != Comparison::Eq;
                match beside(&bound, comparison, seed).filter(|_| !is_label) {
                    Some(value) => row.values[at] = value,
                    // One of few: another is drawn.
                    None => self.redraw(at, row, seed),
                }
            }
            (Operand::Length(inner) | Operand::Octets(inner), Operand::Number(number)) => {
                let Ok(length) = number.parse::<f64>() else { return };
                if let Some(at) = inner_column(inner).and_then(|name| self.free(name)) {
                    let length = match comparison {
                        Comparison::Eq | Comparison::LtEq | Comparison::GtEq => length,
                        Comparison::Lt => length - 1.0,
                        Comparison::Gt | Comparison::NotEq => length + 1.0,
                    };
                    row.values[at] = self.columns[at].domain.of_length(length.max(0.0) as u64, seed);
                }
            }
            (Operand::JsonType(name), Operand::Text(kind)) if comparison == Comparison::Eq => {
                if let Some(at) = self.free(name) {
                    row.values[at] = Value::Text(json_of(kind).to_owned());
                }
            }
            (Operand::Items(name), Operand::Number(number)) => {
                let Some(at) = self.free(name) else { return };
                let most = number.parse::<f64>().unwrap_or(0.0).max(0.0) as usize;
                let count = match comparison {
                    Comparison::Eq | Comparison::LtEq | Comparison::GtEq => most,
                    Comparison::Lt => most.saturating_sub(1),
                    Comparison::Gt | Comparison::NotEq => most + 1,
                };
                let items: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
                row.values[at] = Value::Text(format!("{{{}}}", items.join(",")));
            }
            _ => {}
        }
    }

    /// A written value as one of a column.
    fn written(&self, value: &Operand, at: usize) -> Option<Value> {
        let (Operand::Text(text) | Operand::Number(text)) = value else { return None };
        self.columns[at].domain.read(text)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// A column whose value nothing else decides.
    fn free(&self, name: &str) -> Option<usize> {
        self.column(name).filter(|at| self.is_free(*at))
    }
}

fn inner_column(value: &Operand) -> Option<&SmolStr> {
    match value {
        Operand::Column(name) => Some(name),
        Operand::Trimmed(inner, ..) => inner_column(inner),
        _ => None,
    }
}

/// A value that stands so to another one.
fn beside(value: &Value, comparison: Comparison, seed: u64) -> Option<Value> {
    // As far as days go, and as numbers that a few steps lead to.
    let by = |unit: i64| match comparison {
        Comparison::Eq => 0,
        Comparison::GtEq => (seed % 30) as i64 * unit,
        Comparison::Gt | Comparison::NotEq => (1 + seed % 30) as i64 * unit,
        Comparison::LtEq => -((seed % 30) as i64) * unit,
        Comparison::Lt => -((1 + seed % 30) as i64) * unit,
    };
    const HOUR: i64 = 3_600_000_000;
    Some(match value {
        Value::Integer(number) => Value::Integer(number.saturating_add(by(1))),
        Value::Decimal(number, scale) => Value::Decimal(number.saturating_add(by(1)), *scale),
        Value::Float(number) => Value::Float(number + by(1) as f64),
        Value::Date(days) => Value::Date(days + by(1)),
        Value::Timestamp(micros) => Value::Timestamp(micros + by(HOUR)),
        Value::Timestamptz(micros) => Value::Timestamptz(micros + by(HOUR)),
        Value::Time(micros) => Value::Time((micros + by(60_000_000)).clamp(0, DAY - 1)),
        other if comparison == Comparison::Eq => other.clone(),
        Value::Text(text) if matches!(comparison, Comparison::Gt | Comparison::NotEq | Comparison::GtEq) => {
            Value::Text(format!("{text}z"))
        }
        Value::Boolean(is) if comparison == Comparison::NotEq => Value::Boolean(!is),
        _ => return None,
    })
}

fn contrary(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Eq => Comparison::NotEq,
        Comparison::NotEq => Comparison::Eq,
        Comparison::Lt => Comparison::GtEq,
        Comparison::LtEq => Comparison::Gt,
        Comparison::Gt => Comparison::LtEq,
        Comparison::GtEq => Comparison::Lt,
    }
}

/// The comparison with its sides exchanged.
pub(crate) fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Lt => Comparison::Gt,
        Comparison::LtEq => Comparison::GtEq,
        Comparison::Gt => Comparison::Lt,
        Comparison::GtEq => Comparison::LtEq,
        same => same,
    }
}

fn json_type(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

fn json_of(kind: &str) -> &'static str {
    match kind {
        "array" => "[]",
        "string" => "\"a\"",
        "boolean" => "true",
        "number" => "1",
        "null" => "null",
        _ => "{}",
    }
}

/// A text that `like` takes.
pub(crate) fn example(pattern: &str, number: u64) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => {
                let _ = write!(out, "file-{number}");
            }
            '_' => out.push('a'),
            '\\' => out.extend(chars.next()),
            other => out.push(other),
        }
    }
    out
}

/// What `like` takes, as a regular expression.
pub(crate) fn like(pattern: &str) -> String {
    let mut escaped = String::from("(?s)^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => escaped.push_str(".*"),
            '_' => escaped.push('.'),
            '\\' => escaped.push_str(&regex_syntax::escape(&chars.next().map(String::from).unwrap_or_default())),
            other => escaped.push_str(&regex_syntax::escape(&other.to_string())),
        }
    }
    escaped + "$"
}
