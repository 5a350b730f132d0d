//! `specc why` and `specc explain access`: what they say of a small spec, and how they end.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use specc_postgres::shared;
use std::fs;

const NOTES: &str = "
viewer -> profiles

enum rank { admin, member }

entity profiles {
  id:   uuid  key
  role: rank = 'member'

  policy {
    everyone: allow select  to authenticated
  }
}

entity teams {
  id: uuid = gen_random_uuid()  key

  policy {
    members_read: allow select  to authenticated  when exists members (user_id = viewer)
  }
}

entity members {
  team_id -> teams     inverse members on delete cascade immutable
  user_id -> profiles  on delete cascade immutable

  key (team_id, user_id)

  policy {
    own: allow select  to authenticated  when user_id = viewer
  }
}

entity notes {
  id:        uuid = gen_random_uuid()  key
  team_id    -> teams                  on delete cascade immutable
  author_id  -> profiles               on delete cascade immutable
  title:     text
  color:     text = 'white'
  is_locked: bool = false

  policy {
    members_read:   allow select          to authenticated  when exists team.members (user_id = viewer)
    authors_change: allow update (title)  to authenticated  when author_id = viewer and title <> ''
    admins_change:  allow update          to authenticated  when viewer.role = 'admin'
    locked:         forbid update         when is_locked
    authors_remove: allow delete          to authenticated  when author_id = viewer and not is_locked
  }
}

entity drafts {
  id:    uuid = gen_random_uuid()  key
  title: text

  policy {
    admins: allow update  to authenticated  when viewer.role = 'admin' and title <> ''
  }
}

function copy_note(p_note: uuid) -> void security definer to authenticated as $$
  insert into public.notes (team_id, author_id, title) select team_id, author_id, title from public.notes where id = p_note
$$
";

fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"notes\"\n").expect("a file");
    fs::write(dir.path().join("notes.dbspec"), text).expect("a file");
    dir
}

#[test]
fn answers_have_their_reasons_and_what_would_turn_them() {
    let dir = project(NOTES);
    for (name, code, question) in [
        ("never_by_a_contradiction", 1, &["authenticated", "delete", "notes", "author_id <> viewer"][..]),
        ("never_for_another_role", 1, &["anon", "select", "notes"]),
        ("never_without_a_rule", 1, &["authenticated", "insert", "notes", "author_id = viewer"]),
        ("never_unseen", 1, &["authenticated", "update", "drafts", "title <> ''"]),
        ("never_for_columns", 1, &["authenticated", "update (color)", "notes", "viewer.role = 'member'"]),
        ("never_by_a_forbid", 1, &["authenticated", "update", "notes", "is_locked"]),
        ("sometimes", 0, &["authenticated", "update (title)", "notes", "author_id <> viewer"]),
        ("always", 0, &["authenticated", "select", "notes", "exists team.members (user_id = viewer)"]),
        ("no_row", 1, &["authenticated", "select", "notes", "id is null"]),
        ("past_the_rules", 0, &["service_role", "delete", "notes"]),
        ("not_decided", 2, &["authenticated", "delete", "notes", "title like 'a%'"]),
    ] {
        let (got, out, err) = run(dir.path(), &[&["why"], question].concat());
        insta::assert_snapshot!(name, format!("{out}{err}"));
        assert_eq!(got, code, "{name}: {out}{err}");
        let (_, out, _) = run(dir.path(), &[&["why", "--format", "json"], question].concat());
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(json["entity"], question[2], "{out}");
    }
}

#[test]
fn a_wrong_question_is_no_answer() {
    let dir = project(NOTES);
    for (question, said) in [
        (&["authenticatd", "select", "notes"][..], "did you mean `authenticated`?"),
        (&["anon", "read", "notes"], "`read` is none of select, insert, update, delete"),
        (&["anon", "select", "note"], "did you mean `notes`?"),
        (&["anon", "update (titel)", "notes"], "did you mean `title`?"),
        (&["anon", "delete (title)", "notes"], "takes no columns"),
        (&["anon", "select", "notes", "author = viewer"], "E0"),
        (&["anon", "select", "notes", "title ="], "E0004"),
        (&["anon", "select", "notes", "title"], "E0"),
        (&["anon", "select", "notes", "sql $$ true $$"], "E0004"),
    ] {
        let (code, out, err) = run(dir.path(), &[&["why"], question].concat());
        assert!(code == 2 && err.contains(said) && out.is_empty(), "{question:?}: {code} {out}{err}");
    }
    let broken = project("entity {");
    let (code, _, err) = run(broken.path(), &["why", "anon", "select", "notes"]);
    assert!(code == 2 && err.contains("E0001"), "{err}");
}

