//! A dump in which columns hold other values than those that were there.
//!
//! `pg_dump` writes its tar format, and the rows in it are changed on their way to the file: no value that was there is ever in
//! one. A masked value is as long as what it stands for, so that all else in the dump stays as it is.

mod known;
mod value;

use crate::{Error, Event, Refused, Tell};
use specc_postgres::Session;
use specc_split::Lexer;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read, Write};
use value::{Form, Mask};

/// A column that the spec has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpecColumn {
    /// Its table's schema.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// Its values do not go into the dump.
    pub masked: bool,
}

type Table = (String, String);

/// What happens to the rows of each table.
pub(crate) struct Plan {
    mask: Mask,
    columns: BTreeMap<Table, BTreeMap<String, Form>>,
    /// The columns that stay as they are, also in rows that logs keep as JSON.
    plain: BTreeMap<Table, BTreeSet<String>>,
    /// The column of a key that is one column.
    keys: BTreeMap<Table, String>,
    /// Tables of extensions, whose rows are not in it.
    without: Vec<Table>,
}

/// Tables in which the library keeps rows of others, and the columns with the rows.
const LOGS: [(&str, &[&str]); 2] = [("audit_log", &["old_data", "new_data"]), ("row_history", &["data"])];

/// These columns, those that are handed on from them, and those that refer to them or that they refer to; with the type below
/// domains, and whether they are computed.
const COLUMNS: &str = "\
with recursive {handed_on}, said (oid, num) as ( \
  select a.attrelid, a.attnum from unnest($1::text[], $2::text[], $3::text[]) w (s, t, c) \
    join pg_namespace n on n.nspname = w.s join pg_class r on r.relnamespace = n.oid and r.relname = w.t \
    join pg_attribute a on a.attrelid = r.oid and a.attname = w.c and not a.attisdropped \
), steps (a, an, b, bn) as ( \
  select k.conrelid, k.x, k.confrelid, k.y from ( \
    select conrelid, confrelid, unnest(conkey) x, unnest(confkey) y from pg_constraint where contype = 'f') k \
  union all select k.confrelid, k.y, k.conrelid, k.x from ( \
    select conrelid, confrelid, unnest(conkey) x, unnest(confkey) y from pg_constraint where contype = 'f') k \
  union all select a, an, b, bn from handed_on \
), all_of (oid, num) as ( \
  select oid, num from said union select s.b, s.bn from all_of o join steps s on (s.a, s.an) = (o.oid, o.num) \
) \
select n.nspname::text, r.relname::text, a.attname::text, x.typcategory::text, \
  case when x.typcategory = 'A' then coalesce(e.typname, x.typname)::text else x.typname::text end, a.attgenerated <> '' \
from all_of o join pg_class r on r.oid = o.oid and r.relkind in ('r', 'p') join pg_namespace n on n.oid = r.relnamespace \
join pg_attribute a on (a.attrelid, a.attnum) = (o.oid, o.num) \
cross join lateral ( \
  with recursive down (oid) as (select a.atttypid union select t.typbasetype from down d join pg_type t on t.oid = d.oid where t.typbasetype <> 0) \
  select t.* from down d join pg_type t on t.oid = d.oid where t.typtype <> 'd' limit 1 \
) x left join pg_type e on e.oid = x.typelem and x.typcategory = 'A' \
order by 1, 2, 3";

