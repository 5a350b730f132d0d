//! Small specs through to the catalog: every object that `structure` and `behaviour` make, as SQL and with what it needs.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_catalog::{Catalog, Object};
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
