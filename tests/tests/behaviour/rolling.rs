//! Partitions by the calendar: years go by while somebody writes, and no row is lost, in the default partition, or drift.
//!
//! About 30 seconds on both servers.

use crate::behaviour::run;
use specc_catalog::Catalog;
use specc_postgres::{Database, Session};
use specc_tests::stage::said;
use specc_tests::{Layout, Rows, VERSIONS, one_text, project_for, texts};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const READINGS: &str = "
schema cold
entity sensors { id: int key, rls off }
entity readings {
  id: bigint identity
  at: timestamptz
  sensor_id -> sensors
  value: int storage plain
  note: text? compression pglz
  twice: int generated (value * 2)
  key (id, at)
  index (value)
  check positive: value > 0
  partition by range (at) every month keep 12 months then archive in cold ahead 2
  partition readings_rest default
  with (fillfactor = 90)
  policy { readers: allow select to authenticated when value < 1000 }
}
";

fn catalog(db: &Database) -> Catalog {
    let mut session = db.connect().unwrap();
    specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).unwrap().catalog
}

/// Calls it until there is nothing to do; how often something was.
pub(super) fn roll(session: &mut Session, table: &str, clock: &str) -> u32 {
    for calls in 0.. {
        assert!(calls < 500, "{table} never ends at {clock}");
        if one_text(session, &format!("select private.roll_{table}('{clock}')")) == "0" {
            return calls;
        }
    }
    0
}

/// The bounds of what is attached, by name.
fn parts(session: &mut Session, table: &str) -> Vec<String> {
    run(session, "set timezone = 'UTC'; set datestyle = 'ISO'");
    let query = format!(
        "select c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'public.{table}'::regclass order by 1"
    );
    texts(session, &query)
}

#[test]
fn five_years_go_by_while_somebody_writes() {
    let built = project_for(Layout::Supabase, READINGS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "insert into sensors select generate_series(1, 5)");
        let before = catalog(&db);
        let (month, over) = (AtomicU32::new(0), AtomicBool::new(false));
        let (month, over, at) = (&month, &over, &db);
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                let mut session = at.connect().unwrap();
                let mut written = 0_u32;
                while !over.load(Ordering::SeqCst) {
                    // Most are of this month; some come late, and some are of a time for which there is nothing yet.
                    let month = month.load(Ordering::SeqCst);
                    let insert = format!(
                        "insert into readings (at, sensor_id, value)
                         select '2027-01-01'::timestamptz + make_interval(months => {month}) + interval '1 hour' * (n * 97 % 700)
                              + make_interval(months => case n when 1 then -2 when 2 then 7 else 0 end), n % 5 + 1, n
                           from generate_series(1, 10) n"
                    );
                    session.batch_execute(&insert).unwrap();
                    session.batch_execute("update readings set value = value + 1 where id % 7 = 0 and value < 500").unwrap();
                    written += 10;
                }
                written
            });
            for n in 0..60 {
                let clock = format!("{}-{:02}-15", 2027 + n / 12, n % 12 + 1);
                roll(&mut owner, "readings", &clock);
                month.store(n, Ordering::SeqCst);
            }
            over.store(true, Ordering::SeqCst);
            writer.join().unwrap()
        });
        // What was written after the last look: a call finds it.
        let clock = "2031-12-20";
        roll(&mut owner, "readings", clock);
        assert!(written > 1000, "{major}: only {written} rows were written");
        let archived = texts(
            &mut owner,
            "select c.relname::text from pg_class c where c.relnamespace = 'cold'::regnamespace and c.relkind = 'r' order by 1",
        );
        assert!(archived.len() >= 48, "{major}: {archived:?}");
        let all: Vec<String> = archived.iter().map(|name| format!("select id from cold.{name}")).collect();
        let all = format!(
            "select count(*), count(distinct id) from (select id from readings union all {}) a",
            all.join(" union all ")
        );
        assert_eq!(one_text(&mut owner, &all), format!("{written} {written}"), "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from only readings_rest"), "0", "{major}");
        let (early, late) = ("min(at) >= '2030-12-01'", "count(*) > 0");
        assert_eq!(one_text(&mut owner, &format!("select {early}, {late} from readings")), "t t", "{major}");
        // 12 whole months, this one, and those ahead: also the ones that rows came for.
        let attached = parts(&mut owner, "readings");
        assert!(attached.len() >= 16 && attached.len() <= 22, "{major}: {attached:#?}");
        assert_eq!(catalog(&db), before, "{major}: drift");
        // Nobody but the owner reads a partition past the rules of its table.
        let open = "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid
                     where i.inhparent = 'readings'::regclass and (not c.relrowsecurity or array_length(c.relacl, 1) > 1)";
        assert_eq!(one_text(&mut owner, open), "0", "{major}");
    }
}

