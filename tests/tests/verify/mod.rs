//! `specc verify` finds nothing wrong with what a build writes, and everything wrong that somebody puts in.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod tampering;

use specc_catalog::{Catalog, Entry};
use specc_migrate::{Prediction, Record, statement_checksum};
use specc_model::{Options, Target};
use specc_postgres::{Address, shared};
use specc_runner::{File, Migration, Migrations};
use specc_tests::build::{Layout, STAMP, files, run_build, write_project};
use specc_tests::texts;
use specc_verify::{Input, Limits, Report, Said, Scratch, Server, TIME, verify};
use std::path::Path;
use std::time::Duration;

const FIRST: &str = "
enum state { open, closed }
entity shops { id: int key, name: text, code: text, unique (code), rls off }
entity items {
  id:      bigint  key identity
  shop_id  -> shops on delete cascade
  parent_id -> items?
  title:   text
  slug:    text
  price:   numeric(8, 2)
  n:       int
  email:   text?
  state:   state = 'open'
  starts:  timestamptz
  ends:    timestamptz
  tags:    text[] = '{}'
  \"c#\":    text
  check colour_is_known: \"c#\" in ('#f00', '#0f0')
  check price_is_positive: price > 0
  check slug_is_a_slug: slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
  check ends_later: ends > starts
  check email_has_an_at: email ~ '^[^@]+@[^@]+$'
  unique (shop_id, slug)
  index (title)
  rls off
}
";

/// The first build's spec with a column that moves, one that is required, a check, a reference, a key and an index more.
fn second() -> String {
    FIRST
        .replace("n:       int\n", "n:       bigint\n  size:    int backfill (length(title))\n")
        .replace("index (title)", "index (title), index (starts desc), check n_is_small: n < 1000000")
        .replace("name: text, code: text", "name: text, code: text, note: text = 'none'")
}

/// A project for plain Postgres that was built from each of the texts in turn.
fn project(texts: &[&str]) -> tempfile::TempDir {
    project_for(Layout::Postgres, texts)
}

fn project_for(layout: Layout, texts: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (n, text) in texts.iter().enumerate() {
        write_project(dir.path(), layout, text);
        let stamp = format!("2026010{}000000", n + 1);
        if n == 0 {
            assert!(stamp == STAMP);
            run_build(dir.path(), dir.path());
        } else {
            let path = dir.path().to_string_lossy().into_owned();
            let code = specc::run(["specc", "build", "--project", &path, "--stamp", &stamp, "--allow-data-loss"]);
            assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
        }
    }
    dir
}

fn read(dir: &Path, folder: &str, end: &str) -> Vec<File> {
    let found = files(&dir.join(folder)).into_iter().filter(|(name, _)| name.ends_with(end));
    found.map(|(path, bytes)| File { path, text: String::from_utf8(bytes).expect("UTF-8") }).collect()
}

fn spec(target: Target, text: &str) -> Catalog {
    let mut sources = specc_diag::Sources::new();
    let file = sources.add("case.dbspec", text.to_owned());
    let options = Options { target, ..Options::default() };
    let (model, found) = specc_model::analyze(vec![specc_syntax::parse(file, text).0], &mut sources, options);
    assert!(!specc_diag::has_errors(&found), "{found:?}");
    let mut catalog = specc_lower::lower(&model).0;
    for seed in specc_seed::generate(&model, "base") {
        catalog.insert(Entry::new(seed));
    }
    catalog
}

/// The project's migrations, with what the build said of them.
fn written(dir: &Path) -> Vec<(Migration, Record)> {
    let ups = [read(dir, "migrations", ".sql"), read(dir, "supabase/migrations", ".sql")].concat();
    let migrations = Migrations::new(ups, read(dir, "specc/down", ".sql")).expect("pairs");
    let plans = read(dir, "specc/plans", ".json");
    let said = |migration: &Migration| {
        let file = format!("{}.json", migration.title());
        let plan = plans.iter().find(|plan| plan.path == file).expect("each file has its plan");
        Record::read(&plan.text).expect("JSON")
    };
    migrations.all.into_iter().map(|migration| (migration.clone(), said(&migration))).collect()
}

