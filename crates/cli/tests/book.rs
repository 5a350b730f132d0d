//! `specc docs`: to the folder of the builds, to one of its own, as a site, and held against what is committed.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const NOTES: &str = "/// What somebody wrote down.\nentity notes {\n  id: uuid key\n  rls off\n}\n";
const TAGS: &str = "entity tags {\n  id: int key\n  rls off\n}\n";

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"shop\"\n[output]\ntypes = \"docs/types.ts\"\n").expect("a file");
    fs::write(dir.path().join("notes.dbspec"), NOTES).expect("a file");
    fs::write(dir.path().join("tags.dbspec"), TAGS).expect("a file");
    dir
}

/// Path and bytes of every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("an entry"));
    let name = |path: &Path| path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
    all.filter(|entry| entry.file_type().is_file())
        .map(|entry| (name(entry.path()), fs::read(entry.path()).expect("a file")))
        .collect()
}

#[test]
fn without_a_folder_it_writes_what_a_build_writes() {
    let dir = project();
    assert_eq!(run(dir.path(), &["build", "--stamp", "20260101000000"]).0, 0);
    let built = files(dir.path());
    assert_eq!(run(dir.path(), &["docs", "--check"]).0, 0);
    fs::remove_dir_all(dir.path().join("docs/entities")).expect("the folder");
    fs::remove_file(dir.path().join("docs/access.md")).expect("the file");
    let (code, _, said) = run(dir.path(), &["docs"]);
    assert_eq!(code, 0, "{said}");
    assert!(built == files(dir.path()), "{:?}", files(dir.path()).keys());
    // The page of what is gone goes, and nothing else of what a build wrote.
    fs::remove_file(dir.path().join("tags.dbspec")).expect("the file");
    let (code, _, said) = run(dir.path(), &["docs", "--check"]);
    assert!(code == 1 && said.contains("entities/tags.md is of something that is gone"), "{said}");
    assert_eq!(run(dir.path(), &["docs"]).0, 0);
    let now = files(dir.path());
    let gone: Vec<&String> = built.keys().filter(|path| !now.contains_key(*path)).collect();
    assert_eq!(gone, ["docs/entities/tags.md", "docs/erd/tags.md", "tags.dbspec"]);
    assert_eq!(run(dir.path(), &["docs", "--check"]).0, 0);
}

/// The guides are part of it where builds write them, in a folder among the pages or beside them.
#[test]
fn without_a_folder_it_writes_the_guides_that_a_build_writes() {
    for folder in ["docs/guides", "guides"] {
        let dir = project();
        let toml = format!("name = \"shop\"\n[output]\nguides = \"{folder}\"\n");
        fs::write(dir.path().join("specc.toml"), toml).expect("a file");
        assert_eq!(run(dir.path(), &["build", "--stamp", "20260101000000"]).0, 0);
        let built = files(dir.path());
        assert_eq!(run(dir.path(), &["docs", "--check"]).0, 0, "{folder}");
        fs::remove_dir_all(dir.path().join("docs")).expect("the folder");
        let _ = fs::remove_dir_all(dir.path().join("guides"));
        let (code, _, said) = run(dir.path(), &["docs", "--check"]);
        assert!(code == 1 && said.contains("and ") && said.contains("help: write it anew: `specc docs`"), "{said}");
        assert_eq!(run(dir.path(), &["docs"]).0, 0);
        assert!(built == files(dir.path()), "{folder}: {:?}", files(dir.path()).keys());
        // What is of a table that is gone goes, there too.
        fs::remove_file(dir.path().join("tags.dbspec")).expect("the file");
        let (code, _, said) = run(dir.path(), &["docs", "--check"]);
        assert!(code == 1 && said.contains("tags.md is of something that is gone"), "{said}");
        assert_eq!(run(dir.path(), &["docs"]).0, 0);
        let now = files(dir.path());
        let mut gone: Vec<&str> = built.keys().filter(|path| !now.contains_key(*path)).map(String::as_str).collect();
        gone.sort_unstable();
        let mut expected = vec!["docs/entities/tags.md", "docs/erd/tags.md", "tags.dbspec"];
        let page = format!("{folder}/api/tags.md");
        expected.push(&page);
        expected.sort_unstable();
        assert_eq!(gone, expected);
        assert_eq!(run(dir.path(), &["docs", "--check"]).0, 0);
    }
}

#[test]
fn a_check_names_the_files_that_differ() {
    let dir = project();
    for site in [&[][..], &["--site"]] {
        let command = |more: &[&str]| run(dir.path(), &[&["docs", "-o", "pages"], site, more].concat());
        assert_eq!(command(&[]).0, 0);
        assert_eq!(command(&["--check"]), (0, String::new(), "pages is as the schema says\n".to_owned()));
        fs::write(dir.path().join("notes.dbspec"), NOTES.replace("down", "up")).expect("a file");
        let (code, out, said) = command(&["--check"]);
        assert_eq!((code, out.as_str()), (1, ""));
        if site.is_empty() {
            insta::assert_snapshot!(said);
        }
        let (code, out, _) = command(&["--check", "--format", "json"]);
        assert!(code == 1 && out.contains("\"E0880\""), "{out}");
        assert_eq!((command(&[]).0, command(&["--check"]).0), (0, 0));
        fs::write(dir.path().join("notes.dbspec"), NOTES).expect("a file");
        fs::remove_dir_all(dir.path().join("pages")).expect("the folder");
    }
    let (code, _, said) = run(dir.path(), &["docs", "--site"]);
    assert!(code == 2 && said.contains("--out"), "{said}");
}

