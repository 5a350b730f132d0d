//! What specc writes stands before its own linter.

#![allow(clippy::disallowed_methods)]

use specc_diag::{RenderOptions, Severity};
use specc_lint::{Options, RULES, lint, text};
use specc_postgres::shared;
use specc_tests::{Layout, VERSIONS, root, spec, specs};
use std::fs;

/// Findings in first migrations, each with the reason why it stays: the code, and a part of what is said.
const FIRST: [(&str, &str, &str); 2] = [
    ("L021", "`auth.users`", "`specc apply` waits three seconds where a file does not say"),
    ("L021", "`storage.objects`", "the same"),
];

#[test]
fn first_migrations() {
    let mut wrong = Vec::new();
    for name in specs() {
        let built = spec(&name);
        let exposed = if built.layout() == Layout::Supabase { vec!["public".into()] } else { Vec::new() };
        let mut report = lint(&built.migrations(), &Options { all: true, exposed });
        assert!(report.statements > 50, "{name}: {} statements", report.statements);
        report.findings.retain(|finding| {
            let known =
                |(code, part, _): &(&str, &str, &str)| *code == finding.rule.code && finding.message.contains(part);
            finding.level != Severity::Advice && !FIRST.iter().any(known)
        });
        if !report.findings.is_empty() {
            wrong.push(format!("{name}:\n{}", text(&report, RenderOptions::default())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What may be found in a change that was not asked for with `--offline-ok`.
const CHANGE: [(&str, &str); 13] = [
    ("L002", "the build says itself that it fails where there are rows"),
    ("L004", "the old type is in a migration that is not looked at here; it is known to be free"),
    ("L011", "an index that a reference held goes in the moment in which that does"),
    ("L018", "a new partition is made in place"),
    ("L021", "`specc apply` waits three seconds where a file does not say"),
    ("L022", "the author asked for it"),
    ("L024", "a partition is detached at once"),
    ("L026", "the author asked for it"),
    ("L030", "the author asked for it"),
    ("L031", "the author asked for it"),
    ("L034", "what depends on it is dropped by name before"),
    ("L053", "the condition is taken as the author wrote it"),
    ("L058", "the author asked for it"),
];

/// What may be found where `--allow-data-loss` was given.
const LOSS: [(&str, &str); 3] = [
    ("L020", "a materialized view is made anew with what it reads"),
    ("L032", "the rows may be lost"),
    ("L033", "the values may be lost"),
];

/// What may be found where `--offline-ok` was given: that somebody waits.
const OFFLINE: [&str; 13] =
    ["L001", "L003", "L004", "L005", "L006", "L008", "L009", "L010", "L011", "L016", "L019", "L020", "L022"];

/// What a file of SQL does not say by itself: that a function which another file made is stable, that a column is
/// generated and loses nothing that was written to it, that the author wrote a condition which always holds, or a block of
/// SQL that makes an index.
const NOT_IN_THE_FILE: [(&str, &str); 6] = [
    ("column_add_default_of_own_function", "L001"),
    ("extension_whose_function_a_generated_column_calls", "L033"),
    ("index_that_a_block_makes", "L010"),
    ("policy_in_sql_over_a_view", "L052"),
    ("sql_block_over_a_column_that_changes_its_type", "L010"),
    ("sql_block_over_a_column_that_changes_its_type", "L020"),
];

#[test]
fn changes() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let folders = fs::read_dir(root().join("tests/changes")).expect("the cases");
    for dir in folders.map(|entry| entry.expect("a folder").path()) {
        let Ok(up) = fs::read_to_string(dir.join("up.sql")) else { continue };
        let options = fs::read_to_string(dir.join("options.toml")).unwrap_or_default();
        let options: toml::Table = options.parse().expect("options");
        let is = |option: &str| options.get(option).and_then(toml::Value::as_bool).unwrap_or_default();
        let supabase = options.get("target").and_then(toml::Value::as_str) == Some("supabase");
        let exposed = if supabase { vec!["public".into()] } else { Vec::new() };
        let report = lint(&files(&up), &Options { all: false, exposed });
        cases += 1;
        for finding in report.findings.iter().filter(|finding| finding.level != Severity::Advice) {
            let code = finding.rule.code;
            let expected = CHANGE.iter().any(|(known, _)| *known == code)
                || (is("allow_data_loss") && LOSS.iter().any(|(known, _)| *known == code))
                || (is("offline") && OFFLINE.contains(&code))
                || NOT_IN_THE_FILE.iter().any(|(case, known)| dir.ends_with(case) && *known == code);
            if !expected {
                wrong.push(format!("{}: {code} {}", dir.display(), finding.message));
            }
        }
    }
    assert!(cases > 250, "{cases} cases");
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files that stand in one snapshot, each behind a line with its name.
fn files(up: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in up.split_inclusive('\n') {
        let name = line.trim().strip_prefix("-- ").filter(|name| name.ends_with(".sql") && name.starts_with("2026"));
        match (name, files.last_mut()) {
            (Some(name), _) => files.push((name.into(), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => panic!("no name before {line:?}"),
        }
    }
    files
}

/// A table with rows, as an earlier migration made it.
const TABLE: &str = "create extension if not exists citext;
create domain positive as int check (value > 0);
create domain plain as int;
create type mood as enum ('calm');
create table t (
  id int generated by default as identity primary key,
  code varchar(20),
  name text,
  price numeric(10, 2),
  n int,
  local timestamp,
  at timestamptz,
  moody mood,
  tags text[],
  short varchar(10)[],
  prices numeric(10, 2)[],
  times timestamptz(3)[],
  chars char(3)[],
  bits varbit(8),
  ip cidr,
  ci citext,
  dom positive,
  plained plain,
  fixed bit(8),
  stored int generated always as (id + 1) stored
);
";

/// Actions on it; those of later versions are refused by earlier ones.
const ACTIONS: [&str; 98] = [
    "add column x int",
    "add column x int default 1",
    "add column x int not null default 1 + 2",
    "add column x timestamptz default now()",
    "add column x timestamptz default current_timestamp not null",
    "add column x date default current_date",
    "add column x text default lower('A')",
    "add column x timestamp default timezone('utc', now())",
    "add column x timestamptz default date_trunc('day', now())",
    "add column x varchar(5) default 'a'::varchar(5)",
    "add column x text[] default '{}'",
    "add column x text[] default array['a', 'b']",
    "add column x jsonb default jsonb_build_object('a', 1)",
    "add column x text default current_user",
    "add column x uuid default gen_random_uuid()",
    "add column x timestamptz default clock_timestamp()",
    "add column x float8 default random()",
    "add column x int default (random() * 10)::int",
    "add column x int default nextval('t_id_seq')",
    "add column x serial",
    "add column x bigserial",
    "add column x bigint generated always as identity",
    "add column x int generated always as (n * 2) stored",
    "add column x int generated always as (n * 2) virtual",
    "add column x positive",
    "add column x positive default 1",
    "add column x plain",
    "add column x mood default 'calm'",
    "add x int, add y uuid default gen_random_uuid()",
    "alter code type varchar(40)",
    "alter code type varchar(10)",
    "alter code type varchar",
    "alter code type text",
    "alter code type char(20)",
    "alter name type varchar",
    "alter name type varchar(100)",
    "alter name type jsonb using name::jsonb",
    "alter name set data type text",
    "alter name type text collate \"C\"",
    "alter price type numeric(12, 2)",
    "alter price type decimal",
    "alter price type numeric(12, 4)",
    "alter price type numeric(8, 2)",
    "alter price type float8",
    "alter n type integer",
    "alter n type bigint",
    "alter n type text",
    "alter n type positive",
    "alter at type date",
    "alter at type timestamp(3) with time zone",
    "alter local type timestamp(3)",
    "alter moody type text",
    "alter tags type varchar[]",
    "alter short type varchar(20)[]",
    "alter short type varchar[]",
    "alter short type text[]",
    "alter prices type numeric(12, 2)[]",
    "alter prices type numeric[]",
    "alter times type timestamptz[]",
    "alter chars type char[]",
    "alter bits type varbit(16)",
    "alter bits type varbit(4)",
    "alter ip type inet",
    "add column x text default cast('x' as text)",
    "add column x int default length('abc')",
    "add column x text default format('%s', 'a')",
    "add column x text default concat('a', 'b')",
    "add column x tstzrange default tstzrange(now(), null)",
    "add column x interval default age(now(), now())",
    "add column x text default concat('a', random())",
    "add column x interval default age(clock_timestamp(), now())",
    "add column x uuid default cast(gen_random_uuid() as uuid)",
    "alter code type text using code || ''",
    "alter code type text using lower(code)",
    "alter code type text using (code)",
    "alter code type text using code::text",
    "alter code type text using cast(code as text)",
    "alter code type varchar(40) using code::text",
    "alter code type varchar(40) using code::varchar(40)",
    "alter code type varchar using code::text",
    "alter code type text using name",
    "alter code type citext",
    "alter ci type text",
    "alter ci type varchar",
    "alter dom type int",
    "alter dom type bigint",
    "alter plained type int",
    "alter n type plain",
    "alter n type oid",
    "alter fixed type varbit",
    "alter fixed type bit(9)",
    "alter bits type bit(8)",
    "alter bits type bit varying",
    "set unlogged",
    "set (fillfactor = 80)",
    "alter name set statistics 100, alter name set storage external",
    "alter n set default 3",
    "alter stored set expression as (id + 2)",
];

/// What the linter says is written anew is what Postgres writes anew.
#[test]
fn rewrites_are_those_of_postgres() {
    let mut wrong = Vec::new();
    for major in VERSIONS {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        session.batch_execute(TABLE).expect("the table");
        session.batch_execute("insert into t (name, n) select '1', 1 from generate_series(1, 10)").expect("rows");
        let mut refused = Vec::new();
        for action in ACTIONS {
            let sql = format!("alter table t {action};\n");
            let file = "select pg_relation_filenode('t')";
            let before: u32 = session.query_one(file, &[]).expect("a file").get(0);
            session.batch_execute("begin").expect("a transaction");
            let done = session.batch_execute(&sql);
            let after = done.is_ok().then(|| session.query_one(file, &[]).expect("a file").get::<_, u32>(0));
            session.batch_execute("rollback").expect("the end of it");
            let Some(after) = after else {
                refused.push(action);
                continue;
            };
            let files = [("1.sql".to_string(), TABLE.to_string()), ("2.sql".into(), sql)];
            let report = lint(&files, &Options { all: false, exposed: Vec::new() });
            let says = report.findings.iter().any(|finding| {
                matches!(finding.rule.code, "L001" | "L004" | "L016") && !finding.message.contains("collation")
            });
            if says != (before != after) {
                wrong.push(format!(
                    "{major}: {action}: Postgres {}",
                    if says { "does not rewrite" } else { "rewrites" }
                ));
            }
        }
        let newer = ["add column x int generated always as (n * 2) virtual", "alter stored set expression as (id + 2)"];
        assert_eq!(refused, if major < 17 { &newer[..] } else { &[] }, "{major} refuses what is new");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the cases and the pages are made of is SQL to Postgres too: whatever is missing, nothing is misspelled.
#[test]
fn cases_and_pages_are_sql() {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut folders = vec![root().join("tests/lint")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a case").path()) {
            let name = path.display().to_string();
            match path.extension().is_some_and(|ending| ending == "sql") {
                _ if path.is_dir() => folders.push(path),
                true if !name.contains("l000") => texts.push((name, fs::read_to_string(&path).expect("a case"))),
                _ => {}
            }
        }
    }
    for rule in RULES.iter().filter(|rule| rule.code != "L070") {
        let page = rule.page();
        for block in page.split("```sql\n").skip(1) {
            texts.push((rule.code.into(), block.split("```").next().unwrap_or_default().into()));
        }
    }
    assert!(texts.len() > 120, "{} texts", texts.len());
    let spellings = fs::read_to_string(root().join("crates/lint/tests/found.txt")).expect("the spellings");
    for line in spellings.lines().filter(|line| !line.starts_with('#') && !line.contains("stdout")) {
        texts.extend(line.split_once(' ').map(|(code, sql)| (code.to_owned(), sql.to_owned())));
    }
    let db = shared(18).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    session.batch_execute("set client_min_messages = error").expect("quiet");
    let mut wrong = Vec::new();
    for (name, text) in texts {
        for piece in specc_split::split(&text).expect("statements") {
            if let Err(error) = session.batch_execute(piece.text)
                && error.code() == Some(&postgres::error::SqlState::SYNTAX_ERROR)
            {
                wrong.push(format!("{name}: {}\n  {error:?}", piece.text));
            }
        }
        let _ = session.batch_execute("rollback; reset all");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables as earlier migrations made them.
const TABLES: &str = "create table u (id int primary key);
create table t (id int primary key, n int, name text, at timestamptz);
alter table t add constraint c check (n > 0) not valid;
alter table t add constraint t_n_fkey foreign key (n) references u not valid;
create unique index t_n_idx on t (n);
create policy p on t using (true);
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger g before insert on t for each row execute function f();
create table parts (id int) partition by range (id);
create table part partition of parts for values from (1) to (10);
create table loose (id int);
create materialized view totals as select n from t;
create view names with (security_invoker = true) as select name from t;
create rule kept as on update to u do also notify x;
create type pair as (a int, b int);
create table typed of pair;
create domain d as int;
create table narrow (id d);
";

const STATEMENTS: [&str; 86] = [
    "alter table t add column x int",
    "alter table t add column x int references u",
    "alter table t drop column name cascade",
    "alter table t alter column n set default 1",
    "alter table t alter column n set not null",
    "alter table t alter column n set statistics 10",
    "alter table t alter column n set (n_distinct = 5)",
    "alter table t set (fillfactor = 80)",
    "alter table t alter column name set storage external",
    "alter table t validate constraint c",
    "alter table t validate constraint t_n_fkey",
    "alter table t add constraint d check (n > 1) not valid",
    "alter table t add constraint d foreign key (id) references u not valid",
    "alter table t add constraint d foreign key (id) references u",
    "alter table t add constraint d unique (id)",
    "alter table t add constraint d unique using index t_n_idx",
    "alter table t drop constraint c",
    "alter table t rename constraint c to d",
    "alter table t rename column n to m",
    "alter table t rename to w",
    "alter table t owner to current_user",
    "alter table t replica identity full",
    "alter table t enable row level security",
    "alter table t force row level security",
    "alter table t disable trigger g",
    "alter table t cluster on t_pkey",
    "alter table parts attach partition loose for values from (10) to (20)",
    "alter table parts detach partition part",
    "create table new (id int references u)",
    "create table new partition of parts for values from (20) to (30)",
    "create table new (like t including all)",
    "create table new as select * from t",
    "create index on t (name)",
    "drop index t_n_idx",
    "drop table loose",
    "truncate loose",
    "lock table t in access exclusive mode",
    "create policy q on t for select using (true)",
    "alter policy p on t using (false)",
    "drop policy p on t",
    "create trigger h after insert on t for each row execute function f()",
    "create view w as select n from t",
    "create materialized view w as select n from t",
    "refresh materialized view totals",
    "cluster t using t_pkey",
    "reindex table t",
    "comment on table t is 'x'",
    "comment on column t.n is 'x'",
    "analyze t",
    "create statistics s on n, name from t",
    "grant select on t to public",
    "insert into t values (1)",
    "update t set n = 2 where id = 1",
    "delete from t where id = 1",
    "create function k() returns int language sql return 1",
    "alter index t_n_idx rename to t_m_idx",
    "create rule r as on delete to t do instead nothing",
    "drop trigger g on t",
    "alter trigger g on t rename to h",
    "drop rule kept on u",
    "alter rule kept on u rename to held",
    "lock t",
    "lock table t in access share mode",
    "lock table t in row share mode",
    "lock table t in row exclusive mode",
    "lock table t in share update exclusive mode",
    "lock table t in share mode",
    "lock table t in share row exclusive mode",
    "lock table only t in exclusive mode nowait",
    "create or replace view names with (security_invoker = true) as select name from t",
    "alter view names set (security_invoker = false)",
    "alter view names set (security_barrier = true)",
    "alter view names reset (security_invoker)",
    "alter view names rename to titles",
    "alter view names alter column name set default 'x'",
    "drop view names",
    "drop materialized view totals",
    "alter materialized view totals rename to sums",
    "refresh materialized view totals with no data",
    "reindex index t_n_idx",
    "reindex (concurrently false) table t",
    "alter domain d add check (value > 1)",
    "alter domain d set not null",
    "alter type pair add attribute z int cascade",
    "drop type pair cascade",
    "drop function f() cascade",
];

/// Who waits by the linter is who waits by Postgres's own list of locks.
#[test]
fn locks_are_those_of_postgres() {
    let strongest = "select coalesce(max(case l.mode when 'AccessExclusiveLock' then 2
                when 'ShareLock' then 1 when 'ShareRowExclusiveLock' then 1 when 'ExclusiveLock' then 1 else 0 end), 0)
         from pg_locks l join before b on b.oid = l.relation where l.pid = pg_backend_pid()";
    let mut wrong = Vec::new();
    for major in VERSIONS {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        session.batch_execute(TABLES).expect("the tables");
        session
            .batch_execute("create table before as select oid from pg_class where relkind in ('r', 'p', 'm', 'v') and relnamespace = 'public'::regnamespace")
            .expect("what there is");
        for statement in STATEMENTS {
            session.batch_execute("begin").expect("a transaction");
            session.batch_execute(statement).unwrap_or_else(|error| panic!("{major}: {statement}: {error:?}"));
            let measured: i32 = session.query_one(strongest, &[]).expect("the locks").get(0);
            session.batch_execute("rollback").expect("the end of it");
            let files = [("1.sql".to_string(), TABLES.to_string()), ("2.sql".into(), format!("{statement};\n"))];
            let report = lint(&files, &Options { all: false, exposed: Vec::new() });
            let second = |finding: &&specc_lint::Finding| finding.rule.code == "L021" && finding.span().file.0 == 1;
            let said =
                report.findings.iter().find(second).map_or(0, |f| if f.message.contains("reads") { 2 } else { 1 });
            if said != measured {
                wrong.push(format!("{major}: {statement}: {measured} by Postgres, {said} by the linter"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
