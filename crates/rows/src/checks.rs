//! Conditions on rows, read: what they leave of the values of a column, and what is left to hold.

use crate::domain::Domain;
use crate::hold::{like, mirrored};
use crate::table::Maker;
use crate::value::Value;
use regex::Regex;
use smol_str::SmolStr;
use specc_analysis::checks::{Comparison, Formula, Sort, Value as Operand, conditions};
use specc_catalog::{Bounds, Catalog, Object, Table};
use std::collections::BTreeMap;

/// A condition on rows.
pub(crate) struct Condition {
    pub text: String,
    /// The column that it calls `value`.
    pub of: Option<SmolStr>,
    /// The columns that it reads.
    pub reads: Vec<SmolStr>,
}

impl Maker<'_> {
    pub(crate) fn read_checks(&mut self, checks: Vec<Condition>) {
        let mut all = Vec::new();
        for Condition { text, of: own, reads } in checks {
            let sort = |name: &str| match (&own, name) {
                (Some(column), "value" | "VALUE") => self.sort_of(column),
                _ => self.sort_of(name),
            };
            let mut is_beyond = false;
            for condition in conditions(&text, &sort) {
                match condition {
                    Ok(mut formula) => {
                        if let Some(column) = &own {
                            rename(&mut formula, column);
                        }
                        all.push(formula);
                    }
                    Err(beyond) => match beyond.composed {
                        Some((name, parts)) => {
                            let at = self.columns.iter().position(|column| column.name == name);
                            self.composed.extend(at.map(|at| (at, parts)));
                        }
                        None => is_beyond = true,
                    },
                }
            }
            // The server is asked in the words of the catalog, all of them.
            if is_beyond {
                let places: Vec<usize> =
                    (0..self.columns.len()).filter(|at| reads.contains(&self.columns[*at].name)).collect();
                match places.as_slice() {
                    [] => {}
                    [at] => self.alone.entry(*at).or_default().push(text.clone()),
                    _ => self.open.push((text.clone(), places)),
                }
                self.beyond.push(text);
            }
        }
        for formula in &all {
            self.narrow(formula);
            collect(formula, &mut self.patterns);
        }
        self.checks.extend(all);
    }

    fn sort_of(&self, name: &str) -> Sort {
        let found = self.columns.iter().find(|column| column.name == name);
        found.map_or(Sort::Other, |column| Sort::of(&column.domain.ty, !column.domain.labels().is_empty()))
    }

    /// Values that a condition on one column refuses are not drawn at all.
    fn narrow(&mut self, formula: &Formula) {
        match formula {
            Formula::All(list) => list.iter().for_each(|one| self.narrow(one)),
            Formula::Any(list) => {
                let others: Vec<&Formula> = list.iter().filter(|one| !matches!(one, Formula::IsNull(_))).collect();
                if let ([one], [_]) = (others.as_slice(), formula.columns().as_slice()) {
                    self.narrow(one);
                }
            }
            Formula::Compare(_, left, comparison, right) => {
                let (name, comparison, constant) = match (left, right) {
                    (Operand::Column(name), constant @ (Operand::Text(_) | Operand::Number(_))) => {
                        (name, *comparison, constant)
                    }
                    (constant @ (Operand::Text(_) | Operand::Number(_)), Operand::Column(name)) => {
                        (name, mirrored(*comparison), constant)
                    }
                    (Operand::Length(inner), Operand::Number(number)) => {
                        let Ok(length) = number.parse::<f64>() else { return };
                        return self.lengthen(inner, *comparison, length);
                    }
                    _ => return,
                };
                let (Operand::Text(text) | Operand::Number(text)) = constant else { return };
                let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) else { return };
                if let Some(value) = column.domain.read(text) {
                    column.domain.narrow(comparison, &value);
                }
            }
            Formula::OneOf(_, Operand::Column(name), list) => {
                let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) else { return };
                let read = |one: &Operand| match one {
                    Operand::Text(text) | Operand::Number(text) => column.domain.read(text),
                    _ => None,
                };
                let values: Option<Vec<Value>> = list.iter().map(read).collect();
                column.domain.list = values.filter(|values| !values.is_empty()).or(column.domain.list.take());
            }
            Formula::Matches { value: Operand::Column(name), pattern, .. } => {
                if let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) {
                    column.domain.matching(pattern);
                }
            }
            _ => {}
        }
    }

    fn lengthen(&mut self, of: &Operand, comparison: Comparison, length: f64) {
        let mut of = of;
        while let Operand::Trimmed(inner, ..) = of {
            of = inner;
        }
        let Operand::Column(name) = of else { return };
        let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) else { return };
        let domain = &mut column.domain;
        let least = |short: &mut u64, to: f64| *short = (*short).max(to.max(0.0) as u64);
        let most = |long: &mut Option<u64>, to: f64| *long = Some(long.unwrap_or(u64::MAX).min(to.max(0.0) as u64));
        match comparison {
            Comparison::Gt => least(&mut domain.short, length + 1.0),
            Comparison::GtEq => least(&mut domain.short, length),
            Comparison::Lt => most(&mut domain.long, length - 1.0),
            Comparison::LtEq => most(&mut domain.long, length),
            Comparison::Eq => {
                least(&mut domain.short, length);
                most(&mut domain.long, length);
            }
            Comparison::NotEq => {}
        }
    }

    /// Values have a place in a part of a divided table.
    pub(crate) fn divide(&mut self, catalog: &Catalog, table: &Table) {
        let Some(by) = &table.partition_by else { return };
        let parts: Vec<&Bounds> = catalog
            .iter()
            .filter_map(|(_, entry)| match &entry.object {
                Object::Table(part) => part.partition_of.as_ref().filter(|(whole, _)| *whole == table.table),
                _ => None,
            })
            .map(|(_, bounds)| bounds)
            .collect();
        for (place, key) in by.keys.iter().enumerate() {
            let Some(column) =
                key.column_name().and_then(|name| self.columns.iter_mut().find(|column| column.name == *name))
            else {
                continue;
            };
            let (mut low, mut high, mut list) = (Vec::new(), Vec::new(), Vec::new());
            let read = |text: &str, domain: &Domain| domain.read(text.trim().trim_matches('\''));
            for bounds in &parts {
                match bounds {
                    Bounds::Range { from, to } => {
                        low.extend(from.get(place).and_then(|from| read(&from.text, &column.domain)));
                        high.extend(to.get(place).and_then(|to| read(&to.text, &column.domain)));
                    }
                    Bounds::List(values) => list.extend(
                        values
                            .iter()
                            .filter(|value| !value.text.eq_ignore_ascii_case("null"))
                            .filter_map(|value| read(&value.text, &column.domain)),
                    ),
                    _ => {}
                }
            }
            if !list.is_empty() {
                column.domain.list = Some(list);
            }
            if let Some(low) = column.domain.least(&low) {
                column.domain.narrow(Comparison::GtEq, &low);
            }
            if let Some(high) = column.domain.most(&high) {
                column.domain.narrow(Comparison::Lt, &high);
            }
        }
    }
}

