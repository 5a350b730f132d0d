//! Backups come back as they were, or it is said that they do not; and a reset takes all of the project and nothing else.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

mod support;

use specc_postgres::{Address, Database, Session, shared};
use specc_runner::{
    BackupOptions, Error, Event, Manifest, ResetOptions, RestoreOptions, Restored, Scope, TableOptions, TableRestored,
};
use std::path::{Path, PathBuf};
use support::{apply, ask, folder, migrations, one, options};

/// A small shop: keys, a generated column, a maintained count, an identity, a sequence, partitions, rows with everything odd.
const SHOP: &str = r#"
create schema private;
create type kind as enum ('small', 'large');
create table customers (id uuid primary key, name text not null, orders int not null default 0, kind kind default 'small');
create table orders (
  id bigint generated always as identity primary key,
  customer_id uuid not null references customers on delete cascade,
  "odd (name" numeric, half numeric generated always as ("odd (name" / 2) stored, seen timestamptz, data jsonb, raw bytea, tags text[]
);
create function private.count_orders() returns trigger language plpgsql as $$ begin
  update public.customers set orders = orders + 1 where id = new.customer_id; return new;
end $$;
create trigger count_orders after insert on orders for each row execute function private.count_orders();
create table log (at date not null, what text) partition by range (at);
create table log_1 partition of log for values from ('2026-01-01') to ('2026-02-01');
create view big as select * from orders where "odd (name" > 100;
alter table customers enable row level security;
create policy own on customers for select to authenticated using (id = auth.uid());
create policy read on storage.objects for select to authenticated using (bucket_id = 'shop');
create function hello() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger hello after insert on auth.users for each row execute function hello();
insert into customers (id, name) select gen_random_uuid(), 'name' || E'\t\n\\' || g from generate_series(1, 20) g;
insert into orders (customer_id, "odd (name", seen, data, raw, tags)
  select id, row_number() over () * 1.1, '2026-03-29 01:30+01', '{"a": [1, null]}', '\x00ff', array['a,b', null, '"'] from customers;
insert into log values ('2026-01-05', '\.'), ('2026-01-06', 'it''s');
"#;

fn shop(db: &Database) -> specc_runner::Migrations {
    let all = migrations(&[("20260101000001_shop", SHOP)], &[]);
    apply(db, &all, &options()).unwrap();
    all
}

fn address(db: &Database) -> Address {
    Address::resolve(Some(&db.url("postgres")), |_| None).unwrap()
}

fn back_up(db: &Database, to: &Path, options: &BackupOptions) -> Manifest {
    let manifest = specc_runner::backup(&mut db.connect().unwrap(), &address(db), to, options, &|_| {}).unwrap();
    // As it is written and read again.
    Manifest::from_json(&manifest.to_json()).unwrap()
}

fn supabase() -> BackupOptions {
    BackupOptions { supabase: true, ..BackupOptions::default() }
}

fn restore(db: &Database, dump: &Path, manifest: &Manifest, options: &RestoreOptions) -> Result<Restored, Error> {
    let tell = |event: Event| println!("{event}");
    specc_runner::restore(&mut db.connect().unwrap(), &address(db), dump, manifest, options, &tell)
}

fn table(db: &Database, dump: &Path, manifest: &Manifest, options: &TableOptions) -> Result<TableRestored, Error> {
    specc_runner::restore_table(&mut db.connect().unwrap(), dump, manifest, options, &|_| {})
}

fn reset(db: &Database, options: &ResetOptions) -> Result<Vec<String>, Error> {
    specc_runner::reset(&mut db.connect().unwrap(), options, &|_| {})
}

const SUMS: &str = "select count(*), md5(string_agg(o::text, '|' order by id)) from orders o";