#[test]
fn the_access_of_a_role_is_a_table() {
    let dir = project(NOTES);
    let (code, out, err) = run(dir.path(), &["explain", "access", "authenticated"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!("access_of_a_role", out);
    let (_, both, _) = run(dir.path(), &["explain", "access", "anon", "notes"]);
    insta::assert_snapshot!("access_of_a_role_to_an_entity", both);
    let (_, out, _) = run(dir.path(), &["explain", "access", "notes", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let access = json["access"].as_array().expect("a list");
    let roles: Vec<_> = access.iter().map(|role| role["role"].as_str().expect("a name")).collect();
    assert_eq!(roles, ["anon", "authenticated"]);
    assert_eq!(access[1]["entities"][0]["actions"][3]["rules"][0]["rule"], "authors_remove", "{out}");
    for words in [&["nobody"][..], &["anon", "nothing"], &["notes", "anon"]] {
        let (code, out, err) = run(dir.path(), &[&["explain", "access"], words].concat());
        assert!(code == 2 && out.is_empty() && !err.is_empty(), "{words:?} {code}");
    }
    // Codes are explained as ever.
    let (code, out, _) = run(dir.path(), &["explain", "A0009"]);
    assert!(code == 0 && out.starts_with("A0009"), "{out}");
    let (code, _, err) = run(dir.path(), &["explain", "A0009", "notes"]);
    assert!(code == 2 && err.contains("specc explain access notes"), "{err}");
}

const ROWS: &str = "
insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001'), ('00000000-0000-4000-8000-000000000002');
insert into public.profiles (id, role) values
  ('00000000-0000-4000-8000-000000000001', 'member'), ('00000000-0000-4000-8000-000000000002', 'admin');
insert into public.teams (id) values ('00000000-0000-4000-8000-00000000000a');
insert into public.members (team_id, user_id)
  values ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-000000000001');
insert into public.notes (id, team_id, author_id, title, is_locked)
  values ('00000000-0000-4000-8000-0000000000aa', '00000000-0000-4000-8000-00000000000a',
          '00000000-0000-4000-8000-000000000001', 'first', true);
";

#[test]
fn a_row_that_is_there_is_asked_about_on_the_database() {
    let dir = project(NOTES);
    let (code, _, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{err}");
    for major in [15, 18] {
        let db = shared(major).platform_database().expect("a database");
        let mut files: Vec<_> = fs::read_dir(dir.path().join("supabase/migrations"))
            .expect("the migrations")
            .map(|file| file.expect("a file").path())
            .collect();
        files.sort();
        for file in files {
            db.load(&fs::read_to_string(file).expect("a migration")).expect("it loads");
        }
        db.load(ROWS).expect("rows");
        let url = db.url("postgres");
        let [author, admin] = [1, 2].map(|n| format!("00000000-0000-4000-8000-00000000000{n}"));
        let note = "00000000-0000-4000-8000-0000000000aa";
        let ask = |user: &str, action: &str, entity: &str, row: &str, url: &str| {
            let rest = ["--database-url", url, "--row", row, "--as", user];
            run(dir.path(), &[&["why", "authenticated", action, entity], &rest[..]].concat())
        };
        let mut said = String::new();
        for (user, action, code) in [
            (&author, "select", 0),
            (&admin, "select", 1),
            (&author, "update", 1),
            (&author, "delete", 1),
            (&admin, "update", 1),
        ] {
            let (got, out, err) = ask(user, action, "notes", note, &url);
            assert_eq!(got, code, "{major} {action}: {out}{err}");
            said.push_str(&format!("{out}{err}\n"));
        }
        db.load("update public.notes set is_locked = false").expect("a change");
        assert_eq!(ask(&author, "delete", "notes", note, &url).0, 0);
        insta::assert_snapshot!("a_row_of_a_database", said);
        let (code, out, _) =
            ask(&author, "select", "members", &format!("00000000-0000-4000-8000-00000000000a, {author}"), &url);
        assert!(code == 0 && out.starts_with("allowed"), "{out}");
        let json = run(
            dir.path(),
            &[
                "why",
                "authenticated",
                "delete",
                "notes",
                "--row",
                note,
                "--as",
                &author,
                "--database-url",
                &url,
                "--format",
                "json",
            ],
        );
        let json: serde_json::Value = serde_json::from_str(&json.1).expect("JSON");
        assert!(json["allowed"] == true && json["database_reads"] == true, "{json}");
        // The row is still there: nothing was written.
        let (code, _, err) = ask(&author, "delete", "notes", "00000000-0000-4000-8000-0000000000ab", &url);
        assert!(code == 2 && err.contains("has no row with the key"), "{err}");
        let (code, _, err) = ask(&author, "delete", "notes", "x", &url);
        assert!(code == 2 && err.contains("uuid"), "{err}");
        let (code, _, err) = ask(&author, "insert", "notes", note, &url);
        assert!(code == 2 && err.contains("an insert makes one"), "{err}");
        let (code, _, err) = ask(&author, "select", "members", note, &url);
        assert!(code == 2 && err.contains("team_id, user_id"), "{err}");
        // Whoever is bound by the rules cannot look.
        db.load("create role looker login; grant usage on schema public, private to looker; grant select on all tables in schema public to looker; grant execute on all functions in schema private to looker").expect("a role");
        let (code, _, err) = ask(&author, "select", "notes", note, &db.url("looker"));
        assert!(code == 2 && err.contains("has to see all rows"), "{err}");
        // A database whose rules are others is not what is answered about.
        db.load("create policy open on public.notes for select to authenticated using (true)").expect("a policy");
        let (code, _, err) = ask(&admin, "select", "notes", note, &url);
        assert!(code == 2 && err.contains("its rules are not those of the spec"), "{err}");
    }
}
