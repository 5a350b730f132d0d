//! Partitions that the calendar took away: a person's rows in them are exported and erased, rows that are too old go, and what is
//! logged of rows of any partition is found by the name of the table.

use super::rolling::roll;
use crate::behaviour::run;
use specc_postgres::Session;
use specc_tests::stage::said;
use specc_tests::{Layout, Rows, VERSIONS, one_text, project_for, texts};

const VISITS: &str = "
schema cold
entity people { id: int key, name: text pii, rls off }
entity visits {
  id: bigint identity
  at: timestamptz
  person_id -> people
  page: text pii
  token: text? secret
  key (id, at)
  use audited, history
  partition by range (at) every month keep 12 months then archive in cold
  partition visits_rest default
  rls off
}
entity remarks { id: int key, page: text pii, rls off }
entity beats {
  id: bigint identity
  at: timestamptz
  person_id -> people
  key (id, at)
  partition by range (at) every month keep 12 months then detach
  partition beats_rest default
  rls off
}
person people { remarks by page = visits (page) }
extension pg_net
webhook seen on visits after insert { url 'https://hooks.example/visits' }
";

fn refused(session: &mut Session, call: &str) -> String {
    said(&session.batch_execute(call).unwrap_err())
}

#[test]
fn nothing_of_a_person_stays_where_the_calendar_left_it() {
    let built = project_for(Layout::Supabase, VISITS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into people values (1, 'ana'), (2, 'ben');
             insert into visits (at, person_id, page, token)
               select '2027-02-03', n, (array['ana', 'ben'])[n] || '%old', 'secret-of-' || n from generate_series(1, 2) n;
             insert into remarks values (1, 'ana%old'), (2, 'ben%old');
             insert into beats (at, person_id) values ('2027-02-03', 1)",
        );
        for clock in ["2027-02-10", "2028-06-10"] {
            roll(&mut owner, "visits", clock);
            roll(&mut owner, "beats", clock);
        }
        run(
            &mut owner,
            "alter table visits add fresh text;
             insert into visits (at, person_id, page) values ('2028-06-05', 1, 'ana-new');
             update visits set page = page || '.'",
        );
        assert_eq!(one_text(&mut owner, "select count(*) from visits"), "1", "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from cold.visits_2027_02"), "2", "{major}");
        for log in ["audit_log", "row_history"] {
            let names = format!("select distinct table_schema, table_name from {log} where table_name ~ '^visits'");
            assert_eq!(texts(&mut owner, &names), ["public visits"], "{major}");
        }

        let sent = "select distinct convert_from(body, 'UTF8')::jsonb ->> 'table' from net.http_request_queue";
        assert_eq!(texts(&mut owner, sent), ["visits"], "{major}");

        // What bears the mark of another's table is not touched: its triggers would run with the rights of the function.
        run(
            &mut owner,
            "create table marked (like visits); insert into marked (id, at, person_id, page) values (9, '2027-02-03', 1, 'ana');
             grant create on schema public to anon; alter table marked owner to anon; grant all on marked to current_user",
        );
        let mark = one_text(&mut owner, "select obj_description('cold.visits_2027_02'::regclass)");
        run(&mut owner, &format!("set role anon; comment on table marked is '{mark}'; reset role"));

        let exported = one_text(&mut owner, "select private.export_person(1)");
        for row in ["ana%old", "ana-new.", "\"public.beats\": [{"] {
            assert!(exported.contains(row), "{major}: {row} is not in {exported}");
        }
        assert_eq!(
            exported.matches("ana%old").count(),
            2,
            "{major}: a visit, and a remark that it leads to: {exported}"
        );
        assert!(!exported.contains("ben") && !exported.contains("secret-of"), "{major}: {exported}");

        // What nobody can vouch for stops it, and nothing is changed.
        for (change, back, why) in [
            ("add fax text", "drop fax", "cold.visits_2027_02 has columns that public.visits has no more: fax"),
            ("rename person_id to who", "rename who to person_id", "has columns that public.visits has no more: who"),
        ] {
            run(&mut owner, &format!("alter table cold.visits_2027_02 {change}"));
            for call in ["erase_person", "export_person"] {
                let refused = refused(&mut owner, &format!("select private.{call}(1)"));
                assert!(refused.contains(why), "{major}: {refused}");
            }
            run(&mut owner, &format!("alter table cold.visits_2027_02 {back}"));
        }
        run(&mut owner, "alter table beats_2027_02 drop person_id");
        let unknown = refused(&mut owner, "select private.erase_person(1)");
        assert!(unknown.contains("public.beats_2027_02 has no person_id as public.beats has"), "{major}: {unknown}");
        run(&mut owner, "drop table beats_2027_02");
        assert_eq!(
            one_text(&mut owner, "select count(*) from cold.visits_2027_02 where page = 'ana%old'"),
            "1",
            "{major}"
        );

        // Lines were once written under the name of the partition.
        run(
            &mut owner,
            "insert into audit_log (table_schema, table_name, record_id, action, new_data)
               select 'public', name, '1', 'INSERT', jsonb_build_object('person_id', n, 'page', (array['ana', 'ben'])[n])
                 from unnest(array['visits_2024_01', 'visits_rest']) as t (name), generate_series(1, 2) n",
        );
        run(&mut owner, "select private.erase_person(1)");
        let old =
            "select count(*) filter (where new_data ? 'page'), count(*) from audit_log where table_name ~ '^visits_'";
        assert_eq!(one_text(&mut owner, old), "2 4", "{major}");
        let rows = "select person_id, page, coalesce(token, '-') from cold.visits_2027_02 order by 1";
        let kept = texts(&mut owner, rows);
        assert!(kept[0].starts_with("1 erased-") && kept[0].ends_with(" -"), "{major}: {kept:?}");
        assert_eq!(kept[1], "2 ben%old secret-of-2", "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from remarks where page = 'ana%old'"), "0", "{major}");
        for log in ["audit_log", "row_history"] {
            let left = format!(
                "select count(*) from {log} as l where l.table_name ~ '^visits' and strpos(l::text, 'ana') > 0"
            );
            assert_eq!(one_text(&mut owner, &left), "0", "{major}: {log}");
        }
        assert_eq!(one_text(&mut owner, "select page from marked"), "ana", "{major}");
    }
}

const BEATS: &str = "
entity beats {
  at: timestamptz = now()
  n: int
  key (at, n)
  retain 11 months
  partition by range (at) every month keep 12 months then detach
  partition beats_rest default
  rls off
}
";

#[test]
fn rows_that_are_too_old_go_wherever_they_are() {
    let built = project_for(Layout::Postgres, BEATS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into beats select date_trunc('month', now()) - interval '18 months', n from generate_series(1, 1500) n;
             insert into beats select now(), n from generate_series(1, 3) n",
        );
        roll(&mut owner, "beats", &one_text(&mut db.connect().unwrap(), "select now()::text"));
        let detached = "select c.oid::regclass::text from pg_class c where c.relkind = 'r' and not c.relispartition and c.relname ~ '^beats_'";
        let part = one_text(&mut owner, detached);
        let count = format!("select count(*) from {part}");
        assert_eq!(one_text(&mut owner, &count), "1500", "{major}");
        for gone in ["1000", "500", "0"] {
            assert_eq!(one_text(&mut owner, "select private.retain_beats()"), gone, "{major}");
        }
        assert_eq!(one_text(&mut owner, &count), "0", "{major}");
        assert_eq!(one_text(&mut owner, "select count(*) from beats"), "3", "{major}");
    }
}