#[test]
fn a_whole_backup_comes_back_into_an_empty_database() {
    for major in [15, 18] {
        let cluster = shared(major);
        let db = cluster.platform_database().unwrap();
        shop(&db);
        let (_dir, dump) = folder();
        let manifest = back_up(&db, &dump, &supabase());
        assert_eq!(manifest.stamp.as_deref(), Some("20260101000001"));
        assert!(manifest.without.contains(&"auth".to_owned()) && !manifest.without.contains(&"private".to_owned()));
        assert!(manifest.tables.iter().any(|t| t.name == "log_1" && t.rows == 2));

        let other = cluster.platform_database().unwrap();
        let restored = restore(&other, &dump, &manifest, &RestoreOptions::default()).unwrap();
        assert_eq!((restored.tables, restored.tables > 5), (manifest.tables.len(), true));
        assert_eq!(ask(&other, SUMS), ask(&db, SUMS));
        assert_eq!(ask(&other, "select sum(orders) from customers"), "20");
        let mut owner = other.connect().unwrap();
        owner.batch_execute("insert into orders (customer_id) select id from customers limit 1").unwrap();
        assert_eq!(one(&mut owner, "select max(id) from orders"), "21");
        // The journal came along: nothing is pending.
        assert!(support::report(&other, &migrations(&[("20260101000001_shop", SHOP)], &[])).is_clean());

        let error = restore(&other, &dump, &manifest, &RestoreOptions::default()).unwrap_err().to_string();
        assert!(error.contains("is not empty") && error.contains("--clean"), "{error}");
        restore(&other, &dump, &manifest, &RestoreOptions { clean: true, ..RestoreOptions::default() }).unwrap();
        assert_eq!(ask(&other, SUMS), ask(&db, SUMS));
    }
}

/// What others than the owner may do in the project's schemas.
const RIGHTS: &str = "select string_agg(format('%s %s %s', c.relname, x.privilege_type, x.grantee::regrole), ' ' order by c.relname, 2, x.grantee::regrole::text)
  from pg_class c cross join aclexplode(c.relacl) x where c.relnamespace = 'public'::regnamespace and x.grantee <> c.relowner";

/// As specc writes it: what the platform grants to everyone at its API is revoked first.
const CLOSED: &str = "
create table notes (id bigint generated always as identity primary key, title text, secret text);
revoke all on notes from anon, authenticated, service_role;
revoke all on sequence notes_id_seq from anon, authenticated, service_role;
grant select (id, title), update (title) on notes to authenticated;
create function peek() returns int language sql as 'select 1';
revoke all on function peek() from public, anon, authenticated, service_role;
insert into notes (title) values ('a');
";

#[test]
fn default_privileges_give_nothing_to_what_is_restored() {
    for major in [15, 18] {
        let cluster = shared(major);
        let db = cluster.platform_database().unwrap();
        let all = migrations(&[("20260101000001_notes", CLOSED)], &[]);
        apply(&db, &all, &options()).unwrap();
        let defaults = "select string_agg(said, '|' order by said) from (select format('%s %s %s %s %s', d.defaclrole::regrole, d.defaclnamespace::regnamespace,
  d.defaclobjtype, x.grantee::regrole, x.privilege_type) as said from pg_default_acl d cross join aclexplode(d.defaclacl) x) s";
        let (rights, said) = (ask(&db, RIGHTS), ask(&db, defaults));
        // The platform's defaults are there, or nothing is tested.
        ask(&db, "create table probe (id int); alter table probe owner to postgres");
        db.connect().unwrap().batch_execute("create table open_by_default (id int)").unwrap();
        assert_eq!(ask(&db, "select has_table_privilege('anon', 'open_by_default', 'truncate')"), "t");
        ask(&db, "drop table probe, open_by_default");
        let (_dir, dump) = folder();
        let manifest = back_up(&db, &dump, &supabase());
        let may = |db: &Database, who: &str, what: &str| {
            ask(db, &format!("select has_table_privilege('{who}', 'notes', '{what}')"))
        };
        let check = |db: &Database, when: &str| {
            assert_eq!(ask(db, RIGHTS), rights, "{when} on {major}");
            for who in ["anon", "authenticated"] {
                for what in ["select", "insert", "delete", "truncate", "references", "trigger"] {
                    assert_eq!(may(db, who, what), "f", "{when} on {major}: {who} may {what}");
                }
            }
            assert_eq!(ask(db, "select has_column_privilege('authenticated', 'notes', 'title', 'update')"), "t");
            assert_eq!(ask(db, "select has_function_privilege('anon', 'peek()', 'execute')"), "f", "{when} on {major}");
            assert_eq!(ask(db, defaults), said, "{when} on {major}");
        };
        restore(&db, &dump, &manifest, &RestoreOptions { clean: true, ..RestoreOptions::default() }).unwrap();
        check(&db, "after --clean");
        let other = cluster.platform_database().unwrap();
        let before = ask(&other, "select count(*) from pg_default_acl");
        restore(&other, &dump, &manifest, &RestoreOptions::default()).unwrap();
        assert_eq!(ask(&other, RIGHTS), rights, "into a new database on {major}");
        assert_eq!(ask(&other, "select count(*) from pg_default_acl"), before);
        let into = TableOptions { table: "notes".into(), into: Some("notes_then".into()), ..TableOptions::default() };
        table(&db, &dump, &manifest, &into).unwrap();
        let open = "select count(*) from pg_class c cross join aclexplode(c.relacl) x where c.relname like 'notes_then%' and x.grantee <> c.relowner";
        assert_eq!(ask(&db, open), "0");
        assert_eq!(ask(&db, "select count(*) from pg_class where relname like 'notes_then%seq'"), "1");
    }
}

