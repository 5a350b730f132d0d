//! Rows by plain SQL, in the distributions that are declared.

use specc_postgres::{Database, Session};
use specc_size::{Column, Sizes, Table, Values};
use specc_sql::quote::{ident, literal, qualified};

/// Fills all tables and has the server look; what it has to be told, the migration told it.
pub fn fill(database: &Database, sizes: &Sizes) {
    let mut above = database.connect_superuser().unwrap();
    above.batch_execute("set session_replication_role = replica; set synchronous_commit = off").unwrap();
    for table in sizes.tables.values().filter(|table| table.rows > 0) {
        rows(&mut above, sizes, table);
    }
    above.batch_execute("vacuum analyze").unwrap();
}

/// The sizes with as many rows as there are.
pub fn counted(database: &Database, sizes: &Sizes) -> Sizes {
    let mut session = database.connect_superuser().unwrap();
    let mut sizes = sizes.clone();
    for table in sizes.tables.values_mut() {
        let name = qualified(&table.name.schema, &table.name.name);
        let count: i64 = session.query_one(&format!("select count(*) from {name}"), &[]).unwrap().get(0);
        table.rows = count as u64;
        for column in &mut table.columns {
            let there = (table.rows as f64 * (1.0 - column.nulls)) as u64;
            column.distinct = if column.unique { there } else { column.distinct.min(there) }.max(1);
        }
    }
    sizes
}

fn rows(session: &mut Session, sizes: &Sizes, table: &Table) {
    let name = qualified(&table.name.schema, &table.name.name);
    let stored: Vec<(String, bool)> = session
        .query(
            "select attname::text, atthasdef or not attnotnull or typdefault is not null \
             from pg_attribute join pg_type t on t.oid = atttypid where attrelid = $1::text::regclass and attnum > 0 and attgenerated = ''",
            &[&name],
        )
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    // What is not compared keeps its default, or stays empty.
    let is_made = |column: &&Column| {
        let opaque = column.values == Values::Opaque && column.ty.dims == 0 && !column.ty.name.starts_with("json");
        stored.iter().any(|(name, free)| *name == column.name && !(opaque && *free))
    };
    let columns: Vec<&Column> = table.columns.iter().filter(is_made).collect();
    let names: Vec<String> = columns.iter().map(|column| ident(&column.name).to_string()).collect();
    let values: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| value(session, sizes, table, column, at)).collect();
    let insert = format!(
        "insert into {name} ({}) overriding system value select {} from generate_series(1, {}) as i on conflict do nothing",
        names.join(", "),
        values.join(", "),
        table.rows
    );
    if let Err(error) = session.batch_execute(&insert) {
        panic!("{name}: {error:?}\n{insert}");
    }
}

/// A number from 0 to 1 for each row, another in each column.
fn uniform(at: usize) -> String {
    format!("((hashint8extended(i, {at}) & 1073741823)::float8 / 1073741824)")
}

fn value(session: &mut Session, sizes: &Sizes, table: &Table, column: &Column, at: usize) -> String {
    let mut ty = String::new();
    specc_sql::push_type(&mut ty, &column.ty);
    let rank = if column.unique || column.correlation == Some(1.0) {
        "i".to_owned()
    } else {
        rank(session, table, column, at)
    };
    let made = of_rank(sizes, table, column, &rank);
    let made = match column.shares.is_empty() {
        true => format!("({made})::{ty}"),
        false => {
            let named: Vec<String> = column.shares.iter().map(|share| literal(&share.value).to_string()).collect();
            format!("coalesce((array[{}])[{rank}], ({made})::text)::{ty}", named.join(", "))
        }
    };
    let nulls = format!("{} < {}", uniform(at + 100), column.nulls);
    if column.nulls > 0.0 { format!("case when {nulls} then null else {made} end") } else { made }
}

/// By the sums of the frequencies.
fn rank(session: &mut Session, table: &Table, column: &Column, at: usize) -> String {
    let list = ident(&format!("{}_{}", table.name.name, column.name)).to_string();
    let there = 1.0 - column.nulls;
    let mut sum = 0.0;
    let sums: Vec<String> = column
        .frequencies(1, column.distinct)
        .map(|part| {
            sum += part / there;
            sum.to_string()
        })
        .collect();
    let make = format!(
        "create temp table if not exists {list} as select array['0'::float8 {}] as sums",
        sums[..sums.len() - 1].iter().map(|sum| format!(",{sum}")).collect::<String>()
    );
    session.batch_execute(&make).unwrap();
    format!("width_bucket({}, (select sums || '{{}}'::float8[] from {list}))", uniform(at))
}

fn of_rank(sizes: &Sizes, table: &Table, column: &Column, rank: &str) -> String {
    match &column.values {
        Values::Of { table: to, column: key } => {
            match sizes.tables.get(to).and_then(|to| Some((to, to.column(key)?))) {
                Some((to, key)) => of_rank(sizes, to, key, rank),
                None => format!("md5('{}.{key}' || ({rank}))::uuid", to.name),
            }
        }
        Values::Random => format!("md5('{}.{}' || ({rank}))::uuid", table.name.name, column.name),
        Values::Counted => rank.to_owned(),
        Values::Words => {
            let width = (column.width as usize).saturating_sub(column.name.len() + 12);
            let more = format!("substr(repeat(md5(({rank})::text), {}), 1, {width})", width / 32 + 1);
            format!("'{} ' || lpad(({rank})::text, 9, '0') || {more}", column.name)
        }
        Values::Listed(values) => {
            let rest = values.iter().filter(|value| !column.shares.iter().any(|share| share.value == **value));
            let all: Vec<String> = rest.map(|value| literal(value).to_string()).collect();
            format!("(array[{}])[({rank}) - {}]", all.join(", "), column.shares.len())
        }
        Values::Between { low, high } => {
            let part = match column.correlation {
                Some(1.0) => format!("(i / {}::float8)", table.rows),
                _ => format!("((hashint8extended(({rank})::bigint, 7) & 1073741823)::float8 / 1073741824)"),
            };
            let ty = if specc_size::is_number(&column.ty.name) { "float8" } else { "timestamptz" };
            format!("({low})::{ty} + (({high})::{ty} - ({low})::{ty}) * {part}")
        }
        Values::Opaque => match &*column.ty.name {
            "text" => "array['tag' || (i % 50), 'tag' || (i % 7)]".to_owned(),
            "jsonb" | "json" => {
                // Without what a document takes beside its text; what repeats would be compressed.
                let width = (column.width as usize).saturating_sub(20).min(1_900);
                let text = format!(
                    "(select string_agg(md5((i * 1000 + n)::text), '') from generate_series(0, {}) n)",
                    width / 32
                );
                format!("jsonb_build_object('x', substr({text}, 1, {width}))")
            }
            "citext" => format!("'{} ' || lpad(({rank})::text, 9, '0')", column.name),
            _ => "'{}'".to_owned(),
        },
    }
}

/// Prints how large tables and indexes are, and were said to be.
pub fn compare_pages(full: &Database, empty: &Database) {
    let query = "select c.oid::regclass::text, c.relkind::text, pg_relation_size(c.oid) / 8192 from pg_class c \
        join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'i') order by 1";
    let all = |database: &Database| -> Vec<(String, String, i64)> {
        let rows = database.connect_superuser().unwrap().query(query, &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    };
    for (real, told) in all(full).iter().zip(all(empty)) {
        println!("{:45} {} {:>8} {:>8}  {:.2}", real.0, real.1, real.2, told.2, told.2 as f64 / real.2.max(1) as f64);
    }
}