impl Plan {
    /// Looks up the columns of the spec, and of the tables whose rows are in the dump, which the spec has to know.
    pub(crate) fn read(
        session: &mut Session,
        spec: &[SpecColumn],
        tables: &[Table],
        without: &[String],
        tell: Tell<'_>,
    ) -> Result<Self, Error> {
        let known = known::columns(session, spec, tables)?;
        let masked: Vec<&SpecColumn> = spec.iter().filter(|column| column.masked).collect();
        let part = |of: fn(&SpecColumn) -> &str| -> Vec<&str> { masked.iter().map(|column| of(column)).collect() };
        let (schemas, names, columns) = (part(|c| &c.schema), part(|c| &c.table), part(|c| &c.column));
        let query = COLUMNS.replace("{handed_on}", &known::handed_on());
        let rows = session.query(&query, &[&schemas, &names, &columns])?;
        let key: String = session.query_one("select gen_random_uuid()::text || gen_random_uuid()::text", &[])?.get(0);
        let mut plan = Self {
            mask: Mask::new(&key),
            columns: BTreeMap::new(),
            plain: BTreeMap::new(),
            keys: BTreeMap::new(),
            without: known::of_extensions(session, without)?,
        };
        let mut several = BTreeSet::new();
        for column in known {
            if column.key && plan.keys.insert(column.table.clone(), column.name.clone()).is_some() {
                several.insert(column.table.clone());
            }
            plan.plain.entry(column.table).or_default().insert(column.name);
        }
        plan.keys.retain(|table, _| !several.contains(table));
        let mut there = BTreeSet::new();
        let mut stay = Vec::new();
        for row in &rows {
            let (table, column): (Table, String) = ((row.get(0), row.get(1)), row.get(2));
            let (category, ty, computed): (String, String, bool) = (row.get(3), row.get(4), row.get(5));
            there.insert((table.clone(), column.clone()));
            if let Some(plain) = plan.plain.get_mut(&table) {
                plain.remove(&column);
            }
            match form(&category, &ty) {
                // What is computed from others follows them.
                _ if computed => {}
                Some(form) => {
                    plan.columns.entry(table).or_default().insert(column, form);
                }
                None => stay.push(format!("{}.{}.{column} ({ty})", table.0, table.1)),
            }
        }
        if !stay.is_empty() {
            return Err(Refused::new(format!(
                "values of these types have no other that could stand for them: {}",
                stay.join(", ")
            ))
            .help("take the class from the column, or make it a text; nothing was written")
            .into());
        }
        let missing: Vec<String> = masked
            .iter()
            .filter(|c| !there.contains(&((c.schema.clone(), c.table.clone()), c.column.clone())))
            .map(|c| format!("{}.{}.{}", c.schema, c.table, c.column))
            .collect();
        if !missing.is_empty() {
            let what = missing.join(", ");
            tell(Event::Note(format!("not in the database, and so not masked: {what}")));
        }
        if !plan.without.is_empty() {
            let names: Vec<String> = plan.without.iter().map(|(schema, name)| format!("{schema}.{name}")).collect();
            tell(Event::Note(format!("rows of extensions' own tables are not in it: {}", names.join(", "))));
        }
        Ok(plan)
    }

    /// Whether rows of the table change on their way.
    pub(crate) fn changes(&self, schema: &str, table: &str) -> bool {
        self.columns.contains_key(&(schema.to_owned(), table.to_owned())) || LOGS.iter().any(|(log, _)| *log == table)
    }

    /// A row that a log keeps: what the spec does not know of it, or of a table that it does not know, stays as little as what
    /// has a class.
    fn kept(&self, of: &Table, row: &mut [u8]) {
        let plain = self.plain.get(of);
        self.mask.keys(row, &|key| !plain.is_some_and(|plain| plain.contains(key)));
    }

    /// The key of such a row: of several columns an object.
    fn record(&self, of: &Table, key: &mut [u8]) {
        match self.keys.get(of) {
            Some(column) => {
                if let Some(form) = self.columns.get(of).and_then(|columns| columns.get(column)) {
                    self.mask.value(*form, key);
                }
            }
            None if key.first() == Some(&b'{') => self.kept(of, key),
            None if self.plain.contains_key(of) => {}
            None => self.mask.value(Form::Text, key),
        }
    }