#[test]
fn rights_that_are_not_what_they_were_are_said() {
    let db = shared(18).platform_database().unwrap();
    let all = migrations(&[("20260101000001_notes", CLOSED)], &[]);
    apply(&db, &all, &options()).unwrap();
    let (_dir, dump) = folder();
    let mut manifest = back_up(&db, &dump, &supabase());
    let had = manifest.rights.as_mut().unwrap();
    let extra = specc_runner::Right { privilege: "DELETE".into(), grantee: "anon".into(), ..had[0].clone() };
    had.retain(|right| right.privilege != "UPDATE");
    had.push(extra);
    had.sort();
    let clean = RestoreOptions { clean: true, ..RestoreOptions::default() };
    let error = restore(&db, &dump, &manifest, &clean).unwrap_err().to_string();
    assert!(error.contains("update on public.notes.title for authenticated, which was not there"), "{error}");
    assert!(error.contains("no delete on public.notes"), "{error}");
}

#[test]
fn the_manifest_is_of_the_snapshot_that_was_dumped() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    let (_dir, dump) = folder();
    // Rows come all the time.
    let stop = std::sync::atomic::AtomicBool::new(false);
    let manifest = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = db.connect().unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                writer.batch_execute("insert into orders (customer_id) select id from customers limit 1").unwrap();
            }
        });
        let manifest = back_up(&db, &dump, &supabase());
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        manifest
    });
    let other = shared(18).platform_database().unwrap();
    restore(&other, &dump, &manifest, &RestoreOptions::default()).unwrap();
}

#[test]
fn schema_alone_and_rows_alone() {
    let db = shared(18).platform_database().unwrap();
    let all = shop(&db);
    let (_dir, schema) = folder();
    let (_dir2, rows) = folder();
    let of_schema = back_up(&db, &schema, &BackupOptions { scope: Scope::Schema, ..supabase() });
    let of_rows = back_up(&db, &rows, &BackupOptions { scope: Scope::Data, ..supabase() });
    assert!(of_schema.tables.is_empty());

    let other = shared(18).platform_database().unwrap();
    let error = restore(&other, &rows, &of_rows, &RestoreOptions::default()).unwrap_err().to_string();
    assert!(error.contains("there is no table") && error.contains("apply the migrations first"), "{error}");
    restore(&other, &schema, &of_schema, &RestoreOptions::default()).unwrap();
    assert_eq!(ask(&other, "select count(*) from orders"), "0");
    let restored = restore(&other, &rows, &of_rows, &RestoreOptions::default()).unwrap();
    assert!(restored.rows > 40, "{restored:?}");
    assert_eq!(ask(&other, SUMS), ask(&db, SUMS));
    // What the trigger counted is in the rows; it counts again from now on.
    assert_eq!(ask(&other, "select sum(orders) from customers"), "20");
    assert_eq!(ask(&other, "select tgenabled from pg_trigger where tgname = 'count_orders'"), "O");
    let error = restore(&other, &rows, &of_rows, &RestoreOptions::default()).unwrap_err().to_string();
    assert!(error.contains("there are rows already in"), "{error}");
    ask(&other, "delete from orders where id > 3");
    restore(&other, &rows, &of_rows, &RestoreOptions { clean: true, ..RestoreOptions::default() }).unwrap();
    assert_eq!(ask(&other, SUMS), ask(&db, SUMS));
    assert!(support::report(&other, &all).is_clean());
}

