//! A person's data: all of it is exported, nothing of it is left after it was erased, and nothing of others changed.

use crate::behaviour::run;
use specc_postgres::{Session, as_user};
use specc_tests::build::write_project;
use specc_tests::stage::said;
use specc_tests::{Layout, Rows, Who, each_version, one_text, project_for, texts};

/// Every value of Ana's that a class covers; none is a part of anybody else's.
const TRACES: &[&str] = &[
    "Ana Restrepo",
    "Founder of Acme, formerly nobody",
    "ana-bio-7413",
    "Envigado",
    "avatars/ana-7413.png",
    "ana.7413@example.com",
    "+57 300 741 3741",
    "note-of-ana-7413",
    "letter-of-ana-7413",
    "resume-7413.pdf",
];

/// Ana leaves traces wherever she can: also in earlier states of rows, and where only her address names her.
const LIFE: &str = "
    update auth.users set email = 'ana.7413@example.com', raw_user_meta_data = '{\"name\": \"Ana Restrepo\"}' where id = $ana;
    update public.profiles set full_name = 'Ana Restrepo', headline = 'Founder of Acme, formerly nobody', bio = 'ana-bio-7413',
      city = 'Envigado', avatar_path = 'avatars/ana-7413.png' where id = $ana;
    update public.profiles set city = 'Envigado', headline = 'Founder of Acme, formerly nobody' where id = $ana;
    update public.profile_contacts set email = 'ana.7413@example.com', phone = '+57 300 741 3741' where profile_id = $ana;
    insert into public.registrations (event_id, attendee_id, note)
      select id, $ana, 'note-of-ana-7413' from public.events where title = 'Bogotá meetup';
    insert into public.job_applications (job_id, user_id, cover_letter, resume_path)
      select id, $ana, 'letter-of-ana-7413', $ana || '/resume-7413.pdf' from public.job_postings where title = 'Product designer';
    insert into public.startup_invitations (startup_id, email, invited_by)
      select s.id, 'ana.7413@example.com', (select id from public.profiles where full_name = 'Carla Gómez')
        from public.startups s where s.name = 'Globex';
    update public.job_applications set cover_letter = 'letter-of-ana-7413, second' where user_id = $ana;";

fn ana(session: &mut Session) -> String {
    one_text(session, "select id from public.profiles where full_name = 'Ana Restrepo'")
}

/// Tables and columns with texts or JSON that hold this, in every schema there is but that of the outbox of webhooks, which the
/// platform empties.
fn found(session: &mut Session, what: &str) -> Vec<String> {
    let columns = texts(
        session,
        "select format('%I.%I', n.nspname, c.relname), quote_ident(a.attname)
           from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'net')
            and format_type(a.atttypid, null) ~ '(text|char|json|tsvector|citext|name|xml|bytea)'
          order by 1, 2",
    );
    let mut found = Vec::new();
    for line in columns {
        let (table, column) = line.split_once(' ').unwrap();
        let query = format!("select count(*) from {table} where strpos(lower({column}::text), lower('{what}')) > 0");
        if one_text(session, &query) != "0" {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

/// A checksum of the rows of each table that are not Ana's.
fn others(session: &mut Session, ana: &str) -> Vec<String> {
    let tables = texts(
        session,
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind = 'r' and n.nspname in ('public', 'auth', 'storage') and c.relname <> 'audit_log' order by 1",
    );
    let sum = |table: &String| {
        let query = format!(
            "select count(*), md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t
              where strpos(t::text, '{ana}') = 0 and strpos(t::text, 'ana.7413') = 0 and strpos(t::text, '@erased.invalid') = 0"
        );
        format!("{table} {}", one_text(session, &query))
    };
    tables.iter().map(sum).collect()
}

#[test]
fn nothing_of_a_person_is_left_and_nothing_of_others_changes() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        let ana = ana(&mut owner);
        run(&mut owner, &LIFE.replace("$ana", &format!("'{ana}'")));
        let invited = "select count(*) from public.startup_invitations where email ~ 'diego' and token is not null";
        assert_eq!(one_text(&mut owner, invited), "1");
        let whole = one_text(&mut owner, "select count(*) from public.profiles");
        let before = others(&mut owner, &ana);

        let exported = one_text(&mut owner, &format!("select private.export_person('{ana}')"));
        for trace in TRACES {
            assert!(exported.contains(trace), "{trace} is not in {exported}");
            assert!(!found(&mut owner, trace).is_empty(), "{trace}");
        }
        for other in ["diego@example.com", "ben@example.com", "Ben Ortiz", "I like ledgers", "\"token\""] {
            assert!(!exported.contains(other), "{other} is in {exported}");
        }

        owner
            .batch_execute(&format!("select private.erase_person('{ana}')"))
            .unwrap_or_else(|e| panic!("{}", said(&e)));
        for trace in TRACES {
            assert_eq!(found(&mut owner, trace), Vec::<String>::new(), "{trace}");
        }
        assert_eq!(others(&mut owner, &ana), before);
        assert_eq!(one_text(&mut owner, "select count(*) from public.profiles"), whole);
        assert_eq!(one_text(&mut owner, invited), "1", "her invitation to somebody else stays as it is");
        // What she wrote under her own key is there, with nothing of her in it.
        let left = format!("select full_name, coalesce(bio, '-') from public.profiles where id = '{ana}'");
        assert_eq!(one_text(&mut owner, &left), "erased -");
        // Once more is no error, and finds nobody else who was erased.
        let ben = "(select id from public.profiles where full_name = 'Ben Ortiz')";
        owner.batch_execute(&format!("select private.erase_person({ben})")).unwrap_or_else(|e| panic!("{}", said(&e)));
        let addresses = "select count(distinct email) from public.profile_contacts where email ~ 'erased'";
        assert_eq!(one_text(&mut owner, addresses), "2");
        owner
            .batch_execute(&format!("select private.erase_person('{ana}')"))
            .unwrap_or_else(|e| panic!("{}", said(&e)));
        // What refuses changes still does.
        let refused = owner.batch_execute("update public.audit_log set action = 'DELETE'").unwrap_err();
        assert!(said(&refused).contains("append only"), "{}", said(&refused));
    });
}

