//! What holds of an examination as a whole: rights, locks, budgets, time, and that nothing is written.

use super::defects::Who;
use super::{NOBODY, audit, ground, keys, limits, make, run, subject, undisturbed, verdict};
use specc_audit::check::Check;
use specc_audit::{Cell, Folder, Limits, Subject, Tool, Verdict};
use specc_postgres::Session;
use specc_tests::{VERSIONS, one_text, root};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A clean database has no finding beyond the baseline, and the baseline has nothing that is not there.
#[test]
fn a_clean_database_is_the_baseline() {
    let _calm = undisturbed();
    for major in VERSIONS {
        let db = ground(major).clean.create().unwrap();
        let report = audit(&mut db.connect_superuser().unwrap(), &|check| check.name != "long_transaction");
        let found: Vec<&str> = report.findings().iter().map(|finding| finding.says.as_str()).collect();
        assert!(found.is_empty(), "{major}: {found:?}");
        // 18 keeps checksums by itself.
        let stale = report.stale.iter().filter(|entry| !(major == 18 && entry.contains("no_data_checksums")));
        assert_eq!(stale.count(), 0, "{major}: {:?}", report.stale);
    }
}

/// Whoever has no rights is told what a superuser is told, or that it cannot be told: never that all is well.
#[test]
fn who_has_no_rights_is_not_told_that_all_is_well() {
    const MADE: &str = "
        create table public.people (id int primary key generated always as identity, mail text, key text);
        create unique index on public.people (mail);
        insert into public.people (mail, key) values ('test@example.com', 'sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc');
        analyze public.people;
        create table public.log (day date primary key) partition by range (day);
        create table public.old partition of public.log default; insert into public.log values ('2001-01-01');
        create table public._prisma_migrations (migration_name text, checksum text, logs text, finished_at timestamptz,
          started_at timestamptz, rolled_back_at timestamptz, applied_steps_count int);
        create table public.child (note bigint primary key); insert into public.child values (99);
        alter table public.child add foreign key (note) references public.notes not valid;
        grant select on public.notes to public";
    const RIGHTS: [&str; 15] = [
        "connections_near_limit",
        "default_partition_has_rows",
        "index_bloat",
        "login_without_password",
        "long_transaction",
        "migration_half_applied",
        "orphans",
        "personal_data_without_class",
        "secret_in_rows",
        "sequence_behind_rows",
        "sequence_near_end",
        "table_bloat",
        "test_data",
        "watching_libraries_not_loaded",
        "weak_password_stored",
    ];
    let _calm = undisturbed();
    for major in VERSIONS {
        let db = ground(major).clean.create().unwrap();
        make(&db, Who::Owner, MADE);
        let mut open = db.connect().unwrap();
        open.batch_execute("begin; select 1").unwrap();
        let all = run(&mut db.connect_superuser().unwrap(), &subject(), &limits(), &|_| true);
        let mut nobody = Session::connect(&db.config(NOBODY)).unwrap();
        let blind = run(&mut nobody, &subject(), &limits(), &|_| true);
        let mut cannot = BTreeSet::new();
        for (seen, told) in all.examined.iter().zip(&blind.examined) {
            if told.verdict.unseen().is_empty() {
                assert_eq!(keys(&told.verdict), keys(&seen.verdict), "{} on {major}", seen.check.name);
            } else {
                cannot.insert(told.check.name);
            }
        }
        let missing: Vec<_> = RIGHTS.iter().filter(|name| !cannot.contains(*name)).collect();
        assert!(missing.is_empty(), "{major}: {missing:?} need rights, and do not say so");
        // A grant without a policy that lets through is no sight of the rows.
        let scan = blind.examined.iter().find(|one| one.check.name == "test_data").unwrap();
        assert!(scan.verdict.unseen().iter().any(|why| why.starts_with("public.notes: ")), "{:?}", scan.verdict);
        // And the superuser has seen what is there.
        let found: BTreeSet<&str> = all.findings().iter().map(|finding| finding.check).collect();
        let there =
            ["default_partition_has_rows", "orphans", "personal_data_without_class", "secret_in_rows", "test_data"];
        for name in there.into_iter().chain(["long_transaction"]) {
            assert!(found.contains(name), "{major}: {name} is not in {found:?}");
        }
    }
}