#[test]
fn one_table_in_place_and_beside() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    let (_dir, dump) = folder();
    let manifest = back_up(&db, &dump, &supabase());
    let before = ask(&db, SUMS);
    let mut owner = db.connect().unwrap();
    owner
        .batch_execute(
            "delete from orders where id in (3, 4); update orders set tags = null where id = 5; \
             insert into orders (customer_id) select id from customers limit 1",
        )
        .unwrap();
    let counted = ask(&db, "select sum(orders) from customers");
    let named = TableOptions { table: "public.orders".into(), ..TableOptions::default() };

    let beside =
        table(&db, &dump, &manifest, &TableOptions { into: Some("orders_then".into()), ..named.clone() }).unwrap();
    assert_eq!(beside.table, "public.orders_then");
    assert_eq!(ask(&db, "select count(*) from orders_then"), "20");
    assert_eq!(ask(&db, "select relrowsecurity from pg_class where relname = 'orders_then'"), "t");
    let error =
        table(&db, &dump, &manifest, &TableOptions { into: Some("orders_then".into()), ..named.clone() }).unwrap_err();
    assert!(error.to_string().contains("there is a table public.orders_then already"), "{error}");

    let back = table(&db, &dump, &manifest, &named).unwrap();
    assert_eq!((back.rows, back.changed, back.deleted, back.newer), (20, 3, 0, 1));
    assert_eq!(ask(&db, &format!("{SUMS} where id <= 20")), before);
    assert_eq!(ask(&db, "select sum(orders) from customers"), counted);
    let back = table(&db, &dump, &manifest, &TableOptions { clean: true, ..named.clone() }).unwrap();
    assert_eq!((back.changed, back.deleted, back.newer), (0, 1, 0));
    assert_eq!(ask(&db, SUMS), before);

    // Deleting customers would take their orders along.
    owner.batch_execute("insert into customers (id, name) values (gen_random_uuid(), 'new')").unwrap();
    let customers = TableOptions { table: "customers".into(), clean: true, ..TableOptions::default() };
    let error = table(&db, &dump, &manifest, &customers).unwrap_err().to_string();
    assert!(error.contains("would change public.orders"), "{error}");
    assert_eq!(ask(&db, "select count(*) from customers"), "21");
    assert_eq!(ask(&db, "select tgenabled from pg_trigger where tgname = 'count_orders'"), "O");
    let error =
        table(&db, &dump, &manifest, &TableOptions { table: "nothing".into(), ..TableOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("there are no rows of `nothing` in the backup"), "{error}");
    let error =
        table(&db, &dump, &manifest, &TableOptions { table: "log_1".into(), ..TableOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("has no primary key"), "{error}");
    // A column that came later: the rows are not what they were, and nothing is changed.
    owner.batch_execute("alter table orders add column late int default 1; delete from orders where id = 1").unwrap();
    assert!(table(&db, &dump, &manifest, &named).unwrap_err().to_string().contains("do not come back as they were"));
    assert_eq!(ask(&db, "select count(*) from orders where id = 1"), "0");
}

#[test]
fn only_some_tables() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    let (_dir, dump) = folder();
    let some = BackupOptions { tables: vec!["customers".into(), "public.log".into()], ..supabase() };
    let manifest = back_up(&db, &dump, &some);
    let names: Vec<_> = manifest.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["customers", "log_1"]);
    let error = restore(&db, &dump, &manifest, &RestoreOptions::default()).unwrap_err().to_string();
    assert!(error.contains("the backup holds public.customers, public.log alone"), "{error}");
    ask(&db, "update customers set name = ''");
    let back =
        table(&db, &dump, &manifest, &TableOptions { table: "customers".into(), ..TableOptions::default() }).unwrap();
    assert_eq!(back.changed, 20);
    // Accounts, which are the platform's.
    let (_dir, accounts) = folder();
    ask(&db, "insert into auth.users (id, email) values ('11111111-1111-1111-1111-111111111111', 'ann@example.org')");
    let of_accounts = back_up(&db, &accounts, &BackupOptions { tables: vec!["auth.users".into()], ..supabase() });
    ask(&db, "delete from auth.users");
    let named = TableOptions { table: "auth.users".into(), ..TableOptions::default() };
    assert_eq!(table(&db, &accounts, &of_accounts, &named).unwrap().changed, 1);
    assert_eq!(ask(&db, "select email from auth.users"), "ann@example.org");
    let none = BackupOptions { tables: vec!["nothing".into()], ..supabase() };
    let error = specc_runner::backup(&mut db.connect().unwrap(), &address(&db), &dump, &none, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("no table `nothing`"), "{error}");
}

