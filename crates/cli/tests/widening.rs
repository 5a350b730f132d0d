//! What a change opens and closes: in the header of its migration, in `specc diff`, and as a proof against another state.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
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
    members_read: allow select  to authenticated  when is_member(this)
  }
}

entity members {
  team_id -> teams     inverse members on delete cascade immutable
  user_id -> profiles  on delete cascade immutable
  rank:   rank = 'member'

  key (team_id, user_id)

  policy {
    own: allow select  to authenticated  when user_id = viewer
  }
}

predicate is_member(t: teams) = exists t.members (user_id = viewer)

function is_short(p_title: text) -> bool language plpgsql stable to authenticated as $$
begin
  return length(p_title) < 10;
end
$$

entity notes {
  id:        uuid = gen_random_uuid()  key
  team_id    -> teams                  on delete cascade immutable
  author_id  -> profiles               on delete cascade immutable
  title:     text
  is_public: bool = false

  policy {
    read:   allow select            to authenticated  when is_member(team)
    change: allow update (title)    to authenticated  when author_id = viewer and is_member(team)
    short:  allow delete            to authenticated  when is_short(title)
    add:    allow insert            to authenticated  when exists team.members (user_id = viewer and rank = 'admin')
  }
}
";

fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"notes\"\n").expect("a file");
    fs::write(dir.path().join("notes.dbspec"), text).expect("a file");
    dir
}