/// Proves the project's migrations after `edit` has had its way with them.
fn prove(server: &Server, dir: &Path, text: &str, edit: impl Fn(&mut Migration, &mut Record)) -> Report {
    let mut all = written(dir);
    all.iter_mut().for_each(|(migration, said)| edit(migration, said));
    let all: Vec<_> = all.into_iter().map(|(migration, said)| (migration, Said::Build(said))).collect();
    proved(server, dir, text, &all, 100)
}

/// Proves these migrations of the project.
fn proved(server: &Server, dir: &Path, text: &str, all: &[(Migration, Said)], rows: usize) -> Report {
    let stored = specc_catalog::from_json(&read(dir, "specc", "catalog.json")[0].text).expect("a catalog");
    let target = if dir.join("supabase").is_dir() { Target::Supabase } else { Target::Postgres };
    let catalog = spec(target, text);
    let input = Input { migrations: all, catalog: &catalog, stored: Some(&stored), rows, patience: PATIENCE };
    verify(server, &input, Limits::of(TIME)).expect("a report")
}

/// What others may wait on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(4);

fn private() -> Server {
    Server::Private(Scratch::start(Some(15), false).expect("a server"))
}

fn said(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.what.as_str()).collect()
}

/// Its own tables nobody uses yet; those of the platform others do.
#[test]
fn a_first_migration_says_what_it_does_to_tables_of_others() {
    let text = "entity notes { id: int key identity, owner_id -> auth.users on delete cascade, index (id), rls off }
        entity lists { id: int key identity, note_id -> notes, rls off }";
    let dir = project_for(Layout::Supabase, &[text]);
    let locks = |record: &Record| record.statements.iter().flat_map(|one| one.locks.clone()).collect::<Vec<_>>();
    let all: Vec<_> = written(dir.path()).iter().flat_map(|(_, record)| locks(record)).collect();
    let lock = ("auth.users".to_owned(), "share row exclusive".into());
    assert_eq!(all, [lock.clone(), lock], "the reference, and that its lock is taken first");
    let server = Server::Private(Scratch::start(Some(15), true).expect("a server"));
    assert_eq!(said(&prove(&server, dir.path(), text, |_, _| {})), [""; 0]);
    let report = prove(&server, dir.path(), text, |_, record| record.statements.clear());
    let all = said(&report);
    let wanted = "auth.users: said no lock, is share row exclusive";
    assert!(!all.is_empty() && all.iter().all(|what| what.starts_with(wanted)), "{all:?}");
}

#[test]
fn what_a_build_writes_is_proved() {
    let second = second();
    let dir = project(&[FIRST, &second]);
    let report = prove(&private(), dir.path(), &second, |_, _| {});
    assert_eq!(said(&report), [""; 0], "{:?}", report.notes);
    assert_eq!(report.notes, [""; 0]);
    assert_eq!((report.tables, report.rows), (2, 200), "every table is full");
    assert!(report.migrations.len() > 3, "the change takes several files: {:?}", report.migrations);
    let predicted: usize = report.migrations.iter().map(|proved| proved.predicted).sum();
    assert!(predicted > 5, "{predicted} statements were held against what was said");
    let last = report.migrations.last().expect("a migration");
    assert!(last.read_stall.is_some() && last.write_stall.is_some(), "others were at work: {last:?}");
}