#[test]
fn a_dump_that_was_changed_is_refused_and_changed_rows_are_seen() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    let (_dir, dump) = folder();
    let mut manifest = back_up(&db, &dump, &supabase());
    let whole = std::fs::read(&dump).unwrap();
    for bytes in [&whole[..whole.len() - 10], &[&whole[..], b"x"].concat()] {
        let cut: PathBuf = dump.with_extension("cut");
        std::fs::write(&cut, bytes).unwrap();
        let other = shared(18).platform_database().unwrap();
        let error = restore(&other, &cut, &manifest, &RestoreOptions::default()).unwrap_err().to_string();
        assert!(error.contains("not the one that was written"), "{error}");
        assert_eq!(ask(&other, "select to_regclass('orders') is null"), "t");
    }
    let orders = manifest.tables.iter_mut().find(|t| t.name == "orders").unwrap();
    orders.fingerprint = Some("1".into());
    let other = shared(18).platform_database().unwrap();
    let error = restore(&other, &dump, &manifest, &RestoreOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("restored, but not what was backed up:\n  public.orders: its rows are not those"),
        "{error}"
    );
}

/// Everything that is not the project's: what the platform and extensions have.
fn platform(session: &mut Session) -> Vec<String> {
    let queries = [
        "select string_agg(nspname || nspowner::regrole::text, ',' order by nspname) from pg_namespace \
           where nspname !~ '^pg_t' and nspname not in ('specc', 'supabase_migrations')",
        "select string_agg(oid::regclass::text || relkind::text, ',' order by oid::regclass::text) from pg_class \
           where relnamespace::regnamespace::text in ('auth', 'storage', 'realtime', 'extensions', 'vault', 'cron', 'net', 'public')",
        "select string_agg(oid::regprocedure::text, ',' order by oid::regprocedure::text) from pg_proc where oid > 16384",
        "select string_agg(extname, ',' order by extname) from pg_extension",
        "select string_agg(pubname, ',' order by pubname) from pg_publication",
        "select string_agg(tgname, ',' order by tgname) from pg_trigger where not tgisinternal",
        "select count(*) from pg_policy",
        "select string_agg(oid::regtype::text, ',' order by oid::regtype::text) from pg_type where oid > 16384 and typtype <> 'b' \
           and typnamespace::regnamespace::text not in ('specc', 'supabase_migrations')",
    ];
    queries.iter().flat_map(|query| one(session, query).split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_reset_leaves_the_platform_and_nothing_of_the_project() {
    for major in [15, 18] {
        let db = shared(major).platform_database().unwrap();
        let mut owner = db.connect().unwrap();
        owner.batch_execute("create extension hstore schema public").unwrap();
        let mut before = db.connect_superuser().unwrap();
        let was = platform(&mut before);
        let all = shop(&db);
        owner
            .batch_execute(
                "create domain money_like as numeric; create aggregate total(int) (sfunc = int4pl, stype = int, initcond = 0); \
                 create materialized view m as select 1 as n; create sequence s; create publication mine for table customers; \
                 alter publication supabase_realtime add table orders; create procedure p() language sql as 'select 1'; \
                 create operator <~ (leftarg = int, rightarg = int, function = int4lt); \
                 create statistics st on id, name from customers; create collation c from \"C\"; \
                 create text search configuration tsc (copy = simple); create type pair as (a int, b int); \
                 create schema \"Odd one\" create table \"T\" (a int)",
            )
            .unwrap();
        let dropped = reset(&db, &ResetOptions::default()).unwrap();
        assert!(dropped.len() > 10, "{dropped:?}");
        let is = platform(&mut before);
        let without = |a: &[String], b: &[String]| a.iter().filter(|x| !b.contains(x)).cloned().collect::<Vec<_>>();
        assert_eq!((without(&was, &is), without(&is, &was)), (Vec::new(), Vec::new()), "{dropped:#?}");
        assert_eq!(support::states(&db, &all), [specc_runner::State::Pending]);
        assert_eq!(reset(&db, &ResetOptions::default()).unwrap(), Vec::<String>::new());
        apply(&db, &all, &options()).unwrap();
        let tell = |_: Event| {};
        specc_runner::seed(
            &mut owner,
            "seeds/dev.sql",
            "begin;\ninsert into log values ('2026-01-09', 'seed');\ncommit;\n",
            &tell,
        )
        .unwrap();
        for (text, said) in [
            ("delete from log; select 1/0", "seeds/dev.sql: division by zero"),
            ("begin;\ndelete from log;\nselect no;\ncommit;", "line 3: select no"),
            ("delete from log; vacuum log", "in no transaction"),
        ] {
            let error = specc_runner::seed(&mut owner, "seeds/dev.sql", text, &tell).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(ask(&db, "select count(*) from log"), "3");
    }
}

#[test]
fn a_reset_asks_for_the_name_of_a_production_database() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    let mut root = db.connect_superuser().unwrap();
    root.batch_execute(&format!("alter database {} set specc.environment = production", db.name())).unwrap();
    let error = reset(&db, &ResetOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("is production") && error.contains(&format!("--allow-production-reset {}", db.name())),
        "{error}"
    );
    let named = |name: &str| ResetOptions { allow_production_reset: Some(name.into()), ..ResetOptions::default() };
    assert!(reset(&db, &named("shop")).unwrap_err().to_string().contains("not `shop`"));
    assert_eq!(ask(&db, "select count(*) from orders"), "20");
    reset(&db, &named(db.name())).unwrap();
    assert_eq!(ask(&db, "select to_regclass('orders') is null"), "t");
    // Who owns the platform too cannot tell the two apart.
    let error = specc_runner::reset(&mut root, &named(db.name()), &|_| {}).unwrap_err().to_string();
    assert!(error.contains("connect as `postgres`"), "{error}");
}

#[test]
fn bodies_that_a_restore_calls_without_a_search_path_are_named() {
    let db = shared(18).empty_database().unwrap();
    db.load(
        "create function slug(v text) returns text language plpgsql immutable as $$ begin return lower(v); end $$;
         create function pinned(v text) returns text language plpgsql immutable set search_path = public as $$ begin return slug(v); end $$;
         create function unused(v text) returns text language sql immutable as $$ select v $$;
         create function parsed(v text) returns text language sql immutable return lower(v);
         create table posts (id int primary key, title text check (parsed(title) <> ''), slug text generated always as (slug(title)) stored);
         create index on posts (pinned(title));",
    )
    .unwrap();
    let (_dir, dump) = folder();
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |event: Event| told.lock().unwrap().push(event.to_string());
    specc_runner::backup(&mut db.connect().unwrap(), &address(&db), &dump, &BackupOptions::default(), &tell).unwrap();
    let told = told.into_inner().unwrap();
    let named: Vec<_> = told.iter().filter(|line| line.contains("says nothing of its search path")).collect();
    assert_eq!(named.len(), 1, "{told:?}");
    assert!(named[0].contains("slug(v text) is called by"), "{named:?}");
}

/// Bodies that name what they need without a schema, in all that is called while rows come back.
const UNQUALIFIED: &str = "
set search_path = public, words;
create schema words;
create function words.plain(value text) returns text language sql immutable as $$ select lower(value) $$;
create function slug(value text) returns text language plpgsql immutable strict as $$ begin return trim(plain(value)); end $$;
create function length_of(t text) returns int language sql immutable as $$ select length(slug(t)) $$;
create function parsed(t text) returns int language sql immutable return length_of(t);
create domain word as text check (slug(value) <> '');
create table posts (id int generated always as identity primary key, title text not null check (length_of(title) > 0),
  slug text generated always as (slug(title)) stored, w word, check (parsed(title) > 0));
insert into posts (title, w) select 'Title ' || g, 'w' from generate_series(1, 20) g;
create procedure tidy() language plpgsql as $$ begin delete from posts where slug = ''; end $$;";

#[test]
fn bodies_without_schemas_find_what_they_need_in_a_restore() {
    for major in [15, 18] {
        let (db, target) = (shared(major).empty_database().unwrap(), shared(major).empty_database().unwrap());
        let name = ask(&db, "select quote_ident(current_database()::text)");
        db.connect_superuser()
            .unwrap()
            .batch_execute(&format!("alter database {name} set search_path = public, words"))
            .unwrap();
        db.load(UNQUALIFIED).unwrap();
        if major < 17 {
            // Later ones take no such body there.
            let more = "set search_path = public, words; create index on posts (slug(title)); \
                        create materialized view slugs as select slug(title) as s, count(*) from posts group by 1";
            db.load(more).unwrap();
        }
        let (_dir, dump) = folder();
        let manifest = back_up(&db, &dump, &BackupOptions::default());
        assert_eq!(manifest.search_path.as_deref(), Some("public, words"));
        let restored = restore(&target, &dump, &manifest, &RestoreOptions::default()).unwrap();
        assert_eq!((restored.tables, restored.rows), (1, 20), "on {major}");
        let sums = match major {
            15 => "select count(*) || md5(string_agg(s, ',' order by s)) from slugs",
            _ => "select count(*) || md5(string_agg(slug, ',' order by slug)) from posts",
        };
        assert_eq!(ask(&target, sums), ask(&db, sums), "on {major}");
        let settings = "select count(*)::text from pg_proc where proconfig is not null and pronamespace::regnamespace::text in ('public', 'words')";
        assert_eq!(ask(&target, settings), "0", "the search path was for the restore only, on {major}");
        assert_eq!(ask(&target, "select count(*)::text from pg_namespace where nspname = 'specc_restore'"), "0");
        // Where the path does not help, nothing stays.
        let other = shared(major).empty_database().unwrap();
        let wrong = Manifest { search_path: Some("pg_catalog".into()), ..manifest };
        restore(&other, &dump, &wrong, &RestoreOptions::default()).unwrap_err();
        assert_eq!(ask(&other, "select count(*)::text from pg_class where relname = 'posts'"), "0", "on {major}");
    }
}

#[test]
fn a_restore_that_is_killed_is_put_right_by_the_next_command() {
    let db = shared(18).platform_database().unwrap();
    shop(&db);
    db.load(
        "create function slow(v int) returns int language plpgsql immutable as $$ begin perform pg_sleep(3); return v; end $$;
         create table few (id int primary key); insert into few values (1); create index on few (slow(id));",
    )
    .unwrap();
    let (_dir, dump) = folder();
    let manifest = back_up(&db, &dump, &supabase());
    let target = shared(18).platform_database().unwrap();
    let defaults = "select string_agg(d::text, ' ' order by d::text) from (
      select defaclrole, defaclnamespace::regnamespace::text, defaclobjtype, x.* from pg_default_acl, aclexplode(defaclacl) x) d";
    let before = ask(&target, defaults);
    let failed = std::thread::scope(|scope| {
        let run = scope.spawn(|| restore(&target, &dump, &manifest, &RestoreOptions::default()));
        let mut killer = target.connect_superuser().unwrap();
        // As when the machine that restores goes: both of its sessions end while rows come back.
        let kill = r"select count(pg_terminate_backend(pid)) from pg_stat_activity a where datname = current_database() and exists (
            select from pg_stat_activity where datname = a.datname and state = 'active' and query ~* '^\s*create index few_')
          and (query ~* '^\s*create index few_' or exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory'))";
        while !run.is_finished() && killer.query_one(kill, &[]).unwrap().get::<_, i64>(0) == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        run.join().unwrap().unwrap_err().to_string()
    });
    assert_ne!(ask(&target, defaults), before, "they were withdrawn: {failed}");
    let clean = RestoreOptions { clean: true, ..RestoreOptions::default() };
    restore(&target, &dump, &manifest, &clean).unwrap();
    assert_eq!(ask(&target, defaults), before);
    assert_eq!(ask(&target, "select count(*)::text from pg_namespace where nspname = 'specc_restore'"), "0");
}
