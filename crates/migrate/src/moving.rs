//! What a change reads before it goes: columns and tables whose values a new column or table takes over.

use crate::account::name;
use crate::change_set::ChangeSet;
use crate::strategies::filled_table::walked_by;
use smol_str::{SmolStr, format_smolstr};
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{
    Catalog, Column, Hints, IdRef, Kind, Object, Qualified, RowsBranch, RowsFrom, SqlExpr, Table, TableName,
};
use specc_sql::Loss;
use specc_sql::quote::{ident, literal, qualified};
use std::collections::{BTreeMap, BTreeSet};

/// A column, or a whole table, that goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    /// Of this table.
    pub table: TableName,
    /// The column; none: all of it.
    pub column: Option<SmolStr>,
}

/// What goes and is read first, and by what.
#[derive(Debug, Default)]
pub(crate) struct Moving {
    /// By table and column that a backfill fills.
    columns: BTreeMap<(TableName, SmolStr), BTreeSet<Source>>,
    /// By table and column that gets another type.
    types: BTreeMap<(TableName, SmolStr), BTreeSet<Source>>,
    /// By table that gets rows from a query.
    tables: BTreeMap<TableName, BTreeSet<Source>>,
    /// Whose values all stand elsewhere afterwards, where the way back finds them.
    kept: BTreeSet<Source>,
}

impl Moving {
    /// Finds it.
    pub fn new(set: &ChangeSet<'_>, hints: &Hints) -> Self {
        let mut all = Self::default();
        if hints.backfills.is_empty() && hints.froms.is_empty() && hints.usings.is_empty() {
            return all;
        }
        let texts = Known::new(set.from.catalog);
        let goes = |target: &Target| {
            let of = |name: &Qualified| TableName::new(name.schema.clone(), name.name.clone());
            match target {
                Target::Relation(name) | Target::Columns(name) => {
                    let table = of(name);
                    let gone = set.from.table(&table).is_some() && set.to.table(&table).is_none();
                    gone.then_some(Source { table, column: None })
                }
                Target::Column(name, column) => {
                    let table = of(name);
                    let had = set.from.table(&table)?.columns.iter().any(|own| own.name == *column);
                    match set.to.table(&table) {
                        None => Some(Source { table, column: None }),
                        Some(now) => {
                            let has = now.columns.iter().any(|own| own.name == *column);
                            (had && !has).then(|| Source { table, column: Some(column.clone()) })
                        }
                    }
                }
                _ => None,
            }
        };
        let read_by = |table: &TableName, value: &SqlExpr| -> BTreeSet<Source> {
            let found = texts.of_table(table, &value.text).references;
            found.iter().filter_map(|found| goes(&found.target)).collect()
        };
        for (table, column, value) in &hints.backfills {
            if !is_filled(set, table, column) {
                continue;
            }
            let read = read_by(table, value);
            if !read.is_empty() {
                all.columns.insert((table.clone(), column.clone()), read);
            }
        }
        for (table, column, value) in hints.usings.iter().filter(|(table, name, _)| is_retyped(set, table, name)) {
            let read = read_by(table, value);
            if !read.is_empty() {
                all.types.insert((table.clone(), column.clone()), read);
            }
        }
        for from in hints.froms.iter().filter(|from| is_new(set, &from.table)) {
            let mut read: BTreeSet<Source> = BTreeSet::new();
            if from.branches.is_empty() {
                read.extend(texts.of_query(&from.query).references.iter().filter_map(|found| goes(&found.target)));
            }
            for branch in &from.branches {
                // A column may stand anywhere in the query.
                let before = set.from.table(&branch.table);
                let now = set.to.table(&branch.table);
                read.extend(match (before, now) {
                    (Some(_), None) => vec![Source { table: branch.table.clone(), column: None }],
                    (Some(before), Some(now)) => gone_columns(before, now)
                        .map(|column| Source { table: branch.table.clone(), column: Some(column.name.clone()) })
                        .collect(),
                    _ => Vec::new(),
                });
            }
            all.tables.entry(from.table.clone()).or_default().extend(read);
        }
        all.kept = inverse(set, hints).1;
        all
    }

    /// Whether a column that is filled reads what goes.
    pub fn reads(&self, table: &TableName, column: &str) -> bool {
        self.columns.contains_key(&(table.clone(), column.into()))
    }

