//! `specc why` and `specc explain access`: what they say of a small spec, and how they end.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::Path;
use std::process::Command;

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
    let command = command.args(args).current_dir(dir).env_remove("SPECC_PROJECT").env("NO_COLOR", "1");
    let out = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().expect("no signal ended it"), text(out.stdout), text(out.stderr))
}

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
