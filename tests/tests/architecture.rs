//! What `docs/architecture.md` and `docs/requirements.md` say of crates, files and names is so, and no file is too long.

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

fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("a page")
}

/// The rows of each document in `docs/requirements.md`, as requirement and what meets it.
fn requirements(page: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let documents = page.split("\n## ").skip(1);
    let one = |text| -> (&str, Vec<(&str, &str)>) {
        let (title, table): (&str, &str) = str::split_once(text, '\n').expect("a title");
        let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
        (title, cells.skip(1).collect())
    };
    documents.map(one).collect()
}

#[test]
fn the_requirements_are_counted() {
    let page = page("docs/requirements.md");
    let (mut all, mut said) = ([0; 3], Vec::new());
    let line = |title: &str, [rows, whole, part]: [usize; 3]| {
        let counts = [(whole, "whole"), (part, "in part")].into_iter().filter(|(count, _)| *count > 0);
        let open: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("| {title} | {rows} | {} |", open.join(", "))
    };
    for (title, rows) in requirements(&page) {
        let whole = rows.iter().filter(|(_, met)| met.starts_with("**open**")).count();
        let open = rows.iter().filter(|(_, met)| met.contains("**open**")).count();
        let counts = [rows.len(), whole, open - whole];
        all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        said.push(line(title, counts));
    }
    said.push(line("all", all));
    let wrong: Vec<&String> = said.iter().filter(|line| !page.contains(*line)).collect();
    assert!(said.len() == 6 && wrong.is_empty(), "docs/requirements.md has to say:\n{said:#?}");
}

/// Names in backticks are words of the specs, the library, the tests or the other pages; pages of the guides are there.
#[test]
fn the_names_that_the_requirements_give_are_there() {
    // Of the platform, or places for a name.
    const OTHER: [&str; 7] =
        ["pgcrypto", "job_run_details", "_http_response", "YYYYMMDDHHMMSS", "stamp", "cols", "CODE"];
    let mut paths = vec![root().join("README.md")];
    ["specs", "crates/model/std", "docs", "tests/tests"].iter().for_each(|at| files(&root().join(at), &mut paths));
    let mut known: BTreeSet<String> = OTHER.iter().map(|word| (*word).to_owned()).collect();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    for path in paths.iter().filter(|path| !path.ends_with("requirements.md") && !path.ends_with("architecture.rs")) {
        known.extend(path.file_stem().iter().flat_map(|stem| words(&stem.to_string_lossy())));
        known.extend(std::fs::read(path).iter().flat_map(|bytes| words(&String::from_utf8_lossy(bytes))));
    }
    let text = page("docs/requirements.md");
    let quoted = text.split('`').skip(1).step_by(2).filter(|quoted| FOLDERS.iter().all(|f| !quoted.starts_with(f)));
    let named: Vec<(&str, String)> =
        quoted.flat_map(|quoted| words(quoted).into_iter().map(move |word| (quoted, word))).collect();
    let missing: Vec<_> =
        named.iter().filter(|(_, word)| !known.contains(word) && !word.starts_with("_init_")).collect();
    assert!(named.len() > 500 && missing.is_empty(), "{} names: {missing:?}", named.len());
    let package = page("crates/docs/src/package/mod.rs");
    let guides = text
        .split(" | ")
        .flat_map(|cell| cell.split('*').skip(1).step_by(2))
        .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()));
    let guides: BTreeSet<&str> = guides.filter(|name| *name != "open").collect();
    let gone: Vec<_> = guides.iter().filter(|name| !package.contains(&format!("\"{name}.md\""))).collect();
    assert!(guides.len() > 5 && gone.is_empty(), "{guides:?}: {gone:?}");
}

/// Each code that a page names has a page of its own.
#[test]
fn the_codes_that_the_docs_name_are_there() {
    let mut pages = vec![root().join("README.md")];
    files(&root().join("docs"), &mut pages);
    let known: BTreeSet<&str> = specc_diag::Code::all().map(|code| code.name()).collect();
    let (mut named, mut missing) = (0, Vec::new());
    for page in pages.iter().filter(|path| has_ending(path, "md")) {
        let text = std::fs::read_to_string(page).expect("UTF-8");
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let number = word.strip_prefix(['A', 'E', 'W']).filter(|number| number.len() == 4);
            if number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit())) {
                named += 1;
                if !known.contains(word) {
                    missing.push(format!("{}: {word}", page.display()));
                }
            }
        }
    }
    assert!(named > 300 && missing.is_empty(), "{named}: {missing:?}");
}
