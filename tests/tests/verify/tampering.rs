//! Migrations that somebody tampered with: each kind of tampering in several files, and every one is noticed.

use super::{private, project, proved, written};
use specc_catalog::checksum;
use specc_migrate::{Prediction, Record, statement_checksum};
use specc_postgres::{load_sql, shared};
use specc_runner::Migration;
use specc_sql::Lock;
use specc_verify::{Report, Said, Server};

const BEFORE: &str = "
role tampered_reader
role tampered_writer
enum state { open, closed }
sequence numbers: bigint { start 1000 increment 1 }
function twice(n: int) -> int immutable as $$ select n + n $$
entity shops { id: int key identity, name: text, code: text, unique (code), rls off }
entity items {
  id:      int key
  shop_id  -> shops? on delete cascade
  title:   text
  n:       int
  state:   state = 'open'
  index (title)
  rls off
}
materialized view sizes as $$
  select n, count(*) as many from public.items group by n
$$ {
  unique index (n)
}
seed base {
  shops { id: 1, name: 'one', code: 'a' }
  shops { id: 2, name: 'two', code: 'b' }
}
";

/// A change of one file: a column and rows.
fn small() -> String {
    BEFORE
        .replace("name: text, code", "name: text, note: text?, code")
        .replace("code: 'b' }", "code: 'b' }\n  shops { id: 3, name: 'three', code: 'c' }")
}

/// A change of several files: a fill, a check and an index too.
fn large() -> String {
    small()
        .replace("  n:       int\n", "  n:       int\n  size:    int backfill (length(title))\n")
        .replace("index (title)", "index (title), index (n), check n_is_small: n < 1000000")
}

/// SQL that somebody adds, and what it is about.
const ADDED: &[(&str, &str)] = &[
    ("a sequence stands elsewhere", "select pg_catalog.setval('public.numbers', 5000)"),
    ("an identity stands elsewhere", "select pg_catalog.setval('public.shops_id_seq', 7000)"),
    ("rows get another value", "update public.shops set name = name || '!'"),
    ("rows are gone", "delete from public.shops where id = 1"),
    ("rows are more", "insert into public.shops (id, name, code) overriding system value values (900, 'x', 'x')"),
    ("a role may more", "alter role tampered_reader createdb"),
    ("a role is a member", "grant tampered_writer to tampered_reader"),
    (
        "the database has a setting",
        "do $x$ begin execute format('alter database %I set work_mem = ''8MB''', current_database()); end $x$",
    ),
    (
        "a role has a setting in the database",
        "do $x$ begin execute format('alter role tampered_reader in database %I set work_mem = ''8MB''', current_database()); end $x$",
    ),
    ("a materialized view is empty", "refresh materialized view public.sizes with no data"),
    ("the search path stays", "set search_path = pg_catalog"),
    ("a time limit stays", "set statement_timeout = '1h'"),
    ("a role stays", "set role tampered_reader"),
    ("a temporary table stays", "create temporary table left_over (id int)"),
    ("a lock is taken", "lock table public.items in access exclusive mode"),
    (
        "a table is written anew there and back",
        "alter table public.items alter n type bigint, alter title type varchar(9999); alter table public.items alter n type int, alter title type text",
    ),
    ("a table is more", "create table public.more (id int)"),
    ("a column is more", "alter table public.items add column more int"),
    ("an index is more", "create index more on public.items (state)"),
    ("a check is more", "alter table public.items add constraint more check (n < 2000000)"),
    ("a right is more", "grant select on public.items to public"),
    ("a comment is more", "comment on table public.items is 'more'"),
    ("a trigger is off", "alter table public.items disable trigger all"),
    ("a default is more", "alter table public.items alter n set default 4"),
    ("a table has a setting", "alter table public.items set (fillfactor = 50)"),
    ("a column is counted otherwise", "alter table public.items alter n set statistics 17"),
    ("a table follows an index", "alter table public.items cluster on items_pkey"),
    ("statistics are more", "create statistics public.more on n, state from public.items"),
    ("a rule is more", "create rule more as on delete to public.items do also notify more"),
    ("a view is more", "create view public.more as select 1 as one"),
    (
        "a function is another",
        "create or replace function public.twice(n int) returns int language sql immutable as 'select n * 3'",
    ),
    ("a type is more", "create type public.more as (a int)"),
    ("a domain is more", "create domain public.more as int check (value > 0)"),
    ("a collation is more", "create collation public.more from \"C\""),
    ("a text search is more", "create text search configuration public.more (copy = simple)"),
    ("row security is on", "alter table public.items enable row level security"),
    ("rights of what comes later", "alter default privileges in schema public grant select on tables to public"),
];

