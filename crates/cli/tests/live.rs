//! `pull`, `drift` and `diff` against real databases, as users run them.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use crate::tried::apply;
use specc_postgres::{Database, shared};
use std::fs;
use std::path::Path;

const SPEC: &str = "/// Who writes.
entity authors {
  id:   uuid = gen_random_uuid()  key
  name: text
  rls off
}

enum state { draft, published }

entity posts {
  id:        uuid = gen_random_uuid()  key
  author_id -> authors                 on delete cascade
  state:     state = 'draft'
  title:     text
  views:     int = 0

  index (title) where state in ('draft', 'published')
  check has_title: title <> ''

  policy {
    readers: allow select  to reader  when state = 'published'
  }
}

role reader

view published as $$ select id, title from public.posts where state = 'published' $$
";

/// A project on a plain server, built and applied.
fn applied() -> (tempfile::TempDir, Database, String) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"live\"\ntarget = \"postgres\"\n").expect("a file");
    fs::write(dir.path().join("a.dbspec"), SPEC).expect("a file");
    let db = shared(15).empty_database().expect("a database");
    let url = apply(dir.path(), &db);
    (dir, db, url)
}

#[test]
fn drift_is_what_somebody_did_and_nothing_else() {
    let (dir, db, url) = applied();
    let drift = || run(dir.path(), &["drift", "--database-url", &url]);
    let (code, out, said) = drift();
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    let mut session = db.connect().expect("a session");
    session
        .batch_execute(
            "alter table posts add column note text; drop index posts_title_idx; grant insert on posts to reader; \
             drop policy reader_select on posts; create table extra (id int)",
        )
        .expect("somebody did it");
    let (code, out, said) = drift();
    assert_eq!(code, 1, "{said}");
    insta::assert_snapshot!(out);
    // What differs, as statements, is what makes the database as the spec says.
    let (code, sql, said) = run(dir.path(), &["diff", "--from", &url, "--sql", "--offline-ok"]);
    assert_eq!(code, 0, "{said}");
    session.batch_execute(&sql).expect("the way back");
    let (code, out, said) = drift();
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
}

#[test]
fn apply_can_look_for_drift_first() {
    let (dir, db, url) = applied();
    fs::write(
        dir.path().join("a.dbspec"),
        SPEC.replace("views:     int = 0", "views:     int = 0\n  likes:     int = 0"),
    )
    .expect("a file");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260102000000"]);
    assert_eq!(code, 0, "{said}");
    let apply = || run(dir.path(), &["apply", "--check-drift", "--database-url", &url]);
    let mut session = db.connect().expect("a session");
    session.batch_execute("alter table posts add column note text").expect("somebody did it");
    let (code, _, said) = apply();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("column note: + text") && said.contains("nothing was run"), "{said}");
    let (_, out, _) = run(dir.path(), &["status", "--database-url", &url]);
    assert!(out.contains("pending"), "{out}");
    session.batch_execute("alter table posts drop column note").expect("it is undone");
    let (code, _, said) = apply();
    assert_eq!(code, 0, "{said}");
    let (code, out, said) = run(dir.path(), &["drift", "--database-url", &url]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
}

#[test]
fn a_pulled_database_builds_to_the_same() {
    let (_dir, _db, url) = applied();
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().join("pulled");
    let path = folder.to_string_lossy().into_owned();
    let (code, _, said) = run(out.path(), &["pull", "--database-url", &url, "--out", &path, "--name", "live"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("0 in sql blocks"), "{said}");
    let (code, _, said) = run(&folder, &["fmt", "--check"]);
    assert_eq!(code, 0, "{said}");
    let (code, text, said) = run(&folder, &["diff", "--from", &url, "--exit-code"]);
    assert_eq!((code, text.as_str()), (0, ""), "{said}");
    let (code, _, said) = run(out.path(), &["pull", "--database-url", &url, "--out", &path]);
    assert_eq!(code, 2, "a project is not written over: {said}");
}

#[test]
fn a_database_that_was_there_before_is_taken_over() {
    let db = shared(15).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    session
        .batch_execute(
            "create table notes (id int primary key, body text not null); insert into notes values (1, 'mine'); \
             create view bodies as select body from notes",
        )
        .expect("it was there before");
    let (dir, url) = (tempfile::tempdir().expect("a folder"), db.url("postgres"));
    let specc = |args: &[&str]| run(dir.path(), args);
    let done = |args: &[&str]| {
        let (code, out, said) = specc(args);
        assert_eq!(code, 0, "{args:?}: {out}{said}");
        out + &said
    };
    done(&["pull", "--out", ".", "--database-url", &url]);
    done(&["build", "--stamp", "20260101000000"]);
    let adopt = ["apply", "--adopt", "--database-url", &url];
    // Something that the migrations do not make.
    session.batch_execute("create table extra (id int)").expect("somebody did it");
    let (code, _, said) = specc(&adopt);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("+ table public.extra") && said.contains("nothing was taken over"), "{said}");
    assert!(done(&["status", "--database-url", &url]).contains("pending"));
    session.batch_execute("drop table extra").expect("it is undone");
    let said = done(&adopt);
    assert!(said.contains("took over 1 migration that it had already; nothing was run"), "{said}");
    let said = done(&adopt);
    assert!(said.contains("nothing to apply"), "{said}");
    // From here on it is a project like any other.
    let file = fs::read_dir(dir.path()).expect("the folder").map(|e| e.expect("a file").path());
    let file =
        file.into_iter().find(|p| fs::read_to_string(p).is_ok_and(|t| t.contains("entity notes"))).expect("notes");
    let text = fs::read_to_string(&file).expect("text");
    fs::write(&file, text.replacen("entity notes {", "entity notes {\n  done: boolean = false", 1)).expect("a change");
    done(&["build", "--stamp", "20260102000000"]);
    done(&["apply", "--check-drift", "--database-url", &url]);
    done(&["drift", "--database-url", &url]);
    let row = session.query_one("select body, done from notes", &[]).expect("the row");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("mine", false));
}

