//! Schemas of zod refuse what Postgres refuses, as far as they say it, and little else.
//!
//! The ignored test asks zod and Postgres about the same values, as the API would hand them on:
//! `cargo test -p specc-tests --test all -- --ignored written::` (`VALUES=10000` for so many of each column; 300 without it).

use super::{catalog_of, written};
use crate::written::values::{self, Values};
use specc_postgres::{Database, Session, shared};
use specc_sql::quote;
use specc_tests::{Rows, VERSIONS, database, root, specs};
use specc_types::Options;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The part of a file that is not the same in all.
fn own(text: &str) -> &str {
    text.split_once("\nconst enums = {").map(|(_, own)| own).expect("the schemas")
}

#[test]
fn the_schemas_of_the_specs() {
    for name in specs() {
        insta::assert_snapshot!(format!("zod_{name}"), own(&written(&name, &["--lang", "zod"])));
    }
}

#[test]
fn the_schemas_of_the_traps() {
    let mut text = String::new();
    for major in VERSIONS {
        let db = traps(major);
        let types = types_of(&db);
        let now = format!("{}\n\n{}", types.beyond.join("\n"), own(&types.text));
        assert!(text.is_empty() || text == now, "it is the same on every version");
        text = now;
    }
    insta::assert_snapshot!("zod_traps", text);
}

fn traps(major: u32) -> Database {
    let db = shared(major).empty_database().expect("a database");
    db.load(&fs::read_to_string(root().join("fixtures/types/traps.sql")).expect("a schema")).expect("it loads");
    db
}

fn types_of(db: &Database) -> specc_types::Types {
    let catalog = catalog_of(db);
    specc_types::zod(&catalog, &specc_catalog::Catalog::new(), &Options::default()).expect("the schemas")
}

/// Asks the schemas of a file: for each value whether it is taken, and how the API's client would send it.
const ASK: &str = r#"
import { readFileSync, writeFileSync } from "fs"
import { schemas } from "./schemas.js"
const asked = JSON.parse(readFileSync("asked.json", "utf8"))
const told = {}
for (const [table, { base, columns }] of Object.entries(asked)) {
  const { Row, Insert, Update } = schemas.public.Tables[table]
  const row = Object.fromEntries(Object.entries(JSON.parse(base)).filter(([key]) => key in Insert.shape))
  const first = Insert.safeParse(row)
  if (!first.success) throw new Error(`${table}: ${first.error}`)
  told[table] = {}
  for (const [column, values] of Object.entries(columns)) {
    told[table][column] = values.map((text) => {
      const sent = JSON.stringify(JSON.parse(text))
      const value = JSON.parse(sent)
      const insert = Insert.safeParse({ ...row, [column]: value }).success
      // What an update refuses, an insert does.
      if (insert && !Update.safeParse({ [column]: value }).success) throw new Error(`${table}.${column}: ${text}`)
      return [sent, insert]
    })
  }
}
writeFileSync("told.json", JSON.stringify(told))
"#;

/// Asks whether rows that Postgres gives are rows of the schemas.
const ROWS: &str = r#"
import { readFileSync } from "fs"
import { schemas } from "./schemas.js"
for (const [table, rows] of Object.entries(JSON.parse(readFileSync("rows.json", "utf8"))))
  for (const row of rows) {
    const found = schemas.public.Tables[table].Row.safeParse(JSON.parse(row))
    if (!found.success) console.log(table, found.error.message, row)
  }
"#;

/// A new row of a table, of which one value at a time is another: whether Postgres takes it, or does so without what a schema
/// cannot say.
const TRY: &str = "
create schema tried;
create schema said;
create function tried.try(name text, columns text, base text, field text, given jsonb) returns text language plpgsql as $$
declare one text; answer text := ''; body text; broken text;
begin
  for one in select item from jsonb_array_elements_text(given) with ordinality as all_of(item, n) order by n loop
    begin
      body := left(base, -1) || case when base = '{}' then '' else ',' end || to_json(field) || ':' || one || '}';
      execute format('insert into tried.%I (%s) select %2$s from json_populate_record(null::tried.%1$I, $1)', name, columns)
        using body::json;
      answer := answer || E'taken\\n';
    exception when others then
      get stacked diagnostics broken = constraint_name;
      begin
        execute format('insert into said.%I (%s) select %2$s from json_populate_record(null::said.%1$I, $1)', name, columns)
          using body::json;
        answer := answer || E'beyond\\n';
      exception when others then
        answer := answer || 'refused by ' || broken || E'\\n';
      end;
    end;
  end loop;
  return answer;
end $$;
";

/// A folder with zod and TypeScript's compiler.
fn programs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("package.json"), r#"{"type": "module"}"#).expect("a file");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "zod@4.1.12", "typescript@5.9.3"])
        .current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    dir
}

