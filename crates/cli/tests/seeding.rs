//! `specc seed`, as users run it: rows of any number, in databases of the specs that ship and of others.

use crate::program::{run, run_with};
use crate::tried::{applied, apply, specs};
use specc_postgres::{Database, Session, shared};
use std::path::Path;

/// Tables of a project, and those of others that it refers to.
const TABLES: &str = "select n.nspname::text || '.' || c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where c.relkind in ('r', 'p') and not c.relispartition \
       and (n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'specc', 'supabase_migrations', 'auth', 'storage', \
         'realtime', 'vault', 'extensions', 'graphql', 'cron', 'net', 'supabase_functions') \
       or exists (select from pg_constraint k where k.contype = 'f' and k.confrelid = c.oid and n.nspname = 'auth')) order by 1";

fn texts(session: &mut Session, sql: &str) -> Vec<String> {
    session.query(sql, &[]).unwrap_or_else(|error| panic!("{error}: {sql}")).iter().map(|row| row.get(0)).collect()
}

fn number(session: &mut Session, sql: &str) -> i64 {
    session.query_one(sql, &[]).unwrap_or_else(|error| panic!("{error}: {sql}")).get(0)
}

/// A sum over all rows of a table.
fn sum(session: &mut Session, table: &str) -> String {
    let sql = format!(
        "select count(*)::text || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text collate \"C\")), '') from {table} t"
    );
    texts(session, &sql).remove(0)
}

fn seed(dir: &Path, db: &Database, args: &[&str]) -> (i32, String) {
    let url = db.url("postgres");
    let all = [&["seed", "--database-url", &url], args].concat();
    let (code, out, err) = run(dir, &all);
    (code, format!("{out}{err}"))
}

