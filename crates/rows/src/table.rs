//! The rows of one table.

use crate::domain::Domain;
use crate::draw::{Shuffle, Skew, Spread, share, stir};
use crate::hold::example;
use crate::value::Value;
use crate::{Keys, Lacks};
use regex::Regex;
use smol_str::SmolStr;
use specc_analysis::checks::{Formula, Value as Operand};
use std::collections::BTreeMap;

/// How far numbers are from those of a row that was refused.
const APART: u64 = 100_000_007;

/// How often other values are tried where a check refuses a row.
const ATTEMPTS: u64 = 8;

/// A column that gets values.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: SmolStr,
    pub(crate) domain: Domain,
    pub(crate) nullable: bool,
    /// How many of 1 have none.
    pub(crate) nulls: f64,
    /// How many different values there are, if that is said.
    pub(crate) values: Option<(u64, Skew)>,
    /// How many of 1 have each label.
    pub(crate) shares: Vec<(Value, f64)>,
    /// It grows with the rows.
    pub(crate) grows: bool,
    /// It always has this value.
    pub(crate) fixed: Option<Value>,
    pub(crate) seed: u64,
    /// Its value is another one in each row, as a unique constraint asks: of all rows, or of those of one owner.
    pub(crate) carries: Option<Carries>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Carries {
    Rows,
    Rank(usize),
}

/// A reference, and which rows it leads to.
#[derive(Debug)]
pub(crate) struct Reference<'k> {
    pub(crate) columns: Vec<usize>,
    pub(crate) target: Target<'k>,
    pub(crate) nullable: bool,
    pub(crate) nulls: f64,
    pub(crate) seed: u64,
    pub(crate) way: Way,
}

#[derive(Debug)]
pub(crate) enum Target<'k> {
    Keys(&'k Keys),
    /// Earlier rows of the same table, by these of its columns.
    Own(Vec<usize>),
}

#[derive(Debug)]
pub(crate) enum Way {
    /// Rows are given out to those that they refer to.
    Given { rows: Spread, places: Shuffle, owners: Shuffle },
    /// The one beside what another reference gives: no two rows have the same both.
    Beside(usize),
    /// Any.
    Drawn,
    /// The row before.
    Before,
    /// Any, where another reference left it open.
    Left,
    /// One of those that have what other references decided: by the values of these of its columns.
    Within { fixed: Vec<usize>, places: BTreeMap<Vec<String>, Vec<usize>> },
}

/// A row that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its number, from 0.
    pub(crate) number: u64,
    /// How often a server refused it.
    pub(crate) again: u64,
    pub(crate) values: Vec<Value>,
    /// Which owner each reference chose, and its place among the rows of that one.
    pub(crate) chosen: Vec<Option<(usize, u64)>>,
}

/// Makes the rows of a table, each from its number alone.
#[derive(Debug)]
pub struct Maker<'k> {
    pub(crate) columns: Vec<Column>,
    pub(crate) references: Vec<Reference<'k>>,
    pub(crate) checks: Vec<Formula>,
    pub(crate) patterns: BTreeMap<SmolStr, Regex>,
    /// Columns whose texts are put together from others.
    pub(crate) composed: Vec<(usize, Vec<Operand>)>,
    /// Checks on several columns that are not understood, with those.
    pub(crate) open: Vec<(String, Vec<usize>)>,
    /// Conditions on one column that are not understood.
    pub(crate) alone: BTreeMap<usize, Vec<String>>,
    /// Conditions that are not understood, as SQL: rows may not fit them.
    pub beyond: Vec<String>,
    /// The same of conditions that are asked for beside the checks.
    pub wished: Vec<String>,
    /// Columns that are unique together, all rows or those that a condition is about.
    pub unique: Vec<(Vec<SmolStr>, Option<String>)>,
    /// How many rows there can be, where something allows fewer than were asked for, and what.
    pub fewer: Option<(u64, String)>,
    pub(crate) start: u64,
    pub(crate) rows: u64,
}

