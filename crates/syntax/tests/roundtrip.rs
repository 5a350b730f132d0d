//! What is printed reads back as the same tree, and printing it again changes nothing.

mod generate;

use proptest::prelude::*;
use specc_diag::FileId;
use specc_syntax::ast::SpecFile;
use specc_syntax::{fmt, parse, print};

fn clean(text: &str) -> SpecFile {
    let (file, findings) = parse(FileId(0), text);
    assert!(findings.is_empty(), "{findings:#?}\n{text}");
    file
}

/// Formats `text`, and proves that nothing is lost and nothing changes the second time.
fn check_fmt(text: &str) {
    let before = clean(text);
    let once = fmt(text).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(before, clean(&once), "formatting changed the tree:\n{text}\n---\n{once}");
    let twice = fmt(&once).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(once, twice, "formatting twice differs");
}

#[test]
fn the_specs_of_this_repository_survive_formatting() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "dbspec") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                check_fmt(&text);
            }
        }
    }
}

#[test]
fn the_cases_survive_formatting() {
    insta::glob!("../../../tests/syntax", "*/input.dbspec", |path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if parse(FileId(0), &text).1.is_empty() {
            check_fmt(&text);
        }
    });
}

#[test]
fn windows_files_read_the_same() {
    let text = "\u{FEFF}/// Doc.\n// note\nentity a {\n  x: int = 1\n  check x > 0\n    and x < 9\n}\nview v as $$\n select 1\n$$\n";
    let windows = text.replace('\n', "\r\n");
    let (unix, windows) = (clean(text), clean(&windows));
    assert_eq!(unix.comments, windows.comments);
    assert_eq!(unix.items.len(), windows.items.len());
    assert_eq!(unix.items[1], windows.items[1]);
    assert_eq!(unix.items[0].doc, windows.items[0].doc);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn printed_trees_read_back(file in generate::file()) {
        let text = print(&file);
        let (read, findings) = parse(FileId(0), &text);
        prop_assert!(findings.is_empty(), "{:#?}\n{}", findings, text);
        prop_assert_eq!(&file.items, &read.items, "\n{}", text);
        let once = fmt(&text).expect("no findings");
        let (again, _) = parse(FileId(0), &once);
        prop_assert_eq!(&file.items, &again.items);
        prop_assert_eq!(fmt(&once).expect("no findings"), once);
    }

    #[test]
    fn mutated_text_never_panics(
        which in 0usize..1000,
        cuts in proptest::collection::vec((0usize..10_000, 0usize..12, "[ -~\n'\"$(){}/*é-]{0,3}"), 1..6),
    ) {
        let samples = samples();
        let mut text = samples[which % samples.len()].clone();
        for (at, len, insert) in cuts {
            let mut from = at % (text.len() + 1);
            while !text.is_char_boundary(from) { from -= 1; }
            let mut to = (from + len).min(text.len());
            while !text.is_char_boundary(to) { to += 1; }
            text.replace_range(from..to, &insert);
        }
        let (_, findings) = parse(FileId(0), &text);
        for finding in &findings {
            for label in &finding.labels {
                prop_assert!(text.get(label.span.start as usize..label.span.end as usize).is_some());
            }
        }
        if let Ok(once) = fmt(&text) {
            let (a, b) = (parse(FileId(0), &text), parse(FileId(0), &once));
            prop_assert!(b.1.is_empty(), "formatted text has findings: {:#?}\n{}\n---\n{}", b.1, text, once);
            prop_assert_eq!(a.0.items, b.0.items, "\n{}\n---\n{}", text, once);
        }
    }

    #[test]
    fn lines_lost_or_doubled_never_panic(which in 0usize..1000, lines in proptest::collection::vec((0usize..500, any::<bool>()), 1..8)) {
        let samples = samples();
        let mut text: Vec<&str> = samples[which % samples.len()].lines().collect();
        for (at, double) in lines {
            if text.is_empty() { break; }
            let at = at % text.len();
            if double { text.insert(at, text[at]); } else { text.remove(at); }
        }
        let text = text.join("\n");
        let _ = parse(FileId(0), &text);
        let _ = fmt(&text);
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let _ = parse(FileId(0), &text);
    }
}

fn samples() -> &'static [String] {
    static SAMPLES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(|| {
        let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/syntax");
        let mut paths: Vec<_> = std::fs::read_dir(cases).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        paths.iter().filter_map(|p| std::fs::read_to_string(p.join("input.dbspec")).ok()).collect()
    })
}
