//! The one canonical layout.
//!
//! A block is collected as [`Line`]s first, entry by entry in the order of the text so that comments find their place,
//! and laid out in columns after that.

mod access;
mod behaviour;
mod classes;
mod items;
mod members;
mod promise;
mod query;
mod scenario;
mod size;
mod text;

use crate::ast::{At, Comment, Doc, RawExpr, SpecFile};

/// Lines wider than this are broken where they can be.
const WIDTH: usize = 120;

/// A block no wider than this stands on one line where it can.
const SHORT: usize = 90;

/// Prints a tree. Comments of the tree are printed where their spans say.
pub fn print(file: &SpecFile) -> String {
    Printer::new(file, None).file(file)
}

/// Prints the tree of `source`, with the blank lines of the source.
pub(crate) fn print_source(file: &SpecFile, source: &str) -> String {
    Printer::new(file, Some(source)).file(file)
}

/// What kind of columns a row has; rows of one kind share their widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    None,
    Column,
    Check,
    Rule,
    Step,
    Seed,
    Predicate,
}

/// A line of a block.
#[derive(Debug)]
enum Line {
    Blank,
    /// A comment or a line of documentation.
    Comment(String),
    Row {
        cells: Vec<String>,
        align: Align,
        trailing: Option<String>,
    },
}

/// The text of an entry in columns.
struct Cells(Align, Vec<String>);

impl From<String> for Cells {
    fn from(text: String) -> Self {
        Cells(Align::None, vec![text])
    }
}

struct Printer<'a> {
    comments: &'a [Comment],
    used: Vec<bool>,
    /// The first comment that may still have to be printed.
    next: usize,
    source: Option<&'a str>,
    /// Where in the source the last thing printed ends.
    last: usize,
    /// Where the entry that is being printed ends, which is where its block ends.
    entry_end: usize,
    /// How deep the block is that is being printed.
    depth: usize,
}

impl<'a> Printer<'a> {
    fn new(file: &'a SpecFile, source: Option<&'a str>) -> Self {
        let comments = &file.comments;
        Self { comments, used: vec![false; comments.len()], next: 0, source, last: 0, entry_end: 0, depth: 0 }
    }

    fn file(mut self, file: &SpecFile) -> String {
        let mut lines = Vec::new();
        let mut before: Option<&crate::ast::ItemKind> = None;
        for item in &file.items {
            let close = before.is_some_and(|b| items::are_close(b, &item.kind));
            let from = lines.len();
            let asked = self.entry(&mut lines, item.at, &item.doc, |p| p.item(&item.kind));
            // one line between items; none between short ones of a kind that were written together
            if before.is_some() {
                let blank = !close || if self.source.is_some() { asked } else { item.doc.is_some() };
                match (blank, matches!(lines.get(from), Some(Line::Blank))) {
                    (true, false) => lines.insert(from, Line::Blank),
                    (false, true) => drop(lines.remove(from)),
                    _ => {}
                }
            }
            before = Some(&item.kind);
        }
        self.before(&mut lines, usize::MAX);
        let mut out = String::new();
        layout(&lines, 0, &mut out);
        out
    }

    /// Adds an entry with what belongs to it: comments before it, its documentation, a comment after it on its line.
    /// Tells whether a blank line was asked for before all of it.
    fn entry(&mut self, lines: &mut Vec<Line>, at: At, doc: &Doc, content: impl FnOnce(&mut Self) -> Cells) -> bool {
        let (start, end) = (at.0.start as usize, at.0.end as usize);
        let from = lines.len();
        self.before(lines, start);
        let blank = self.blank_before(start);
        if blank && !(from == lines.len() && from == 0) {
            lines.push(Line::Blank);
        }
        let asked = matches!(lines.get(from), Some(Line::Blank));
        let above = lines.len();
        let outer = std::mem::replace(&mut self.entry_end, end);
        let Cells(align, cells) = content(self);
        self.entry_end = outer;
        // comments in the middle of the entry stand above it
        let inner: Vec<Line> = self.take(end).into_iter().map(|at| Line::Comment(self.comment(at))).collect();
        lines.splice(above..above, inner);
        for line in doc.iter().flat_map(|d| d.split('\n')) {
            lines.push(Line::Comment(if line.is_empty() { "///".to_owned() } else { format!("/// {line}") }));
        }
        self.last = self.last.max(end);
        let trailing = self.trailing(end);
        lines.push(Line::Row { cells, align, trailing });
        asked
    }

