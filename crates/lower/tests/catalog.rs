//! Small specs through to the catalog: every object that `structure` and `behaviour` make, as SQL and with what it needs.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_catalog::{Body, Catalog, Object, Returns};
use specc_diag::{RenderOptions, Sources, has_errors, render};
use specc_model::Options;
use specc_sql::{Statement, print};
use std::fmt::Write;

/// The catalog of a spec, which must be free of errors.
fn lowered(name: &str, text: &str) -> Catalog {
    let mut sources = Sources::new();
    let file = sources.add(name, text);
    let (tree, mut found) = specc_syntax::parse(file, text);
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, Options::default());
    found.extend(more);
    let (catalog, more) = specc_lower::lower(&model);
    found.extend(more);
    assert!(!has_errors(&found), "{}", shown(&found, &sources));
    catalog
}

fn shown(found: &[specc_diag::Diagnostic], sources: &Sources) -> String {
    found.iter().map(|d| render(d, sources, RenderOptions::default())).collect()
}

/// All objects but policies and grants, which have tests of their own.
fn written(catalog: &Catalog) -> String {
    let mut out = String::new();
    for (id, entry) in catalog.iter() {
        if matches!(entry.object, Object::Policy(_) | Object::Grant(_)) {
            continue;
        }
        writeln!(out, "# {id} [{}]", entry.area).unwrap();
        if let Some(comment) = &entry.comment {
            writeln!(out, "comment: {comment}").unwrap();
        }
        for needed in &entry.depends {
            writeln!(out, "needs {} because {}", needed.on, needed.why).unwrap();
        }
        print(&Statement::Create(&entry.object), &mut out);
        out.push('\n');
    }
    out
}

#[test]
fn small_specs_become_the_objects_they_mean() {
    insta::glob!("cases/*.dbspec", |path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(written(&lowered(&name, &text)));
    });
}

#[test]
fn an_index_for_a_policy_leaves_the_names_of_others_alone() {
    let text = "
viewer -> people

entity people {
  id: uuid key
}

entity notes {
  id:    uuid  key
  owner: uuid
  open:  boolean = true

  index notes_owner_idx: (owner) where open
}

policy on notes {
  own: allow select to authenticated when owner = viewer
}
";
    let catalog = lowered("names.dbspec", text);
    let indexes: Vec<_> = catalog
        .iter()
        .filter_map(|(_, entry)| match &entry.object {
            Object::Index(index) => Some((index.name.as_str(), index.filter.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(indexes, [("notes_owner_idx", true), ("notes_owner_idx1", false)]);
}

/// The bodies of the helpers that give keys, each on one line.
fn key_helpers(catalog: &Catalog) -> Vec<String> {
    let bodies = catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Function(f) if f.security_definer => match (&f.returns, &f.body) {
            (Some(Returns::Type(ty)), Body::Atomic(text)) if ty.dims == 1 => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    });
    bodies.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

const TEAMS: &str = "
viewer -> people

entity people {
  id:   int  key
  rank: text = 'user'
}

entity teams {
  id: int  key
  HIDES
}

entity members {
  team_id   -> teams  inverse members
  person_id -> people
  boss:     boolean = false
  guest:    boolean = false

  key (team_id, person_id)
}

entity albums {
  id:      int  key
  team_id  -> teams
}

entity prints {
  id:       int  key
  album_id  -> albums

  policy {
    team: allow select to authenticated when exists album.team.members (person_id = viewer)
  }
}

entity notes {
  id:      int  key
  team_id  -> teams

  policy {
    bosses:  allow select to authenticated when exists team.members (boss and person_id = viewer)
    members: allow select to authenticated when exists team.members (person_id = viewer)
    guests:  allow insert to authenticated when exists team.members (guest and person_id = viewer)
    others:  allow insert to authenticated when exists team.members (boss and person_id = viewer)
    admins:  allow update to authenticated when exists team.members (person_id = viewer) or viewer.rank = 'admin'
  }
}
";

#[test]
fn a_set_asks_no_table_and_no_query_that_says_nothing_new() {
    let mut found = key_helpers(&lowered("sets.dbspec", &TEAMS.replace("HIDES", "")));
    let from = "from public.members as members where";
    let who = "members.person_id = (select private.viewer_id())";
    let mut wanted = [
        format!("select array( select members.team_id {from} {who} );"),
        format!(
            "select array( select album.id from public.albums as album join public.members as members on \
             members.team_id = album.team_id where {who} );"
        ),
        format!(
            "select array( select members.team_id {from} members.guest and {who} union all \
             select members.team_id {from} members.boss and {who} );"
        ),
        format!(
            "select array( select members.team_id {from} {who} union all \
             select team.id from public.teams as team where (select private.viewer_rank()) = 'admin' );"
        ),
    ];
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
}

#[test]
fn a_table_whose_rows_can_be_hidden_is_asked() {
    let found = key_helpers(&lowered("hidden.dbspec", &TEAMS.replace("HIDES", "use soft_delete")));
    let through = found.iter().filter(|body| body.contains("public.albums")).collect::<Vec<_>>();
    assert!(through.len() == 1 && through[0].contains("team.deleted_at is null"), "{found:#?}");
}

#[test]
fn a_body_comes_after_the_types_of_its_variables() {
    let text = "
entity t { id: int key }
view z security definer as $$ select t.id from public.t $$
function a() -> int language plpgsql to public as $$
declare r z; begin select * into r from z; return r.id; end
$$
function b() -> int language plpgsql to public as $$
declare r public.z%rowtype; n public.z.id%type; begin return n; end
$$
";
    let catalog = lowered("variables.dbspec", text);
    let order = specc_catalog::creation_order(&catalog).unwrap();
    let place = |name: &str| order.iter().position(|id| id.name == name && id.part.is_empty()).unwrap();
    assert!(place("z") < place("a") && place("z") < place("b"));
}