/// What everyone may call, rows of the spec beside made-up ones, a circle of references, and what a later change loses.
#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let language = std::fs::read_to_string(specc_tests::root().join("docs/language.md")).expect("the language page");
    let plain = language.split("## Plain Postgres").nth(1).and_then(|rest| rest.split("```dbspec postgres\n").nth(1));
    let plain = plain.and_then(|rest| rest.split("```").next()).expect("the example");
    let open =
        "function norm(x: text) -> text immutable to public as $$ select lower(x) $$\nentity t {\n  id: int key\n";
    let (first, second) = (format!("{open}  rls off\n}}\n"), format!("{open}  z: int?\n  rls off\n}}\n"));
    let seeded = "entity roles {\n  name:  text  key\n  level: int   unique\n  rls off\n}\n\
        seed base {\n  roles { name: 'owner', level: 1 }\n  roles { name: 'member', level: 2 }\n}\n";
    let numbered = "entity roles {\n  id: int key identity\n  name: text unique\n  rls off\n}\n\
        seed base {\n  roles { name: 'owner' }\n  roles { name: 'member' }\n}\n";
    let circle = "entity a {\n  id: int key\n  b_id -> b?\n  rls off\n}\nentity b {\n  id: int key\n  c_id -> c\n  rls off\n}\n\
        entity c {\n  id: int key\n  a_id -> a\n  rls off\n}\n";
    let bio = "entity people {\n  id: int key\n  bio: text\n  name: text\n  rls off\n}\n";
    let (age, without) = (bio.replace("  rls", "  age: int?\n  rls"), bio.replace("  bio: text\n", "  age: int?\n"));
    let teams = "role app\nviewer -> users\nentity users {\n  id: uuid key\n  rls off\n}\n\
        entity teams {\n  id: uuid key\n  owner_id -> users\n  rls off\n}\nentity items {\n  id: uuid key\n  team_id -> teams\n  \
        policy {\n    owners: allow select, insert to app when team.owner_id = viewer\n  }\n}\n";
    let chief =
        teams.replace("owner_id -> users", "chief_id -> users was owner_id").replace("team.owner_id", "team.chief_id");
    let kept =
        "entity prices {\n  id: int key\n  price: numeric(12, 2)\n  use timestamps, versioned, audited\n  rls off\n}\n";
    let cents = kept.replace("numeric(12, 2)", "bigint using (price * 100)");
    let rolled = "entity logs {\n  id: int\n  at: date\n  key (id, at)\n  partition by range (at) every month\n  index (id)\n  rls off\n}\n";
    let renamed = rolled.replace("entity logs", "entity lines was logs");
    let merged = "entity cats {\n  id: int key\n  name: text\n  rls off\n}\nentity dogs {\n  id: int key\n  name: text\n  rls off\n}\n";
    let merge = "entity pets from (select id, name, 'cat' as kind from cats union all select id, name, 'dog' from dogs) {\n  \
        id: int key\n  name: text\n  kind: text\n  unique (name)\n  check pets_kind_check: kind in ('cat', 'dog')\n  rls off\n}\n";
    let cases: [(&[&str], usize); 10] = [
        (&[plain], 1),
        (&[&first, &second], 1),
        (&[seeded], 1),
        (&[numbered], 1),
        (&[circle], 3),
        (&[bio, &age, &without], 1),
        (&[teams, &chief], 3),
        (&[kept, &cents], 2),
        (&[rolled, &renamed], 0),
        (&[merged, merge], 3),
    ];
    let server = private();
    for (texts, tables) in cases {
        let dir = project(texts);
        let report = prove(&server, dir.path(), texts.last().expect("a text"), |_, _| {});
        assert_eq!(said(&report), [""; 0], "{texts:?} {:?}", report.notes);
        assert_eq!(report.tables, tables, "{texts:?} {:?}", report.notes);
    }
}

/// Base rows of tables whose triggers give columns values of their own and write to logs: put in, changed, renamed, taken out.
const AUDITED: &str = "entity people {\n  id: int key\n  name: text\n  note: text = 'x'\n  use timestamps, versioned, audited, history\n  rls off\n}\n\
    seed base {\n  people { id: 1, name: 'Ana' }\n  people { id: 2, name: 'Ben' }\n}\n";

#[test]
fn base_rows_with_values_of_triggers() {
    let changed = AUDITED.replace("'Ben'", "'Benno'");
    let renamed = changed.replace("people", "persons").replace("entity persons", "entity persons was people");
    let gone = renamed.replace("  persons { id: 1, name: 'Ana' }\n", "");
    let texts = [AUDITED, &changed, &renamed, &gone];
    let dir = project(&texts);
    let server = private();
    let report = prove(&server, dir.path(), &gone, |_, _| {});
    assert_eq!(said(&report), [""; 0], "{:?}", report.notes);
    // What somebody gets wrong on the way back is noticed in these tables, too.
    let dir = project(&texts[..2]);
    for (what, wrong) in [
        ("a row is not as it was", "update public.people set name = 'Bea' where id = 2"),
        ("a row of others is not as it was", "update public.people set note = 'y' where id > 2"),
        ("a row is gone", "delete from public.people where id = 2"),
        (
            "lines of the log are gone",
            "alter table public.audit_log disable trigger user; delete from public.audit_log where id < 9",
        ),
        (
            "a line says something else",
            "alter table public.audit_log disable trigger user; update public.audit_log set action = 'DELETE' where id < 9; alter table public.audit_log enable trigger user",
        ),
    ] {
        let report = prove(&server, dir.path(), &changed, |migration, _| {
            if let Some(down) = migration.down.as_mut().filter(|_| migration.up.path.contains("20260102")) {
                down.text.push_str(&format!("\n{wrong};\n"));
            }
        });
        assert!(!report.findings.is_empty(), "{what}");
    }
}