#[test]
fn only_the_service_may_erase_and_export() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        let ana = ana(&mut owner);
        for call in ["erase_person", "export_person"] {
            let call = format!("select private.{call}('{ana}')");
            for who in [Who::Anon, Who::User("ana")] {
                let refused = as_user(&mut owner, who.role(), &who.claims(), |tx| tx.batch_execute(&call)).unwrap_err();
                assert!(said(&refused).starts_with("42501"), "{}", said(&refused));
            }
            as_user(&mut owner, Who::Service.role(), &Who::Service.claims(), |tx| tx.batch_execute(&call))
                .unwrap_or_else(|error| panic!("{}", said(&error)));
        }
    });
}

const KINDS: &str = "
entity people {
  id: int key
  name: varchar(8) pii
  born: date pii
  kind: text pii immutable
  email: text unique pii
  tags: text[] pii
  extra: jsonb pii
  hash: bytea secret
  shout: text? generated (upper(name))
  search (name A) using simple
  use history, append
}
mixin append { note: text? pii }
entity parts {
  a: int
  b: int
  person_id -> people
  words: text pii
  key (a, b)
}
entity pieces {
  id: int key
  x: int
  y: int
  text: text pii
  reference (x, y) -> parts (a, b)
}
materialized view names as $$ select p.id, p.name from people p $$
person people
";

#[test]
fn every_kind_of_column_is_emptied_in_its_way() {
    let built = project_for(Layout::Postgres, KINDS);
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into people (id, name, born, kind, email, tags, extra, hash, note)
               select n, 'name' || n, '2000-01-01', 'kind' || n, 'mail' || n || '@x', array['tag'], '{\"k\": 1}', '\\x00', 'note' from generate_series(1, 3) n;
             insert into parts select n, n, n, 'words' || n from generate_series(1, 3) n;
             insert into pieces select n, n, n, 'text' || n from generate_series(1, 3) n;
             update people set name = 'new' || id;
             refresh materialized view names;
             select private.erase_person(1); select private.erase_person(2)",
        );
        let rows = texts(
            &mut owner,
            "select id, name, born, kind, email ~ '^erased-.*@erased.invalid$', tags, extra, length(hash), note, shout, search from people order by id",
        );
        assert_eq!(
            rows,
            [
                "1 erased 1970-01-01 erased t {} {} 0 null ERASED 'erased':1A",
                "2 erased 1970-01-01 erased t {} {} 0 null ERASED 'erased':1A",
                "3 new3 2000-01-01 kind3 f {tag} {\"k\": 1} 1 note NEW3 'new3':1A",
            ]
        );
        assert_eq!(texts(&mut owner, "select words from parts order by a"), ["erased", "erased", "words3"]);
        assert_eq!(texts(&mut owner, "select text from pieces order by id"), ["erased", "erased", "text3"]);
        assert_eq!(texts(&mut owner, "select name from names order by id"), ["erased", "erased", "new3"]);
        let kept = "select distinct record_id from row_history where data ?| array['name', 'email', 'note', 'shout', 'search']";
        assert_eq!(texts(&mut owner, kept), ["3"]);
        let refused = owner.batch_execute("update people set kind = 'x'").unwrap_err();
        assert!(said(&refused).contains("cannot be changed"), "{}", said(&refused));
    }
}