    /// What happens to the columns of a table, in their order; none if nothing does.
    fn rows(&self, table: &Table, columns: &[String]) -> Option<Rows<'_>> {
        let forms = self.columns.get(table);
        let form = |name: &String| forms.and_then(|forms| forms.get(name)).copied();
        let log = LOGS.iter().find(|(log, _)| *log == table.1).and_then(|(_, kept)| {
            let at = |name: &str| columns.iter().position(|column| column == name);
            let kept = (0..columns.len()).filter(|at| kept.contains(&columns[*at].as_str())).collect();
            Some(Log { schema: at("table_schema")?, table: at("table_name")?, record: at("record_id"), kept })
        });
        let forms: Vec<Option<Form>> = columns.iter().map(form).collect();
        (log.is_some() || forms.iter().any(Option::is_some)).then_some(Rows { plan: self, forms, log })
    }

    /// What `pg_dump` is told: to leave out large objects, which no column holds, and what a later version knows of values.
    pub(crate) fn arguments(&self, major: u32, pattern: impl Fn(&str) -> String) -> Vec<String> {
        let mut all = vec!["--format=tar".to_owned(), "-B".to_owned()];
        all.extend((major >= 18).then(|| "--no-statistics".to_owned()));
        let without = self.without.iter();
        all.extend(without.map(|(schema, name)| format!("--exclude-table-data={}.{}", pattern(schema), pattern(name))));
        all
    }

    /// Writes a dump in tar format again, masked.
    pub(crate) fn copy(&self, mut from: &mut dyn Read, to: &mut dyn Write) -> Result<(), Error> {
        let cannot = |error: std::io::Error| Error::from(Refused::new(format!("cannot write the dump: {error}")));
        let mut contents: BTreeMap<String, (Table, Vec<String>)> = BTreeMap::new();
        let mut header = [0_u8; 512];
        loop {
            from.read_exact(&mut header).map_err(cannot)?;
            to.write_all(&header).map_err(cannot)?;
            let Some((name, size)) = member(&header) else { break };
            let mut body = Read::take(&mut from, size);
            if name == "toc.dat" {
                let mut text = Vec::new();
                body.read_to_end(&mut text).map_err(cannot)?;
                to.write_all(&text).map_err(cannot)?;
                contents = listed(&text);
            } else if let Some(rows) = contents.get(&name).and_then(|(table, columns)| self.rows(table, columns)) {
                let mut body = std::io::BufReader::with_capacity(1 << 16, body);
                let mut line = Vec::new();
                while body.read_until(b'\n', &mut line).map_err(cannot)? > 0 {
                    rows.line(&mut line);
                    to.write_all(&line).map_err(cannot)?;
                    line.clear();
                }
            } else {
                std::io::copy(&mut body, to).map_err(cannot)?;
            }
            let mut padding = Read::take(&mut from, size.next_multiple_of(512) - size);
            std::io::copy(&mut padding, to).map_err(cannot)?;
        }
        std::io::copy(&mut from, to).map_err(cannot)?;
        to.flush().map_err(cannot)
    }
}

/// How values of a type are written.
fn form(category: &str, ty: &str) -> Option<Form> {
    Some(match (category, ty) {
        ("A", "text" | "varchar" | "bpchar" | "citext" | "name") => Form::List,
        ("S", _) | (_, "citext") => Form::Text,
        ("N", "int2") => Form::Number(5),
        ("N", "int4") => Form::Number(10),
        ("N", "int8") => Form::Number(19),
        ("N", "numeric" | "float4" | "float8") => Form::Number(usize::MAX),
        ("D", "date" | "timestamp" | "timestamptz") => Form::Date,
        ("I", "inet") => Form::Address,
        (_, "uuid" | "bytea") => Form::Hex,
        (_, "json" | "jsonb") => Form::Json,
        _ => return None,
    })
}

/// The rows of a table as they come.
struct Rows<'p> {
    plan: &'p Plan,
    forms: Vec<Option<Form>>,
    log: Option<Log>,
}

/// Where a log has the name of a table, and where its row.
struct Log {
    schema: usize,
    table: usize,
    record: Option<usize>,
    kept: Vec<usize>,
}

impl Rows<'_> {
    /// A line of `copy`: values between tabs, with their backslashes.
    fn line(&self, line: &mut [u8]) {
        let end = line.len() - usize::from(line.ends_with(b"\n"));
        if &line[..end] == b"\\." {
            return;
        }
        let mut fields = Vec::new();
        let mut start = 0;
        for (at, byte) in line[..end].iter().enumerate() {
            if *byte == b'\t' {
                fields.push(start..at);
                start = at + 1;
            }
        }
        fields.push(start..end);
        let log = self.log.as_ref().and_then(|log| {
            let text = |at: usize| Some(String::from_utf8_lossy(&plain(&line[fields.get(at)?.clone()]).0).into_owned());
            Some((log, (text(log.schema)?, text(log.table)?)))
        });
        for (at, range) in fields.into_iter().enumerate() {
            let field = &mut line[range];
            if field == b"\\N" {
                continue;
            }
            if let Some(form) = self.forms.get(at).copied().flatten() {
                change(field, |text| self.plan.mask.value(form, text));
            } else if let Some((_, of)) = log.as_ref().filter(|(log, _)| log.kept.contains(&at)) {
                change(field, |text| self.plan.kept(of, text));
            } else if let Some((_, of)) = log.as_ref().filter(|(log, _)| log.record == Some(at)) {
                change(field, |text| self.plan.record(of, text));
            }
        }
    }
}