#[test]
fn what_postgres_does_not_hand_on_is_handed_on() {
    let built = project_for(Layout::Supabase, READINGS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "alter table readings alter column value set statistics 700, alter column sensor_id set (n_distinct = 5),
               alter column note set storage external, replica identity full;
             create index on readings (sensor_id, value)",
        );
        roll(&mut owner, "readings", "2040-05-05");
        let settings = "select string_agg(distinct format('%s %s %s %s', attname, attstattarget, attoptions, attstorage), ', ')
                          from pg_attribute join pg_class c on c.oid = attrelid
                         where attname in ('value', 'sensor_id', 'note') and c.relname like 'readings_20%' and c.relkind = 'r'";
        let none = if major < 17 { "-1" } else { "" };
        assert_eq!(
            one_text(&mut owner, settings),
            format!("note {none}  e, sensor_id {none} {{n_distinct=5}} p, value 700  p"),
            "{major}"
        );
        let same = "select count(*), count(distinct (c.reloptions, c.relreplident, c.relrowsecurity, (select count(*) from pg_index where indrelid = c.oid)))
                      from pg_class c where c.relname like 'readings_20%' and c.relkind = 'r'";
        let all = one_text(&mut owner, same);
        assert!(all.ends_with(" 1") && all != "1 1", "{major}: {all}");
        assert_eq!(
            texts(
                &mut owner,
                "select distinct array_to_string(reloptions, ',') from pg_class where relname like 'readings_20%' and relkind = 'r'"
            ),
            ["fillfactor=90"]
        );
    }
}

const MOMENTS: &str = "
entity days {
  at: date
  n: int
  key (at, n)
  partition by range (at) every week keep 2 quarters then drop ahead 1
  partition days_rest default
  rls off
}
entity plain {
  at: timestamp
  n: int
  key (at, n)
  partition by range (at) every quarter ahead 1
  partition plain_first from (minvalue) to ('2027-02-10')
  partition plain_rest default
  rls off
}
entity zoned {
  at: timestamptz
  n: int
  key (at, n)
  partition by range (at) every day keep 3 days ahead 1
  partition zoned_rest default
  rls off
}
";