#[test]
fn sql_files_are_sides_too() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("a.sql"), "create table t (a int, b text default 'x'); create index on t (a);")
        .expect("a file");
    fs::write(dir.path().join("b.sql"), "create table t (a int, b text default 'y', c date);").expect("a file");
    let (code, out, said) = run(dir.path(), &["diff", "--from", "a.sql", "--to", "b.sql"]);
    assert_eq!(code, 0, "{said}");
    insta::assert_snapshot!(out);
}

/// A database that another tool made from its schema goes on with specc, without a statement run.
#[test]
fn a_project_of_another_tool_is_adopted() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/import");
    for (tool, schema, sql) in [
        ("prisma", "saas.prisma", "saas.sql"),
        ("prisma", "clinic.prisma", "clinic.sql"),
        ("dbml", "library.dbml", "library.sql"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let db = shared(15).empty_database().expect("a database");
        let text = fs::read_to_string(fixtures.join(sql)).expect("a file");
        db.connect().expect("a session").batch_execute(&text).expect("the other tool's database");
        let schema = fixtures.join(schema);
        let (code, _, said) = run(dir.path(), &["pull", "--from", tool, &schema.to_string_lossy(), "--out", "."]);
        assert_eq!(code, 0, "{said}");
        let (code, _, said) = run(dir.path(), &["build"]);
        assert_eq!(code, 0, "{said}");
        let (code, _, said) = run(dir.path(), &["apply", "--adopt", "--database-url", &db.url("postgres")]);
        assert!(code == 0 && said.contains("nothing was run"), "{said}");
        let (code, out, said) = run(dir.path(), &["drift", "--database-url", &db.url("postgres")]);
        assert_eq!((code, out.as_str()), (0, ""), "{said}");
    }
    let dir = tempfile::tempdir().expect("a folder");
    for (args, wanted) in [
        (&["pull", "--from", "prisma", "--out", "x"][..], "required"),
        (&["pull", "--from", "drizzle", "--out", "x"], "drizzle/meta has no snapshot"),
        (&["pull", "--from", "dbml", "missing.dbml", "--out", "x"], "cannot read missing.dbml"),
        (&["pull", "a.prisma", "--out", "x"], "--from"),
    ] {
        let (code, _, said) = run(dir.path(), args);
        assert!(code == 2 && said.contains(wanted), "{args:?}: {code} {said}");
        assert!(!dir.path().join("x").exists());
    }
}

/// What belongs to a weak role belongs to it again, and to nobody else.
#[test]
fn a_function_of_a_weak_role_stays_its() {
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut above = db.connect_superuser().expect("a session");
        above
            .batch_execute(
                "do $$ begin create role live_weak; exception when duplicate_object or unique_violation then null; end $$;
                 set role postgres; create table secrets (id int); revoke all on secrets from public;
                 create function peek() returns bigint language sql security definer set search_path = public
                   as $$ select count(*) from secrets $$;
                 create view pv as select * from secrets; grant select on pv to public; reset role;
                 alter function peek() owner to live_weak; alter view pv owner to live_weak;",
            )
            .expect("it was there before");
        let (dir, url) = (tempfile::tempdir().expect("a folder"), db.url("postgres"));
        let specc = |args: &[&str]| run(dir.path(), args);
        let done = |args: &[&str]| {
            let (code, out, said) = specc(args);
            assert_eq!(code, 0, "{major} {args:?}: {out}{said}");
            out + &said
        };
        done(&["pull", "--out", ".", "--database-url", &url]);
        let files = fs::read_dir(dir.path()).expect("the folder").map(|e| e.expect("a file").path());
        let text: String = files.filter_map(|p| fs::read_to_string(p).ok()).collect();
        let mut names: Vec<&str> = text.lines().filter(|line| line.starts_with("owner ")).collect();
        names.sort_unstable();
        assert_eq!(names, ["owner live_weak of function peek()", "owner live_weak of pv"], "{text}");
        done(&["fmt", "--check"]);
        done(&["build", "--stamp", "20260101000000"]);
        done(&["verify"]);
        done(&["apply", "--adopt", "--database-url", &url]);
        done(&["drift", "--database-url", &url]);
        above.batch_execute("alter function peek() owner to postgres").expect("somebody did it");
        let (code, out, said) = specc(&["drift", "--database-url", &url]);
        assert_eq!(code, 1, "{said}");
        assert!(out.contains("owner: - live_weak"), "{out}");
        assert!(out.contains("the function public.peek() goes from live_weak to the role that applies"), "{out}");
        // The same on an empty database, by who may give something to the role.
        above.batch_execute("grant live_weak to postgres").expect("a member");
        let other = shared(major).empty_database().expect("a database");
        done(&["apply", "--database-url", &other.url("postgres")]);
        let owner = "select proowner::regrole::text from pg_proc where proname = 'peek'";
        let owner: String = other.connect().expect("a session").query_one(owner, &[]).expect("a function").get(0);
        assert_eq!(owner, "live_weak");
    }
}

