//! Good specs build without a word, and no text makes the analysis panic.

use proptest::prelude::*;
use specc_diag::{Diagnostic, RenderOptions, Sources, render};
use specc_model::{Model, Options, SeedValue, analyze, shipped};

/// One of everything.
const ALL: &str = include_str!("all.dbspec");

fn build(text: &str) -> (Model, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let id = sources.add("all.dbspec", text);
    let (file, mut found) = specc_syntax::parse(id, text);
    let (model, findings) = analyze(vec![file], &mut sources, Options::default());
    found.extend(findings);
    (model, found, sources)
}

#[test]
fn a_table_has_no_more_columns_than_postgres_allows() {
    let entity = |columns: usize| {
        let fields: String = (0..columns).map(|n| format!("  f{n}: int\n")).collect();
        format!("entity wide {{\n  key (f0)\n{fields}  rls off\n}}\n")
    };
    assert!(build(&entity(1600)).1.is_empty());
    let (_, found, _) = build(&entity(1601));
    assert!(matches!(&found[..], [only] if only.message.contains("at most 1600")), "{found:?}");
}

/// A column that refers to another entity has its type in those that inherit it too, over several, and where they are referred to.
#[test]
fn inherited_references_have_their_type() {
    let text = "
entity grades {
  grade: bigint  key
  rls off
}
entity leaves {
  inherits branches
  rls off
}
entity branches {
  inherits trunks
  rls off
}
entity trunks {
  grade_id -> grades(grade)
  name:    text
  unique (grade_id)
  rls off
}
";
    let (model, found, _) = build(text);
    assert!(found.iter().all(|d| d.severity() != specc_diag::Severity::Error), "{found:?}");
    for name in ["trunks", "branches", "leaves"] {
        let entity = model.entities.iter().find(|e| e.name.name == name).expect("declared");
        let field = &entity.fields[entity.field("grade_id").expect("inherited")];
        assert_eq!(field.ty.base, specc_model::Base::Builtin("bigint".into()), "{name}");
    }
}

#[test]
fn one_of_everything_builds() {
    let (model, found, sources) = build(ALL);
    let said: String = found.iter().map(|d| render(d, &sources, RenderOptions::default())).collect();
    assert!(found.is_empty(), "{said}");
    let entity = |name: &str| model.entities.iter().find(|e| e.name.name == name).expect("declared");
    let events = entity("events");
    assert_eq!(events.key.as_ref().map(|k| k.name.as_str()), Some("events_pkey"));
    let organizer = model.relations.iter().find(|r| r.from == events.id && r.path == "organizer").expect("a path");
    assert_eq!(organizer.constraint, "events_organizer_id_fkey");
    assert!(model.needs_index(organizer));
    assert!(events.fields.iter().any(|f| f.name == "deleted_at" && f.mixin.as_deref() == Some("soft_delete")));
    assert!(events.rules.iter().any(|r| r.forbid && r.name == "hide_deleted"));
    let profiles = entity("profiles");
    let id = &profiles.fields[0];
    assert_eq!(id.ty.base, specc_model::Base::Builtin("uuid".into()), "the type follows auth.users");
    let kinds: Vec<&SeedValue> =
        model.seeds.iter().flat_map(|s| &s.rows).flat_map(|r| &r.fields).map(|f| &f.1).collect();
    assert!(kinds.iter().any(|v| matches!(v, SeedValue::Label { .. })));
    assert!(kinds.iter().any(|v| matches!(v, SeedValue::Any(_))));
    assert!(kinds.iter().any(|v| matches!(v, SeedValue::Between(..))));
    assert!(kinds.iter().any(|v| matches!(v, SeedValue::OneOf(_))));
    assert!(model.entities.iter().any(|e| e.name.name == "audit_log"), "an audited entity brings the log");
    assert!(!model.entities.iter().any(|e| e.name.name == "row_history"), "what nobody uses is not there");
}