/// What a domain's check calls `value` is the column.
fn rename(formula: &mut Formula, column: &SmolStr) {
    fn operand(value: &mut Operand, to: &SmolStr) {
        match value {
            Operand::Column(name) | Operand::Items(name) | Operand::JsonType(name) => name.clone_from(to),
            Operand::Length(inner) | Operand::Octets(inner) | Operand::Trimmed(inner, ..) => operand(inner, to),
            Operand::Text(_) | Operand::Number(_) => {}
        }
    }
    match formula {
        Formula::All(list) | Formula::Any(list) => list.iter_mut().for_each(|one| rename(one, column)),
        Formula::Not(inner) | Formula::IsTrue(inner) => rename(inner, column),
        Formula::Constant(_) => {}
        Formula::IsNull(name) | Formula::Holds(name) => name.clone_from(column),
        Formula::Compare(_, left, _, right) => {
            operand(left, column);
            operand(right, column);
        }
        Formula::OneOf(_, value, list) => {
            operand(value, column);
            list.iter_mut().for_each(|one| operand(one, column));
        }
        Formula::Matches { value, .. } | Formula::Like(value, _) => operand(value, column),
    }
}

/// The expressions of a formula, read once.
fn collect(formula: &Formula, into: &mut BTreeMap<SmolStr, Regex>) {
    match formula {
        Formula::All(list) | Formula::Any(list) => list.iter().for_each(|one| collect(one, into)),
        Formula::Not(inner) | Formula::IsTrue(inner) => collect(inner, into),
        Formula::Matches { pattern, folded, .. } => {
            let text = if *folded { format!("(?i){pattern}") } else { pattern.to_string() };
            into.extend(Regex::new(&text).ok().map(|read| (pattern.clone(), read)));
        }
        Formula::Like(_, pattern) => into.extend(Regex::new(&like(pattern)).ok().map(|read| (pattern.clone(), read))),
        _ => {}
    }
}
