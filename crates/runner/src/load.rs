//! Many rows that nobody wrote, by `copy`: a table in one transaction, its triggers asleep, what they would keep worked out at the end.

#![expect(
    clippy::disallowed_methods,
    reason = "one thread makes the rows that another one sends: their order is that of their numbers"
)]

use crate::guard::{self, Production};
use crate::{Error, Event, Refused, ServerError, Tell, triggers};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Constraint, DataType, Entry, Object, Parameters, Rls, Rule, Table, TableName};
use specc_postgres::Session;
use specc_rows::{Asked, Keys, Maker, order, references};
use specc_sql::quote::{ident, qualified};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::sync_channel;

/// How many bytes are made before they are sent.
const CHUNK: usize = 1 << 18;

/// The most keys of one table that rows refer to.
const KEYS: i64 = 2_000_000;

/// How tables are filled.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// How many rows each table is to have, and what is said of them; those that are there count.
    pub tables: BTreeMap<TableName, Asked>,
    /// What is run over the rows of a table when they are there, in the same transaction, and whether it removes rows.
    pub after: BTreeMap<TableName, Vec<(String, bool)>>,
}

/// What became of a table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Loaded {
    /// The table.
    pub table: String,
    /// How many rows it had.
    pub before: u64,
    /// How many were added.
    pub added: u64,
    /// Why there are not as many as were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Fills tables up to the number of rows that is asked for, what others refer to first. Nothing is done on production.
///
/// # Errors
/// Production, and where the connection breaks. What the server refuses is told of its table.
pub fn load(
    session: &mut Session,
    catalog: &Catalog,
    options: &LoadOptions,
    tell: Tell<'_>,
) -> Result<Vec<Loaded>, Error> {
    if let Some(Production(why)) = guard::production(session)? {
        let refused =
            Refused::new(format!("this database is production ({why}), and made-up rows have no place there"));
        return Err(refused.help("nothing was changed").into());
    }
    let mut all = Vec::new();
    for (name, asked) in options.tables.iter().filter(|(name, _)| catalog.get(&name.id()).is_none()) {
        let loaded = outside(session, name, asked)?;
        tell(Event::Loaded(loaded.clone()));
        all.push(loaded);
    }
    for table in order(catalog) {
        if let Some(asked) = options.tables.get(&table.table) {
            let after = options.after.get(&table.table).map(Vec::as_slice).unwrap_or_default();
            let loaded = one(session, catalog, table, asked, after)?;
            tell(Event::Loaded(loaded.clone()));
            all.push(loaded);
        }
    }
    for (table, entry) in catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Table(table) if !entry.counts.is_empty() => Some((table, entry)),
        _ => None,
    }) {
        let is_touched = |count: &specc_catalog::Count| {
            // A run that was cut off left rows that nobody counted.
            all.iter().any(|loaded| loaded.table == shown(&count.of) || loaded.table == shown(&table.table))
        };
        let counts: Vec<_> = entry.counts.iter().filter(|count| is_touched(count)).collect();
        if !counts.is_empty() {
            count(session, &table.table, &counts)?;
        }
    }
    for loaded in all.iter().filter(|loaded| loaded.added > 0) {
        let name = options.tables.keys().find(|name| shown(name) == loaded.table);
        if let Some(name) = name {
            session.batch_execute(&format!("analyze {}", qualified(&name.schema, &name.name)))?;
        }
    }
    Ok(all)
}