/// A table that somebody holds is not waited for, and what was not looked at is said.
#[test]
fn a_busy_table_is_not_waited_for() {
    const READS: [&str; 4] = ["personal_data_without_class", "secret_in_rows", "sequence_behind_rows", "test_data"];
    let _calm = undisturbed();
    let db = ground(18).clean.create().unwrap();
    let mut holder = db.connect().unwrap();
    holder.batch_execute("begin; lock table public.notes in access exclusive mode").unwrap();
    let limits = Limits { lock: 50, ..limits() };
    let start = Instant::now();
    let report = run(&mut db.connect().unwrap(), &subject(), &limits, &|_| true);
    let took = start.elapsed();
    let waits = |why: &String| why.contains("a lock") && why.contains("--lock-timeout");
    let waited = report.examined.iter().filter(|one| one.verdict.unseen().iter().any(waits));
    let waited: BTreeSet<&str> = waited.map(|one| one.check.name).collect();
    // What reads rows waits, and so does Postgres where it spells an expression of the table; nothing else.
    assert!(READS.iter().all(|name| waited.contains(name)) && waited.len() < 10, "{waited:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let (_, cells) = report.matrix.rows.iter().find(|(table, _)| table == "public.notes").unwrap();
    assert!(matches!(cells[3], Cell::Unknown(_)), "{cells:?}");
    holder.batch_execute("rollback").unwrap();
}

/// Nothing is written: no transaction has got a number meanwhile, and a statement that would write is refused.
#[test]
fn nothing_is_written() {
    let db = ground(15).clean.create().unwrap();
    let mut session = db.connect().unwrap();
    let own = "select backend_xid is null from pg_stat_activity where pid = pg_backend_pid()";
    let report = audit(&mut session, &|_| true);
    assert_eq!(one_text(&mut session, own), "t");
    let asked: Vec<_> = report.examined.iter().flat_map(|one| &one.asked).collect();
    assert!(asked.len() > 100, "{}", asked.len());
    let refused = session.batch_execute("create table public.a ()").unwrap_err();
    assert_eq!(refused.code().map(|code| code.code()), Some("25006"));
}

/// More rows than the budget are not looked at, and that is said; without a budget none are.
#[test]
fn the_budget_for_rows_is_kept() {
    let db = ground(18).clean.create().unwrap();
    make(&db, Who::Owner, "insert into public.notes (title) select 'title ' || n from generate_series(1, 50) n");
    let asked = |rows| {
        let limits = Limits { rows, ..limits() };
        run(&mut db.connect().unwrap(), &subject(), &limits, &|check| check.name == "test_data")
    };
    assert!(matches!(verdict(&asked(50)), Verdict::Ran));
    let part = asked(49);
    let Verdict::Cannot(why) = verdict(&part) else { panic!("{:?}", verdict(&part)) };
    assert!(why.len() == 1 && why[0].contains("only 49 of its rows"), "{why:?}");
    assert!(part.examined[0].asked.iter().any(|asked| asked.sql.contains("limit 50")));
    let none = asked(0);
    assert!(none.examined[0].asked.is_empty() && matches!(verdict(&none), Verdict::Cannot(_)));
}

/// A table whose columns, and which itself, are called as what our queries call something.
const NAMES: &str = "
create table public.r (
  v text, c text, r text, t text, at text, d text, g text, i int, n int, n0 int, looked int, bad int, s text, p text, has text, last int,
  highest int, told text, rows int, x int generated always as identity primary key, w int references public.r (x)
);
alter table public.r enable row level security;
alter table public.r add constraint later foreign key (n) references public.r (x) not valid;
create index on public.r (w); create index on public.r (n);
insert into public.r (v, c, at, n) values ('jane.roe@mail.somewhere.de', '4111 1111 1111 1111', 'sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc', null);
";

#[test]
fn columns_may_be_called_as_ours() {
    for major in specc_tests::VERSIONS {
        let db = ground(major).clean.create().unwrap();
        make(&db, Who::Owner, NAMES);
        let report = run(&mut db.connect().unwrap(), &subject(), &limits(), &|_| true);
        for one in &report.examined {
            for asked in &one.asked {
                if let Err(why) = &asked.answer {
                    let fault = ["ambiguous", "does not exist", "syntax error", "cannot cast"]
                        .iter()
                        .any(|word| why.contains(word));
                    assert!(!fault, "{major}: {}: {why}: {}", one.check.name, asked.sql);
                }
            }
        }
        let found = |name: &str| {
            let one = report.examined.iter().find(|one| one.check.name == name).unwrap();
            keys(&one.verdict).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let personal = found("personal_data_without_class");
        assert!(personal.iter().any(|key| key.contains("public.r.v addresses of mail")), "{major}: {personal:?}");
        assert!(personal.iter().any(|key| key.contains("public.r.c numbers of cards")), "{major}: {personal:?}");
        assert!(found("secret_in_rows").iter().any(|key| key.contains("public.r.at keys of services")), "{major}");
        assert!(!found("test_data").is_empty(), "{major}");
    }
}

/// Histories of other tools against their folders: failed, unknown, pending, changed.
#[test]
fn histories_are_held_against_folders() {
    let db = ground(18).clean.create().unwrap();
    make(
        &db,
        Who::Owner,
        "create table public._prisma_migrations (migration_name text, checksum text, logs text, finished_at timestamptz,
           started_at timestamptz default clock_timestamp(), rolled_back_at timestamptz, applied_steps_count int default 1);
         insert into public._prisma_migrations (migration_name, checksum, finished_at) values
           ('1_init', 'aa', now()), ('2_gone', 'bb', now()), ('3_edited', 'cc', now()), ('4_failed', 'dd', null);
         create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text, created_at bigint);
         insert into drizzle.__drizzle_migrations (hash, created_at) values ('d1', 1), ('d2', 2), ('d3', 3);
         create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key);
         insert into supabase_migrations.schema_migrations values ('20260101000000'), ('20260102000000')",
    );
    let file = |name: &str, sum: &str| (name.to_owned(), sum.to_owned());
    let folders = vec![
        Folder {
            tool: Tool::Prisma,
            migrations: vec![file("1_init", "aa"), file("3_edited", "xx"), file("4_failed", "dd"), file("5_new", "ee")],
        },
        Folder { tool: Tool::Drizzle, migrations: vec![file("0000_a.sql", "d1"), file("0001_b.sql", "other")] },
        Folder { tool: Tool::Supabase, migrations: vec![file("20260101000000", ""), file("20260103000000", "")] },
    ];
    let names = ["migration_half_applied", "migration_unknown", "migration_pending", "migration_changed"];
    let wanted = |check: &Check| names.contains(&check.name);
    let with_folders = Subject { folders, ..subject() };
    let report = run(&mut db.connect().unwrap(), &with_folders, &limits(), &wanted);
    let mut found: Vec<String> =
        report.examined.iter().flat_map(|one| one.verdict.findings()).map(|finding| finding.key.clone()).collect();
    found.sort();
    let expected = [
        "migration_changed_0001_b.sql",
        "migration_changed_3_edited",
        "migration_half_applied_4_failed",
        "migration_pending_20260103000000",
        "migration_pending_5_new",
        "migration_unknown_20260102000000",
        "migration_unknown_2_gone",
        "migration_unknown_number 3",
    ];
    assert_eq!(found, expected);
    // Without the folders nobody says that all is well.
    let alone = run(&mut db.connect().unwrap(), &subject(), &limits(), &wanted);
    for one in alone.examined.iter().filter(|one| matches!(one.check.name, "migration_unknown" | "migration_changed")) {
        assert!(matches!(one.verdict, Verdict::Cannot(_)), "{}: {:?}", one.check.name, one.verdict);
    }
}

