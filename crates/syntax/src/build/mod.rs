//! From the grammar's pairs to the syntax tree.

mod access;
mod behaviour;
mod classes;
mod data;
mod items;
mod members;
mod promise;
mod query;
mod scenario;
mod size;
mod small;

pub(crate) use small::unquote;

use crate::ast::{Doc, Item};
use crate::explain;
use crate::grammar::{Grammar, Pair, Rule};
use crate::scan::{Kind, Scan};
use pest::Parser;
use specc_diag::{Diagnostic, FileId};

/// What comes out.
pub(crate) struct Built {
    pub items: Vec<Item>,
    pub findings: Vec<Diagnostic>,
    /// Which of the scan's comments are documentation of something.
    pub used_docs: Vec<bool>,
    /// How many more findings there would be.
    pub left_out: usize,
}

/// The state of one build.
pub(crate) struct Cx<'a> {
    pub file: FileId,
    pub text: &'a str,
    pub scan: &'a Scan<'a>,
    /// Where the text that the pairs come from starts in the file.
    pub base: usize,
    /// The first comment that can still document something.
    doc_at: usize,
    pub used_docs: Vec<bool>,
    pub findings: Vec<Diagnostic>,
    /// Findings that are left out.
    pub left_out: usize,
}

/// Parses and builds a whole file.
pub(crate) fn build(file: FileId, scan: &Scan<'_>) -> Built {
    let mut cx = Cx {
        file,
        text: &scan.text,
        scan,
        base: 0,
        doc_at: 0,
        used_docs: vec![false; scan.comments.len()],
        findings: scan.findings.clone(),
        left_out: scan.left_out,
    };
    let mut items = Vec::new();
    for cut in scan.cuts.windows(2) {
        cx.base = cut[0];
        match Grammar::parse(Rule::file, &cx.text[cut[0]..cut[1]]) {
            Ok(pairs) => {
                for pair in pairs.flat_map(Pair::into_inner) {
                    if pair.as_rule() != Rule::EOI {
                        items.extend(cx.item(pair));
                    }
                }
            }
            Err(error) => explain::whole_file(&mut cx, &error),
        }
    }
    Built { items, findings: cx.findings, used_docs: cx.used_docs, left_out: cx.left_out }
}

impl Cx<'_> {
    /// The documentation right before `start` (an offset in the file).
    pub(crate) fn doc(&mut self, start: usize) -> Doc {
        let comments = &self.scan.comments;
        if comments.get(self.doc_at).is_none_or(|c| c.start >= start) {
            return None;
        }
        let first = self.doc_at;
        while comments.get(self.doc_at).is_some_and(|c| c.start < start) {
            self.doc_at += 1;
        }
        let mut lines = Vec::new();
        let mut below = start;
        for at in (first..self.doc_at).rev() {
            let found = comments[at];
            let between = self.scan.text.as_bytes().get(found.end..below).unwrap_or(b"x");
            if !between.iter().all(|b| b.is_ascii_whitespace()) {
                break;
            }
            below = found.start;
            if found.kind == Kind::Doc {
                let line = &self.scan.original[found.start + 3..found.end];
                lines.push(line.strip_prefix(' ').unwrap_or(line));
                self.used_docs[at] = true;
            }
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n").into())
    }
}