/// Fills a table that is somebody else's: its keys, and what it requires.
fn outside(session: &mut Session, name: &TableName, asked: &Asked) -> Result<Loaded, Error> {
    let columns = session.query(
        "select a.attname::text, t.typname::text from pg_attribute a join pg_type t on t.oid = a.atttypid \
         where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '' \
           and (a.attnotnull and not a.atthasdef or a.attname = 'email' \
             or exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any (i.indkey))) \
         order by a.attnum",
        &[&qualified(&name.schema, &name.name).to_string()],
    )?;
    let unique = session.query(
        "select c.relname::text, array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid \
           and a.attnum = any (i.indkey)) from pg_index i join pg_class c on c.oid = i.indexrelid \
         where i.indrelid = to_regclass($1) and i.indisunique order by 1",
        &[&qualified(&name.schema, &name.name).to_string()],
    )?;
    let column = |row: &specc_postgres::postgres::Row| {
        let ty: &str = row.get(1);
        Column::new(row.get::<_, &str>(0), DataType::builtin(specc_facts::canonical_type(ty).unwrap_or(ty)))
    };
    let table = Table {
        table: name.clone(),
        columns: columns.iter().map(column).collect(),
        unlogged: false,
        partition_by: None,
        partition_of: None,
        inherits: Vec::new(),
        rls: Rls::Off,
        options: Parameters::default(),
        replica_identity: None,
    };
    let mut catalog = Catalog::new();
    for row in &unique {
        let columns: Vec<String> = row.get(1);
        if !columns.is_empty() && columns.iter().all(|name| table.columns.iter().any(|column| column.name == *name)) {
            let rule = Rule::Unique {
                columns: columns.into_iter().map(Into::into).collect(),
                include: Vec::new(),
                nulls_not_distinct: false,
            };
            catalog.insert(Entry::new(Constraint {
                table: name.clone(),
                name: row.get::<_, &str>(0).into(),
                rule,
                deferrable: false,
                initially_deferred: false,
                not_valid: false,
            }));
        }
    }
    one(session, &catalog, &table, asked, &[])
}

fn shown(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.name)
}

fn one(
    session: &mut Session,
    catalog: &Catalog,
    table: &Table,
    asked: &Asked,
    after: &[(String, bool)],
) -> Result<Loaded, Error> {
    let name = qualified(&table.table.schema, &table.table.name).to_string();
    // Rows of a table that inherits from it are that one's.
    let only = if table.partition_by.is_none() { "only " } else { "" };
    let before: i64 = session.query_one(&format!("select count(*) from {only}{name}"), &[])?.get(0);
    let before = before.unsigned_abs();
    let mut loaded = Loaded { table: shown(&table.table), before, added: 0, why: None };
    let counts = catalog.get(&table.table.id()).map(|entry| entry.counts.as_slice()).unwrap_or_default();
    let mut asked = Asked { rows: asked.rows.saturating_sub(before), start: before, ..asked.clone() };
    if asked.rows == 0 {
        return Ok(loaded);
    }
    // What is worked out at the end begins with nothing.
    for count in counts {
        asked.columns.entry(count.column.clone()).or_default().fixed = Some("0".into());
    }
    let keys = keys(session, catalog, table)?;
    ask(session, catalog, table, &mut asked, &keys)?;
    let maker = match Maker::new(catalog, table, &asked, &keys) {
        Ok(maker) => maker,
        Err(lacks) => {
            loaded.why = Some(lacks.to_string());
            return Ok(loaded);
        }
    };
    loaded.why = maker.fewer.as_ref().map(|(_, why)| why.clone());
    session.batch_execute("begin; set local statement_timeout = 0")?;
    match copy(session, &name, &maker, after, before) {
        Ok(added) => {
            sequences(session, &table.table, &maker)?;
            session.batch_execute("commit")?;
            loaded.added = added;
            if added < maker.rows() {
                let open: Vec<&str> = maker.open().collect();
                let what = if open.is_empty() { "a limit".to_owned() } else { open.join("; ") };
                loaded.why.get_or_insert_with(|| format!("{what} lets no more in"));
            }
            Ok(loaded)
        }
        Err(said) => {
            let _ = session.batch_execute("rollback");
            let beyond = match maker.beyond.as_slice() {
                [] => String::new(),
                some => format!("\n  specc makes no values for {}: give it rows in a seed", some.join("; ")),
            };
            loaded.why = Some(format!("{said}{beyond}"));
            Ok(loaded)
        }
    }
}

/// How often rows are made anew that a server refuses for what is not followed here.
const AGAIN: u64 = 40;

fn said(error: &specc_postgres::postgres::Error) -> String {
    ServerError::of(error).to_string()
}