/// Where it is added.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// In the file.
    File,
    /// In the file, and its plan says that it belongs there.
    Planned,
    /// In the way back.
    Down,
}

/// What nobody could see at this place, and why.
const NOTHING: &[(&str, Place, &str)] = &[(
    "a lock is taken",
    Place::Down,
    "it goes with its transaction, and plans say nothing of the locks of a way back",
)];

/// What is done to the text of a file: a part of it and what stands there instead. Empty where the file has no such part.
const REPLACED: &[(&str, &str, &str)] = &[
    ("a fill gives another value", "set size = length(title)", "set size = length(title) + 1"),
    ("a check is made at once", " not valid", ""),
    ("an index is built at once", "create index concurrently", "create index"),
    ("a seed has another value", "'three'", "'tree'"),
    ("a seed of the first file has another value", "'two'", "'deux'"),
    ("a time limit is another", "set lock_timeout = '3s'", "set lock_timeout = '9s'"),
    ("a time limit stays for good", "reset lock_timeout;", ""),
    (
        "columns stand in another order",
        "title text not null,\n  n integer not null",
        "n integer not null,\n  title text not null",
    ),
    (
        "columns stand in another order",
        "title text not null,\n  n int not null",
        "n int not null,\n  title text not null",
    ),
    ("a right is missing", "grant ", "-- grant "),
    ("a default is another", "default 'open'", "default 'closed'"),
    ("a reference is another", "on delete cascade", "on delete restrict"),
    ("a body is another", "select n + n", "select n + n + 1"),
    ("a sequence starts elsewhere", "start with 1000", "start with 1001"),
    ("a sequence starts elsewhere", "start 1000", "start 1001"),
];

type Project = Vec<(Migration, Said)>;

fn records(all: &[(Migration, Record)]) -> Project {
    all.iter().cloned().map(|(migration, record)| (migration, Said::Build(record))).collect()
}

fn add(all: &[(Migration, Record)], at: usize, place: Place, sql: &str) -> Option<Project> {
    let mut all = all.to_vec();
    let (migration, record) = &mut all[at];
    match place {
        Place::File | Place::Planned => migration.up.text.push_str(&format!("\n{sql};\n")),
        Place::Down => {
            let down = migration.down.as_mut()?;
            // A later file of a change has nothing to take back.
            if !down.text.lines().any(|line| !line.is_empty() && !line.starts_with("--")) {
                return None;
            }
            down.text.push_str(&format!("\n{sql};\n"));
        }
    }
    if place == Place::Planned {
        record.statements.push(Prediction { lines: 1, sum: statement_checksum(sql), ..Prediction::default() });
        record.sum = checksum(&migration.up.text);
    }
    Some(records(&all))
}

/// A project of two builds.
struct Built {
    dir: tempfile::TempDir,
    text: String,
    all: Vec<(Migration, Record)>,
}

impl Built {
    fn new(after: String) -> Self {
        let dir = project(&[BEFORE, &after]);
        let all = written(dir.path());
        Self { dir, text: after, all }
    }

    fn prove(&self, server: &Server, project: &Project) -> Report {
        proved(server, self.dir.path(), &self.text, project, 5)
    }
}

/// What it is, and the project with it.
type Case = (String, Project);

/// What somebody adds, in several places.
fn added(all: &[(Migration, Record)]) -> Vec<Case> {
    let mut cases = Vec::new();
    let change = all.len() - 1;
    let places = [(change - 1, Place::File), (change, Place::File), (change, Place::Planned), (change, Place::Down)];
    for (n, (what, sql)) in ADDED.iter().enumerate() {
        for (at, place) in places {
            // One of both for each.
            if place == Place::File && (n % 2 == 0) != (at < change) {
                continue;
            }
            if NOTHING.iter().any(|(known, at, _)| known == what && *at == place) {
                continue;
            }
            if let Some(project) = add(all, at, place, sql) {
                cases.push((format!("{what}: {place:?} {}", all[at].0.title()), project));
            }
        }
    }
    cases
}

