//! What `docs/architecture.md` says of crates and files is so, and no file is too long.

#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    let (_, rooms) = text.split_once("## Rooms").expect("the table");
    let rows = rooms.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `crates/"));
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

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e == ending)
}

#[test]
fn no_rust_file_is_longer_than_600_lines() {
    let mut all = Vec::new();
    ["crates", "tests"].iter().for_each(|folder| files(&root().join(folder), &mut all));
    all.retain(|path| has_ending(path, "rs"));
    assert!(all.len() > 300, "{} files", all.len());
    let long = all.iter().filter(|path| std::fs::read_to_string(path).expect("UTF-8").lines().count() > 600);
    let long: Vec<_> = long.map(|path| path.display()).collect();
    assert!(long.is_empty(), "{long:?}");
}

/// A path in the docs begins with one of these.
const FOLDERS: [&str; 6] = ["crates/", "grammar/", "tests/", "docs/", "specs/", "fixtures/"];

#[test]
fn the_files_that_the_docs_name_exist() {
    let mut pages = vec![root().join("README.md")];
    files(&root().join("docs"), &mut pages);
    pages.retain(|path| has_ending(path, "md"));
    let (mut named, mut missing) = (0, Vec::new());
    for page in &pages {
        let text = std::fs::read_to_string(page).expect("UTF-8");
        let quoted = text.split('`').skip(1).step_by(2).filter(|word| FOLDERS.iter().any(|f| word.starts_with(f)));
        let quoted = quoted.filter(|word| !word.contains([' ', '*', '\n'])).map(|word| root().join(word));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
        let folder = page.parent().expect("a folder");
        for path in quoted.chain(links.map(|link| folder.join(link))) {
            named += 1;
            if !path.exists() {
                missing.push(format!("{} names {}", page.display(), path.display()));
            }
        }
    }
    assert!(named > 150, "{named} paths");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Commands that run some of the tests name a room and a test that are there.
#[test]
fn the_tests_that_the_docs_name_exist() {
    let mut pages = Vec::new();
    ["docs", "tests", "crates"].iter().for_each(|folder| files(&root().join(folder), &mut pages));
    let code: BTreeMap<&str, String> = [("-p specc-tests ", "tests/tests"), ("-p specc ", "crates/cli/tests")]
        .map(|(package, folder)| {
            let mut all = Vec::new();
            files(&root().join(folder), &mut all);
            all.retain(|path| has_ending(path, "rs"));
            (package, all.iter().map(|path| std::fs::read_to_string(path).expect("UTF-8")).collect())
        })
        .into();
    pages.retain(|path| has_ending(path, "md") || has_ending(path, "rs"));
    let (mut named, mut missing) = (0, Vec::new());
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("UTF-8");
        for (package, code) in &code {
            for rest in text.split(&format!("{package}--test all ")).skip(1) {
                let mut words = rest.split(['`', '\n', '#', ';']).next().unwrap_or_default().split_whitespace();
                let Some(filter) = words.rfind(|word| !word.starts_with('-')) else { continue };
                named += 1;
                let (room, test) = filter.rsplit_once("::").unwrap_or(("", filter));
                let is_room = |name: &str| code.contains(&format!("mod {name};\n"));
                let is_test = |rest: &str| rest.split('(').next().is_some_and(|name| name.contains(test));
                let found = is_room(test) || code.split("\nfn ").skip(1).any(is_test);
                if !found || !room.is_empty() && !is_room(room) {
                    missing.push(format!("{} names `{filter}`", page.display()));
                }
            }
        }
    }
    assert!(named > 20, "{named} commands");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