/// Adds the rows of a maker, and gives how many there are.
fn copy(
    session: &mut Session,
    name: &str,
    maker: &Maker<'_>,
    after: &[(String, bool)],
    before: u64,
) -> Result<u64, String> {
    let asleep = triggers::sleep(session, name).map_err(|error| error.to_string())?;
    let columns: Vec<_> = maker.columns().map(|column| ident(column)).collect();
    let list = columns.join(", ");
    // Where rows were there, or only some are unique, what a new one must not be is not known here.
    let is_judged =
        maker.open().next().is_some() || maker.unique.iter().any(|(_, filter)| filter.is_some() || before > 0);
    let mut added = match is_judged {
        false => send(
            session,
            &format!("copy {name} ({list}) from stdin"),
            maker,
            (0..maker.rows()).map(|number| (number, 0)),
            false,
        )?,
        true => sifted(session, name, &list, maker)?,
    };
    for (statement, removes) in after {
        let changed = session.execute(statement, &[]).map_err(|error| said(&error))?;
        if *removes {
            added -= changed;
        }
    }
    asleep.wake(session).map_err(|error| error.to_string())?;
    Ok(added)
}

/// Rows of which only the server knows whether they hold go to a table of their own first; those that do not are made anew.
fn sifted(session: &mut Session, name: &str, list: &str, maker: &Maker<'_>) -> Result<u64, String> {
    let holds: Vec<String> = maker.open().map(|condition| format!("({condition}) is not false")).collect();
    let holds = if holds.is_empty() { "true".to_owned() } else { holds.join(" and ") };
    let columns: Vec<&SmolStr> = maker.columns().collect();
    let is_whole =
        |(set, _): &&(Vec<SmolStr>, Option<String>)| !set.is_empty() && set.iter().all(|name| columns.contains(&name));
    let taken: Vec<String> =
        maker.unique.iter().filter(is_whole).flat_map(|(set, filter)| taken(name, set, filter.as_deref())).collect();
    let made = format!(
        "create temp table specc_made on commit drop as select null::bigint as specc_number, {list} from {name} where false"
    );
    session.batch_execute(&made).map_err(|error| said(&error))?;
    let mut left: Option<Vec<u64>> = None;
    for again in 0..AGAIN {
        let into = format!("copy pg_temp.specc_made (specc_number, {list}) from stdin");
        match &left {
            None => send(session, &into, maker, (0..maker.rows()).map(|number| (number, again)), true)?,
            Some(left) => send(session, &into, maker, left.iter().map(|number| (*number, again)), true)?,
        };
        let others = format!("delete from pg_temp.specc_made where not ({holds}) returning specc_number");
        let rows = session.query(&others, &[]).map_err(|error| said(&error))?;
        let mut numbers: Vec<u64> = rows.iter().map(|row| row.get::<_, i64>(0).unsigned_abs()).collect();
        for conflict in &taken {
            let rows = session.query(conflict, &[]).map_err(|error| said(&error))?;
            numbers.extend(rows.iter().map(|row| row.get::<_, i64>(0).unsigned_abs()));
        }
        numbers.sort_unstable();
        if numbers.is_empty() {
            break;
        }
        left = Some(numbers);
    }
    // A row that was never made is one that others may refer to: they go with it, and so on.
    for (columns, target) in maker.own_references() {
        let pairs = |from: &str| -> String {
            let pair = |(own, key): (&SmolStr, &SmolStr)| format!("t.{} = {from}.{}", ident(key), ident(own));
            columns.iter().zip(&target).map(|(own, key)| pair((own, key))).collect::<Vec<_>>().join(" and ")
        };
        let there: Vec<String> = columns.iter().map(|own| format!("m.{} is not null", ident(own))).collect();
        let lost = format!(
            "delete from pg_temp.specc_made m where {} and not exists (select from pg_temp.specc_made t where {same}) \
             and not exists (select from {name} t where {same})",
            there.join(" and "),
            same = pairs("m")
        );
        while session.execute(&lost, &[]).map_err(|error| said(&error))? > 0 {}
    }
    let take = format!(
        "insert into {name} ({list}) overriding system value select {list} from pg_temp.specc_made order by specc_number"
    );
    let added = session.execute(&take, &[]).map_err(|error| said(&error))?;
    session.batch_execute("drop table pg_temp.specc_made").map_err(|error| said(&error))?;
    Ok(added)
}

