//! The emulated platform behaves as the real one where specs can tell.

#![allow(clippy::unwrap_used)]

use postgres::error::SqlState;
use specc_postgres::platform::{ANON, AUTHENTICATED, OWNER, SERVICE_ROLE, claims};
use specc_postgres::{Database, as_user, as_user_commit, load_sql, postgres, shared};

const VERSIONS: [u32; 2] = [15, 18];
const USER: &str = "6f6d1d1e-0000-4000-8000-000000000001";
const OTHER: &str = "6f6d1d1e-0000-4000-8000-000000000002";

fn on_each(test: impl Fn(&Database)) {
    for major in VERSIONS {
        test(&shared(major).platform_database().unwrap());
    }
}

#[test]
fn the_owner_is_no_superuser_and_passes_row_security() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let row = owner
            .query_one(
                "select rolsuper, rolbypassrls, rolcreaterole, \
                 pg_has_role('anon', 'member') and pg_has_role('authenticated', 'member') \
                 and pg_has_role('service_role', 'member'), \
                 pg_get_userbyid(datdba) \
                 from pg_roles, pg_database where rolname = current_user and datname = current_database()",
                &[],
            )
            .unwrap();
        let flags: Vec<bool> = (0..4).map(|n| row.get(n)).collect();
        assert_eq!(flags, [false, true, true, true]);
        assert_eq!(row.get::<_, String>(4), OWNER);
        owner.batch_execute("create schema private; create table public.t (id int)").unwrap();
        let refused = owner
            .batch_execute(
                "alter default privileges for role supabase_admin in schema public \
                 revoke all on tables from anon",
            )
            .unwrap_err();
        assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    });
}

#[test]
fn the_claims_say_who_one_is() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let who = "select current_user::text, auth.uid()::text, auth.role(), auth.jwt() ->> 'aal'";
        let row = as_user(&mut owner, AUTHENTICATED, &claims(USER), |tx| tx.query_one(who, &[])).unwrap();
        assert_eq!(row.get::<_, String>(0), AUTHENTICATED);
        assert_eq!(row.get::<_, Option<&str>>(1), Some(USER));
        assert_eq!(row.get::<_, Option<&str>>(2), Some(AUTHENTICATED));
        assert_eq!(row.get::<_, Option<&str>>(3), Some("aal1"));
        let row = as_user(&mut owner, ANON, "", |tx| tx.query_one(who, &[])).unwrap();
        assert_eq!(row.get::<_, Option<&str>>(1), None);
        let bad = as_user(&mut owner, ANON, r#"{"sub":"me"}"#, |tx| tx.query_one(who, &[]));
        assert_eq!(bad.unwrap_err().code(), Some(&SqlState::INVALID_TEXT_REPRESENTATION));
        let back: String = owner.query_one("select current_user::text", &[]).unwrap().get(0);
        assert_eq!(back, OWNER);
    });
}

#[test]
fn users_are_for_the_owner_alone() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        owner
            .batch_execute(&format!(
                "insert into auth.users (id, email, raw_user_meta_data) values ('{USER}', 'a@b.c', '{{}}');
                 create table public.profiles (id uuid primary key references auth.users on delete cascade);
                 create function public.made() returns trigger language plpgsql security definer \
                     set search_path = '' as $$ begin insert into public.profiles values (new.id); return new; end $$;
                 create trigger made after insert on auth.users for each row execute function public.made();
                 insert into auth.users (id, email) values ('{OTHER}', 'd@e.f');"
            ))
            .unwrap();
        let made: i64 = owner.query_one("select count(*) from public.profiles", &[]).unwrap().get(0);
        assert_eq!(made, 1);
        for role in [ANON, AUTHENTICATED, SERVICE_ROLE] {
            let read = db.connect_as(role).unwrap().query("select * from auth.users", &[]);
            assert_eq!(read.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role}");
        }
    });
}