/// What is renamed by one migration and lost by a later one is lost under its old name too: of tables, columns, schemas and
/// labels, where two names change places, and where the rename is a part of what changes a type.
#[test]
fn losses_are_known_by_the_names_of_before() {
    let table = |name: &str, columns: &str| {
        format!("entity {name} {{\n  id: bigint key identity\n  {}\n  rls off\n}}\n", columns.replace(", ", "\n  "))
    };
    let columns = "note: text, size: bigint, kind: text";
    let renamed = [
        "schema app\nenum state { open, closed, gone }\n".to_owned()
            + &table("app.items", "note: text, state: state = 'open'")
            + &table("items", columns)
            + &table("shops", "size: numeric"),
        "schema back was app\nenum phase was state { open, shut was closed, gone }\n".to_owned()
            + &table("back.items", "note: text, phase: phase = 'open' was state")
            + &table("back.things was public.items", "remark: text was note, size: bigint, kind: text")
            + &table("parts was shops", "weight: int was size"),
        "schema back\nenum phase { open, shut was gone }\n".to_owned()
            + &table("back.items", "phase: phase = 'open'")
            + &table("back.things", "size: bigint, kind: text"),
    ];
    let exchanged = [
        table("items", columns) + &table("shops", columns) + &table("parts", columns),
        table("items was shops", columns)
            + &table("shops was items", columns)
            + &table("parts", "note: text was kind, size: bigint, kind: text was note"),
        table("items", columns)
            + &table("shops", "size: bigint, kind: text")
            + &table("parts", "note: text, size: bigint"),
    ];
    let server = private();
    for texts in [renamed, exchanged] {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let dir = project(&texts);
        let report = prove(&server, dir.path(), texts.last().expect("a text"), |_, _| {});
        assert_eq!(said(&report), [""; 0], "{texts:#?} {:?}", report.notes);
    }
}

/// Rows that are made hold what columns can become: numbers in texts that become numbers, labels that stay.
#[test]
fn rows_fit_what_columns_become() {
    let texts = [
        "enum mood { calm, glad, gone }
entity items { id: int key, amount: text, at: text, name: text, mood: mood, rls off }\n",
        "enum mood { calm, glad }
entity items { id: int key, amount: int using (amount::int), at: date using (at::date), name: varchar(80), mood: mood, rls off }\n",
    ];
    let dir = project(&texts);
    let report = prove(&private(), dir.path(), texts[1], |_, _| {});
    assert_eq!(said(&report), [""; 0], "{:?}", report.notes);
    assert!(report.tables >= 1, "{report:?}");
}