/// Takes away rows that have in these columns what a row has that is there, or one that was made before.
fn taken(name: &str, set: &[SmolStr], filter: Option<&str>) -> [String; 2] {
    let columns: Vec<_> = set.iter().map(|column| ident(column)).collect();
    let same: Vec<String> = columns.iter().map(|column| format!("o.{column} = m.{column}")).collect();
    let there: Vec<String> = columns.iter().map(|column| format!("{column} is not null")).collect();
    let (same, there) = (same.join(" and "), there.join(" and "));
    let filter = filter.map_or_else(|| "true".to_owned(), |filter| format!("({filter})"));
    let made = format!("(select * from pg_temp.specc_made where {filter} and {there})");
    let delete = |which: String| {
        format!("delete from pg_temp.specc_made where specc_number in ({which}) returning specc_number")
    };
    [
        delete(format!("select m.specc_number from {made} m join (select * from {name} where {filter}) o on {same}")),
        delete(format!(
            "select specc_number from (select specc_number, row_number() over (partition by {} order by specc_number) as specc_nth \
             from {made} m) n where specc_nth > 1",
            columns.join(", ")
        )),
    ]
}

/// Sends the rows of these numbers while more are made; with their numbers before them where asked for.
fn send(
    session: &mut Session,
    into: &str,
    maker: &Maker<'_>,
    numbers: impl Iterator<Item = (u64, u64)> + Send,
    numbered: bool,
) -> Result<u64, String> {
    let mut writer = session.copy_in(into).map_err(|error| said(&error))?;
    let (send, receive) = sync_channel::<Result<Vec<u8>, String>>(4);
    let sent: Result<(), String> = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut out = Vec::with_capacity(CHUNK + 4096);
            for (number, again) in numbers {
                if numbered {
                    out.extend_from_slice(format!("{number}\t").as_bytes());
                }
                if let Err(lacks) = maker.line(number, again, &mut out) {
                    let _ = send.send(Err(lacks.to_string()));
                    return;
                }
                // Who takes them is gone where the server refused some.
                if out.len() >= CHUNK
                    && send.send(Ok(std::mem::replace(&mut out, Vec::with_capacity(CHUNK + 4096)))).is_err()
                {
                    return;
                }
            }
            let _ = send.send(Ok(out));
        });
        for chunk in receive {
            writer.write_all(&chunk?).map_err(|error| error.to_string())?;
        }
        Ok(())
    });
    sent?;
    writer.finish().map_err(|error| said(&error))
}

/// What each reference of a table leads to; its own rows are none yet.
fn keys(session: &mut Session, catalog: &Catalog, table: &Table) -> Result<Vec<Option<Keys>>, Error> {
    let mut all = Vec::new();
    for key in references(catalog, &table.table) {
        if key.target == table.table {
            all.push(None);
            continue;
        }
        let columns: Vec<_> = key.target_columns.iter().map(|column| ident(column)).collect();
        let texts: Vec<String> = columns.iter().map(|column| format!("{column}::text")).collect();
        let mut there: Vec<String> = columns.iter().map(|column| format!("{column} is not null")).collect();
        // Where each may be referred to once, those that are already are none.
        if specc_rows::is_once(catalog, &table.table, &key.columns) {
            let pairs: Vec<String> = key
                .columns
                .iter()
                .zip(&columns)
                .map(|(own, target)| format!("specc_own.{} = specc_there.{target}", ident(own)))
                .collect();
            there.push(format!(
                "not exists (select from {} specc_own where {})",
                qualified(&table.table.schema, &table.table.name),
                pairs.join(" and ")
            ));
        }
        let query = format!(
            "select {} from {} specc_there where {} order by {} limit {KEYS}",
            texts.join(", "),
            qualified(&key.target.schema, &key.target.name),
            there.join(" and "),
            texts.iter().map(|text| format!("{text} collate \"C\"")).collect::<Vec<_>>().join(", ")
        );
        let mut found = Keys::new(columns.len());
        for row in session.query(&query, &[])? {
            (0..columns.len()).for_each(|at| found.push(row.get(at)));
        }
        all.push(Some(found));
    }
    Ok(all)
}

