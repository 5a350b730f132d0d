//! From a table and what is asked of it to what makes its rows: which column tells rows apart, and where references lead.

use crate::checks::Condition;
use crate::domain::{Domain, below};
use crate::draw::{Shuffle, Skew, Spread, stir};
use crate::said::{Said, said};
use crate::table::{Carries, Column, Maker, Reference, Target, Way};
use crate::value::Value;
use crate::{Asked, Keys, Lacks, Question};
use smol_str::SmolStr;
use specc_catalog::{Catalog, ForeignKey, Object, Table};
use std::collections::BTreeMap;

/// How many values a server is asked of.
const CANDIDATES: u64 = 4000;

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
            wished: Vec::new(),
            unique: Vec::new(),
            fewer: None,
            start: asked.start,
            rows: asked.rows,
        };
        maker.unique = said.unique.iter().map(|set| (set.clone(), None)).collect();
        maker.unique.extend(said.partly.iter().map(|(set, filter)| (set.clone(), Some(filter.clone()))));
        let mut checks: Vec<Condition> = said
            .checks
            .iter()
            .map(|check| Condition { text: check.text.to_string(), of: None, reads: check.columns.clone() })
            .collect();
        let written = |column: &&specc_catalog::Column| column.generated.is_none() && !column.virtual_generated;
        for column in inherited(catalog, table).into_iter().chain(&table.columns).filter(written) {
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
            if let Some(about) = &wish.about {
                domain.about = about.to_string();
            }
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
        let wished = maker.beyond.split_off(beyond);
        maker.open.extend(asked.decided.iter().map(|text| (text.clone(), Vec::new())));
        maker.wished = wished;
        maker.divide(catalog, table);
        maker.refer(table, &said, asked, keys)?;
        maker.carry(&said);
        for column in &mut maker.columns {
            if let (Some(Carries::Rows), Some(from)) = (column.carries, asked.numbers.get(&column.name)) {
                // After those that are there, whatever their numbers are.
                let first = column.domain.least_asked().map_or(*from, |least| least.max(*from));
                column.domain.low = Some(first.saturating_sub(i64::try_from(asked.start).unwrap_or(0)));
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
        let most = values.saturating_sub(self.start);
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

    /// References of rows to earlier rows of the same table: their columns, and those that they lead to.
    pub fn own_references(&self) -> Vec<(Vec<SmolStr>, Vec<SmolStr>)> {
        let names = |places: &[usize]| places.iter().map(|at| self.columns[*at].name.clone()).collect();
        let of = |reference: &Reference<'_>| match &reference.target {
            Target::Own(target) => Some((names(&reference.columns), names(target))),
            Target::Keys(_) => None,
        };
        self.references.iter().filter_map(of).collect()
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
                let told = |at: &usize| {
                    let name = &self.columns[*at].name;
                    let is_unique = said.unique.iter().any(|set| set.len() == 1 && set[0] == *name);
                    is_unique && !said.keys.iter().any(|other| other.columns.contains(name))
                };
                own.iter().all(told) && columns.iter().all(|at| !decided.contains(at))
            });
            let target = match (own, led) {
                (Some(own), _) => Target::Own(own),
                (None, Some(keys)) if !keys.is_empty() && !is_own => Target::Keys(keys),
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
                Target::Own(_) if said.unique.iter().any(|set| set.iter().all(|name| key.columns.contains(name))) => {
                    Way::Before
                }
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
                                "{} has {} rows, and not all that are asked for may refer to them",
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
            let covers = |other: &ForeignKey| rest.iter().all(|name| other.columns.contains(name));
            if let Some(other) = said.keys.iter().skip(at + 1).position(|key| covers(key)) {
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
                || said.keys.iter().any(|key| set.iter().all(|name| key.columns.contains(name)))
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
}

/// Columns of the tables that it inherits from, which it does not have itself.
fn inherited<'c>(catalog: &'c Catalog, table: &Table) -> Vec<&'c specc_catalog::Column> {
    let mut all: Vec<&specc_catalog::Column> = Vec::new();
    for parent in &table.inherits {
        let Some(Object::Table(parent)) = catalog.get(&parent.id()).map(|entry| &entry.object) else { continue };
        for column in inherited(catalog, parent).into_iter().chain(&parent.columns) {
            if !all.iter().chain(&table.columns.iter().collect::<Vec<_>>()).any(|own| own.name == column.name) {
                all.push(column);
            }
        }
    }
    all
}

/// A default that is the time of the insert.
fn is_clock(default: &str) -> bool {
    let text = default.to_ascii_lowercase();
    ["now()", "current_timestamp", "clock_timestamp()", "statement_timestamp()", "current_date"].contains(&text.trim())
}
