//! The rows of one table.

use crate::domain::{Domain, below};
use crate::draw::{Shuffle, Skew, Spread, share, stir};
use crate::hold::{example, like, mirrored};
use crate::value::Value;
use crate::{Asked, Keys, Lacks, Question};
use regex::Regex;
use smol_str::SmolStr;
use specc_analysis::checks::{Comparison, Formula, Sort, Value as Operand, composed, conditions};
use specc_catalog::{Bounds, Catalog, ForeignKey, KeyOn, Object, Rule, SqlExpr, Table, TableName};
use std::collections::BTreeMap;

/// How often other values are tried where a check refuses a row.
const ATTEMPTS: u64 = 8;

/// A column that gets values.
#[derive(Debug)]
pub(crate) struct Column {
    pub name: SmolStr,
    pub domain: Domain,
    pub nullable: bool,
    /// How many of 1 have none.
    nulls: f64,
    /// How many different values there are, if that is said.
    values: Option<(u64, Skew)>,
    /// How many of 1 have each label.
    shares: Vec<(Value, f64)>,
    /// It grows with the rows.
    grows: bool,
    /// It always has this value.
    fixed: Option<Value>,
    seed: u64,
    /// Its value is another one in each row, as a unique constraint asks: of all rows, or of those of one owner.
    carries: Option<Carries>,
}

#[derive(Clone, Copy, Debug)]
enum Carries {
    Rows,
    Rank(usize),
}

/// A reference, and which rows it leads to.
#[derive(Debug)]
struct Reference<'k> {
    columns: Vec<usize>,
    target: Target<'k>,
    nullable: bool,
    nulls: f64,
    seed: u64,
    way: Way,
}

#[derive(Debug)]
enum Target<'k> {
    Keys(&'k Keys),
    /// Earlier rows of the same table, by these of its columns.
    Own(Vec<usize>),
}

#[derive(Debug)]
enum Way {
    /// Rows are given out to those that they refer to.
    Given { rows: Spread, places: Shuffle, owners: Shuffle },
    /// The one beside what another reference gives: no two rows have the same both.
    Beside(usize),
    /// Any.
    Drawn,
    /// Any, where another reference left it open.
    Left,
    /// One of those that have what other references decided: by the values of these of its columns.
    Within { fixed: Vec<usize>, places: BTreeMap<Vec<String>, Vec<usize>> },
}

/// A row that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its number, from 0.
    pub number: u64,
    pub values: Vec<Value>,
    /// Which owner each reference chose, and its place among the rows of that one.
    chosen: Vec<Option<(usize, u64)>>,
}

/// Makes the rows of a table, each from its number alone.
#[derive(Debug)]
pub struct Maker<'k> {
    pub(crate) columns: Vec<Column>,
    references: Vec<Reference<'k>>,
    checks: Vec<Formula>,
    pub(crate) patterns: BTreeMap<SmolStr, Regex>,
    /// Columns whose texts are put together from others.
    composed: Vec<(usize, Vec<Operand>)>,
    /// Checks on several columns that are not understood, with those.
    open: Vec<(String, Vec<usize>)>,
    /// Conditions on one column that are not understood.
    alone: BTreeMap<usize, Vec<String>>,
    /// Conditions that are not understood, as SQL: rows may not fit them.
    pub beyond: Vec<String>,
    /// How many rows there can be, where something allows fewer than were asked for, and what.
    pub fewer: Option<(u64, String)>,
    start: u64,
    rows: u64,
}

/// How many values a server is asked of.
const CANDIDATES: u64 = 4000;

/// A condition on rows.
struct Condition {
    text: String,
    /// The column that it calls `value`.
    of: Option<SmolStr>,
    /// The columns that it reads.
    reads: Vec<SmolStr>,
}

/// What a table says of itself.
pub(crate) struct Said<'c> {
    pub keys: Vec<&'c ForeignKey>,
    unique: Vec<Vec<SmolStr>>,
    checks: Vec<&'c SqlExpr>,
}