#[test]
fn new_tables_are_not_exposed_but_for_the_leftovers() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        owner.batch_execute("create table public.t (id int)").unwrap();
        for role in [ANON, AUTHENTICATED, SERVICE_ROLE] {
            let row = owner
                .query_one(
                    "select string_agg(p, ' ' order by p) from unnest(array['SELECT', 'INSERT', \
                     'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p \
                     where has_table_privilege($1, 'public.t', p)",
                    &[&role],
                )
                .unwrap();
            assert_eq!(row.get::<_, String>(0), "REFERENCES TRIGGER TRUNCATE", "{role}");
            let read = db.connect_as(role).unwrap().query("select * from public.t", &[]);
            assert_eq!(read.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role}");
        }
    });
}

#[test]
fn storage_takes_buckets_and_policies_from_the_owner() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let notices = load_sql(
            &mut owner,
            "insert into storage.buckets (id, name, public) values ('avatars', 'avatars', false);
             create policy own_folder on storage.objects for all to authenticated
                 using (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text)
                 with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);",
        )
        .unwrap();
        assert_eq!(notices, []);
        let insert = "insert into storage.objects (bucket_id, name) values ('avatars', $1)";
        let mine = format!("{USER}/sub/me.png");
        as_user_commit(&mut owner, AUTHENTICATED, &claims(USER), |tx| tx.execute(insert, &[&mine])).unwrap();
        let refused = as_user(&mut owner, AUTHENTICATED, &claims(OTHER), |tx| tx.execute(insert, &[&mine]));
        assert_eq!(refused.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
        let seen =
            as_user(&mut owner, AUTHENTICATED, &claims(OTHER), |tx| tx.query("select from storage.objects", &[]));
        assert!(seen.unwrap().is_empty());
        let row = owner
            .query_one(
                "select storage.filename(name), storage.extension(name), path_tokens, \
                 storage.foldername(name) from storage.objects",
                &[],
            )
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), "me.png");
        assert_eq!(row.get::<_, &str>(1), "png");
        assert_eq!(row.get::<_, Vec<&str>>(2), [USER, "sub", "me.png"]);
        assert_eq!(row.get::<_, Vec<&str>>(3), [USER, "sub"]);
        let deleted = owner.batch_execute("delete from storage.objects").unwrap_err();
        assert_eq!(deleted.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    });
}

#[test]
fn realtime_takes_policies_and_tables_from_the_owner() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let notices = load_sql(
            &mut owner,
            "create table public.rooms (id int primary key);
             alter publication supabase_realtime add table public.rooms;
             create policy in_room on realtime.messages for select to authenticated
                 using ((select realtime.topic()) = 'room:1' and extension = 'broadcast');
             select realtime.send('{\"a\":1}', 'hello', 'room:1');",
        )
        .unwrap();
        assert_eq!(notices, []);
        for (topic, expected) in [("room:1", 1), ("room:2", 0)] {
            let rows = as_user(&mut owner, AUTHENTICATED, &claims(USER), |tx| {
                tx.execute("select set_config('realtime.topic', $1, true)", &[&topic])?;
                tx.query("select payload::text from realtime.messages", &[])
            });
            assert_eq!(rows.unwrap().len(), expected, "{topic}");
        }
    });
}