/// The value of a field, and where each of its bytes stands.
fn plain(field: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut text, mut places) = (Vec::with_capacity(field.len()), Vec::with_capacity(field.len()));
    let mut at = 0;
    while at < field.len() {
        if field[at] == b'\\' && at + 1 < field.len() {
            at += 1;
            text.push(match field[at] {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => other,
            });
        } else {
            text.push(field[at]);
        }
        places.push(at);
        at += 1;
    }
    (text, places)
}

/// Changes letters and digits of a field; what has a backslash is neither, and stays.
fn change(field: &mut [u8], act: impl FnOnce(&mut [u8])) {
    let (was, places) = plain(field);
    let mut now = was.clone();
    act(&mut now);
    for ((was, now), place) in was.iter().zip(&now).zip(places) {
        if was != now {
            field[place] = *now;
        }
    }
}

/// The name and size of a member of the archive; none at its end.
fn member(header: &[u8; 512]) -> Option<(String, u64)> {
    let name = header[..100].split(|b| *b == 0).next().filter(|name| !name.is_empty())?;
    let size = &header[124..136];
    let size = match size[0] & 0x80 {
        0 => size.iter().filter(|b| (b'0'..=b'7').contains(b)).fold(0, |sum, b| sum * 8 + u64::from(b - b'0')),
        _ => size[4..].iter().fold(0, |sum, b| (sum << 8) | u64::from(*b)),
    };
    Some((String::from_utf8_lossy(name).into_owned(), size))
}

/// Whose rows each member has, by the table of contents: `COPY schema.table (columns) FROM stdin;`, and behind it the name.
fn listed(toc: &[u8]) -> BTreeMap<String, (Table, Vec<String>)> {
    let mut found = BTreeMap::new();
    let (start, end) = (&b"COPY "[..], &b" FROM stdin;\n"[..]);
    let find =
        |from: usize, what: &[u8]| toc[from..].windows(what.len()).position(|some| some == what).map(|n| from + n);
    let mut at = 0;
    while let Some(copy) = find(at, start) {
        at = copy + start.len();
        let Some(stop) = find(at, end) else { break };
        let Some(read) = std::str::from_utf8(&toc[at..stop]).ok().and_then(named) else { continue };
        let Some(dot) = find(stop, b".dat") else { break };
        let digits = toc[..dot].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        found.insert(String::from_utf8_lossy(&toc[dot - digits..dot + 4]).into_owned(), read);
    }
    found
}

/// `public."odd name" (a, "b")`
fn named(text: &str) -> Option<(Table, Vec<String>)> {
    let mut names: Vec<String> = Vec::new();
    let mut listed = None;
    for token in Lexer::new(text).map_while(Result::ok) {
        match token.name(text) {
            Some(name) => names.push(name),
            None if &text[token.start..token.end] == "(" => listed = Some(names.len()),
            None => {}
        }
    }
    let columns = names.split_off(listed.unwrap_or(names.len()));
    let [schema, table] = <[String; 2]>::try_from(names).ok()?;
    Some(((schema, table), columns))
}

#[cfg(test)]
mod tests {
    use super::{change, listed, named};

    #[test]
    fn names_are_read_as_pg_dump_writes_them() {
        let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let read = named("public.\"odd \"\" (name\" (a, \"b,c\", d$1)").expect("names");
        assert_eq!(read, (("public".into(), "odd \" (name".into()), strings(&["a", "b,c", "d$1"])));
        assert_eq!(named("s.empty ()"), Some((("s".into(), "empty".into()), Vec::new())));
        let toc = b"..COPY s.t (a) FROM stdin;\n\0\x01\0public\0\x08\0\0\0" as &[u8];
        let toc = [toc, b"3456.dat..COPY s.u (b) FROM stdin;\n..78.dat"].concat();
        let found = listed(&toc);
        assert_eq!(found["3456.dat"].0.1, "t");
        assert_eq!(found["78.dat"].1, ["b"]);
    }

    #[test]
    fn what_has_a_backslash_stays() {
        let mut field = br"a\tb\\n".to_vec();
        change(&mut field, |text| text.iter_mut().filter(|b| b.is_ascii_lowercase()).for_each(|b| *b = b'z'));
        assert_eq!(field, br"z\tz\\z");
    }
}
