//! Values that columns take, as texts: some for each column alone, whatever else its row has.

use super::value::{Candidates, value};
use super::{Plan, plans};
use specc_catalog::{Catalog, Column, TableName};
use specc_postgres::{Session, postgres};
use specc_prove::Sample;
use specc_sql::quote::ident;
use std::collections::BTreeMap;

/// How many there are of each.
const COUNT: usize = 12;

/// How many are looked at where checks let few pass: a year of days has twelve firsts of a month.
const SEARCHED: usize = 500;

/// Texts of values by table and column, in the order of their numbers, and whether checks let no others pass. A column of which nothing is known has none.
///
/// # Errors
/// Where the connection breaks.
pub fn samples(
    session: &mut Session,
    catalog: &Catalog,
) -> Result<BTreeMap<(TableName, String), Sample>, postgres::Error> {
    let mut found = BTreeMap::new();
    for (table, plan) in plans(catalog, catalog) {
        let all: Vec<(&Column, (String, bool))> = plan
            .table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.generated.is_none() && column.identity.is_none())
            .filter_map(|(place, column)| Some((column, list(catalog, &plan, column, place)?)))
            .collect();
        // One question for the table, or one for each column where Postgres refuses the whole.
        let lists: Vec<&str> = all.iter().map(|(_, (list, _))| list.as_str()).collect();
        let mut add = |column: &Column, checked: bool, texts: Vec<Option<String>>| {
            let texts: Vec<String> = texts.into_iter().flatten().collect();
            if !texts.is_empty() {
                found.insert((table.clone(), column.name.to_string()), Sample { texts, checked });
            }
        };
        if all.is_empty() {
            continue;
        }
        if let Ok(row) = session.query_one(&format!("select {}", lists.join(",\n  ")), &[]) {
            all.iter().enumerate().for_each(|(at, (column, (_, checked)))| add(column, *checked, row.get(at)));
            continue;
        }
        for (column, (list, checked)) in &all {
            match session.query_one(&format!("select {list}"), &[]) {
                Ok(row) => add(column, *checked, row.get(0)),
                Err(error) if error.as_db_error().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// An array of values of a column, those that the checks on it alone let pass; and whether there are such checks.
fn list(catalog: &Catalog, plan: &Plan<'_>, column: &Column, place: usize) -> Option<(String, bool)> {
    let unique = plan.unique.iter().any(|set| set.contains(&&column.name));
    let candidates = Candidates::of(catalog, column, place, &plan.checks);
    let value = value(catalog, column, None, &candidates, unique, true)?;
    let own = plan.checks.iter().filter(|check| check.columns.iter().all(|read| *read == column.name));
    let own: Vec<String> =
        own.filter(|check| check.reads(&column.name)).map(|check| format!("({})", check.text)).collect();
    let list = match own.is_empty() {
        true => format!("array(select ({value})::text from generate_series(1, {COUNT}) as g (i) order by g.i)"),
        false => format!(
            "array(select {name}::text from (select g.i as specc_nth, {value} as {name} from generate_series(1, {SEARCHED}) as g (i)) \
             as specc_row where {} order by specc_nth limit {COUNT})",
            own.join(" and "),
            name = ident(&column.name),
        ),
    };
    Some((list, !own.is_empty()))
}
