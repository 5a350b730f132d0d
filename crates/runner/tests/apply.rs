//! What apply does, refuses and says.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use specc_postgres::{Database, shared};
use specc_runner::{Event, Migrations, Options, Production, Refused, State, StepId};
use std::time::Duration;
use support::{apply, apply_telling, ask, migrations, one, options, refused, report, states};

const A: (&str, &str) = ("20260101000001_a", "create table a (id int primary key);\ninsert into a values (1), (2);\n");
const B: (&str, &str) = ("20260101000002_b", "alter table a add column b int;\n");
const C: (&str, &str) = ("20260101000003_c", "create index concurrently a_b on a (b);\n");
const DOWNS: [(&str, &str); 3] = [
    ("20260101000001_a", "-- specc: loses all rows of a\ndrop table a;\n"),
    ("20260101000002_b", "alter table a drop column b;\n"),
    ("20260101000003_c", "drop index concurrently a_b;\n"),
];

fn fresh() -> Database {
    shared(18).platform_database().unwrap()
}

/// What was approved runs; one byte more, one file more or another order does not.
#[test]
fn what_was_approved_runs_and_nothing_else() {
    let db = fresh();
    let all = migrations(&[A, B], &DOWNS);
    let dry = |all: &Migrations| apply(&db, all, &Options { dry_run: true, ..options() }).unwrap().plan;
    let approve = |hash: &str| Options { approve: Some(hash.into()), ..options() };
    let hash = dry(&all);
    assert_eq!((hash.len(), dry(&all)), (64, hash.clone()));
    let edited = (B.0, "alter table a add column b int ;\n");
    let renamed = ("20260101000002_c", B.1);
    for other in [&[A, edited][..], &[A, renamed], &[A, B, C], &[A]] {
        let other = migrations(other, &DOWNS);
        assert_ne!(dry(&other), hash);
        let said = refused(&db, &other, &approve(&hash));
        assert!(said.contains("which is not the one that was approved") && said.contains(&dry(&other)), "{said}");
    }
    assert_eq!(ask(&db, "select to_regclass('a') is null"), "t");
    let done = apply(&db, &all, &approve(&hash)).unwrap();
    assert_eq!((done.ran.len(), done.plan), (2, hash.clone()));
    // Approved once more, there is nothing to do.
    assert_eq!(apply(&db, &all, &approve(&hash)).unwrap().ran, []);
    let down = Options { down_to: Some("20260101000001".into()), ..approve(&hash) };
    let said = refused(&db, &all, &down);
    assert!(said.contains("not the one that was approved"), "{said}");
    let back = apply(&db, &all, &Options { dry_run: true, approve: None, ..down.clone() }).unwrap().plan;
    assert_eq!(apply(&db, &all, &Options { approve: Some(back), ..down }).unwrap().ran.len(), 1);
}