/// Constraints and unique indexes of a table.
pub(crate) fn said<'c>(catalog: &'c Catalog, table: &TableName) -> Said<'c> {
    let mut said = Said { keys: Vec::new(), unique: Vec::new(), checks: Vec::new() };
    for (_, entry) in catalog.iter() {
        match &entry.object {
            Object::Constraint(o) if o.table == *table => match &o.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => said.unique.push(columns.clone()),
                Rule::Check { expr, .. } => said.checks.push(expr),
                Rule::ForeignKey(key) => said.keys.push(key),
                // What nothing else has in common meets nothing.
                Rule::Exclude { elements, .. } => {
                    said.unique.push(elements.iter().filter_map(|(key, _)| key.column_name()).cloned().collect());
                }
            },
            Object::Index(o) if o.unique && o.table == *table => {
                let columns = o.keys.iter().flat_map(|key| match &key.on {
                    KeyOn::Column(name) => vec![name.clone()],
                    KeyOn::Expr(expr) => expr.columns.clone(),
                });
                said.unique.push(columns.collect());
            }
            _ => {}
        }
    }
    // The keys that decide most come first.
    said.keys.sort_by_key(|key| (std::cmp::Reverse(key.columns.len()), key.columns.clone()));
    said.keys.dedup_by(|a, b| a.columns == b.columns);
    said.unique.sort_by_key(|set| (set.len(), set.clone()));
    said.unique.dedup();
    said
}

impl<'k> Maker<'k> {
    /// Prepares the rows of a table; `keys` has what its references lead to, in the order of [`crate::references`].
    ///
    /// # Errors
    /// What it lacks for a single row.
    pub fn new(catalog: &Catalog, table: &Table, asked: &Asked, keys: &'k [Option<Keys>]) -> Result<Self, Lacks> {
        let said = said(catalog, &table.table);
        let name = format!("{}.{}", table.table.schema, table.table.name);
        let mut maker = Self {
            columns: Vec::new(),
            references: Vec::new(),
            checks: Vec::new(),
            patterns: BTreeMap::new(),
            composed: Vec::new(),
            open: Vec::new(),
            alone: BTreeMap::new(),
            beyond: Vec::new(),
            fewer: None,
            start: asked.start,
            rows: asked.rows,
        };
        let mut checks: Vec<Condition> = said
            .checks
            .iter()
            .map(|check| Condition { text: check.text.to_string(), of: None, reads: check.columns.clone() })
            .collect();
        for column in table.columns.iter().filter(|column| column.generated.is_none() && !column.virtual_generated) {
            let (ty, own, takes_null) = below(catalog, &column.ty);
            let of = Some(column.name.clone());
            checks.extend(own.into_iter().map(|text| Condition { text, of: of.clone(), reads: Vec::new() }));
            let nullable =
                column.nullable && takes_null && !said.unique.iter().any(|set| set.len() == 1 && set[0] == column.name);
            let of_key = said.keys.iter().any(|key| key.columns.contains(&column.name));
            let Some(mut domain) = Domain::of(catalog, &ty, &column.name) else {
                match column.nullable || column.default.is_some() {
                    true => continue,
                    false => return Err(Lacks(format!("no values are made of the type of `{}`", column.name))),
                }
            };
            let wish = asked.columns.get(&column.name).cloned().unwrap_or_default();
            domain.short = wish.width.unwrap_or(0);
            let labels = domain.labels().to_vec();
            let label = |text: &SmolStr| {
                let place = labels.iter().position(|label| label == text).map(Value::Label);
                place.or_else(|| domain.read(text)).unwrap_or_else(|| Value::Text(text.to_string()))
            };
            let shares = wish.shares.iter().map(|(text, share)| (label(text), *share)).collect();
            let fixed = wish.fixed.as_ref().map(label);
            maker.columns.push(Column {
                name: column.name.clone(),
                nullable: column.nullable && takes_null,
                nulls: if nullable && !of_key { wish.nulls.unwrap_or(0.1) } else { wish.nulls.unwrap_or(0.0) },
                values: wish.values,
                shares,
                grows: wish
                    .grows
                    .unwrap_or_else(|| column.default.as_ref().is_some_and(|default| is_clock(&default.text))),
                fixed,
                seed: stir(&[crate::hash::of(&name), crate::hash::of(&column.name)]),
                carries: None,
                domain,
            });
        }
        maker.read_checks(checks);
        let beyond = maker.beyond.len();
        let more = asked.conditions.iter().map(|text| Condition { text: text.clone(), of: None, reads: Vec::new() });
        maker.read_checks(more.collect());
        for (name, texts) in &asked.lists {
            if let Some(column) = maker.columns.iter_mut().find(|column| column.name == *name) {
                let read = |text: &String| column.domain.read(text);
                column.domain.list =
                    Some(texts.iter().filter_map(read).collect()).filter(|list: &Vec<Value>| !list.is_empty());
            }
        }
        maker.beyond.truncate(beyond);
        maker.divide(catalog, table);
        maker.refer(table, &said, asked, keys)?;
        maker.carry(&said);
        for column in &mut maker.columns {
            if let (Some(Carries::Rows), Some(from)) = (column.carries, asked.numbers.get(&column.name)) {
                // After those that are there, whatever their numbers are.
                column.domain.low = Some(from.saturating_sub(i64::try_from(asked.start).unwrap_or(0)));
            }
        }
        let short: Vec<(u64, String)> = maker.columns.iter().filter_map(|column| maker.bound(column, asked)).collect();
        for (most, why) in short {
            maker.limit(most, why);
        }
        maker.rows = maker.fewer.as_ref().map_or(asked.rows, |(most, _)| asked.rows.min(*most));
        Ok(maker)
    }