    /// Comments before `start`, each on its own line.
    fn before(&mut self, lines: &mut Vec<Line>, start: usize) {
        for at in self.take(start) {
            let span = self.comments[at].at.0;
            if self.blank_before(span.start as usize) && !lines.is_empty() {
                lines.push(Line::Blank);
            }
            lines.push(Line::Comment(self.comment(at)));
            self.last = span.end as usize;
        }
    }

    /// The comments that start before `end` and are not printed yet.
    fn take(&mut self, end: usize) -> Vec<usize> {
        let mut out = Vec::new();
        while self.comments.get(self.next).is_some_and(|c| (c.at.0.start as usize) < end) {
            if !std::mem::replace(&mut self.used[self.next], true) {
                out.push(self.next);
            }
            self.next += 1;
        }
        out
    }

    /// The text of a comment on a line of its own.
    fn comment(&self, at: usize) -> String {
        let text = self.comments[at].text.as_str();
        match text.strip_prefix("--") {
            Some(rest) => format!("//{rest}"),
            None => text.to_owned(),
        }
    }

    /// What stands after `end` on the same line: an `accept` or several, a comment.
    fn trailing(&mut self, mut end: usize) -> Option<String> {
        let mut all: Option<String> = None;
        while let Some(text) = self.one_trailing(end) {
            end = self.last;
            all = Some(all.map_or_else(|| text.clone(), |all| all + "  " + &text));
        }
        all
    }

    fn one_trailing(&mut self, end: usize) -> Option<String> {
        let source = self.source?;
        let comment = self.comments.get(self.next)?;
        let between = source.get(end..comment.at.0.start as usize)?;
        if self.used[self.next] || !between.bytes().all(|b| matches!(b, b' ' | b'\t' | b',' | b'\r')) {
            return None;
        }
        // what follows on the line would be pushed away from its comment
        let after = source.get(comment.at.0.end as usize..).unwrap_or("");
        if comment.text.starts_with("/*")
            && !after.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
            && !after.is_empty()
        {
            return None;
        }
        Some(self.print_next(comment.at.0.end as usize))
    }

    /// The next comment, which ends here.
    fn print_next(&mut self, end: usize) -> String {
        self.used[self.next] = true;
        self.last = end;
        let text = self.comment(self.next);
        self.next += 1;
        text
    }

    /// Whether the source has a blank line between what was printed last and `start` (or the documentation above it).
    fn blank_before(&self, start: usize) -> bool {
        let Some(source) = self.source else { return false };
        let Some(between) = source.get(self.last..start) else { return false };
        // only up to the first thing in between, which can be documentation
        let up_to = between.len() - between.trim_start_matches([' ', '\t', '\r', '\n', ',']).len();
        between[..up_to].bytes().filter(|b| *b == b'\n').count() > 1
    }

    /// `{`, the entries, `}`, or `{}`.
    fn block(&mut self, entries: impl FnOnce(&mut Self, &mut Vec<Line>)) -> String {
        let mut lines = Vec::new();
        let note = self.after_brace();
        self.depth += 1;
        entries(self, &mut lines);
        self.before(&mut lines, self.entry_end.saturating_sub(1));
        self.depth -= 1;
        if lines.is_empty() && note.is_none() {
            return "{}".to_owned();
        }
        let mut out = note.map_or(String::from("{\n"), |note| format!("{{  {note}\n"));
        layout(&lines, self.depth + 1, &mut out);
        out.push_str(&"  ".repeat(self.depth));
        out.push('}');
        out
    }