#[test]
fn up_to_a_stamp_then_on_and_back() {
    let db = fresh();
    let all = migrations(&[A, B, C], &DOWNS);
    let to = |stamp: &str| Options { to: Some(stamp.into()), ..options() };
    assert_eq!(states(&db, &all), [State::Pending; 3]);
    let dry = apply(&db, &all, &Options { dry_run: true, ..options() }).unwrap();
    assert_eq!(dry.ran.iter().map(|ran| ran.transaction).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(ask(&db, "select to_regclass('a') is null and to_regclass('specc.migrations') is null"), "t");

    assert_eq!(apply(&db, &all, &to("20260101000002")).unwrap().ran.len(), 2);
    assert_eq!(states(&db, &all), [State::Applied, State::Applied, State::Pending]);
    assert_eq!(apply(&db, &all, &options()).unwrap().ran.len(), 1);
    assert!(report(&db, &all).is_clean());
    assert_eq!(apply(&db, &all, &options()).unwrap().ran, []);
    let versions =
        "select string_agg(version || name, ',' order by version) from supabase_migrations.schema_migrations";
    assert_eq!(ask(&db, versions), "20260101000001a,20260101000002b,20260101000003c");

    let down = |stamp: &str| Options { down_to: Some(stamp.into()), ..options() };
    assert_eq!(apply(&db, &all, &down("20260101000001")).unwrap().ran.len(), 2);
    assert_eq!(states(&db, &all), [State::Applied, State::Pending, State::Pending]);
    assert_eq!(ask(&db, "select count(*) from information_schema.columns where table_name = 'a'"), "1");
    assert_eq!(ask(&db, versions), "20260101000001a");
    let said = refused(&db, &all, &down("0"));
    assert!(said.contains("loses:\n  20260101000001_a: all rows of a") && said.contains("--allow-data-loss"), "{said}");
    apply(&db, &all, &Options { allow_data_loss: true, ..down("0") }).unwrap();
    assert_eq!(states(&db, &all), [State::Pending; 3]);
    assert_eq!(apply(&db, &all, &options()).unwrap().ran.len(), 3);
    let said = refused(&db, &migrations(&[A, B, C], &[]), &down("0"));
    assert!(said.contains("no down script"), "{said}");
    let said = refused(&db, &all, &down("20260101000009"));
    assert!(said.contains("no migration with the stamp 20260101000009"), "{said}");
}

#[test]
fn edited_missing_and_out_of_order() {
    let db = fresh();
    apply(&db, &migrations(&[A, (C.0, "create index a_id on a (id);")], &[]), &options()).unwrap();
    let before = ask(&db, "select string_agg(m::text, ',' order by stamp) from specc.migrations m");

    let edited =
        migrations(&[(A.0, "create table a (id bigint primary key);"), (C.0, "create index a_id on a (id);")], &[]);
    assert_eq!(states(&db, &edited), [State::Edited, State::Applied]);
    let said = refused(&db, &edited, &options());
    assert!(said.starts_with("edited after it was applied here:\n  20260101000001_a\n  help: "), "{said}");

    let missing = migrations(&[(C.0, "create index a_id on a (id);")], &[]);
    assert_eq!(states(&db, &missing), [State::Missing, State::Applied]);
    assert!(refused(&db, &missing, &options()).starts_with("applied here, and there is no file:\n  20260101000001_a"));

    let late = migrations(&[A, B, (C.0, "create index a_id on a (id);")], &[]);
    assert_eq!(states(&db, &late), [State::Applied, State::OutOfOrder, State::Applied]);
    assert!(refused(&db, &late, &options()).contains("--out-of-order"));
    assert_eq!(ask(&db, "select string_agg(m::text, ',' order by stamp) from specc.migrations m"), before);
    assert_eq!(apply(&db, &late, &Options { out_of_order: true, ..options() }).unwrap().ran.len(), 1);
    assert!(report(&db, &late).is_clean());
}

#[test]
fn a_failure_in_a_transaction_leaves_nothing_and_the_mended_file_runs() {
    let db = fresh();
    let broken = "create table c (id int);\n\ninsert into c values (1);\ninsert into c\n  values (1 / 0);\n";
    let all = migrations(&[A, ("20260101000002_c", broken)], &[]);
    let said = refused(&db, &all, &options());
    assert!(said.starts_with("supabase/migrations/20260101000002_c.sql:4: division by zero (22012)"), "{said}");
    assert!(said.contains("nothing of this file was kept"), "{said}");
    assert_eq!(ask(&db, "select to_regclass('c') is null"), "t");
    assert_eq!(states(&db, &all), [State::Applied, State::Pending]);
    let told = report(&db, &all).to_string();
    assert!(told.contains("it was tried, and nothing of it was kept: division by zero"), "{told}");
    // It was not applied, so its file may go.
    let without = migrations(&[A], &[]);
    assert!(report_is_clean(&db, &without));
    assert_eq!(apply(&db, &without, &options()).unwrap().ran, []);
    // Nothing of it was applied, so it may be put right.
    let mended = migrations(&[A, ("20260101000002_c", "create table c (id int);\n")], &[]);
    assert_eq!(apply(&db, &mended, &options()).unwrap().ran.len(), 1);
    assert!(report_is_clean(&db, &mended));

    let syntax = migrations(
        &[
            A,
            ("20260101000002_c", "create table c (id int);\n"),
            ("20260101000003_d", "select 1;\nselect\n  'ä', nothing;\n"),
        ],
        &[],
    );
    assert!(refused(&db, &syntax, &options()).contains("20260101000003_d.sql:3: column \"nothing\" does not exist"));
}

fn report_is_clean(db: &Database, all: &Migrations) -> bool {
    report(db, all).is_clean()
}

#[test]
fn a_concurrent_step_that_fails_leaves_no_invalid_index() {
    let db = fresh();
    let text = "-- specc: no-transaction\nalter table a add column b int;\nupdate a set b = 1;\n\
                create unique index concurrently a_b on a (b);\nalter table a add column c int;\n";
    let all = migrations(&[A, ("20260101000002_b", text)], &[]);
    let (result, told) = apply_telling(&db, &all, &options());
    let said = result.unwrap_err().to_string();
    assert!(
        said.starts_with("supabase/migrations/20260101000002_b.sql:4: could not create unique index \"a_b\" (23505)"),
        "{said}"
    );
    assert!(said.contains("step 1 to 2, is done and stays"), "{said}");
    assert!(told.iter().any(|event| event.to_string().contains("index a_b was left invalid")), "{told:?}");
    assert_eq!(ask(&db, "select to_regclass('a_b') is null"), "t");
    let found = report(&db, &all).to_string();
    assert!(found.contains("2 of 4 steps done; step 3 was not completed"), "{found}");
    // A step that ran may not change; the one that failed may.
    let other = migrations(&[A, ("20260101000002_b", &text.replace("set b = 1", "set b = id"))], &[]);
    assert!(refused(&db, &other, &options()).contains("edited in a part that ran already: step 2"));
    ask(&db, "update a set b = id");
    assert_eq!(apply(&db, &all, &options()).unwrap().ran.len(), 1);
    assert_eq!(ask(&db, "select count(*) from pg_index where indrelid = 'a'::regclass and indisvalid"), "2");
    assert!(report_is_clean(&db, &all));
}

#[test]
fn an_invalid_index_of_another_tool_is_rebuilt() {
    let db = fresh();
    let all = migrations(&[A, B, ("20260101000003_c", "create index concurrently if not exists a_b on a (b);\n")], &[]);
    apply(&db, &all, &Options { to: Some("20260101000002".into()), ..options() }).unwrap();
    ask(&db, "update a set b = 7");
    let mut owner = db.connect().unwrap();
    assert!(owner.batch_execute("create unique index concurrently a_b on a (b)").is_err());
    apply(&db, &all, &options()).unwrap();
    assert_eq!(ask(&db, "select indisvalid and not indisunique from pg_index where indexrelid = 'a_b'::regclass"), "t");
}

/// Holds a table in an idle transaction for a while.
fn behind_an_idle_transaction(text: &str, hold: Duration) -> (String, Vec<Event>, Database, Migrations) {
    let db = fresh();
    let all = migrations(&[A, ("20260101000002_b", text)], &[]);
    apply(&db, &all, &Options { to: Some("20260101000001".into()), ..options() }).unwrap();
    let mut idle = db.connect().unwrap();
    idle.batch_execute("set application_name = 'report'; begin; select * from a").unwrap();
    let (result, told) = std::thread::scope(|scope| {
        let runner = scope.spawn(|| apply_telling(&db, &all, &options()));
        std::thread::sleep(hold);
        let ended = runner.is_finished();
        if !ended {
            idle.batch_execute("commit").unwrap();
        }
        runner.join().unwrap()
    });
    let said = result.map_or_else(|error| error.to_string(), |done| format!("{} ran", done.ran.len()));
    (said, told, db, all)
}

#[test]
fn behind_an_idle_transaction_it_tries_again_and_says_who_is_in_the_way() {
    for text in ["alter table a add column b int;", "-- specc: no-transaction\nalter table a add column b int;"] {
        let (said, told, db, all) = behind_an_idle_transaction(text, Duration::from_millis(350));
        assert_eq!(said, "1 ran", "{told:?}");
        let again =
            told.iter().find(|event| matches!(event, Event::Again { .. })).expect("it was tried again").to_string();
        assert!(again.contains("lock timeout") && again.contains("report, idle in transaction"), "{again}");
        assert!(again.contains("select pg_terminate_backend("), "{again}");
        assert!(report_is_clean(&db, &all));
    }
}

#[test]
fn it_gives_up_in_the_end_and_nothing_is_lost() {
    for text in ["alter table a add column b int;", "-- specc: no-transaction\nalter table a add column b int;"] {
        let (said, told, db, all) =
            behind_an_idle_transaction(text, Duration::from_secs(20).min(Duration::from_millis(2500)));
        assert!(said.contains("lock timeout (55P03)") && said.contains("--lock-retries"), "{said}");
        assert!(said.contains("blocked by: process"), "{said}");
        assert_eq!(told.iter().filter(|event| matches!(event, Event::Again { .. })).count(), 3);
        assert_eq!(states(&db, &all), [State::Applied, State::Pending]);
        ask(
            &db,
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'report' and datname = current_database()",
        );
        assert_eq!(apply(&db, &all, &options()).unwrap().ran.len(), 1);
        assert!(report_is_clean(&db, &all));
    }
}

#[test]
fn what_cannot_be_known_is_asked() {
    let db = fresh();
    let first = (
        "20260101000002_p",
        "create table log (n int); create procedure p() language plpgsql as $$ begin insert into log values (1); commit; end $$;",
    );
    let all = migrations(
        &[A, first, ("20260101000003_call", "-- specc: no-transaction\ncall p();\nalter table a add column z int;\n")],
        &[],
    );
    apply(&db, &all, &Options { to: Some("20260101000002".into()), ..options() }).unwrap();
    // As a crash leaves it that comes after the server did it and before that was journalled.
    let journal = "insert into specc.migrations (stamp, name, checksum, state, steps, specc) values ('20260101000003', 'call', 'x', 'applying', 2, '0'); \
                   insert into specc.steps (stamp, ordinal, checksum, label, state) values ('20260101000003', 1, '{}', 'call p()', 'begun'); call p()";
    let checksum = all.all[2].script().unwrap().steps[0].checksum.clone();
    for statement in journal.replace("{}", &checksum).split("; ") {
        ask(&db, statement);
    }
    let said = refused(&db, &all, &options());
    assert!(said.contains("step 1 was begun and not completed, and whether its work was done is unknown"), "{said}");
    assert!(said.contains("--mark-done 20260101000003/1") && said.contains("--run-again 20260101000003/1"), "{said}");
    let step: StepId = "20260101000003/1".parse().unwrap();
    apply(&db, &all, &Options { mark_done: vec![step.clone()], ..options() }).unwrap();
    assert_eq!(ask(&db, "select count(*) from log"), "1");
    assert!(refused(&db, &all, &Options { mark_done: vec![step], ..options() }).contains("no step that was begun"));
    assert!("20260101000003".parse::<StepId>().is_err() && "1/0".parse::<StepId>().is_err());
}

#[test]
fn production_is_known_by_configuration_and_by_its_own_word() {
    let all = migrations(&[A], &[]);
    let ways: [&dyn Fn(&str) -> String; 3] = [
        &|name| format!("alter database {name} set specc.environment = 'production'"),
        &|name| format!("comment on database {name} is 'the shop. specc: production'"),
        &|_| {
            "create schema specc; grant all on schema specc to postgres; create table specc.environment (name text); \
              grant all on specc.environment to postgres; insert into specc.environment values ('production')"
                .into()
        },
    ];
    for way in ways {
        let db = fresh();
        db.connect_superuser().unwrap().batch_execute(&way(db.name())).unwrap();
        let said = refused(&db, &all, &options());
        assert!(
            said.contains("this database is production (the database says so") && said.contains("--allow-production"),
            "{said}"
        );
        assert!(report(&db, &all).production.is_some());
        assert_eq!(ask(&db, "select to_regclass('a') is null"), "t");
        apply(&db, &all, &Options { allow_production: true, ..options() }).unwrap();
    }
    let db = fresh();
    assert!(report(&db, &all).production.is_none());
    let by_config = Options { production: Some(Production("specc.toml says so".into())), ..options() };
    assert!(refused(&db, &all, &by_config).contains("specc.toml says so"));
}

#[test]
fn supabase_and_specc_agree() {
    let db = fresh();
    let mut owner = db.connect().unwrap();
    owner.batch_execute(A.1).unwrap();
    // The first form of its table.
    owner
        .batch_execute("create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key); \
                        insert into supabase_migrations.schema_migrations values ('20260101000001'), ('20250101000000')")
        .unwrap();
    let all = migrations(&[A, B], &[]);
    let before = report(&db, &all);
    assert_eq!(
        (before.migrations[0].state, before.migrations[0].adopted, before.unknown.len()),
        (State::Applied, true, 1)
    );
    let done = apply(&db, &all, &options()).unwrap();
    assert_eq!((done.adopted.len(), done.ran.len()), (1, 1));
    let history = "select string_agg(concat_ws(' ', version, name, statements::text), ';' order by version) \
                   from supabase_migrations.schema_migrations";
    assert_eq!(
        one(&mut owner, history),
        "20250101000000;20260101000001;20260101000002 b {\"alter table a add column b int\"}"
    );
    // A project that is not for Supabase leaves its history alone.
    let plain = shared(15).empty_database().unwrap();
    apply(&plain, &all, &Options { supabase: false, ..options() }).unwrap();
    assert_eq!(ask(&plain, "select to_regnamespace('supabase_migrations') is null"), "t");
}

#[test]
fn a_file_takes_no_setting_with_it() {
    let db = fresh();
    let all = migrations(
        &[
            (
                "20260101000001_a",
                "set search_path = ''; set role anon; reset role; create table public.a (id int); set local role authenticated;",
            ),
            (
                "20260101000002_b",
                "-- specc: no-transaction\nset search_path = extensions, public;\ncreate table public.b (id int);\nset role anon;\n",
            ),
            ("20260101000003_c", "begin;\ncreate table c (id int);\ncommit;\n"),
        ],
        &[],
    );
    apply(&db, &all, &options()).unwrap();
    let made = "select string_agg(tablename || ' ' || schemaname || ' ' || tableowner, ',' order by tablename) from pg_tables where tablename in ('a', 'b', 'c')";
    assert_eq!(ask(&db, made), "a public postgres,b public postgres,c public postgres");
}

#[test]
fn what_is_looked_at_before_can_stop_it() {
    let db = fresh();
    let all = migrations(&[A], &[]);
    let connect = || db.connect();
    let mut before = |session: &mut specc_postgres::Session| {
        let tables = one(session, "select count(*) from pg_tables where schemaname = 'public'");
        Err(Refused::new(format!("there are {tables} tables, and should be more")))
    };
    let error = specc_runner::apply(&connect, &all, &options(), &mut before, &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "there are 0 tables, and should be more");
    assert_eq!(states(&db, &all), [State::Pending]);
}

#[test]
fn a_lost_connection_is_said_and_two_files_of_one_stamp_are_refused() {
    let db = fresh();
    let all = migrations(
        &[("20260101000001_a", "create table a (id int); select pg_terminate_backend(pg_backend_pid());")],
        &[],
    );
    let said = refused(&db, &all, &options());
    assert!(said.contains("connection to the database was lost") && said.contains("run `specc apply` again"), "{said}");
    assert_eq!(states(&db, &all), [State::Pending]);
    assert!(report(&db, &all).to_string().contains("nothing of it was kept"));
    let file = |path: &str| specc_runner::File { path: path.into(), text: String::new() };
    let two = Migrations::new(vec![file("m/1_a.sql"), file("m/1_b.sql"), file("m/readme.sql")], Vec::new());
    assert!(two.unwrap_err().to_string().contains("the same stamp"));
}

#[test]
fn an_index_of_the_same_name_that_was_there_before_is_no_proof() {
    let db = fresh();
    let all = migrations(&[A, B, C], &[]);
    apply(&db, &all, &Options { to: Some("20260101000002".into()), ..options() }).unwrap();
    ask(&db, "create index a_b on a (id)");
    for _ in 0..2 {
        let said = refused(&db, &all, &options());
        assert!(said.contains("relation \"a_b\" already exists (42P07)"), "{said}");
    }
    // Not even after a crash in between.
    ask(
        &db,
        "insert into specc.steps select stamp, ordinal, checksum, label, 'begun', 1, now(), null, error from specc.steps \
              where stamp = '20260101000003' on conflict do nothing",
    );
    assert!(refused(&db, &all, &options()).contains("42P07"));
    ask(&db, "drop index a_b");
    apply(&db, &all, &options()).unwrap();
    assert_eq!(ask(&db, "select pg_get_indexdef('a_b'::regclass)"), "CREATE INDEX a_b ON public.a USING btree (b)");
}

#[test]
fn statements_that_are_sent_together_fail_at_their_own_place() {
    let db = fresh();
    let options = Options { together: Some(3), ..options() };
    let many: String = (0..10).map(|n| format!("create table t{n} (id int);\n")).collect();
    for (last, line, said) in [
        ("insert into t1 values (1 / (select count(*) from t2));\nselect 1;\n", 11, "division by zero"),
        ("select 1;\nselect\n  nothing;\nselect 2;\n", 13, "column \"nothing\" does not exist"),
        (
            "alter table t1 add constraint later check (id > 0) not valid;\nselect 1;\ninsert into t1 values (0);",
            13,
            "violates check",
        ),
    ] {
        let all = migrations(&[("20260101000001_many", &(many.clone() + last))], &[]);
        let found = refused(&db, &all, &options);
        assert!(
            found.starts_with(&format!("supabase/migrations/20260101000001_many.sql:{line}: ")) && found.contains(said),
            "{found}"
        );
        assert_eq!(ask(&db, "select count(*) from pg_tables where schemaname = 'public'"), "0");
    }
    // What is checked at the end of the transaction only.
    let late = "create table p (id int primary key); create table c (id int references p deferrable initially deferred);\n\
                insert into c values (1);\n";
    let found = refused(&db, &migrations(&[("20260101000001_many", late)], &[]), &options);
    assert!(found.contains("violates foreign key constraint") && found.contains("in: commit"), "{found}");
    assert_eq!(apply(&db, &migrations(&[("20260101000001_many", &many)], &[]), &options).unwrap().ran[0].steps, 10);
    assert_eq!(ask(&db, "select count(*) from specc.steps where state = 'done'"), "10");
}

#[test]
fn what_takes_long_is_told() {
    let db = fresh();
    let all = migrations(&[A, B, C], &[]);
    apply(&db, &all, &Options { to: Some("20260101000002".into()), ..options() }).unwrap();
    let mut idle = db.connect().unwrap();
    idle.batch_execute(
        "set application_name = 'report'; begin isolation level repeatable read; select count(*) from a",
    )
    .unwrap();
    let (result, told) = std::thread::scope(|scope| {
        let runner = scope.spawn(|| apply_telling(&db, &all, &options()));
        std::thread::sleep(Duration::from_millis(1600));
        assert_eq!(states(&db, &all), [State::Applied, State::Applied, State::Running]);
        idle.batch_execute("commit").unwrap();
        runner.join().unwrap()
    });
    result.unwrap();
    let slow = told.iter().find(|event| matches!(event, Event::Slow { .. })).expect("it was told").to_string();
    assert!(
        slow.contains("create index concurrently")
            && slow.contains("waiting for old snapshots, 0 of 1 sessions waited for"),
        "{slow}"
    );
    assert!(slow.contains("waits for process") && slow.contains("report, idle in transaction"), "{slow}");
}

#[test]
fn files_of_one_change_go_back_together() {
    let db = fresh();
    let ups = [
        A,
        B,
        ("20260101000003_b_index", "create index a_b on a (b);"),
        ("20260101000004_b_check", "alter table a add check (b > 0);"),
    ];
    let none = "-- taken back with the first file of the change\n";
    let downs = [
        ("20260101000001_a", "drop table a;"),
        ("20260101000002_b", "alter table a drop column b;"),
        ("20260101000003_b_index", none),
        ("20260101000004_b_check", none),
    ];
    let all = migrations(&ups, &downs);
    let down = |stamp: &str| Options { down_to: Some(stamp.into()), ..options() };
    apply(&db, &all, &Options { to: Some("20260101000003".into()), ..options() }).unwrap();
    let said = refused(&db, &all, &down("20260101000001"));
    assert!(
        said.contains("20260101000002_b goes back together with 20260101000004_b_check, which is not applied"),
        "{said}"
    );
    apply(&db, &all, &options()).unwrap();
    for stamp in ["20260101000002", "20260101000003"] {
        let said = refused(&db, &all, &down(stamp));
        assert!(said.contains("cannot go back alone: 20260101000002_b takes the whole change back"), "{said}");
        assert!(said.contains("--down-to 20260101000001"), "{said}");
    }
    assert!(report_is_clean(&db, &all));
    // All of it or nothing.
    ask(&db, "create view v as select b from a");
    assert!(refused(&db, &all, &down("20260101000001")).contains("other objects depend on it"));
    assert!(report_is_clean(&db, &all));
    assert!(report(&db, &all).to_string().contains("nothing of that was kept: cannot drop"));
    // Both ways are open.
    assert_eq!(apply(&db, &all, &options()).unwrap().ran, []);
    ask(&db, "drop view v");
    assert_eq!(apply(&db, &all, &down("20260101000001")).unwrap().ran.len(), 3);
    assert_eq!(states(&db, &all), [State::Applied, State::Pending, State::Pending, State::Pending]);
    assert_eq!(
        ask(&db, "select string_agg(version, ',') from supabase_migrations.schema_migrations"),
        "20260101000001"
    );
    assert_eq!(apply(&db, &all, &options()).unwrap().ran.len(), 3);
    assert!(report_is_clean(&db, &all));
}