#[test]
fn what_is_shipped_is_good() {
    for (name, text) in shipped() {
        let text = text.replace("$schema$.", "public.");
        let (_, found) = specc_syntax::parse(specc_diag::FileId(0), &text);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let everything = "viewer -> auth.users\nentity things {\n  id: uuid = gen_random_uuid() key\n  use timestamps, soft_delete, audited, \
                      versioned, history, append_only, tenant(user_id, auth.users)\n  policy {\n    readers: allow select\n  }\n}\n";
    let (model, found, sources) = build(everything);
    let said: String = found.iter().map(|d| render(d, &sources, RenderOptions::default())).collect();
    assert!(found.is_empty(), "{said}");
    assert!(model.entities.iter().any(|e| e.name.name == "row_history"));
}

#[test]
fn a_mixin_of_the_author_wins() {
    let text = "mixin timestamps {\n  made: timestamptz = now()\n}\nentity a {\n  id: uuid key\n  use timestamps\n  rls off\n}\n";
    let (model, found, _) = build(text);
    assert!(found.is_empty(), "{found:?}");
    assert!(model.entities[0].fields.iter().any(|f| f.name == "made"));
    assert!(model.functions.is_empty());
}

#[test]
fn names_follow_postgres() {
    let text = "entity t {\n  id: uuid key\n  a: int unique\n  b: text\n  check a > 0\n  check a < 9\n  check a > 0 and b <> ''\n  index (a)\n  index (a)\n  index (lower(b))\n  unique (b, a) where a > 1\n  rls off\n}\n";
    let (model, found, _) = build(text);
    assert!(found.is_empty(), "{found:?}");
    let t = &model.entities[0];
    assert_eq!(t.uniques[0].name, "t_a_key");
    assert_eq!(t.uniques[1].name, "t_b_a_idx");
    assert_eq!(t.checks.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["t_a_check", "t_a_check1", "t_check"]);
    assert_eq!(t.indexes.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["t_a_idx", "t_a_idx1", "t_lower_idx"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn mutations_never_panic(edits in prop::collection::vec((0usize..ALL.len(), 0usize..40, "[a-z$:(){}',>\\n -]{0,6}"), 1..8)) {
        let mut text = ALL.to_owned();
        for (at, len, new) in edits {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            let mut end = (at + len).min(text.len());
            while !text.is_char_boundary(end) { end -= 1; }
            text.replace_range(at..end.max(at), &new);
        }
        let (_, found, sources) = build(&text);
        for finding in &found {
            render(finding, &sources, RenderOptions::default());
        }
    }

    #[test]
    fn words_swapped_never_panic(from in 0usize..400, to in 0usize..400) {
        let words: Vec<&str> = ALL.split_whitespace().collect();
        let (from, to) = (words[from % words.len()], words[to % words.len()]);
        let text = ALL.replace(from, to);
        if text.len() < 200_000 {
            build(&text);
        }
    }
}

#[test]
fn predicates_of_any_number_take_no_time() {
    use std::fmt::Write;
    let mut text = "entity t {\n  id: uuid key\n  rls off\n}\nviewer -> t\n".to_owned();
    let uses = |n: usize, step: usize| format!("c{}(t) or c{}(t)", (n + step) % 3_000, (n + 7 * step) % 3_000);
    for n in 0..3_000 {
        // all of them in one circle, through many ways
        writeln!(text, "predicate c{n}(t: t) = {}", uses(n, 1)).expect("a text");
        writeln!(text, "predicate p{n} = p{} and p{}", n + 1, n + 1).expect("a text");
    }
    text.push_str("predicate p3000 = viewer is null\n");
    let (_, found, _) = build(&text);
    let said: Vec<_> = found.iter().map(|d| (d.code.name(), d.message.as_str())).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|(code, _)| *code == "E0612"), "{said:?}");
    assert!(
        said.iter().any(|(code, message)| *code == "E0003" && message.contains("more than the 5000 allowed")),
        "{said:?}"
    );
}