/// What only a superuser makes is compared too.
#[test]
fn a_database_with_what_a_superuser_made_is_taken_over() {
    let make = "create function note() returns event_trigger language plpgsql as $$ begin end $$;
        create table seen (id int primary key); create publication live_whole for all tables;
        create event trigger live_note on ddl_command_end execute function note();
        create function quiet(int) returns int language sql immutable leakproof as 'select $1';";
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut above = db.connect_superuser().expect("a session");
        above
            .batch_execute(&format!("alter database {} owner to current_user; {make}", db.name()))
            .expect("it was there before");
        let (dir, url) = (tempfile::tempdir().expect("a folder"), db.url("supabase_admin"));
        let specc = |args: &[&str]| run(dir.path(), args);
        let done = |args: &[&str]| {
            let (code, out, said) = specc(args);
            assert_eq!(code, 0, "{major} {args:?}: {out}{said}");
            out + &said
        };
        done(&["pull", "--out", ".", "--database-url", &url]);
        done(&["build", "--stamp", "20260101000000"]);
        let said = done(&["apply", "--adopt", "--database-url", &url]);
        assert!(said.contains("may not run these migrations") && said.contains("took over"), "{said}");
        done(&["drift", "--database-url", &url]);
        above.batch_execute("drop publication live_whole").expect("somebody did it");
        let (code, out, said) = specc(&["drift", "--database-url", &url]);
        assert_eq!(code, 1, "{said}");
        assert!(out.contains("publication live_whole"), "{out}");
        let (code, _, said) = specc(&["apply", "--check-drift", "--database-url", &url]);
        // Nothing is pending, or what differs is said.
        assert!(code == 0 || said.contains("live_whole"), "{said}");
    }
}

/// Other tools look at bodies too, and some name what is gone.
#[test]
fn bodies_come_back_byte_for_byte() {
    let make = "create table gone_rows (id int);
        create function one(x int) returns int language sql as $$ SELECT x + 1 $$;
        create function two(x int) returns int language sql as $$
SELECT x + 1$$;
        create function three(x int) returns int language plpgsql as $$\n\n\tbegin return x; end\n\n$$;
        create function four(x int) returns int language plpgsql as $$\nbegin\n  return x;\nend\n$$;
        create function five() returns void language sql as '';
        create function stale() returns int language plpgsql as
          $$ declare r gone_rows%rowtype; begin return 1; end $$;
        create function roles() returns setof pg_roles language sql as 'select * from pg_catalog.pg_roles';
        create table a (id int primary key);
        create table b (id int primary key, a_id int constraint b_a references a);
        create index b_a on b (a_id) with (fillfactor = 70, deduplicate_items = off);
        drop table gone_rows;";
    let bodies = "select string_agg(proname || ': ' || prosrc, '|' order by proname) from pg_proc \
        where pronamespace = 'public'::regnamespace";
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        session.batch_execute(make).expect("it was there before");
        let (dir, url) = (tempfile::tempdir().expect("a folder"), db.url("postgres"));
        let done = |args: &[&str]| {
            let (code, out, said) = run(dir.path(), args);
            assert_eq!(code, 0, "{major} {args:?}: {out}{said}");
            out + &said
        };
        let said = done(&["pull", "--out", ".", "--database-url", &url]);
        // What cannot be said is broken, and said to be.
        assert!(said.contains("function public.stale() (there is no table or view `gone_rows`)"), "{said}");
        assert!(!said.contains("function public.roles()"), "{said}");
        done(&["fmt"]);
        done(&["build", "--stamp", "20260101000000"]);
        done(&["apply", "--adopt", "--database-url", &url]);
        done(&["drift", "--database-url", &url]);
        let other = shared(major).empty_database().expect("a database");
        done(&["apply", "--database-url", &other.url("postgres")]);
        let ask = |session: &mut specc_postgres::Session| -> String {
            session.query_one(bodies, &[]).expect("bodies").get(0)
        };
        assert_eq!(ask(&mut session), ask(&mut other.connect().expect("a session")), "{major}");
    }
}