fn node(dir: &Path, name: &str, script: &str) -> String {
    fs::write(dir.join(name), script).expect("a file");
    let done = Command::new("node").arg(name).current_dir(dir).output().expect("node is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

/// Compiles the schemas together with the API's own types, as which a parsed value has to be usable.
fn compile(dir: &Path, db: &Database, name: &str) {
    let catalog = catalog_of(db);
    let (around, options) = (specc_catalog::Catalog::new(), Options::default());
    let plain = specc_types::typescript(&catalog, &around, &options).expect("the types").text;
    let text = specc_types::zod(&catalog, &around, &options).expect("the schemas").text;
    let mut uses = String::from(
        "import { z } from \"zod\"\nimport { schemas } from \"./schemas.js\"\nimport type { Tables, TablesInsert, TablesUpdate } from \"./database.js\"\n",
    );
    let tables = catalog.iter().filter_map(|(id, entry)| match &entry.object {
        specc_catalog::Object::Table(table) if id.schema == "public" => Some(table.table.name.to_string()),
        _ => None,
    });
    for (at, table) in tables.enumerate() {
        for (part, ty) in [("Row", "Tables"), ("Insert", "TablesInsert"), ("Update", "TablesUpdate")] {
            let _ = writeln!(
                uses,
                "declare const v{part}{at}: z.infer<typeof schemas.public.Tables[{table:?}][\"{part}\"]>\nexport const u{part}{at}: {ty}<{table:?}> = v{part}{at}"
            );
        }
    }
    for (file, text) in [("schemas.ts", &text), ("database.ts", &plain), ("uses.ts", &uses)] {
        fs::write(dir.join(file), text).expect("a file");
    }
    let mut compiler = Command::new(dir.join("node_modules/.bin/tsc"));
    compiler.args([
        "--strict",
        "--noUnusedLocals",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "nodenext",
    ]);
    let done = compiler.args(["schemas.ts", "uses.ts"]).current_dir(dir).output().expect("the compiler runs");
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stdout));
}

/// What came of a number of values.
#[derive(Default)]
struct Count {
    values: usize,
    /// Taken by the schema alone.
    unsound: Vec<String>,
    /// Refused by the schema alone, by the reason why it is so.
    strict: BTreeMap<&'static str, Vec<String>>,
    /// Tables without a row to start from.
    skipped: Vec<String>,
}