    fn bound(&self, column: &Column, asked: &Asked) -> Option<(u64, String)> {
        let values = column.domain.values()?;
        matches!(column.carries, Some(Carries::Rows)).then_some(())?;
        let low = if asked.numbers.contains_key(&column.name) { 0 } else { self.start };
        let most = values.saturating_sub(low);
        (most < asked.rows).then(|| (most, format!("`{}` is unique and has {values} values", column.name)))
    }

    fn limit(&mut self, most: u64, why: String) {
        if most < self.rows && self.fewer.as_ref().is_none_or(|(other, _)| most < *other) {
            self.fewer = Some((most, why));
        }
    }

    /// How many there will be.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns that lines have, in order.
    pub fn columns(&self) -> impl Iterator<Item = &SmolStr> {
        self.columns.iter().map(|column| &column.name)
    }

    /// Integer columns whose values go on after what is there.
    pub fn counted(&self) -> impl Iterator<Item = &SmolStr> {
        let is =
            |column: &&Column| column.carries.is_some() && matches!(column.domain.sort, crate::domain::Sort::Integer);
        self.columns.iter().filter(is).map(|column| &column.name)
    }

    /// Conditions on rows that only a server can decide: rows are made and asked of until they hold.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(|(condition, _)| condition.as_str())
    }

    /// What a server has to be asked before rows can be made.
    pub fn questions(&self) -> Vec<Question> {
        let of = |(at, conditions): (&usize, &Vec<String>)| {
            let column = &self.columns[*at];
            let mut ty = String::new();
            specc_sql::push_type(&mut ty, &column.domain.ty);
            let name = specc_sql::quote::ident(&column.name);
            let passes: Vec<String> = conditions.iter().map(|one| format!("({one})")).collect();
            Question {
                column: column.name.clone(),
                query: format!(
                    "select specc_text from (select specc_text, specc_text::{ty} as {name} from unnest($1::text[]) as t (specc_text)) as r \
                     where {}",
                    passes.join(" and ")
                ),
                candidates: (0..CANDIDATES).map(|number| self.text(*at, &column.domain.distinct(number))).collect(),
            }
        };
        self.alone.iter().map(of).collect()
    }

    fn read_checks(&mut self, checks: Vec<Condition>) {
        let mut all = Vec::new();
        for Condition { text, of: own, reads } in checks {
            let sort = |name: &str| match (&own, name) {
                (Some(column), "value" | "VALUE") => self.sort_of(column),
                _ => self.sort_of(name),
            };
            for condition in conditions(&text, &sort) {
                match condition {
                    Ok(mut formula) => {
                        if let Some(column) = &own {
                            rename(&mut formula, column);
                        }
                        all.push(formula);
                    }
                    Err(beyond) => match composed(&beyond.sql) {
                        Some((name, parts)) => {
                            let at = self.columns.iter().position(|column| column.name == name);
                            self.composed.extend(at.map(|at| (at, parts)));
                        }
                        None => {
                            let places: Vec<usize> =
                                (0..self.columns.len()).filter(|at| reads.contains(&self.columns[*at].name)).collect();
                            match places.as_slice() {
                                [] => {}
                                [at] => self.alone.entry(*at).or_default().push(beyond.sql.clone()),
                                _ => self.open.push((beyond.sql.clone(), places)),
                            }
                            self.beyond.push(beyond.sql);
                        }
                    },
                }
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
    fn divide(&mut self, catalog: &Catalog, table: &Table) {
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
                    Bounds::List(values) => {
                        list.extend(values.iter().filter_map(|value| read(&value.text, &column.domain)))
                    }
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

    fn refer(
        &mut self,
        table: &Table,
        said: &Said<'_>,
        asked: &Asked,
        keys_of: &'k [Option<Keys>],
    ) -> Result<(), Lacks> {
        let places = |columns: &[SmolStr], maker: &Self| -> Option<Vec<usize>> {
            columns.iter().map(|name| maker.columns.iter().position(|column| column.name == *name)).collect()
        };
        let mut decided: Vec<usize> = Vec::new();
        for (at, (key, led)) in said.keys.iter().zip(keys_of).enumerate() {
            let Some(columns) = places(&key.columns, self) else { continue };
            let nullable = columns.iter().any(|at| self.columns[*at].nullable);
            // A row can refer to an earlier one by what tells rows apart; what other references decide would have to be the same.
            let is_own = key.target == table.table;
            let own = is_own.then(|| places(&key.target_columns, self)).flatten().filter(|own| {
                let told =
                    |at: &usize| said.unique.iter().any(|set| set.len() == 1 && set[0] == self.columns[*at].name);
                own.iter().all(told) && columns.iter().all(|at| !decided.contains(at))
            });
            let target = match (own, led) {
                (Some(own), _) => Target::Own(own),
                (None, Some(keys)) if keys.len() > 0 && !is_own => Target::Keys(keys),
                _ if nullable => {
                    // It stays empty.
                    for at in &columns {
                        if self.columns[*at].nullable && !decided.contains(at) {
                            self.columns[*at].fixed = Some(Value::Null);
                        }
                    }
                    continue;
                }
                _ if is_own => return Err(Lacks("it refers to its own rows by more than their key".to_owned())),
                _ => {
                    return Err(Lacks(format!(
                        "it refers to {}.{}, which has no rows",
                        key.target.schema, key.target.name
                    )));
                }
            };
            let fixed: Vec<usize> = columns.iter().copied().filter(|at| decided.contains(at)).collect();
            let seed = stir(&[self.columns[columns[0]].seed, 61]);
            let skew = asked.references.get(&key.columns).copied().unwrap_or(Skew::Uniform);
            let way = match &target {
                Target::Own(_) => Way::Drawn,
                // All of it is decided by a reference that has more columns, unless that one leads nowhere.
                Target::Keys(_) if fixed.len() == columns.len() => Way::Left,
                Target::Keys(keys) if !fixed.is_empty() => {
                    let inner: Vec<usize> =
                        fixed.iter().filter_map(|at| columns.iter().position(|own| own == at)).collect();
                    let mut places: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
                    for owner in 0..keys.len() {
                        let with = inner.iter().map(|at| keys.text(owner, *at).to_owned()).collect();
                        places.entry(with).or_default().push(owner);
                    }
                    Way::Within { fixed, places }
                }
                Target::Keys(keys) => match self.partner(key, said) {
                    Some(other) => Way::Beside(other),
                    None => {
                        let most = self.most_of(at, said, keys_of);
                        let rows = Spread::new(asked.rows, keys.len(), skew, most);
                        if rows.rows() < asked.rows {
                            let why = format!(
                                "{} has {} rows, and only so many rows may refer to each",
                                key.target.name,
                                keys.len()
                            );
                            self.limit(rows.rows(), why);
                        }
                        Way::Given {
                            places: Shuffle::new(rows.rows().max(1), seed),
                            owners: Shuffle::new(keys.len() as u64, stir(&[seed, 1])),
                            rows,
                        }
                    }
                },
            };
            decided.extend(columns.iter().copied());
            let wished = asked.columns.get(&key.columns[0]).and_then(|wish| wish.nulls);
            let nulls = if nullable { wished.unwrap_or(0.1) } else { 0.0 };
            self.references.push(Reference { columns, target, nullable, nulls, seed, way });
        }
        Ok(())
    }

    /// The reference, decided before, with which this one is unique: each pair is there once.
    fn partner(&self, key: &ForeignKey, said: &Said<'_>) -> Option<usize> {
        let once = said.unique.iter().any(|set| set.iter().all(|name| key.columns.contains(name)));
        let of = |set: &&Vec<SmolStr>| key.columns.iter().all(|name| set.contains(name));
        said.unique.iter().filter(of).filter(|_| !once).find_map(|set| {
            self.references.iter().position(|other| {
                let has = |name: &SmolStr| other.columns.iter().any(|at| self.columns[*at].name == *name);
                matches!(other.way, Way::Given { .. })
                    && set.iter().all(|name| key.columns.contains(name) || has(name))
                    && other.columns.iter().all(|at| set.contains(&self.columns[*at].name))
            })
        })
    }

    /// How many rows may refer to the same one: one where it is unique; else as many as there are values of what it is unique with.
    fn most_of(&self, at: usize, said: &Said<'_>, keys: &[Option<Keys>]) -> Option<u64> {
        let own = &said.keys[at].columns;
        let with = |set: &Vec<SmolStr>| {
            if set.iter().all(|name| own.contains(name)) {
                return Some(1);
            }
            if !own.iter().all(|name| set.contains(name)) {
                return None;
            }
            let rest: Vec<&SmolStr> = set.iter().filter(|name| !own.contains(name)).collect();
            let covers = |other: &&ForeignKey| rest.iter().all(|name| other.columns.contains(name));
            if let Some(other) = said.keys.iter().skip(at + 1).position(|key| covers(&key)) {
                return keys.get(at + 1 + other)?.as_ref().map(|keys| keys.len() as u64);
            }
            let values =
                rest.iter().map(|name| self.columns.iter().find(|column| column.name == **name)?.domain.values());
            values.collect::<Option<Vec<u64>>>()?.into_iter().max()
        };
        said.unique.iter().filter_map(with).min()
    }

    /// For each unique set a column that tells rows apart.
    fn carry(&mut self, said: &Said<'_>) {
        for set in &said.unique {
            let places: Vec<usize> =
                set.iter().filter_map(|name| self.columns.iter().position(|column| column.name == *name)).collect();
            let in_reference = |at: &usize| self.references.iter().any(|reference| reference.columns.contains(at));
            let is_told = places.iter().any(|at| self.columns[*at].carries.is_some())
                || said.keys.iter().zip(0..).any(|(key, _)| set.iter().all(|name| key.columns.contains(name)))
                || self.references.iter().any(|reference| {
                    matches!(reference.way, Way::Beside(_)) && reference.columns.iter().all(|at| places.contains(at))
                });
            if is_told {
                continue;
            }
            let own: Vec<usize> =
                places.iter().copied().filter(|at| !in_reference(at) && self.columns[*at].fixed.is_none()).collect();
            let most = |at: &usize| self.columns[*at].domain.values().unwrap_or(u64::MAX);
            let Some(best) = own.iter().copied().max_by_key(|at| (most(at), std::cmp::Reverse(*at))) else { continue };
            let enough = most(&best) >= self.start.saturating_add(self.rows);
            let given = self.references.iter().position(|reference| {
                matches!(reference.way, Way::Given { .. }) && reference.columns.iter().all(|at| places.contains(at))
            });
            self.columns[best].carries = Some(match given.filter(|_| !enough) {
                Some(reference) => Carries::Rank(reference),
                None => Carries::Rows,
            });
        }
    }

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
        if salt.is_none() && reference.nullable && share(stir(&[drawn, 71])) < reference.nulls {
            return none(row);
        }
        let keys = match &reference.target {
            Target::Keys(keys) => *keys,
            Target::Own(columns) => {
                // An earlier row, if there is one.
                let Some(other) = (row.number > 0).then(|| drawn % row.number.max(1)) else {
                    if reference.nullable {
                        return none(row);
                    }
                    for (own, target) in reference.columns.iter().zip(columns) {
                        row.values[*own] = row.values[*target].clone();
                    }
                    return;
                };
                for (own, target) in reference.columns.iter().zip(columns) {
                    row.values[*own] = self.carried(*target, other);
                }
                return;
            }
        };
        let (owner, rank) = match &reference.way {
            Way::Given { rows, places, owners } if salt.is_none() => {
                let (place, rank) = rows.owner(places.at(row.number % rows.rows().max(1)));
                (owners.at(place as u64) as usize, rank)
            }
            Way::Beside(other) if salt.is_none() => match row.chosen[*other] {
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

    fn text(&self, at: usize, value: &Value) -> String {
        let mut out = Vec::new();
        value.push(&mut out, self.columns[at].domain.labels());
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The value by which a column tells a row from all others.
    fn carried(&self, at: usize, number: u64) -> Value {
        let column = &self.columns[at];
        match column.domain.sort {
            // Different tables do not have the same ones.
            crate::domain::Sort::Uuid => column.domain.distinct(stir(&[column.seed, self.start + number])),
            _ => column.domain.distinct(self.start + number),
        }
    }

    fn value(&self, at: usize, row: &Row, attempt: u64) -> Value {
        let column = &self.columns[at];
        match column.carries {
            Some(Carries::Rows) => return self.carried(at, row.number),
            Some(Carries::Rank(reference)) => {
                return column.domain.distinct(row.chosen[reference].map_or(row.number, |(_, rank)| rank));
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
        let late = column.grows.then(|| (row.number as f64 + share(seed)) / self.rows.max(1) as f64);
        column.domain.likely(seed, late)
    }

    /// The row of a number.
    ///
    /// # Errors
    /// The check that no row was found for.
    pub(crate) fn row(&self, number: u64, again: u64) -> Result<Row, Lacks> {
        let mut row =
            Row { number, values: vec![Value::Null; self.columns.len()], chosen: vec![None; self.references.len()] };
        let mut wrong = None;
        for attempt in again * ATTEMPTS..(again + 1) * ATTEMPTS {
            self.references_first(&mut row, attempt);
            for at in 0..self.columns.len() {
                if !self.references.iter().any(|reference| reference.columns.contains(&at)) {
                    row.values[at] = self.value(at, &row, attempt);
                }
            }
            // Those within the same table need its own key.
            for at in (0..self.references.len()).filter(|at| matches!(self.references[*at].target, Target::Own(_))) {
                self.choose(at, &mut row, (attempt > 0).then_some(attempt));
            }
            self.compose(&mut row);
            for pass in 0..4 {
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

/// A default that is the time of the insert.
fn is_clock(default: &str) -> bool {
    let text = default.to_ascii_lowercase();
    ["now()", "current_timestamp", "clock_timestamp()", "statement_timestamp()", "current_date"].contains(&text.trim())
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
