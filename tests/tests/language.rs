//! Every example of `docs/language.md` is in the one layout and builds without a word.
//!
//! The `dbspec` blocks of one section (`##`) form one project, together with the block that is marked `preamble`. A
//! section with a block marked `postgres` is for the target postgres and stands alone; one marked `as written` is so, too,
//! and derives nothing.

#![allow(clippy::disallowed_methods)]

use specc_diag::{RenderOptions, Sources, render};
use specc_model::{Options, Target, analyze};
use std::fmt::Write;

/// A fenced block.
struct Block {
    section: String,
    /// What follows `dbspec` on the opening line.
    mark: String,
    line: usize,
    text: String,
}

fn blocks() -> Vec<Block> {
    let path = specc_tests::build::root().join("docs/language.md");
    let text = std::fs::read_to_string(path).expect("the language reference");
    let (mut section, mut out, mut open): (String, Vec<Block>, bool) = (String::new(), Vec::new(), false);
    for (at, line) in text.lines().enumerate() {
        match (open, line.strip_prefix("```dbspec"), out.last_mut()) {
            (true, _, _) if line == "```" => open = false,
            (true, _, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (_, Some(mark), _) => {
                open = true;
                let mark = mark.trim().to_owned();
                out.push(Block { section: section.clone(), mark, line: at + 2, text: String::new() });
            }
            _ => {
                if let Some(title) = line.strip_prefix("## ") {
                    section = title.to_owned();
                }
            }
        }
    }
    assert!(out.len() > 20, "the reference has examples");
    out
}

#[test]
fn every_example_is_laid_out_as_fmt_does() {
    for block in blocks() {
        let laid_out = specc_syntax::fmt(&block.text).unwrap_or_default();
        assert_eq!(laid_out, block.text, "line {} of docs/language.md ({})", block.line, block.section);
    }
}

#[test]
fn every_example_builds_without_a_word() {
    let all = blocks();
    let preamble: String = all.iter().filter(|b| b.mark == "preamble").map(|b| b.text.as_str()).collect();
    let mut sections: Vec<&str> = all.iter().map(|b| b.section.as_str()).collect();
    sections.dedup();
    let mut said = String::new();
    for section in sections {
        let own: Vec<&Block> = all.iter().filter(|b| b.section == section && b.mark != "preamble").collect();
        let as_written = own.iter().any(|b| b.mark == "as written");
        let plain = as_written || own.iter().any(|b| b.mark == "postgres");
        let target = if plain { Target::Postgres } else { Target::Supabase };
        let mut sources = Sources::new();
        let (mut trees, mut found, mut acceptances) = (Vec::new(), Vec::new(), Vec::new());
        let shared = if plain { "" } else { preamble.as_str() };
        let texts = own.iter().map(|b| (format!("line {}", b.line), b.text.as_str()));
        for (name, text) in texts.chain([("preamble".to_owned(), shared)]) {
            let id = sources.add(name, text.to_owned());
            let (tree, findings) = specc_syntax::parse(id, text);
            acceptances.extend(tree.accepts.iter().cloned());
            trees.push(tree);
            found.extend(findings);
        }
        let environments = vec!["dev".into()];
        let options = Options { target, derive: !as_written, environments, ..Options::default() };
        let (model, findings) = analyze(trees, &mut sources, options);
        found.extend(findings);
        if !specc_diag::has_errors(&found) {
            found.extend(specc_lower::lower(&model).1);
            specc_diag::accept(&mut found, acceptances);
        }
        for finding in &found {
            let _ = writeln!(said, "{section}\n{}", render(finding, &sources, RenderOptions::default()));
        }
    }
    assert!(said.is_empty(), "{said}");
}
