//! `specc prove`: what it says of a spec that has a hole, of one that accepts it, and of the specs that ship.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use specc_postgres::shared;
use std::fs;
use std::path::PathBuf;

const TEAMS: &str = "
viewer -> profiles

entity profiles {
  id:   uuid  key
  name: text

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
    own:  allow select  to authenticated  when user_id = viewer
    join: allow insert  to authenticated  when user_id = viewer
  }
}

function let_in(p_team: uuid) -> void security definer to authenticated as $$
  insert into public.members (team_id, user_id) values (p_team, auth.uid())
$$
";

fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"shop\"\n").expect("a file");
    fs::write(dir.path().join("teams.dbspec"), text).expect("a file");
    dir
}

#[test]
fn a_hole_is_shown_with_the_rows_that_fall_through() {
    let dir = project(TEAMS);
    let (code, out, err) = run(dir.path(), &["prove"]);
    assert_eq!(code, 1, "{err}");
    insta::assert_snapshot!(format!("{out}\n{err}"));
    let (code, out, _) = run(dir.path(), &["prove", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let codes = |of: &str| -> Vec<String> {
        json[of].as_array().expect("a list").iter().map(|f| f["code"].as_str().expect("a code").to_owned()).collect()
    };
    assert_eq!((code, codes("diagnostics").join(" ").as_str()), (1, "A0009"), "{out}");
    let open = |verdict: &&serde_json::Value| verdict["verdict"] == "counterexample";
    assert_eq!(json["verdicts"].as_array().expect("a list").iter().filter(open).count(), 1, "{out}");
    assert!(codes("verdicts").len() > 10, "{out}");
}

#[test]
fn what_is_accepted_is_no_finding_and_what_holds_needs_no_acceptance() {
    let accepts = "accept A0009 'teams are open to all'\n    join:";
    let dir = project(&TEAMS.replace("join:", accepts));
    let (code, _, err) = run(dir.path(), &["prove"]);
    assert!(code == 0 && err.contains("0 warnings, 1 accepted"), "{err}");
    // `check` asks nothing of the kind, and does not miss it.
    let (code, _, err) = run(dir.path(), &["check", "--deny-warnings"]);
    assert_eq!(code, 0, "{err}");
    let dir = project(&TEAMS.replace("own: ", "accept A0011 'they are public'\n    own: "));
    let (_, _, err) = run(dir.path(), &["prove"]);
    assert!(err.contains("`accept A0011` accepts nothing"), "{err}");
}

/// A promise of a mixin is one of each entity that uses it: it says which entity breaks it, by which rule, and is accepted
/// where it stands.
#[test]
fn a_promise_is_broken_by_a_rule_and_accepted_where_it_stands() {
    const OWNED: &str = "
mixin owned(column) {
  $column -> profiles  on delete cascade immutable

  promise 'rows are their owner''s' {
    deny select  unless $column = viewer
    deny update ($column)
  }
}

entity drafts {
  id:   uuid = gen_random_uuid()  key
  body: text
  use owned(writer_id)

  policy {
    writers: allow select, update  to authenticated  when writer_id = viewer
  }
}

entity letters {
  id:   uuid = gen_random_uuid()  key
  sent: boolean = false
  use owned(sender_id)

  policy {
    senders: allow select, update  to authenticated  when sender_id = viewer
    sent:    allow select          to authenticated  when sent
  }
}
";
    let (profiles, _) = TEAMS.split_once("entity teams").expect("the people");
    let text = format!("{profiles}{OWNED}");
    let dir = project(&text);
    let (code, out, err) = run(dir.path(), &["prove"]);
    assert_eq!(code, 1, "{err}");
    insta::assert_snapshot!(format!("{out}\n{err}"));
    let accepted = text.replace("deny select", "accept A0017 'sent letters are public'\n    deny select");
    let (code, out, err) = run(project(&accepted).path(), &["prove", "--all"]);
    assert!(code == 0 && err.contains("0 warnings, 1 accepted"), "{err}");
    assert!(
        out.contains(
            "`rows are their owner's`: `authenticated` never reads rows of `drafts` unless `writer_id = viewer`"
        ),
        "{out}"
    );
    let kept = text.replace("deny update", "accept A0017 'owners change'\n    deny update");
    let (_, _, err) = run(project(&kept).path(), &["prove"]);
    assert!(err.contains("`accept A0017` accepts nothing"), "{err}");
}

#[test]
fn the_specs_that_ship_have_no_open_counterexample() {
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    // A function with its owner's rights founds startups, and a window counts places: what they do is not decided.
    const UNDECIDED: [&str; 2] = ["`found_startup`", "`row_number()`"];
    let mut proven = 0;
    for spec in fs::read_dir(specs).expect("the specs").map(|entry| entry.expect("a spec").path()) {
        let (code, out, err) = run(&spec, &["prove"]);
        assert_eq!(code, 0, "{}: {err}", spec.display());
        proven += usize::from(err.contains(" 0 out of fragment"));
        let lines: Vec<&str> = out.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("OUT OF FRAGMENT")) {
            assert!(UNDECIDED.iter().any(|by| pair[1].ends_with(by)), "{}: {}", spec.display(), pair.join(" "));
        }
    }
    assert!(proven >= 3, "{proven}");
}

/// Policies that nobody wrote as rules: of a file of SQL, and of the database that it makes.
#[test]
fn policies_written_by_hand_are_asked_the_same() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/access/hand_written.sql");
    let dir = tempfile::tempdir().expect("a folder");
    let path = file.to_str().expect("UTF-8");
    let (code, out, err) = run(dir.path(), &["prove", "--sql", path, "--target", "supabase", "--format", "json"]);
    assert_eq!(code, 1, "{err}");
    let wrong = |out: &str| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(out).expect("JSON");
        let all = json["diagnostics"].as_array().expect("a list").iter();
        let said = |finding: &serde_json::Value, key: &str| finding[key].as_str().expect("a text").to_owned();
        all.map(|finding| format!("{} {}", said(finding, "code"), said(finding, "message"))).collect()
    };
    insta::assert_snapshot!(wrong(&out).join("\n"));
    let db = shared(18).platform_database().expect("a database");
    db.load(&fs::read_to_string(&file).expect("the file")).expect("it loads");
    let url = db.url("postgres");
    let (code, live, err) = run(dir.path(), &["prove", "--database-url", &url, "--format", "json"]);
    assert_eq!((code, wrong(&live)), (1, wrong(&out)), "{err}");
}