    /// Whether nothing of it is lost.
    pub fn keeps(&self, table: &TableName, column: Option<&str>) -> bool {
        self.kept.iter().any(|it| it.table == *table && it.column.as_deref() == column)
    }

    /// Whether a column goes after it was read.
    pub fn is_read(&self, table: &TableName, column: &str) -> bool {
        let is = |it: &Source| it.table == *table && it.column.as_deref() == Some(column);
        self.columns.values().chain(self.types.values()).chain(self.tables.values()).flatten().any(is)
    }

    /// What is made of it before it is lost: a column, or a table.
    pub fn made_of(&self, loss: &Loss) -> Option<String> {
        let source = match loss {
            Loss::Rows(table) => Source { table: table.clone(), column: None },
            Loss::Values { table, column } => Source { table: table.clone(), column: Some(column.clone()) },
            _ => return None,
        };
        let mut columns = self.columns.iter().chain(&self.types).filter(|(_, read)| read.contains(&source));
        let column = columns.next().map(|((table, column), _)| format!("{}.{column}", name(table)));
        column.or_else(|| self.tables.iter().find(|(_, read)| read.contains(&source)).map(|(table, _)| name(table)))
    }

    /// What goes after this column of a table is filled.
    pub fn after_column(&self, table: &TableName, column: &str) -> impl Iterator<Item = &Source> {
        self.columns.get(&(table.clone(), column.into())).into_iter().flatten()
    }

    /// Columns that get another type, and what goes after that.
    pub fn types(&self) -> impl Iterator<Item = (&(TableName, SmolStr), &BTreeSet<Source>)> {
        self.types.iter()
    }

    /// What goes after this table has its rows.
    pub fn after_table(&self, table: &TableName) -> impl Iterator<Item = &Source> {
        self.tables.get(table).into_iter().flatten()
    }

    /// Columns that read what goes of other tables: nothing keeps them up while those are written.
    pub fn unfollowed(&self) -> impl Iterator<Item = &(TableName, SmolStr)> {
        let beyond =
            |(table, _): &&(TableName, SmolStr), read: &BTreeSet<Source>| read.iter().any(|it| it.table != *table);
        self.columns.iter().filter(move |(own, read)| beyond(own, read)).map(|(own, _)| own)
    }
}

fn gone_columns<'t>(before: &'t Table, now: &'t Table) -> impl Iterator<Item = &'t Column> {
    before.columns.iter().filter(|own| !now.columns.iter().any(|other| other.name == own.name))
}

fn is_new(set: &ChangeSet<'_>, table: &TableName) -> bool {
    set.from.table(table).is_none() && set.to.table(table).is_some()
}

fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.iter().find(|column| column.name == name)
}

/// Whether a column is new, or becomes required, so that its backfill is done.
fn is_filled(set: &ChangeSet<'_>, table: &TableName, name: &SmolStr) -> bool {
    let (Some(before), Some(now)) = (set.from.table(table), set.to.table(table)) else { return false };
    match (column(before, name), column(now, name)) {
        (None, Some(_)) => true,
        (Some(before), Some(now)) => before.nullable && !now.nullable,
        _ => false,
    }
}

/// Whether a column gets another type.
fn is_retyped(set: &ChangeSet<'_>, table: &TableName, name: &str) -> bool {
    let (Some(before), Some(now)) = (set.from.table(table), set.to.table(table)) else { return false };
    column(before, name).zip(column(now, name)).is_some_and(|(before, now)| before.ty != now.ty)
}