    /// `head { a, b }` where that is no wider than `width` and no comment is in it.
    fn one_line(&self, head: &str, parts: &[String], width: usize) -> Option<String> {
        let comments = self.comments.get(self.next).is_some_and(|c| (c.at.0.start as usize) < self.entry_end);
        let line = format!("{head} {{ {} }}", parts.join(", "));
        let fits = !line.contains('\n') && line.chars().count() <= width;
        (fits && !comments && !parts.is_empty()).then_some(line)
    }

    /// A comment right after the opening brace, at the end of its line; or an `accept`, which is about the block.
    fn after_brace(&mut self) -> Option<String> {
        let source = self.source?;
        let comment = self.comments.get(self.next).filter(|_| !self.used[self.next])?;
        let (start, end) = (comment.at.0.start as usize, comment.at.0.end as usize);
        let before = source.get(..start)?.trim_end_matches([' ', '\t']);
        let after = source.get(end..)?.trim_start_matches([' ', '\t', '\r']);
        let stays = after.starts_with('\n') || comment.text.starts_with("accept");
        (start < self.entry_end && before.ends_with('{') && stays).then(|| self.print_next(end))
    }

    /// An expression as written, with the comments in it.
    fn expr(&mut self, expr: &RawExpr) -> String {
        let (start, end) = (expr.at.0.start as usize, expr.at.0.end as usize);
        let first = self.comments.partition_point(|c| (c.at.0.start as usize) < start);
        let inside = self.comments[first..].iter().take_while(|c| (c.at.0.end as usize) <= end && start < end).count();
        if inside == 0 {
            return expr.text.to_string();
        }
        let mut bytes = expr.text.as_bytes().to_vec();
        for at in first..first + inside {
            let from = self.comments[at].at.0.start as usize - start;
            let text = self.comments[at].text.as_bytes();
            if let Some(place) = bytes.get_mut(from..from + text.len()) {
                place.copy_from_slice(text);
                self.used[at] = true;
            }
        }
        String::from_utf8(bytes).unwrap_or_else(|_| expr.text.to_string())
    }

    /// `head` and the parts on one line. Where that is too wide, the last part stands on a line of its own, and so do those
    /// before it: together if they fit.
    fn wrapped(&self, head: String, parts: &[String], indent: usize) -> String {
        let width = |text: &str| text.lines().next().map_or(0, |l| l.chars().count()) + self.depth * 2;
        let breaks = parts.iter().rev().skip(1).any(|p| p.contains('\n'));
        // where the last line of the head starts
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        let one = parts.iter().fold(head.clone(), |line, part| line + " " + part);
        let Some((last, before)) = parts.split_last() else { return one };
        if width(&one[start..]) <= WIDTH && !breaks {
            return one;
        }
        let pad = " ".repeat(self.depth * 2 + indent);
        let together = before.join(" ");
        let lines = if !breaks && width(&together) + indent <= WIDTH { vec![together] } else { before.to_vec() };
        let lines = lines.iter().filter(|l| !l.is_empty()).chain([last]);
        lines.fold(head, |text, part| text + "\n" + &pad + part)
    }
}

/// Writes lines with their columns aligned.
fn layout(lines: &[Line], depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let rows: Vec<String> = (0..lines.len()).map(|at| row(lines, at, depth)).collect();
    for (at, line) in lines.iter().enumerate() {
        match line {
            Line::Blank => {}
            Line::Comment(text) => {
                out.push_str(&pad);
                out.push_str(text);
            }
            Line::Row { trailing, .. } => {
                out.push_str(&pad);
                out.push_str(&rows[at]);
                if let Some(trailing) = trailing {
                    let gap = comment_column(lines, &rows, at).saturating_sub(last_width(&rows[at])) + 2;
                    out.push_str(&" ".repeat(gap));
                    out.push_str(trailing);
                }
            }
        }
        out.push('\n');
    }
}

fn last_width(text: &str) -> usize {
    text.rsplit('\n').next().map_or(0, |l| l.chars().count())
}