/// What many specs leave as it is is asked with `--strict` only, and accepted for that alone.
#[test]
fn the_last_who_may_manage_is_asked_about_strictly() {
    let own = "    own:  allow select  to authenticated  when user_id = viewer
    join: allow insert  to authenticated  when user_id = viewer
";
    let ranked = |leave: &str| {
        let rules = format!(
            "    read:  allow select  to authenticated  when exists team.members (user_id = viewer)
    add:   allow insert  to authenticated  when exists team.members (user_id = viewer and chief)
{leave}    leave: allow delete  to authenticated  when user_id = viewer
"
        );
        TEAMS
            .replace(own, &rules)
            .replace("\n  key (team_id, user_id)", "  chief: bool = false\n\n  key (team_id, user_id)")
    };
    let bare = project(&ranked(""));
    assert_eq!(run(bare.path(), &["prove"]).0, 0);
    let (code, _, said) = run(bare.path(), &["prove", "--strict"]);
    assert_eq!(code, 1);
    assert!(said.contains("A0024"), "{said}");
    let accepted = project(&ranked("    accept A0024 'the support adds a chief'\n"));
    for args in [&["prove"][..], &["prove", "--strict"]] {
        let (code, _, said) = run(accepted.path(), args);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn findings_are_for_reviewers_too() {
    let dir = project(TEAMS);
    let (code, out, err) = run(dir.path(), &["prove", "--format", "sarif"]);
    assert_eq!(code, 1, "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let run_of = &found["runs"][0];
    let results = run_of["results"].as_array().expect("results");
    assert!(!results.is_empty(), "{out}");
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("a rule") as usize;
        assert_eq!(run_of["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "teams.dbspec");
    }
    let (code, _, err) = run(dir.path(), &["prove", "--format", "junit"]);
    assert_eq!(code, 2, "{err}");
}
