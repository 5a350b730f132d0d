//! Spans, diagnostics with stable codes, and their rendering.
//!
//! Every stage returns *(result, diagnostics)*. A diagnostic has a code from [`codes`], the place, what is wrong in
//! the author's words (lowercase, no final period, the author's text in backticks), why it matters, and what to write
//! instead.

mod accept;
pub mod codes;
mod excerpt;
mod junit;
mod most;
mod render;
mod review;

pub use accept::{Acceptance, Accepted, accept};
pub use codes::Code;
pub use excerpt::one_line;
pub use junit::{TestCase, junit};
pub use most::{MOST_SHOWN, more, most_shown};
pub use render::{RenderOptions, Shown, draw, draw_json, position, render, render_json};
pub use review::{SarifResult, SarifRule, github, sarif};

use serde::Serialize;
use smol_str::SmolStr;
use std::sync::OnceLock;

/// A file of the project, as an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span over `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers both. Both must be in the same file.
    pub fn to(self, other: Span) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether all of `other` lies in this span.
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The part `start..end` (bytes, relative to this span's start) of this span, kept inside it.
    pub fn slice(self, start: usize, end: usize) -> Self {
        let clamp = |at: usize| self.end.min(self.start.saturating_add(at as u32));
        Self { file: self.file, start: clamp(start), end: clamp(end) }
    }

    /// Where the bytes `start..end` of `text` are written, which stands here; all of this span where the text has become
    /// another since (by a parameter of a mixin), so that its places are none of the file.
    pub fn part_of(self, text: &str, start: usize, end: usize) -> Self {
        if text.len() == (self.end - self.start) as usize { self.slice(start, end) } else { self }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Written, but the author should know.
    Warning,
    /// Nothing is wrong; there is a better way.
    Advice,
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words; empty where the span alone says enough.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable code; severity and the reason why it matters come with it.
    pub code: Code,
    /// What is wrong, in the author's words.
    pub message: String,
    /// Places; the first is the primary one.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// A case in which it goes wrong, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub example: Vec<String>,
}

impl Diagnostic {
    /// A finding at `span`.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let labels = vec![Label { span, text: String::new() }];
        Self { code, message: message.into(), labels, help: None, example: Vec::new() }
    }

    /// Says something at the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.labels[0].text = text.into();
        self
    }

    /// Adds a second place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to write instead.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to write instead, where there is something to say.
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// Shows a case in which it goes wrong.
    pub fn example(mut self, lines: Vec<String>) -> Self {
        self.example = lines;
        self
    }

    /// How bad it is; fixed by the code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Where it is.
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}

/// True if any of `diagnostics` is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity() == Severity::Error)
}

/// Orders findings by place and drops exact repeats, so that output never depends on the order of the passes.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (a.span(), a.code, &a.message).cmp(&(b.span(), b.code, &b.message)));
    diagnostics.dedup();
}

/// The texts of a project, by [`FileId`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A file's name, as shown to the author, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path relative to the project, with forward slashes.
    pub name: SmolStr,
    /// The whole text.
    pub text: std::sync::Arc<str>,
    /// Where its lines start; made when the first finding is shown.
    starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// The first byte of each line.
    pub(crate) fn line_starts(&self) -> &[u32] {
        self.starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect()
        })
    }

    /// The number of the line, from 0, that the byte lies in, and its first byte.
    pub(crate) fn line_at(&self, at: usize) -> (usize, usize) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start as usize <= at) - 1;
        (line, starts[line] as usize)
    }
}

impl Sources {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file and returns its id.
    pub fn add(&mut self, name: impl Into<SmolStr>, text: impl Into<std::sync::Arc<str>>) -> FileId {
        self.files.push(SourceFile { name: name.into(), text: text.into(), starts: OnceLock::new() });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file behind `id`.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The text under `span`; empty where the span does not fit the file.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// All files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u32), f))
    }
}

/// The candidate nearest to `word` in spelling, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_by(word, candidates, |_| ())
}

/// As [`nearest`]; of those equally near, the one with the lowest rank.
pub fn nearest_by<'a, R: Ord>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    rank: impl Fn(&str) -> R,
) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1) + usize::from(word.len() > 3);
    let lower: Vec<char> = word.to_lowercase().chars().collect();
    let letters = letters(&lower);
    let mut rows = Rows::default();
    candidates
        .into_iter()
        .filter(|c| c.len().abs_diff(word.len()) <= limit)
        // One edit takes at most one letter away and brings at most one.
        .filter(|c| !c.is_ascii() || (letters ^ letters_of(c)).count_ones() as usize <= 2 * limit)
        .filter_map(|c| Some((rows.distance(&lower, c, limit)?, c)))
        .min_by_key(|(d, c)| (*d, rank(c), *c))
        .map(|(_, c)| c)
}

/// Which letters there are, each as a bit: several letters may share one.
fn letters(word: &[char]) -> u64 {
    word.iter().fold(0, |all, c| all | 1 << (*c as u32 % 64))
}

/// The same for a word in ASCII, in small letters.
fn letters_of(word: &str) -> u64 {
    word.bytes().fold(0, |all, c| all | 1 << (c.to_ascii_lowercase() % 64))
}

/// Room for the rows of a table of distances: a word that is nowhere is set against all there are.
#[derive(Default)]
struct Rows {
    other: Vec<char>,
    before: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Edit distance with transpositions of neighbours (optimal string alignment), over characters in small letters; none where it is
    /// beyond the limit.
    fn distance(&mut self, a: &[char], b: &str, limit: usize) -> Option<usize> {
        let Self { other: b_chars, before, last, row } = self;
        b_chars.clear();
        b_chars.extend(b.chars().flat_map(char::to_lowercase));
        let b: &[char] = b_chars;
        before.clear();
        last.clear();
        last.extend(0..=b.len());
        for i in 1..=a.len() {
            row.clear();
            row.resize(b.len() + 1, i);
            for j in 1..=b.len() {
                let cost = usize::from(a[i - 1] != b[j - 1]);
                row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    row[j] = row[j].min(before[j - 2] + 1);
                }
            }
            // Each row needs one of the two before it.
            if row.iter().chain(&*last).all(|distance| *distance > limit) {
                return None;
            }
            std::mem::swap(before, last);
            std::mem::swap(last, row);
        }
        last.last().copied().filter(|distance| *distance <= limit)
    }
}
