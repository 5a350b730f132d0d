//! The crates use each other only as `docs/architecture.md` draws it.

#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// Crate folder and the workspace crates that its `[dependencies]` name.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates")).expect("crates") {
        let dir = entry.expect("crate").path();
        let text = std::fs::read_to_string(dir.join("Cargo.toml")).expect("manifest");
        let uses = text
            .lines()
            .skip_while(|line| *line != "[dependencies]")
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.strip_prefix("specc-")?.split(['.', ' ', '=']).next())
            .map(str::to_string)
            .collect();
        found.insert(dir.file_name().expect("name").to_string_lossy().into_owned(), uses);
    }
    found
}

/// The table in the architecture page.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).expect("page");
    let rows = text.lines().filter(|line| line.starts_with("| `crates/"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`').trim_start_matches("crates/").to_string();
        let uses = cells[4].split(", ").filter(|w| *w != "–").map(str::to_string).collect();
        (name, uses)
    })
    .collect()
}

#[test]
fn crates_use_only_what_the_architecture_allows() {
    let (manifests, allowed) = (manifests(), allowed());
    let names: BTreeSet<_> = manifests.keys().collect();
    assert_eq!(
        names,
        allowed.keys().collect(),
        "every crate has a row in docs/architecture.md, and no row is without a crate"
    );
    for (name, uses) in &manifests {
        if name == "cli" {
            continue;
        }
        let extra: Vec<_> = uses.difference(&allowed[name]).collect();
        assert!(extra.is_empty(), "crates/{name} uses {extra:?}, which docs/architecture.md does not allow");
    }
}