/// A copy of a spec that ships.
fn copied(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(specs().join(name)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    dir
}

/// Every table of the specs that ship takes rows, which a masked backup knows; the same on another server, and no more when they are there.
#[test]
fn tables_of_the_specs_are_filled() {
    for name in ["automation_platform", "medellin_spark", "srvc_crm", "starter"] {
        let dir = copied(name);
        let sums = [15, 18].map(|major| {
            let db = shared(major).platform_database().unwrap();
            let _ = apply(dir.path(), &db);
            let mut session = db.connect().unwrap();
            let tables = texts(&mut session, TABLES);
            let rows: Vec<String> =
                tables.iter().flat_map(|table| ["--rows".to_owned(), format!("{table}=200")]).collect();
            let args: Vec<&str> = rows.iter().map(String::as_str).collect();
            let (code, said) = seed(dir.path(), &db, &args);
            assert!(code == 0 || said.contains(';'), "{name}: {said}");
            for table in &tables {
                let count = number(&mut session, &format!("select count(*) from {table}"));
                // Where something is unique and there are fewer, it says so.
                let told = said.lines().any(|line| line.starts_with(&format!("{table}:")) && line.contains(';'));
                assert!(count >= 200 || count > 0 && told, "{name}, {table}: {count}\n{said}");
            }
            kept(&mut session, name);
            // Those that the spec itself puts there have the time at which that was.
            let is_made = |table: &&String| said.contains(&format!("{table}: 200 rows, 0 before"));
            let made: Vec<&String> = tables.iter().filter(is_made).collect();
            assert!(made.len() > 3, "{name}: {said}");
            let mut sums = || made.iter().map(|table| ((*table).clone(), sum(&mut session, table))).collect::<Vec<_>>();
            let first = sums();
            let (_, said) = seed(dir.path(), &db, &args);
            assert_eq!(first, sums(), "{name}: {said}");
            // All that the spec makes is known to it: nothing stops a masked backup.
            let (file, url) = (format!("masked-{major}.dump"), db.url("postgres"));
            let backup = ["backup", "--masked", "--database-url", &url, "--file", &file];
            let (code, out, err) = run(dir.path(), &backup);
            assert_eq!(code, 0, "{name}: {out}{err}");
            first
        });
        let differs: Vec<_> = sums[0].iter().zip(&sums[1]).filter(|(a, b)| a != b).collect();
        assert!(differs.is_empty(), "{name}: {differs:?}");
    }
}

/// Maintained values are what they count, triggers are as they were, and sequences lead on.
fn kept(session: &mut Session, name: &str) {
    let asleep = number(session, "select count(*) from pg_trigger where tgenabled <> 'O' and not tgisinternal");
    assert_eq!(asleep, 0, "{name}");
    let invalid = number(session, "select count(*) from pg_constraint where not convalidated");
    assert_eq!(invalid, 0, "{name}");
}

/// Everything that rows have to hold to, with names that are words of SQL.
const STRICT: &str = r#"
enum seat_status { confirmed, waitlisted, cancelled }
enum step { draft, open, done }
domain percent: int { check in_range: value between 0 and 100 }

entity tenants {
  id:   uuid = gen_random_uuid()  key
  slug: text                      unique

  check slug ~ '^[a-z]{3}-[0-9]{4}$'
  rls off
}

entity people {
  tenant_id -> tenants
  id:       uuid = gen_random_uuid()  key
  email:    text
  boss      -> people?
  "order":  int
  score:    percent?

  unique (tenant_id, email)
  unique (tenant_id, id)
  check email like '%@%' and length(email) < 40
  rls off
}

entity events {
  tenant_id -> tenants
  id:        bigint key identity
  title:     text
  capacity:  int
  confirmed: int = count(seats where status = 'confirmed')
  step:      step = 'draft'
  opened_at: timestamptz?
  starts_at: timestamptz
  ends_at:   timestamptz

  workflow step {
    -> draft
    draft -> open when opened_at is not null
    open  -> done
  }

  unique (tenant_id, id)
  check capacity between 3 and 9
  check ends_at > starts_at
  check length(trim(title)) between 12 and 20
  rls off
}

entity seats {
  tenant_id: uuid
  id:        bigint key identity
  event_id:  bigint
  person_id: uuid
  status:    seat_status = 'confirmed'
  booked_at: timestamptz = now()

  reference (tenant_id, event_id) -> events (tenant_id, id) as event inverse seats
  reference (tenant_id, person_id) -> people (tenant_id, id) as person inverse seats
  limit places: status = 'confirmed' per tenant_id, event_id to event.capacity
        else status = 'waitlisted' promote by booked_at
  rls off
}

entity beds {
  id:        int key identity
  person_id  -> people
  day:       date

  unique (person_id, day)
  limit few: day > '1900-01-01' per person_id to 3
  check extract(isodow from day) = 1
  rls off
}

entity badges {
  person_id -> people  key
  kind:      text

  check kind in ('a', 'b')

  rls off
}

entity likes {
  person_id -> people
  event_id  -> events
  note:     text?
  reply:    text?

  key (person_id, event_id)
  check (note is null) <> (reply is null) or note = reply
  rls off
}

entity "select" {
  id:     uuid = gen_random_uuid()  key
  during: tstzrange
  at:     timestamptz
  total:  numeric(6, 2)
  net:    numeric(8, 2) generated (total * 2)

  exclude using gist (during with &&)
  check total >= 0
  rls off
}

entity readings {
  id:  bigint identity
  at:  timestamptz
  "a	b": text

  key (id, at)
  partition by range (at)
  partition readings_a from ('2024-01-01') to ('2024-07-01')
  partition readings_b from ('2024-07-01') to ('2025-01-01')
  rls off
}
"#;

#[test]
fn rows_hold_what_the_spec_says() {
    let (dir, db, _) = applied(STRICT);
    let mut session = db.connect().unwrap();
    let mut ask = |sql: &str| number(&mut session, sql);
    let args = [
        "--rows",
        "tenants=30",
        "--rows",
        "people=400",
        "--rows",
        "events=60",
        "--rows",
        "seats=900",
        "--rows",
        "beds=2000",
        "--rows",
        "badges=500",
        "--rows",
        "likes=3000",
        "--rows",
        "select=500",
        "--rows",
        "readings=800",
    ];
    let (code, said) = seed(dir.path(), &db, &args);
    // Each person has a badge, and at most three beds.
    assert!(
        code == 1 && said.contains("public.badges: 400 rows, 0 before; people has 400 rows, and not all"),
        "{said}"
    );
    for (table, rows) in [
        ("tenants", 30),
        ("people", 400),
        ("events", 60),
        ("seats", 900),
        ("likes", 3000),
        ("\"select\"", 500),
        ("readings", 800),
    ] {
        assert_eq!(ask(&format!("select count(*) from {table}")), rows, "{table}: {said}");
    }
    for (wrong, sql) in [
        (
            "a count",
            "select count(*) from events e where confirmed <> (select count(*) from seats s where s.event_id = e.id and s.status = 'confirmed')",
        ),
        ("a limit", "select count(*) from events where confirmed > capacity"),
        (
            "a place that is free while somebody waits",
            "select count(*) from events e where confirmed < capacity and exists (select from seats s where s.event_id = e.id and s.status = 'waitlisted')",
        ),
        ("beds", "select count(*) from (select from beds group by person_id having count(*) > 3) b"),
        ("a state", "select count(*) from events where step <> 'draft' and opened_at is null"),
        (
            "a state that is not reached yet",
            "select count(*) from events where step = 'draft' and opened_at is not null",
        ),
        ("one person's own boss", "select count(*) from people where boss = id"),
    ] {
        assert_eq!(ask(sql), 0, "{wrong}");
    }
    for (there, sql) in [
        ("who waits", "select count(*) from seats where status = 'waitlisted'"),
        ("bosses", "select count(*) from people where boss is not null"),
        ("states", "select count(*) from events where step = 'done'"),
        ("both parts", "select least((select count(*) from readings_a), (select count(*) from readings_b))"),
        ("beds", "select count(*) from beds"),
    ] {
        assert!(ask(sql) > 0, "{there}");
    }
    kept(&mut session, "strict");
    // What comes after is numbered after, and judged.
    let more = "insert into seats (tenant_id, event_id, person_id) select e.tenant_id, e.id, p.id from events e join people p using (tenant_id)";
    let added = session.execute(more, &[]).unwrap();
    assert!(added > 100);
    assert_eq!(number(&mut session, "select count(*) from events where confirmed > capacity"), 0);
    let (_, said) = seed(dir.path(), &db, &["--rows", "people=1000", "--rows", "events=200"]);
    assert!(
        said.contains("public.people: 600 rows, 400 before") && said.contains("public.events: 140 rows, 60 before"),
        "{said}"
    );
}

#[test]
fn nothing_is_made_up_in_production() {
    let (dir, db, _) =
        applied("entity notes { id: int key identity\n text: text\n rls off }\n\nseed dev { notes { text: 'one' } }\n");
    let mut session = db.connect().unwrap();
    let (code, said) = seed(dir.path(), &db, &[]);
    assert!(code == 2 && said.contains("nothing says which rows"), "{said}");
    let (code, said) = seed(dir.path(), &db, &["--rows", "nots=3"]);
    assert!(code == 2 && said.contains("did you mean `notes`?"), "{said}");
    for wrong in ["notes", "notes=x", "notes=-1"] {
        assert_eq!(seed(dir.path(), &db, &["--rows", wrong]).0, 2, "{wrong}");
    }
    let (code, said) = seed(dir.path(), &db, &["dev", "--rows", "notes=5"]);
    assert!(code == 0 && said.contains("public.notes: 4 rows, 1 before"), "{said}");
    session.batch_execute(&format!("comment on database {} is 'specc: production'", db.name())).unwrap();
    let (code, said) = seed(dir.path(), &db, &["dev", "--rows", "notes=9"]);
    assert!(code == 1 && said.contains("this database is production"), "{said}");
    assert_eq!(number(&mut session, "select count(*) from notes"), 5);
}

/// Production is what its variable leads to, by whatever name somebody gives it.
#[test]
fn production_is_known_by_its_variable() {
    let (dir, db, url) = applied("entity notes { id: int key identity\n text: text\n rls off }\n");
    let settings = std::fs::read_to_string(dir.path().join("specc.toml")).unwrap();
    let settings = format!("{settings}\n[environments.production]\ndatabase_url = \"LIVE_URL\"\n");
    std::fs::write(dir.path().join("specc.toml"), settings).unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let other = format!("{url}{separator}application_name=somebody&sslmode=disable");
    for command in [&["seed", "--rows", "notes=5"][..], &["reset", "--yes"], &["apply"]] {
        let args = [command, &["--database-url", &other]].concat();
        let (code, out, err) = run_with(dir.path(), &args, &[("LIVE_URL", &url)]);
        let said = format!("{out}{err}");
        assert!(code == 1 && said.contains("it is the environment `production`"), "{command:?}: {code} {said}");
    }
    let elsewhere = url.replace(db.name(), "elsewhere");
    let args = ["seed", "--rows", "notes=5", "--database-url", &other];
    let (code, _, err) = run_with(dir.path(), &args, &[("LIVE_URL", &elsewhere)]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(number(&mut db.connect().unwrap(), "select count(*) from notes"), 5);
}

/// What is too much for a file is added by the command, as its line says, and the file has the rest.
#[test]
fn large_lines_of_a_seed_are_copied() {
    let text = "entity notes {\n  id: bigint key identity\n  text: text\n  kind: text\n  stars: int\n  closed_at: date?\n  rls off\n}\n\n\
                seed dev {\n  notes { text: 'one', kind: 'a', stars: 1 }\n  \
                notes * 100_001 { text: fake.city, kind: one of ('x', 'y'), stars: between(2, 4), closed_at: null }\n}\n";
    let (dir, db, _) = applied(text);
    let mut session = db.connect().unwrap();
    let file = std::fs::read_to_string(dir.path().join("supabase/seeds/dev.sql")).unwrap();
    assert!(file.contains("'one'") && file.len() < 5000, "{file}");
    let (code, said) = seed(dir.path(), &db, &["dev"]);
    assert!(code == 0 && said.contains("public.notes: 100000 rows, 1 before"), "{said}");
    let wrong = "select count(*) from notes where id > 1 and (kind not in ('x', 'y') or stars not between 2 and 4 or closed_at is not null)";
    assert_eq!(number(&mut session, wrong), 0);
    assert!(number(&mut session, "select count(distinct (kind, stars)) from notes where id > 1") == 6);
}

/// A table has all of its rows or none, and its triggers, whenever the command is killed.
#[test]
fn killed_in_the_middle_of_a_table() {
    let text = "entity notes {\n  id: bigint key identity\n  text: text\n  changed_at: timestamptz = now()\n  rls off\n  \
                trigger touch before update execute touched()\n}\n\n\
                function touched() -> trigger language plpgsql as $$ begin new.changed_at = now(); return new; end $$\n";
    let (dir, db, url) = applied(text);
    let mut session = db.connect().unwrap();
    for wait in [300, 600, 900, 1200] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_specc"))
            .args(["seed", "--database-url", &url, "--rows", "notes=300000"])
            .current_dir(dir.path())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        // The server may take a moment to see that nobody is there.
        let busy = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
        while number(&mut session, busy) > 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let rows = number(&mut session, "select count(*) from notes");
        assert!(rows == 0 || rows == 300_000, "{wait}: {rows}");
        kept(&mut session, "killed");
    }
    let (code, said) = seed(dir.path(), &db, &["--rows", "notes=1000"]);
    assert_eq!(code, 0, "{said}");
}

/// What an adversary found: types with few values, inherited columns, null among the values of a partition, conditions of states that
/// only a server decides, references in a circle, and rows that were there.
#[test]
fn traps_of_rows() {
    let text = r#"
enum step { new, paid, shipped }
enum place { ok, wait }

entity kinds {
  id:   smallint       key identity
  one:  "char"
  tiny: numeric(3, 5)
  k:    text?

  rls off
}

entity base {
  id:   uuid = gen_random_uuid()  key
  name: text

  rls off
}

entity parts {
  id: int
  at: text?

  partition by list (at)
  partition parts_a in ('a', 'b')
  partition parts_null in (null)
  rls off
}

entity sales {
  id:      int key identity
  step:    step = 'new'
  amount:  int
  paid_at: timestamptz?

  workflow step {
    -> new
    new  -> paid when paid_at is not null and amount > 10
    paid -> shipped when amount % 7 = 3
  }

  rls off
}

entity circ_a {
  id:   int key
  t:    int
  b_id: int?

  unique (id, t)
  reference (b_id, t) -> circ_b (id, t) as b inverse circ_as
  rls off
}

entity circ_b {
  id:   int key
  t:    int
  a_id: int?

  unique (id, t)
  reference (a_id, t) -> circ_a (id, t) as a inverse circ_bs
  rls off
}

entity lots {
  id:       int key
  capacity: int

  rls off
}

entity slots {
  id:     int key
  lot_id -> lots
  state:  place = 'ok'
  at:     timestamptz

  limit places: state = 'ok' per lot_id to lot.capacity else state = 'wait' promote by at
  rls off
}
"#;
    let (dir, db, _) = applied(text);
    let mut session = db.connect().unwrap();
    session
        .batch_execute(
            "insert into lots values (7000, 5); insert into slots select 500000 + n, 7000, 'ok', '2030-01-01' from generate_series(1, 4) n; \
             insert into slots select 600000 + n, 7000, 'wait', '2019-01-01' from generate_series(1, 4) n; \
             create table heir (x text) inherits (base)",
        )
        .unwrap();
    let there = "select id || ' ' || state from slots where lot_id = 7000 and id between 500000 and 600004 order by id";
    let before = texts(&mut session, there);
    let args = [
        "--rows",
        "kinds=40000",
        "--rows",
        "base=50",
        "--rows",
        "parts=90",
        "--rows",
        "sales=300",
        "--rows",
        "circ_a=60",
        "--rows",
        "circ_b=60",
        "--rows",
        "lots=3",
        "--rows",
        "slots=100",
    ];
    let (_, said) = seed(dir.path(), &db, &args);
    for (table, rows) in
        [("kinds", 32767), ("base", 50), ("parts", 90), ("sales", 300), ("circ_a", 60), ("circ_b", 60), ("slots", 100)]
    {
        assert_eq!(number(&mut session, &format!("select count(*) from {table}")), rows, "{table}: {said}");
    }
    assert_eq!(texts(&mut session, there), before, "{said}");
    for wrong in [
        "select count(*) from sales where step = 'new' and paid_at is not null",
        "select count(*) from sales where step <> 'new' and (paid_at is null or amount <= 10)",
        "select count(*) from sales where step = 'shipped' and amount % 7 <> 3",
        "select count(*) from lots l where capacity < (select count(*) from slots s where s.lot_id = l.id and state = 'ok')",
    ] {
        assert_eq!(number(&mut session, wrong), 0, "{wrong}");
    }
    let (code, said) = seed(dir.path(), &db, &["--rows", "kinds=40000"]);
    assert!(code == 1 && said.contains("0 rows, 32767 before; `id` is unique and has 32767 values"), "{said}");
}

/// Rows that went, pairs that are there, what is unique among some, and numbers that begin later: the same command fills up again.
#[test]
fn filled_up_again() {
    let text = r#"
entity users {
  id:    uuid = gen_random_uuid()  key
  email: text                      unique

  rls off
}

entity events {
  id:   int key
  open: bool
  room: int

  check id between 10 and 400
  unique rooms: (room) where open
  rls off
}

entity likes {
  user_id  -> users
  event_id -> events

  key (user_id, event_id)
  rls off
}

entity cards {
  user_id -> users  key
  no:     int

  rls off
}
"#;
    let (dir, db, _) = applied(text);
    let mut session = db.connect().unwrap();
    let all = |n: [u32; 4]| -> Vec<String> {
        let names = ["users", "events", "likes", "cards"];
        names.iter().zip(n).flat_map(|(name, rows)| ["--rows".to_owned(), format!("{name}={rows}")]).collect()
    };
    let mut fill = |n: [u32; 4]| {
        let args = all(n);
        let (code, said) = seed(dir.path(), &db, &args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{said}");
        for (table, rows) in ["users", "events", "likes", "cards"].into_iter().zip(n) {
            assert_eq!(
                number(&mut session, &format!("select count(*) from {table}")),
                i64::from(rows),
                "{table}: {said}"
            );
        }
    };
    fill([60, 50, 900, 40]);
    let mut other = db.connect().unwrap();
    other.batch_execute("delete from cards where no % 3 = 0; delete from likes where event_id % 5 = 0; delete from users u where not exists (select from likes where user_id = u.id) and not exists (select from cards where user_id = u.id)").unwrap();
    other.batch_execute("delete from likes where user_id in (select id from users order by email limit 7); delete from cards where user_id in (select id from users order by email limit 7); delete from users where id in (select id from users order by email limit 7)").unwrap();
    fill([60, 50, 900, 40]);
    fill([80, 90, 1500, 70]);
    assert_eq!(number(&mut other, "select count(*) from events where id < 10 or id > 400"), 0);
}