/// The folder of a spec of this repository.
fn spec(name: &str) -> String {
    format!("{}/../../specs/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_guides_are_among_the_pages() {
    let dir = tempfile::tempdir().expect("a folder");
    let names = ["automation_platform", "medellin_spark", "srvc_crm", "starter"];
    std::thread::scope(|scope| {
        for name in names {
            let at = dir.path();
            scope.spawn(move || {
                let (code, said, _) =
                    run(at, &["docs", "--site", "-o", name, "--project", &spec(name), "--format", "json"]);
                let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
                assert!(code == 0 && said["lost"].as_array().is_some_and(Vec::is_empty), "{name}: {said}");
                for page in ["README", "security", "api/README", "runbooks"] {
                    assert!(at.join(format!("{name}/guides/{page}.html")).is_file(), "{name}: {page}");
                }
                assert!(at.join(format!("{name}/guides/schema.sql")).is_file());
            });
        }
    });
    // As Markdown they are the same pages.
    let written = |site: &[&str], folder: &str| {
        let (code, _, said) = run(dir.path(), &[&["docs", "-o", folder, "--project", &spec("starter")], site].concat());
        assert_eq!(code, 0, "{said}");
        let guides = files(&dir.path().join(folder).join("guides"));
        guides.into_keys().map(|path| path.replace(".html", ".md")).collect::<Vec<_>>()
    };
    assert_eq!(written(&[], "pages"), written(&["--site"], "starter"));
    // A guide that is not as it was is seen, and written anew.
    let guide = dir.path().join("pages/guides/security.md");
    let text = fs::read_to_string(&guide).expect("a page");
    fs::write(&guide, text.replace("Roles", "Rulers")).expect("a file");
    let command =
        |check: &[&str]| run(dir.path(), &[&["docs", "-o", "pages", "--project", &spec("starter")], check].concat());
    let (code, _, said) = command(&["--check"]);
    assert!(code == 1 && said.contains("guides/security.md differs"), "{said}");
    assert_eq!((command(&[]).0, command(&["--check"]).0), (0, 0));
    assert_eq!(fs::read_to_string(&guide).expect("a page"), text);
    commands(&dir.path().join("pages"));
}

/// The commands of the pages are commands, with arguments that they take: without a project none of them gets further.
fn commands(pages: &Path) {
    let mut all = std::collections::BTreeSet::new();
    for text in files(pages).into_values() {
        let text = String::from_utf8(text).expect("UTF-8");
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        all.extend(blocks.flat_map(str::lines).map(str::to_owned));
    }
    let nowhere = tempfile::tempdir().expect("a folder");
    for command in &all {
        let args: Vec<&str> = command.strip_prefix("specc ").expect("the program").split(' ').collect();
        let (code, _, said) = run(nowhere.path(), &args);
        assert!(code != 0 && said.contains("specc.toml"), "{command}: {said}");
    }
    assert!(all.len() > 8, "{all:?}");
}

#[test]
fn only_its_own_files_are_touched() {
    let dir = project();
    for site in [&[][..], &["--site"]] {
        let pages = dir.path().join("pages");
        let command = || run(dir.path(), &[&["docs", "-o", "pages"], site].concat());
        fs::create_dir_all(pages.join("entities")).expect("a folder");
        fs::write(pages.join("entities/mine.md"), "# Mine\n").expect("a file");
        assert_eq!(command().0, 0);
        let first = files(&pages);
        // Nothing is written where nothing differs, and what is gone is removed, but for what others put there.
        assert!(command().2.contains("wrote 0 files"), "{:?}", command());
        fs::remove_file(dir.path().join("tags.dbspec")).expect("the file");
        let end = if site.is_empty() { "md" } else { "html" };
        fs::write(pages.join(format!("erd/tags.{end}")), "mine\n").expect("a file");
        assert_eq!(command().0, 0);
        let now = files(&pages);
        assert!(!now.contains_key(&format!("entities/tags.{end}")) && now["entities/mine.md"] == b"# Mine\n");
        assert_eq!(now[&format!("erd/tags.{end}")], b"mine\n");
        // Where a page has to go stands a file of somebody else: nothing is written.
        fs::write(dir.path().join("tags.dbspec"), TAGS).expect("a file");
        let (code, _, said) = command();
        assert!(code == 1 && said.contains("not written by specc"), "{said}");
        assert!(now == files(&pages));
        fs::remove_file(pages.join(format!("erd/tags.{end}"))).expect("the file");
        // A run that was killed after its commit: the next one moves what it left.
        let staged = pages.join(".specc-commit/files");
        fs::create_dir_all(&staged).expect("a folder");
        fs::rename(pages.join(format!("access.{end}")), staged.join(format!("access.{end}"))).expect("it moves");
        fs::write(pages.join(".specc-commit/removed"), "").expect("a file");
        assert_eq!(command().0, 0);
        assert!(first == files(&pages));
        fs::remove_dir_all(&pages).expect("the folder");
    }
}

#[test]
fn the_project_itself_may_be_the_folder() {
    let dir = project();
    assert_eq!(run(dir.path(), &["build", "--stamp", "20260101000000"]).0, 0);
    let built = files(dir.path());
    assert_eq!(run(dir.path(), &["docs", "-o", "."]).0, 0);
    fs::remove_file(dir.path().join("tags.dbspec")).expect("the file");
    assert_eq!(run(dir.path(), &["docs", "-o", "."]).0, 0);
    let now = files(dir.path());
    let changed: Vec<&String> =
        built.iter().filter(|(path, text)| now.get(*path) != Some(*text)).map(|(path, _)| path).collect();
    assert_eq!(changed, ["tags.dbspec"]);
}
