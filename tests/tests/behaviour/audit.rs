//! Each change of an audited row leaves its row in the trail, and nothing else does.

use crate::behaviour::{event, run};
use specc_postgres::{Session, as_user_commit};
use specc_tests::stage::said;
use specc_tests::{Rows, Who, each_version, sql, texts};

/// Runs a statement as somebody, for good.
fn by(session: &mut Session, who: Who, statement: &str) {
    let statement = sql(statement);
    as_user_commit(session, who.role(), &who.claims(), |tx| tx.batch_execute(&statement))
        .unwrap_or_else(|error| panic!("{}\n{statement}", said(&error)));
}

/// The trail since the last look; looks are kept in a table beside it, since the trail cannot be emptied.
fn trail(owner: &mut Session) -> Vec<String> {
    owner.batch_execute("create table if not exists probe.seen (id bigint)").unwrap();
    texts(
        owner,
        "with fresh as (insert into probe.seen select id from public.audit_log except select id from probe.seen returning id)
         select a.table_name, lower(a.action), coalesce(p.full_name, 'nobody'), coalesce(a.old_data ->> 'name', '-'), coalesce(a.new_data ->> 'name', '-')
         from public.audit_log a join fresh using (id) left join public.profiles p on p.id = a.user_id order by a.id",
    )
}

#[test]
fn a_change_leaves_a_row_that_says_who_and_what() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        trail(&mut owner);

        by(
            &mut owner,
            Who::User("ana"),
            "insert into public.companies (created_by, name, slug, industry) values ({ana}, 'Acme', 'acme', 'fintech')",
        );
        assert_eq!(trail(&mut owner), ["companies insert Ana - Acme"]);
        by(&mut owner, Who::User("ana"), "update public.companies set name = 'Acme Inc' where slug = 'acme'");
        assert_eq!(trail(&mut owner), ["companies update Ana Acme Acme Inc"]);
        by(
            &mut owner,
            Who::User("ana"),
            "update public.companies set name = name, industry = 'fintech' where slug = 'acme'",
        );
        assert_eq!(
            trail(&mut owner),
            ["companies update Ana Acme Inc Acme Inc"],
            "updated_at moved, so the row did change"
        );
        by(&mut owner, Who::Service, "update public.companies set verified = true where slug = 'acme'");
        assert_eq!(trail(&mut owner), ["companies update nobody Acme Inc Acme Inc"]);
        by(&mut owner, Who::User("root"), "delete from public.companies where slug = 'acme'");
        assert_eq!(trail(&mut owner), ["companies delete Root Acme Inc -"]);

        // the key is there in words
        by(&mut owner, Who::User("ana"), "select public.found_startup('Acme', 'fintech')");
        let keys = texts(
            &mut owner,
            "select a.record_id = s.id::text from public.audit_log a, public.startups s where a.table_name = 'startups' and a.action ilike 'insert'",
        );
        assert_eq!(keys, ["t"]);
        let members = texts(&mut owner, "select record_id from public.audit_log where table_name = 'startup_members'");
        let key: Vec<_> = texts(&mut owner, "select startup_id, user_id from public.startup_members");
        let parts: Vec<_> = key[0].split(' ').collect();
        assert!(
            members.iter().all(|m| parts.iter().all(|part| m.contains(part))),
            "a key of two columns is named whole: {members:?}"
        );
    });
}