const LOGGED: &str = "
role app
entity people {
  id: int key
  name: text pii
  use audited, history
}
entity letters {
  id: int key
  person_id -> people
  body: text pii
  stamp: text
  use audited, history
}
person people
";

/// Records keep the names of their time, also when nothing in the spec says any more what they were.
#[test]
fn records_under_names_of_before() {
    let twice = LOGGED
        .replace("entity letters", "entity mails was letters")
        .replace("person_id -> people", "who_id -> people was person_id")
        .replace("body: text pii", "content: text pii was body");
    let again = twice
        .replace("mails was letters", "messages was mails")
        .replace(" was person_id", "")
        .replace("content: text pii was body", "words: text pii was content")
        .replace("name: text pii", "called: text pii was name");
    let last = again
        .replace(" was mails", "")
        .replace(" was content", "")
        .replace(" was name", "")
        .replace("stamp: text", "stamp: text\n  more: int?");
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (n, text) in [LOGGED, &twice, &again, &last].into_iter().enumerate() {
        write_project(dir.path(), Layout::Postgres, text);
        let (path, stamp) = (dir.path().to_str().unwrap(), format!("2026010{}000000", n + 1));
        let code = specc::run(["specc", "build", "--project", path, "--stamp", &stamp]);
        assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
        let made = specc_tests::build::files(&dir.path().join("migrations"));
        let new = made.into_iter().filter(|(name, _)| name.starts_with(&stamp[..8]));
        files.push(new.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect::<Vec<_>>());
    }
    for major in specc_tests::VERSIONS {
        let db = specc_postgres::shared(major).empty_database().unwrap();
        let mut owner = db.connect().unwrap();
        for (n, texts) in files.iter().enumerate() {
            for text in texts {
                specc_postgres::load_sql(&mut owner, text).unwrap_or_else(|error| panic!("{error}"));
            }
            let (name, (table, who, body)) = match n {
                0 => ("name", ("letters", "person_id", "body")),
                1 => ("name", ("mails", "who_id", "content")),
                _ => ("called", ("messages", "who_id", "words")),
            };
            run(
                &mut owner,
                &format!(
                    "insert into people (id, {name}) values ({n} * 2 + 1, 'secret-of-one'), ({n} * 2 + 2, 'secret-of-two');
                     insert into {table} (id, {who}, {body}, stamp)
                       select id, id, 'secret-of-' || case id % 2 when 1 then 'one' else 'two' end, 'kept' from people where id > {n} * 2;
                     update {table} set {body} = {body} || '!' where id > {n} * 2"
                ),
            );
        }
        run(&mut owner, "select private.erase_person(n) from generate_series(1, 7, 2) n");
        for (log, column) in [("audit_log", "old_data"), ("audit_log", "new_data"), ("row_history", "data")] {
            let count = |what: &str| {
                format!(
                    "select count(*) filter (where {column}::text ~ '{what}') from public.{log} where table_name <> 'people'"
                )
            };
            assert_eq!(one_text(&mut owner, &count("secret-of-one")), "0", "version {major}: {log}.{column}");
            assert_ne!(one_text(&mut owner, &count("secret-of-two")), "0", "version {major}: {log}.{column}");
            let people = format!("select count(*) from public.{log} where {column}::text ~ 'secret-of-one'");
            assert_eq!(one_text(&mut owner, &people), "0", "version {major}: {log}.{column}");
        }
        let kept = "select count(*) from public.audit_log where coalesce(new_data, old_data) ->> 'stamp' = 'kept'";
        assert_eq!(
            one_text(&mut owner, kept),
            "20",
            "version {major}: no line is lost, nor what says nothing of anybody"
        );
    }
}