#[test]
fn bounds_are_those_of_the_calendar_in_utc() {
    let built = project_for(Layout::Postgres, MOMENTS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        // None of this counts for the function.
        run(&mut owner, "set timezone = 'America/Bogota'; set datestyle = 'German'; set intervalstyle = 'iso_8601'");
        let made = |session: &mut Session, table: &str, clock: &str| {
            run(session, &format!("do $$ declare part regclass; begin for part in select inhrelid from pg_inherits
              where inhparent = '{table}'::regclass and inhrelid::regclass::text ~ '_(20|19)' loop execute 'drop table ' || part; end loop; end $$"));
            run(session, "set timezone = 'America/Bogota'; set datestyle = 'German'");
            roll(session, table, clock);
            parts(session, table)
        };
        // Half past nine in the evening in Bogotá is the next day in UTC.
        assert_eq!(
            made(&mut owner, "zoned", "2027-03-01 21:30:00-05"),
            [
                "zoned_2027_03_02 FOR VALUES FROM ('2027-03-02 00:00:00+00') TO ('2027-03-03 00:00:00+00')",
                "zoned_2027_03_03 FOR VALUES FROM ('2027-03-03 00:00:00+00') TO ('2027-03-04 00:00:00+00')",
                "zoned_rest DEFAULT",
            ],
            "{major}"
        );
        assert_eq!(
            made(&mut owner, "plain", "2027-02-05 00:00:00+00"),
            [
                "plain_2027q1 FOR VALUES FROM ('2027-02-10 00:00:00') TO ('2027-04-01 00:00:00')",
                "plain_2027q2 FOR VALUES FROM ('2027-04-01 00:00:00') TO ('2027-07-01 00:00:00')",
                "plain_first FOR VALUES FROM (MINVALUE) TO ('2027-02-10 00:00:00')",
                "plain_rest DEFAULT",
            ],
            "{major}"
        );
        assert_eq!(
            made(&mut owner, "days", "2027-01-02 12:00:00+00"),
            [
                "days_2026w53 FOR VALUES FROM ('2026-12-28') TO ('2027-01-04')",
                "days_2027w01 FOR VALUES FROM ('2027-01-04') TO ('2027-01-11')",
                "days_rest DEFAULT",
            ],
            "{major}"
        );
        // Rows of any time find their partition; of no time at all they stay, and old ones go with theirs.
        run(
            &mut owner,
            "insert into days values ('2027-01-01', 1), ('2027-02-20', 2), ('infinity', 3), ('2026-07-01', 4), ('2026-04-01', 5),
               ('294276-12-20', 6), ('5874897-12-31', 7)",
        );
        roll(&mut owner, "days", "2027-01-02 12:00:00+00");
        assert_eq!(texts(&mut owner, "select n from days order by n"), ["1", "2", "3", "4", "6", "7"], "{major}");
        assert_eq!(texts(&mut owner, "select n from only days_rest order by n"), ["3", "6", "7"], "{major}");
        // A detached one stands alone, with its rows, and is no drift.
        let before = catalog(&db);
        run(&mut owner, "insert into zoned values ('2027-03-02 10:00:00+00', 1)");
        roll(&mut owner, "zoned", "2027-04-01 00:00:00+00");
        assert_eq!(texts(&mut owner, "select n from zoned_2027_03_02"), ["1"], "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from zoned"), "0", "{major}");
        assert_eq!(catalog(&db), before, "{major}");
    }
}

const EVENTS: &str = "
entity logs {
  at: timestamptz
  n: int
  key (at, n)
  partition by range (at) every month ahead 1
  partition logs_rest default
  trigger noted after insert or delete execute note_it()
  rls force
}
entity noted { id: bigint identity key, rls off }
function note_it() -> trigger language plpgsql as $$ begin insert into public.noted default values; return null; end $$
entity notes {
  id: int key
  log_at: timestamptz
  log_n: int
  reference (log_at, log_n) -> logs (at, n) as log inverse notes
  rls off
}
";

#[test]
fn what_is_in_the_way_is_left_and_what_was_cut_off_is_mended() {
    let built = project_for(Layout::Postgres, EVENTS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let (mut owner, mut other) = (db.connect().unwrap(), db.connect().unwrap());
        // A name that somebody has.
        run(&mut owner, "create table logs_2030_01 (mine int)");
        run(
            &mut owner,
            "insert into logs values ('2030-01-10', 1), ('2030-03-10', 2), ('2030-05-10', 3), ('294276-12-20', 9)",
        );
        run(&mut owner, "insert into notes values (1, '2030-03-10', 2)");
        // Two more rows come and go by hand.
        let events = one_text(&mut owner, "select count(*) + 2 from noted");
        roll(&mut owner, "logs", "2030-01-15");
        assert!(parts(&mut owner, "logs").iter().any(|part| part.starts_with("logs_2030_01_2 ")), "{major}");
        // A row that another table refers to cannot move, and stops nothing but its own month.
        assert_eq!(texts(&mut owner, "select n from only logs_rest order by n"), ["2", "9"], "{major}");
        run(&mut owner, "insert into logs values ('2030-12-10', 5)");
        roll(&mut owner, "logs", "2030-04-15");
        assert_eq!(texts(&mut owner, "select n from only logs_rest order by n"), ["2", "9"], "{major}");
        assert!(parts(&mut owner, "logs").iter().any(|part| part.starts_with("logs_2030_12 ")), "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from notes"), "1", "{major}");
        // The last time that there is has no month after it.
        run(&mut owner, "delete from notes; delete from logs where n = 9");
        roll(&mut owner, "logs", "2030-04-15");
        assert_eq!(texts(&mut owner, "select n from only logs_rest"), Vec::<String>::new(), "{major}");
        // A row that moves is no event, and triggers and the binding of the owner are as they were.
        assert_eq!(one_text(&mut owner, "select count(*) from noted"), events, "{major}");
        let resting = "select count(*) filter (where tgenabled = 'O') > 0, count(*) filter (where tgenabled = 'D'),
                         bool_and(c.relforcerowsecurity) from pg_trigger t join pg_class c on c.oid = tgrelid
                        where tgrelid = 'logs_rest'::regclass and not tgisinternal";
        assert_eq!(one_text(&mut owner, resting), "t 0 t", "{major}");
        // Cut off in the middle: somebody holds what it waits for, and then it is ended.
        run(&mut owner, "insert into logs values ('2030-09-10', 4)");
        other.batch_execute("begin; lock table logs_rest in row exclusive mode").unwrap();
        let held = std::thread::scope(|scope| {
            let call = scope.spawn(|| {
                let mut session = db.connect().unwrap();
                session.batch_execute("select private.roll_logs('2030-08-15')").map_err(|e| said(&e)).unwrap_err()
            });
            let find = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%roll_logs(%' and pid <> pg_backend_pid() and datname = current_database()";
            while texts(&mut owner, find).is_empty() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            call.join().unwrap()
        });
        assert!(held.contains("terminating") || held.contains("closed"), "{major}: {held}");
        other.batch_execute("rollback").unwrap();
        assert_eq!(texts(&mut owner, "select n from only logs_rest"), ["4"], "{major}");
        roll(&mut owner, "logs", "2030-08-15");
        assert_eq!(one_text(&mut owner, "select count(*) from only logs_rest"), "0", "{major}");
        assert_eq!(texts(&mut owner, "select n from logs order by n"), ["1", "2", "3", "4", "5"], "{major}");
    }
}

/// What somebody does to a part by hand, and takes back.
const BY_HAND: [(&str, &str); 10] = [
    ("alter publication supabase_realtime add table {t}", "alter publication supabase_realtime drop table {t}"),
    ("grant select on {t} to public", "revoke select on {t} from public"),
    ("grant select (value) on {t} to anon", "revoke select (value) on {t} from anon"),
    ("alter table {t} disable row level security", "alter table {t} enable row level security"),
    ("create policy open on {t} using (true)", "drop policy open on {t}"),
    ("create rule quiet as on delete to {t} do also nothing", "drop rule quiet on {t}"),
    ("create index by_hand on {t} (note)", "drop index {s}.by_hand"),
    ("alter table {t} add constraint by_hand check (value < 100000)", "alter table {t} drop constraint by_hand"),
    (
        "create trigger by_hand before update on {t} for each row execute function suppress_redundant_updates_trigger()",
        "drop trigger by_hand on {t}",
    ),
    (
        "grant create on schema {s} to anon; alter table {t} owner to anon; revoke create on schema {s} from anon",
        "alter table {t} owner to current_user",
    ),
];

#[test]
fn what_somebody_did_to_a_part_is_drift() {
    let detached = READINGS.replace("entity readings", "entity others").replace("readings_rest", "others_rest");
    let detached = detached.split_once("entity others").unwrap().1.replace("archive in cold", "detach");
    let built = project_for(Layout::Supabase, &format!("{READINGS}\nentity others{detached}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let before = catalog(&db);
        run(&mut owner, "insert into sensors values (1)");
        for table in ["readings", "others"] {
            run(&mut owner, &format!("insert into {table} (at, sensor_id, value) values ('2027-02-03', 1, 1)"));
            roll(&mut owner, table, "2027-02-10");
            roll(&mut owner, table, "2028-06-10");
        }
        assert!(catalog(&db) == before, "{major}");
        // Attached, archived, and detached.
        for (schema, part) in
            [("public", "readings_2028_06"), ("cold", "readings_2027_02"), ("public", "others_2027_02")]
        {
            for (hand, back) in BY_HAND {
                let at = |text: &str| text.replace("{t}", &format!("{schema}.{part}")).replace("{s}", schema);
                run(&mut owner, &at(hand));
                assert!(catalog(&db) != before, "{major}: {}", at(hand));
                run(&mut owner, &at(back));
            }
            assert!(catalog(&db) == before, "{major}: {part}");
        }
        // A comment alone makes no part, whatever it says.
        let said = one_text(&mut owner, "select obj_description('cold.readings_2027_02'::regclass)");
        for said in ["Made by specc as a part of nothing.", "Made by specc as a part of public.readings.", &said] {
            run(&mut owner, &format!("create table evil (secret text); comment on table evil is '{said}'"));
            assert!(catalog(&db) != before, "{major}: {said}");
            run(&mut owner, "drop table evil");
        }
        // Those that went are as closed as their table is, also when that changes.
        run(&mut owner, "alter table readings force row level security");
        roll(&mut owner, "readings", "2028-06-10");
        let forced = "select relforcerowsecurity from pg_class where oid = 'cold.readings_2027_02'::regclass";
        assert_eq!(one_text(&mut owner, forced), "t", "{major}");
    }
}