/// What brings back what moved, as backfills and rows of the way back by the names of now, and what that is.
pub(crate) fn inverse(set: &ChangeSet<'_>, hints: &Hints) -> (Hints, BTreeSet<Source>) {
    let (mut back, mut kept) = (Hints::default(), BTreeSet::new());
    for (table, name, value) in &hints.backfills {
        let (Some(before), Some(now)) = (set.from.table(table), set.to.table(table)) else { continue };
        let (None, Some(new)) = (column(before, name), column(now, name)) else { continue };
        let same =
            |own: &&Column| ident(&own.name) == value.text.as_str() && own.ty == new.ty && own.generated.is_none();
        let Some(gone) = gone_columns(before, now).find(same) else { continue };
        if kept.insert(Source { table: table.clone(), column: Some(gone.name.clone()) }) {
            let value = SqlExpr { text: ident(name).into(), columns: vec![name.clone()] };
            back.backfills.push((table.clone(), gone.name.clone(), value));
        }
    }
    for from in hints.froms.iter().filter(|from| is_new(set, &from.table)) {
        let ([branch], 1) = (&from.branches[..], hints.froms_of(&from.table).count()) else {
            parts(set, hints, from, &mut back, &mut kept);
            continue;
        };
        let (Some(before), Some(table)) = (set.from.table(&branch.table), set.to.table(&from.table)) else { continue };
        let moved = |own: &Column| moved_to(branch, from, table, own);
        match set.to.table(&branch.table) {
            Some(now) => {
                let Some(key) = walked_by(set.from, before) else { continue };
                let key: Option<Vec<_>> =
                    key.iter().map(|name| Some((column(now, name)?, moved(column(before, name)?)?))).collect();
                let Some(key) = key else { continue };
                for own in gone_columns(before, now).filter(|own| own.generated.is_none()) {
                    let Some(to) = moved(own).filter(|_| is_all(branch, &own.name)) else { continue };
                    let same = key.iter().map(|(own, to)| {
                        format!("there.{} = {}.{}", ident(to), ident(&now.table.name), ident(&own.name))
                    });
                    let value = format!(
                        "(select there.{} from {} as there where {})",
                        ident(to),
                        qualified(&table.table.schema, &table.table.name),
                        same.collect::<Vec<_>>().join(" and "),
                    );
                    kept.insert(Source { table: branch.table.clone(), column: Some(own.name.clone()) });
                    back.backfills.push((branch.table.clone(), own.name.clone(), SqlExpr::new(value)));
                }
            }
            None if branch.filter.is_none() => {
                let stored = before.columns.iter().filter(|own| own.generated.is_none());
                let pairs: Option<Vec<_>> = stored.map(|own| Some((own.name.clone(), moved(own)?))).collect();
                let Some(pairs) = pairs.filter(|_| walked_by(set.to, table).is_some()) else { continue };
                kept.insert(Source { table: branch.table.clone(), column: None });
                back.froms.push(taken_back(branch, from, &pairs, None));
            }
            None if told_apart(set, hints, &branch.table).is_some() => {
                kept.insert(Source { table: branch.table.clone(), column: None });
            }
            None => {}
        }
    }
    (back, kept)
}

/// How a table gets its rows back from the one that took them: by its column and theirs, those that fit the filter.
fn taken_back(
    branch: &RowsBranch,
    from: &RowsFrom,
    pairs: &[(SmolStr, &SmolStr)],
    filter: Option<SmolStr>,
) -> RowsFrom {
    RowsFrom {
        table: branch.table.clone(),
        columns: pairs.iter().map(|(own, _)| own.clone()).collect(),
        query: SmolStr::default(),
        branches: vec![RowsBranch {
            table: from.table.clone(),
            alias: from.table.name.clone(),
            values: pairs.iter().map(|(_, to)| ident(to).into()).collect(),
            filter,
        }],
    }
}

/// Tables that go on together in a new one, where each row says in one of its columns which of them it came from, so that the
/// way back finds it.
fn parts(set: &ChangeSet<'_>, hints: &Hints, from: &RowsFrom, back: &mut Hints, kept: &mut BTreeSet<Source>) {
    let (Some(table), 1) = (set.to.table(&from.table), hints.froms_of(&from.table).count()) else { return };
    if walked_by(set.to, table).is_none() {
        return;
    }
    let says = |at: usize| {
        let values: Option<Vec<&str>> = from.branches.iter().map(|branch| constant(branch.values.get(at)?)).collect();
        let values = values?;
        let name = from.columns.get(at)?;
        covers(set.to.catalog, column(table, name)?, &values).then_some((name, values))
    };
    let Some((name, values)) = (0..from.columns.len()).find_map(says) else { return };
    for (branch, value) in from.branches.iter().zip(values) {
        let (Some(before), None, None) = (set.from.table(&branch.table), set.to.table(&branch.table), &branch.filter)
        else {
            continue;
        };
        let stored = before.columns.iter().filter(|own| own.generated.is_none());
        let pairs: Option<Vec<_>> =
            stored.map(|own| Some((own.name.clone(), moved_to(branch, from, table, own)?))).collect();
        let Some(pairs) = pairs else { continue };
        kept.insert(Source { table: branch.table.clone(), column: None });
        back.froms.push(taken_back(branch, from, &pairs, Some(format_smolstr!("{} = {value}", ident(name)))));
    }
}