#[test]
fn the_owner_creates_the_extensions_of_the_platform() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let notices = load_sql(
            &mut owner,
            "create extension pg_cron; create extension pg_net with schema extensions;
             create extension vector with schema extensions;
             create extension pg_trgm with schema extensions; create extension citext with schema extensions;
             create extension btree_gist with schema extensions;
             create extension moddatetime with schema extensions;",
        )
        .unwrap();
        assert_eq!(notices, []);
        let notices = load_sql(
            &mut owner,
            "create extension if not exists supabase_vault; create extension if not exists pgcrypto;
             create extension if not exists \"uuid-ossp\";",
        )
        .unwrap();
        assert!(notices.iter().all(|notice| !notice.is_warning()));

        let id = |client: &mut postgres::Client, sql: &str| client.query_one(sql, &[]).map(|row| row.get::<_, i64>(0));
        let first = id(&mut owner, "select cron.schedule('clean', '0 3 * * *', 'select 1')").unwrap();
        let again = id(&mut owner, "select cron.schedule('clean', '*/5 1-4 * * mon', 'select 2')").unwrap();
        assert_eq!(first, again);
        let command: String = owner.query_one("select command from cron.job", &[]).unwrap().get(0);
        assert_eq!(command, "select 2");
        assert!(id(&mut owner, "select cron.schedule('bad', 'every day', 'select 1')").is_err());
        assert!(id(&mut owner, "select cron.schedule('s', '30 seconds', 'select 1')").is_ok());
        owner.batch_execute("select cron.unschedule('clean')").unwrap();
        assert!(owner.batch_execute("select cron.unschedule('clean')").is_err());

        id(&mut owner, "select net.http_post(url => 'http://hook', body => '{\"a\": 1}')").unwrap();
        let row = owner
            .query_one("select method::text, url, convert_from(body, 'UTF8') from net.http_request_queue", &[])
            .unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("POST", "http://hook"));
        assert_eq!(row.get::<_, &str>(2), "{\"a\": 1}");

        owner.batch_execute("select vault.create_secret('s3cret', 'key', 'what for')").unwrap();
        let row = owner
            .query_one(
                "select decrypted_secret, secret <> 's3cret' from vault.decrypted_secrets where name = 'key'",
                &[],
            )
            .unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("s3cret", true));
        let peek = db.connect_as(AUTHENTICATED).unwrap().batch_execute("table vault.decrypted_secrets");
        assert_eq!(peek.unwrap_err().code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));

        let row = owner
            .query_one(
                "select length(gen_random_bytes(33)), encode(digest('abc', 'sha256'), 'hex'), \
                 encode(hmac('what do ya want for nothing?', 'Jefe', 'sha256'), 'hex'), \
                 crypt('pw', h) = h and crypt('no', h) <> h, uuid_generate_v4() is not null, \
                 uuid_generate_v3(uuid_ns_dns(), 'www.example.com')::text \
                 from (select crypt('pw', gen_salt('bf')) h) s",
                &[],
            )
            .unwrap();
        assert_eq!(row.get::<_, i32>(0), 33);
        assert!(row.get::<_, &str>(1).starts_with("ba7816bf8f01cfea"));
        assert!(row.get::<_, &str>(2).starts_with("5bdcc146bf60754e"));
        assert!(row.get::<_, bool>(3) && row.get::<_, bool>(4));
        assert_eq!(row.get::<_, &str>(5), "5df41881-3aed-3515-88a7-2f4a814cf09e");
    });
}

#[test]
fn vectors_work_with_an_index() {
    on_each(|db| {
        let mut owner = db.connect().unwrap();
        let notices = load_sql(
            &mut owner,
            "create extension vector with schema extensions;
             create table public.items (id int generated always as identity primary key, v extensions.vector(3));
             insert into public.items (v) select array[n, n % 7, 1]::extensions.vector from generate_series(1, 500) n;
             create index items_v on public.items using hnsw (v extensions.vector_l2_ops);
             set enable_seqscan = off;",
        )
        .unwrap();
        assert_eq!(notices, []);
        let nearest = "select id from public.items order by v operator(extensions.<->) '[100,2,1]' limit 1";
        let id: i32 = owner.query_one(nearest, &[]).unwrap().get(0);
        assert_eq!(id, 100);
        let plan: Vec<String> =
            owner.query(&format!("explain {nearest}"), &[]).unwrap().iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains("items_v")), "{plan:?}");
    });
    for major in VERSIONS {
        assert!(shared(major).has_extension("vector").unwrap());
        assert!(!shared(major).has_extension("no_such").unwrap());
    }
}

#[test]
fn any_role_can_be_connected_as() {
    on_each(|db| {
        db.connect().unwrap().batch_execute(&format!("create role \"reader {}\"", db.name())).unwrap();
        let own = format!("reader {}", db.name());
        for role in [ANON, AUTHENTICATED, SERVICE_ROLE, OWNER, "authenticator", &own] {
            let mut session = db.connect_as(role).unwrap();
            let row = session.query_one("select current_user::text, current_setting('statement_timeout')", &[]);
            let row = row.unwrap();
            assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), (role, "0"));
        }
        assert!(db.connect_as("nobody at all").is_err());
    });
}