/// The trail is of changes: an update that leaves a row as it was says nothing, nor does one that is undone or that meets no row.
#[test]
fn what_changes_nothing_is_not_in_the_trail() {
    let built = specc_tests::project(
        "entity notes { id: int key, name: text, use audited }
         entity pairs { a: int, b: int, key (a, b), use audited }",
    );
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let mut says = |statements: &str| {
            run(&mut owner, statements);
            texts(&mut owner, "select lower(action), record_id from public.audit_log order by id")
        };
        assert_eq!(says("insert into public.notes values (1, 'One'), (2, 'Two')"), ["insert 1", "insert 2"]);
        assert_eq!(says("update public.notes set name = name").len(), 2);
        assert_eq!(
            says("update public.notes set name = 'x' where id = 3; delete from public.notes where id = 3").len(),
            2
        );
        assert_eq!(says("begin; delete from public.notes; rollback").len(), 2);
        assert_eq!(says("insert into public.notes values (1, 'x') on conflict do nothing").len(), 2);
        assert_eq!(says("update public.notes set name = 'Two'")[2..], ["update 1"], "of two rows one changed");
        // a key of two columns is named whole
        assert_eq!(says("insert into public.pairs values (1, 2)")[3..], [r#"insert {"a": 1, "b": 2}"#]);
    }
}

/// The rows to develop with go through every audited table but few.
#[test]
fn every_audited_table_writes() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        let audited = texts(
            &mut owner,
            "select distinct t.tgrelid::regclass::text from pg_trigger t join pg_proc p on p.oid = t.tgfoid
             where not t.tgisinternal and p.prosrc ~ 'audit_log' order by 1",
        );
        assert_eq!(
            audited,
            [
                "companies",
                "events",
                "job_applications",
                "job_postings",
                "payments",
                "pitch_decks",
                "profiles",
                "startup_documents",
                "startup_invitations",
                "startup_members",
                "startup_metrics",
                "startup_milestones",
                "startups"
            ],
            "what the spec says `use audited` of"
        );
        for table in &audited {
            let missing = texts(&mut owner, &format!(
                "select count(*) from public.{table} t where not exists (
                   select from public.audit_log a where a.table_name = '{table}' and a.action ilike 'insert' and a.new_data @> to_jsonb(t) - (
                     select coalesce(array_agg(k), '{{}}') from jsonb_object_keys(to_jsonb(t)) k
                     where a.new_data -> k is distinct from to_jsonb(t) -> k and k not like '%id'))"));
            assert_eq!(missing, ["0"], "{table}");
            let rows = texts(&mut owner, &format!("select count(*) > 0 from public.{table}"));
            assert_eq!(rows, ["t"], "{table}");
        }

        // and so do updates and deletes: as many rows in the trail as there were in the table, each with what it was
        let mut deleted = 0;
        for table in audited {
            let trail = |action: &str| {
                format!(
                    "select count(*) = (select count(*) from before) and count(*) = count(b.id) from public.audit_log a
                     left join before b on b.id = a.record_id and b.data = a.old_data
                     where a.table_name = '{table}' and a.action = '{action}' and a.created_at = now()"
                )
            };
            let key = match &*table {
                "startup_members" => "jsonb_build_object('startup_id', startup_id, 'user_id', user_id)::text",
                _ => "id::text",
            };
            let begin = format!(
                "begin; set local specc.hard_delete = on;
                 create temp table before on commit drop as select {key} as id, to_jsonb(t) as data from public.{table} t"
            );
            run(&mut owner, &begin);
            run(&mut owner, &format!("update public.{table} set updated_at = updated_at"));
            assert_eq!(texts(&mut owner, &trail("UPDATE")), ["t"], "updates of {table}");
            run(&mut owner, &format!("rollback; {begin}"));
            // some rows stay because others refer to them
            if owner.batch_execute(&format!("delete from public.{table}")).is_ok() {
                assert_eq!(texts(&mut owner, &trail("DELETE")), ["t"], "deletes of {table}");
                deleted += 1;
            }
            run(&mut owner, "rollback");
        }
        assert!(deleted >= 7, "most tables can be emptied: {deleted}");
    });
}

/// The trail tells what happened; nobody rewrites it.
#[test]
fn the_trail_is_for_admins_to_read_and_for_nobody_to_write() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        specc_tests::access::matrix(
            &mut owner,
            [Who::Anon, Who::User("ana"), Who::User("root")],
            &[
                ("select count(*) > 0 from public.audit_log where table_name = 'events'", ["42501", "false", "true"]),
                ("update public.audit_log set action = 'x'", ["42501", "=", "="]),
                ("delete from public.audit_log", ["42501", "=", "="]),
                ("insert into public.audit_log default values", ["42501", "=", "="]),
                ("truncate public.audit_log", ["42501", "=", "="]),
            ],
        );
        for statement in [
            "update public.audit_log set action = 'DELETE'",
            "delete from public.audit_log",
            "truncate public.audit_log",
        ] {
            assert_eq!(owner.batch_execute(statement).unwrap_err().code().unwrap().code(), "42501", "{statement}");
        }
        trail(&mut owner);
        // what is rolled back leaves no trace
        let said = crate::behaviour::told(&mut owner, Who::User("ana"), &["update public.events set title = 'Other'"]);
        assert_eq!(said, ["done"]);
        assert_eq!(trail(&mut owner), [""; 0]);
    });
}

/// What an account erases takes its rows with it and leaves the trail.
#[test]
fn the_trail_outlives_the_account() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        by(&mut owner, Who::User("ben"), "update public.profiles set headline = 'Engineer' where id = {ben}");
        trail(&mut owner);
        by(&mut owner, Who::User("ben"), "update public.profiles set headline = 'Writer' where id = {ben}");
        run(&mut owner, "delete from auth.users where id = {ben}");
        assert_eq!(trail(&mut owner), ["profiles update nobody - -", "profiles delete nobody - -"]);
        let who = texts(&mut owner, "select count(*) > 1 from public.audit_log where user_id = {ben}");
        assert_eq!(who, ["t"], "the key of who did it stays");
    });
}