/// Each folder of `tests/changes` as a project that was built twice. `CHANGES` chooses by name.
#[test]
#[ignore = "takes long: every kind of change"]
fn changes_are_proved() {
    let wanted = std::env::var("CHANGES").unwrap_or_default();
    let every = std::env::var("EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(1);
    let mut folders: Vec<_> = std::fs::read_dir(specc_tests::root().join("tests/changes"))
        .expect("the cases")
        .map(|entry| entry.expect("a folder").path())
        .filter(|dir| dir.file_name().is_some_and(|name| name.to_string_lossy().contains(&wanted)))
        .collect();
    folders.sort();
    let major = std::env::var("CHANGES_ON").ok().and_then(|major| major.parse().ok()).unwrap_or(15);
    let server = |platform| Server::Private(Scratch::start(Some(major), platform).expect("a server"));
    let (plain, platform) = (server(false), server(true));
    let (mut wrong, mut proven) = (String::new(), 0);
    for dir in folders.iter().step_by(every) {
        let options = std::fs::read_to_string(dir.join("options.toml")).unwrap_or_default();
        let others = ["only_18", "refused", "nothing", "drop", "offline", "as_written"];
        if others.iter().any(|option| options.contains(option)) {
            continue;
        }
        let text = |file: &str| std::fs::read_to_string(dir.join(file)).expect("a spec");
        let (before, after) = (text("before.dbspec"), text("after.dbspec"));
        let (layout, server) = match options.contains("supabase") {
            true => (Layout::Supabase, &platform),
            false => (Layout::Postgres, &plain),
        };
        let built = project_for(layout, &[&before, &after]);
        let report = prove(server, built.path(), &after, |_, _| {});
        proven += 1;
        // Some changes ask for rows that fit them, which those that are made here do not.
        if said(&report).iter().any(|what| !what.starts_with("it stops: ")) {
            wrong.push_str(&format!("{}: {:#?}\n", dir.display(), said(&report)));
        }
    }
    println!("{proven} changes");
    assert!(wrong.is_empty(), "{wrong}");
}

/// What a build wrote has its plan beside it; what somebody wrote by hand has none.
#[test]
fn rows_fit_the_parts_of_a_table_that_a_reference_divides() {
    let text = "
entity tenants { id: int key, name: text, rls off }
entity regions { code: text key, rls off }
entity orders {
  tenant_id -> tenants
  region_code -> regions
  id: int
  amount: int
  key (tenant_id, id)
  partition by list (tenant_id)
  partition orders_10 in (10)
  partition orders_more in (20, 30)
  rls off
}
entity visits {
  id: bigint
  region_code -> regions
  key (id, region_code)
  partition by range (region_code)
  partition visits_a from ('a') to ('n')
  partition visits_n from ('n') to ('z')
  rls off
}
";
    let dir = project(&[text]);
    let report = prove(&private(), dir.path(), text, |_, _| {});
    assert_eq!(said(&report), Vec::<&str>::new());
    assert!(report.tables >= 4, "{report:?}");
}

#[test]
fn a_plan_that_is_gone_is_a_finding() {
    let text = "entity shops { id: int key, name: text, rls off }\n";
    let dir = project(&[text]);
    let verified = || {
        let path = dir.path().to_string_lossy().into_owned();
        let code = specc::run(["specc", "verify", "--project", &path, "--rows", "3"]);
        format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS)
    };
    assert!(verified(), "as it was written");
    let plan = dir.path().join("specc/plans/20260101000000_init_schema.json");
    let said = std::fs::read_to_string(&plan).expect("the plan");
    for text in ["", "{", "{}"] {
        std::fs::write(&plan, text).expect("written");
        assert!(!verified(), "a plan that says `{text}`");
    }
    std::fs::remove_file(&plan).expect("removed");
    assert!(!verified(), "no plan");
    std::fs::write(&plan, said).expect("written");
    let file = |up: &str, down: &str| {
        let (name, folder) = ("20260103000000_by_hand", dir.path());
        std::fs::write(folder.join(format!("migrations/{name}.sql")), up).expect("written");
        std::fs::write(folder.join(format!("specc/down/{name}.down.sql")), down).expect("written");
        verified()
    };
    let (insert, delete) =
        ("insert into public.shops values (900, 'one');\n", "delete from public.shops where id = 900;\n");
    assert!(file(insert, delete), "by hand, and as the spec says");
    assert!(!file(insert, "select 1;\n"), "not taken back");
    let of_the_database =
        |what: &str| format!("do $$ begin execute format('alter database %I {what}', current_database()); end $$;\n");
    let (set, reset) = (of_the_database("set jit = off"), of_the_database("reset jit"));
    assert!(!file(&set, &reset), "not as the spec says");
}

/// On a server that is not ours, databases come and go.
#[test]
fn another_server_is_left_as_it_was() {
    let dir = project(&[FIRST]);
    let database = shared(15).empty_database().expect("a database");
    let address = Address::resolve(Some(&database.url("supabase_admin")), |_| None).expect("an address");
    let report = prove(&Server::Named(Box::new(address), false), dir.path(), FIRST, |_, _| {});
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.rows, 200);
    let mut session = database.connect_superuser().expect("a session");
    let left = texts(&mut session, "select datname from pg_database where datname like 'specc_verify%'");
    assert_eq!(left, [""; 0]);
}

