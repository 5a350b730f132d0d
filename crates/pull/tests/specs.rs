//! What a spec means, pulled, means the same.

#![allow(clippy::disallowed_methods)]

mod support;

use specc_catalog::Object;
use specc_model::{Options, Target};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::lower;

fn specs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let mut all: Vec<_> = std::fs::read_dir(root).expect("the specs").map(|e| e.expect("a spec").path()).collect();
    all.retain(|path| path.join("specc.toml").is_file());
    all.sort();
    all
}

fn files(dir: &Path) -> Vec<(String, String)> {
    let mut all: Vec<_> = std::fs::read_dir(dir).expect("a spec").map(|e| e.expect("a file").path()).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "dbspec"));
    all.sort();
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    all.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("text"))).collect()
}

#[test]
fn every_spec_comes_back() {
    let mut counts = String::new();
    for dir in specs() {
        let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
        let toml = std::fs::read_to_string(dir.join("specc.toml")).expect("settings");
        let target = if toml.lines().any(|l| l.starts_with("target = \"postgres\"")) {
            Target::Postgres
        } else {
            Target::Supabase
        };
        let wanted = lower(&files(&dir), &Options { target, ..Options::default() });
        let pulled = specc_pull::pull(&wanted, &specc_pull::Options::new(&name, target));
        let again = specc_pull::pull(&wanted, &specc_pull::Options::new(&name, target));
        assert_eq!(pulled.files, again.files, "{name}: the same each time");
        assert!(pulled.problems.is_empty(), "{name}: {:#?}", pulled.problems);
        let said = lower(&pulled.files, &specc_pull::Options::new(&name, target).model());
        let blocks: Vec<_> = pulled.blocks.iter().map(|block| &block.object).collect();
        for (id, entry) in wanted.iter() {
            if !blocks.contains(&id) {
                let said = said.get(id).unwrap_or_else(|| panic!("{name}: {id} is missing"));
                assert_eq!(specc_pull::difference(&said.object, &entry.object), None, "{name}: {id}");
                assert_eq!(said.comment, entry.comment, "{name}: {id}");
            } else if matches!(entry.object, Object::Sql(_)) {
                assert_eq!(said.get(id).map(|e| &e.object), Some(&entry.object), "{name}: {id}");
            }
        }
        for (id, entry) in said.iter() {
            assert!(wanted.contains(id) || matches!(entry.object, Object::Sql(_)), "{name}: {id} is new");
        }
        let typed: usize = pulled.typed.values().sum();
        let files: Vec<_> =
            pulled.files.iter().map(|(name, text)| format!("{name} {}", text.lines().count())).collect();
        let _ = writeln!(counts, "{name}: {typed} typed, {} in blocks; {}", pulled.blocks.len(), files.join(", "));
        let mut uses = BTreeMap::new();
        for line in pulled.files.iter().flat_map(|(_, text)| text.lines().map(str::trim)) {
            line.starts_with("use ").then(|| *uses.entry(line).or_insert(0) += 1);
        }
        for (line, times) in uses {
            let _ = writeln!(counts, "  {line}, {times} times");
        }
        for block in &pulled.blocks {
            let _ = writeln!(counts, "  {}: {}", block.object, block.why);
        }
    }
    insta::assert_snapshot!(counts);
}

/// A spec in which one table has the mixin, another what it makes, and a third almost that.
#[test]
fn a_mixin_is_recognized_where_a_table_has_exactly_that() {
    let table = |name: &str, doc: &str, trigger: &str| {
        format!(
            "entity {name} {{
  id: int key
  /// When the row was made.
  created_at: timestamptz = now()
  /// {doc}
  updated_at: timestamptz = now()
  title: text
  trigger {trigger} before update for each row execute private.set_updated_at()
}}
"
        )
    };
    let text = [
        "entity uses { id: int key\n use timestamps\n title: text }\n".to_owned(),
        table("has", "When the row was last changed.", "set_updated_at"),
        table("other_words", "When it changed.", "set_updated_at"),
        table("other_name", "When the row was last changed.", "touch"),
    ];
    let options = specc_pull::Options::new("mixins", Target::Postgres);
    let wanted = lower(&[("a.dbspec".to_owned(), text.concat())], &options.model());
    let pulled = specc_pull::pull(&wanted, &options);
    assert!(pulled.problems.is_empty() && pulled.blocks.is_empty(), "{:#?}", pulled.problems);
    let said = lower(&pulled.files, &options.model());
    for (id, entry) in wanted.iter() {
        let said = said.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(specc_pull::difference(&said.object, &entry.object), None, "{id}");
    }
    insta::assert_snapshot!(pulled.files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n"));
}

/// Shapes of JSON stand at their columns, where the names of their checks are those that they get by themselves.
#[test]
fn shapes_come_back() {
    let spec = "enum theme { light, dark }\n\nentity accounts {\n  id: uuid key\n  a: jsonb? shape { theme: theme[], \"fontSize\": int?, \
        home: { \"it's\": text, n: numeric }[]? }\n  b: jsonb shape {}\n  rls off\n\n  \
        check mine: jsonb_path_match(b, '($.type() == \"object\" && $.\"x\".type() == \"string\")'::jsonpath)\n}\n";
    let options = Options { target: Target::Postgres, ..Options::default() };
    let wanted = lower(&[("a.dbspec".to_owned(), spec.to_owned())], &options);
    let pulled = specc_pull::pull(&wanted, &specc_pull::Options::new("p", Target::Postgres));
    assert!(pulled.problems.is_empty() && pulled.blocks.is_empty(), "{pulled:#?}");
    let text: String = pulled.files.iter().map(|(_, text)| text.as_str()).collect();
    let shape = "shape { theme: theme[], fontSize: int?, home: { \"it's\": text, n: numeric }[]? }";
    assert!(text.contains(shape) && text.contains("shape {}") && text.contains("check mine: "), "{text}");
    let said = lower(&pulled.files, &specc_pull::Options::new("p", Target::Postgres).model());
    for (id, entry) in wanted.iter() {
        let said = said.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(specc_pull::difference(&said.object, &entry.object), None, "{id}");
    }
}
