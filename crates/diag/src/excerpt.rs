//! The few lines of a file that a finding shows: long ones cut, and without characters that would move a terminal's
//! cursor or turn its text around.

use crate::SourceFile;
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Longer lines are cut.
const WIDE: usize = 200;
/// What stays of them, and how much of that before the place.
const KEPT: usize = 150;
const BEFORE: usize = 60;
/// A place over more lines is shown by its first line.
const TALL: usize = 8;
/// Quoted text in a message that is longer is cut.
const QUOTED: usize = 100;

/// Lines of a file, as drawn.
#[derive(Debug)]
pub(crate) struct Excerpt {
    name: String,
    text: String,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Its number in the file, from 0.
    number: usize,
    /// Where it starts in the excerpt's text.
    start: usize,
    /// Characters that are missing in front of it.
    cut: usize,
    /// What stays of it: bytes of the file.
    kept: (usize, usize),
    /// Length of the mark in front that says that something is missing.
    mark: usize,
}

impl Excerpt {
    /// What `spans` (bytes of the file) need, and where they lie in it.
    pub(crate) fn new(file: &SourceFile, spans: &[(usize, usize)]) -> (Self, Vec<(usize, usize)>) {
        let text = &*file.text;
        let boundary = |at: usize| floor(text, at.min(text.len()));
        let mut places: Vec<(usize, usize)> = spans.iter().map(|s| (boundary(s.0), boundary(s.1.max(s.0)))).collect();
        let starts = file.line_starts();
        let end_of = |line: usize| starts.get(line + 1).map_or(text.len(), |next| *next as usize - 1);
        let mut wanted: Vec<usize> = Vec::new();
        for place in &mut places {
            let (first, _) = file.line_at(place.0);
            let (mut last, _) = file.line_at(place.1.saturating_sub(1).max(place.0));
            if last - first >= TALL {
                last = first;
                place.1 = end_of(first);
            }
            wanted.extend(first.saturating_sub(1)..=last + 1);
        }
        wanted.sort_unstable();
        wanted.dedup();
        // what follows the last line break is no line, unless it is the place
        let is_line = |n: &usize| *n < starts.len() && (starts[*n] as usize) < text.len();
        let is_place = |n: &usize| places.iter().any(|p| file.line_at(p.0).0 == *n);
        wanted.retain(|n| is_line(n) || is_place(n));
        let mut excerpt = Self { name: tame(&file.name), text: String::new(), lines: Vec::new() };
        for number in wanted {
            let whole = (starts[number] as usize, end_of(number));
            excerpt.line(text, number, whole, &places);
        }
        let mapped = places.iter().map(|p| {
            let start = excerpt.place(text, p.0);
            (start, excerpt.place(text, p.1).max(start))
        });
        let mapped = mapped.collect();
        (excerpt, mapped)
    }

    fn line(&mut self, text: &str, number: usize, whole: (usize, usize), places: &[(usize, usize)]) {
        let mut kept = (whole.0, whole.1 - usize::from(text[whole.0..whole.1].ends_with('\r')));
        if text[kept.0..kept.1].char_indices().nth(WIDE).is_some() {
            let focus = places.iter().map(|p| p.0).filter(|at| (kept.0..=kept.1).contains(at)).min();
            let focus = focus.unwrap_or(kept.0);
            let start = text[kept.0..focus].char_indices().rev().nth(BEFORE).map_or(kept.0, |(at, _)| kept.0 + at);
            let end = text[start..kept.1].char_indices().nth(KEPT).map_or(kept.1, |(at, _)| start + at);
            kept = (start, end);
        }
        let mark = if kept.0 > whole.0 { "…" } else { "" };
        let line = Line {
            number,
            start: self.text.len(),
            cut: text[whole.0..kept.0].chars().count() - mark.chars().count(),
            kept,
            mark: mark.len(),
        };
        self.text.push_str(mark);
        self.text.extend(text[kept.0..kept.1].chars().map(visible));
        if kept.1 + 1 < whole.1 {
            self.text.push('…');
        }
        self.text.push('\n');
        self.lines.push(line);
    }

    /// Where a byte of the file lies in the excerpt.
    fn place(&self, text: &str, at: usize) -> usize {
        let index = self.lines.partition_point(|l| l.kept.0 <= at).saturating_sub(1);
        let Some(line) = self.lines.get(index) else { return 0 };
        let at = at.clamp(line.kept.0, line.kept.1);
        let before: usize = text[line.kept.0..at].chars().map(|c| visible(c).len_utf8()).sum();
        line.start + line.mark + before
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|l| l.start <= at).saturating_sub(1)
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        if end > self.text.len() || self.lines.is_empty() {
            return Err(MietteError::OutOfBounds);
        }
        let (mut first, mut last) = (self.line_of(start), self.line_of(end.saturating_sub(1).max(start)));
        let next_to = |a: usize, b: usize| self.lines[a].number + 1 == self.lines[b].number;
        if (first..last).any(|l| !next_to(l, l + 1)) {
            return Err(MietteError::OutOfBounds);
        }
        let contents = |from: usize, to: usize, line: usize, column: usize, count: usize| {
            let data = &self.text.as_bytes()[from..to];
            MietteSpanContents::new_named(self.name.clone(), data, (from, to - from).into(), line, column, count)
        };
        let line = &self.lines[first];
        if before == 0 && after == 0 {
            let column = line.cut + self.text[line.start..start].chars().count();
            return Ok(Box::new(contents(start, end, line.number, column, 1)));
        }
        for _ in 0..before {
            first -= usize::from(first > 0 && next_to(first - 1, first));
        }
        for _ in 0..after {
            last += usize::from(last + 1 < self.lines.len() && next_to(last, last + 1));
        }
        let to = self.lines.get(last + 1).map_or(self.text.len(), |l| l.start);
        let from = self.lines[first].start;
        Ok(Box::new(contents(from, to, self.lines[first].number, 0, last - first + 1)))
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The character, or a picture of one that a terminal would obey.
fn visible(c: char) -> char {
    match c {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

/// `text` for a terminal: characters that it would obey as pictures, long quoted parts cut.
pub(crate) fn tame(text: &str) -> String {
    if text.len() <= QUOTED && text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return text.to_owned();
    }
    cut(text, visible)
}

/// `text` on one line for a terminal or a log: what it would obey as pictures, and what stands on further lines behind the
/// first.
pub fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let mut out: String = lines[0].chars().map(visible).collect();
    for line in &lines[1..] {
        out.push(' ');
        out.extend(line.trim_start().chars().map(visible));
    }
    out
}

/// `text` with long quoted parts cut, for a program.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() <= QUOTED { text.to_owned() } else { cut(text, |c| c) }
}

fn cut(text: &str, shown: fn(char) -> char) -> String {
    let mut out = String::with_capacity(text.len().min(4 * QUOTED));
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            out.push('`');
        }
        // every second part is the author's
        let limit = if at % 2 == 1 { QUOTED } else { usize::MAX };
        out.extend(part.chars().take(limit).map(shown));
        if part.chars().nth(limit).is_some() {
            out.push('…');
        }
    }
    out
}