/// The columns that some of several new tables do not take of a table that goes, where each of its rows goes to one of them: to
/// the one that its value in a column says.
pub(crate) fn told_apart(set: &ChangeSet<'_>, hints: &Hints, table: &TableName) -> Option<Vec<SmolStr>> {
    let before = set.from.table(table).filter(|_| set.to.table(table).is_none())?;
    let reads =
        |from: &&RowsFrom| is_new(set, &from.table) && from.branches.iter().any(|branch| branch.table == *table);
    let froms: Vec<&RowsFrom> = hints.froms.iter().filter(reads).collect();
    let branches: Option<Vec<&RowsBranch>> = froms
        .iter()
        .map(|from| match &from.branches[..] {
            [branch] => Some(branch),
            _ => None,
        })
        .collect();
    let branches = branches?;
    let by = before.columns.iter().find(|own| {
        let is = format!("{} = ", ident(&own.name));
        let values: Option<Vec<&str>> =
            branches.iter().map(|branch| constant(branch.filter.as_deref()?.strip_prefix(&is)?)).collect();
        values.is_some_and(|values| covers(set.from.catalog, own, &values))
    })?;
    let stays = |own: &&Column| {
        own.generated.is_some()
            || own.name == by.name
            || froms.iter().zip(&branches).all(|(from, branch)| {
                set.to.table(&from.table).is_some_and(|now| moved_to(branch, from, now, own).is_some())
            })
    };
    Some(before.columns.iter().filter(|own| !stays(own)).map(|own| own.name.clone()).collect())
}

/// A value that is written out: a label, or yes or no.
fn constant(value: &str) -> Option<&str> {
    let bare = value.split_once("::").map_or(value, |(bare, _)| bare);
    let inside = bare.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    (matches!(bare, "true" | "false") || inside.is_some_and(|label| !label.contains('\''))).then_some(bare)
}

/// Whether each row has one of these values in a column, no two of them the same.
fn covers(catalog: &Catalog, column: &Column, values: &[&str]) -> bool {
    let all: BTreeSet<&str> = values.iter().copied().collect();
    if column.nullable || column.ty.dims > 0 || all.len() != values.len() {
        return false;
    }
    if column.ty.schema.is_empty() {
        return column.ty.name == "boolean" && all.len() == 2;
    }
    let found = catalog.find(IdRef::new(Kind::Enum, &column.ty.schema, &column.ty.name));
    match found.and_then(|place| catalog.at(place)).map(|(_, entry)| &entry.object) {
        Some(Object::Enum(o)) => {
            o.labels.len() == all.len() && o.labels.iter().all(|label| all.contains(&*literal(label)))
        }
        _ => false,
    }
}

/// The column of the new table that holds the values of an old one, as they are.
fn moved_to<'t>(branch: &RowsBranch, from: &'t RowsFrom, table: &Table, own: &Column) -> Option<&'t SmolStr> {
    let at = branch.values.iter().position(|value| is_called(branch, value, &own.name))?;
    let to = from.columns.get(at)?;
    (column(table, to)?.ty == own.ty).then_some(to)
}

fn is_called(branch: &RowsBranch, value: &str, name: &str) -> bool {
    value == ident(name) || value == format!("{}.{}", ident(&branch.alias), ident(name))
}

/// Whether each row that has a value in the column is one of those that the query gives.
fn is_all(branch: &RowsBranch, name: &str) -> bool {
    branch
        .filter
        .as_deref()
        .is_none_or(|filter| filter.strip_suffix(" is not null").is_some_and(|value| is_called(branch, value, name)))
}

/// The text that a new column's backfill has on the way back, where it must not give null.
pub(crate) fn or_neutral(value: &str, neutral: &str) -> SmolStr {
    format_smolstr!("coalesce({value}, {neutral})")
}