#[test]
#[ignore = "installs programs by npm"]
#[allow(clippy::print_stderr)] // What a long run found is read by who ran it.
fn a_schema_takes_what_postgres_takes() {
    let dir = programs();
    let each = std::env::var("VALUES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let mut count = Count::default();
    for major in VERSIONS {
        for name in specs().into_iter().chain(["traps".to_owned()]) {
            let db = if name == "traps" { traps(major) } else { database(&name, major, Rows::Dev) };
            compile(dir.path(), &db, &name);
            compare(dir.path(), &db, each, &mut count);
        }
    }
    let strict: usize = count.strict.values().map(Vec::len).sum();
    eprintln!(
        "{} values; refused by the schemas alone: {strict}; tables without rows: {:?}",
        count.values, count.skipped
    );
    for (why, list) in &count.strict {
        let mut shown: Vec<_> = list.iter().map(|one| one.split_once(": ").map_or("", |(_, value)| value)).collect();
        shown.sort_unstable();
        shown.dedup();
        eprintln!("{}: {why}, as {:?}", list.len(), &shown[..shown.len().min(30)]);
    }
    assert!(count.unsound.is_empty(), "{}: {:#?}", count.unsound.len(), &count.unsound[..count.unsound.len().min(40)]);
    let unknown = count.strict.get(values::UNKNOWN).map(Vec::as_slice).unwrap_or_default();
    assert!(unknown.is_empty(), "{}: {:#?}", unknown.len(), &unknown[..unknown.len().min(40)]);
    assert!(strict * 1000 <= count.values, "{strict} of {}", count.values);
}

fn json(value: &serde_json::Value) -> &str {
    value.as_str().expect("a text")
}

fn compare(dir: &Path, db: &Database, each: usize, count: &mut Count) {
    let mut session = db.connect_superuser().expect("a session");
    session.batch_execute(TRY).expect("the probe");
    let catalog = catalog_of(db);
    let beyond =
        specc_types::zod(&catalog, &specc_catalog::Catalog::new(), &Options::default()).expect("schemas").beyond;
    let mut asked = serde_json::Map::new();
    let mut columns_of: BTreeMap<String, String> = BTreeMap::new();
    let mut types: BTreeMap<(String, String), Values> = BTreeMap::new();
    let mut all_rows = serde_json::Map::new();
    for (id, entry) in catalog.iter() {
        let specc_catalog::Object::Table(table) = &entry.object else { continue };
        if id.schema != "public" || table.partition_of.is_some() {
            continue;
        }
        let name = quote::ident(&table.table.name).to_string();
        // No keys, references and triggers: what a schema never says.
        session
            .batch_execute(&format!(
                "create table tried.{name} (like public.{name} including defaults including constraints including generated including identity);
                 create table said.{name} (like public.{name} including defaults including constraints including identity)"
            ))
            .expect("copies");
        for column in table.columns.iter().filter(|column| column.generated.is_some() && !column.nullable) {
            let column = quote::ident(&column.name);
            session.batch_execute(&format!("alter table said.{name} alter {column} drop not null")).expect("a column");
        }
        for check in beyond.iter().filter_map(|told| {
            let told = told.strip_prefix(&format!("`public.{}`: the check `", table.table.name))?;
            Some(quote::ident(told.split_once('`')?.0).to_string())
        }) {
            session
                .batch_execute(&format!("alter table said.{name} drop constraint if exists {check}"))
                .expect("no check");
        }
        let rows = specc_tests::texts(&mut session, &format!("select to_jsonb(t)::text from public.{name} t limit 50"));
        let [base, ..] = &rows[..] else {
            count.skipped.push(table.table.name.to_string());
            continue;
        };
        let shown = rows.iter().map(|row| serde_json::Value::String(row.clone())).collect();
        all_rows.insert(table.table.name.to_string(), serde_json::Value::Array(shown));
        let written = |column: &&specc_catalog::Column| {
            column.generated.is_none() && column.identity.as_deref().is_none_or(|(always, _)| !always)
        };
        let columns: Vec<_> = table.columns.iter().filter(written).collect();
        let names: Vec<String> = columns.iter().map(|column| quote::ident(&column.name).to_string()).collect();
        columns_of.insert(table.table.name.to_string(), names.join(", "));
        let mut values = serde_json::Map::new();
        for column in columns {
            let made = Values::of(&catalog, table, column);
            let list = made.list(each).into_iter().map(serde_json::Value::String).collect();
            values.insert(column.name.to_string(), serde_json::Value::Array(list));
            types.insert((table.table.name.to_string(), column.name.to_string()), made);
        }
        asked.insert(table.table.name.to_string(), serde_json::json!({ "base": base, "columns": values }));
    }
    fs::write(dir.join("rows.json"), serde_json::Value::Object(all_rows).to_string()).expect("a file");
    assert_eq!(node(dir, "rows.js", ROWS), "", "rows of the database are rows of the schema");
    fs::write(dir.join("asked.json"), serde_json::Value::Object(asked.clone()).to_string()).expect("a file");
    node(dir, "ask.js", ASK);
    let told = fs::read_to_string(dir.join("told.json")).expect("the answers");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    for (table, columns) in told.as_object().expect("tables") {
        let base = json(&asked[table]["base"]);
        for (column, answers) in columns.as_object().expect("columns") {
            let of = &types[&(table.clone(), column.clone())];
            for some in answers.as_array().expect("a list").chunks(500) {
                let given: Vec<&serde_json::Value> = some.iter().map(|pair| &pair[0]).collect();
                let verdicts = ask(&mut session, table, &columns_of[table], base, column, &given);
                for (pair, verdict) in some.iter().zip(verdicts.lines()) {
                    let (text, by_schema, by_postgres) = (json(&pair[0]), pair[1] == true, verdict == "taken");
                    let says =
                        |what: &str| beyond.iter().any(|told| told.starts_with(&format!("`public.{table}`: {what}")));
                    let is_beyond = verdict == "beyond"
                        || says(&format!("`{column}`: whether it is"))
                        || verdict
                            .strip_prefix("refused by ")
                            .is_some_and(|name| !name.is_empty() && says(&format!("`{column}`: the check `{name}`")));
                    count.values += 1;
                    let shown = || format!("{table}.{column}: {text} {verdict}");
                    if by_schema && !by_postgres && !is_beyond {
                        count.unsound.push(shown());
                    }
                    if by_postgres && !by_schema && of.is_of_kind(text) {
                        count.strict.entry(of.why_refused(text)).or_default().push(shown());
                    }
                }
            }
        }
    }
}

/// Of each value whether Postgres takes it.
fn ask(
    session: &mut Session,
    table: &str,
    columns: &str,
    base: &str,
    column: &str,
    given: &[&serde_json::Value],
) -> String {
    let list = serde_json::Value::Array(given.iter().map(|value| (*value).clone()).collect()).to_string();
    let mut base: serde_json::Map<String, serde_json::Value> = serde_json::from_str(base).expect("a row");
    base.remove(column);
    let quoted = [table, columns, &serde_json::Value::Object(base).to_string(), column, &list];
    let args: Vec<&(dyn postgres::types::ToSql + Sync)> = quoted.iter().map(|text| text as _).collect();
    let answer: String =
        session.query_one("select tried.try($1, $2, $3, $4, ($5::text)::jsonb)", &args).expect("an answer").get(0);
    session.batch_execute(&format!("truncate tried.{0}, said.{0}", quote::ident(table))).expect("it empties");
    assert_eq!(answer.lines().count(), given.len());
    answer
}