/// Comments after neighbouring rows stand below each other, unless a row is too wide for that.
fn comment_column(lines: &[Line], rows: &[String], at: usize) -> usize {
    let commented = |i: &usize| matches!(&lines[*i], Line::Row { trailing: Some(_), .. }) && !rows[*i].contains('\n');
    let width = |i: usize| last_width(&rows[i]);
    if !commented(&at) || width(at) > 80 {
        return width(at);
    }
    let above = (0..at).rev().take_while(commented);
    let below = (at..lines.len()).take_while(commented);
    above.chain(below).map(width).filter(|w| *w <= 80).max().unwrap_or(0)
}

/// The text of one row, its cells padded to the widths of its fellows.
fn row(lines: &[Line], at: usize, depth: usize) -> String {
    let Line::Row { cells, align, .. } = &lines[at] else { return String::new() };
    let text = columns(lines, at, cells, *align);
    // what fits only without columns
    let width = text.lines().next().map_or(0, |l| l.chars().count()) + depth * 2;
    let may_be_loose = matches!(align, Align::Seed | Align::Rule | Align::Predicate);
    match cells.split_first() {
        Some((first, rest)) if width > WIDTH && may_be_loose => {
            let rest: Vec<&str> = rest.iter().map(String::as_str).filter(|c| !c.is_empty()).collect();
            let rest = rest.join("  ");
            let aligned = text.get(first.len()..).unwrap_or("");
            let gap = aligned.len() - aligned.trim_start_matches(' ').len();
            let first_line = rest.lines().next().unwrap_or("").chars().count();
            let fits = first.chars().count() + gap + first_line + depth * 2 <= WIDTH;
            format!("{first}{}{rest}", " ".repeat(if fits { gap } else { 1 }))
        }
        _ => text,
    }
}

fn columns(lines: &[Line], at: usize, cells: &[String], align: Align) -> String {
    let mut out = String::new();
    // after a cell that is too wide for its column, nothing stands in columns
    let mut wide = false;
    for (n, cell) in cells.iter().enumerate() {
        let later = cells[n + 1..].iter().any(|c| !c.is_empty());
        out.push_str(cell);
        if !later {
            break;
        }
        let empty = cell.is_empty() && fellows(lines, at, align, n).all(|other| other[n].is_empty());
        let gap = match (empty, align) {
            (true, _) => 0,
            (false, Align::Column | Align::Rule) if n > 0 => 2,
            _ => 1,
        };
        let width = fellows(lines, at, align, n)
            .filter(|other| other[n + 1..].iter().any(|c| !c.is_empty()))
            .map(|other| other[n].chars().count())
            .filter(|w| *w <= if n == 0 || align == Align::Rule { 40 } else { 56 })
            .max()
            .unwrap_or(0);
        let own = cell.chars().count();
        wide |= own > width && !empty;
        match (wide, cell.is_empty()) {
            (true, true) => {}
            (true, false) => out.push_str(&" ".repeat(gap)),
            (false, _) => out.push_str(&" ".repeat(width.saturating_sub(own) + gap)),
        }
    }
    out
}

/// The rows that share the column `n` with the row at `at`.
fn fellows(lines: &[Line], at: usize, align: Align, n: usize) -> impl Iterator<Item = &Vec<String>> {
    let (mut first, mut last) = (at, at);
    if matches!(align, Align::Check | Align::Seed | Align::Predicate) {
        let goes_on = |i: usize| match &lines[i] {
            Line::Row { align: other, .. } => *other == align,
            Line::Comment(_) => align == Align::Seed,
            Line::Blank => false,
        };
        while first > 0 && goes_on(first - 1) {
            first -= 1;
        }
        while last + 1 < lines.len() && goes_on(last + 1) {
            last += 1;
        }
    } else if align != Align::None {
        (first, last) = (0, lines.len() - 1);
    }
    let name_of_rule = align == Align::Rule && n == 0;
    lines[first..=last].iter().filter_map(move |line| match line {
        Line::Row { cells, align: a, .. }
            if *a == align && (name_of_rule || !cells.iter().any(|c| c.contains('\n'))) =>
        {
            Some(cells)
        }
        _ => None,
    })
}