/// What the headers of the files that a change makes say of access, and what `diff` and `prove --against last` say.
fn said(changes: &[(&str, &str)]) -> String {
    let dir = project(NOTES);
    let (code, _, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{err}");
    let mut text = NOTES.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    fs::write(dir.path().join("notes.dbspec"), text).expect("a file");
    let (code, diff, err) = run(dir.path(), &["diff"]);
    assert_eq!(code, 0, "{err}");
    let (_, proofs, _) = run(dir.path(), &["prove", "--against", "last", "--all", "--format", "json"]);
    let proofs: serde_json::Value = serde_json::from_str(&proofs).expect("JSON");
    let proofs: Vec<String> = proofs["verdicts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|verdict| verdict["code"] == "A0019" && verdict["verdict"] != "proven")
        .map(|verdict| format!("{}: {}", verdict["verdict"].as_str().expect("a word"), verdict["claim"]))
        .collect();
    let (code, _, err) = run(dir.path(), &["build", "--stamp", "20260102000000", "--allow-data-loss"]);
    assert_eq!(code, 0, "{err}");
    let mut files: Vec<_> = fs::read_dir(dir.path().join("supabase/migrations"))
        .expect("the migrations")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains("/20260102"))
        .collect();
    files.sort();
    let mut out = String::new();
    for file in files {
        let text = fs::read_to_string(file).expect("a migration");
        let mut in_access = false;
        for line in text.lines().take_while(|line| line.starts_with("--")) {
            in_access = line.starts_with("-- access") || in_access && line.starts_with("--         ");
            if in_access {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    let shown = diff.lines().filter(|line| line.contains("rows of") || line.contains("not known"));
    out.push_str("diff:\n");
    shown.for_each(|line| out.push_str(&format!("{line}\n")));
    out.push_str(&format!("proofs:\n{}\n", proofs.join("\n")));
    out
}

#[test]
fn a_change_of_access_says_what_it_opens_and_closes() {
    for (name, changes) in [
        ("wider", &[("when is_member(team)\n    change", "when is_member(team) or is_public\n    change")][..]),
        (
            "narrower",
            &[(
                "when author_id = viewer and is_member(team)",
                "when author_id = viewer and is_member(team) and not is_public",
            )],
        ),
        ("both", &[("when author_id = viewer and is_member(team)", "when is_public")]),
        (
            "in_other_words",
            &[("when author_id = viewer and is_member(team)", "when is_member(team) and viewer = author_id")],
        ),
        ("by_a_predicate", &[("(user_id = viewer)\n", "(user_id = viewer and rank = 'admin')\n")]),
        (
            "by_a_role",
            &[("read:   allow select            to authenticated", "read:   allow select  to anon, authenticated")],
        ),
        ("of_columns", &[("update (title)", "update (title, is_public)")]),
        ("by_a_function", &[("return length(p_title) < 10", "return length(p_title) < 20")]),
        (
            "of_what_has_another_name",
            &[
                ("entity notes {", "entity papers was notes {"),
                (
                    "author_id  -> profiles               on delete cascade immutable",
                    "writer_id  -> profiles on delete cascade immutable was author_id",
                ),
                ("author_id = viewer and is_member(team)", "writer_id = viewer"),
            ],
        ),
        (
            "of_labels",
            &[
                ("enum rank { admin, member }", "enum rank { chief was admin, member }"),
                ("rank = 'admin'", "rank = 'chief'"),
            ],
        ),
        (
            "of_a_column_that_goes",
            &[("  is_public: bool = false\n", ""), ("when is_short(title)", "when author_id = viewer")],
        ),
        (
            "without_row_level_security",
            &[
                ("  is_public: bool = false\n", "  is_public: bool = false\n  rls off\n"),
                (&NOTES[NOTES.rfind("  policy {").expect("rules")..NOTES.len() - 2], ""),
            ],
        ),
        ("of_nothing", &[("title:     text\n", "title:     text\n  body:      text?\n")]),
    ] {
        insta::assert_snapshot!(format!("{name}"), said(changes));
    }
}

/// A state that an older version wrote has no files of its spec: what cannot be compared is said to be so.
#[test]
fn a_state_without_its_rules_is_not_compared() {
    let dir = project(NOTES);
    let (code, _, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{err}");
    let path = dir.path().join("specc/catalog.json");
    let mut catalog = specc_catalog::from_json(&fs::read_to_string(&path).expect("the state")).expect("a catalog");
    assert_eq!(catalog.spec.len(), 2);
    catalog.spec.clear();
    fs::write(&path, specc_catalog::to_sealed_json(&catalog)).expect("the state");
    fs::write(dir.path().join("notes.dbspec"), NOTES.replace("when is_short(title)", "when is_public"))
        .expect("a file");
    let (code, diff, err) = run(dir.path(), &["diff"]);
    assert!(code == 0 && diff.contains("is not known: the state was written without the rules"), "{diff}{err}");
    let (code, _, err) = run(dir.path(), &["prove", "--against", "last"]);
    assert!(code == 2 && err.contains("the last state cannot be compared with"), "{err}");
    let (code, _, err) = run(dir.path(), &["build", "--stamp", "20260102000000"]);
    assert_eq!(code, 0, "{err}");
    // From here on it is known again.
    let (code, _, err) = run(dir.path(), &["prove", "--against", "last"]);
    assert!(code != 2 && !err.contains("cannot be compared"), "{err}");
}

/// The other state may be a spec in another folder; what is wider is accepted like any other finding.
#[test]
fn a_spec_in_a_folder_is_compared_with() {
    let (old, new) = (
        project(NOTES),
        project(&NOTES.replace(
            "exists team.members (user_id = viewer and",
            "is_public or exists team.members (user_id = viewer and",
        )),
    );
    let folder = old.path().to_str().expect("UTF-8");
    let (_, out, err) = run(new.path(), &["prove", "--against", folder]);
    assert!(err.contains("A0019") && err.contains("`authenticated` inserts rows of `notes`"), "{out}{err}");
    let (code, out, err) = run(old.path(), &["prove", "--against", new.path().to_str().expect("UTF-8")]);
    assert!(!err.contains("A0019"), "{code} {out}{err}");
    let (code, _, err) = run(new.path(), &["prove", "--against", "nowhere"]);
    assert!(code == 2 && err.contains("nowhere"), "{err}");
    let (code, _, err) = run(new.path(), &["prove", "--against", "last"]);
    assert!(code == 2 && err.contains("no last migration"), "{err}");
}

/// Rows are not kept with a state: what names them, wherever it stands, keeps nobody from comparing its rules.
#[test]
fn rows_of_a_state_are_not_needed_to_compare_its_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
    let kinds = |rules: &str| {
        format!(
            "entity kinds {{\n  id: text key\n  policy {{\n    {rules}\n  }}\n}}\nseed base {{\n  kinds small {{ id: 's' }}\n}}\n"
        )
    };
    let things = "entity things {\n  id: uuid = gen_random_uuid() key\n  kind_id -> kinds\n  name: text\n  policy {\n    \
                  all_see: allow select when true\n  }\n}\n";
    write("specc.toml", "name = \"things\"\n");
    write("kinds.dbspec", &kinds("all_see: allow select when true"));
    write("rows.dbspec", "seed base {\n  kinds large { id: 'l' }\n}\n");
    let names_rows =
        "seed dev {\n  things box { kind_id: large, name: 'Box' }\n  things pin { kind_id: small, name: 'Pin' }\n}\n";
    write("things.dbspec", &format!("{things}{names_rows}"));
    write(
        "tried.dbspec",
        "scenario 'everybody sees' {\n  as anon {\n    things -> 2 rows\n    things -> only box, pin\n  }\n}\n",
    );
    let done = |args: &[&str]| {
        let (code, out, err) = run(dir.path(), args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out + &err
    };
    done(&["build", "--stamp", "20260101000000"]);
    done(&["prove", "--against", "last"]);
    write("kinds.dbspec", &kinds("all_see: allow select, insert when true"));
    let (_, out, err) = run(dir.path(), &["prove", "--against", "last"]);
    assert!(err.contains("A0019"), "{out}{err}");
    let text = done(&["diff"]);
    assert!(text.contains("`anon` inserts more rows of `kinds`") && !text.contains("is not known"), "{text}");
}