/// What somebody writes in place of something else, and what is wrong with plans.
fn edited(all: &[(Migration, Record)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, part, instead) in REPLACED {
        for (at, (migration, _)) in all.iter().enumerate() {
            if migration.up.text.contains(part) {
                let mut edited = all.to_vec();
                edited[at].0.up.text = migration.up.text.replacen(part, instead, 1);
                cases.push((format!("{what}: {}", migration.title()), records(&edited)));
            }
        }
    }
    for (at, (migration, record)) in all.iter().enumerate() {
        let name = migration.title();
        let mut case = |what: &str, said: Said| {
            let mut project = records(all);
            project[at].1 = said;
            cases.push((format!("{what}: {name}"), project));
        };
        let edited = |edit: &dyn Fn(&mut Vec<Prediction>)| {
            let mut record = record.clone();
            edit(&mut record.statements);
            Said::Build(record)
        };
        let path = format!("specc/plans/{name}.json");
        // Each for a part of the files: they are proved in the same way.
        match at % 3 {
            0 => case("the plan is missing", Said::Unreadable { path, why: "is missing".into() }),
            1 => case("the plan is empty", Said::Build(Record::default())),
            _ => {
                let more = Prediction { lines: 1, sum: statement_checksum("select 1"), ..Prediction::default() };
                case("the plan has a statement more", edited(&|all| all.push(more.clone())));
            }
        }
        // Locks of ordinary reading and writing are not counted; what runs outside a transaction has let go of its locks before
        // anybody looks.
        let is_strong = |words: &str| Lock::from_words(words).is_some_and(|lock| lock >= Lock::ShareUpdateExclusive);
        let strong =
            |said: &Prediction| said.locks.iter().find(|(_, words)| is_strong(words)).map(|(on, _)| on.clone());
        let is_seen = migration.script().is_ok_and(|script| script.transaction);
        if let Some(table) = record.statements.iter().find_map(strong).filter(|_| is_seen) {
            let forget = |all: &mut Vec<Prediction>| all.iter_mut().for_each(|said| _ = said.locks.remove(&table));
            case("the plan says nothing of a table", edited(&forget));
        }
    }
    cases
}

/// Proves these, and names each in which nothing was found.
fn unnoticed(built: &Built, cases: impl IntoIterator<Item = Case>) -> Vec<String> {
    let server = private();
    let show = std::env::var_os("SHOW").is_some();
    let mut missed = Vec::new();
    for (what, project) in cases {
        let report = built.prove(&server, &project);
        if show {
            println!("{what}\n{:#?}", report.findings);
        }
        if report.findings.is_empty() {
            missed.push(what);
        }
        // They belong to the server, not to the database.
        let above = shared(15).empty_database().expect("a database");
        let mut above = above.connect_superuser().expect("a session");
        load_sql(&mut above, "drop role if exists tampered_reader, tampered_writer").expect("nothing needs them");
    }
    missed
}

/// One in so many.
fn sample(cases: Vec<Case>) -> impl Iterator<Item = Case> {
    cases.into_iter().skip(7).step_by(20)
}

#[test]
fn what_somebody_tampered_with_is_noticed() {
    let (small, large) = (Built::new(small()), Built::new(large()));
    for built in [&small, &large] {
        let report = built.prove(&private(), &records(&built.all));
        assert_eq!(super::said(&report), [""; 0], "as it was written, nothing is wrong");
    }
    let (added, edited) = (added(&small.all), edited(&large.all));
    assert!(added.len() + edited.len() >= 120, "{} and {} cases", added.len(), edited.len());
    assert_eq!(unnoticed(&small, sample(added)), [""; 0]);
    assert_eq!(unnoticed(&large, sample(edited)), [""; 0]);
}

/// `TAMPERED` chooses by words.
#[test]
#[ignore = "takes minutes: every tampering"]
fn every_tampering_is_noticed() {
    let (small, large) = (Built::new(small()), Built::new(large()));
    let (added, edited) = (added(&small.all), edited(&large.all));
    println!("{} tampered migrations", added.len() + edited.len());
    let wanted = std::env::var("TAMPERED").unwrap_or_default();
    let chosen = |cases: Vec<Case>| cases.into_iter().filter(|(what, _)| what.contains(&wanted)).collect::<Vec<_>>();
    let mut missed = unnoticed(&small, chosen(added));
    missed.extend(unnoticed(&large, chosen(edited)));
    assert_eq!(missed, [""; 0]);
}