impl Maker<'_> {
    /// Whether nothing but the column itself decides its value.
    pub(crate) fn is_free(&self, at: usize) -> bool {
        self.columns[at].carries.is_none() && !self.references.iter().any(|reference| reference.columns.contains(&at))
    }

    /// Gives a column another value, which is not null.
    pub(crate) fn redraw(&self, at: usize, row: &mut Row, salt: u64) {
        if let Some(reference) = self.references.iter().position(|reference| reference.columns.contains(&at)) {
            self.choose(reference, row, Some(salt));
            return;
        }
        if self.is_free(at) {
            let column = &self.columns[at];
            row.values[at] = column.domain.likely(stir(&[column.seed, row.number, salt]), None);
        }
    }

    /// Makes a column null, where it may be.
    pub(crate) fn empty(&self, at: usize, row: &mut Row) {
        if self.columns[at].nullable && self.columns[at].carries.is_none() {
            row.values[at] = Value::Null;
        }
    }

    /// Chooses what a reference leads to. A salt: another one than before, and never none.
    fn choose(&self, at: usize, row: &mut Row, salt: Option<u64>) {
        let reference = &self.references[at];
        let drawn = stir(&[reference.seed, row.number, salt.unwrap_or(0)]);
        let none = |row: &mut Row| {
            for column in reference.columns.iter().filter(|at| self.columns[**at].nullable) {
                row.values[*column] = Value::Null;
            }
        };
        if matches!(reference.way, Way::Left) && reference.columns.iter().all(|at| row.values[*at] != Value::Null) {
            return;
        }
        // Refused once, so another one, unless it is one row for each.
        let is_drawn = row.again > 0;
        let drawn = stir(&[drawn, row.again]);
        let nulls = if row.again > 0 { reference.nulls.max(0.5) } else { reference.nulls };
        if salt.is_none() && reference.nullable && share(stir(&[drawn, 71, row.again])) < nulls {
            return none(row);
        }
        let keys = match &reference.target {
            Target::Keys(keys) => *keys,
            Target::Own(columns) => {
                // An earlier row, if there is one.
                let Some(other) = (row.number > 0)
                    .then(|| if matches!(reference.way, Way::Before) { row.number - 1 } else { drawn % row.number })
                else {
                    if reference.nullable {
                        return none(row);
                    }
                    for (own, target) in reference.columns.iter().zip(columns) {
                        row.values[*own] = row.values[*target].clone();
                    }
                    return;
                };
                for (own, target) in reference.columns.iter().zip(columns) {
                    row.values[*own] = self.carried(*target, other, 0);
                }
                return;
            }
        };
        let (owner, rank) = match &reference.way {
            Way::Given { rows, places, owners } if salt.is_none() && (!is_drawn || rows.most() == 1) => {
                let (place, rank) = rows.owner(places.at(row.number % rows.rows().max(1)));
                (owners.at(place as u64) as usize, rank)
            }
            Way::Beside(other) if salt.is_none() && !is_drawn => match row.chosen[*other] {
                // Those of one owner are beside different ones: they count up from a place of its own.
                Some((first, rank)) => {
                    let begin = stir(&[reference.seed, first as u64]) % keys.len() as u64;
                    (((begin + rank) % keys.len() as u64) as usize, rank)
                }
                None => ((drawn % keys.len() as u64) as usize, 0),
            },
            Way::Within { fixed, places } => {
                let with: Vec<String> = fixed.iter().map(|at| self.text(*at, &row.values[*at])).collect();
                let Some(fitting) = places.get(&with) else { return none(row) };
                (fitting[(drawn % fitting.len() as u64) as usize], 0)
            }
            // What is unique stays as it was chosen.
            Way::Beside(_) if salt.is_some() => return,
            Way::Given { rows, .. } if salt.is_some() && rows.most() == 1 => return,
            _ => ((drawn % keys.len() as u64) as usize, 0),
        };
        row.chosen[at] = Some((owner, rank));
        for (place, column) in reference.columns.iter().enumerate() {
            row.values[*column] = Value::Text(keys.text(owner, place).to_owned());
        }
    }

    pub(crate) fn text(&self, at: usize, value: &Value) -> String {
        let mut out = Vec::new();
        value.push(&mut out, self.columns[at].domain.labels());
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The value by which a column tells a row from all others.
    fn carried(&self, at: usize, number: u64, again: u64) -> Value {
        let column = &self.columns[at];
        // Far from all others, where a server had it already; numbers go on after those that are there.
        let is_counted = matches!(column.domain.sort, crate::domain::Sort::Integer);
        let number = if is_counted { number } else { number + again * APART };
        match column.domain.sort {
            // Different tables do not have the same ones.
            crate::domain::Sort::Uuid => column.domain.distinct(stir(&[column.seed, self.start + number])),
            _ => column.domain.distinct(self.start + number),
        }
    }

    fn value(&self, at: usize, row: &Row, attempt: u64) -> Value {
        let column = &self.columns[at];
        match column.carries {
            Some(Carries::Rows) => return self.carried(at, row.number, row.again),
            Some(Carries::Rank(reference)) => {
                let rank = row.chosen[reference].map_or(row.number, |(_, rank)| rank);
                return column.domain.distinct(rank + row.again * 13);
            }
            None => {}
        }
        if let Some(fixed) = &column.fixed {
            return fixed.clone();
        }
        let seed = stir(&[column.seed, self.start + row.number, attempt]);
        // Where a server refused a row, it may be for what is null, or for what is not.
        let is_open = attempt >= ATTEMPTS && self.open.iter().any(|(_, places)| places.contains(&at));
        let nulls = if is_open { column.nulls.max(0.5) } else { column.nulls };
        if column.nullable && share(stir(&[seed, 81])) < nulls {
            return Value::Null;
        }
        let mut at = share(stir(&[seed, 82]));
        for (value, share) in &column.shares {
            if at < *share {
                return value.clone();
            }
            at -= share;
        }
        if let Some((values, skew)) = column.values {
            let values = values.clamp(1, column.domain.values().unwrap_or(u64::MAX).max(1));
            let place = match skew {
                Skew::Uniform => seed % values,
                Skew::Zipf(s) => zipf(share(seed), values, s),
            };
            return column.domain.distinct(Shuffle::new(values, column.seed).at(place));
        }
        // A server that refuses rows may ask for one of the numbers that conditions are about.
        if is_open && share(stir(&[seed, 83])) < 0.25 {
            return column.domain.edge(seed);
        }
        let late = column.grows.then(|| (row.number as f64 + share(seed)) / self.rows.max(1) as f64);
        column.domain.likely(seed, late)
    }

    /// The row of a number.
    ///
    /// # Errors
    /// The check that no row was found for.
    pub(crate) fn row(&self, number: u64, again: u64) -> Result<Row, Lacks> {
        let mut row = Row {
            number,
            again,
            values: vec![Value::Null; self.columns.len()],
            chosen: vec![None; self.references.len()],
        };
        let mut wrong = None;
        for attempt in again * ATTEMPTS..(again + 1) * ATTEMPTS {
            self.references_first(&mut row, attempt);
            for at in 0..self.columns.len() {
                // What a reference that leads nowhere leaves open, and may not be null, is like any other value.
                let refers = self.references.iter().any(|reference| reference.columns.contains(&at));
                let is_left = row.values[at] == Value::Null && !self.columns[at].nullable;
                if !refers || is_left && self.leads_to_keys(at) {
                    row.values[at] = self.value(at, &row, attempt);
                }
            }
            // Those within the same table need its own key.
            for at in (0..self.references.len()).filter(|at| matches!(self.references[*at].target, Target::Own(_))) {
                self.choose(at, &mut row, (attempt % ATTEMPTS > 0).then_some(attempt));
            }
            self.compose(&mut row);
            for pass in 0..8 {
                wrong = self.checks.iter().find(|check| self.holds(check, &row) == Some(false));
                if wrong.is_none() {
                    return Ok(row);
                }
                for check in &self.checks {
                    if self.holds(check, &row) == Some(false) {
                        self.enforce(check, true, &mut row, stir(&[attempt, pass]));
                    }
                }
            }
        }
        let columns = wrong.map(Formula::columns).unwrap_or_default();
        Err(Lacks(format!("no values of {} were found that its checks take", columns.join(", "))))
    }

    /// Texts that begin with what other columns have, as the paths of files do.
    fn compose(&self, row: &mut Row) {
        for (at, parts) in &self.composed {
            if row.values[*at] == Value::Null || !self.is_free(*at) {
                continue;
            }
            let part = |part: &Operand| match part {
                Operand::Column(name) => {
                    let place = self.columns.iter().position(|column| column.name == *name);
                    place.map(|place| self.text(place, &row.values[place])).unwrap_or_default()
                }
                Operand::Text(text) => example(text, row.number),
                _ => String::new(),
            };
            row.values[*at] = Value::Text(parts.iter().map(part).collect());
        }
    }

    fn leads_to_keys(&self, at: usize) -> bool {
        let own =
            |reference: &Reference<'_>| matches!(reference.target, Target::Own(_)) && reference.columns.contains(&at);
        !self.references.iter().any(own)
    }

    fn references_first(&self, row: &mut Row, attempt: u64) {
        for at in 0..self.references.len() {
            if matches!(self.references[at].target, Target::Keys(_)) && (attempt == 0 || row.chosen[at].is_none()) {
                self.choose(at, row, None);
            }
        }
    }

    /// Appends the row of a number as a line of `copy … from stdin`; `again`: how often one was refused.
    ///
    /// # Errors
    /// Where no row was found that its checks take.
    pub fn line(&self, number: u64, again: u64, out: &mut Vec<u8>) -> Result<(), Lacks> {
        let row = self.row(number, again)?;
        for (at, (value, column)) in row.values.iter().zip(&self.columns).enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            value.push(out, column.domain.labels());
        }
        out.push(b'\n');
        Ok(())
    }
}

/// A place below `values` in a zipf distribution, by the inverse of the continuous one beside it.
fn zipf(at: f64, values: u64, s: f64) -> u64 {
    let n = values as f64 + 1.0;
    let place = match (s - 1.0).abs() < 1e-9 {
        true => n.powf(at),
        false => (1.0 + at * (n.powf(1.0 - s) - 1.0)).powf(1.0 / (1.0 - s)),
    };
    (place as u64).saturating_sub(1).min(values - 1)
}
