//! What is printed reads back as the same tree, and printing it again changes nothing.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod generate;

use proptest::prelude::*;
use specc_diag::FileId;
use specc_syntax::ast::{Item, SpecFile};
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
fn a_layout_that_would_change_the_meaning_is_not_taken() {
    check_fmt("entity a {\n  id: uuid key\n  unique (id) where id <> ''-> deferrable\n  rls off\n}\n");
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

#[test]
fn hostile_text_takes_no_time() {
    let blocks = |inside: &str| format!("entity a {{\n  x: int = {inside}\n}}\n");
    let long = 8_000;
    let texts = [
        blocks(&("case when a then ".repeat(90) + "1 }" + &" end".repeat(90))),
        blocks(&("case ".repeat(long))),
        blocks(&("(".repeat(long))),
        blocks(&("f(".repeat(90) + &")".repeat(89))),
        blocks(&("[{".repeat(long))),
        blocks(&("'".repeat(long + 1))),
        blocks(&("a +\n\n".repeat(long))),
        blocks(&("a\n and".repeat(long))),
        blocks(&("- ".repeat(long))),
        "entity a {\n".repeat(long / 10),
        "policy on a { x:\n".repeat(long / 10),
        "\n".repeat(long) + "x" + &" ".repeat(long),
        "/*".repeat(long),
        "$a".repeat(long),
        "$$".repeat(long + 1),
        "-> , ".repeat(long),
        "entity a {\n  workflow b {\n".to_owned() + &"a, ".repeat(long) + "\n}}",
        "entity a {\n  use ".to_owned() + &"a, ".repeat(long) + "\n}",
        "view v ".to_owned() + &"depends on a, b\n ".repeat(long / 10),
        "function f(".to_owned() + &"a: int = 1, ".repeat(long / 10),
        "grant ".to_owned() + &"select, ".repeat(long),
        "/// doc\n".repeat(long),
        "seed a { b { ".to_owned() + &"c: 1, ".repeat(long),
    ];
    for text in texts {
        let start = std::time::Instant::now();
        let _ = parse(FileId(0), &text);
        let _ = fmt(&text);
        let took = start.elapsed();
        let shown: String = text.chars().take(60).collect();
        println!("{took:?} {shown:?}");
        assert!(took.as_secs() < 20, "{took:?} for {shown:?}");
    }
}

/// A tree that a failing test shows as it is printed.
#[derive(Clone)]
struct Tree(SpecFile);

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}", print(&self.0))
    }
}

/// What is wrong, a line for each.
fn told(findings: &[specc_diag::Diagnostic]) -> String {
    findings.iter().map(|f| format!("{:?}: {}\n", f.code, f.message)).collect()
}

/// The first item that differs, without spans.
fn difference(a: &[Item], b: &[Item]) -> Option<String> {
    if a == b {
        return None;
    }
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    let shown = |item: Option<&Item>| {
        let text = format!("{item:?}");
        let mut parts = text.split("At(Span {");
        let first = parts.next().unwrap_or("").to_owned();
        parts.fold(first, |out, part| out + "_" + part.split_once("})").map_or("", |(_, rest)| rest))
    };
    Some(format!("{}\n---\n{}", shown(a.get(at)), shown(b.get(at))))
}

proptest! {
    #[test]
    fn printed_trees_read_back(file in generate::file().prop_map(Tree)) {
        let file = file.0;
        let text = print(&file);
        let (read, findings) = parse(FileId(0), &text);
        prop_assert!(findings.is_empty(), "{}\n{}", told(&findings), text);
        let lost = difference(&file.items, &read.items);
        prop_assert!(lost.is_none(), "{}\n{}", lost.unwrap_or_default(), text);
        let once = fmt(&text).expect("no findings");
        let (again, _) = parse(FileId(0), &once);
        let lost = difference(&file.items, &again.items);
        prop_assert!(lost.is_none(), "{}\n{}", lost.unwrap_or_default(), once);
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
            prop_assert!(b.1.is_empty(), "formatted text has findings: {}\n{}\n---\n{}", told(&b.1), text, once);
            let lost = difference(&a.0.items, &b.0.items);
            prop_assert!(lost.is_none(), "{}\n{}\n---\n{}", lost.unwrap_or_default(), text, once);
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
    fn comments_survive_formatting(
        which in 0usize..1000,
        places in proptest::collection::vec((0usize..10_000, 0u8..7), 1..6),
    ) {
        let samples = samples();
        let mut text = samples[which % samples.len()].clone();
        for (n, (at, kind)) in places.into_iter().enumerate() {
            // at the next space or line end
            let Some(gap) = text.bytes().enumerate().skip(at % text.len().max(1)).find(|(_, b)| matches!(b, b' ' | b'\n')) else { continue };
            let insert = match kind {
                0 => format!(" /* note {n} */ "),
                1 => format!("\n// note {n}\n"),
                2 => format!("\n/* note\n   {n} */\n"),
                3 => format!(" accept W0605 'note {n}' "),
                4 => format!("\naccept W0605 'note {n}'\n"),
                kind => {
                    let end = text[gap.0..].find('\n').map_or(text.len(), |e| gap.0 + e);
                    let note = if kind == 5 { format!("  // note {n}") } else { format!("  accept W0605 'note {n}'") };
                    text.insert_str(end, &note);
                    continue;
                }
            };
            text.insert_str(gap.0, &insert);
        }
        let (before, findings) = parse(FileId(0), &text);
        if !findings.is_empty() {
            // the comment broke a line in two
            return Ok(());
        }
        let once = fmt(&text).expect("no findings");
        let (after, findings) = parse(FileId(0), &once);
        prop_assert!(findings.is_empty(), "{}\n{}\n---\n{}", told(&findings), text, once);
        let lost = difference(&before.items, &after.items);
        prop_assert!(lost.is_none(), "{}\n{}\n---\n{}", lost.unwrap_or_default(), text, once);
        let sorted = |file: &SpecFile| {
            let mut all: Vec<String> = file.comments.iter().map(|c| c.text.replace("--", "//")).collect();
            all.sort();
            all
        };
        prop_assert_eq!(sorted(&before), sorted(&after), "\n{}\n---\n{}", text, once);
        prop_assert_eq!(fmt(&once).expect("no findings"), once);
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

#[test]
fn findings_of_a_file_are_counted_after_fifty() {
    for text in ["\0".repeat(100_000), "wrong line\n".repeat(10_000), "-- x\n".repeat(10_000)] {
        let start = std::time::Instant::now();
        let (_, findings) = parse(FileId(0), &text);
        assert!((50..=52).contains(&findings.len()), "{}", findings.len());
        assert!(findings.iter().any(|f| f.message.contains("more findings about this file")), "{:?}", findings.last());
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