/// A thousand tables, their catalogs only: `cargo test -p specc-tests --test all -- --ignored examined::a_thousand_tables --nocapture`
#[test]
#[ignore = "half a minute, and a clock"]
#[allow(clippy::print_stdout)]
fn a_thousand_tables_take_less_than_five_seconds() {
    const TABLES: &str = "do $$ begin for n in 1..1000 loop
        execute format('create table public.t%s (id bigint primary key generated always as identity, owner_id uuid not null,
          parent bigint references public.notes, title text not null, kind text check (length(kind) > 1), at timestamptz)', n);
        execute format('create index on public.t%s (parent)', n);
        execute format('create index on public.t%s (owner_id, at)', n);
        execute format('alter table public.t%s enable row level security', n);
        execute format('create policy own on public.t%s for all to authenticated using (owner_id = (select auth.uid()))', n);
      end loop; end $$";
    for major in VERSIONS {
        let db = ground(major).clean.create().unwrap();
        make(&db, Who::Owner, TABLES);
        let limits = Limits { rows: 0, ..limits() };
        let mut session = db.connect().unwrap();
        let start = Instant::now();
        let report = run(&mut session, &subject(), &limits, &|_| true);
        let took = start.elapsed();
        println!("{major}: {} tables in {took:?}", report.matrix.rows.len());
        assert!(report.matrix.rows.len() > 1000 && took < Duration::from_secs(5), "{took:?}");
    }
}

/// The page has a row for each check, with what the code says of it. `DOCS_UPDATE=1` writes them.
#[test]
fn the_page_has_each_check() {
    let page = root().join("docs/audit.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once("<!-- checks -->\n").expect("the table begins");
    let (_, tail) = rest.split_once("<!-- end of checks -->").expect("the table ends");
    let mut rows = String::from("| section | check | level | looks for |\n|---|---|---|---|\n");
    for check in specc_audit::all() {
        let (section, level) = (check.section.word(), check.severity.word());
        rows.push_str(&format!("| {section} | `{}` | {level} | {} |\n", check.name, check.asks));
    }
    let wanted = format!("{head}<!-- checks -->\n{rows}<!-- end of checks -->{tail}");
    if std::env::var_os("DOCS_UPDATE").is_some() {
        std::fs::write(&page, wanted).unwrap();
        return;
    }
    assert!(text == wanted, "docs/audit.md: run with DOCS_UPDATE=1");
    let names: BTreeSet<&str> = specc_audit::all().map(|check| check.name).collect();
    assert_eq!(names.len(), specc_audit::all().count(), "two checks have one name");
}