/// A file that holds one lock while it waits for the next has somebody taken back who came the other way, and keeps readers
/// waiting.
#[test]
fn who_waits_for_whom_is_found() {
    let dir = project(&[FIRST]);
    let [shops, items] =
        ["shops", "items"].map(|table| format!("lock table public.{table} in access exclusive mode;\n"));
    let mut all: Vec<_> =
        written(dir.path()).into_iter().map(|(migration, said)| (migration, Said::Build(said))).collect();
    // Whether a client comes the other way at that moment is left to chance: often enough, one does.
    let ups = (0..8).map(|n| {
        let [first, second] = if n % 2 == 0 { [&shops, &items] } else { [&items, &shops] };
        let text = format!("set lock_timeout = '3s';\n{first}select pg_sleep(0.6);\n{second}reset lock_timeout;\n");
        File { path: format!("migrations/2026020{}000000_by_hand.sql", n + 1), text }
    });
    let by_hand = Migrations::new(ups.collect(), Vec::new()).expect("files").all;
    all.extend(by_hand.into_iter().map(|migration| (migration, Said::ByHand(Record::default()))));
    let stored = specc_catalog::from_json(&read(dir.path(), "specc", "catalog.json")[0].text).expect("a catalog");
    let catalog = spec(Target::Postgres, FIRST);
    let patience = Duration::from_millis(400);
    let input = Input { migrations: &all, catalog: &catalog, stored: Some(&stored), rows: 20, patience };
    let report = verify(&private(), &input, Limits::of(TIME)).expect("a report");
    let all = said(&report).join("\n");
    assert!(all.contains("public.shops was taken back (deadlock)"), "{all}");
    assert!(all.contains("somebody who reads waited ") && all.contains("more than 400 ms"), "{all}");
}

#[test]
fn what_is_wrong_is_found() {
    let second = second();
    let dir = project(&[FIRST, &second]);
    let is_change = |migration: &Migration| migration.stamp == "20260102000000";
    let found = |text: &str, wanted: &str, edit: &dyn Fn(&mut Migration, &mut Record)| {
        let report = prove(&private(), dir.path(), text, edit);
        let all = said(&report).join("\n");
        assert!(all.contains(wanted), "{wanted}: {all}");
    };
    found(&second, "taken back, the database is not as it was before", &|migration, _| {
        if let Some(down) = migration.down.as_mut().filter(|_| migration.stamp == "20260102000000") {
            down.text = down.text.replace("alter table public.items drop column size;", "");
        }
    });
    found(&second, "taken back, the 100 rows of public.shops are not the same", &|migration, _| {
        if is_change(migration)
            && let Some(down) = &mut migration.down
        {
            down.text.push_str("\nupdate public.shops set name = 'other' where id = 1;\n");
        }
    });
    found(&second, "said share update exclusive, is access exclusive", &|migration, said| {
        if is_change(migration) {
            for locks in said.statements.iter_mut().map(|one| &mut one.locks) {
                locks.values_mut().for_each(|lock| *lock = "share update exclusive".into());
            }
        }
    });
    found(&second, "is rewritten, which was not expected", &|migration, _| {
        if is_change(migration) {
            migration.up.text = migration.up.text.replace(
                "add column note text not null default 'none'",
                "add column note text not null default 'none', alter id type bigint",
            );
        }
    });
    found(&second, "it stops: ", &|migration, _| {
        if is_change(migration) {
            migration.up.text.push_str("\nselect 1 / 0;\n");
        }
    });
    // Built for a reader who has to find it: the file, the line, and the function that names it.
    let calls = "create function public.lost() returns int language plpgsql as $$ begin return (select 1 from public.nowhere); end $$";
    for wanted in ["relation \"public.nowhere\" does not exist, in PL/pgSQL function", "_items_and_more.sql, line "] {
        found(&second, wanted, &|migration, _| {
            if is_change(migration) {
                migration.up.text.push_str(&format!("\n{calls};\nselect public.lost();\n"));
            }
        });
    }
    found(&second, "public.items is read in full under its lock, which was not expected", &|migration, said| {
        let add = "alter table public.items add constraint positive check (n is not null)";
        if is_change(migration) {
            migration.up.text.push_str(&format!("\n{add};\n"));
            let locks = [("public.items".to_owned(), "access exclusive".into())].into();
            said.statements.push(Prediction { lines: 1, sum: statement_checksum(add), locks, ..Prediction::default() });
        }
    });
    found(&second, "after all migrations the database is not as the spec says", &|migration, _| {
        if is_change(migration) {
            migration.up.text.push_str("\ncreate table public.extra (id int);\n");
        }
    });
    found(FIRST, "the spec changed since the last migration", &|_, _| {});
}
