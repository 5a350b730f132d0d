//! All rows of all tables, to see what a change does to them. For few rows.

use specc_postgres::Session;
use std::collections::BTreeMap;

/// A column as it is followed: by its place while it lives, by its name where it was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub place: i16,
    pub name: String,
    pub ty: String,
}

/// A table's rows as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub oid: u32,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// Every table by its name.
pub type Tables = BTreeMap<String, Rows>;

/// Reads all tables outside the system's and the platform's schemas.
pub fn read(session: &mut Session) -> Tables {
    let shapes = session
        .query(
            "select c.oid, n.nspname::text, c.relname::text, array_agg(a.attnum order by a.attnum), \
               array_agg(a.attname::text order by a.attnum), array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum) \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v' \
             where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|auth|storage|cron|net|vault|realtime|extensions|supabase)' \
               and n.nspname <> 'information_schema' group by 1, 2, 3",
            &[],
        )
        .expect("the tables");
    let mut tables = Tables::new();
    for row in shapes {
        let (schema, name): (String, String) = (row.get(1), row.get(2));
        let places: Vec<i16> = row.get(3);
        let (names, types): (Vec<String>, Vec<String>) = (row.get(4), row.get(5));
        let columns: Vec<Column> =
            places.into_iter().zip(names).zip(types).map(|((place, name), ty)| Column { place, name, ty }).collect();
        let list: Vec<String> = columns.iter().map(|c| format!("{}::text", quoted(&c.name))).collect();
        let query = format!("select {} from only {}.{}", list.join(", "), quoted(&schema), quoted(&name));
        let query = query.replace("from only", "from");
        let found = session.query(&query, &[]).unwrap_or_else(|error| panic!("{query}: {error}"));
        let rows = found.iter().map(|row| (0..columns.len()).map(|at| row.get(at)).collect()).collect();
        tables.insert(format!("{schema}.{name}"), Rows { oid: row.get(0), columns, rows });
    }
    tables
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What of the rows before is not among the rows after, as far as nobody said that it would go. `follow` finds tables by
/// their number (names may change), else by name.
pub fn lost(
    before: &Tables,
    after: &Tables,
    follow: bool,
    is_declared: impl Fn(&str, &str, Option<&str>) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, old) in before {
        let same = |(other, rows): &(&String, &Rows)| if follow { rows.oid == old.oid } else { *other == name };
        let Some((now, new)) = after.iter().find(same).or_else(|| after.get_key_value(name)) else {
            if !old.rows.is_empty() && !is_declared(name, name, None) {
                wrong.push(format!("the rows of {name} are gone, and nobody said so"));
            }
            continue;
        };
        if is_declared(name, now, None) {
            continue;
        }
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (at, column) in old.columns.iter().enumerate() {
            let by_place = |other: &&(usize, &Column)| follow && new.oid == old.oid && other.1.place == column.place;
            let all: Vec<(usize, &Column)> = new.columns.iter().enumerate().collect();
            let found = all.iter().find(by_place).or_else(|| all.iter().find(|(_, other)| other.name == column.name));
            match found {
                _ if is_declared(name, now, Some(&column.name)) => {}
                Some((to, _)) => pairs.push((at, *to)),
                None if old.rows.iter().any(|row| row[at].is_some()) => {
                    wrong.push(format!("the values of {name}.{} are gone, and nobody said so", column.name));
                }
                None => {}
            }
        }
        let pick = |rows: &Rows, side: fn(&(usize, usize)) -> usize| {
            let one = |row: &Vec<Option<String>>| -> Vec<Option<String>> {
                pairs.iter().map(|pair| plain(row[side(pair)].as_deref())).collect()
            };
            let mut picked: Vec<_> = rows.rows.iter().map(one).collect();
            picked.sort();
            picked
        };
        let (a, b) = (pick(old, |pair| pair.0), pick(new, |pair| pair.1));
        if a != b {
            wrong.push(format!("the rows of {name} are not the same:\n    {a:?}\n    {b:?}"));
        }
    }
    wrong
}

/// A value in a spelling that no change of type touches: numbers without zeros at their end.
fn plain(text: Option<&str>) -> Option<String> {
    let text = text?;
    let is_number = text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    Some(if is_number { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() })
}