const UNIQUE: &str = "
extension citext
extension btree_gist
domain code: varchar(6)
entity people {
  id: int key
  email: citext pii unique
  work_mail: varchar(40) pii unique
  username: text pii
  handle: varchar(16) pii
  low: text generated (lower(handle))
  short: code pii
  phone: bigint pii
  room: int pii
  score: numeric(14, 2) pii
  at: timestamptz pii
  address: inet pii
  extra: jsonb pii
  live: boolean = true
  unique index by_name: (lower(username)) where live
  unique (low)
  unique (short)
  unique (phone)
  unique (room)
  unique (score)
  unique (at)
  unique index by_extra: ((extra ->> 'erased'))
  exclude no_two: using gist (address with =)
}
entity invitations {
  id: int key
  email: citext pii
}
person people
";

/// Where no two rows may have the same value, each person who was erased has one of her own.
#[test]
fn many_may_be_erased_where_values_are_unique() {
    let built = project_for(Layout::Postgres, UNIQUE);
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into people (id, email, work_mail, username, handle, short, phone, room, score, at, address, extra)
               select n, 'mail' || n || '@x', 'work' || n || '@x', 'name' || n, 'handle' || n, 'c' || n, n, n, n,
                      timestamptz '2000-01-01' + n * interval '1 day', '10.0.0.0'::inet + n, '{}'
                 from generate_series(1, 40) n;
             do $$ begin for n in 1..39 loop perform private.erase_person(n); end loop; end $$",
        );
        for left in [
            "email ~ '^erased-.*@erased.invalid$'",
            "work_mail ~ '^.{8,}@erased.invalid$'",
            "username ~ '^erased-.'",
            "handle !~ '^handle'",
            "short !~ '^c[0-9]+$'",
            "phone < 0",
            "room < 0",
            "score < 0",
            "at < '1970-01-02'",
            "family(address) = 6",
        ] {
            let count = format!("select count(*) from people where {left} and id < 40");
            assert_eq!(one_text(&mut owner, &count), "39", "{left} on {major}");
        }
        assert_eq!(one_text(&mut owner, "select username from people where id = 40"), "name40");
    }
}

const OLD: &str = "
entity visits {
  id: bigint identity key
  page: text
  visited_at: timestamptz = now()
  retain 90 days
  index (visited_at)
}
entity notes {
  id: int key
  day: date?
  use soft_delete, timestamps, append_only
  retain 1 year 6 months from day
}
";

#[test]
fn rows_that_are_too_old_go_a_few_at_a_time() {
    let built = project_for(Layout::Supabase, OLD);
    let sql: String = built.migrations().into_iter().map(|(_, text)| text).collect();
    assert!(sql.contains("retain_visits") && sql.contains("*/5 * * * *"), "{sql}");
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let (mut owner, mut other) = (db.connect().unwrap(), db.connect().unwrap());
        run(
            &mut owner,
            "insert into visits (page, visited_at)
               select 'p', now() - interval '90 days' + make_interval(hours => n - 2500) from generate_series(1, 5000) n;
             insert into notes (id, day) values (1, now() - interval '19 months'), (2, now() - interval '17 months'), (3, null)",
        );
        // Somebody holds the oldest row: it is passed by.
        other.batch_execute("begin; select from visits order by visited_at limit 1 for update").unwrap();
        let mut gone = Vec::new();
        loop {
            owner.batch_execute("begin").unwrap();
            let deleted = one_text(&mut owner, "select private.retain_visits()");
            let held = "select count(*) from visits where xmax <> 0";
            assert_eq!(one_text(&mut other, held).parse::<u32>().unwrap(), deleted.parse::<u32>().unwrap() + 1);
            owner.batch_execute("commit").unwrap();
            gone.push(deleted.clone());
            if deleted == "0" {
                break;
            }
        }
        assert_eq!(gone, ["1000", "1000", "499", "0"]);
        other.batch_execute("rollback").unwrap();
        assert_eq!(one_text(&mut owner, "select private.retain_visits()"), "1");
        assert_eq!(
            one_text(&mut owner, "select count(*), min(visited_at) > now() - interval '90 days' from visits"),
            "2500 t"
        );
        assert_eq!(one_text(&mut owner, "select private.retain_notes()"), "1");
        assert_eq!(texts(&mut owner, "select id from notes order by id"), ["2", "3"]);
    }
}