/// What only the server knows: the first free number of integer columns that tell rows apart, and which values pass conditions that
/// are not followed here.
fn ask(
    session: &mut Session,
    catalog: &Catalog,
    table: &Table,
    asked: &mut Asked,
    keys: &[Option<Keys>],
) -> Result<(), Error> {
    let Ok(maker) = Maker::new(catalog, table, asked, keys) else { return Ok(()) };
    let (counted, questions): (Vec<_>, _) = (maker.counted().cloned().collect(), maker.questions());
    let name = qualified(&table.table.schema, &table.table.name).to_string();
    for condition in maker.wished.clone() {
        // What a server does not take either is in words of the spec.
        if session.batch_execute(&format!("select from {name} where ({condition}) limit 0")).is_ok() {
            asked.decided.push(condition);
        }
    }
    for column in counted {
        let query = format!(
            "select coalesce(max({})::bigint, 0) + 1 from {}",
            ident(&column),
            qualified(&table.table.schema, &table.table.name)
        );
        asked.numbers.insert(column, session.query_one(&query, &[])?.get(0));
    }
    if let Some(within) = divided(session, table, &name)? {
        asked.conditions.push(within);
    }
    for question in questions {
        // What the server cannot decide either is told when it refuses a row.
        if let Ok(rows) = session.query(&question.query, &[&question.candidates]) {
            asked.lists.insert(question.column, rows.iter().map(|row| row.get(0)).collect());
        }
    }
    Ok(())
}

/// What has a place in the partitions that are there: others than the catalog's, where a calendar makes them.
fn divided(session: &mut Session, table: &Table, name: &str) -> Result<Option<String>, Error> {
    let Some(column) = table.partition_by.as_ref().and_then(|by| match by.keys.as_slice() {
        [key] if by.method == "range" => key.column_name(),
        _ => None,
    }) else {
        return Ok(None);
    };
    let row = session.query_one(
        "select bool_or(b = 'DEFAULT'), min((regexp_match(b, 'FROM \\((.+)\\) TO'))[1]), max((regexp_match(b, 'TO \\((.+)\\)'))[1]) \
         from (select pg_get_expr(c.relpartbound, c.oid) as b from pg_inherits i join pg_class c on c.oid = i.inhrelid \
           where i.inhparent = to_regclass($1)) as parts",
        &[&name],
    )?;
    let (has_default, low, high): (Option<bool>, Option<String>, Option<String>) = (row.get(0), row.get(1), row.get(2));
    let is_value = |bound: &String| bound.starts_with('\'');
    Ok(match (low.filter(is_value), high.filter(is_value)) {
        (Some(low), Some(high)) if has_default != Some(true) => {
            Some(format!("{column} >= {low} and {column} < {high}", column = ident(column)))
        }
        _ => None,
    })
}

/// The sequences of columns go on after the numbers that rows have now.
fn sequences(session: &mut Session, table: &TableName, maker: &Maker<'_>) -> Result<(), Error> {
    let name = qualified(&table.schema, &table.name).to_string();
    for column in maker.counted() {
        let query = "select pg_get_serial_sequence($1, $2)";
        let sequence: Option<String> = session.query_one(query, &[&name, &column.as_str()])?.get(0);
        if let Some(sequence) = sequence {
            let set = format!("select setval($1::text::regclass, (select max({})::bigint from {name}))", ident(column));
            session.query(&set, &[&sequence])?;
        }
    }
    Ok(())
}

/// Works out what triggers keep equal to a count or a sum.
fn count(session: &mut Session, table: &TableName, counts: &[&specc_catalog::Count]) -> Result<(), Error> {
    let name = qualified(&table.schema, &table.name).to_string();
    let set: Vec<String> =
        counts.iter().map(|count| format!("{} = {}", ident(&count.column), count.value.text)).collect();
    session.batch_execute("begin; set local statement_timeout = 0")?;
    let asleep = triggers::sleep(session, &name)?;
    let differs: Vec<String> =
        counts.iter().map(|count| format!("{} is distinct from {}", ident(&count.column), count.value.text)).collect();
    let updated =
        session.batch_execute(&format!("update {name} set {} where {}", set.join(", "), differs.join(" or ")));
    if let Err(error) = updated {
        let _ = session.batch_execute("rollback");
        return Err(Refused::new(format!("{}: {}", shown(table), ServerError::of(&error))).into());
    }
    asleep.wake(session)?;
    session.batch_execute("commit")?;
    Ok(())
}
